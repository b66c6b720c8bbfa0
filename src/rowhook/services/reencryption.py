"""Re-encrypts all sealed values with the newest master key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from uuid import UUID

import msgspec
from msgspec import Struct

from rowhook.db import webhook_queries
from rowhook.db.webhook_queries import Kind, SealedRow
from rowhook.security.vault import (
    KEYRING,
    NO_ORGANIZATION,
    DecryptionFailed,
    response_name,
    signing_name,
)
from rowhook.services.context import KeyringContext

_BATCH = 100
_ROUNDS = 5
# The check value comes last: until then, no process can start without the old key.
_KINDS: tuple[Kind, ...] = ("secret", "signing", "answer", "keyring")
Report = Callable[[int, int], None]


class Rekeyed(Struct, frozen=True, kw_only=True):
    """The number of values re-encrypted with `key`.

    `left` is the number of values with other keys, `closed` describes those that no key decrypts.
    """

    key: str
    secrets: int
    signing_secrets: int
    answers: int
    keyring: int
    left: int
    closed: list[str]

    @property
    def resealed(self) -> int:
        """The total number of re-encrypted values."""
        return self.secrets + self.signing_secrets + self.answers + self.keyring


async def rekey(ctx: KeyringContext, report: Report) -> Rekeyed:
    """Re-encrypts everything; calls `report` with the progress and the total after each batch.

    Repeats up to five times while other processes encrypt values with an older key.
    """
    newest = ctx.keyring.newest_prefix
    left = await _count_remaining(ctx)
    run = _Run(ctx, report, total=left)
    if left:
        count = msgspec.json.encode({"left": left}).decode()
        await webhook_queries.write_audit(
            ctx.pool, "keyring.rekey_began", ctx.keyring.newest_id, count
        )
    for _ in range(_ROUNDS):
        run.closed.clear()
        for kind in _KINDS:
            await run.reseal(kind, newest)
        left = await _count_remaining(ctx)
        if left <= len(run.closed):
            break
    result = run.result(left)
    if result.resealed:
        after = msgspec.json.encode(result).decode()
        await webhook_queries.write_audit(ctx.pool, "keyring.rekeyed", result.key, after)
    return result


async def _count_remaining(ctx: KeyringContext) -> int:
    counts = await webhook_queries.count_older_seals(ctx.pool, ctx.keyring.newest_prefix)
    return sum(counts.values())


class _Run:
    def __init__(self, ctx: KeyringContext, report: Report, *, total: int) -> None:
        self._ctx = ctx
        self._report = report
        self._total = total
        self._done: Counter[Kind] = Counter()
        self.closed: list[str] = []

    async def reseal(self, kind: Kind, newest: bytes) -> None:
        """Re-encrypts all values of a kind once."""
        page = await webhook_queries.sealed_page(self._ctx.pool, kind, newest, None, _BATCH)
        while page:
            resealed = [(row, sealed) for row in page if (sealed := self._reencrypt(kind, row))]
            rows = [row for row, _ in resealed]
            new = [sealed for _, sealed in resealed]
            self._done[kind] += await webhook_queries.reseal(self._ctx.pool, kind, rows, new)
            total = self._done.total()
            self._report(total, max(total, self._total))
            page = await webhook_queries.sealed_page(self._ctx.pool, kind, newest, page[-1], _BATCH)

    def _reencrypt(self, kind: Kind, row: SealedRow) -> bytes | None:
        ring = self._ctx.keyring
        organization, name = row.organization_id or NO_ORGANIZATION, _name(kind, row)
        try:
            value = ring.open(
                row.sealed, organization_id=organization, name=name, version=row.version
            )
        except DecryptionFailed as error:
            self.closed.append(f"{_describe(kind, row)}: {error}")
            return None
        return ring.seal(value, organization_id=organization, name=name, version=row.version)

    def result(self, left: int) -> Rekeyed:
        """Returns the counts of all rounds."""
        counts = self._done
        return Rekeyed(
            key=self._ctx.keyring.newest_id,
            secrets=counts["secret"],
            signing_secrets=counts["signing"],
            answers=counts["answer"],
            keyring=counts["keyring"],
            left=left,
            closed=self.closed,
        )


def _name(kind: Kind, row: SealedRow) -> str:
    match kind:
        case "secret":
            return row.second
        case "signing":
            return signing_name(UUID(row.first))
        case "answer":
            return response_name(row.first, row.second, row.fingerprint or b"")
        case "keyring":
            return KEYRING


def _describe(kind: Kind, row: SealedRow) -> str:
    match kind:
        case "secret":
            return f"secret {row.second} of organization {row.first} (save it again)"
        case "signing":
            return f"signing secret {row.second} of webhook {row.first} (rotate it)"
        case "answer":
            return f"stored response for Idempotency-Key {row.second} (removed within 24 hours)"
        case "keyring":
            return "keyring check"
