"""`/v1/system`, `/v1/workers`, and the health of this process."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router
from litestar.datastructures import State

from rowhook.api.examples import EXAMPLES
from rowhook.api.parameters import ContextDependency
from rowhook.api.problems import problem
from rowhook.api.routing import get_route, public_route
from rowhook.migrate.runner import Readiness
from rowhook.services import installation
from rowhook.services.context import ServerContext
from rowhook.services.installation import System, Workers


@get_route("/system", scope="admin", response_example=EXAMPLES["system"], operators_only=True)
async def read_system(ctx: ContextDependency, state: State) -> System:
    """Get versions, migrations, workers, capture gaps, and settings with masked secrets.

    Requires an operator key.
    """
    server_ctx: ServerContext = state.server_ctx
    return await installation.system(ctx, server_ctx.settings, server_ctx.ctx.standby)


@get_route("/workers", response_example=EXAMPLES["workers"])
async def list_workers(ctx: ContextDependency) -> Workers:
    """List worker processes with their heartbeats. Only operator keys see host and process id."""
    return Workers(await installation.workers(ctx))


def router() -> Router:
    """The router of this resource."""
    return Router(path="/", tags=["System"], route_handlers=[read_system, list_workers])


@public_route(
    "/livez",
    response_example={"status": "alive"},
    sync_to_thread=False,
    tags=["Service"],
    summary="Liveness probe",
)
def livez() -> dict[str, str]:
    """Return 200 while the process runs."""
    return {"status": "alive"}


@public_route(
    "/readyz",
    response_example={"status": "ready"},
    errors=(503,),
    tags=["Service"],
    summary="Readiness probe",
)
async def readyz(state: State) -> Response[dict[str, str]]:
    """Return 200 if the database is reachable and migrated, else 503 with the reason."""
    readiness: Readiness = state.readiness
    reason = await readiness.reason()
    return Response({"status": "ready"}) if reason is None else _unready(reason)


def _unready(reason: str) -> Response[Any]:
    return problem(503, reason, headers={"Retry-After": "1"})
