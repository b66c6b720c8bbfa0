"""ROWHOOK_METRICS_PORT of `rowhook worker` and `rowhook up`."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from rowhook.cli.http_server import metrics_ports
from rowhook.settings import Settings, SettingsRejected
from tests.support.command_line import KEY
from tests.support.commands import running_command, wait_for_exit
from tests.support.worker_rig import until

pytestmark = pytest.mark.anyio


@contextmanager
def occupied_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def free_ports(count: int) -> int:
    """Returns the first of some consecutive ports that are free."""
    for first in range(20000, 30000, count):
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return first
    raise OSError("There are no free ports.")


def test_without_a_port_nothing_is_served() -> None:
    assert metrics_ports(Settings(), 3) == [None, None, None]


def test_each_process_has_a_port_of_its_own() -> None:
    first = free_ports(3)
    assert metrics_ports(Settings(metrics_port=first), 3) == [first, first + 1, first + 2]


def test_a_taken_port_is_an_error_that_names_it() -> None:
    with occupied_port() as port:
        for settings, processes in ((port, 1), (port - 1, 2)):
            with pytest.raises(SettingsRejected) as rejected:
                metrics_ports(Settings(metrics_port=settings), processes)
            message = str(rejected.value)
            assert message.startswith("ROWHOOK_METRICS_PORT: Cannot listen on 127.0.0.1:")
            assert "--metrics-port" in message


def test_ports_above_the_highest_are_refused() -> None:
    with pytest.raises(SettingsRejected, match="65534 to 65537, but the highest is 65535"):
        metrics_ports(Settings(metrics_port=65534), 4)


def test_the_port_of_the_api_is_refused() -> None:
    settings = replace(Settings(), metrics_port=8080)
    with pytest.raises(SettingsRejected, match="The API already uses port 8080"):
        metrics_ports(settings, api_port=8080)


@pytest.mark.long
async def test_every_worker_process_serves_metrics_and_probes(dsn: str, folder: Path) -> None:
    first = free_ports(2)
    async with (
        running_command(
            folder,
            "worker",
            "--processes",
            "2",
            "--metrics-port",
            str(first),
            DATABASE_URL=dsn,
            ROWHOOK_MASTER_KEYS=KEY,
        ) as supervisor,
        httpx.AsyncClient() as client,
    ):
        for port in (first, first + 1):

            async def is_ready(port: int = port) -> bool:
                try:
                    response = await client.get(f"http://127.0.0.1:{port}/readyz")
                except httpx.TransportError:
                    return False
                return response.status_code == 200

            await until(is_ready, description=f"a worker at {port}")
            text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
            assert "rowhook_worker_listening 1.0" in text
            assert "rowhook_build_info{" in text
        supervisor.send_signal(signal.SIGTERM)
        assert (await wait_for_exit(supervisor)).code == 0
