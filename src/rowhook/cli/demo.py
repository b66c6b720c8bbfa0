"""`rowhook demo`: a platform, a worker and a receiver on this machine, and a verdict at the end."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from rowhook import logs, migrate, operations, postgres
from rowhook.cli import entrance
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.receiver import Received, Reply, check, receiver
from rowhook.cli.serve import serving
from rowhook.cli.table import shown
from rowhook.demo import OWN_TABLES, ROWHOOK_TABLES, Ground, Story, judge, prepare
from rowhook.embedded import binaries
from rowhook.settings import Settings
from rowhook.supervisor import Supervisor

_DEADLINE_S = 30.0
_FAILURES = 2
_KEY_CHARS = 20
_PATHS = {
    "/jobs": "Job log",
    "/v1/customers": "CRM",
    "/archive": "Archive",
    "/ledger": "Flaky ledger",
    "/invoices": "Invoice mailer",
}


@click.command()
@click.option("--stay", is_flag=True, help="Stay up afterwards, to try things by hand.")
@click.option(
    "--own-tables",
    is_flag=True,
    help="The platform has tables of its own, which are watched, instead of Rowhook's.",
)
@with_settings
def demo(settings: Settings, *, stay: bool, own_tables: bool) -> None:
    """Show every kind of delivery once, verified by the receiver. Exit 0 only if all is right."""
    logs.configure(settings.log_format, level=logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="rowhook-demo-", ignore_cleanup_errors=True) as folder:
        own = replace(
            settings,
            database_url=None,
            database_direct_url=None,
            master_keys=None,
            brand="Roxels",
            data_dir=Path(folder) / "data",
            allow_networks=(ipaddress.ip_network("127.0.0.0/8"),),
        )
        code = run_async(_Demo(own, OWN_TABLES if own_tables else ROWHOOK_TABLES).run(stay=stay))
    sys.exit(code)


class _Demo:
    def __init__(self, settings: Settings, ground: Ground) -> None:
        self.settings = settings
        self.ground = ground
        self.console = Console()
        self.arrived: list[Received] = []
        self.secrets: dict[str, str] = {}
        self.staying = False

    async def take(self, received: Received) -> Reply:
        """The receiver: verifies, keeps, and fails the ledger's first two tries."""
        name = _PATHS.get(received.path, "Directory")
        check(received, self.secrets.get(name), self.settings.brand)
        self.arrived.append(received)
        if self.staying:
            mark = "✓ both signatures" if received.verified else f"✗ {received.fault}"
            text = received.body.decode("utf-8", "replace")
            self.console.print(f"{received.method} {received.path}  {mark}\n  {text}", markup=False)
        tries = sum(one.path == received.path for one in self.arrived)
        return Reply(status=503 if name == "Flaky ledger" and tries <= _FAILURES else 204)

    async def run(self, *, stay: bool) -> int:
        stop = asyncio.Event()
        entrance.on_signal(stop)
        tasks = Supervisor(stop)
        async with AsyncExitStack() as stack:
            place = await stack.enter_async_context(entrance.database(self.settings))
            await migrate.migrate(place.direct, prefix=self.settings.role_prefix)
            port = await stack.enter_async_context(
                serving(receiver(self.take), host="127.0.0.1", port=0, tasks=tasks)
            )
            ctx = await stack.enter_async_context(entrance.ctx(self.settings, place))
            hand = await stack.enter_async_context(entrance.worker(self.settings, place))
            await self._run_scripts(place, "platform")
            story = await prepare(ctx, f"http://127.0.0.1:{port}", self.ground)
            self.secrets = story.secrets
            working = asyncio.create_task(hand.run())
            working.add_done_callback(lambda _: stop.set())
            stack.push_async_callback(_drained, hand, working)
            await _until(lambda: hand.driver.listening)
            await self._run_scripts(place, "work", "rolled_back")
            code = await self._watch(ctx, story, stop)
            if stay and not stop.is_set():
                self.staying = True
                self._explain(place)
                await stop.wait()
            return max(code, tasks.exit_code)

    async def _run_scripts(self, place: entrance.Database, *names: str) -> None:
        folder = migrate.sql_folder() / "demo"
        async with await postgres.connect(place.direct) as connection:
            for name in names:
                script = (folder / f"{self.ground.scripts}{name}.sql").read_text("utf-8")
                await postgres.run_script(connection, script)

    async def _watch(self, ctx: operations.KeyringContext, story: Story, stop: asyncio.Event) -> int:
        deadline = time.monotonic() + _DEADLINE_S
        mended = False
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=self.console,
            transient=True,
        ) as progress:
            bar = progress.add_task("delivering", total=len(story.expected))
            while True:
                rows = await postgres.deliveries(ctx.pool)
                done = sum(row["status"] == "delivered" for row in rows)
                progress.update(bar, completed=done, description=_doing(rows))
                if done == len(story.expected) or time.monotonic() > deadline or stop.is_set():
                    break
                if not mended and any(row["status"] == "held" for row in rows):
                    await operations.change_webhook(ctx, story.broken, story.fixed_configuration)
                    mended = True
                await asyncio.sleep(0.03)
        self.console.print(_table(rows, self.arrived))
        return self._conclude(judge(story.expected, self.arrived, rows))

    def _conclude(self, faults: list[str]) -> int:
        for fault in faults:
            self.console.print(f"✗ {fault}", style="red", markup=False)
        if not faults:
            self.console.print(
                f"✓ {len(self.arrived)} requests arrived exactly as expected; the rolled-back"
                " commit sent nothing",
                style="green",
            )
        return 1 if faults else 0

    def _explain(self, place: entrance.Database) -> None:
        self.console.print("\nStill up. In another terminal:", markup=False)
        psql = shutil.which("psql") or binaries() / "psql"
        self.console.print(f'\n  {psql} "{place.dsn}"\n', markup=False, soft_wrap=True)
        self.console.print("What arrives is printed here. Ctrl-C drains and stops.", markup=False)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(_DEADLINE_S):
        while not holds():
            await asyncio.sleep(0.01)


async def _drained(hand: Any, working: asyncio.Task[int]) -> None:
    hand.stop()
    await working


def _short(key: str) -> str:
    return key if len(key) <= _KEY_CHARS else f"…{key[-12:]}"


def _doing(rows: list[dict[str, Any]]) -> str:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["status"]] = counts.get(row["status"], 0) + 1
    return ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))


def _table(rows: list[dict[str, Any]], arrived: list[Received]) -> Table:
    table = Table(
        title="Deliveries", title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for name in ("id", "webhook", "event", "key", "status"):
        table.add_column(name, no_wrap=True)
    for name in ("tries", "latency"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("signed", no_wrap=True)
    for row in rows:
        mine = [
            one
            for one in arrived
            if one.headers.get("idempotency-key") == row["key"]
            and _PATHS.get(one.path, "Directory") == row["webhook_name"]
        ]
        good = bool(mine) and all(one.verified for one in mine)
        table.add_row(
            str(row["id"]),
            row["webhook_name"],
            row["event_type"].partition(".")[2],
            _short(row["key"]),
            row["status"],
            str(row["attempts"]),
            shown(row["latency"]),
            f"✓ both {len(mine)}×" if good else "✗",
        )
    return table
