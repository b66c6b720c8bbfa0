"""The installation: who works, and for operators its versions, capture and settings."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

import msgspec

from rowhook import postgres
from rowhook.operations import paging
from rowhook.operations.documents import Installation, System, WorkerProcess
from rowhook.operations.office import Registry


async def workers(office: Registry) -> list[WorkerProcess]:
    """The worker processes, the oldest first; where they run is shown to operators alone."""
    return paging.read(await postgres.worker_list(office.pool), WorkerProcess)


async def system(office: Registry, settings: Mapping[str, str]) -> System:
    """The installation, with the settings of this process as they are given: masked already.

    For an operator's office: the database refuses any other.
    """
    found = msgspec.json.decode(await postgres.system(office.pool), type=Installation)
    return System(
        version=version("rowhook"), settings=dict(settings), **msgspec.structs.asdict(found)
    )
