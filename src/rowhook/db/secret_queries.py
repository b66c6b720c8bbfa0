"""Sealed secrets, and their re-encryption under another master key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, LiteralString, NamedTuple
from uuid import UUID

from rowhook.db.statements import ConnectionSource, documents, rows, value

Kind = Literal["secret", "signing", "answer", "keyring"]


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


class SealedRow(NamedTuple):
    """An encrypted value; `first` and `second` are the primary key of its row, as text."""

    first: str
    second: str
    organization_id: UUID | None
    version: int
    fingerprint: bytes | None
    sealed: bytes


async def count_older_seals(pool: ConnectionSource, newest: bytes) -> dict[Kind, int]:
    """Counts, per kind, the values that the newest key did not encrypt."""
    result = await rows(pool, "select kind, remaining from rowhook.count_older_seals(%s)", newest)
    return dict(result)


async def sealed_page(
    pool: ConnectionSource, kind: Kind, newest: bytes, after: SealedRow | None, limit: int
) -> list[SealedRow]:
    """Returns values of a kind to encrypt again, in the order of their primary key."""
    result = await rows(
        pool,
        "select * from rowhook.sealed_page(%s, %s, %s, %s, %s)",
        kind,
        newest,
        after and after.first,
        after and after.second,
        limit,
    )
    return [SealedRow(*row) for row in result]


async def reseal(
    pool: ConnectionSource, kind: Kind, old: Sequence[SealedRow], new: Sequence[bytes]
) -> int:
    """Replaces ciphertexts in rows that did not change since; returns how many."""
    return int(
        await value(
            pool,
            "select rowhook.reseal(%s, %s, %s, %s, %s)",
            kind,
            [row.first for row in old],
            [row.second for row in old],
            [row.sealed for row in old],
            list(new),
        )
    )


async def write_audit(pool: ConnectionSource, action: str, subject: str, after: str) -> None:
    """Writes an audit row of the installation; `after` is JSON text."""
    await rows(
        pool, "select rowhook.write_audit(null, %s, %s, null, %s::json)", action, subject, after
    )
