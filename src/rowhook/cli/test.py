"""`rowhook test`: sends a webhook one test request, now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import rich_click as click

from rowhook.cli.exchange import show_request, show_response, show_timings
from rowhook.cli.opened import with_keyring
from rowhook.cli.options import as_json
from rowhook.cli.sample import sample_of, sampled
from rowhook.cli.table import print_json, show
from rowhook.operations import KeyringContext
from rowhook.operations.trial import Trial, test_webhook

_DELIVERED = "delivered"


@click.command()
@sampled
@as_json
@with_keyring
async def test(ctx: KeyringContext, webhook: UUID, *, as_json: bool, **sample: Any) -> int:
    """Send a webhook a test request now and show what answered. Exit 1 if it failed."""
    found = await test_webhook(ctx, webhook, sample_of(**sample))
    if as_json:
        print_json(found)
    else:
        _show(found)
    return 0 if found.outcome == _DELIVERED else 1


def _show(found: Trial) -> None:
    if found.request is not None:
        show_request(found.request)
        show("")
    answer = found.response
    if answer is not None:
        show_response(answer.status, answer.headers, answer.body)
        show("")
    show(f"{found.outcome}: {found.error}" if found.error else str(found.outcome))
    show_timings(found.timings)
