"""Test requests to a webhook.

A test request is rendered, signed and sent as by the worker. It creates an event and an audit
entry, but no row in the outbox.
"""

from __future__ import annotations

from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from rowhook import postgres
from rowhook.compose import Fault
from rowhook.delivery import Outcome, Timings, Verdict
from rowhook.operations.drawn import SampleEvent, sample_event
from rowhook.operations.office import KeyringContext, NotFound, RateLimited, Rejected
from rowhook.operations.rendering import TrialRequest, render_in_thread, trial_request, with_secrets
from rowhook.operations.sample import Sample, require_one
from rowhook.operations.webhooks import webhook_of
from rowhook.send import send


class TrialResponse(Struct, frozen=True):
    """The response of the receiver, with the first 4 KiB of its body as text."""

    status: int
    headers: list[tuple[str, str]]
    body: str | None


class Trial(Struct, frozen=True, kw_only=True):
    """The result of a test request. `timings` are in milliseconds, null for phases not reached.

    If `request` is null, nothing was sent; `outcome` and `error` contain the reason.
    """

    request: TrialRequest | None
    response: TrialResponse | None
    timings: Timings
    outcome: Verdict
    error: str | None


async def test_webhook(ctx: KeyringContext, webhook: UUID, sample: Sample) -> Trial:
    """Sends a test request at once, regardless of the state and the event types of the webhook.

    Raises Rejected, NotFound, RateLimited.
    """
    require_one(sample)
    present = await webhook_of(ctx, webhook)
    if present.kind != "http":
        message = "A frontend webhook sends no requests. Preview it instead."
        raise Rejected(Fault(pointer="/kind", message=message))
    compiled = await with_secrets(ctx, present)
    if isinstance(compiled, Outcome):
        return _trial(compiled)
    prepared = await sample_event(ctx, sample, compiled, present.schema)
    wait_s = await postgres.allow_test(ctx.pool, webhook)
    if wait_s > 0:
        raise RateLimited("Too many test requests to this webhook.", wait_s)
    request = await render_in_thread(ctx, compiled, await _begin_test(ctx, webhook, prepared))
    if isinstance(request, Outcome):
        return _trial(request)
    if ctx.transport is None:
        raise LookupError("This context has no transport for test requests.")
    return _trial(await send(ctx.transport, request, redact=compiled.redact, timed=True))


async def _begin_test(ctx: KeyringContext, webhook: UUID, sample: SampleEvent) -> SampleEvent:
    """Stores the event of a test and returns it with its id and time. Raises NotFound."""
    event = sample.event
    key = f"test_{uuid4()}"
    begun = await postgres.begin_test(
        ctx.pool,
        webhook,
        key,
        agent=sample.agent,
        goal=sample.goal,
        snapshot=event.snapshot,
        data=event.data,
        context=event.context,
        oversize_bytes=event.oversize_bytes,
    )
    if begun is None:
        raise NotFound(f"Webhook {webhook} does not exist.")
    stored = msgspec.structs.replace(
        event, id=begun.event_id, type="webhook.test", key=key, occurred_at=begun.moment
    )
    return sample._replace(event=stored, moment=begun.moment)


def _trial(outcome: Outcome) -> Trial:
    response = None
    if outcome.status_code is not None:
        response = TrialResponse(outcome.status_code, list(outcome.headers), outcome.body)
    return Trial(
        request=trial_request(outcome.redacted),
        response=response,
        timings=outcome.timings,
        outcome=outcome.verdict,
        error=outcome.error,
    )
