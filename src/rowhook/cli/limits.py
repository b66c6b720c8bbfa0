"""How many connections to receivers a worker may hold open at once."""

from __future__ import annotations

import resource

import structlog

log = structlog.get_logger()
_MOST = 2048
# The pool, LISTEN, the log, files that are read at start.
_OTHERS = 128


def receiver_connections() -> int:
    """2048, or what the hard limit of open files leaves; the soft one is raised as is needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST + _OTHERS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return _MOST
    left = max(soft - _OTHERS, 64)
    log.warning("connections.few", most=left, advice=f"allow {wanted} open files (ulimit -n)")
    return left
