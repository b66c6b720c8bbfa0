"""HTTP servers in the event loop of a command: of the API, or of the status of workers."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn

from rowhook.cli.startup import Database
from rowhook.migrate.runner import Readiness
from rowhook.settings import Settings, SettingsRejected
from rowhook.supervisor import Supervisor

if TYPE_CHECKING:
    from rowhook.worker.pipeline import Worker

log = structlog.get_logger()
# The longest request is a test send of a webhook with the maximum timeout of 30 s.
_DRAIN_S = 32
_LAST_PORT = 65535


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
        """Waits, where uvicorn's own loop wakes up ten times a second for the header Date."""
        await self.on_tick(0)
        await self._stopping.wait()

    def capture_signals(self) -> Any:
        from contextlib import nullcontext  # noqa: PLC0415  # only for this override

        return nullcontext()


def _dated(asgi_app: Any) -> Any:
    """Returns the application with the header Date in its responses."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def send_dated(message: Any) -> None:
            if message["type"] == "http.response.start":
                date = (b"date", formatdate(usegmt=True).encode())
                message = message | {"headers": [date, *message.get("headers", ())]}
            await send(message)

        await asgi_app(scope, receive, send_dated)

    return app


@asynccontextmanager
async def serving(asgi_app: Any, *, host: str, port: int, tasks: Supervisor) -> AsyncIterator[int]:
    """Serves an ASGI application; yields the port, a free one if `port` is 0."""
    server = _Server(
        uvicorn.Config(
            _dated(asgi_app),
            host=host,
            port=port,
            # uvicorn would prefer httptools, which is there for the client.
            http="h11",
            log_config=None,
            access_log=False,
            date_header=False,
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


def require_port(settings: Settings) -> None:
    """Raises SettingsRejected if the configured port is not available."""
    probe_port(settings.host, settings.port, name="ROWHOOK_PORT", flag="--port")


def probe_port(host: str, port: int, *, name: str, flag: str) -> None:
    """Raises SettingsRejected, naming the setting at fault, if the address cannot be bound."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        problem = f"Cannot listen on {host}:{port} ({error.strerror})."
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise SettingsRejected(
                f"ROWHOOK_HOST: {problem} Use an address of this machine with --host, or 0.0.0.0"
                " for all of them."
            ) from error
        raise SettingsRejected(f"{name}: {problem} Use another port with {flag}.") from error


def metrics_ports(
    settings: Settings, processes: int = 1, *, api_port: int | None = None
) -> list[int | None]:
    """Returns the port of each process: the configured one and those that follow, or None.

    Raises SettingsRejected if one of them is not available, or is `api_port`.
    """
    first = settings.metrics_port
    if first is None:
        return [None] * processes
    ports = range(first, first + processes)
    if ports[-1] > _LAST_PORT:
        raise SettingsRejected(
            f"ROWHOOK_METRICS_PORT: {processes} processes need the ports {first} to {ports[-1]},"
            f" but the highest is {_LAST_PORT}. Use a lower port with --metrics-port."
        )
    if api_port in ports:
        raise SettingsRejected(
            f"ROWHOOK_METRICS_PORT: The API already uses port {api_port}. Use another port with"
            " --metrics-port."
        )
    for port in ports:
        probe_port(settings.host, port, name="ROWHOOK_METRICS_PORT", flag="--metrics-port")
    return [*ports]


@asynccontextmanager
async def serve_status(
    settings: Settings, database: Database, worker: Worker, stop: asyncio.Event
) -> AsyncIterator[Supervisor]:
    """Serves /metrics, /livez and /readyz of the worker, if a port is set.

    A server that ends unexpectedly sets `stop`, and the `exit_code` of the yielded supervisor.
    """
    tasks = Supervisor(stop)
    if settings.metrics_port is None:
        yield tasks
        return
    # Imported here, because prometheus_client takes as long to import as the rest of a worker.
    from rowhook.worker.status_app import StatusApp  # noqa: PLC0415

    app = StatusApp(worker, Readiness(database.direct))
    async with serving(app, host=settings.host, port=settings.metrics_port, tasks=tasks) as port:
        log.info("metrics.served", url=f"http://{settings.host}:{port}/metrics")
        yield tasks
