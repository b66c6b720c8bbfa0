"""The schema of a goal's commits, and validation of a proposed commit. Sends nothing."""

from __future__ import annotations

import asyncio
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from rowhook import postgres
from rowhook.compiled import WebhookCache
from rowhook.compose import Configuration, compile_webhook, render_request
from rowhook.compose import Webhook as Compiled
from rowhook.contract import (
    CommitFault,
    Format,
    Output,
    commit_schema,
    commit_tool,
    derive_requirements,
    explain,
    webhook_fault,
)
from rowhook.delivery import Event, Outcome, Request, Verdict
from rowhook.operations import plausible
from rowhook.operations.documents import Webhook
from rowhook.operations.office import KeyringContext, NotFound, ServiceContext
from rowhook.operations.patch import configuration_of
from rowhook.template import parse_json
from rowhook.vault import NO_ORGANIZATION

# The limit of the capture; larger data is not stored.
MOST_BYTES = 1 << 20
_ALL = 10_000
_COMMITTED = "goal.committed"


class Proposal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A proposed commit. Numbers in `data` keep their digits.

    The default of `context` is that of the session in `session_id`, or `{}` without one.
    """

    data: Raw
    context: Raw | UnsetType = UNSET
    session_id: str | None = None
    interview_id: str | None = None


OutputOutcome = Literal[
    "rendered",
    "skipped",
    "disabled",
    "config_rejected",
    "render_failed",
    "schema_failed",
    "target_forbidden",
]


class OutputValidation(Struct, frozen=True, kw_only=True):
    """The validation of one output: `outcome` is `rendered`, `skipped`, or why it would be held.

    `valid` is true if the output would be sent, or skipped because of its condition or state.
    """

    webhook_id: UUID
    name: str
    valid: bool
    outcome: OutputOutcome
    errors: list[CommitFault]


class CommitValidation(Struct, frozen=True, kw_only=True):
    """Whether every output can be rendered from the proposed data."""

    valid: bool
    outputs: list[OutputValidation]


async def goal_schema(ctx: ServiceContext, goal: str) -> dict[str, Any]:
    """Returns the JSON Schema of the commits of a goal. Raises NotFound."""
    await _require_goal(ctx, goal)
    outputs = [webhook for webhook in await _outputs(ctx, goal) if webhook.state != "disabled"]
    return await asyncio.to_thread(_schema, ctx, goal, outputs)


async def goal_tool(ctx: ServiceContext, goal: str, form: Format) -> dict[str, Any]:
    """Returns the tool definition for the commits of a goal. Raises NotFound."""
    return commit_tool(goal, await goal_schema(ctx, goal), form)


def commit_example(schema: dict[str, Any]) -> Any:
    """Returns example data for the schema of a goal, which is not guaranteed to be valid."""
    return plausible.ValueGenerator(schema).generate(schema) if "type" in schema else {}


def _schema(ctx: ServiceContext, goal: str, outputs: list[Webhook]) -> dict[str, Any]:
    return commit_schema(goal, [_output(ctx, webhook) for webhook in outputs])


def _output(ctx: ServiceContext, webhook: Webhook) -> Output:
    configuration = configuration_of(webhook)
    # Only the schema is used, so no secrets are decrypted.
    identity = {
        "id": webhook.id,
        "organization_id": NO_ORGANIZATION,
        "revision": webhook.revision,
        "secrets_version": 0,
    }
    compiled = compile_webhook(configuration, identity=identity, brand=ctx.brand)
    return Output(str(webhook.id), webhook.name, derive_requirements(configuration, compiled))


async def validate_commit(ctx: KeyringContext, goal: str, proposal: Proposal) -> CommitValidation:
    """Renders and validates every output as the worker does. Raises NotFound."""
    event = await _event(ctx, goal, proposal)
    webhooks = WebhookCache(ctx.pool, ctx.keyring, brand=ctx.brand)
    verdicts = [
        await _validate_output(ctx, webhooks, output, event) for output in await _outputs(ctx, goal)
    ]
    return CommitValidation(valid=all(output.valid for output in verdicts), outputs=verdicts)


async def _require_goal(ctx: ServiceContext, goal: str) -> None:
    if await postgres.first_missing(ctx.pool, goal=goal):
        raise NotFound(f"Goal {goal} does not exist.")


async def _outputs(ctx: ServiceContext, goal: str) -> list[Webhook]:
    """Lists the webhooks that receive commits of the goal, oldest first."""
    documents = await postgres.webhook_page(ctx.pool, goal=goal, limit=_ALL)
    listed = [msgspec.json.decode(text, type=Webhook) for text in reversed(documents)]
    return [
        webhook
        for webhook in listed
        if not webhook.event_types or _COMMITTED in webhook.event_types
    ]


async def _event(ctx: ServiceContext, goal: str, proposal: Proposal) -> Event:
    await _require_goal(ctx, goal)
    sample = await postgres.proposed_commit(
        ctx.pool, goal, proposal.session_id, proposal.interview_id
    )
    if sample is None:
        raise NotFound(f"Session {proposal.session_id} does not exist.")
    data = bytes(proposal.data).decode()
    context = sample.context
    if proposal.context is not UNSET:
        context = bytes(proposal.context).decode()
    bytes_ = len(data.encode()) + len((context or "").encode())
    is_stored = bytes_ <= MOST_BYTES
    return Event(
        id=0,
        type=_COMMITTED,
        key="proposed",
        organization_id=sample.organization,
        occurred_at=sample.moment,
        snapshot=sample.snapshot,
        data=data if is_stored else None,
        context=context if is_stored else None,
        oversize_bytes=None if is_stored else bytes_,
    )


async def _validate_output(
    ctx: KeyringContext, webhooks: WebhookCache, webhook: Webhook, event: Event
) -> OutputValidation:
    if webhook.state == "disabled":
        return _validation(webhook, "disabled")
    compiled = await webhooks.get(webhook.id, webhook.revision, 0)
    configuration = configuration_of(webhook)
    if isinstance(compiled, Outcome):
        return _failure(webhook, compiled, [webhook_fault(compiled)])
    return await asyncio.to_thread(_render, ctx, webhook, configuration, compiled, event)


def _render(
    ctx: KeyringContext,
    webhook: Webhook,
    configuration: Configuration,
    compiled: Compiled,
    event: Event,
) -> OutputValidation:
    result = render_request(
        compiled, event, epoch_s=event.occurred_at.timestamp(), policy=ctx.policy
    )
    if isinstance(result, Request):
        return _validation(webhook, "rendered")
    if result.verdict is Verdict.SKIPPED:
        return _validation(webhook, "skipped")
    data, context = _parse_or_none(event.data), _parse_or_none(event.context or "{}")
    return _failure(webhook, result, explain(configuration, compiled, result, data, context))


def _parse_or_none(text: str | None) -> object:
    try:
        return parse_json(text or "null")
    except ValueError:
        # The outcome of the render contains the error.
        return None


def _failure(webhook: Webhook, outcome: Outcome, errors: list[CommitFault]) -> OutputValidation:
    return _validation(webhook, msgspec.convert(outcome.verdict.value, OutputOutcome), errors)


def _validation(
    webhook: Webhook, outcome: OutputOutcome, errors: list[CommitFault] | None = None
) -> OutputValidation:
    return OutputValidation(
        webhook_id=webhook.id,
        name=webhook.name,
        valid=errors is None,
        outcome=outcome,
        errors=errors or [],
    )
