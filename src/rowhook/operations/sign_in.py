"""Signing in to the dashboard, with an API key or a link that works once.

A session stands for its key: what the key may do, for as long as the key admits, twelve hours at
most. Tokens are shown once and kept as their SHA-256.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from rowhook import postgres
from rowhook.operations.keys import SCOPES, Caller, NotAdmitted, admit, admit_hash, digest_of
from rowhook.operations.ctx import ServerContext

SESSION = timedelta(hours=12)
LINK = timedelta(minutes=15)
# A link of `up` is of whom the database belongs to.
_HOLDER = Caller(id="holder", name="sign-in link", organization=None, scopes=frozenset[str](SCOPES))


def _new_token() -> str:
    return secrets.token_urlsafe(32)


def _after(span: timedelta) -> datetime:
    return datetime.now(UTC) + span


async def sign_in(server_ctx: ServerContext, key: str) -> str:
    """A session's token, for a cookie. Raises NotAdmitted."""
    await admit(server_ctx.pool, key, server_ctx.admin_key)
    token = _new_token()
    await postgres.sign_in(server_ctx.pool, digest_of(token), digest_of(key), _after(SESSION), once=False)
    return token


async def make_link(pool: postgres.Pool) -> str:
    """A token that opens one session of an operator, within a quarter of an hour."""
    token = _new_token()
    await postgres.sign_in(pool, digest_of(token), None, _after(LINK), once=True)
    return token


async def open_link(server_ctx: ServerContext, link: str) -> str:
    """The token of the session that a link opens, once. Raises NotAdmitted."""
    token = _new_token()
    if not await postgres.open_sign_in(
        server_ctx.pool, digest_of(link), digest_of(token), _after(SESSION)
    ):
        raise NotAdmitted(
            "this link was opened before, or is older than 15 minutes: sign in with an API key,"
            " or start `rowhook up` again for a new link"
        )
    return token


async def admit_visitor(server_ctx: ServerContext, token: str | None) -> Caller:
    """Who is signed in. Raises NotAdmitted, also where the key has gone meanwhile."""
    found = await postgres.signed_in(server_ctx.pool, digest_of(token)) if token else None
    if found is None:
        raise NotAdmitted("sign in: there is no session, or it has ended")
    if found.key_hash is None:
        return _HOLDER
    return await admit_hash(server_ctx.pool, found.key_hash, server_ctx.admin_key)


async def sign_out(server_ctx: ServerContext, token: str) -> None:
    """Ends the session."""
    await postgres.sign_out(server_ctx.pool, digest_of(token))
