"""A separate database for each peer, on the measured server."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from psycopg import pq, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rowhook.cli.error_messages import CommandFailed
from rowhook.db import connection_pool, statements

_SQL = Path(__file__).with_name("sql")


@asynccontextmanager
async def peer_database(dsn: str, peer: str) -> AsyncIterator[str]:
    """Creates a database beside that of `dsn`, with the table of outcomes; drops it at exit.

    Its name depends on the peer only, so that the next run drops the rest of a killed one.
    """
    name = "rowhook_bench_" + re.sub(r"\W+", "_", peer)
    await _drop(dsn, name)
    async with await connection_pool.connect(dsn) as connection:
        try:
            await connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        except statements.PrivilegeError:
            raise CommandFailed(
                "This login cannot create a database for each peer. Use one with CREATEDB."
            ) from None
    own = make_conninfo(dsn, dbname=name)
    try:
        await run_script(own, "outcome.sql")
        yield own
    finally:
        await _drop(dsn, name)


async def _drop(dsn: str, name: str) -> None:
    statement = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
    async with await connection_pool.connect(dsn) as connection:
        await connection.execute(statement)


async def run_script(dsn: str, name: str) -> None:
    """Runs a file of `bench/peers/sql`."""
    async with await connection_pool.connect(dsn) as connection:
        await statements.run_script(connection, (_SQL / name).read_text("utf-8"))


def environment(dsn: str) -> dict[str, str]:
    """Returns this environment with the variables of libpq for `dsn`, which all peers read."""
    variables = {
        option.keyword.decode(): option.envvar.decode()
        for option in pq.Conninfo.get_defaults()
        if option.envvar
    }
    parameters = conninfo_to_dict(dsn)
    named = {variables[name]: str(value) for name, value in parameters.items() if name in variables}
    return dict(os.environ) | named
