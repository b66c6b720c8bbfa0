"""Sessions: of the dashboard (sign-in), and of pages that read callbacks (tokens)."""

from __future__ import annotations

import binascii
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from rowhook.db import access_queries
from rowhook.db.connection_pool import Pool
from rowhook.security.vault import Keyring
from rowhook.services.access import (
    SCOPES,
    Caller,
    NotAuthenticated,
    authenticate,
    authenticate_hash,
    digest_of,
)
from rowhook.services.context import KeyringContext, NotFound, ServerContext

PREFIX = "rhs_"
_INVALID = "Invalid session token. Create a new one."
_EXPIRED = "The session token has expired. Create a new one with POST /v1/sessions/{id}/token."
SESSION = timedelta(hours=12)
LINK = timedelta(minutes=15)
# The link of `rowhook up` is for the owner of the database.
_OWNER = Caller(id="holder", name="sign-in link", organization=None, scopes=frozenset[str](SCOPES))


class SessionToken(Struct, frozen=True, kw_only=True):
    """A token for the pages of one session. It is returned only once."""

    token: str
    expires_at: datetime


class _Claims(Struct, frozen=True, array_like=True):
    organization: UUID
    session: str
    expires_at: int


async def create_session_token(
    ctx: KeyringContext, session: str, lifetime: timedelta
) -> SessionToken:
    """Creates a token; nothing is stored. Raises NotFound."""
    organization = await access_queries.session_owner(ctx.pool, session)
    if organization is None:
        raise NotFound(f"Session {session} does not exist.")
    expires_at = datetime.now(UTC).replace(microsecond=0) + lifetime
    payload = msgspec.json.encode(_Claims(organization, session, int(expires_at.timestamp())))
    key_id, mark = ctx.keyring.mac(payload)
    parts = (key_id.encode(), payload, mark)
    token = PREFIX + ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    return SessionToken(token=token, expires_at=expires_at)


def authenticate_session(keyring: Keyring, token: str) -> Caller:
    """Returns the caller with this token. Raises NotAuthenticated."""
    try:
        key_id, payload, mark = map(_decode, token.removeprefix(PREFIX).split("."))
        if not keyring.verify_mac(key_id.decode("ascii"), payload, mark):
            raise NotAuthenticated(_INVALID)
        claims = msgspec.json.decode(payload, type=_Claims)
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise NotAuthenticated(_INVALID) from error
    if claims.expires_at <= datetime.now(UTC).timestamp():
        raise NotAuthenticated(_EXPIRED)
    return Caller(
        id="session",
        name=f"session {claims.session}",
        organization=claims.organization,
        scopes=frozenset(),
        session=claims.session,
        until=float(claims.expires_at),
    )


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _new_token() -> str:
    return secrets.token_urlsafe(32)


def _after(span: timedelta) -> datetime:
    return datetime.now(UTC) + span


async def sign_in(server_ctx: ServerContext, key: str) -> str:
    """Creates a session and returns its token for a cookie. Raises NotAuthenticated."""
    await authenticate(server_ctx.pool, key, server_ctx.admin_key)
    token = _new_token()
    await access_queries.sign_in(
        server_ctx.pool, digest_of(token), digest_of(key), _after(SESSION), once=False
    )
    return token


async def make_link(pool: Pool) -> str:
    """Creates a token for a single operator session, valid for 15 minutes."""
    token = _new_token()
    await access_queries.sign_in(pool, digest_of(token), None, _after(LINK), once=True)
    return token


async def open_link(server_ctx: ServerContext, link: str) -> str:
    """Redeems a sign-in link and returns the token of its session. Raises NotAuthenticated."""
    token = _new_token()
    if not await access_queries.open_sign_in(
        server_ctx.pool, digest_of(link), digest_of(token), _after(SESSION)
    ):
        raise NotAuthenticated(
            "This link was used already, or is older than 15 minutes. Sign in with an API key, or"
            " restart `rowhook up` for a new link."
        )
    return token


async def authenticate_visitor(server_ctx: ServerContext, token: str | None) -> Caller:
    """Returns the caller of a session. Raises NotAuthenticated, e.g. if its key was deleted."""
    session = await access_queries.signed_in(server_ctx.pool, digest_of(token)) if token else None
    if session is None:
        raise NotAuthenticated("The session does not exist or has ended. Sign in.")
    if session.key_hash is None:
        return _OWNER
    return await authenticate_hash(server_ctx.pool, session.key_hash, server_ctx.admin_key)


async def sign_out(server_ctx: ServerContext, token: str) -> None:
    """Ends a session."""
    await access_queries.sign_out(server_ctx.pool, digest_of(token))
