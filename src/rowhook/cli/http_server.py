"""Runs the HTTP server in the event loop of the command."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from rowhook.supervisor import Supervisor

# The longest request is a test send of a webhook with the maximum timeout of 30 s.
_DRAIN_S = 32
_TICK_S = 1.0


class _Server(uvicorn.Server):
    """A server without signal handlers: the command stops its parts in order."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ends `serve` after the open requests."""
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        """Updates the Date header once a second, where uvicorn's own loop wakes up ten times."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._stopping.wait()

    def capture_signals(self) -> Any:
        from contextlib import nullcontext  # noqa: PLC0415  # only for this override

        return nullcontext()


@asynccontextmanager
async def serving(asgi_app: Any, *, host: str, port: int, tasks: Supervisor) -> AsyncIterator[int]:
    """Serves an ASGI application; yields the port, a free one if `port` is 0."""
    server = _Server(
        uvicorn.Config(
            asgi_app,
            host=host,
            port=port,
            # uvicorn would prefer httptools, which is there for the client.
            http="h11",
            log_config=None,
            access_log=False,
            lifespan="auto",
            timeout_graceful_shutdown=_DRAIN_S,
        )
    )
    task = asyncio.create_task(server.serve(), name="http")
    try:
        while not server.started:
            if task.done():
                await task
                raise OSError(f"Cannot listen on {host}:{port}.")
            await asyncio.sleep(0.005)
        tasks.watch(task)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        tasks.expect_end("http")
        server.stop()
        await asyncio.wait({task})
        if server.started and (task.cancelled() or task.exception() is not None):
            # The server failed and left its sockets open, which uvloop would wait for.
            await server.shutdown()
