"""`rowhook bench`: throughput, latency and capture overhead, each with its baseline."""

from __future__ import annotations

import ipaddress
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench import (
    bulk,
    claim_cost,
    low_rate,
    process_pair,
    shapes,
    size,
    start_time,
    template_ratio,
    worker_memory,
)
from bench import list_times as lists
from bench import measured_server as server
from bench import page_times as pages
from bench import test_rows as ground
from bench import throughput as measure
from bench.peers import comparison
from bench.pgbench import Runner
from bench.process_cpu import resident_mb, server_pid
from bench.run_context import RunContext
from rowhook.cli import startup
from rowhook.cli.error_messages import CommandFailed
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.startup import check_ready, migrate_and_grant
from rowhook.db import connection_pool, statements
from rowhook.security.vault import generate_master_key
from rowhook.settings import Settings

Rows = list[tuple[str, str]]
Measurement = tuple[
    Callable[[RunContext], Awaitable[dict[str, Any]]], Callable[[dict[str, Any]], Rows | Table]
]
Command = TypeVar("Command", bound=Callable[..., Any])
_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
# Measurements that are made instead of the usual ones: each has its figures, and rows of a table.
_MEASUREMENTS: dict[str, Measurement] = {
    "size": (size.measure, size.table),
    "peers": (comparison.measure, comparison.table),
    "template": (template_ratio.measure, template_ratio.table),
    "processes": (process_pair.measure, process_pair.table),
    "memory": (worker_memory.measure, worker_memory.table),
    "start": (start_time.measure, start_time.table),
    "claims": (claim_cost.measure, claim_cost.table),
    "low_rate": (low_rate.measure, low_rate.table),
}


def _only(name: str, subject: str) -> Callable[[Command], Command]:
    flag = f"--{name.replace('_', '-')}"
    return click.option(flag, "only", flag_value=name, help=f"Measure only {subject}")


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
    "--low-rate-s",
    default=20.0,
    show_default=True,
    type=click.FloatRange(1, 300),
    help="Seconds of each run at a low rate.",
)
@_only("low_rate", "CPU and latency at 0, 1, 10 and 100 deliveries a second.")
@_only("size", "the bytes on disk per delivery.")
@_only("peers", "other PostgreSQL queues beside Rowhook; installs them from npm and PyPI.")
@_only("template", "a JSON template with a schema against the default payload.")
@_only("processes", "two worker processes against one.")
@_only("memory", "the resident memory of a worker over --deliveries.")
@_only("start", "the start of a worker to its first request.")
@_only("claims", "claims with many waiting rows and many webhooks.")
@click.option(
    "--claim-rows",
    default=10_000_000,
    show_default=True,
    type=click.IntRange(10_000, 100_000_000),
    help="Most waiting rows, with --claims.",
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
        for table in tables(figures, sizes["only"]):
            _console().print(table)
    sys.exit(0)


def _console() -> Console:
    """Returns a console that does not break the lines of a table in a file or a pipe."""
    return Console() if sys.stdout.isatty() else Console(width=200)


def tables(figures: dict[str, Any], only: str | None) -> list[Table]:
    """Returns the tables of all figures, or of the one measurement that was selected."""
    if only is None:
        return [_table(_rows(figures))]
    _, table = _MEASUREMENTS[only]
    heading = [("server", f"PostgreSQL {figures['server']['version']}")]
    measured = table(figures[only])
    if isinstance(measured, Table):
        return [_table(heading), measured]
    return [_table([*heading, *measured])]


def _table(rows: Rows) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in rows:
        table.add_row(name, value)
    return table


def _rows(figures: dict[str, Any]) -> Rows:
    rows = server.table(figures["server"], figures["capture_cpu_ms"])
    rows += measure.table(figures) + low_rate.table(figures["low_rate"])
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
        only = self.sizes["only"]
        pgbench = _pgbench() if only is None else None
        async with AsyncExitStack() as stack:
            stack.enter_context(self.progress)
            run = await self._prepare(stack)
            figures: dict[str, Any] = {"server": await server.describe(run.pool)}
            if only is not None:
                measure_only, _ = _MEASUREMENTS[only]
                return figures | {only: await measure_only(run)}
            figures["low_rate"] = await low_rate.measure(run)
            figures |= await self._with_worker(run)
            if pgbench is not None:
                runner = Runner(program=pgbench, dsn=run.database.direct, pool=run.pool)
                figures |= await self._capture(runner)
            figures["capture_cpu_ms"] = await server.commit_cpu(run.database.direct)
            figures["lists"] = await self._lists(run)
            return figures

    async def _prepare(self, stack: AsyncExitStack) -> RunContext:
        """Starts the server and the receiver, and creates the webhooks of the benchmark."""
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
        _, name = statements.login_and_database(database.direct)
        return RunContext(
            settings=self.settings,
            database=database,
            ctx=ctx,
            pool=pool,
            port=port,
            server=await server_pid(pool, name),
            sizes=self.sizes,
            report=self.report,
        )

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

    async def _with_worker(self, run: RunContext) -> dict[str, Any]:
        count = self.sizes["deliveries"]
        baselines: list[measure.LoopRun] = []
        limits: list[measure.LoopRun] = []
        drains: list[measure.Drain] = []
        async with run.workers() as subject:
            for number in range(self.sizes["rounds"]):
                self.report(f"baseline, round {number + 1}", 0)
                baselines.append(await measure.bare_loop("bench.baseline", run.port, count))
                limits.append(await measure.bare_loop("bench.httptools_loop", run.port, count))
                drains.append(
                    await measure.drain(subject, count, measure.unique_prefix(), self.report)
                )
            rate = 100.0
            seconds = self.sizes["latency_s"]
            latency = await measure.latency(run.pool, run.port, seconds, rate, self.report)
            pairs = zip(drains, baselines, strict=True)
            return {
                "ratio": measure.spread([ours.per_s / bare.requests_per_s for ours, bare in pairs]),
                "deliveries_per_s": measure.spread([drain.per_s for drain in drains]),
                "baseline_per_s": measure.spread([bare.requests_per_s for bare in baselines]),
                "limit_per_s": measure.spread([bare.requests_per_s for bare in limits]),
                "receiver_load": measure.spread([bare.receiver_load for bare in limits]),
                "cpu_us": measure.cpu_spread([drain.cpu_us for drain in drains]),
                "deliveries": count,
                "resident_mb": round(resident_mb(subject.meter.workers[0]), 1),
                "latency": {"rate_per_s": rate, **latency},
            }

    async def _capture(self, runner: Runner) -> dict[str, Any]:
        rounds = self.sizes["rounds"]
        seconds, rows = self.sizes["capture_s"], self.sizes["bulk_rows"]
        figures = await shapes.measure(runner, rounds=rounds, seconds=seconds, report=self.report)
        return {
            "capture": shapes.commit_summary(figures),
            "shapes": figures,
            "bulk": await bulk.measure(runner.dsn, rows=rows, rounds=rounds, report=self.report),
        }

    async def _lists(self, run: RunContext) -> dict[str, Any] | None:
        if not self.sizes["lists"]:
            return None
        rows, seconds = self.sizes["list_rows"], self.sizes["list_s"]
        filled_s = await lists.fill(run.database.direct, run.pool, rows, self.report)
        environment = run.environment()
        async with (
            measure.process("rowhook", "worker", environment=environment),
            lists.requesting(run.ctx, environment, seconds) as client,
        ):
            measured = await lists.measure(client, run.pool, run.port, self.report)
        return {"rows": rows, "filled_s": round(filled_s, 1), **measured}


def _pgbench() -> Path:
    program = ground.find_pgbench()
    if program is None:
        raise CommandFailed(
            "pgbench is not installed. Install postgresql-contrib or postgresql-client, or the"
            " extra rowhook[embedded]."
        )
    return program
