"""The functions of a rekey: what older master keys sealed, and new ciphertext in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple
from uuid import UUID

from rowhook.postgres.connection import ConnectionSource, rows, value

Kind = Literal["secret", "signing", "answer", "keyring"]


class SealedRow(NamedTuple):
    """One sealed value: `first` and `second` are its row's primary key, as text."""

    first: str
    second: str
    organization_id: UUID | None
    version: int
    fingerprint: bytes | None
    sealed: bytes


async def count_older_seals(pool: ConnectionSource, newest: bytes) -> dict[Kind, int]:
    """How many of each kind do not begin with the newest key's mark."""
    found = await rows(pool, "select kind, remaining from rowhook.count_older_seals(%s)", newest)
    return dict(found)


async def sealed_page(
    pool: ConnectionSource, kind: Kind, newest: bytes, after: SealedRow | None, most: int
) -> list[SealedRow]:
    """At most so many of a kind, after a place, in the order of their primary key."""
    found = await rows(
        pool,
        "select * from rowhook.sealed_page(%s, %s, %s, %s, %s)",
        kind,
        newest,
        after and after.first,
        after and after.second,
        most,
    )
    return [SealedRow(*row) for row in found]


async def reseal(
    pool: ConnectionSource, kind: Kind, places: Sequence[SealedRow], becomes: Sequence[bytes]
) -> int:
    """Puts each new ciphertext in its place, unless that was changed since; in how many."""
    return int(
        await value(
            pool,
            "select rowhook.reseal(%s, %s, %s, %s, %s)",
            kind,
            [one.first for one in places],
            [one.second for one in places],
            [one.sealed for one in places],
            list(becomes),
        )
    )


async def write_audit(pool: ConnectionSource, action: str, subject: str, after: str) -> None:
    """One audit row of the installation; `after` is JSON text."""
    await rows(
        pool, "select rowhook.write_audit(null, %s, %s, null, %s::json)", action, subject, after
    )
