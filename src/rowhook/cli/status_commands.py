"""`rowhook status` and `rowhook doctor`."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from functools import partial
from typing import Any

import rich_click as click

from rowhook.cli import startup
from rowhook.cli.fleet import examine_each
from rowhook.cli.options import as_json, run_async, with_settings
from rowhook.cli.output import show, table
from rowhook.cli.startup import check_ready
from rowhook.db import connection_errors, connection_pool, installation_queries
from rowhook.db.connection_pool import Pool
from rowhook.db.standby import Standby
from rowhook.db.statements import PrivilegeError
from rowhook.durations import format_duration
from rowhook.migrate import preflight, runner
from rowhook.migrate.preflight import GRANT_ADVICE, NotReady
from rowhook.migrate.steps import MigrationRejected
from rowhook.security.vault import KeyringRejected
from rowhook.settings import Settings

_HIDDEN = frozenset({"organization_id", "is_capped"})
# Columns of webhooks that `health` sums up, or that are found in the JSON.
_SUMMED_UP = frozenset(
    {"state", "circuit", "finished_24h", "delivered_24h", "p50_ms", "disabled_reason"}
)
Finding = dict[str, Any]
_STANDBY_WITHIN_S = 5.0
_STANDBY_ADVICE = (
    "Lists and statistics are read from the primary until then. Look at the standby's log and at"
    " pg_stat_replication, or remove DATABASE_READ_URL."
)


@click.command()
@as_json
@with_settings
def status(settings: Settings, *, as_json: bool) -> None:
    """Show deliveries by status, the health of each webhook, and the workers."""
    sys.exit(run_async(examine_each(settings, partial(_status, as_json=as_json), as_json=as_json)))


async def _status(settings: Settings, *, as_json: bool) -> int:
    async with startup.existing_database(settings) as database:
        await check_ready(settings, database, reads_only=True)
        async with connection_pool.open_pool(database.dsn, size=1, pooler=database.pooler) as pool:
            suspended = await installation_queries.suspension(pool)
            sections = {
                "deliveries": await installation_queries.status(pool),
                "webhooks": await installation_queries.webhook_health(pool),
                "workers": await installation_queries.workers(pool),
            }
    if as_json:
        document = {"suspended": suspended and suspended._asdict(), **sections}
        click.echo(json.dumps(document, default=_encode, indent=2))
        return 0
    if suspended is not None:
        show(f"Deliveries are suspended. {suspended.reason} {suspended.advice}", "")
    for name, rows in sections.items():
        heading = name.capitalize()
        displayed = [_display_row(row) for row in rows]
        show(table(displayed, heading) if displayed else f"{heading}: none")
    return 0


def _display_row(row: dict[str, Any]) -> dict[str, Any]:
    """Puts health first, drops internal columns, and marks capped counts and overdue deliveries."""
    hidden = _HIDDEN | _SUMMED_UP if "health" in row else _HIDDEN
    first = {name: row[name] for name in ("webhook_id", "name", "health") if name in row}
    displayed = {name: value for name, value in (first | row).items() if name not in hidden}
    next_due = row.get("next_due")
    if next_due is not None and next_due < timedelta():
        displayed["next_due"] = f"{format_duration(-next_due.total_seconds())} overdue"
    if row.get("is_capped"):
        displayed["deliveries"] = f"{row['deliveries']:,}+"
    return displayed


def _encode(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else str(value)


@click.command()
@as_json
@with_settings
def doctor(settings: Settings, *, as_json: bool) -> None:
    """Check the database, the capture, the workers and the keys. Exit 1 if a check fails."""
    sys.exit(run_async(examine_each(settings, partial(_examine, as_json=as_json), as_json=as_json)))


async def _examine(settings: Settings, *, as_json: bool) -> int:
    async with startup.existing_database(settings) as database:
        findings = await _findings(settings, database)
    if as_json:
        click.echo(json.dumps(findings, indent=2))
    else:
        for finding in findings:
            _print(finding)
    return 0 if all(finding["healthy"] for finding in findings) else 1


async def _findings(settings: Settings, database: startup.Database) -> list[Finding]:
    checks = await preflight.examine(database.dsn, settings.role_prefix)
    findings = [
        _finding(check.subject, check.finding, None if check.healthy else check.advice)
        for check in checks
        if check.needed_for != "migrate"
    ]
    # A standby is not writable, but the other checks can run on it.
    if any(not check.healthy for check in checks if check.needed_for in ("server", "start")):
        return findings
    migrations = await _migrations(database)
    if not all(finding["healthy"] for finding in migrations):
        return findings + migrations
    operation = await _operation(settings, database)
    return findings + migrations + operation + await _standby(settings, database)


def _finding(subject: str, finding: str, advice: str | None) -> Finding:
    return {
        "subject": subject,
        "healthy": advice is None,
        "finding": finding,
        "advice": advice or "",
    }


async def _migrations(database: startup.Database) -> list[Finding]:
    try:
        pending = await runner.plan(database.direct)
    except MigrationRejected as error:
        return [_finding("migrations", "history and files disagree", str(error))]
    except NotReady as error:
        return [_finding(check.subject, check.finding, check.advice) for check in error.findings]
    if pending:
        return [_finding("migrations", f"pending: {', '.join(pending)}", "Run rowhook migrate.")]
    return [_finding("migrations", "none pending", None)]


async def _operation(settings: Settings, database: startup.Database) -> list[Finding]:
    """Checks the master keys, and runs the diagnosis of the database."""
    async with connection_pool.open_pool(database.dsn, size=1, pooler=database.pooler) as pool:
        try:
            return [await _keys(settings, pool), *await installation_queries.diagnosis(pool)]
        except PrivilegeError as error:
            return [_finding("rights", connection_errors.reason(error), GRANT_ADVICE)]


async def _standby(settings: Settings, database: startup.Database) -> list[Finding]:
    """Compares the standby for lists with its primary, if one is configured."""
    if settings.database_read_url is None:
        return []
    async with (
        connection_pool.open_pool(database.dsn, size=1, pooler=database.pooler) as pool,
        connection_pool.open_pool(
            settings.database_read_url, size=1, pooler=database.pooler
        ) as replica,
    ):
        state = await Standby(replica, pool).settled_status(_STANDBY_WITHIN_S)
    if state.is_read:
        return [_finding("read standby", f"at most {state.lag_s or 0:.1f} s behind", None)]
    return [_finding("read standby", state.reason or "", _STANDBY_ADVICE)]


async def _keys(settings: Settings, pool: Pool) -> Finding:
    try:
        await startup.check_keyring(pool, startup.keyring(settings))
    except KeyringRejected as error:
        return _finding("master keys", "cannot decrypt this database's secrets", str(error))
    return _finding("master keys", "decrypt this database's secrets", None)


def _print(finding: Finding) -> None:
    mark = click.style("✓", fg="green") if finding["healthy"] else click.style("✗", fg="red")
    click.echo(f"{mark} {finding['subject']}: {finding['finding']}")
    if not finding["healthy"]:
        click.echo(f"    {finding['advice']}")
