"""Trying a webhook out: a test send, or a preview that sends nothing.

It renders, signs and sends as the worker does. A test leaves an event and an audit row; it never
touches the outbox or its schedule.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from typing import Literal
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from rowhook import postgres
from rowhook.compiled import CompiledWebhooks
from rowhook.compose import Configuration, Fault, compose, used_secrets
from rowhook.compose import Webhook as Compiled
from rowhook.delivery import Event, Outcome, Request, Shown, Timings, Verdict
from rowhook.operations.check import check_webhook
from rowhook.operations.documents import Webhook
from rowhook.operations.office import NotFound, Office, Rejected, TooMany
from rowhook.operations.sample import Sample, require_one, stand_ins, texts_of
from rowhook.operations.webhooks import webhook_of
from rowhook.send import send
from rowhook.sign import Signer, new_signing_secret

# What the capture keeps of a completion: more is never sent.
_MOST_BYTES = 1 << 20
Composed = Literal[
    "rendered", "skipped", "config_rejected", "render_failed", "schema_failed", "target_forbidden"
]


class TrialRequest(Struct, frozen=True):
    """A request with every secret replaced by `[secret:<id>]`; headers in the order sent."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: str | None


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


class Preview(Struct, frozen=True, kw_only=True):
    """What would be sent: `outcome` is `rendered`, or why it would not be. `valid`: it would."""

    request: TrialRequest | None
    outcome: Composed
    error: str | None
    valid: bool


async def test_webhook(office: Office, webhook: UUID, sample: Sample) -> Trial:
    """Sends a test now, whatever the webhook's state and event types.

    Raises Rejected, NotFound, and TooMany beyond the rate of a webhook.
    """
    require_one(sample)
    present = await webhook_of(office, webhook)
    if present.kind != "http":
        message = "a frontend webhook is read by pages and sent nowhere: preview it instead"
        raise Rejected(Fault(pointer="/kind", message=message))
    compiled = await _opened(office, present)
    if isinstance(compiled, Outcome):
        return _trial(compiled)
    draft = await _sampled(office, sample, compiled, present.schema)
    wait_s = await postgres.allow_test(office.pool, webhook)
    if wait_s > 0:
        raise TooMany("too many test sends to this webhook: wait a little", wait_s)
    event = await _begun(office, webhook, sample, draft)
    request = await _composed(office, compiled, event)
    if isinstance(request, Outcome):
        return _trial(request)
    if office.transport is None:
        raise LookupError("this office has no transport for test sends")
    return _trial(await send(office.transport, request, redact=compiled.redact, timed=True))


async def preview_webhook(office: Office, webhook: UUID, sample: Sample) -> Preview:
    """Renders and validates; sends nothing, writes nothing. Raises Rejected, NotFound."""
    require_one(sample)
    present = await webhook_of(office, webhook)
    compiled = await _opened(office, present)
    if isinstance(compiled, Outcome):
        return _preview(compiled)
    event = await _sampled(office, sample, compiled, present.schema)
    return _preview(await _composed(office, compiled, event))


async def preview_draft(
    office: Office, organization: UUID, given: Configuration, sample: Sample,
    faults: tuple[Fault, ...] = (),
) -> Preview:  # fmt: skip
    """The same for a webhook that is not saved. Raises Rejected with every fault, NotFound.

    No secret is opened: stand-ins are rendered in their place, and never shown.
    """
    require_one(sample)
    if await postgres.unknown(office.pool, organization=organization):
        raise NotFound(f"organization {organization} does not exist")
    checked = await check_webhook(office, organization, given, faults)
    compiled = await _with_stand_ins(office, checked)
    event = await _sampled(office, sample, compiled, given.schema)
    return _preview(await _composed(office, compiled, event))


async def _opened(office: Office, present: Webhook) -> Compiled | Outcome:
    """The webhook with its secrets, as this caller may read them: kept by nobody."""
    webhooks = CompiledWebhooks(office.pool, office.keyring, brand=office.brand)
    return await webhooks.get(present.id, present.revision, 0)


async def _with_stand_ins(office: Office, checked: Compiled) -> Compiled:
    """A draft that can be rendered: signed with a key that signs nothing else."""
    signer = Signer(brand=office.brand, secrets=[new_signing_secret(secrets.token_bytes(32))])
    used = sorted(used_secrets(checked))
    hosts = {}
    if checked.url is not None and not checked.url.secrets:
        # Where a secret says the host, only its value could be compared.
        found = await postgres.secret_hosts(office.pool, checked.organization_id, used)
        hosts = {one: tuple(bound) for one, bound in found.items() if bound is not None}
    return replace(
        checked, secrets=stand_ins(checked, used), allowed_hosts=hosts,
        sign=lambda key, at, body: signer.headers(key=key, timestamp=at, body=body),
    )  # fmt: skip


async def _sampled(office: Office, sample: Sample, compiled: Compiled, schema: object) -> Event:
    """The sample's event. Raises NotFound for another organization's agent or goal."""
    owner = compiled.organization_id
    if sample.goal_id is None:
        found = await postgres.sample_job(office.pool, owner, sample.agent_id)
    else:
        found = await postgres.sample_commit(office.pool, owner, sample.goal_id)
    if found is None:
        what = f"agent {sample.agent_id}" if sample.goal_id is None else f"goal {sample.goal_id}"
        raise NotFound(f"{what} does not exist")
    data, context = await asyncio.to_thread(texts_of, sample, compiled, schema)
    bytes_ = len(data.encode()) + len(context.encode())
    kept = bytes_ <= _MOST_BYTES
    return Event(
        id=0, type="webhook.test", key=f"test_{uuid4()}", organization_id=owner,
        occurred_at=found.moment, snapshot=found.snapshot, data=data if kept else None,
        context=context if kept else None, oversize_bytes=None if kept else bytes_,
    )  # fmt: skip


async def _begun(office: Office, webhook: UUID, sample: Sample, draft: Event) -> Event:
    """The same event, written down, with its id and time. Raises NotFound."""
    begun = await postgres.begin_test(
        office.pool, webhook, draft.key, agent=sample.agent_id, goal=sample.goal_id,
        snapshot=draft.snapshot, data=draft.data, context=draft.context,
        oversize_bytes=draft.oversize_bytes,
    )  # fmt: skip
    if begun is None:
        raise NotFound(f"webhook {webhook} does not exist")
    return msgspec.structs.replace(draft, id=begun.event_id, occurred_at=begun.moment)


async def _composed(office: Office, compiled: Compiled, event: Event) -> Request | Outcome:
    """The worker's own, at the database's time; in a thread, for it may take a while."""
    return await asyncio.to_thread(
        compose, compiled, event, epoch_s=event.occurred_at.timestamp(), policy=office.policy
    )


def _trial(ended: Outcome) -> Trial:
    response = None
    if ended.status_code is not None:
        response = TrialResponse(ended.status_code, list(ended.headers), ended.body)
    return Trial(
        request=_shown(ended.shown), response=response, timings=ended.timings,
        outcome=ended.verdict, error=ended.error,
    )  # fmt: skip


def _preview(made: Request | Outcome) -> Preview:
    if isinstance(made, Outcome):
        outcome = msgspec.convert(made.verdict.value, Composed)
        return Preview(request=None, outcome=outcome, error=made.error, valid=False)
    return Preview(request=_shown(made.shown), outcome="rendered", error=None, valid=True)


def _shown(shown: Shown | None) -> TrialRequest | None:
    if shown is None:
        return None
    return TrialRequest(shown.method, shown.url, list(shown.headers), shown.body)
