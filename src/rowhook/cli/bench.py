"""`rowhook bench`: deliveries a second, latency, the capture's cost, each with its baseline."""

from __future__ import annotations

import ipaddress
import json
import os
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from rowhook import embedded, migrate, postgres
from rowhook.bench import bench as measure
from rowhook.bench import lists, pages
from rowhook.cli import entrance
from rowhook.cli.options import run_async, with_settings
from rowhook.operations import Office
from rowhook.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option(
    "--deliveries", default=10_000, show_default=True, type=click.IntRange(100, 1_000_000)
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 20))
@click.option("--latency-s", default=10.0, show_default=True, type=click.FloatRange(1, 300))
@click.option("--capture-s", default=3, show_default=True, type=click.IntRange(1, 60))
@click.option("--lists/--no-lists", default=True, show_default=True, help="GET /v1/deliveries.")
@click.option(
    "--list-rows", default=1_000_000, show_default=True, type=click.IntRange(10_000, 100_000_000)
)
@click.option("--list-s", default=10.0, show_default=True, type=click.FloatRange(1, 300))
@with_settings
def bench(settings: Settings, *, as_json: bool, **sizes: Any) -> None:
    """Measure on an embedded Postgres of its own; nothing of yours is touched."""
    with tempfile.TemporaryDirectory(prefix="rowhook-bench-", ignore_cleanup_errors=True) as folder:
        own = replace(
            settings, database_url=None, database_direct_url=None, master_keys=None,
            data_dir=Path(folder) / "data", allow_networks=(ipaddress.ip_network("127.0.0.0/8"),),
        )  # fmt: skip
        figures = run_async(_Bench(own, sizes).run())
    if as_json:
        click.echo(json.dumps(figures, indent=2))
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        rows = measure.table(figures) + lists.table(figures["lists"])
        rows += pages.table(figures["lists"])
        for name, value in rows:
            table.add_row(name, value)
        Console().print(table)
    sys.exit(0)


class _Bench:
    def __init__(self, settings: Settings, sizes: dict[str, Any]) -> None:
        self.settings = settings
        self.sizes = sizes
        self.progress = Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
            console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self.bar = self.progress.add_task("starting", total=1.0)

    def told(self, what: str, done: float) -> None:
        """Moves the bar."""
        self.progress.update(self.bar, description=what, completed=done)

    async def run(self) -> dict[str, Any]:
        async with AsyncExitStack() as stack:
            stack.enter_context(self.progress)
            place = await stack.enter_async_context(entrance.database(self.settings))
            await migrate.migrate(place.direct, prefix=self.settings.role_prefix)
            port = await stack.enter_async_context(measure.receiver())
            office = await stack.enter_async_context(entrance.office(self.settings, place))
            await measure.prepare(office, place.dsn, port)
            pool = await stack.enter_async_context(postgres.open_pool(place.dsn))
            figures = await self._with_worker(place, pool, port)
            figures["capture"] = await self._capture(place, pool)
            figures["lists"] = await self._lists(place, office, pool, port)
            return figures

    def _environment(self, place: entrance.Database) -> dict[str, str]:
        return dict(os.environ) | {
            "DATABASE_URL": place.dsn,
            "ROWHOOK_MASTER_KEYS_FILE": str(self.settings.data_dir / "master_keys"),
            "ROWHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        }

    async def _with_worker(
        self, place: entrance.Database, pool: postgres.Pool, port: int
    ) -> dict[str, Any]:
        environment = self._environment(place)
        count = self.sizes["deliveries"]
        async with measure.process("rowhook", "worker", environment=environment) as worker:
            await measure.throughput(pool, 500, "warm_", self.told)
            base: list[float] = []
            ours: list[float] = []
            for number in range(self.sizes["rounds"]):
                self.told(f"baseline, round {number + 1}", 0)
                base.append(await measure.baseline(port, count))
                ours.append(await measure.throughput(pool, count, f"round{number}_", self.told))
            rate = 100.0
            latency = await measure.latency(pool, port, self.sizes["latency_s"], rate, self.told)
            return {
                "ratio": measure.spread(
                    [one / floor for one, floor in zip(ours, base, strict=True)]
                ),
                "deliveries_per_s": measure.spread(ours),
                "baseline_per_s": measure.spread(base),
                "deliveries": count,
                "resident_mb": round(measure.resident_mb(worker.pid), 1),
                "latency": {"rate_per_s": rate, **latency},
            }

    async def _capture(self, place: entrance.Database, pool: postgres.Pool) -> list[dict[str, Any]]:
        pgbench = embedded.binaries() / "pgbench"
        found = []
        for writers in (1, 32):
            with_capture: list[float] = []
            without: list[float] = []
            for number in range(self.sizes["rounds"]):
                self.told(f"capture, {writers} writers", number / self.sizes["rounds"])
                for capture, kept in ((True, with_capture), (False, without)):
                    await postgres.rows(pool, "select rowhook.bench_capture(%s)", capture)
                    kept.append(
                        await measure.commits_per_s(
                            pgbench, place.dsn, writers, self.sizes["capture_s"]
                        )
                    )
            ratios = [one / floor for one, floor in zip(with_capture, without, strict=True)]
            found.append(
                {
                    "writers": writers,
                    "ratio": measure.spread(ratios),
                    "with_capture": measure.spread(with_capture),
                    "without": measure.spread(without),
                }  # fmt: skip
            )
        return found

    async def _lists(
        self, place: entrance.Database, office: Office, pool: postgres.Pool, port: int
    ) -> dict[str, Any] | None:
        if not self.sizes["lists"]:
            return None
        rows, seconds = self.sizes["list_rows"], self.sizes["list_s"]
        filled_s = await lists.fill(place.dsn, pool, rows, self.told)
        environment = self._environment(place)
        async with (
            measure.process("rowhook", "worker", environment=environment),
            lists.asking(office, environment, seconds) as asker,
        ):
            measured = await lists.measured(asker, pool, port, self.told)
        return {"rows": rows, "filled_s": round(filled_s, 1), **measured}
