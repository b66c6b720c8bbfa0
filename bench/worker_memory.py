"""Measures the resident memory of a worker at intervals over a long run."""

from __future__ import annotations

import statistics
from typing import Any

from bench.process_cpu import resident_mb
from bench.run_context import RunContext
from bench.throughput import drain, unique_prefix

_CHUNK = 10_000


async def measure(run: RunContext) -> dict[str, Any]:
    """Delivers in chunks of 10,000; the steady memory is the median of the second half."""
    count = run.sizes["deliveries"]
    samples: list[dict[str, float]] = []
    async with run.workers() as subject:
        (pid,) = subject.meter.workers
        for delivered in range(0, count, _CHUNK):
            chunk = min(_CHUNK, count - delivered)
            await drain(subject, chunk, unique_prefix(), lambda *_: None)
            present = resident_mb(pid, peak=False)
            samples.append({"deliveries": delivered + chunk, "mb": round(present, 1)})
            run.report(f"memory, {present:.0f} MB", (delivered + chunk) / count)
        peak = resident_mb(pid)
    steady = statistics.median(sample["mb"] for sample in samples[len(samples) // 2 :])
    return {
        "deliveries": count,
        "max_mb": round(peak, 1),
        "steady_mb": round(steady, 1),
        "samples": samples,
    }


def table(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the label and text of each figure."""
    samples = figures["samples"]
    # Ten lines at most; `--json` has every sample.
    displayed = samples[:: max(1, len(samples) // 10)]
    return [
        (
            f"worker, resident memory over {figures['deliveries']:,} deliveries",
            f"steady {figures['steady_mb']:.0f} MB, max {figures['max_mb']:.0f} MB",
        ),
        *((f"  after {sample['deliveries']:,}", f"{sample['mb']:.0f} MB") for sample in displayed),
    ]
