"""The limit of concurrent connections from a worker to receivers."""

from __future__ import annotations

import resource

import structlog

log = structlog.get_logger()
_MAX_CONNECTIONS = 2048
# Descriptors for the pool, LISTEN, the log and files read at start.
_RESERVED = 128


def receiver_connections() -> int:
    """Returns 2048, or fewer if the limit of open files is too low. Raises the soft limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _MAX_CONNECTIONS + _RESERVED
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return _MAX_CONNECTIONS
    limit = max(soft - _RESERVED, 64)
    log.warning(
        "connections.limited", limit=limit, advice=f"Allow {needed} open files (ulimit -n)."
    )
    return limit
