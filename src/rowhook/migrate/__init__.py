"""Brings a database to this version, and says what a database lacks before anything starts."""

from rowhook.migrate.bootstrap import bootstrap_sql
from rowhook.migrate.preflight import Finding, NotReady, examine, grant_missing, require
from rowhook.migrate.runner import migrate, plan
from rowhook.migrate.steps import DEFAULT_PREFIX, MigrationRejected, sql_folder

__all__ = [
    "DEFAULT_PREFIX",
    "Finding",
    "MigrationRejected",
    "NotReady",
    "bootstrap_sql",
    "examine",
    "grant_missing",
    "migrate",
    "plan",
    "require",
    "sql_folder",
]
