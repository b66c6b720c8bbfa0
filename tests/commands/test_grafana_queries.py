"""The queries of the Grafana dashboard, evaluated by Prometheus over the demo."""

from __future__ import annotations

import asyncio
import json
import math
import re
import shutil
import socket
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.commands import running_command
from tests.support.deadline import DEADLINE_S
from tests.support.worker_rig import until

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed"),
]
DASHBOARD = Path(__file__).parents[2] / "deploy/grafana/rowhook.json"
# Grafana sets it to four scrape intervals, at least.
WINDOW = "30s"
YEAR_S = 365 * 24 * 3600


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def queries() -> Iterator[tuple[str, str]]:
    """Yields the title and the expression of each query of the dashboard."""
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"].replace("$__rate_interval", WINDOW)


def durations() -> Iterator[str]:
    """Yields the expressions of the panels whose unit is seconds."""
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        if panel.get("fieldConfig", {}).get("defaults", {}).get("unit") == "s":
            for target in panel["targets"]:
                yield target["expr"].replace("$__rate_interval", WINDOW)


async def address_of(demo: Process) -> str:
    """Waits until the demo has written its history; returns the address of its API."""
    assert demo.stdout is not None
    async with asyncio.timeout(2 * DEADLINE_S):
        while line := (await demo.stdout.readline()).decode():
            if match := re.search(r"Dashboard +http://([^/\s]+)", line):
                return match[1]
    raise AssertionError("the demo printed no address")


@asynccontextmanager
async def prometheus(folder: Path, *targets: str) -> AsyncIterator[httpx.AsyncClient]:
    """Runs Prometheus, which scrapes the targets every second; yields a client for it."""
    configuration = folder / "prometheus.yml"
    jobs = [{"job_name": "rowhook", "static_configs": [{"targets": list(targets)}]}]
    configuration.write_text(
        yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs})
    )
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        process.terminate()
        await process.wait()


async def samples(client: httpx.AsyncClient, expression: str) -> list[Any]:
    """Returns the samples of an expression that are numbers; none while Prometheus starts."""
    try:
        response = await client.get("/api/v1/query", params={"query": expression})
    except httpx.ConnectError:
        return []
    if response.status_code == 503:
        return []
    answer = response.json()
    assert answer["status"] == "success", (expression, answer)
    result = answer["data"]["result"]
    return [sample for sample in result if not math.isnan(float(sample["value"][1]))]


async def assert_durations_are_plausible(client: httpx.AsyncClient) -> None:
    """Checks that no panel takes 0, which a metric is until its first event, for a time."""
    for expression in durations():
        for sample in await samples(client, expression):
            value = float(sample["value"][1])
            assert value < YEAR_S or math.isinf(value), (expression, sample)


async def test_every_panel_has_data_while_the_demo_runs(tmp_path: Path) -> None:
    worker = free_port()
    ports = ("--port", "0", "--metrics-port", str(worker))
    async with running_command(tmp_path, "demo", "--stay", *ports) as demo:
        api = await address_of(demo)
        async with (
            prometheus(tmp_path, api, f"127.0.0.1:{worker}") as client,
            httpx.AsyncClient(base_url=f"http://{api}") as browser,
        ):
            empty = dict.fromkeys(queries())

            async def all_have_data() -> bool:
                # So that the API answers something else than scrapes.
                await browser.get("/sign-in")
                for title, expression in list(empty):
                    if await samples(client, expression):
                        del empty[title, expression]
                await asyncio.sleep(0.5)
                return not empty

            try:
                await until(all_have_data, within=2 * DEADLINE_S)
            except TimeoutError:
                raise AssertionError(f"no data: {list(empty)}") from None
            await assert_durations_are_plausible(client)
