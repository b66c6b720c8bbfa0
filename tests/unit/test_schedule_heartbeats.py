"""The scheduler sends heartbeats while a schedule runs, and none otherwise."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from pgqueuer.domain import models

from rowhook.worker.maintenance import Scheduler
from tests.support.deadline import DEADLINE_S

pytestmark = pytest.mark.anyio


class Schedules:
    """A table of schedules whose only schedule is due once. `beats` are the ids of heartbeats."""

    def __init__(self) -> None:
        settings = SimpleNamespace(schedules_table="schedules", queue_table_log="log")
        self.qbe = SimpleNamespace(settings=settings)
        self.driver = AsyncExitStack()
        self.beats: list[set[int]] = []
        self.has_beaten = asyncio.Event()
        self.ended: list[set[int]] = []
        self._is_due = True

    async def has_table(self, _name: str) -> bool:
        return True

    async def insert_schedule(self, _schedules: dict[Any, Any]) -> None:
        """Inserts nothing."""

    async def set_schedule_queued(self, ids: set[int]) -> None:
        self.ended.append(ids)

    async def fetch_schedule(self, entrypoints: dict[Any, Any]) -> list[models.Schedule]:
        if not self._is_due:
            return []
        self._is_due = False
        (key,) = entrypoints
        return [
            models.Schedule.model_construct(
                id=7, entrypoint=key.entrypoint, expression=key.expression
            )
        ]

    async def update_schedule_heartbeat(self, ids: set[int]) -> None:
        self.beats.append(ids)
        self.has_beaten.set()


async def test_heartbeats_are_sent_while_a_schedule_runs() -> None:
    schedules = Schedules()
    scheduler = Scheduler(schedules)  # type: ignore[arg-type]  # the methods that it calls

    @scheduler.schedule("slow", "* * * * *")
    async def run(_schedule: models.Schedule) -> None:
        await schedules.has_beaten.wait()
        scheduler.shutdown.set()

    await asyncio.wait_for(scheduler.run(), DEADLINE_S)
    assert schedules.beats[0] == {7}
    assert schedules.ended == [{7}]
