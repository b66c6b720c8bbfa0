"""Measures the start of a worker process to its first request."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from bench.process_cpu import tree_cpu_ns
from bench.run_context import RunContext
from bench.throughput import arrivals, process, ratio_text, spread, unique_prefix
from rowhook.db import statements

_TIMEOUT_S = 60.0


async def measure(run: RunContext) -> dict[str, Any]:
    """Measures from the start of the process until the receiver has a waiting delivery.

    The first claim is a few milliseconds earlier.
    """
    elapsed: list[float] = []
    used: list[float] = []
    for number in range(run.sizes["rounds"]):
        run.report("start of a worker", number / run.sizes["rounds"])
        prefix = unique_prefix()
        arrivals(run.port)
        await statements.rows(run.pool, "select rowhook.bench_commits(%s, %s)", 1, prefix)
        began = time.time()
        async with process("rowhook", "worker", environment=run.environment()) as worker:
            elapsed.append(await _arrival(run.port, f"{prefix}1") - began)
            used.append((tree_cpu_ns(worker.pid) or 0) / 1e9)
    return {"first_request_s": spread(elapsed), "cpu_s": spread(used)}


async def _arrival(port: int, key: str) -> float:
    deadline = time.perf_counter() + _TIMEOUT_S
    while (at := arrivals(port).get(key)) is None:
        if time.perf_counter() > deadline:
            raise TimeoutError(f"The worker sent nothing within {_TIMEOUT_S:g} s.")
        await asyncio.sleep(0.01)
    return at


def table(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the label and text of each figure."""
    return [
        ("start of a worker to its first request, s", ratio_text(figures["first_request_s"])),
        ("  CPU, s", ratio_text(figures["cpu_s"])),
    ]
