"""`rowhook keys`: lists, creates and deletes API keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import rich_click as click

from rowhook.cli.operator_session import organization_filter, with_context, with_reader
from rowhook.cli.options import as_json, duration, list_group, paging
from rowhook.cli.output import format_value, print_json, show, show_page
from rowhook.services import access
from rowhook.services.access import SCOPES, Scope
from rowhook.services.context import ServiceContext

_ORGANIZATION = click.option(
    "--organization",
    metavar="ID",
    help="Organization of the key. Default: an operator key for all organizations.",
)


@list_group
def keys(**_: str | None) -> None:
    """Manage API keys. Without a command: `keys list`."""


@keys.command("list")
@click.option("--organization", metavar="ID", help="Only keys of this organization.")
@paging
@as_json
@with_reader
async def list_(
    ctx: ServiceContext, organization: str | None, limit: int, cursor: str | None, *, as_json: bool
) -> None:
    """List API keys, without the keys themselves."""
    owner = await organization_filter(ctx, organization)
    result = await access.list_keys(ctx, owner, cursor=cursor, limit=limit)
    if as_json:
        print_json(result)
        return
    rows = [
        {
            "id": key.id,
            "name": key.name,
            "organization": key.organization_id or "all (operator)",
            "scopes": key.scopes,
            "expires": key.expires_at or "never",
            "last used": key.last_used_at or "never",
        }
        for key in result.items
    ]
    empty = "No keys. To create one: rowhook keys create --name NAME --scope read"
    show_page(rows, result.next_cursor, empty)


@keys.command()
@click.option("--name", required=True, help="Who or what uses the key. Shown in the audit log.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    required=True,
    help="Scope to grant. May be repeated.",
)
@_ORGANIZATION
@click.option("--expires-in", type=duration, help="Lifetime, e.g. 30d. Default: no expiry.")
@as_json
@with_context
async def create(
    ctx: ServiceContext,
    name: str,
    scopes: tuple[Scope, ...],
    organization: str | None,
    expires_in: timedelta | None,
    *,
    as_json: bool,
) -> None:
    """Create a key and print it once."""
    expires_at = None if expires_in is None else datetime.now(UTC) + expires_in
    owner = await organization_filter(ctx, organization)
    key = await access.create_key(ctx, owner, name, list(scopes), expires_at)
    if as_json:
        print_json(key)
        return
    target = f"organization {key.organization_id}" if key.organization_id else "all organizations"
    expiry = format_value(expires_at or "never")
    show(f"Key {key.id} for {target}: {', '.join(key.scopes)}; expires {expiry}.")
    show("Store the key now; it is not shown again:", f"  {key.key}")


@keys.command()
@click.argument("key", type=click.UUID)
@with_context
async def delete(ctx: ServiceContext, key: UUID) -> None:
    """Delete a key. Requests with it are refused from now on."""
    await access.delete_key(ctx, key)
    show(f"Deleted key {key}.")
