"""`rowhook demo`: runs a platform, a worker and a receiver, and checks every delivery.

`--stay` adds a day of history and the dashboard, and lets the platform go on.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
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

from rowhook import logs
from rowhook.cli import run_commands, startup
from rowhook.cli.http_server import require_port, serve_status, serving
from rowhook.cli.local_receiver import Received, Reply, check, receiver
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.output import format_value, program
from rowhook.cli.run_commands import serve_api
from rowhook.db import installation_queries
from rowhook.demo import (
    OWN_TABLES,
    ROWHOOK_TABLES,
    Platform,
    Story,
    day,
    find_faults,
    prepare,
    run_script,
)
from rowhook.migrate import runner
from rowhook.services import webhooks
from rowhook.services.context import KeyringContext, ServerContext
from rowhook.settings import Settings, SettingsRejected
from rowhook.supervisor import Supervisor, stop_on_signal

_DEADLINE_S = 30.0
_LEDGER_FAILURES = 2
_KEY_LENGTH = 20
_PATHS = {
    "/jobs": "Job log",
    "/v1/customers": "CRM",
    "/archive": "Archive",
    "/ledger": "Flaky ledger",
    "/invoices": "Invoice mailer",
}
_INTRODUCTION = (
    "Still running: a dozen webhooks of three organizations with 24 hours of history; one endpoint"
    " is down, one is slow, and some deliveries are held."
)


@click.command()
@click.option(
    "--stay",
    is_flag=True,
    help="Keep running afterwards, with the dashboard and a day of history of three organizations.",
)
@click.option(
    "--own-tables",
    is_flag=True,
    help="Use tables of the platform as sources (rowhook watch) instead of Rowhook's.",
)
@with_settings
def demo(settings: Settings, *, stay: bool, own_tables: bool) -> None:
    """Send every kind of delivery to a local receiver that verifies it. Exit 1 if one is wrong."""
    logs.configure(settings.log_format, level=logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="rowhook-demo-", ignore_cleanup_errors=True) as folder:
        own = replace(
            settings,
            database_url=None,
            database_direct_url=None,
            database_read_url=None,
            databases=None,
            database=None,
            master_keys=None,
            brand="Roxels",
            data_dir=Path(folder) / "data",
            allow_networks=(ipaddress.ip_network("127.0.0.0/8"),),
        )
        code = run_async(_Demo(own, OWN_TABLES if own_tables else ROWHOOK_TABLES).run(stay=stay))
    sys.exit(code)


class _Demo:
    def __init__(self, settings: Settings, platform: Platform) -> None:
        self.settings = settings
        self.platform = platform
        self.console = Console()
        self.arrived: list[Received] = []
        self.secrets: dict[str, str] = {}
        self.is_staying = False
        self.endpoints = day.Endpoints()

    async def receive(self, received: Received) -> Reply:
        """Verifies and keeps a request; answers 503 to the ledger's first two."""
        if received.path.startswith(day.PREFIX):
            answer = self.endpoints.answer(received.path, received.body)
            await asyncio.sleep(answer.delay_s)
            return Reply(status=answer.status, body=answer.body)
        name = _PATHS.get(received.path, "Directory")
        check(received, self.secrets.get(name), self.settings.brand)
        self.arrived.append(received)
        if self.is_staying:
            result = "✓ both signatures" if received.verified else f"✗ {received.fault}"
            body = received.body.decode("utf-8", "replace")
            line = f"{received.method} {received.path}  {result}\n  {body}"
            self.console.print(line, markup=False)
        requests = sum(request.path == received.path for request in self.arrived)
        return Reply(status=503 if name == "Flaky ledger" and requests <= _LEDGER_FAILURES else 204)

    async def run(self, *, stay: bool) -> int:
        stop = stop_on_signal()
        tasks = Supervisor(stop)
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(startup.database(self.settings))
            await runner.migrate(database.direct, prefix=self.settings.role_prefix)
            port = await stack.enter_async_context(
                serving(receiver(self.receive), host="127.0.0.1", port=0, tasks=tasks)
            )
            ctx = await stack.enter_async_context(startup.keyring_context(self.settings, database))
            worker = await stack.enter_async_context(startup.worker(self.settings, database))
            await self._run_scripts(database, "platform")
            story = await prepare(ctx, f"http://127.0.0.1:{port}", self.platform)
            self.secrets = story.secrets
            running = asyncio.create_task(worker.run())
            running.add_done_callback(lambda _: stop.set())
            stack.push_async_callback(_drain, worker, running)
            await _wait_until(lambda: worker.driver.listening)
            await self._run_scripts(database, "work", "rolled_back")
            code = await self._watch(ctx, story, stop)
            if stay and not stop.is_set():
                await stack.enter_async_context(serve_status(self.settings, database, worker, stop))
                await self._stay(stack, database, ctx, f"http://127.0.0.1:{port}", stop, tasks)
            return max(code, tasks.exit_code)

    async def _stay(
        self,
        stack: AsyncExitStack,
        database: startup.Database,
        ctx: KeyringContext,
        receiver_url: str,
        stop: asyncio.Event,
        tasks: Supervisor,
    ) -> None:
        """Writes the history of a day, serves the dashboard and lets the platform continue."""
        with self.console.status("Writing the last 24 hours of three organizations"):
            await day.write_history(ctx, database.direct, receiver_url, self.endpoints, stop)
        if stop.is_set():
            return
        self.is_staying = True
        server_ctx = await stack.enter_async_context(
            startup.server_context(self.settings, database)
        )
        port = await stack.enter_async_context(
            serve_api(
                server_ctx,
                host=self.settings.host,
                port=_usable_port(self.settings),
                tasks=tasks,
            )
        )
        url = f"http://{self.settings.host}:{port}"
        for line in await _explanation(server_ctx, url, self.settings.data_dir):
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)
        await day.write_traffic(database.direct, stop)

    async def _run_scripts(self, database: startup.Database, *names: str) -> None:
        for name in names:
            await run_script(database.direct, f"{self.platform.scripts}{name}")

    async def _watch(self, ctx: KeyringContext, story: Story, stop: asyncio.Event) -> int:
        deadline = time.monotonic() + _DEADLINE_S
        is_fixed = False
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
                rows = await installation_queries.deliveries(ctx.pool)
                delivered = sum(row["status"] == "delivered" for row in rows)
                progress.update(bar, completed=delivered, description=_count_statuses(rows))
                if delivered == len(story.expected) or time.monotonic() > deadline or stop.is_set():
                    break
                if not is_fixed and any(row["status"] == "held" for row in rows):
                    await webhooks.change_webhook(ctx, story.broken, story.fixed_configuration)
                    is_fixed = True
                await asyncio.sleep(0.03)
        self.console.print(_table(rows, self.arrived))
        return self._conclude(find_faults(story.expected, self.arrived, rows))

    def _conclude(self, faults: list[str]) -> int:
        for fault in faults:
            self.console.print(f"✗ {fault}", style="red", markup=False)
        if not faults:
            self.console.print(
                f"✓ {len(self.arrived)} requests arrived as expected; the rolled-back commit sent"
                " nothing",
                style="green",
            )
        return 1 if faults else 0


async def _wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(_DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.01)


async def _drain(worker: Any, running: asyncio.Task[int]) -> None:
    worker.stop()
    await running


def _short(key: str) -> str:
    return key if len(key) <= _KEY_LENGTH else f"…{key[-12:]}"


def _count_statuses(rows: list[dict[str, Any]]) -> str:
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
    for name in ("attempts", "latency"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("signed", no_wrap=True)
    for row in rows:
        requests = [
            request
            for request in arrived
            if request.headers.get("idempotency-key") == row["key"]
            and _PATHS.get(request.path, "Directory") == row["webhook_name"]
        ]
        is_verified = bool(requests) and all(request.verified for request in requests)
        table.add_row(
            str(row["id"]),
            row["webhook_name"],
            row["event_type"].partition(".")[2],
            _short(row["key"]),
            row["status"],
            str(row["attempts"]),
            format_value(row["latency"]),
            f"✓ both {len(requests)}×" if is_verified else "✗",
        )
    return table


def _usable_port(settings: Settings) -> int:
    """Returns the configured port, or 0 (any) if something else listens on it."""
    try:
        require_port(settings)
    except SettingsRejected:
        return 0
    return settings.port


async def _explanation(server_ctx: ServerContext, url: str, data_dir: Path) -> list[str]:
    """Returns the lines that explain how to continue."""
    ctx = server_ctx.ctx.for_actor(server_ctx.pool, None, startup.actor())
    return [
        "",
        _INTRODUCTION,
        f"  Dashboard  {await run_commands.dashboard_line(server_ctx, url)}",
        f"  API key    {await run_commands.key_line(ctx, None, creates_key=True)}",
        f"  Insert     {program()} psql --data-dir {data_dir}",
        "Requests for rows that you insert for Acme appear here. Press Ctrl-C to drain and stop.",
    ]
