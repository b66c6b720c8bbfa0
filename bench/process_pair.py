"""Compares two worker processes with one, in alternating rounds."""

from __future__ import annotations

import os
from typing import Any

from bench.run_context import RunContext
from bench.throughput import cpu_spread, cpu_text, drain, ratio_text, spread, unique_prefix


async def measure(run: RunContext) -> dict[str, Any]:
    """Measures the deliveries per second of one and of two processes, and their ratio.

    The processes share the cores of the machine with PostgreSQL and the receiver.
    """
    drains: dict[int, list[Any]] = {1: [], 2: []}
    for _ in range(run.sizes["rounds"]):
        for count, measured in drains.items():
            async with run.workers(count) as subject:
                measured.append(
                    await drain(subject, run.sizes["deliveries"], unique_prefix(), run.report)
                )
    ratios = [two.per_s / one.per_s for one, two in zip(drains[1], drains[2], strict=True)]
    figures = {
        f"{name}_process{'es' if count > 1 else ''}": {
            "deliveries_per_s": spread([result.per_s for result in drains[count]]),
            "cpu_us": cpu_spread([result.cpu_us for result in drains[count]]),
        }
        for count, name in ((1, "one"), (2, "two"))
    }
    return {"cores": os.cpu_count(), "ratio": spread(ratios), **figures}


def table(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the label and text of each figure."""
    lines = []
    for key, title in (("one_process", "one process"), ("two_processes", "two processes")):
        part = figures[key]
        rate = f"{part['deliveries_per_s']['median']:,.0f} deliveries/s"
        lines.append((title, f"{rate}, {cpu_text(part['cpu_us'])}"))
    title = f"two processes ÷ one, on {figures['cores']} cores"
    return [*lines, (title, ratio_text(figures["ratio"]))]
