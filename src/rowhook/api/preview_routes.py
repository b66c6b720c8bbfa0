"""Test sends and previews: `…/test`, `…/preview`, `/v1/preview`."""

from __future__ import annotations

from uuid import UUID

from litestar import Router
from litestar.params import FromPath, JSONBody
from msgspec import field

from rowhook.api.auth import organization_of_new
from rowhook.api.openapi import EXAMPLES
from rowhook.api.parameters import CallerDependency, ContextDependency, Limit
from rowhook.api.routing import action_route
from rowhook.services import held_deliveries, previews
from rowhook.services.held_deliveries import HeldPreviews
from rowhook.services.json_reader import ReadResult
from rowhook.services.previews import Preview, Trial
from rowhook.services.sample_data import Sample
from rowhook.services.webhook_documents import WebhookDraft, WebhookPatch


class PreviewDraft(WebhookDraft, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An unsaved webhook and, in `sample`, the event to preview it with."""

    sample: Sample = field(default_factory=Sample)


@action_route(
    "/webhooks/{webhook_id:uuid}/test",
    scope="write",
    body=Sample,
    optional_body=True,
    errors=(429,),
    request_example=EXAMPLES["sample"],
    response_example=EXAMPLES["trial"],
)
async def send_test(
    webhook_id: FromPath[UUID], ctx: ContextDependency, data: JSONBody[Sample | None] = None
) -> Trial:
    """Send a test request now, rendered, signed and checked as by the worker. Creates no delivery.

    The event's type is `webhook.test`, regardless of the webhook's `event_types` and state. Its
    subject is a sample job (of `agent_id`, if given), a sample commit to `goal_id`, or the subject
    of the event `event_id`. Numbers in `data` and `context` keep their digits. Missing data is
    generated: each path that the templates read gets a value that the template, the schema or the
    path's name suggests. 429 after 10 in a row, then 20 per minute.
    """
    return await previews.test_webhook(ctx, webhook_id, data or Sample())


@action_route(
    "/webhooks/{webhook_id:uuid}/preview",
    scope="write",
    body=Sample,
    optional_body=True,
    request_example=EXAMPLES["sample"],
    response_example=EXAMPLES["preview"],
)
async def preview_webhook(
    webhook_id: FromPath[UUID], ctx: ContextDependency, data: JSONBody[Sample | None] = None
) -> Preview:
    """Render and validate the request that a test would send. Sends and writes nothing.

    With `event_id` that event is rendered; otherwise `event.id` is 0. `outcome` is `rendered`, or
    the reason why nothing would be sent.
    """
    return await previews.preview_webhook(ctx, webhook_id, data or Sample())


@action_route(
    "/webhooks/{webhook_id:uuid}/preview-held",
    scope="write",
    body=ReadResult[WebhookPatch],
    optional_body=True,
    request_example=EXAMPLES["patch"],
    response_example=EXAMPLES["held"],
)
async def preview_held(
    webhook_id: FromPath[UUID],
    ctx: ContextDependency,
    data: JSONBody[ReadResult[WebhookPatch] | None] = None,
    limit: Limit = 50,
) -> HeldPreviews:
    """Render each held delivery, newest first. Sends and writes nothing.

    The optional body is a merge patch, as for PATCH, that is applied but not saved; secrets are not
    decrypted then.
    """
    draft, faults = data or (None, ())
    return await held_deliveries.preview_held(
        ctx, webhook_id, draft=draft, faults=faults, limit=limit
    )


@action_route(
    "/preview",
    scope="write",
    body=ReadResult[PreviewDraft],
    request_example=EXAMPLES["preview_draft"],
    response_example=EXAMPLES["preview"],
)
async def preview_draft(
    data: JSONBody[ReadResult[PreviewDraft]], ctx: ContextDependency, caller: CallerDependency
) -> Preview:
    """Render and validate the request of an unsaved webhook. Reports the same errors as a save.

    Secrets are not decrypted, and the signatures use a key that signs nothing else.
    """
    draft, faults = data
    organization = await organization_of_new(ctx, caller, draft.organization_id, faults)
    return await previews.preview_draft(ctx, organization, draft, draft.sample, faults)


def router() -> Router:
    """The router of this resource."""
    return Router(
        path="/",
        tags=["Trying out"],
        route_handlers=[send_test, preview_webhook, preview_draft, preview_held],
    )
