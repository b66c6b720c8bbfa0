"""Whether this process lives, and whether it can work."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.datastructures import State

from rowhook import migrate, postgres
from rowhook.api.problem import documented, problem


@get("/livez", sync_to_thread=False, summary="The process answers")
def livez() -> dict[str, str]:
    """Always 200 while the process runs."""
    return {"status": "alive"}


@get(
    "/readyz",
    summary="The database is there, migrated, and pgqueuer's plan is empty",
    responses=documented(503),
)
async def readyz(state: State) -> Response[dict[str, str]]:
    """200, or 503 with the reason and `Retry-After`."""
    try:
        pending = await migrate.plan(state.desk.direct_dsn)
    except postgres.Unreachable:
        return _unready("the database cannot be reached")
    except migrate.MigrationRejected as refused:
        return _unready(str(refused))
    if pending:
        return _unready(f"migrations are pending: {', '.join(pending)}; run rowhook migrate")
    return Response({"status": "ready"})


def _unready(reason: str) -> Response[Any]:
    return problem(503, reason, headers={"Retry-After": "1"})
