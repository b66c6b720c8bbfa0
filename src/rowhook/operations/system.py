"""The installation: who works, and for operators its versions, capture and settings."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

import msgspec

from rowhook import postgres
from rowhook.operations import paging
from rowhook.operations.documents import Adopted, Installation, System, WorkerProcess
from rowhook.operations.office import Conflict, Registry

_LOCK_WAIT_S = 10.0


async def workers(office: Registry) -> list[WorkerProcess]:
    """The worker processes, the oldest first; where they run is shown to operators alone."""
    return paging.read(await postgres.worker_list(office.pool), WorkerProcess)


async def suspension(office: Registry) -> postgres.Suspension | None:
    """Why nothing is sent from this database; None if deliveries go out."""
    return await postgres.suspension(office.pool)


async def count_waiting(office: Registry) -> int:
    """How many deliveries are pending, held or being sent."""
    found = await postgres.gauges(office.pool)
    return found.pending + found.held + found.sending


async def adopt(
    office: Registry, *, cancel_waiting: bool, patience_s: float = _LOCK_WAIT_S
) -> Adopted:
    """Makes this database the installation; what waits is cancelled first, or sent.

    For an operator's office: the database refuses any other. Raises Conflict where nothing is
    suspended and `cancel_waiting` is asked for, and, if the database came from another cluster,
    where a transaction that uses rowhook.event stays open for `patience_s` seconds.
    """
    if cancel_waiting and await suspension(office) is None:
        raise Conflict("This database is the installation already. Nothing was cancelled.")
    try:
        # Not with the cancelling in one transaction: captures would wait for all of it.
        await postgres.begin_epoch(office.pool, patience_s)
        cancelled = await postgres.retry_while_locked(
            lambda: postgres.adopt(office.pool, cancel_waiting=cancel_waiting), patience_s
        )
    except postgres.LockUnavailable as error:
        raise Conflict(
            "A transaction that uses rowhook.event is still open. Adopt again once it has ended."
        ) from error
    return Adopted(cancelled=cancelled)


async def system(office: Registry, settings: Mapping[str, str]) -> System:
    """The installation, with the settings of this process as they are given: masked already.

    For an operator's office: the database refuses any other.
    """
    found = msgspec.json.decode(await postgres.system(office.pool), type=Installation)
    return System(
        version=version("rowhook"), settings=dict(settings), **msgspec.structs.asdict(found)
    )
