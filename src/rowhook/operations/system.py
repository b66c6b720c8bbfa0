"""The installation: who works, and for operators its versions, capture and settings."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

import msgspec

from rowhook import postgres
from rowhook.operations import paging
from rowhook.operations.documents import Adopted, Installation, System, WorkerProcess
from rowhook.operations.ctx import Conflict, ServiceContext

_LOCK_WAIT_S = 10.0


async def workers(ctx: ServiceContext) -> list[WorkerProcess]:
    """The worker processes, the oldest first; where they run is shown to operators alone."""
    return paging.read(await postgres.worker_list(ctx.pool), WorkerProcess)


async def suspension(ctx: ServiceContext) -> postgres.Suspension | None:
    """Why nothing is sent from this database; None if deliveries go out."""
    return await postgres.suspension(ctx.pool)


async def count_waiting(ctx: ServiceContext) -> int:
    """How many deliveries are pending, held or being sent."""
    found = await postgres.gauges(ctx.pool)
    return found.pending + found.held + found.sending


async def adopt(
    ctx: ServiceContext, *, cancel_waiting: bool, patience_s: float = _LOCK_WAIT_S
) -> Adopted:
    """Makes this database the installation; what waits is cancelled first, or sent.

    For an operator's ctx: the database refuses any other. Raises Conflict where nothing is
    suspended and `cancel_waiting` is asked for, and, if the database came from another cluster,
    where a transaction that uses rowhook.event stays open for `patience_s` seconds.
    """
    if cancel_waiting and await suspension(ctx) is None:
        raise Conflict("This database is the installation already. Nothing was cancelled.")
    try:
        # Not with the cancelling in one transaction: captures would wait for all of it.
        await postgres.begin_epoch(ctx.pool, patience_s)
        cancelled = await postgres.until_unlocked(
            lambda: postgres.adopt(ctx.pool, cancel_waiting=cancel_waiting), patience_s
        )
    except postgres.Locked as error:
        raise Conflict(
            "A transaction that uses rowhook.event is still open. Adopt again once it has ended."
        ) from error
    return Adopted(cancelled=cancelled)


async def system(ctx: ServiceContext, settings: Mapping[str, str]) -> System:
    """The installation, with the settings of this process as they are given: masked already.

    For an operator's ctx: the database refuses any other.
    """
    found = msgspec.json.decode(await postgres.system(ctx.pool), type=Installation)
    return System(
        version=version("rowhook"), settings=dict(settings), **msgspec.structs.asdict(found)
    )
