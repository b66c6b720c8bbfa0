"""The state of the installation: workers, and for operators versions, capture and settings."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

import msgspec

from rowhook import postgres
from rowhook.operations import paging
from rowhook.operations.documents import Adopted, Installation, System, WorkerProcess
from rowhook.operations.office import Conflict, ServiceContext

_LOCK_WAIT_S = 10.0


async def workers(ctx: ServiceContext) -> list[WorkerProcess]:
    """Lists worker processes, oldest first. Host and pid are visible to operators only."""
    return paging.read(await postgres.worker_list(ctx.pool), WorkerProcess)


async def suspension(ctx: ServiceContext) -> postgres.Suspension | None:
    """Returns why deliveries from this database are suspended; None if they are not."""
    return await postgres.suspension(ctx.pool)


async def count_waiting(ctx: ServiceContext) -> int:
    """Counts pending, held and sending deliveries."""
    found = await postgres.gauges(ctx.pool)
    return found.pending + found.held + found.sending


async def adopt(
    ctx: ServiceContext, *, cancel_waiting: bool, timeout_s: float = _LOCK_WAIT_S
) -> Adopted:
    """Makes this database the active installation; optionally cancels waiting deliveries first.

    Requires an operator. Raises Conflict for `cancel_waiting` if deliveries are not suspended, and
    after a move to another cluster if a transaction uses rowhook.event for `timeout_s` seconds.
    """
    if cancel_waiting and await suspension(ctx) is None:
        raise Conflict("This database is already the active installation. Nothing was cancelled.")
    try:
        # In a separate transaction, so that captures do not wait for the cancellation.
        await postgres.begin_epoch(ctx.pool, timeout_s)
        cancelled = await postgres.retry_while_locked(
            lambda: postgres.adopt(ctx.pool, cancel_waiting=cancel_waiting), timeout_s
        )
    except postgres.LockUnavailable as error:
        raise Conflict(
            "A transaction that uses rowhook.event is still open. Try again when it has ended."
        ) from error
    return Adopted(cancelled=cancelled)


async def system(ctx: ServiceContext, settings: Mapping[str, str]) -> System:
    """Returns the state of the installation with the masked settings of this process.

    Requires an operator.
    """
    found = msgspec.json.decode(await postgres.system(ctx.pool), type=Installation)
    return System(
        version=version("rowhook"), settings=dict(settings), **msgspec.structs.asdict(found)
    )
