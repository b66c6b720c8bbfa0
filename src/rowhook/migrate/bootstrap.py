"""SQL that a database administrator runs for an owner who may not create roles or schemas."""

from __future__ import annotations

import re

from psycopg import sql

from rowhook.migrate.steps import read_sql, sql_folder

_VARIABLE = re.compile(r":([\"'])(owner|login|database)\1")


def bootstrap_sql(*, owner: str, login: str, database: str, prefix: str) -> str:
    """Returns idempotent SQL for roles, schemas and grants.

    `owner` runs migrations; `login` is the one that workers and the API connect with.
    """
    names = {"owner": owner, "login": login, "database": database}

    def quoted(variable: re.Match[str]) -> str:
        name = names[variable[2]]
        kind = sql.Identifier if variable[1] == '"' else sql.Literal
        return kind(name).as_string(None)

    folder = sql_folder()
    parts = (read_sql(folder / name, prefix) for name in ("roles.sql", "bootstrap_by_dba.sql"))
    return _VARIABLE.sub(quoted, "".join(parts))
