"""Validates a proposed commit and inserts it into the platform's table."""

from __future__ import annotations

from msgspec import Struct

from rowhook import postgres
from rowhook.operations import paging
from rowhook.operations.contract import CommitValidation, Proposal, validate_commit
from rowhook.operations.documents import Deliveries, Delivery
from rowhook.operations.office import Conflict, KeyringContext, NotFound, ServiceContext


class Committed(Struct, frozen=True, kw_only=True):
    """The result of a proposed commit.

    `commit_id` is null if the commit was not created; `verdict` contains the reason. `is_new` is
    false if a commit with this id existed already.
    """

    commit_id: str | None
    is_new: bool
    verdict: CommitValidation


async def make_commit(
    ctx: KeyringContext,
    goal: str,
    proposal: Proposal,
    *,
    commit_id: str | None = None,
    even_if_invalid: bool = False,
) -> Committed:
    """Inserts the commit if all outputs can be rendered from it. Raises NotFound, Conflict."""
    verdict = await validate_commit(ctx, goal, proposal)
    if not (verdict.valid or even_if_invalid):
        return Committed(commit_id=None, is_new=False, verdict=verdict)
    try:
        commit = await postgres.make_commit(
            ctx.pool,
            goal,
            proposal.session_id,
            proposal.interview_id,
            bytes(proposal.data).decode(),
            commit_id,
        )
    except postgres.CommitIdTaken as error:
        raise Conflict(str(error)) from error
    if commit is None:
        raise NotFound(f"Goal {goal} does not exist.")
    return Committed(commit_id=commit[0], is_new=commit[1], verdict=verdict)


async def list_session_deliveries(
    ctx: ServiceContext, session: str, *, cursor: str | None = None, limit: int = 50
) -> Deliveries:
    """Lists the deliveries of the commits of a session, newest first."""
    before = paging.place(cursor, tuple[paging.RowId])
    rows = await postgres.session_page(ctx.pool, session, before[0] if before else None, limit + 1)
    items, last = paging.cut(paging.read(rows, Delivery), limit)
    return Deliveries(items, None if last is None else paging.cursor(last.id))
