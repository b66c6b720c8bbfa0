"""The installation: `/v1/system`, `/v1/workers`."""

from __future__ import annotations

from litestar import Router
from litestar.datastructures import State

from rowhook import operations
from rowhook.api.examples import system as examples
from rowhook.api.parameters import TheOffice
from rowhook.api.route import reads
from rowhook.operations import Desk
from rowhook.operations.documents import System, Workers


@reads("/system", scope="admin", gets=examples.SYSTEM, operators_only=True)
async def read_system(office: TheOffice, state: State) -> System:
    """Get versions, migrations, workers, capture gaps, and settings with masked secrets.

    Requires an operator key.
    """
    desk: Desk = state.desk
    return await operations.system(office, desk.settings)


@reads("/workers", gets=examples.WORKERS)
async def list_workers(office: TheOffice) -> Workers:
    """List worker processes with their heartbeats. Only operator keys see host and process id."""
    return Workers(await operations.workers(office))


def router() -> Router:
    """All calls of this noun."""
    return Router(path="/", tags=["System"], route_handlers=[read_system, list_workers])
