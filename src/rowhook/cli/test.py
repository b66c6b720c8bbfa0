"""`rowhook test`: sends a test request to a webhook."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import rich_click as click

from rowhook.cli.exchange import show_request, show_response, show_timings
from rowhook.cli.opened import with_keyring
from rowhook.cli.options import as_json
from rowhook.cli.sample import sample_of, sample_options
from rowhook.cli.table import print_json, show
from rowhook.operations import KeyringContext
from rowhook.operations.trial import Trial, test_webhook

_DELIVERED = "delivered"


@click.command()
@sample_options
@as_json
@with_keyring
async def test(ctx: KeyringContext, webhook: UUID, *, as_json: bool, **options: Any) -> int:
    """Send a test request to a webhook and print the response. Exit 1 if it failed."""
    result = await test_webhook(ctx, webhook, sample_of(**options))
    if as_json:
        print_json(result)
    else:
        _show(result)
    return 0 if result.outcome == _DELIVERED else 1


def _show(result: Trial) -> None:
    if result.request is not None:
        show_request(result.request)
        show("")
    response = result.response
    if response is not None:
        show_response(response.status, response.headers, response.body)
        show("")
    show(f"{result.outcome}: {result.error}" if result.error else str(result.outcome))
    show_timings(result.timings)
