"""The functions of signing in to the dashboard."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from rowhook.postgres.connection import rows, value
from rowhook.postgres.pool import Pool


class SignInSession(NamedTuple):
    """A session of a browser: the SHA-256 of its key (None: who holds the database), its end."""

    key_hash: bytes | None
    ends_at: datetime


async def sign_in(
    pool: Pool, token_hash: bytes, key_hash: bytes | None, ends_at: datetime, *, once: bool
) -> None:
    """Keeps a session, or with `once` a link that opens one."""
    query = "select rowhook.sign_in(%s, %s, %s, %s)"
    await rows(pool, query, token_hash, once, key_hash, ends_at)


async def open_sign_in(pool: Pool, link_hash: bytes, token_hash: bytes, ends_at: datetime) -> bool:
    """A link becomes a session; False if it was opened before, or has ended."""
    query = "select rowhook.open_sign_in(%s, %s, %s)"
    return bool(await value(pool, query, link_hash, token_hash, ends_at))


async def signed_in(pool: Pool, token_hash: bytes) -> SignInSession | None:
    """The session with this SHA-256, if it lasts."""
    found = await rows(pool, "select key_hash, ends_at from rowhook.signed_in(%s)", token_hash)
    return SignInSession(*found[0]) if found else None


async def sign_out(pool: Pool, token_hash: bytes) -> None:
    """Ends a session, if it is one."""
    await rows(pool, "select rowhook.sign_out(%s)", token_hash)
