"""Application of migration steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import psycopg

from rowhook import postgres
from rowhook.migrate.locks import LOCK_WAIT_MS, Patience
from rowhook.migrate.steps import FUNCTIONS, GRANTS, Step, paragraphs


async def apply_all(
    connection: psycopg.AsyncConnection, steps: Iterable[Step], patience: Patience
) -> None:
    """Applies steps in order, each in its own transaction; release steps share one."""
    for _, group in groupby(steps, lambda step: step.kind == "release" or step.name):
        await _apply(connection, list(group), patience)


async def _apply(
    connection: psycopg.AsyncConnection, steps: Sequence[Step], patience: Patience
) -> None:
    current = steps[0]

    async def attempt() -> None:
        nonlocal current
        if steps[0].kind == "outside":
            await _run_outside(connection, steps[0])
            return
        async with postgres.brief_locks(connection, LOCK_WAIT_MS):
            for current in steps:
                await _run(connection, current)

    try:
        await patience.apply(connection.info.backend_pid, steps[0].name, attempt)
    except psycopg.Error as error:
        error.add_note(_recovery_note(current))
        raise
    await _store_definitions(connection, steps[0])


async def _store_definitions(connection: psycopg.AsyncConnection, step: Step) -> None:
    """Stores definitions outside the transaction of the step, which locks the platform's tables."""
    if step.kind == "release":
        await postgres.keep_definitions(connection, FUNCTIONS)
    elif step.kind in ("trigger", "policies"):
        await postgres.keep_definitions(connection, step.name)


async def _run(connection: psycopg.AsyncConnection, step: Step) -> None:
    if step.kind == "trigger":
        await postgres.define_trigger(connection, step.table, step.trigger, step.sql)
    elif step.kind == "policies":
        await postgres.define_policies(connection, step.table, step.sql)
    elif step.name != GRANTS or await _has_other_grants(connection, step):
        await postgres.run_script(connection, step.sql)
    await postgres.note_migration(connection, step.name, step.checksum)


async def _has_other_grants(connection: psycopg.AsyncConnection, step: Step) -> bool:
    """Returns whether grants changed, by the version, by a new function, or by hand.

    Repeating unchanged grants would invalidate the catalog caches of all sessions.
    """
    applied = await postgres.applied_migrations(connection)
    differences = await postgres.schema_differences(connection)
    is_interrupted = not await postgres.is_state_kept(connection)
    return (
        is_interrupted
        or applied.get(step.name) != step.checksum
        or any(difference.step == step.name for difference in differences)
    )


async def _run_outside(connection: psycopg.AsyncConnection, step: Step) -> None:
    for statement in paragraphs(step.sql):
        await postgres.run_script(connection, statement)
    await postgres.note_migration(connection, step.name, step.checksum)


def _recovery_note(step: Step) -> str:
    if step.kind == "outside":
        return f"Step {step.name} was interrupted. It will be repeated from its first statement."
    others = (
        " together with the other functions, views and grants" if step.kind == "release" else ""
    )
    return f"Step {step.name} was rolled back{others}. Earlier steps are kept."
