"""Records outcomes in batches, for peers that do not keep the result of a job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

_MAX_BATCH = 128
Insert = Callable[[list[str], list[int]], Awaitable[object]]


class Outcomes:
    """Inserts the outcomes that came while the last insert ran, up to 128 at once.

    `insert` gets the keys and the statuses.
    """

    def __init__(self, insert: Insert) -> None:
        self.insert = insert
        self.waiting: list[tuple[str, int, asyncio.Future[None]]] = []
        self.task: asyncio.Task[None] | None = None

    async def record(self, key: str, status: int) -> None:
        """Returns when the outcome is committed."""
        recorded = asyncio.get_running_loop().create_future()
        self.waiting.append((key, status, recorded))
        if self.task is None:
            self.task = asyncio.create_task(self._run())
        await recorded

    async def _run(self) -> None:
        while self.waiting:
            batch, self.waiting = self.waiting[:_MAX_BATCH], self.waiting[_MAX_BATCH:]
            try:
                await self.insert([key for key, _, _ in batch], [code for _, code, _ in batch])
            except Exception as error:  # noqa: BLE001  # every job that waits for it fails
                for _, _, recorded in batch:
                    recorded.set_exception(error)
            else:
                for _, _, recorded in batch:
                    recorded.set_result(None)
        self.task = None
