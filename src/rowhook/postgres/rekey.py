"""Rotation of the master key: values to encrypt again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple
from uuid import UUID

from rowhook.postgres.connection import ConnectionSource, rows, value

Kind = Literal["secret", "signing", "answer", "keyring"]


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
