"""Serves metrics and probes of a worker on ROWHOOK_METRICS_PORT."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import structlog

from rowhook.cli.http_server import serving
from rowhook.cli.listening_port import probe_port
from rowhook.cli.startup import Database
from rowhook.migrate.readiness import Readiness
from rowhook.settings import Settings, SettingsRejected
from rowhook.supervisor import Supervisor

if TYPE_CHECKING:
    from rowhook.worker.fleet_status import FleetStatus
    from rowhook.worker.pipeline import Worker

log = structlog.get_logger()
_LAST_PORT = 65535


def metrics_ports(
    settings: Settings, processes: int = 1, *, besides: int | None = None
) -> list[int | None]:
    """Returns the port of each process: the configured one and those that follow, or None.

    Raises SettingsRejected if one of them is not available, or is `besides`, the port of the API.
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
    if besides in ports:
        raise SettingsRejected(
            f"ROWHOOK_METRICS_PORT: The API already uses port {besides}. Use another port with"
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


class FleetProbes:
    """The status of the workers of several databases; without a port, none."""

    def __init__(self, status: FleetStatus | None) -> None:
        self._status = status

    def failed(self, name: str, reason: str) -> None:
        """Keeps the reason why a database has no worker."""
        if self._status is not None:
            self._status.failed(name, reason)

    @contextmanager
    def attached(self, name: str, worker: Worker, database: Database) -> Iterator[None]:
        """Answers for a worker within the block."""
        if self._status is None:
            yield
            return
        from rowhook.worker.status_app import StatusApp  # noqa: PLC0415  # as below

        with self._status.attached(name, StatusApp(worker, Readiness(database.direct))):
            yield


@asynccontextmanager
async def serve_fleet_status(settings: Settings, tasks: Supervisor) -> AsyncIterator[FleetProbes]:
    """Serves /metrics, /livez and /readyz of the workers of several databases on one port."""
    if settings.metrics_port is None:
        yield FleetProbes(None)
        return
    # Imported here, because prometheus_client takes as long to import as the rest of a worker.
    from rowhook.worker.fleet_status import FleetStatus  # noqa: PLC0415

    status = FleetStatus(tuple(settings.each()))
    async with serving(status, host=settings.host, port=settings.metrics_port, tasks=tasks) as port:
        log.info("metrics.served", url=f"http://{settings.host}:{port}/metrics")
        yield FleetProbes(status)
