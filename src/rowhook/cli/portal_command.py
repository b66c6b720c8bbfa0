"""`rowhook portal`: prints a link to the portal of an organization."""

from __future__ import annotations

from datetime import timedelta

import rich_click as click

from rowhook.cli.operator_session import with_base_url
from rowhook.cli.options import as_json, duration
from rowhook.cli.output import format_value, print_json, show
from rowhook.services import lookups
from rowhook.services.access import SCOPES, Caller
from rowhook.services.context import ServiceContext
from rowhook.services.portal import (
    DEFAULT_LIFETIME_S,
    PORTAL_SCOPES,
    PortalBrand,
    PortalLinkDraft,
    PortalScope,
    create_link,
)


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


# Whoever has access to the database.
_OWNER = Caller(id="owner", name="owner", organization=None, scopes=frozenset[str](SCOPES))
