"""A live load on a database: commits, heals and lists, with their latencies."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.faults.recording_receiver import RecordingReceiver
from tests.soak.paired_measurements import commit
from tests.soak.soak_databases import LIVE, Installation
from tests.support.calls import ADMIN_KEY

_BATCH, _MOST_OUTSTANDING = 100, 1_500
_HEAL_EVERY_S = 2.0
_RECORDED = re.compile(
    rb"duration: ([0-9.]+) ms  execute [^:]*: select token, status from rowhook\.record\("
)
# For connections of a worker: the server logs the duration of each statement.
LOGGED = "-c log_min_duration_statement=0 -c log_parameter_max_length=0"


@dataclass(slots=True, kw_only=True)
class Load:
    """The commits, the result of each heal, and the duration of each list."""

    committed: list[str] = field(default_factory=list)
    healed: list[int] = field(default_factory=list)
    lists_s: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Percentiles of a phase in ms."""

    deliveries_per_s: float
    records: int
    record_p50: float
    record_p99: float
    lists: int
    list_p50: float
    list_p99: float


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


class Phase:
    """A phase that begins now; `latencies` covers the time since then."""

    def __init__(self, load: Load, receiver: RecordingReceiver, log: Path) -> None:
        self._load, self._wire, self._log = load, receiver, log
        self._offset = log.stat().st_size
        self._arrived = len(receiver.arrivals)
        self._begun = time.monotonic()
        self._listed = {name: len(times) for name, times in load.lists_s.items()}

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._begun

    def latencies(self) -> Latencies:
        with self._log.open("rb") as file:
            file.seek(self._offset)
            records = [float(ms) for ms in _RECORDED.findall(file.read())]
        lists = [
            1000 * seconds
            for name, times in self._load.lists_s.items()
            for seconds in times[self._listed.get(name, 0) :]
        ]
        return Latencies(
            deliveries_per_s=(len(self._wire.arrivals) - self._arrived) / self.elapsed_s,
            records=len(records),
            record_p50=percentile(records, 0.5),
            record_p99=percentile(records, 0.99),
            lists=len(lists),
            list_p50=percentile(lists, 0.5),
            list_p99=percentile(lists, 0.99),
        )


@asynccontextmanager
async def load(
    installation: Installation, receiver: RecordingReceiver, api_url: str
) -> AsyncIterator[Load]:
    """Commits as fast as commits are delivered, heals and lists, during the block."""
    running_load = Load()
    stop = asyncio.Event()
    tasks = [
        asyncio.create_task(_commit_continuously(installation, receiver, running_load, stop)),
        asyncio.create_task(_heal_continuously(installation, running_load, stop)),
        asyncio.create_task(_list_continuously(installation, api_url, running_load, stop)),
    ]
    try:
        yield running_load
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def _commit_continuously(
    installation: Installation, receiver: RecordingReceiver, load: Load, stop: asyncio.Event
) -> None:
    arrived = len(receiver.arrivals)
    while not stop.is_set():
        if len(load.committed) - (len(receiver.arrivals) - arrived) < _MOST_OUTSTANDING:
            load.committed += await commit(installation, _BATCH, "live")
        await asyncio.sleep(0.002)


async def _heal_continuously(installation: Installation, load: Load, stop: asyncio.Event) -> None:
    while not stop.is_set():
        load.healed.append(await installation.value("select rowhook.heal()"))
        await asyncio.sleep(_HEAL_EVERY_S)


async def _list_continuously(
    installation: Installation, api_url: str, load: Load, stop: asyncio.Event
) -> None:
    paths = {
        "deliveries": "/v1/deliveries",
        "by status": "/v1/deliveries?status=dead",
        "by webhook": f"/v1/deliveries?webhook_id={installation.webhooks[LIVE - 1]}",
        "stats": "/v1/stats",
    }
    load.lists_s.update({name: [] for name in paths})
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with httpx.AsyncClient(base_url=api_url, headers=headers, timeout=60) as client:
        while not stop.is_set():
            for name, path in paths.items():
                begun = time.perf_counter()
                answer = await client.get(path)
                assert answer.status_code == 200, answer.text
                load.lists_s[name].append(time.perf_counter() - begun)
                await asyncio.sleep(0.02)
