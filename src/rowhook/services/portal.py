"""Portal links: each signs a customer in once to the dashboard of one organization."""

from __future__ import annotations

import binascii
import re
import secrets
from base64 import b64decode
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, get_args
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from rowhook.db import organization_queries
from rowhook.db.organization_queries import PortalRow
from rowhook.render.configuration import Fault
from rowhook.services.access import (
    SCOPES,
    Caller,
    NotAuthenticated,
    authenticate_hash,
    digest_of,
    scope_faults,
)
from rowhook.services.context import Rejected, ServerContext, ServiceContext
from rowhook.services.sessions import SESSION

PortalScope = Literal["read", "write", "secrets", "replay"]
PORTAL_SCOPES: tuple[PortalScope, ...] = get_args(PortalScope)
DEFAULT_LIFETIME_S = 900
MAX_LIFETIME_S = 7 * 86400
_MIN_LIFETIME_S = 30
_MAX_NAME_LENGTH = 80
_MAX_URL_LENGTH = 2000
_MAX_LOGO_LENGTH = 65536
_COLOR = re.compile(r"#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})")
# Printable ASCII without spaces, quotes, backslashes and angle brackets; no user and password.
_URL = re.compile(
    r"(?P<origin>https?://"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*)(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)"
    r"(?:[/?#][!#-;=?-\[\]-_a-~]*)?"
)
_DATA_URL = re.compile(
    r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,(?P<data>[A-Za-z0-9+/]+={0,2})"
)
_LOGO_EXPECTED = (
    "Use an https URL of at most 2,000 characters, or data:image/png;base64,… (png, jpeg, gif, webp"
    " or svg+xml) of at most 65,536 characters."
)


class PortalBrand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The look of the portal. Without a name, it has that of the organization.

    `logo` is an https URL or a `data:image/…;base64,` URL. Colors are `#rgb` or `#rrggbb`; texts
    and links get a shade of them that is readable.
    """

    name: Annotated[str, Meta(max_length=_MAX_NAME_LENGTH)] | None = None
    logo: Annotated[str, Meta(max_length=_MAX_LOGO_LENGTH)] | None = None
    accent_color: str | None = None
    header_color: str | None = None

    @property
    def logo_origin(self) -> str | None:
        """The origin that the logo is loaded from; None for a data URL."""
        match = _URL.fullmatch(self.logo or "")
        return match["origin"] if match else None


class PortalLinkDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A portal link to create. An operator key names the organization.

    The portal's scopes must include `read` and cannot exceed those of the key. `return_url` is
    where the portal's links back to your application lead. The link must be opened within
    `expires_in_s` seconds.
    """

    organization_id: str | None = None
    scopes: list[PortalScope] = msgspec.field(default_factory=lambda: ["read"])
    return_url: Annotated[str, Meta(max_length=_MAX_URL_LENGTH)] | None = None
    brand: PortalBrand = PortalBrand()
    expires_in_s: Annotated[int, Meta(ge=_MIN_LIFETIME_S, le=MAX_LIFETIME_S)] = DEFAULT_LIFETIME_S


class PortalLink(Struct, frozen=True, kw_only=True):
    """A link that can be opened once, until `expires_at`. It is returned only once."""

    url: str
    expires_at: datetime


class Portal(Struct, frozen=True, kw_only=True):
    """The display of a portal session: its name, brand, and the way back."""

    name: str
    brand: PortalBrand
    return_url: str | None


class PortalEnded(NotAuthenticated):
    """The portal session has ended, or the key that created it was deleted or has expired."""


_LINK_SPENT = "This link was used already, or has expired. Go back and open the portal again."
_SESSION_ENDED = "The session has ended. Go back and open the portal again."


async def create_link(
    ctx: ServiceContext,
    caller: Caller,
    organization: UUID,
    draft: PortalLinkDraft,
    faults: Iterable[Fault] = (),
    *,
    base_url: str,
) -> PortalLink:
    """Creates a link to the portal at `base_url`. Raises Rejected including `faults`."""
    if faults := (*faults, *_faults(caller, draft)):
        raise Rejected(*faults)
    token = secrets.token_urlsafe(32)
    ends_at = datetime.now(UTC) + timedelta(seconds=draft.expires_in_s)
    await organization_queries.create_portal_link(
        ctx.pool,
        organization,
        sorted(set(draft.scopes), key=SCOPES.index),
        msgspec.json.encode(draft.brand).decode(),
        draft.return_url,
        caller.key_hash,
        digest_of(token),
        ends_at,
    )
    return PortalLink(url=f"{base_url.rstrip('/')}/portal?token={token}", expires_at=ends_at)


def _faults(caller: Caller, draft: PortalLinkDraft) -> list[Fault]:
    faults = scope_faults(caller, draft.scopes)
    if "read" not in draft.scopes:
        message = "Include read: every page of the portal needs it."
        faults.append(Fault(pointer="/scopes", message=message))
    if draft.return_url is not None and not _is_url(draft.return_url):
        message = (
            f"Use an absolute http or https URL of at most {_MAX_URL_LENGTH} ASCII characters,"
            " without user and password."
        )
        faults.append(Fault(pointer="/return_url", message=message))
    if not _MIN_LIFETIME_S <= draft.expires_in_s <= MAX_LIFETIME_S:
        message = f"Use {_MIN_LIFETIME_S} to {MAX_LIFETIME_S} seconds."
        faults.append(Fault(pointer="/expires_in_s", message=message))
    return faults + _brand_faults(draft.brand)


def _brand_faults(brand: PortalBrand) -> list[Fault]:
    faults = []
    name = brand.name
    is_short = name is None or (bool(name.strip()) and len(name) <= _MAX_NAME_LENGTH)
    if not is_short or (name is not None and not name.isprintable()):
        message = f"Use 1 to {_MAX_NAME_LENGTH} printable characters."
        faults.append(Fault(pointer="/brand/name", message=message))
    if brand.logo is not None and not _is_logo(brand.logo):
        faults.append(Fault(pointer="/brand/logo", message=_LOGO_EXPECTED))
    colors = {"accent_color": brand.accent_color, "header_color": brand.header_color}
    for field, color in colors.items():
        if color is not None and not _COLOR.fullmatch(color):
            message = "Use a color such as #36c or #3366cc."
            faults.append(Fault(pointer=f"/brand/{field}", message=message))
    return faults


def _is_logo(text: str) -> bool:
    if _is_url(text):
        return text.startswith("https:")
    match = _DATA_URL.fullmatch(text)
    if match is None or len(text) > _MAX_LOGO_LENGTH:
        return False
    try:
        return bool(b64decode(match["data"], validate=True))
    except binascii.Error:
        return False


def _is_url(text: str) -> bool:
    return _URL.fullmatch(text) is not None and len(text) <= _MAX_URL_LENGTH


async def portal_of_link(server_ctx: ServerContext, link: str) -> Portal:
    """Returns the portal that a link opens. Raises NotAuthenticated."""
    _, portal = await _access(server_ctx, link, is_opened=False)
    return portal


async def open_link(server_ctx: ServerContext, link: str) -> str:
    """Redeems a link and returns the token of its session. Raises NotAuthenticated."""
    await _access(server_ctx, link, is_opened=False)
    token = secrets.token_urlsafe(32)
    ends_at = datetime.now(UTC) + SESSION
    if not await organization_queries.open_portal_link(
        server_ctx.pool, digest_of(link), digest_of(token), ends_at
    ):
        raise NotAuthenticated(_LINK_SPENT)
    return token


async def authenticate_portal(server_ctx: ServerContext, token: str) -> tuple[Caller, Portal]:
    """Returns the caller of a portal session, and its portal. Raises PortalEnded."""
    return await _access(server_ctx, token, is_opened=True)


async def end_session(server_ctx: ServerContext, token: str) -> None:
    """Ends a portal session."""
    await organization_queries.end_portal_session(server_ctx.pool, digest_of(token))


async def _access(
    server_ctx: ServerContext, token: str, *, is_opened: bool
) -> tuple[Caller, Portal]:
    row = (
        await organization_queries.portal_access(server_ctx.pool, digest_of(token))
        if token
        else None
    )
    scopes = None if row is None else await _key_scopes(server_ctx, row)
    if row is None or scopes is None or row.is_opened != is_opened:
        raise PortalEnded(_SESSION_ENDED if is_opened else _LINK_SPENT)
    caller = Caller(
        id=f"portal:{row.id}",
        name=row.organization_name,
        organization=row.organization_id,
        scopes=frozenset(row.scopes) & scopes,
        portal=row.id,
    )
    brand = msgspec.json.decode(row.brand, type=PortalBrand)
    name = brand.name or row.organization_name
    return caller, Portal(name=name, brand=brand, return_url=row.return_url)


async def _key_scopes(server_ctx: ServerContext, row: PortalRow) -> frozenset[str] | None:
    """The scopes of the key that created the link; None if the key may no longer do so."""
    if row.key_hash is None:
        return frozenset[str](PORTAL_SCOPES)
    try:
        key = await authenticate_hash(server_ctx.pool, row.key_hash, server_ctx.admin_key)
    except NotAuthenticated:
        return None
    return key.scopes if key.organization in (None, row.organization_id) else None
