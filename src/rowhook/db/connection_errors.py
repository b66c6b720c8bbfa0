"""Connection errors: their causes, and the setting at fault."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto

import psycopg
from psycopg_pool import PoolTimeout

# Added by psycopg before libpq's "connection to server … failed: ".
_PREFIX = re.compile(r"^connection (failed|is bad): ")


class ConnectionFailed(PoolTimeout):
    """No connection could be opened in time; the message ends with the last error."""

    def __init__(self, seconds: float, failure: psycopg.Error) -> None:
        super().__init__(f"No connection within {seconds:g} s: {reason(failure)}")
        self.sqlstate = failure.sqlstate


# The attributes of an error that say which address it is about.
_DSN, _SETTING = "_rowhook_dsn", "_rowhook_setting"


def note_dsn(error: psycopg.Error, dsn: str) -> None:
    """Keeps the connection string that failed with its error. It is never printed."""
    setattr(error, _DSN, dsn)


def name_setting(error: BaseException, settings: Mapping[str, str]) -> None:
    """Keeps the name of the setting whose connection string failed; `settings` is by the string."""
    setattr(error, _SETTING, settings.get(getattr(error, _DSN, ""), setting_of(error)))


def setting_of(error: BaseException) -> str:
    """Returns the setting whose connection string failed."""
    return str(getattr(error, _SETTING, "DATABASE_URL"))


class Cause(Enum):
    """Cause of a failed connection, as far as the advice differs."""

    PASSWORD = auto()
    NO_LOGIN = auto()
    NOT_ADMITTED = auto()
    NO_DATABASE = auto()
    NO_CONNECT_RIGHT = auto()
    ROLE_NOT_GRANTED = auto()
    NO_ROLE = auto()
    TOO_MANY = auto()
    POOL_BUSY = auto()
    STARTING = auto()
    CERTIFICATE = auto()
    TLS = auto()
    REFUSED = auto()
    UNKNOWN_HOST = auto()
    SILENT = auto()
    INTERRUPTED = auto()
    OTHER = auto()


_BY_SQLSTATE = {
    "22023": Cause.NO_ROLE,
    "28P01": Cause.PASSWORD,
    "3D000": Cause.NO_DATABASE,
    "53300": Cause.TOO_MANY,
    "57P03": Cause.STARTING,
    "57014": Cause.INTERRUPTED,
    "55P03": Cause.INTERRUPTED,
    "40001": Cause.INTERRUPTED,
    "40P01": Cause.INTERRUPTED,
}
# libpq reports some errors without an SQLSTATE. The first match counts; a message in a language
# other than English is OTHER.
_BY_TEXT = tuple(
    (re.compile(pattern), cause)
    for pattern, cause in (
        (r"permission denied to set role", Cause.ROLE_NOT_GRANTED),
        (r"permission denied for database", Cause.NO_CONNECT_RIGHT),
        (r"(password|SASL|SCRAM|LDAP|PAM|RADIUS|GSSAPI) authentication failed", Cause.PASSWORD),
        (r"no password supplied", Cause.PASSWORD),
        (r"no pg_hba\.conf entry|(Peer|Ident) authentication failed", Cause.NOT_ADMITTED),
        (r"requires a valid client certificate", Cause.NOT_ADMITTED),
        (r"role \".*\" (does not exist|is not permitted to log in)", Cause.NO_LOGIN),
        (r"database \".*\" does not exist|no such database", Cause.NO_DATABASE),
        (r"too many (clients|connections)|remaining connection slots", Cause.TOO_MANY),
        (r"no more connections allowed", Cause.TOO_MANY),
        (r"couldn't get a connection", Cause.POOL_BUSY),
        (r"database system is (starting|shutting|in recovery)", Cause.STARTING),
        (r"not yet accepting connections", Cause.STARTING),
        (r"certificate", Cause.CERTIFICATE),
        (r"SSL|TLS", Cause.TLS),
        (r"timeout expired|timed out|No route|unreachable", Cause.SILENT),
        (r"Connection refused|Is the server running", Cause.REFUSED),
        (r"translate host name|Name or service|name resolution|No address", Cause.UNKNOWN_HOST),
        (r"nodename nor servname|getaddrinfo", Cause.UNKNOWN_HOST),
    )
)


def cause_of(error: psycopg.Error) -> Cause:
    """Returns the cause of a connection error."""
    cause = _BY_SQLSTATE.get(error.sqlstate or "")
    if cause is not None:
        return cause
    text = str(error)
    return next((cause for pattern, cause in _BY_TEXT if pattern.search(text)), Cause.OTHER)


def reason(error: BaseException) -> str:
    """Returns the primary message of an error, without details, which may contain data."""
    message = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return message or _PREFIX.sub("", str(error)).strip() or type(error).__name__
