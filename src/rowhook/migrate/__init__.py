"""Migrations, preflight checks, and removal of an installation."""

from rowhook.migrate.bootstrap import bootstrap_sql
from rowhook.migrate.preflight import (
    GRANT_ADVICE,
    Finding,
    NotReady,
    examine,
    grant_missing,
    require,
)
from rowhook.migrate.runner import migrate, plan
from rowhook.migrate.steps import DEFAULT_PREFIX, MigrationRejected, sql_folder
from rowhook.migrate.uninstall import Outcome, Part, count_losses, installed_parts, uninstall

__all__ = [
    "DEFAULT_PREFIX",
    "GRANT_ADVICE",
    "Finding",
    "MigrationRejected",
    "NotReady",
    "Outcome",
    "Part",
    "bootstrap_sql",
    "count_losses",
    "examine",
    "grant_missing",
    "installed_parts",
    "migrate",
    "plan",
    "require",
    "sql_folder",
    "uninstall",
]
