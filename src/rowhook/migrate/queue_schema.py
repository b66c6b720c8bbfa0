"""Installs and upgrades pgqueuer's schema with pgqueuer's own plan."""

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
    """Returns the keyword arguments with which pgqueuer's Queries uses Rowhook's schema name."""
    return {
        "qbe": QueryBuilderEnvironment(SETTINGS),
        "qbq": QueryQueueBuilder(SETTINGS),
        "qbs": QuerySchedulerBuilder(SETTINGS),
    }


class _OneConnection:
    """The part of pgqueuer's Driver that an upgrade needs, on one connection in autocommit."""

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
    """Returns pgqueuer's Queries on one connection in autocommit."""
    return Queries(_OneConnection(connection), **builders())  # type: ignore[arg-type]  # a Driver but for LISTEN


async def plan_pgqueuer(connection: AsyncConnection) -> list[str]:
    """Returns the names of the steps that `upgrade_pgqueuer` would run."""
    queries = queries_over(connection)
    if not await queries.schema_is_installed():
        return ["pgqueuer: install"]
    planned = await queries.plan_upgrade()
    return [f"pgqueuer: {len(planned.statements)} statements"] if planned.statements else []


async def upgrade_pgqueuer(connection: AsyncConnection) -> list[str]:
    """Installs or upgrades pgqueuer's schema; returns the names of the steps that ran."""
    steps = await plan_pgqueuer(connection)
    queries = queries_over(connection)
    if steps == ["pgqueuer: install"]:
        # The schema exists, and `create schema if not exists` would need the privilege anyway.
        await queries.install(create_schema=False)
    elif steps:
        await queries.apply_upgrade()
    return steps
