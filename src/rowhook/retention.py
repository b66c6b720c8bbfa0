"""Removes what is old, and knows which bodies are stored at all."""

from __future__ import annotations

import asyncio
import time

import structlog

from rowhook import postgres
from rowhook.delivery import Verdict

log = structlog.get_logger()
_MOST, _LEAST = 5000, 100
# A batch that takes longer is followed by smaller ones.
_LONG_S, _SHORT_S = 0.5, 0.1
_SHORTEST_PAUSE_S = 0.01
_RELOAD_S = 60.0
_RETRY_S = 1.0


class Retention:
    """One worker's part in retention. `days` and `bodies` are settings; None: not set."""

    def __init__(self, pool: postgres.Pool, days: int | None, bodies: str | None) -> None:
        self._pool = pool
        self._days = days
        self._bodies = bodies
        self._is_applied = False
        # Until the table was read, no more is stored than the setting allows.
        self._stored = postgres.StoredBodies(
            accepted=bodies in (None, "all"), failed=bodies != "none"
        )

    def stores_exchange(self, verdict: Verdict) -> bool:
        """Whether the request and response of an attempt with this verdict are stored."""
        return self._stored.accepted if verdict is Verdict.DELIVERED else self._stored.failed

    async def follow_settings(self) -> None:
        """Applies the settings, then reads each minute which bodies are stored."""
        while True:
            try:
                await self.load()
            except postgres.PostgresError as error:
                log.warning(
                    "retention_settings.waiting",
                    error=type(error).__name__,
                    reason=postgres.reason(error),
                )
                await asyncio.sleep(_RETRY_S)
            else:
                await asyncio.sleep(_RELOAD_S)

    async def load(self) -> None:
        """Applies the settings once, and reads which bodies are stored."""
        if not self._is_applied:
            await postgres.apply_retention_settings(self._pool, self._days, self._bodies)
            self._is_applied = True
        self._stored = await postgres.stored_bodies(self._pool)

    async def run(self, stop: asyncio.Event) -> None:
        """Removes all that is old, kind by kind; one that fails does not hold up the others."""
        removed: dict[str, int] = {}
        try:
            # Never by the ages before: those of the settings may be longer.
            await self.load()
            kinds = await postgres.retention_kinds(self._pool)
        except postgres.PostgresError as error:
            _log_failure("all", error)
            return
        for kind in kinds:
            await self._run_kind(kind, removed, stop)
        try:
            await postgres.make_partitions(self._pool)
            while not stop.is_set() and (name := await postgres.drop_next_partition(self._pool)):
                log.info("partition.dropped", partition=name)
        except postgres.PostgresError as error:
            _log_failure("partitions", error)
        try:
            while await postgres.remove_leftovers(self._pool) >= _MOST and not stop.is_set():
                await asyncio.sleep(_SHORTEST_PAUSE_S)
        except postgres.PostgresError as error:
            _log_failure("leftovers", error)
        if removed:
            log.info("retention.finished", **removed)

    async def _run_kind(self, kind: str, removed: dict[str, int], stop: asyncio.Event) -> None:
        most, begins, is_finished = _MOST, True, False
        while not is_finished and not stop.is_set():
            began = time.monotonic()
            try:
                count, is_finished = await postgres.retain_batch(
                    self._pool, kind, most, begins=begins
                )
            except postgres.PostgresError as error:
                _log_failure(kind, error)
                return
            took_s = time.monotonic() - began
            begins = False
            if count:
                removed[kind] = removed.get(kind, 0) + count
            most = max(most // 2, _LEAST) if took_s > _LONG_S else most
            most = min(most * 2, _MOST) if took_s < _SHORT_S else most
            # Half of the time is left to the others.
            await asyncio.sleep(max(took_s, _SHORTEST_PAUSE_S))


def _log_failure(kind: str, error: Exception) -> None:
    log.warning(
        "retention.failed",
        kind=kind,
        error=type(error).__name__,
        reason=postgres.reason(error),
        consequence="tried again in ten minutes",
    )
