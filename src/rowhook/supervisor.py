"""Background tasks that run until they are told to stop; one that ends earlier stops the process.

asyncio keeps the exception of a task to itself until somebody awaits the task. A task that nobody
awaits before the process ends would die without a word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger()


class EndedEarly(RuntimeError):
    """A background task returned although nobody had told it to stop."""


class Supervisor:
    """The background tasks of one worker or one API, by name.

    A task that ends without having been told to, or that fails, is logged with its traceback and
    sets `stop`. `exit_code` is 1 from then on.
    """

    def __init__(self, stop: asyncio.Event) -> None:
        self.exit_code = 0
        self._stop = stop
        self._expected: set[str] = set()
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._spawned: set[asyncio.Task[Any]] = set()

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Runs `work` as a task of that name."""
        return self.watch(asyncio.create_task(work, name=name))

    def watch(self, task: asyncio.Task[Any]) -> asyncio.Task[Any]:
        """Supervises a task that runs already, under the name that it has."""
        self._tasks[task.get_name()] = task
        task.add_done_callback(self._ended)
        return task

    def spawn(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        """Runs `work` as one of many tasks of that name: it may return, but must not fail."""
        task = asyncio.create_task(work, name=name)
        self._spawned.add(task)
        task.add_done_callback(self._spawned_ended)

    async def wait_for_spawned(self) -> None:
        """Waits until none of the spawned tasks is left."""
        while self._spawned:
            await asyncio.wait(self._spawned)

    def expect_end(self, *names: str) -> None:
        """Tells that these tasks were told to stop: to return, or to be cancelled, is right now."""
        self._expected.update(names)

    async def end(self, *names: str) -> None:
        """Cancels these tasks, all without a name, and waits for their ends."""
        ended = names or tuple(self._tasks)
        self.expect_end(*ended)
        tasks = [self._tasks[name] for name in ended if name in self._tasks]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _report(self, name: str, error: BaseException) -> None:
        """Logs why a task ended, and stops the process."""
        log.error(
            "task.ended", task=name, error=type(error).__name__, reason=str(error), exc_info=error
        )
        self.exit_code = 1
        self._stop.set()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        name = task.get_name()
        error = _cause(task)
        self._tasks.pop(name, None)
        if name not in self._expected or error is not None:
            self._report(name, error or _end(task))

    def _spawned_ended(self, task: asyncio.Task[Any]) -> None:
        self._spawned.discard(task)
        error = _cause(task)
        if error is not None or (task.cancelled() and not self._stop.is_set()):
            self._report(task.get_name(), error or _end(task))


def _cause(task: asyncio.Task[Any]) -> BaseException | None:
    return None if task.cancelled() else task.exception()


def _end(task: asyncio.Task[Any]) -> BaseException:
    if task.cancelled():
        return asyncio.CancelledError("It was cancelled, though nobody had told it to stop.")
    return EndedEarly("It returned, though nobody had told it to stop.")
