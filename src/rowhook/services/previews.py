"""Renders previews and sends test requests."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from rowhook.db import access_queries, preview_queries, webhook_queries
from rowhook.json_pointer import json_positions
from rowhook.model import Outcome, RedactedRequest, Timings, Verdict
from rowhook.output_kinds import OUTPUT_KINDS
from rowhook.render.configuration import Configuration, Fault
from rowhook.render.webhook_compiler import Webhook as Compiled
from rowhook.render.webhook_compiler import used_secrets
from rowhook.security.sign import Signer, new_signing_secret
from rowhook.services.context import KeyringContext, NotFound, RateLimited, Rejected
from rowhook.services.sample_data import (
    Sample,
    SampleEvent,
    placeholder_secrets,
    require_one,
    sample_event,
)
from rowhook.services.webhook_cache import WebhookCache
from rowhook.services.webhook_checks import check_webhook
from rowhook.services.webhook_documents import Webhook
from rowhook.services.webhooks import webhook_of
from rowhook.transports.registry import find_test_sender

PreviewOutcome = Literal[
    "rendered", "skipped", "config_rejected", "render_failed", "schema_failed", "target_forbidden"
]
# The request to a forbidden target is not shown.
_WITH_REQUEST = (Verdict.RENDER_FAILED, Verdict.SCHEMA_FAILED)


class TrialRequest(Struct, frozen=True):
    """A request with secrets replaced by `[secret:<id>]`; headers in the order sent."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: str | None


async def with_secrets(ctx: KeyringContext, present: Webhook) -> Compiled | Outcome:
    """Compiles a webhook with the secrets that the caller may read; not cached."""
    webhooks = WebhookCache(ctx.pool, ctx.keyring, brand=ctx.brand)
    return await webhooks.get(present.id, present.revision, 0)


async def with_placeholder_secrets(ctx: KeyringContext, checked: Compiled) -> Compiled:
    """Adds placeholder secrets and a temporary signing key to a draft."""
    signer = Signer(brand=ctx.brand, secrets=[new_signing_secret(secrets.token_bytes(32))])
    used = sorted(used_secrets(checked))
    hosts = {}
    if checked.url is not None and not checked.url.secrets:
        # If a secret contains the host, it is not known here.
        hosts_by_secret = await webhook_queries.secret_hosts(
            ctx.pool, checked.organization_id, used
        )
        hosts = {
            secret: tuple(bound) for secret, bound in hosts_by_secret.items() if bound is not None
        }
    return replace(
        checked,
        secrets=placeholder_secrets(checked, used),
        allowed_hosts=hosts,
        sign=lambda key, at, body: signer.headers(key=key, timestamp=at, body=body),
    )


def trial_request(request: RedactedRequest | None) -> TrialRequest | None:
    """Converts a rendered request for a response."""
    if request is None:
        return None
    return TrialRequest(request.method, request.url, list(request.headers), request.body)


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
    if await access_queries.first_missing(ctx.pool, organization=organization):
        raise NotFound(f"Organization {organization} does not exist.")
    checked = await check_webhook(ctx, organization, configuration, faults)
    compiled = await with_placeholder_secrets(ctx, checked)
    return await preview_of(
        ctx, compiled, await sample_event(ctx, sample, compiled, configuration.schema)
    )


async def preview_of(ctx: KeyringContext, compiled: Compiled, event: SampleEvent) -> Preview:
    """Renders and validates the request of a compiled webhook for an event."""
    result = await ctx.renderer.render(compiled, event.event, at=event.moment)
    if isinstance(result, Outcome):
        return await _failed(ctx, compiled, event, result)
    return Preview(
        request=trial_request(result.redacted),
        outcome="rendered",
        error=None,
        valid=True,
        faults=[],
    )


async def _failed(
    ctx: KeyringContext, compiled: Compiled, event: SampleEvent, outcome: Outcome
) -> Preview:
    """Builds the preview of a failed request."""
    request = None
    if outcome.verdict in _WITH_REQUEST:
        request = await ctx.renderer.render_partial(compiled, event.event, at=event.moment)
    # In a thread, because locating faults reads the whole body.
    return await asyncio.to_thread(preview_of_outcome, outcome, request)


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
    # A kind that this version does not have is rejected with the other faults of the webhook.
    kind = OUTPUT_KINDS.get(present.kind)
    send = None if kind is None else find_test_sender(kind)
    if kind is not None and send is None:
        message = f"A {present.kind} webhook has no test send. Preview it instead."
        raise Rejected(Fault(pointer="/kind", message=message))
    compiled = await with_secrets(ctx, present)
    if isinstance(compiled, Outcome):
        return _trial(compiled)
    prepared = await sample_event(ctx, sample, compiled, present.schema)
    wait_s = await access_queries.allow_test(ctx.pool, webhook)
    if wait_s > 0:
        raise RateLimited("Too many test requests to this webhook.", wait_s)
    started = await _begin_test(ctx, webhook, prepared)
    request = await ctx.renderer.render(compiled, started.event, at=started.moment)
    if isinstance(request, Outcome):
        return _trial(request)
    if ctx.transport is None or send is None:
        raise LookupError("This context has no transport for test requests.")
    outcome = await send(ctx.transport, request, redact=compiled.redact, timed=True)
    return _trial(outcome, request.redacted)


async def _begin_test(ctx: KeyringContext, webhook: UUID, sample: SampleEvent) -> SampleEvent:
    """Stores the event of a test and returns it with its id and time. Raises NotFound."""
    event = sample.event
    key = f"test_{uuid4()}"
    started = await preview_queries.begin_test(
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
    if started is None:
        raise NotFound(f"Webhook {webhook} does not exist.")
    stored = msgspec.structs.replace(
        event, id=started.event_id, type="webhook.test", key=key, occurred_at=started.moment
    )
    return sample._replace(event=stored, moment=started.moment)


def _trial(outcome: Outcome, request: RedactedRequest | None = None) -> Trial:
    response = None
    if outcome.status_code is not None:
        response = TrialResponse(outcome.status_code, list(outcome.headers), outcome.body)
    return Trial(
        request=trial_request(request),
        response=response,
        timings=outcome.timings,
        outcome=outcome.verdict,
        error=outcome.error,
    )
