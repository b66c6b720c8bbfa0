"""Secrets, encrypted by the caller."""

from __future__ import annotations

from typing import LiteralString
from uuid import UUID

from rowhook.postgres.connection import ConnectionSource, documents, rows, value


async def secret_version(pool: ConnectionSource, organization: UUID, secret_id: str) -> int:
    """Returns the current version of a secret; 0 if there is none."""
    return int(await value(pool, "select rowhook.secret_version(%s, %s)", organization, secret_id))


async def secret_hosts(
    pool: ConnectionSource, organization: UUID, secret_ids: list[str]
) -> dict[str, list[str] | None]:
    """Returns the allowed hosts of those secrets that exist."""
    query: LiteralString = "select id, allowed_hosts from rowhook.secret_hosts(%s, %s)"
    return dict(await rows(pool, query, organization, secret_ids))


async def put_secret(
    pool: ConnectionSource,
    organization: UUID,
    secret_id: str,
    version: int,
    sealed: bytes,
    hosts: list[str] | None,
) -> bool:
    """Stores a secret; False if another change came first."""
    return bool(
        await value(
            pool,
            "select rowhook.put_secret(%s, %s, %s, %s, %s)",
            organization,
            secret_id,
            version,
            sealed,
            hosts,
        )
    )


async def delete_secret(pool: ConnectionSource, organization: UUID, secret_id: str) -> bool:
    """Deletes a secret; False if there was none. Raises StillReferenced while it is used."""
    return bool(await value(pool, "select rowhook.delete_secret(%s, %s)", organization, secret_id))


async def secret_users(
    pool: ConnectionSource, organization: UUID, secret_id: str
) -> list[tuple[str, str]]:
    """Returns (id, name) of the webhooks that use a secret."""
    return await rows(
        pool, "select id, name from rowhook.secret_users(%s, %s)", organization, secret_id
    )


async def secret_page(
    pool: ConnectionSource, organization: UUID, after: str | None, limit: int
) -> list[str]:
    """Returns the public properties of secrets as JSON documents, ordered by id."""
    return await documents(
        pool,
        "select document::text from rowhook.secret_page(%s, %s, %s) as document",
        organization,
        after,
        limit,
    )
