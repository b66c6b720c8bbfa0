"""`rowhook doctor`: each thing that must be right, and what to do where it is not."""

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
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_settings
def doctor(settings: Settings, *, as_json: bool) -> None:
    """Examine the database, the capture, the workers and the keys. Exit 1 if anything is wrong."""
    sys.exit(run_async(_examine(settings, as_json=as_json)))


async def _examine(settings: Settings, *, as_json: bool) -> int:
    async with entrance.database(settings) as place:
        findings = await _findings(settings, place)
    if as_json:
        click.echo(json.dumps(findings, indent=2))
    else:
        for one in findings:
            _print(one)
    return 0 if all(one["healthy"] for one in findings) else 1


async def _findings(settings: Settings, place: entrance.Database) -> list[Finding]:
    examined = await migrate.examine(place.dsn, settings.role_prefix)
    findings = [
        _finding(found.subject, found.finding, None if found.healthy else found.advice)
        for found in examined
        if found.needed_for != "migrate"
    ]
    # On a standby the rest can be read.
    if any(not found.healthy for found in examined if found.needed_for in ("server", "start")):
        return findings
    migrations = await _migrations(place)
    if not all(found["healthy"] for found in migrations):
        return findings + migrations
    return findings + migrations + await _operation(settings, place)


def _finding(subject: str, finding: str, advice: str | None) -> Finding:
    return {
        "subject": subject,
        "healthy": advice is None,
        "finding": finding,
        "advice": advice or "",
    }


async def _migrations(place: entrance.Database) -> list[Finding]:
    try:
        pending = await migrate.plan(place.direct)
    except migrate.MigrationRejected as refused:
        return [_finding("migrations", "history and files disagree", str(refused))]
    except migrate.NotReady as refused:
        return [_finding(lack.subject, lack.finding, lack.advice) for lack in refused.findings]
    if pending:
        return [_finding("migrations", f"pending: {', '.join(pending)}", "run rowhook migrate")]
    return [_finding("migrations", "none pending", None)]


async def _operation(settings: Settings, place: entrance.Database) -> list[Finding]:
    """The keys, and what the database says of itself."""
    async with postgres.open_pool(place.dsn, size=1, pooler=place.pooler) as pool:
        try:
            return [await _keys(settings, pool), *await postgres.diagnosis(pool)]
        except postgres.PrivilegeError as error:
            return [_finding("rights", postgres.reason(error), migrate.GRANT_ADVICE)]


async def _keys(settings: Settings, pool: postgres.Pool) -> Finding:
    try:
        await entrance.check_keyring(pool, entrance.keyring(settings))
    except KeyringRejected as refused:
        return _finding("master keys", "cannot open this database's secrets", str(refused))
    return _finding("master keys", "open this database's secrets", None)


def _print(one: Finding) -> None:
    mark = click.style("✓", fg="green") if one["healthy"] else click.style("✗", fg="red")
    click.echo(f"{mark} {one['subject']}: {one['finding']}")
    if not one["healthy"]:
        click.echo(f"    {one['advice']}")
