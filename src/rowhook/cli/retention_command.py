"""`rowhook retain`: shows and sets retention ages, plans and runs retention."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

import rich_click as click
from msgspec.structs import asdict
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from rowhook.cli.error_messages import USAGE, CommandFailed
from rowhook.cli.operator_session import with_worker_rights
from rowhook.cli.options import as_json, duration
from rowhook.cli.output import format_time, print_json, show, table
from rowhook.services import installation
from rowhook.services.context import Rejected, ServiceContext
from rowhook.services.installation import PausedDeliveries, RetentionAge, RetentionPlan

Ages = tuple[tuple[str, timedelta | None], ...]


def _age(text: str) -> tuple[str, timedelta | None]:
    """Parses `delivered=14d` or `audit=forever`. Raises BadParameter."""
    kind, separator, age = text.partition("=")
    if not separator:
        raise click.BadParameter(f"Invalid value {text!r}. Use KIND=AGE, e.g. delivered=14d.")
    return kind.strip(), None if age.strip() == "forever" else duration(age)


@click.command()
@click.option(
    "--set",
    "ages",
    type=_age,
    multiple=True,
    metavar="KIND=AGE",
    help="Keep rows of a kind for this long, e.g. delivered=14d, audit=forever. May be repeated.",
)
@click.option("--plan", "only_plan", is_flag=True, help="Show the rows that a run would remove.")
@click.option("--now", "run_now", is_flag=True, help="Remove everything that is old enough.")
@as_json
@with_worker_rights
async def retain(
    ctx: ServiceContext, ages: Ages, *, only_plan: bool, run_now: bool, as_json: bool
) -> None:
    """Show or change how long each kind of rows is kept, or remove old rows now.

    Workers remove old rows every ten minutes. Removed deliveries cannot be sent again.
    """
    if only_plan and run_now:
        raise CommandFailed("Use either --plan or --now.", code=USAGE)
    try:
        if ages:
            await installation.set_ages(ctx, dict(ages))
    except Rejected as error:
        raise CommandFailed(*(fault.message for fault in error.faults), code=USAGE) from error
    if run_now:
        await _run(ctx, as_json=as_json)
    elif only_plan:
        plan = await installation.retention_plan(ctx)
        _show(plan, _plan_table(plan), await installation.paused_deliveries(ctx), as_json=as_json)
    else:
        rules = await installation.retention_ages(ctx)
        _show(rules, _age_table(rules), await installation.paused_deliveries(ctx), as_json=as_json)


def _show(
    entries: Sequence[RetentionAge | RetentionPlan],
    rows: Table,
    paused: PausedDeliveries,
    *,
    as_json: bool,
) -> None:
    """Prints the entries as JSON or as a table, followed by the deliveries of paused webhooks."""
    if as_json:
        print_json([*entries, {"kind": "paused", **asdict(paused)}])
    elif paused.oldest_at is None:
        show(rows)
    else:
        show(rows, _format_paused(paused, paused.oldest_at))


def _age_table(ages: Sequence[RetentionAge]) -> Table:
    return table(
        [
            {
                "kind": age.kind,
                "kept for": _format_age(age.keep_s),
                "oldest": age.oldest_at,
                "last run": age.last_finished_at,
                "removed": age.removed,
                "rows": age.concerns,
            }
            for age in ages
        ]
    )


def _plan_table(plan: Sequence[RetentionPlan]) -> Table:
    return table(
        [
            {
                "kind": kind.kind,
                "to be removed": _format_removable(kind),
                "oldest": kind.oldest_at,
            }
            for kind in plan
        ]
    )


def _format_paused(paused: PausedDeliveries, oldest_at: datetime) -> str:
    more = "+" if paused.is_capped else ""
    return (
        "Waiting deliveries of paused webhooks, kept regardless of age:"
        f" {paused.deliveries:,}{more} (webhooks: {paused.webhooks:,}), the oldest from"
        f" {format_time(oldest_at)}."
    )


def _format_removable(plan: RetentionPlan) -> str:
    if plan.days is not None:
        return "1 day" if plan.days == 1 else f"{plan.days:,} days"
    return f"{plan.rows:,}{'+' if plan.is_capped else ''} rows"


def _format_age(keep_s: float | None) -> str:
    if keep_s is None:
        return "forever"
    days, remainder = divmod(keep_s, 86400)
    return f"{days:,.0f} d" if remainder == 0 else f"{round(keep_s / 3600, 2):,g} h"


async def _run(ctx: ServiceContext, *, as_json: bool) -> None:
    removed: dict[str, int] = {}
    days: list[str] = []
    with _progress(quiet=as_json) as bar:
        for kind in await installation.retention_plan(ctx):
            task = bar.add_task(kind.kind, total=None if kind.is_capped else kind.rows or 0)
            removed[kind.kind] = 0
            async for rows in installation.run_retention(ctx, kind.kind):
                bar.update(task, advance=rows)
                removed[kind.kind] += rows
            bar.update(task, total=removed[kind.kind])
        task = bar.add_task("days of attempts", total=None)
        async for name in installation.drop_partitions(ctx):
            bar.update(task, advance=1)
            days.append(name)
        bar.update(task, total=len(days))
    in_use = sum(kind.days or 0 for kind in await installation.retention_plan(ctx))
    if as_json:
        print_json({"removed": removed, "dropped_partitions": days, "partitions_in_use": in_use})
        return
    show(f"{sum(removed.values()):,} rows removed, {len(days):,} partitions dropped.")
    if in_use:
        raise CommandFailed(
            f"{in_use:,} partitions are in use by a transaction that has been open for over a"
            " second (e.g. a backup or a long report). Run this command again when it has ended."
            " Workers retry every ten minutes."
        )


def _progress(*, quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=quiet or not sys.stderr.isatty(),
    )
