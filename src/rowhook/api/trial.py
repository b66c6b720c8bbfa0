"""Trying webhooks out: `…/test`, `…/preview`, `/v1/preview`."""

from __future__ import annotations

from uuid import UUID

from litestar import Router
from litestar.params import FromPath, JSONBody
from msgspec import field

from rowhook import operations
from rowhook.api.admission import owner
from rowhook.api.examples import trial as examples
from rowhook.api.examples import webhooks
from rowhook.api.parameters import ContextDependency, Limit, TheCaller
from rowhook.api.route import acts
from rowhook.api.webhooks import WebhookDraft
from rowhook.operations import HeldPreviews, Preview, ReadResult, Sample, Trial, WebhookPatch


class PreviewDraft(WebhookDraft, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook that is not saved, and in `sample` what to try it out with."""

    sample: Sample = field(default_factory=Sample)


@acts(
    "/webhooks/{webhook_id:uuid}/test",
    scope="write",
    body=Sample,
    may_be_empty=True,
    refuses=(429,),
    sends=examples.SAMPLE,
    gets=examples.TRIAL,
)
async def send_test(
    webhook_id: FromPath[UUID], ctx: ContextDependency, data: JSONBody[Sample | None] = None
) -> Trial:
    """Sends a test now, with the worker's own rendering, signature and guard. No delivery is made.

    The event's type is `webhook.test`, whatever the webhook's `event_types` and state. It is about
    a sample job, of the agent if one is named, or a sample commit of the goal, or what the event
    of `event_id` was about; `data` and `context` are sent digit for digit. What is left out is made
    up: each path that the templates read holds what they, the schema or its name suggest. 429
    beyond 10 in a row, then 20 a minute.
    """
    return await operations.test_webhook(ctx, webhook_id, data or Sample())


@acts(
    "/webhooks/{webhook_id:uuid}/preview",
    scope="write",
    body=Sample,
    may_be_empty=True,
    sends=examples.SAMPLE,
    gets=examples.PREVIEW,
)
async def preview_webhook(
    webhook_id: FromPath[UUID], ctx: ContextDependency, data: JSONBody[Sample | None] = None
) -> Preview:
    """Renders and validates what a test would send; sends nothing, writes nothing.

    With `event_id` it is that event, digit for digit; else `event.id` is 0. `outcome` is
    `rendered`, or why nothing would be sent.
    """
    return await operations.preview_webhook(ctx, webhook_id, data or Sample())


@acts(
    "/webhooks/{webhook_id:uuid}/preview-held",
    scope="write",
    body=ReadResult[WebhookPatch],
    may_be_empty=True,
    sends=webhooks.PATCH,
    gets=examples.HELD,
)
async def preview_held(
    webhook_id: FromPath[UUID],
    ctx: ContextDependency,
    data: JSONBody[ReadResult[WebhookPatch] | None] = None,
    limit: Limit = 50,
) -> HeldPreviews:
    """Renders the event of each held delivery, newest first; sends nothing, writes nothing.

    A body is a merge patch, as for PATCH, that is not saved: no secret is opened then.
    """
    draft, faults = data or (None, ())
    return await operations.preview_held(ctx, webhook_id, draft=draft, faults=faults, limit=limit)


@acts(
    "/preview",
    scope="write",
    body=ReadResult[PreviewDraft],
    sends=examples.PREVIEW_DRAFT,
    gets=examples.PREVIEW,
)
async def preview_draft(
    data: JSONBody[ReadResult[PreviewDraft]], ctx: ContextDependency, caller: TheCaller
) -> Preview:
    """The same for a webhook that is not saved: its faults are those of a save.

    No secret is opened, and the signatures are made with a key that signs nothing else.
    """
    draft, faults = data
    organization = await owner(ctx, caller, draft.organization_id, faults)
    return await operations.preview_draft(ctx, organization, draft, draft.sample, faults)


def router() -> Router:
    """All calls of this noun."""
    return Router(
        path="/",
        tags=["Trying out"],
        route_handlers=[send_test, preview_webhook, preview_draft, preview_held],
    )
