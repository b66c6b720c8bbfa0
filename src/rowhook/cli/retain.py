"""`rowhook retain`: how long rows are kept, what a run would remove, and a run by hand."""

from __future__ import annotations

import sys
from datetime import timedelta

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rowhook.cli.opened import with_worker_rights
from rowhook.cli.options import as_json, span
from rowhook.cli.refusal import USAGE, Stopped
from rowhook.cli.table import print_json, show, table
from rowhook.operations import ServiceContext, Rejected
from rowhook.operations import retention as operations
from rowhook.operations.documents import RetentionAge, RetentionPlan

Ages = tuple[tuple[str, timedelta | None], ...]


def _age(text: str) -> tuple[str, timedelta | None]:
    """`delivered=14d`, `audit=forever`. Raises BadParameter."""
    kind, separator, age = text.partition("=")
    if not separator:
        raise click.BadParameter(f"{text!r} is not KIND=AGE. Use e.g. delivered=14d.")
    return kind.strip(), None if age.strip() == "forever" else span(age)


@click.command()
@click.option(
    "--set",
    "ages",
    type=_age,
    multiple=True,
    metavar="KIND=AGE",
    help="Keep a kind of rows for so long: delivered=14d, audit=forever. May be repeated.",
)
@click.option("--plan", "only_plan", is_flag=True, help="Show what a run would remove now.")
@click.option("--now", "run_now", is_flag=True, help="Run until nothing is left to remove.")
@as_json
@with_worker_rights
async def retain(
    registry: ServiceContext, ages: Ages, *, only_plan: bool, run_now: bool, as_json: bool
) -> None:
    """Show how long each kind of rows is kept; change it, or remove what is older.

    Workers run this every ten minutes. What was removed is never sent again.
    """
    if only_plan and run_now:
        raise Stopped("Use either --plan or --now.", code=USAGE)
    try:
        if ages:
            await operations.set_ages(registry, dict(ages))
    except Rejected as rejected:
        raise Stopped(*(fault.message for fault in rejected.faults), code=USAGE) from rejected
    if run_now:
        await _run(registry, as_json=as_json)
    elif only_plan:
        _show_plan(await operations.retention_plan(registry), as_json=as_json)
    else:
        _show_ages(await operations.retention_ages(registry), as_json=as_json)


def _show_ages(ages: list[RetentionAge], *, as_json: bool) -> None:
    if as_json:
        print_json(ages)
        return
    show(
        table(
            [
                {
                    "kind": age.kind,
                    "kept for": _format_age(age.keep_s),
                    "oldest": age.oldest_at,
                    "last run": age.last_finished_at,
                    "removed": age.removed,
                    "concerns": age.concerns,
                }
                for age in ages
            ]
        )
    )


def _show_plan(plan: list[RetentionPlan], *, as_json: bool) -> None:
    if as_json:
        print_json(plan)
        return
    show(
        table(
            [
                {
                    "kind": kind.kind,
                    "to be removed": _format_removable(kind),
                    "oldest": kind.oldest_at,
                }
                for kind in plan
            ]
        )
    )


def _format_removable(plan: RetentionPlan) -> str:
    if plan.days is not None:
        return "1 day" if plan.days == 1 else f"{plan.days:,} days"
    return f"{plan.rows:,}{'+' if plan.is_capped else ''} rows"


def _format_age(keep_s: float | None) -> str:
    if keep_s is None:
        return "forever"
    days, rest = divmod(keep_s, 86400)
    return f"{days:,.0f} d" if rest == 0 else f"{round(keep_s / 3600, 2):,g} h"


async def _run(registry: ServiceContext, *, as_json: bool) -> None:
    removed: dict[str, int] = {}
    days: list[str] = []
    with _progress(quiet=as_json) as bar:
        for kind in await operations.retention_plan(registry):
            task = bar.add_task(kind.kind, total=None if kind.is_capped else kind.rows or 0)
            removed[kind.kind] = 0
            async for rows in operations.run_retention(registry, kind.kind):
                bar.update(task, advance=rows)
                removed[kind.kind] += rows
            bar.update(task, total=removed[kind.kind])
        task = bar.add_task("days of attempts", total=None)
        async for name in operations.drop_partitions(registry):
            bar.update(task, advance=1)
            days.append(name)
        bar.update(task, total=len(days))
    left = sum(kind.days or 0 for kind in await operations.retention_plan(registry))
    if as_json:
        print_json({"removed": removed, "dropped_partitions": days, "partitions_in_use": left})
        return
    show(f"{sum(removed.values()):,} rows removed, {len(days):,} partitions dropped.")
    if left:
        raise Stopped(
            f"{left:,} partitions are in use by a transaction that has been open for over a second"
            " (a backup, a long report). Run this again when it has ended; workers do so every ten"
            " minutes."
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
