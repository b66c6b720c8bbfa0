"""Sign-in to the dashboard."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from rowhook.postgres.connection import rows, value
from rowhook.postgres.pool import Pool


class SignInSession(NamedTuple):
    """A browser session: SHA-256 of its API key (None: access to the database), and its end."""

    key_hash: bytes | None
    ends_at: datetime


async def sign_in(
    pool: Pool, token_hash: bytes, key_hash: bytes | None, ends_at: datetime, *, once: bool
) -> None:
    """Stores a session, or with `once` a link that opens one."""
    query = "select rowhook.sign_in(%s, %s, %s, %s)"
    await rows(pool, query, token_hash, once, key_hash, ends_at)


async def open_sign_in(pool: Pool, link_hash: bytes, token_hash: bytes, ends_at: datetime) -> bool:
    """Exchanges a link for a session; False if it was used or has expired."""
    query = "select rowhook.open_sign_in(%s, %s, %s)"
    return bool(await value(pool, query, link_hash, token_hash, ends_at))


async def signed_in(pool: Pool, token_hash: bytes) -> SignInSession | None:
    """Returns the session with this SHA-256, unless it has expired."""
    result = await rows(pool, "select key_hash, ends_at from rowhook.signed_in(%s)", token_hash)
    return SignInSession(*result[0]) if result else None


async def sign_out(pool: Pool, token_hash: bytes) -> None:
    """Ends a session."""
    await rows(pool, "select rowhook.sign_out(%s)", token_hash)
