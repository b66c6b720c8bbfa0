"""The end of background tasks."""

from __future__ import annotations

import asyncio

import pytest

from rowhook.supervisor import Supervisor
from tests.support.deadline import DEADLINE_S

pytestmark = pytest.mark.anyio


async def test_a_task_that_loses_a_cancellation_is_cancelled_again() -> None:
    cancellations = 0

    async def answered_while_cancelled() -> None:
        """Loses a cancellation, like asyncio.wait_for before Python 3.12."""
        nonlocal cancellations
        while True:
            try:
                await asyncio.sleep(DEADLINE_S)
            except asyncio.CancelledError:
                cancellations += 1
                if cancellations == 2:
                    raise

    stop = asyncio.Event()
    tasks = Supervisor(stop)
    tasks.start("heartbeat", answered_while_cancelled())
    await asyncio.sleep(0)
    stop.set()
    async with asyncio.timeout(DEADLINE_S):
        await tasks.end()
    assert cancellations == 2
    assert tasks.exit_code == 0
