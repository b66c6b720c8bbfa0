"""Sign-in to the dashboard with an API key or a single-use link.

A session has the rights of its key and ends with it, after twelve hours at most. Tokens are stored
as their SHA-256.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from rowhook import postgres
from rowhook.operations.keys import (
    SCOPES,
    Caller,
    NotAuthenticated,
    authenticate,
    authenticate_hash,
    digest_of,
)
from rowhook.operations.office import ServerContext

SESSION = timedelta(hours=12)
LINK = timedelta(minutes=15)
# The link of `rowhook up` is for the owner of the database.
_OWNER = Caller(id="holder", name="sign-in link", organization=None, scopes=frozenset[str](SCOPES))


def _new_token() -> str:
    return secrets.token_urlsafe(32)


def _after(span: timedelta) -> datetime:
    return datetime.now(UTC) + span


async def sign_in(server_ctx: ServerContext, key: str) -> str:
    """Creates a session and returns its token for a cookie. Raises NotAuthenticated."""
    await authenticate(server_ctx.pool, key, server_ctx.admin_key)
    token = _new_token()
    await postgres.sign_in(
        server_ctx.pool, digest_of(token), digest_of(key), _after(SESSION), once=False
    )
    return token


async def make_link(pool: postgres.Pool) -> str:
    """Creates a token for a single operator session, valid for 15 minutes."""
    token = _new_token()
    await postgres.sign_in(pool, digest_of(token), None, _after(LINK), once=True)
    return token


async def open_link(server_ctx: ServerContext, link: str) -> str:
    """Redeems a sign-in link and returns the token of its session. Raises NotAuthenticated."""
    token = _new_token()
    if not await postgres.open_sign_in(
        server_ctx.pool, digest_of(link), digest_of(token), _after(SESSION)
    ):
        raise NotAuthenticated(
            "This link was used already, or is older than 15 minutes. Sign in with an API key, or"
            " restart `rowhook up` for a new link."
        )
    return token


async def authenticate_visitor(server_ctx: ServerContext, token: str | None) -> Caller:
    """Returns the caller of a session. Raises NotAuthenticated, e.g. if its key was deleted."""
    found = await postgres.signed_in(server_ctx.pool, digest_of(token)) if token else None
    if found is None:
        raise NotAuthenticated("There is no session, or it has ended. Sign in.")
    if found.key_hash is None:
        return _OWNER
    return await authenticate_hash(server_ctx.pool, found.key_hash, server_ctx.admin_key)


async def sign_out(server_ctx: ServerContext, token: str) -> None:
    """Ends a session."""
    await postgres.sign_out(server_ctx.pool, digest_of(token))
