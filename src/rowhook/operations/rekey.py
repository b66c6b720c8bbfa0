"""Another master key: all that older ones sealed is sealed anew under the newest, in batches.

Each batch is a transaction of its own, so a run that was killed is taken up by the next. A value
that another process changed in between is left to it, and looked at again in the next round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from uuid import UUID

import msgspec
from msgspec import Struct

from rowhook import postgres
from rowhook.compiled import signing_name
from rowhook.operations.ctx import KeyringContext
from rowhook.operations.repeat import answer_name
from rowhook.postgres import Kind, SealedRow
from rowhook.vault import KEYRING, NOBODY, SealBroken

_BATCH = 100
_ROUNDS = 5
# The word that every start opens comes last: until all is done, nobody starts without the old key.
_KINDS: tuple[Kind, ...] = ("secret", "signing", "answer", "keyring")
Told = Callable[[int, int], None]


class Rekeyed(Struct, frozen=True, kw_only=True):
    """What was sealed anew under `key`; `left` is not under it, `closed` says what cannot be."""

    key: str
    secrets: int
    signing_secrets: int
    answers: int
    keyring: int
    left: int
    closed: list[str]

    @property
    def resealed(self) -> int:
        """How many in all."""
        return self.secrets + self.signing_secrets + self.answers + self.keyring


async def rekey(ctx: KeyringContext, told: Told) -> Rekeyed:
    """Seals everything anew; `told` hears how many of how many, after each batch.

    Rounds go on while something was sealed under an older key meanwhile, five at most.
    """
    newest = ctx.keyring.newest_mark
    left = await _left(ctx)
    run = _Run(ctx, told, total=left)
    if left:
        count = msgspec.json.encode({"left": left}).decode()
        await postgres.note(ctx.pool, "keyring.rekey_began", ctx.keyring.newest_id, count)
    for _ in range(_ROUNDS):
        run.closed.clear()
        for kind in _KINDS:
            await run.reseal(kind, newest)
        left = await _left(ctx)
        if left <= len(run.closed):
            break
    found = run.found(left)
    if found.resealed:
        after = msgspec.json.encode(found).decode()
        await postgres.note(ctx.pool, "keyring.rekeyed", found.key, after)
    return found


async def _left(ctx: KeyringContext) -> int:
    found = await postgres.sealed_elsewhere(ctx.pool, ctx.keyring.newest_mark)
    return sum(found.values())


class _Run:
    def __init__(self, ctx: KeyringContext, told: Told, *, total: int) -> None:
        self._office = ctx
        self._told = told
        self._total = total
        self._done: Counter[Kind] = Counter()
        self.closed: list[str] = []

    async def reseal(self, kind: Kind, newest: bytes) -> None:
        """One round over a kind."""
        page = await postgres.sealed_page(self._office.pool, kind, newest, None, _BATCH)
        while page:
            opened = [(row, sealed) for row in page if (sealed := self._anew(kind, row))]
            rows = [row for row, _ in opened]
            new = [sealed for _, sealed in opened]
            self._done[kind] += await postgres.reseal(self._office.pool, kind, rows, new)
            done = self._done.total()
            self._told(done, max(done, self._total))
            page = await postgres.sealed_page(self._office.pool, kind, newest, page[-1], _BATCH)

    def _anew(self, kind: Kind, row: SealedRow) -> bytes | None:
        ring = self._office.keyring
        organization, name = row.organization_id or NOBODY, _name(kind, row)
        try:
            value = ring.open(
                row.sealed, organization_id=organization, name=name, version=row.version
            )
        except SealBroken as broken:
            self.closed.append(f"{_described(kind, row)}: {broken}")
            return None
        return ring.seal(value, organization_id=organization, name=name, version=row.version)

    def found(self, left: int) -> Rekeyed:
        """What came of it all."""
        done = self._done
        return Rekeyed(
            key=self._office.keyring.newest_id,
            secrets=done["secret"],
            signing_secrets=done["signing"],
            answers=done["answer"],
            keyring=done["keyring"],
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
            return answer_name(row.first, row.second, row.fingerprint or b"")
        case "keyring":
            return KEYRING


def _described(kind: Kind, row: SealedRow) -> str:
    match kind:
        case "secret":
            return f"secret {row.second} of organization {row.first} (put it again)"
        case "signing":
            return f"signing secret {row.second} of webhook {row.first} (rotate it)"
        case "answer":
            return f"the answer kept for Idempotency-Key {row.second} (gone within 24 hours)"
        case "keyring":
            return "the keyring check"
