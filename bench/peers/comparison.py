"""Runs each system alone, in interleaved rounds, and compares them in one table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from bench.cached_install import NotInstalled
from bench.peers import installed_peers
from bench.peers.installed_peers import Program
from bench.peers.peer_database import environment, peer_database, run_script
from bench.peers.peer_list import PEERS, ROWHOOK, ROWHOOK_RECORDS, Peer
from bench.process_cpu import CpuMeter, per_delivery_us
from bench.run_context import RunContext
from bench.throughput import (
    LoopRun,
    Subject,
    bare_loop,
    cpu_spread,
    drain,
    latency,
    read_line,
    running,
    spread,
    unique_prefix,
)
from rowhook.db import connection_pool, statements

_RATE_PER_S = 100.0
# Node compiles functions that run often; a peer is measured after that.
_WARM_UP = 2_000
_START_S = 60.0
_LOOPS = {"bare aiohttp loop": "bench.baseline", "bare httptools loop": "bench.httptools_loop"}
_BASELINE = "bare aiohttp loop"
Start = Callable[[], AbstractAsyncContextManager[Subject]]


class PeerFailed(Exception):
    """A peer did not start, or its outcomes are incomplete."""


@dataclass(slots=True, kw_only=True)
class _System:
    """A system that can be started, and its measurements so far."""

    start: Start
    records: str
    settings: str
    failure: str | None = None
    rates: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    cpu_us: list[dict[str, float | None]] = field(default_factory=list)
    latencies: list[dict[str, float]] = field(default_factory=list)
    low_rate_us: list[dict[str, float | None]] = field(default_factory=list)


async def measure(run: RunContext) -> dict[str, Any]:
    """Measures all systems in each round. A peer that fails is left out of the next rounds."""
    async with AsyncExitStack() as stack:
        systems = await _systems(run, stack)
        loops: dict[str, list[LoopRun]] = {name: [] for name in _LOOPS}
        for number in range(run.sizes["rounds"]):
            for name, module in _LOOPS.items():
                run.report(f"round {number + 1}, {name}", number / run.sizes["rounds"])
                loops[name].append(await bare_loop(module, run.port, run.sizes["deliveries"]))
            baseline = loops[_BASELINE][-1].requests_per_s
            for name, system in systems.items():
                run.report(f"round {number + 1}, {name}", number / run.sizes["rounds"])
                await _measure_system(run, system, baseline)
    return {
        "deliveries": run.sizes["deliveries"],
        "rounds": run.sizes["rounds"],
        "rate_per_s": _RATE_PER_S,
        "loops": {name: _loop_figures(runs) for name, runs in loops.items()},
        "systems": {name: _system_figures(system) for name, system in systems.items()},
    }


async def _systems(run: RunContext, stack: AsyncExitStack) -> dict[str, _System]:
    """Installs the peers and makes their databases."""
    systems = {
        ROWHOOK: _System(start=run.workers, records=ROWHOOK_RECORDS, settings="its defaults")
    }
    for peer in PEERS:
        run.report(f"installing {peer.name}", 0)
        system = _System(start=run.workers, records=peer.records, settings=peer.settings)
        try:
            program = await installed_peers.install(peer)
        except NotInstalled as error:
            system.failure = f"not installed: {error}"
        else:
            dsn = await stack.enter_async_context(peer_database(run.database.direct, peer.name))
            system.start = _starter(run, peer, program, dsn)
        systems[peer.name] = system
    return systems


def _starter(run: RunContext, peer: Peer, program: Program, dsn: str) -> Start:
    @asynccontextmanager
    async def start() -> AsyncIterator[Subject]:
        """Runs the worker of a peer that has delivered some rows already."""
        receiver = {"BENCH_RECEIVER": f"http://127.0.0.1:{run.port}"}
        variables = environment(dsn) | program.environment | receiver | dict(peer.variables)
        async with (
            connection_pool.open_pool(dsn) as pool,
            running(*program.command, environment=variables) as worker,
        ):
            await _wait_until_ready(worker)
            await run_script(dsn, peer.script)
            subject = Subject(
                pool=pool,
                port=run.port,
                meter=CpuMeter(workers=(worker.pid,), server=run.server),
                insert="select bench_enqueue(%s, %s)",
                unfinished="select bench_unfinished()",
            )
            await drain(subject, _WARM_UP, unique_prefix(), run.report)
            yield subject
            missing = int(await statements.value(pool, "select bench_unrecorded()"))
            if missing:
                raise PeerFailed(f"{missing} outcomes are missing")

    return start


async def _wait_until_ready(worker: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(_START_S):
        if await read_line(worker) != "ready":
            raise PeerFailed("it did not start")


async def _measure_system(run: RunContext, system: _System, baseline: float) -> None:
    if system.failure is not None:
        return
    try:
        async with system.start() as subject:
            drained = await drain(subject, run.sizes["deliveries"], unique_prefix(), run.report)
            before = subject.meter.read()
            times = await latency(
                subject.pool,
                run.port,
                run.sizes["latency_s"],
                _RATE_PER_S,
                run.report,
                subject.insert,
            )
            used = per_delivery_us(before, subject.meter.read(), int(times["commits"]))
    except (PeerFailed, TimeoutError, KeyError) as error:
        system.failure = f"failed: {error or type(error).__name__}"
        return
    system.rates.append(drained.per_s_from_first)
    system.ratios.append(drained.per_s_from_first / baseline)
    system.cpu_us.append(drained.cpu_us)
    system.latencies.append(times)
    system.low_rate_us.append(used)


def _loop_figures(runs: list[LoopRun]) -> dict[str, Any]:
    return {
        "requests_per_s": spread([run.requests_per_s for run in runs]),
        "cpu_us": spread([run.cpu_us for run in runs]),
        "receiver_load": spread([run.receiver_load for run in runs]),
    }


def _system_figures(system: _System) -> dict[str, Any]:
    described = {"records": system.records, "settings": system.settings}
    if system.failure is not None:
        return {**described, "failure": system.failure}
    return {
        **described,
        "deliveries_per_s": spread(system.rates),
        "ratio": spread(system.ratios),
        "cpu_us": cpu_spread(system.cpu_us),
        "p50_ms": spread([times["p50_ms"] for times in system.latencies]),
        "p99_ms": spread([times["p99_ms"] for times in system.latencies]),
        "cpu_us_at_rate": cpu_spread(system.low_rate_us),
    }


def table(figures: dict[str, Any]) -> Table:
    """Returns one row for each system; its settings and the recorded data are in the caption."""
    rate = f"{figures['rate_per_s']:g}/s"
    result = Table(box=None, pad_edge=False, title_justify="left", caption_justify="left")
    for title in ("system", "deliveries/s", "ratio", "worker µs", "server µs"):
        result.add_column(title, justify="left" if title == "system" else "right")
    for title in (f"p50 ms, {rate}", f"p99 ms, {rate}", f"worker ms, {rate}", f"server ms, {rate}"):
        result.add_column(title, justify="right")
    baseline = figures["loops"][_BASELINE]["requests_per_s"]["median"]
    for name, loop in figures["loops"].items():
        median = loop["requests_per_s"]["median"]
        result.add_row(
            name, f"{median:,.0f}", f"{median / baseline:.2f}", f"{loop['cpu_us']['median']:.0f}"
        )
    lines = []
    for name, system in figures["systems"].items():
        result.add_row(name, *_cells(system))
        lines.append(f"{name}: {system['settings']}; records {system['records']}.")
    result.caption = "\n".join(lines)
    return result


def _cells(system: dict[str, Any]) -> list[str]:
    if "failure" in system:
        return [system["failure"]]
    used, at_rate = system["cpu_us"], system["cpu_us_at_rate"]
    return [
        f"{system['deliveries_per_s']['median']:,.0f}",
        f"{system['ratio']['median']:.2f}",
        *(_number(used[part], 1) for part in ("worker", "server")),
        *(f"{system[name]['median']:.1f}" for name in ("p50_ms", "p99_ms")),
        *(_number(at_rate[part], 1000) for part in ("worker", "server")),
    ]


def _number(values: dict[str, float] | None, divisor: int) -> str:
    if values is None:
        return "–"
    return f"{values['median'] / divisor:.{0 if divisor == 1 else 2}f}"
