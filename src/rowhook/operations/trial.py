"""Trying a webhook out: a test send.

It renders, signs and sends as the worker does. A test leaves an event and an audit row; it never
touches the outbox or its schedule.
"""

from __future__ import annotations

from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from rowhook import postgres
from rowhook.compose import Fault
from rowhook.delivery import Outcome, Timings, Verdict
from rowhook.operations.drawn import Drawn, drawn
from rowhook.operations.ctx import NotFound, KeyringContext, Rejected, TooMany
from rowhook.operations.rendering import TrialRequest, composed, opened, shown_request
from rowhook.operations.sample import Sample, require_one
from rowhook.operations.webhooks import webhook_of
from rowhook.send import send


class TrialResponse(Struct, frozen=True):
    """What the receiver answered; the first 4 KiB of its body, as text."""

    status: int
    headers: list[tuple[str, str]]
    body: str | None


class Trial(Struct, frozen=True, kw_only=True):
    """How a test send ended. `timings` are in milliseconds; null where it did not get so far.

    Without a `request` nothing was sent: `outcome` and `error` say why.
    """

    request: TrialRequest | None
    response: TrialResponse | None
    timings: Timings
    outcome: Verdict
    error: str | None


async def test_webhook(ctx: KeyringContext, webhook: UUID, sample: Sample) -> Trial:
    """Sends a test now, whatever the webhook's state and event types.

    Raises Rejected, NotFound, and TooMany beyond the rate of a webhook.
    """
    require_one(sample)
    present = await webhook_of(ctx, webhook)
    if present.kind != "http":
        message = "a frontend webhook is read by pages and sent nowhere: preview it instead"
        raise Rejected(Fault(pointer="/kind", message=message))
    compiled = await opened(ctx, present)
    if isinstance(compiled, Outcome):
        return _trial(compiled)
    draft = await drawn(ctx, sample, compiled, present.schema)
    wait_s = await postgres.allow_test(ctx.pool, webhook)
    if wait_s > 0:
        raise TooMany("too many test sends to this webhook: wait a little", wait_s)
    request = await composed(ctx, compiled, await _begun(ctx, webhook, draft))
    if isinstance(request, Outcome):
        return _trial(request)
    if ctx.transport is None:
        raise LookupError("this ctx has no transport for test sends")
    return _trial(await send(ctx.transport, request, redact=compiled.redact, timed=True))


async def _begun(ctx: KeyringContext, webhook: UUID, draft: Drawn) -> Drawn:
    """A test's event like that one, written down, with its id and time. Raises NotFound."""
    event = draft.event
    key = f"test_{uuid4()}"
    begun = await postgres.begin_test(
        ctx.pool,
        webhook,
        key,
        agent=draft.agent,
        goal=draft.goal,
        snapshot=event.snapshot,
        data=event.data,
        context=event.context,
        oversize_bytes=event.oversize_bytes,
    )
    if begun is None:
        raise NotFound(f"webhook {webhook} does not exist")
    written = msgspec.structs.replace(
        event, id=begun.event_id, type="webhook.test", key=key, occurred_at=begun.moment
    )
    return draft._replace(event=written, moment=begun.moment)


def _trial(ended: Outcome) -> Trial:
    response = None
    if ended.status_code is not None:
        response = TrialResponse(ended.status_code, list(ended.headers), ended.body)
    return Trial(
        request=shown_request(ended.shown),
        response=response,
        timings=ended.timings,
        outcome=ended.verdict,
        error=ended.error,
    )
