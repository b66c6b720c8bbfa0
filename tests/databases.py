"""The databases that tests are given: migrated once, then cloned."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from rowhook import migrate, postgres
from tests.servers import Server

_TEMPLATE = "rowhook_template"


class Databases:
    """The databases of one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._is_migrated = False

    @asynccontextmanager
    async def migrated(self) -> AsyncIterator[str]:
        """The name of a migrated database in which there is nothing."""
        await self._make_template()
        async with self._created(f"template {_TEMPLATE}") as name:
            await self._become_installation(name)
            yield name

    @asynccontextmanager
    async def empty(self) -> AsyncIterator[str]:
        """The name of a database that Rowhook never saw."""
        async with self._created() as name:
            yield name

    @asynccontextmanager
    async def _created(self, options: str = "") -> AsyncIterator[str]:
        name = f"test_{uuid4().hex[:12]}"
        await self.server.run(f"create database {name} owner {self.server.owner} {options}")
        try:
            yield name
        finally:
            await self.server.run(f"drop database {name} with (force)")

    async def _become_installation(self, name: str) -> None:
        """Makes a clone an installation of its own: a copy of the template sends nothing."""
        async with await postgres.connect(self.server.dsn(name)) as connection:
            await connection.execute("delete from rowhook.installation")
            await connection.execute("select rowhook.check_installation()")

    async def _make_template(self) -> None:
        if self._is_migrated:
            return
        await self.server.run(f"create database {_TEMPLATE} owner {self.server.owner}")
        await migrate.migrate(self.server.dsn(_TEMPLATE))
        await self.server.grant_service_roles()
        self._is_migrated = True
