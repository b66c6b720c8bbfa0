"""Previews the request of a saved or unsaved webhook without sending it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from rowhook import postgres
from rowhook.compose import Configuration, Fault, json_positions, render_partial
from rowhook.compose import Webhook as Compiled
from rowhook.delivery import Outcome, RedactedRequest, Verdict
from rowhook.operations.check import check_webhook
from rowhook.operations.drawn import SampleEvent, sample_event
from rowhook.operations.office import KeyringContext, NotFound
from rowhook.operations.rendering import (
    TrialRequest,
    render_in_thread,
    trial_request,
    with_placeholder_secrets,
    with_secrets,
)
from rowhook.operations.sample import Sample, require_one
from rowhook.operations.webhooks import webhook_of

PreviewOutcome = Literal[
    "rendered", "skipped", "config_rejected", "render_failed", "schema_failed", "target_forbidden"
]

# The request to a forbidden target is not shown.
_WITH_REQUEST = (Verdict.RENDER_FAILED, Verdict.SCHEMA_FAILED)


class PreviewFault(Struct, frozen=True, kw_only=True):
    """Why the request would not be sent: a JSON pointer into the `body` or the `configuration`.

    `line` and `column`, starting at 1, refer to the rendered body or to the template.
    """

    at: Literal["body", "configuration"]
    pointer: str
    message: str
    line: int | None
    column: int | None


class Preview(Struct, frozen=True, kw_only=True):
    """The preview of a request. `outcome` is `rendered`, or why the request would not be sent.

    If rendering or validation failed, `request` holds the partially rendered, unsigned request, and
    `faults` the reasons.
    """

    request: TrialRequest | None
    outcome: PreviewOutcome
    error: str | None
    valid: bool
    faults: list[PreviewFault]


async def preview_webhook(ctx: KeyringContext, webhook: UUID, sample: Sample) -> Preview:
    """Renders and validates the request of a webhook. Raises Rejected, NotFound."""
    require_one(sample)
    present = await webhook_of(ctx, webhook)
    compiled = await with_secrets(ctx, present)
    if isinstance(compiled, Outcome):
        return preview_of_outcome(compiled)
    return await preview_of(
        ctx, compiled, await sample_event(ctx, sample, compiled, present.schema)
    )


async def preview_draft(
    ctx: KeyringContext,
    organization: UUID,
    configuration: Configuration,
    sample: Sample,
    faults: tuple[Fault, ...] = (),
) -> Preview:
    """Renders and validates the request of an unsaved webhook.

    No secret is decrypted; placeholders are rendered in their place. Raises NotFound, and Rejected
    with all faults.
    """
    require_one(sample)
    if await postgres.first_missing(ctx.pool, organization=organization):
        raise NotFound(f"Organization {organization} does not exist.")
    checked = await check_webhook(ctx, organization, configuration, faults)
    compiled = await with_placeholder_secrets(ctx, checked)
    return await preview_of(
        ctx, compiled, await sample_event(ctx, sample, compiled, configuration.schema)
    )


async def preview_of(ctx: KeyringContext, compiled: Compiled, event: SampleEvent) -> Preview:
    """Renders and validates the request of a compiled webhook for an event."""
    result = await render_in_thread(ctx, compiled, event)
    if isinstance(result, Outcome):
        return await asyncio.to_thread(_failed, compiled, event, result)
    return Preview(
        request=trial_request(result.redacted),
        outcome="rendered",
        error=None,
        valid=True,
        faults=[],
    )


def _failed(compiled: Compiled, event: SampleEvent, outcome: Outcome) -> Preview:
    """Builds the preview of a failed request. Slow for a long body."""
    request = None
    if outcome.verdict in _WITH_REQUEST:
        request = render_partial(compiled, event.event, epoch_s=event.moment.timestamp())
    return preview_of_outcome(outcome, request)


def preview_of_outcome(outcome: Outcome, request: RedactedRequest | None = None) -> Preview:
    """Builds the preview of a request that would not be sent."""
    return Preview(
        request=trial_request(request),
        outcome=msgspec.convert(outcome.verdict.value, PreviewOutcome),
        error=outcome.error,
        valid=False,
        faults=[*_faults(outcome, request)],
    )


def _faults(outcome: Outcome, request: RedactedRequest | None) -> Iterator[PreviewFault]:
    body = (request.body if request is not None else None) or ""
    positions = json_positions(body, [fault.pointer for fault in outcome.faults])
    for fault, position in zip(outcome.faults, positions, strict=True):
        line, column = position or (None, None)
        yield PreviewFault(
            at="body", pointer=fault.pointer, message=fault.message, line=line, column=column
        )
    if outcome.location is not None:
        yield PreviewFault(
            at="configuration",
            pointer=outcome.location.pointer,
            message=outcome.error or "",
            line=outcome.location.line,
            column=outcome.location.column,
        )
