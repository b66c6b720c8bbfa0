"""What a goal's outputs ask of a commit, told before it is made. Nothing is sent or written."""

from __future__ import annotations

import asyncio
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from rowhook import postgres
from rowhook.compiled import CompiledWebhooks
from rowhook.compose import Configuration, compile_webhook, compose
from rowhook.compose import Webhook as Compiled
from rowhook.contract import (
    CommitFault,
    Format,
    Output,
    bring_back,
    commit_schema,
    commit_tool,
    explain,
    not_the_data,
)
from rowhook.delivery import Event, Outcome, Request, Verdict
from rowhook.operations import plausible
from rowhook.operations.documents import Webhook
from rowhook.operations.ctx import NotFound, KeyringContext, ServiceContext
from rowhook.operations.patch import configuration_of
from rowhook.template import parse_json
from rowhook.vault import NOBODY

# What the capture keeps of a commit: more is never sent.
MOST_BYTES = 1 << 20
_ALL = 10_000
_COMMITTED = "goal.committed"


class Proposal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A commit that is not made yet. `data` is kept digit for digit.

    `context` is that of the session if `session_id` names one, else `{}`; what is given here counts
    more.
    """

    data: Raw
    context: Raw | UnsetType = UNSET
    session_id: str | None = None
    interview_id: str | None = None


Judged = Literal[
    "rendered",
    "skipped",
    "disabled",
    "config_rejected",
    "render_failed",
    "schema_failed",
    "target_forbidden",
]


class OutputVerdict(Struct, frozen=True, kw_only=True):
    """What would become of one output: `outcome` is `rendered`, `skipped`, or why it would be held.

    `valid`: it would be sent, or skipped as its condition or its state asks.
    """

    webhook_id: UUID
    name: str
    valid: bool
    outcome: Judged
    errors: list[CommitFault]


class CommitVerdict(Struct, frozen=True, kw_only=True):
    """Whether every output could be made from proposed data."""

    valid: bool
    outputs: list[OutputVerdict]


async def goal_schema(ctx: ServiceContext, goal: str) -> dict[str, Any]:
    """The JSON Schema of what must be committed for a goal. Raises NotFound."""
    await _require(ctx, goal)
    outputs = [one for one in await _outputs(ctx, goal) if one.state != "disabled"]
    return await asyncio.to_thread(_schema, ctx, goal, outputs)


async def goal_tool(ctx: ServiceContext, goal: str, form: Format) -> dict[str, Any]:
    """The same as a tool definition. Raises NotFound."""
    return commit_tool(goal, await goal_schema(ctx, goal), form)


def commit_example(schema: dict[str, Any]) -> Any:
    """Data that the schema of a goal probably allows, to begin with. Nobody relies on it."""
    return plausible.Maker(schema).make(schema) if "type" in schema else {}


def _schema(ctx: ServiceContext, goal: str, outputs: list[Webhook]) -> dict[str, Any]:
    return commit_schema(goal, [_asking(ctx, one) for one in outputs])


def _asking(ctx: ServiceContext, webhook: Webhook) -> Output:
    given = configuration_of(webhook)
    # Nothing is rendered with it, so no organization's secrets are opened.
    identity = {
        "id": webhook.id,
        "organization_id": NOBODY,
        "revision": webhook.revision,
        "secrets_version": 0,
    }
    compiled = compile_webhook(given, identity=identity, brand=ctx.brand)
    return Output(str(webhook.id), webhook.name, bring_back(given, compiled))


async def validate_commit(ctx: KeyringContext, goal: str, proposal: Proposal) -> CommitVerdict:
    """Renders and validates every output as the worker would. Raises NotFound."""
    event = await _event(ctx, goal, proposal)
    webhooks = CompiledWebhooks(ctx.pool, ctx.keyring, brand=ctx.brand)
    verdicts = [
        await _verdict(ctx, webhooks, one, event) for one in await _outputs(ctx, goal)
    ]
    return CommitVerdict(valid=all(one.valid for one in verdicts), outputs=verdicts)


async def _require(ctx: ServiceContext, goal: str) -> None:
    if await postgres.unknown(ctx.pool, goal=goal):
        raise NotFound(f"goal {goal} does not exist")


async def _outputs(ctx: ServiceContext, goal: str) -> list[Webhook]:
    """The webhooks that a commit of the goal fires, the oldest first."""
    found = await postgres.webhook_page(ctx.pool, goal=goal, most=_ALL)
    listed = [msgspec.json.decode(one, type=Webhook) for one in reversed(found)]
    return [one for one in listed if not one.event_types or _COMMITTED in one.event_types]


async def _event(ctx: ServiceContext, goal: str, proposal: Proposal) -> Event:
    await _require(ctx, goal)
    found = await postgres.proposed_commit(
        ctx.pool, goal, proposal.session_id, proposal.interview_id
    )
    if found is None:
        raise NotFound(f"session {proposal.session_id} does not exist")
    data = bytes(proposal.data).decode()
    given = proposal.context
    context = found.context if given is UNSET else bytes(given).decode()
    bytes_ = len(data.encode()) + len((context or "").encode())
    kept = bytes_ <= MOST_BYTES
    return Event(
        id=0,
        type=_COMMITTED,
        key="proposed",
        organization_id=found.organization,
        occurred_at=found.moment,
        snapshot=found.snapshot,
        data=data if kept else None,
        context=context if kept else None,
        oversize_bytes=None if kept else bytes_,
    )


async def _verdict(
    ctx: KeyringContext, webhooks: CompiledWebhooks, webhook: Webhook, event: Event
) -> OutputVerdict:
    if webhook.state == "disabled":
        return _judged(webhook, "disabled")
    compiled = await webhooks.get(webhook.id, webhook.revision, 0)
    given = configuration_of(webhook)
    if isinstance(compiled, Outcome):
        return _refused(webhook, compiled, [not_the_data(compiled)])
    return await asyncio.to_thread(_tried, ctx, webhook, given, compiled, event)


def _tried(
    ctx: KeyringContext, webhook: Webhook, given: Configuration, compiled: Compiled, event: Event
) -> OutputVerdict:
    made = compose(compiled, event, epoch_s=event.occurred_at.timestamp(), policy=ctx.policy)
    if isinstance(made, Request):
        return _judged(webhook, "rendered")
    if made.verdict is Verdict.SKIPPED:
        return _judged(webhook, "skipped")
    data, context = _parsed(event.data), _parsed(event.context or "{}")
    return _refused(webhook, made, explain(given, compiled, made, data, context))


def _parsed(text: str | None) -> object:
    try:
        return parse_json(text or "null")
    except ValueError:
        # The render has said what is wrong with it.
        return None


def _refused(webhook: Webhook, made: Outcome, errors: list[CommitFault]) -> OutputVerdict:
    return _judged(webhook, msgspec.convert(made.verdict.value, Judged), errors)


def _judged(
    webhook: Webhook, outcome: Judged, errors: list[CommitFault] | None = None
) -> OutputVerdict:
    return OutputVerdict(
        webhook_id=webhook.id,
        name=webhook.name,
        valid=errors is None,
        outcome=outcome,
        errors=errors or [],
    )
