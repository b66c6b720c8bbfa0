"""pgqueuer's own schema, beside ours: installed and upgraded by its own plan."""

from __future__ import annotations

from typing import Any

from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.tm import TaskManager
from pgqueuer.domain.settings import DBSettings
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.rows import dict_row

SETTINGS = DBSettings(db_schema="rowhook_pgqueuer")


def builders() -> dict[str, Any]:
    """The query builders of our installation, as pgqueuer's Queries takes them."""
    return {
        "qbe": QueryBuilderEnvironment(SETTINGS),
        "qbq": QueryQueueBuilder(SETTINGS),
        "qbs": QuerySchedulerBuilder(SETTINGS),
    }


class _OneConnection:
    """The part of pgqueuer's Driver that an upgrade needs: one connection, no transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.tm = TaskManager()

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        cursor = AsyncRawCursor[dict[str, Any]](self.connection, row_factory=dict_row)
        await cursor.execute(query.encode(), args or None)
        return await cursor.fetchall()

    async def execute(self, query: str, *args: object) -> str:
        cursor = AsyncRawCursor(self.connection)
        await cursor.execute(query.encode(), args or None)
        return cursor.statusmessage or ""


def queries_over(connection: AsyncConnection) -> Queries:
    """Queries of pgqueuer over one connection in autocommit."""
    return Queries(_OneConnection(connection), **builders())  # type: ignore[arg-type]  # a Driver but for LISTEN


async def plan_pgqueuer(connection: AsyncConnection) -> list[str]:
    """What `upgrade_pgqueuer` would do, as names of steps."""
    queries = queries_over(connection)
    if not await queries.schema_is_installed():
        return ["pgqueuer: install"]
    planned = await queries.plan_upgrade()
    return [f"pgqueuer: {len(planned.statements)} statements"] if planned.statements else []


async def upgrade_pgqueuer(connection: AsyncConnection) -> list[str]:
    """Installs or upgrades; answers the names of the steps that ran."""
    steps = await plan_pgqueuer(connection)
    queries = queries_over(connection)
    if steps == ["pgqueuer: install"]:
        # The schema is there: a login that may not create one could not even say `if not exists`.
        await queries.install(create_schema=False)
    elif steps:
        await queries.apply_upgrade()
    return steps
