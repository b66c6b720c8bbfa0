"""Session tokens, which let a web page read the callbacks of one session."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from rowhook import postgres
from rowhook.operations.keys import Caller, NotAuthenticated
from rowhook.operations.office import KeyringContext, NotFound
from rowhook.vault import Keyring

PREFIX = "rhs_"
_INVALID = "Invalid session token. Create a new one."
_EXPIRED = "The session token has expired. Create a new one with POST /v1/sessions/{id}/token."


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
    organization = await postgres.session_owner(ctx.pool, session)
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
