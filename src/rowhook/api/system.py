"""The installation: `/v1/system`, `/v1/workers`."""

from __future__ import annotations

from litestar import Router
from litestar.datastructures import State

from rowhook import operations
from rowhook.api.examples import system as examples
from rowhook.api.parameters import OfficeDependency
from rowhook.api.route import get_route
from rowhook.operations import Desk
from rowhook.operations.documents import System, Workers


@get_route("/system", scope="admin", response_example=examples.SYSTEM, operators_only=True)
async def read_system(office: OfficeDependency, state: State) -> System:
    """Get versions, migrations, workers, capture gaps, and settings with masked secrets.

    Requires an operator key.
    """
    desk: Desk = state.desk
    return await operations.system(office, desk.settings)


@get_route("/workers", response_example=examples.WORKERS)
async def list_workers(office: OfficeDependency) -> Workers:
    """List worker processes with their heartbeats. Only operator keys see host and process id."""
    return Workers(await operations.workers(office))


def router() -> Router:
    """The router of this resource."""
    return Router(path="/", tags=["System"], route_handlers=[read_system, list_workers])
