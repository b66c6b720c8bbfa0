"""The functions of secrets: sealed before they come here."""

from __future__ import annotations

from typing import LiteralString
from uuid import UUID

from rowhook.postgres.connection import ConnectionSource, documents, rows, value


async def secret_version(pool: ConnectionSource, organization: UUID, secret_id: str) -> int:
    """The present version of a secret, 0 where there is none."""
    return int(await value(pool, "select rowhook.secret_version(%s, %s)", organization, secret_id))


async def secret_hosts(
    pool: ConnectionSource, organization: UUID, secret_ids: list[str]
) -> dict[str, list[str] | None]:
    """Allowed hosts of those secrets that exist."""
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
    """False if another change came first."""
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
    """False if there was none. Raises StillReferenced while a webhook uses it."""
    return bool(await value(pool, "select rowhook.delete_secret(%s, %s)", organization, secret_id))


async def secret_users(
    pool: ConnectionSource, organization: UUID, secret_id: str
) -> list[tuple[str, str]]:
    """(id, name) of the webhooks that use it."""
    return await rows(
        pool, "select id, name from rowhook.secret_users(%s, %s)", organization, secret_id
    )


async def secret_page(
    pool: ConnectionSource, organization: UUID, after: str | None, most: int
) -> list[str]:
    """What may be known of secrets, by id."""
    return await documents(
        pool,
        "select one::text from rowhook.secret_page(%s, %s, %s) as one",
        organization,
        after,
        most,
    )
