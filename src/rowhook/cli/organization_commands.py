"""`rowhook organizations` and `rowhook portal`: quotas, export, erasure and portal links."""

from __future__ import annotations

import sys
from datetime import timedelta

import msgspec
import rich_click as click

from rowhook.cli.operator_session import with_base_url, with_context, with_reader
from rowhook.cli.options import as_json, duration, list_group, paging
from rowhook.cli.output import format_value, print_json, show, show_page, show_record
from rowhook.services import lookups
from rowhook.services import organizations as operations
from rowhook.services.access import SCOPES, Caller
from rowhook.services.context import ServiceContext
from rowhook.services.lookups import list_organizations
from rowhook.services.organizations import OrganizationDetails, QuotaPatch
from rowhook.services.portal import (
    DEFAULT_LIFETIME_S,
    PORTAL_SCOPES,
    PortalBrand,
    PortalLinkDraft,
    PortalScope,
    create_link,
)

_ORGANIZATION = click.argument("organization")
# Whoever has access to the database.
_OWNER = Caller(id="owner", name="owner", organization=None, scopes=frozenset[str](SCOPES))


@list_group
def organizations(**_: str | None) -> None:
    """Manage organizations. Without a command: `organizations list`."""


@organizations.command("list")
@paging
@as_json
@with_reader
async def list_(ctx: ServiceContext, limit: int, cursor: str | None, *, as_json: bool) -> None:
    """List organizations by id."""
    result = await list_organizations(ctx, cursor=cursor, limit=limit)
    if as_json:
        print_json(result)
        return
    rows = [{"id": item.external_id or item.id, "name": item.name} for item in result.items]
    show_page(rows, result.next_cursor, "No organizations. The platform creates them.")


@organizations.command("show")
@_ORGANIZATION
@as_json
@with_reader
async def show_(ctx: ServiceContext, organization: str, *, as_json: bool) -> None:
    """Show the quotas of an organization and their usage."""
    identifier = await lookups.organization_id(ctx, organization)
    _show(await operations.organization_of(ctx, identifier), as_json=as_json)


def _show(details: OrganizationDetails, *, as_json: bool) -> None:
    if as_json:
        print_json(details)
        return
    most = details.quota.webhooks
    show_record(
        {
            "id": details.external_id or details.id,
            "name": details.name,
            "webhooks": f"{details.usage.webhooks} of {'any' if most is None else most}",
            "deliveries_per_s": details.quota.deliveries_per_s or "any",
            "bytes_per_day": _bytes(details),
        }
    )


def _bytes(details: OrganizationDetails) -> str:
    most, usage = details.quota.bytes_per_day, details.usage
    if most is None:
        return "any"
    wait = usage.bytes_resume_at
    waiting = f"; deliveries wait until {wait:%Y-%m-%d %H:%M} UTC" if wait else ""
    return f"{usage.bytes_today} of {most} today{waiting}"


def _limit(text: str) -> float | None:
    """Reads a number, or `none` for no limit. Raises BadParameter."""
    try:
        return None if text == "none" else float(text)
    except ValueError:
        raise click.BadParameter(f"Invalid limit {text!r}. Use a number, or none.") from None


def _whole(number: float | None) -> float | int | None:
    return int(number) if number is not None and number.is_integer() else number


@organizations.command()
@_ORGANIZATION
@click.option("--webhooks", type=_limit, multiple=True, help="How many it may have, or none.")
@click.option(
    "--deliveries-per-s",
    type=_limit,
    multiple=True,
    help="How many deliveries may start in a second, or none. Further ones wait.",
)
@click.option(
    "--bytes-per-day",
    type=_limit,
    multiple=True,
    help="How many bytes of events its deliveries may carry in a day of UTC, or none."
    " Further ones wait for the next day.",
)
@as_json
@with_context
async def quota(
    ctx: ServiceContext,
    organization: str,
    *,
    as_json: bool,
    **limits: tuple[float | None, ...],
) -> None:
    """Set the quotas of an organization; none removes a limit."""
    fields = {name: _whole(values[-1]) for name, values in limits.items() if values}
    try:
        patch = msgspec.convert(fields, QuotaPatch)
    except msgspec.ValidationError as error:
        raise click.UsageError(f"{error}.", click.get_current_context()) from error
    identifier = await lookups.organization_id(ctx, organization)
    _show(await operations.set_quotas(ctx, identifier, patch), as_json=as_json)


@organizations.command()
@_ORGANIZATION
@with_reader
async def export(ctx: ServiceContext, organization: str) -> None:
    """Print all that is stored about an organization as JSON lines, without secrets."""
    identifier = await lookups.organization_id(ctx, organization)
    async for line in operations.export(ctx, identifier):
        sys.stdout.write(line.decode())


@organizations.command()
@_ORGANIZATION
@click.option(
    "--confirm", metavar="ID", required=True, help="The id of the organization once more."
)
@as_json
@with_context
async def erase(ctx: ServiceContext, organization: str, confirm: str, *, as_json: bool) -> None:
    """Erase all that Rowhook stores about an organization, for good.

    The platform's own tables are unchanged.
    """
    identifier = await lookups.organization_id(ctx, organization)
    erased = await operations.erase(ctx, identifier, confirm)
    if as_json:
        print_json(erased)
        return
    counts = msgspec.to_builtins(erased)
    show("Erased:", *(f"  {count} {kind.replace('_', ' ')}" for kind, count in counts.items()))


@click.command("portal")
@click.argument("organization")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(PORTAL_SCOPES),
    multiple=True,
    default=["read"],
    help="Scope to grant. May be repeated; read is always granted.",
)
@click.option("--name", help="Name that the portal shows. Default: the organization's.")
@click.option("--return-url", metavar="URL", help="Where the portal's links back lead to.")
@click.option(
    "--expires-in",
    type=duration,
    default=f"{DEFAULT_LIFETIME_S // 60}min",
    show_default=True,
    help="How long the link can be opened.",
)
@click.option(
    "--base-url",
    metavar="URL",
    help="Address at which customers reach the API. Default: where `rowhook up` serves it.",
)
@as_json
@with_base_url
async def portal(
    ctx: ServiceContext,
    api_url: str,
    organization: str,
    scopes: tuple[PortalScope, ...],
    name: str | None,
    return_url: str | None,
    expires_in: timedelta,
    base_url: str | None,
    *,
    as_json: bool,
) -> None:
    """Print a link that signs a customer in once to the dashboard of one organization."""
    owner = await lookups.organization_id(ctx, organization)
    draft = PortalLinkDraft(
        scopes=sorted({"read", *scopes}, key=SCOPES.index),
        return_url=return_url,
        brand=PortalBrand(name=name),
        expires_in_s=int(expires_in.total_seconds()),
    )
    link = await create_link(ctx, _OWNER, owner, draft, base_url=base_url or api_url)
    if as_json:
        print_json(link)
        return
    show(f"Opens once, until {format_value(link.expires_at)}:", f"  {link.url}")
