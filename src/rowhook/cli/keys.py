"""`rowhook keys`: who may call the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import rich_click as click

from rowhook import operations
from rowhook.cli.opened import known, with_reader, with_context
from rowhook.cli.options import as_json, noun, pages, span
from rowhook.cli.table import page, print_json, show, shown
from rowhook.operations import SCOPES, ServiceContext
from rowhook.operations.documents import Scope

_ORGANIZATION = click.option(
    "--organization", metavar="ID", help="Without it: an operator key, for all."
)


@noun
def keys(**_: str | None) -> None:
    """API keys. Alone: `keys list`."""


@keys.command("list")
@click.option("--organization", metavar="ID", help="Only this organization's.")
@pages
@as_json
@with_reader
async def list_(
    registry: ServiceContext, organization: str | None, limit: int, cursor: str | None, *, as_json: bool
) -> None:
    """What may be known of keys."""
    owner = await known(registry, organization)
    found = await operations.list_keys(registry, owner, cursor=cursor, limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "organization": one.organization_id or "all (operator)",
            "scopes": one.scopes,
            "expires": one.expires_at or "never",
            "last used": one.last_used_at or "never",
        }
        for one in found.items
    ]
    page(rows, found.next_cursor, "No keys. Make one: rowhook keys create --name NAME --scope read")


@keys.command()
@click.option("--name", required=True, help="Who or what will use it; the audit says it.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    required=True,
    help="What it may do; may be repeated.",
)
@_ORGANIZATION
@click.option("--expires-in", type=span, help="E.g. 30d. Without it: never.")
@as_json
@with_context
async def create(
    registry: ServiceContext,
    name: str,
    scopes: tuple[Scope, ...],
    organization: str | None,
    expires_in: timedelta | None,
    *,
    as_json: bool,
) -> None:
    """Make a new key and show it, once."""
    ends = None if expires_in is None else datetime.now(UTC) + expires_in
    owner = await known(registry, organization)
    made = await operations.create_key(registry, owner, name, list(scopes), ends)
    if as_json:
        print_json(made)
        return
    whose = "every organization" if made.organization_id is None else made.organization_id
    show(f"Key {made.id} of {whose}: {', '.join(made.scopes)}; expires {shown(ends or 'never')}.")
    show("Keep it now, it is not shown again:", f"  {made.key}")


@keys.command()
@click.argument("key", type=click.UUID)
@with_context
async def delete(registry: ServiceContext, key: UUID) -> None:
    """Delete a key: it admits nobody from now on."""
    await operations.delete_key(registry, key)
    show(f"Key {key} is deleted.")
