"""Previews: what a webhook would send, saved or not. Nothing is sent, nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from rowhook import postgres
from rowhook.compose import Configuration, Fault, positions_of, render_partly
from rowhook.compose import Webhook as Compiled
from rowhook.delivery import Outcome, Shown, Verdict
from rowhook.operations.check import check_webhook
from rowhook.operations.drawn import Drawn, drawn
from rowhook.operations.ctx import NotFound, KeyringContext
from rowhook.operations.rendering import (
    TrialRequest,
    composed,
    opened,
    shown_request,
    with_stand_ins,
)
from rowhook.operations.sample import Sample, require_one
from rowhook.operations.webhooks import webhook_of

Composed = Literal[
    "rendered", "skipped", "config_rejected", "render_failed", "schema_failed", "target_forbidden"
]

# What a forbidden target would be told is nobody's to see.
_SHOWN = (Verdict.RENDER_FAILED, Verdict.SCHEMA_FAILED)


class PreviewFault(Struct, frozen=True, kw_only=True):
    """Why it would not be sent: a JSON pointer into the `body`, or into the `configuration`.

    `line` and `column`, both from 1, are those in the body as it is shown, or in the template.
    """

    at: Literal["body", "configuration"]
    pointer: str
    message: str
    line: int | None
    column: int | None


class Preview(Struct, frozen=True, kw_only=True):
    """What would be sent: `outcome` is `rendered`, or why it would not be. `valid`: it would.

    Where a render or a schema failed, `request` holds what could be rendered, unsigned, and
    `faults` say what is wrong.
    """

    request: TrialRequest | None
    outcome: Composed
    error: str | None
    valid: bool
    faults: list[PreviewFault]


async def preview_webhook(ctx: KeyringContext, webhook: UUID, sample: Sample) -> Preview:
    """Renders and validates; sends nothing, writes nothing. Raises Rejected, NotFound."""
    require_one(sample)
    present = await webhook_of(ctx, webhook)
    compiled = await opened(ctx, present)
    if isinstance(compiled, Outcome):
        return preview_of_stopped(compiled)
    return await preview_of(ctx, compiled, await drawn(ctx, sample, compiled, present.schema))


async def preview_draft(
    ctx: KeyringContext,
    organization: UUID,
    given: Configuration,
    sample: Sample,
    faults: tuple[Fault, ...] = (),
) -> Preview:
    """The same for a webhook that is not saved. Raises Rejected with every fault, NotFound.

    No secret is opened: stand-ins are rendered in their place, and never shown.
    """
    require_one(sample)
    if await postgres.unknown(ctx.pool, organization=organization):
        raise NotFound(f"organization {organization} does not exist")
    checked = await check_webhook(ctx, organization, given, faults)
    compiled = await with_stand_ins(ctx, checked)
    return await preview_of(ctx, compiled, await drawn(ctx, sample, compiled, given.schema))


async def preview_of(ctx: KeyringContext, compiled: Compiled, made_of: Drawn) -> Preview:
    """What that webhook makes of that event."""
    made = await composed(ctx, compiled, made_of)
    if isinstance(made, Outcome):
        return await asyncio.to_thread(_stopped, compiled, made_of, made)
    return Preview(
        request=shown_request(made.shown), outcome="rendered", error=None, valid=True, faults=[]
    )


def _stopped(compiled: Compiled, made_of: Drawn, ended: Outcome) -> Preview:
    """The same where it would not be sent; a long body takes a while to be searched."""
    shown = None
    if ended.verdict in _SHOWN:
        shown = render_partly(compiled, made_of.event, epoch_s=made_of.moment.timestamp())
    return preview_of_stopped(ended, shown)


def preview_of_stopped(ended: Outcome, shown: Shown | None = None) -> Preview:
    """The preview of what would not be sent, with what could be rendered of it."""
    outcome = msgspec.convert(ended.verdict.value, Composed)
    return Preview(
        request=shown_request(shown),
        outcome=outcome,
        error=ended.error,
        valid=False,
        faults=[*_faults(ended, shown)],
    )


def _faults(ended: Outcome, shown: Shown | None) -> Iterator[PreviewFault]:
    body = (shown.body if shown is not None else None) or ""
    places = positions_of(body, [one.pointer for one in ended.faults])
    for one, place in zip(ended.faults, places, strict=True):
        line, column = place or (None, None)
        yield PreviewFault(
            at="body", pointer=one.pointer, message=one.message, line=line, column=column
        )
    if ended.spot is not None:
        yield PreviewFault(
            at="configuration",
            pointer=ended.spot.pointer,
            message=ended.error or "",
            line=ended.spot.line,
            column=ended.spot.column,
        )
