"""The requirements of a goal for a commit, its validation in advance, and the commit itself."""

from __future__ import annotations

import asyncio
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from rowhook.commit_schema import Output, commit_schema
from rowhook.commit_schema.commit_tool import Format, commit_tool
from rowhook.commit_schema.data_faults import CommitFault, explain, webhook_fault
from rowhook.commit_schema.data_schema import derive_requirements
from rowhook.db import access_queries, list_queries, preview_queries
from rowhook.db.preview_queries import CommitIdTaken
from rowhook.model import MAX_EVENT_BYTES, Event, Outcome, Request, Verdict
from rowhook.render.configuration import Configuration, Fault
from rowhook.render.payload import rfc3339, variables
from rowhook.render.webhook_compiler import Webhook as Compiled
from rowhook.render.webhook_compiler import compile_webhook
from rowhook.security.vault import NO_ORGANIZATION
from rowhook.services import fake_data, paging
from rowhook.services.context import (
    Conflict,
    KeyringContext,
    NotFound,
    Rejected,
    ServiceContext,
    UnknownId,
)
from rowhook.services.deliveries import Deliveries, Delivery
from rowhook.services.webhook_cache import WebhookCache
from rowhook.services.webhook_documents import Webhook, configuration_of
from rowhook.template.compiler import ROOTS
from rowhook.template.json_values import parse_json

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


async def goal_tool(
    ctx: ServiceContext, goal: str, form: Format, *, strict: bool = False
) -> dict[str, Any]:
    """Returns the tool definition for the commits of a goal. Raises NotFound, Rejected."""
    if strict and form != "openai":
        message = "strict is a form of OpenAI's tools. Use format=openai, or leave strict out."
        raise Rejected(Fault(pointer="/strict", message=message))
    return commit_tool(goal, await goal_schema(ctx, goal), form, strict=strict)


def commit_example(schema: dict[str, Any]) -> Any:
    """Returns example data for the schema of a goal, which is not guaranteed to be valid."""
    return fake_data.ValueGenerator(schema).generate(schema) if "type" in schema else {}


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
    if await access_queries.first_missing(ctx.pool, goal=goal):
        raise UnknownId("goal", goal)


async def _outputs(ctx: ServiceContext, goal: str) -> list[Webhook]:
    """Lists the webhooks that receive commits of the goal, oldest first."""
    documents = await list_queries.webhook_page(ctx.pool, goal=goal, limit=_ALL)
    listed = [msgspec.json.decode(text, type=Webhook) for text in reversed(documents)]
    return [
        webhook
        for webhook in listed
        if not webhook.event_types or _COMMITTED in webhook.event_types
    ]


async def _event(ctx: ServiceContext, goal: str, proposal: Proposal) -> Event:
    await _require_goal(ctx, goal)
    sample = await preview_queries.proposed_commit(
        ctx.pool, goal, proposal.session_id, proposal.interview_id
    )
    if sample is None:
        raise NotFound(f"Session {proposal.session_id} does not exist.")
    data = bytes(proposal.data).decode()
    context = sample.context
    if proposal.context is not UNSET:
        context = bytes(proposal.context).decode()
    bytes_ = len(data.encode()) + len((context or "").encode())
    is_stored = bytes_ <= MAX_EVENT_BYTES
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
    if isinstance(compiled, Outcome):
        return _failure(webhook, compiled, [webhook_fault(compiled)])
    configuration = configuration_of(webhook)
    result = await ctx.renderer.render(compiled, event, at=event.occurred_at)
    if isinstance(result, Request):
        return _validation(webhook, "rendered")
    if result.verdict is Verdict.SKIPPED:
        return _validation(webhook, "skipped")
    # In a thread, because it parses the data again.
    faults = await asyncio.to_thread(_faults, configuration, compiled, event, result)
    return _failure(webhook, result, faults)


def _faults(
    configuration: Configuration, compiled: Compiled, event: Event, outcome: Outcome
) -> list[CommitFault]:
    values = variables(event, rfc3339(event.occurred_at.timestamp()))
    names = {name: values[name] for name in ROOTS - {"data", "context"}} | {
        "data": _parse_or_none(event.data),
        "context": _parse_or_none(event.context or "{}"),
    }
    return explain(configuration, compiled, outcome, names)


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
        commit = await preview_queries.make_commit(
            ctx.pool,
            goal,
            proposal.session_id,
            proposal.interview_id,
            bytes(proposal.data).decode(),
            commit_id,
        )
    except CommitIdTaken as error:
        raise Conflict(str(error)) from error
    if commit is None:
        raise UnknownId("goal", goal)
    return Committed(commit_id=commit[0], is_new=commit[1], verdict=verdict)


async def list_session_deliveries(
    ctx: ServiceContext, session: str, *, cursor: str | None = None, limit: int = 50
) -> Deliveries:
    """Lists the deliveries of the commits of a session, newest first."""
    before = paging.decode_cursor(cursor, tuple[paging.RowId])
    rows = await list_queries.session_page(
        ctx.lists, session, before[0] if before else None, limit + 1
    )
    return Deliveries(*paging.page(rows, Delivery, limit, "id"))
