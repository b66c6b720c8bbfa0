"""A commit that an agent asks us to make: judged first, then inserted into the platform's table."""

from __future__ import annotations

from msgspec import Struct

from rowhook import postgres
from rowhook.operations import paging
from rowhook.operations.contract import CommitVerdict, Proposal, validate_commit
from rowhook.operations.documents import Deliveries, Delivery
from rowhook.operations.ctx import Conflict, NotFound, KeyringContext, ServiceContext


class Committed(Struct, frozen=True, kw_only=True):
    """What came of a proposed commit.

    `commit_id` is null where it was not made, as `verdict` says why. `is_new` is false for a commit
    that was there already under this id.
    """

    commit_id: str | None
    is_new: bool
    verdict: CommitVerdict


async def make_commit(
    ctx: KeyringContext,
    goal: str,
    proposal: Proposal,
    *,
    commit_id: str | None = None,
    even_if_invalid: bool = False,
) -> Committed:
    """Inserts the row, unless an output could not be made from it. Raises NotFound, Conflict."""
    verdict = await validate_commit(ctx, goal, proposal)
    if not (verdict.valid or even_if_invalid):
        return Committed(commit_id=None, is_new=False, verdict=verdict)
    try:
        made = await postgres.make_commit(
            ctx.pool,
            goal,
            proposal.session_id,
            proposal.interview_id,
            bytes(proposal.data).decode(),
            commit_id,
        )
    except postgres.AnotherGoals as error:
        raise Conflict(str(error)) from error
    if made is None:
        raise NotFound(f"goal {goal} does not exist")
    return Committed(commit_id=made[0], is_new=made[1], verdict=verdict)


async def list_session_deliveries(
    ctx: ServiceContext, session: str, *, cursor: str | None = None, limit: int = 50
) -> Deliveries:
    """The deliveries of a session's commits, newest first."""
    before = paging.place(cursor, tuple[paging.RowId])
    found = await postgres.session_page(
        ctx.pool, session, before[0] if before else None, limit + 1
    )
    items, last = paging.cut(paging.read(found, Delivery), limit)
    return Deliveries(items, None if last is None else paging.cursor(last.id))
