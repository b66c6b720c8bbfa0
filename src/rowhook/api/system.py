"""The installation: `/v1/system`, `/v1/workers`."""

from __future__ import annotations

from litestar import Router
from litestar.datastructures import State

from rowhook import operations
from rowhook.api.examples import system as examples
from rowhook.api.parameters import ContextDependency
from rowhook.api.route import reads
from rowhook.operations import ServerContext
from rowhook.operations.documents import System, Workers


@reads("/system", scope="admin", gets=examples.SYSTEM, operators_only=True)
async def read_system(ctx: ContextDependency, state: State) -> System:
    """Versions, migrations, workers, what the capture owes, settings with their secrets masked.

    For operator keys.
    """
    server_ctx: ServerContext = state.server_ctx
    return await operations.system(ctx, server_ctx.settings)


@reads("/workers", gets=examples.WORKERS)
async def list_workers(ctx: ContextDependency) -> Workers:
    """The worker processes with their heartbeats; where they run is shown to operator keys."""
    return Workers(await operations.workers(ctx))


def router() -> Router:
    """All calls of this noun."""
    return Router(path="/", tags=["System"], route_handlers=[read_system, list_workers])
