"""The end of a process: by a signal, or when a background task ends unexpectedly.

asyncio does not report the exception of a task until the task is awaited, so a background task
could fail without notice.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger()
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_CANCEL_AGAIN_S = 1.0


class EndedEarly(RuntimeError):
    """A background task returned before it was asked to stop."""


class Supervisor:
    """The named background tasks of a worker or an API.

    If a task fails or ends unexpectedly, its traceback is logged, `stop` is set and `exit_code`
    becomes 1.
    """

    def __init__(self, stop: asyncio.Event) -> None:
        self.exit_code = 0
        self._stop = stop
        self._expected: set[str] = set()
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._spawned: set[asyncio.Task[Any]] = set()

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Starts and supervises a named task."""
        return self.watch(asyncio.create_task(work, name=name))

    def watch(self, task: asyncio.Task[Any]) -> asyncio.Task[Any]:
        """Supervises a running task under its own name."""
        self._tasks[task.get_name()] = task
        task.add_done_callback(self._on_end)
        return task

    def spawn(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        """Starts a short-lived task, which may return but must not fail."""
        task = asyncio.create_task(work, name=name)
        self._spawned.add(task)
        task.add_done_callback(self._on_spawned_end)

    async def wait_for_spawned(self) -> None:
        """Waits until all spawned tasks have ended."""
        while self._spawned:
            await asyncio.wait(self._spawned)

    def expect_end(self, *names: str) -> None:
        """Marks tasks as stopping, so that their return or cancellation is expected."""
        self._expected.update(names)

    async def end(self, *names: str) -> None:
        """Cancels the named tasks, by default all, and waits for them."""
        selected = names or tuple(self._tasks)
        self.expect_end(*selected)
        await cancel_and_wait({self._tasks[name] for name in selected if name in self._tasks})

    def _report(self, name: str, error: BaseException) -> None:
        """Logs the end of a task and stops the process."""
        log.error(
            "task.ended", task=name, error=type(error).__name__, reason=str(error), exc_info=error
        )
        self.exit_code = 1
        self._stop.set()

    def _on_end(self, task: asyncio.Task[Any]) -> None:
        name = task.get_name()
        error = _cause(task)
        self._tasks.pop(name, None)
        if task.cancelled() and self._stop.is_set():
            # A second signal cancels all tasks.
            return
        if name not in self._expected or error is not None:
            self._report(name, error or _unexpected_end(task))

    def _on_spawned_end(self, task: asyncio.Task[Any]) -> None:
        self._spawned.discard(task)
        error = _cause(task)
        if error is not None or (task.cancelled() and not self._stop.is_set()):
            self._report(task.get_name(), error or _unexpected_end(task))


async def cancel_and_wait(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancels tasks until they have ended.

    Once is not enough: before Python 3.12, asyncio.wait_for, in which psycopg waits for answers,
    forgets a cancellation that arrives together with the answer.
    """
    while tasks:
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=_CANCEL_AGAIN_S)


def stop_on_signal() -> asyncio.Event:
    """Returns an event that SIGTERM or SIGINT sets. A second signal cancels the tasks that run.

    Cancelled tasks leave their `async with` blocks, so that the second signal, too, stops the
    embedded database and removes temporary folders. A third has its default effect.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, _on_signal, loop, stop)
    return stop


def _on_signal(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not stop.is_set():
        stop.set()
        return
    for number in _STOP_SIGNALS:
        loop.remove_signal_handler(number)
    # Libraries log cancelled tasks as errors; here they are expected.
    logging.disable()
    for task in asyncio.all_tasks(loop):
        task.cancel()


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Waits for an event for at most `seconds`; returns whether it is set."""
    try:
        async with asyncio.timeout(max(seconds, 0)):
            return await event.wait()
    except TimeoutError:
        return False


def _cause(task: asyncio.Task[Any]) -> BaseException | None:
    return None if task.cancelled() else task.exception()


def _unexpected_end(task: asyncio.Task[Any]) -> BaseException:
    if task.cancelled():
        return asyncio.CancelledError("The task was cancelled unexpectedly.")
    return EndedEarly("The task returned unexpectedly.")
