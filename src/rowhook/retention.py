"""Deletes expired rows, and decides which bodies are stored."""

from __future__ import annotations

import asyncio
import time

import structlog

from rowhook import postgres
from rowhook.delivery import Verdict

log = structlog.get_logger()
_MAX_BATCH, _MIN_BATCH = 5000, 100
# A slower batch is followed by smaller ones, a faster one by larger ones.
_SLOW_S, _FAST_S = 0.5, 0.1
_SHORTEST_PAUSE_S = 0.01
_RELOAD_S = 60.0
_RETRY_S = 1.0


class Retention:
    """Runs retention in one worker. `days` and `bodies` are settings; None if not set."""

    def __init__(self, pool: postgres.Pool, days: int | None, bodies: str | None) -> None:
        self._pool = pool
        self._days = days
        self._bodies = bodies
        self._is_applied = False
        # Until the table is read, store no more than the setting allows.
        self._stored = postgres.StoredBodies(
            accepted=bodies in (None, "all"), failed=bodies != "none"
        )

    def stores_exchange(self, verdict: Verdict) -> bool:
        """Return whether to store the request and response of an attempt with this verdict."""
        return self._stored.accepted if verdict is Verdict.DELIVERED else self._stored.failed

    async def follow_settings(self) -> None:
        """Apply the settings, then reload every minute which bodies are stored."""
        while True:
            try:
                await self.load()
            except postgres.PostgresError as error:
                log.warning(
                    "retention_settings.load_failed",
                    error=type(error).__name__,
                    reason=postgres.reason(error),
                )
                await asyncio.sleep(_RETRY_S)
            else:
                await asyncio.sleep(_RELOAD_S)

    async def load(self) -> None:
        """Apply the settings if this was not done yet, and load which bodies are stored."""
        if not self._is_applied:
            await postgres.apply_retention_settings(self._pool, self._days, self._bodies)
            self._is_applied = True
        self._stored = await postgres.stored_bodies(self._pool)

    async def run(self, stop: asyncio.Event) -> None:
        """Delete all expired rows, kind by kind; a failure of one kind does not stop the others."""
        removed: dict[str, int] = {}
        try:
            # Do not delete by older settings, whose ages may be shorter.
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
            while await postgres.remove_leftovers(self._pool) >= _MAX_BATCH and not stop.is_set():
                await asyncio.sleep(_SHORTEST_PAUSE_S)
        except postgres.PostgresError as error:
            _log_failure("leftovers", error)
        if removed:
            log.info("retention.finished", **removed)

    async def _run_kind(self, kind: str, removed: dict[str, int], stop: asyncio.Event) -> None:
        batch_size, begins, is_finished = _MAX_BATCH, True, False
        while not is_finished and not stop.is_set():
            started = time.monotonic()
            try:
                count, is_finished = await postgres.retain_batch(
                    self._pool, kind, batch_size, begins=begins
                )
            except postgres.PostgresError as error:
                _log_failure(kind, error)
                return
            took_s = time.monotonic() - started
            begins = False
            if count:
                removed[kind] = removed.get(kind, 0) + count
            batch_size = max(batch_size // 2, _MIN_BATCH) if took_s > _SLOW_S else batch_size
            batch_size = min(batch_size * 2, _MAX_BATCH) if took_s < _FAST_S else batch_size
            # Uses at most half of the time.
            await asyncio.sleep(max(took_s, _SHORTEST_PAUSE_S))


def _log_failure(kind: str, error: Exception) -> None:
    log.warning(
        "retention.failed",
        kind=kind,
        error=type(error).__name__,
        reason=postgres.reason(error),
        consequence="retried in ten minutes",
    )
