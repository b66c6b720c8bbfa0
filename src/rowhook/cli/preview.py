"""`rowhook preview`: renders the request of a webhook without sending it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import rich_click as click

from rowhook.cli.exchange import show_request
from rowhook.cli.opened import with_keyring
from rowhook.cli.options import as_json
from rowhook.cli.sample import sample_of, sample_options
from rowhook.cli.table import print_json, show
from rowhook.operations import KeyringContext
from rowhook.operations.preview import preview_webhook


@click.command()
@sample_options
@as_json
@with_keyring
async def preview(ctx: KeyringContext, webhook: UUID, *, as_json: bool, **options: Any) -> int:
    """Render and validate the request of a webhook without sending it. Exit 1 if it is invalid."""
    result = await preview_webhook(ctx, webhook, sample_of(**options))
    if as_json:
        print_json(result)
        return 0 if result.valid else 1
    if result.request is not None:
        show_request(result.request)
        show("")
    if result.valid:
        show("Valid. Nothing was sent. To send it:", f"  rowhook test {webhook}")
        return 0
    show(f"Invalid ({result.outcome}): {result.error}")
    return 1
