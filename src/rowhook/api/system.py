"""The installation: `/v1/system`, `/v1/workers`."""

from __future__ import annotations

from litestar import Router
from litestar.datastructures import State

from rowhook import operations
from rowhook.api.examples import system as examples
from rowhook.api.parameters import ContextDependency
from rowhook.api.route import get_route
from rowhook.operations import ServerContext
from rowhook.operations.documents import System, Workers


@get_route("/system", scope="admin", response_example=examples.SYSTEM, operators_only=True)
async def read_system(ctx: ContextDependency, state: State) -> System:
    """Get versions, migrations, workers, capture gaps, and settings with masked secrets.

    Requires an operator key.
    """
    server_ctx: ServerContext = state.server_ctx
    return await operations.system(ctx, server_ctx.settings)


@get_route("/workers", response_example=examples.WORKERS)
async def list_workers(ctx: ContextDependency) -> Workers:
    """List worker processes with their heartbeats. Only operator keys see host and process id."""
    return Workers(await operations.workers(ctx))


def router() -> Router:
    """The router of this resource."""
    return Router(path="/", tags=["System"], route_handlers=[read_system, list_workers])
