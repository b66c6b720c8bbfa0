"""`rowhook doctor`: checks the installation and prints how to fix each problem."""

from __future__ import annotations

import json
import sys
from typing import Any

import rich_click as click

from rowhook import migrate, postgres
from rowhook.cli import entrance
from rowhook.cli.options import run_async, with_settings
from rowhook.settings import Settings
from rowhook.vault import KeyringRejected

Finding = dict[str, Any]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def doctor(settings: Settings, *, as_json: bool) -> None:
    """Check the database, the capture, the workers and the keys. Exit 1 if a check fails."""
    sys.exit(run_async(_examine(settings, as_json=as_json)))


async def _examine(settings: Settings, *, as_json: bool) -> int:
    async with entrance.database(settings) as database:
        findings = await _findings(settings, database)
    if as_json:
        click.echo(json.dumps(findings, indent=2))
    else:
        for finding in findings:
            _print(finding)
    return 0 if all(finding["healthy"] for finding in findings) else 1


async def _findings(settings: Settings, database: entrance.Database) -> list[Finding]:
    checks = await migrate.examine(database.dsn, settings.role_prefix)
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
    return findings + migrations + await _operation(settings, database)


def _finding(subject: str, finding: str, advice: str | None) -> Finding:
    return {
        "subject": subject,
        "healthy": advice is None,
        "finding": finding,
        "advice": advice or "",
    }


async def _migrations(database: entrance.Database) -> list[Finding]:
    try:
        pending = await migrate.plan(database.direct)
    except migrate.MigrationRejected as error:
        return [_finding("migrations", "history and files disagree", str(error))]
    except migrate.NotReady as error:
        return [_finding(check.subject, check.finding, check.advice) for check in error.findings]
    if pending:
        return [_finding("migrations", f"pending: {', '.join(pending)}", "Run rowhook migrate.")]
    return [_finding("migrations", "none pending", None)]


async def _operation(settings: Settings, database: entrance.Database) -> list[Finding]:
    """Checks the master keys, and runs the diagnosis of the database."""
    async with postgres.open_pool(database.dsn, size=1, pooler=database.pooler) as pool:
        try:
            return [await _keys(settings, pool), *await postgres.diagnosis(pool)]
        except postgres.PrivilegeError as error:
            return [_finding("rights", postgres.reason(error), migrate.GRANT_ADVICE)]


async def _keys(settings: Settings, pool: postgres.Pool) -> Finding:
    try:
        await entrance.check_keyring(pool, entrance.keyring(settings))
    except KeyringRejected as error:
        return _finding("master keys", "cannot decrypt this database's secrets", str(error))
    return _finding("master keys", "decrypt this database's secrets", None)


def _print(finding: Finding) -> None:
    mark = click.style("✓", fg="green") if finding["healthy"] else click.style("✗", fg="red")
    click.echo(f"{mark} {finding['subject']}: {finding['finding']}")
    if not finding["healthy"]:
        click.echo(f"    {finding['advice']}")
