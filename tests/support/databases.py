"""Databases of tests: migrated once, cloned, emptied after each test and reused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from rowhook.db import connection_pool
from rowhook.migrate import preflight, runner
from rowhook.migrate.steps import DEFAULT_PREFIX
from tests.support.database_reset import ResettableDatabase
from tests.support.servers import Server

_TEMPLATE = "rowhook_template"


class Databases:
    """The databases of one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._has_template = False
        self._idle: list[ResettableDatabase] = []

    @asynccontextmanager
    async def migrated(self) -> AsyncIterator[str]:
        """Yields the name of a migrated empty database."""
        database = self._idle.pop() if self._idle else await self._open()
        try:
            yield database.name
        finally:
            if await database.reset():
                self._idle.append(database)
            else:
                await database.close()
                await self._drop(database.name)

    @asynccontextmanager
    async def new(self) -> AsyncIterator[str]:
        """Yields the name of a migrated database that was never used, so without statistics."""
        name = await self._clone()
        try:
            yield name
        finally:
            await self._drop(name)

    @asynccontextmanager
    async def empty(self) -> AsyncIterator[str]:
        """Yields the name of a database without Rowhook."""
        name = await self._create("template1")
        try:
            yield name
        finally:
            await self._drop(name)

    async def aclose(self) -> None:
        """Closes the connections to the databases that are not in use."""
        while self._idle:
            await self._idle.pop().close()

    async def _open(self) -> ResettableDatabase:
        name = await self._clone()
        return await ResettableDatabase.open(name, self.server.dsn_of_superuser(name))

    async def _clone(self) -> str:
        """Clones the template as a separate installation, since a copy sends nothing."""
        if not self._has_template:
            await self._make_template()
        name = await self._create(_TEMPLATE)
        async with await connection_pool.connect(self.server.dsn(name)) as connection:
            await connection.execute("delete from rowhook.installation")
            await connection.execute("select rowhook.check_installation()")
        return name

    async def _make_template(self) -> None:
        dsn, owner = self.server.dsn(_TEMPLATE), self.server.owner
        await self.server.run(f"create database {_TEMPLATE} owner {owner}")
        await runner.migrate(dsn)
        await preflight.grant_missing(dsn, dsn, DEFAULT_PREFIX)
        # The owner is not a member of these by default, but tests set these roles.
        await self.server.run(
            f"grant rowhook_producer, rowhook_reader, rowhook_operator to {owner}"
        )
        self._has_template = True

    async def _create(self, template: str) -> str:
        name = f"test_{uuid4().hex[:12]}"
        await self.server.run(
            f"create database {name} owner {self.server.owner} template {template}"
            " strategy file_copy"  # a third cheaper than through the log
        )
        return name

    async def _drop(self, name: str) -> None:
        await self.server.run(f"drop database {name} with (force)")
