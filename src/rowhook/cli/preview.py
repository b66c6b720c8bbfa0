"""`rowhook preview`: the request that a webhook would send. Sends nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import rich_click as click

from rowhook.cli.exchange import show_request
from rowhook.cli.opened import with_keyring
from rowhook.cli.options import as_json
from rowhook.cli.sample import sample_of, sampled
from rowhook.cli.table import print_json, show
from rowhook.operations import KeyringContext
from rowhook.operations.preview import preview_webhook


@click.command()
@sampled
@as_json
@with_keyring
async def preview(ctx: KeyringContext, webhook: UUID, *, as_json: bool, **sample: Any) -> int:
    """Render and validate a webhook's request, and send nothing. Exit 1 if it is not valid."""
    found = await preview_webhook(ctx, webhook, sample_of(**sample))
    if as_json:
        print_json(found)
        return 0 if found.valid else 1
    if found.request is not None:
        show_request(found.request)
        show("")
    if found.valid:
        show("Valid. Nothing was sent.", f"  rowhook test {webhook}")
        return 0
    show(f"Not valid, {found.outcome}: {found.error}")
    return 1
