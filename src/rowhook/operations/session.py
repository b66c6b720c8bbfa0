"""Session tokens: what lets a page read one session's callbacks, for a while, and nothing else."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from rowhook import postgres
from rowhook.operations.keys import Caller, NotAdmitted
from rowhook.operations.ctx import NotFound, KeyringContext
from rowhook.vault import Keyring

PREFIX = "rhs_"
_NOT_OURS = "the session token is not one of ours, or was changed: ask for a new one"
_ENDED = "the session token has expired: ask for a new one, with POST /v1/sessions/{id}/token"


class SessionToken(Struct, frozen=True, kw_only=True):
    """A token for the pages of one session. It is shown here only."""

    token: str
    expires_at: datetime


class _Claims(Struct, frozen=True, array_like=True):
    organization: UUID
    session: str
    expires_at: int


async def create_session_token(ctx: KeyringContext, session: str, life: timedelta) -> SessionToken:
    """A new token; nothing is stored. Raises NotFound."""
    organization = await postgres.session_owner(ctx.pool, session)
    if organization is None:
        raise NotFound(f"session {session} does not exist")
    ends = datetime.now(UTC).replace(microsecond=0) + life
    payload = msgspec.json.encode(_Claims(organization, session, int(ends.timestamp())))
    key_id, mark = ctx.keyring.mark(payload)
    parts = (key_id.encode(), payload, mark)
    token = PREFIX + ".".join(urlsafe_b64encode(one).decode().rstrip("=") for one in parts)
    return SessionToken(token=token, expires_at=ends)


def admit_session(keyring: Keyring, token: str) -> Caller:
    """Who holds this token: a page of one session, until then. Raises NotAdmitted."""
    try:
        key_id, payload, mark = map(_part, token.removeprefix(PREFIX).split("."))
        if not keyring.bears_mark(key_id.decode("ascii"), payload, mark):
            raise NotAdmitted(_NOT_OURS)
        claims = msgspec.json.decode(payload, type=_Claims)
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise NotAdmitted(_NOT_OURS) from error
    if claims.expires_at <= datetime.now(UTC).timestamp():
        raise NotAdmitted(_ENDED)
    return Caller(
        id="session",
        name=f"session {claims.session}",
        organization=claims.organization,
        scopes=frozenset(),
        session=claims.session,
        until=float(claims.expires_at),
    )


def _part(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
