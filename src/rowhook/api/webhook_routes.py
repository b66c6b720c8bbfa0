"""`/v1/webhooks`: webhooks with their links, previews and test sends."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from litestar import Response, Router
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter
from msgspec import Meta, Struct, field

from rowhook.api.auth import organization_filter, organization_of_new
from rowhook.api.parameters import (
    AgentId,
    CallerDependency,
    ContextDependency,
    Cursor,
    ExternalId,
    IfMatch,
    Limit,
    OrganizationId,
    Search,
    revision_in,
)
from rowhook.api.routing import (
    EXAMPLES,
    action_route,
    create_route,
    delete_route,
    get_route,
    patch_route,
    put_route,
)
from rowhook.services import held_deliveries, links, previews, webhooks
from rowhook.services.held_deliveries import HeldPreviews
from rowhook.services.json_reader import ReadResult
from rowhook.services.previews import Preview, Trial
from rowhook.services.sample_data import Sample
from rowhook.services.webhook_documents import (
    Links,
    NewSigningSecret,
    Revisions,
    State,
    Webhook,
    WebhookDraft,
    WebhookPatch,
    Webhooks,
)

AgentInPath = Annotated[
    str,
    PathParameter(description="The agent's id as the platform writes it, or Rowhook's uuid."),
]


class Rotation(Struct, frozen=True, forbid_unknown_fields=True):
    """For how many seconds the old secrets also sign requests; 0 revokes them at once."""

    overlap_s: Annotated[int, Meta(ge=0, le=30 * 86400)] = 86400


def with_etag(webhook: Webhook, status: int = 200) -> Response[Webhook]:
    """Builds a response with the webhook's revision as ETag, for If-Match."""
    return Response(webhook, status_code=status, headers={"ETag": f'"{webhook.revision}"'})


@create_route(
    "/",
    scope="write",
    body=ReadResult[WebhookDraft],
    request_example=EXAMPLES["webhook_draft"],
    response_example=EXAMPLES["new_webhook"],
)
async def create_webhook(
    data: JSONBody[ReadResult[WebhookDraft]], ctx: ContextDependency, caller: CallerDependency
) -> Response[Webhook]:
    """Create a webhook. Its signing secret is shown only in this response."""
    draft, faults = data
    organization = await organization_of_new(ctx, caller, draft.organization_id, faults)
    return with_etag(await webhooks.create_webhook(ctx, organization, draft, faults), 201)


@get_route("/", response_example=EXAMPLES["webhooks"])
async def list_webhooks(
    ctx: ContextDependency,
    caller: CallerDependency,
    agent_id: AgentId = None,
    goal_id: Annotated[
        str | None,
        QueryParameter(max_length=1000, description="Only webhooks linked to this goal."),
    ] = None,
    in_state: Annotated[State | None, QueryParameter(name="state")] = None,
    external_id: ExternalId = None,
    search: Search = None,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Webhooks:
    """List webhooks, newest first. `search` matches name, description and URL."""
    organization = await organization_filter(ctx, caller, organization_id)
    return await webhooks.list_webhooks(
        ctx,
        organization=organization,
        agent=agent_id,
        goal=goal_id,
        state=in_state,
        external_id=external_id,
        search=search,
        cursor=cursor,
        limit=limit,
    )


@get_route("/{webhook_id:uuid}", response_example=EXAMPLES["webhook"])
async def read_webhook(webhook_id: FromPath[UUID], ctx: ContextDependency) -> Response[Webhook]:
    """Get one webhook. Its revision is the ETag."""
    return with_etag(await webhooks.webhook_of(ctx, webhook_id))


@patch_route(
    "/{webhook_id:uuid}",
    scope="write",
    body=ReadResult[WebhookPatch],
    errors=(412,),
    request_example=EXAMPLES["patch"],
    response_example=EXAMPLES["webhook"],
)
async def change_webhook(
    webhook_id: FromPath[UUID],
    data: JSONBody[ReadResult[WebhookPatch]],
    ctx: ContextDependency,
    if_match: IfMatch = None,
) -> Response[Webhook]:
    """Apply a merge patch (RFC 7396) as a new revision. Held deliveries are retried at once."""
    expected = revision_in(if_match)
    patch, faults = data
    return with_etag(await webhooks.patch_webhook(ctx, webhook_id, patch, expected, faults))


@delete_route("/{webhook_id:uuid}", scope="write")
async def delete_webhook(webhook_id: FromPath[UUID], ctx: ContextDependency) -> None:
    """Delete a webhook and cancel its waiting deliveries. 400 while agents or goals are linked."""
    await webhooks.delete_webhook(ctx, webhook_id)


@action_route(
    "/{webhook_id:uuid}/pause",
    scope="write",
    response_example=EXAMPLES["webhook"] | {"state": "paused"},
)
async def pause_webhook(webhook_id: FromPath[UUID], ctx: ContextDependency) -> Response[Webhook]:
    """Pause a webhook. Its deliveries wait until it is resumed."""
    return with_etag(await webhooks.set_state(ctx, webhook_id, "paused"))


@action_route("/{webhook_id:uuid}/resume", scope="write", response_example=EXAMPLES["webhook"])
async def resume_webhook(webhook_id: FromPath[UUID], ctx: ContextDependency) -> Response[Webhook]:
    """Make a paused or disabled webhook active again."""
    return with_etag(await webhooks.set_state(ctx, webhook_id, "active"))


@action_route(
    "/{webhook_id:uuid}/rotate-secret",
    scope="write",
    body=Rotation,
    optional_body=True,
    request_example=EXAMPLES["rotation"],
    response_example=EXAMPLES["new_signing_secret"],
)
async def rotate_secret(
    webhook_id: FromPath[UUID], ctx: ContextDependency, data: JSONBody[Rotation | None] = None
) -> NewSigningSecret:
    """Create a new signing secret, shown only here. The old ones expire after the overlap."""
    overlap = timedelta(seconds=(data or Rotation()).overlap_s)
    return await webhooks.rotate_signing_secret(ctx, webhook_id, overlap)


@get_route("/{webhook_id:uuid}/revisions", response_example=EXAMPLES["revisions"])
async def list_revisions(
    webhook_id: FromPath[UUID], ctx: ContextDependency, limit: Limit = 50, cursor: Cursor = None
) -> Revisions:
    """List the revisions of a webhook, newest first."""
    return await webhooks.list_revisions(ctx, webhook_id, cursor=cursor, limit=limit)


@action_route(
    "/{webhook_id:uuid}/revisions/{revision:int}/restore",
    scope="write",
    body=None,
    errors=(412, 422),
    response_example=EXAMPLES["webhook"],
)
async def restore_revision(
    webhook_id: FromPath[UUID], revision: FromPath[int], ctx: ContextDependency
) -> Response[Webhook]:
    """Restore an old revision as the newest one. It is validated like any change."""
    return with_etag(await webhooks.restore_webhook(ctx, webhook_id, revision))


def webhook_router() -> Router:
    """The router of this resource."""
    return Router(
        path="/webhooks",
        tags=["Webhooks"],
        route_handlers=[
            create_webhook,
            list_webhooks,
            read_webhook,
            change_webhook,
            delete_webhook,
            pause_webhook,
            resume_webhook,
            rotate_secret,
            list_revisions,
            restore_revision,
        ],
    )


@get_route("/links", response_example=EXAMPLES["links"])
async def list_links(
    webhook_id: FromPath[UUID], ctx: ContextDependency, limit: Limit = 50, cursor: Cursor = None
) -> Links:
    """List the agents and goals that the webhook is linked to, oldest link first."""
    return await links.list_links(ctx, webhook_id, cursor=cursor, limit=limit)


@put_route("/agents/{agent_id:str}", scope="write")
async def link_agent(
    webhook_id: FromPath[UUID], agent_id: AgentInPath, ctx: ContextDependency
) -> None:
    """Send the agent's finished jobs to the webhook from now on. Idempotent."""
    await links.link_agent(ctx, webhook_id, agent_id)


@delete_route("/agents/{agent_id:str}", scope="write")
async def unlink_agent(
    webhook_id: FromPath[UUID], agent_id: AgentInPath, ctx: ContextDependency
) -> None:
    """Unlink an agent. Takes effect for statements that start after this response. Idempotent."""
    await links.unlink_agent(ctx, webhook_id, agent_id)


@put_route("/goals/{goal_id:str}", scope="write")
async def link_goal(
    webhook_id: FromPath[UUID], goal_id: FromPath[str], ctx: ContextDependency
) -> None:
    """Send the goal's commits to the webhook from now on. Idempotent."""
    await links.link_goal(ctx, webhook_id, goal_id)


@delete_route("/goals/{goal_id:str}", scope="write")
async def unlink_goal(
    webhook_id: FromPath[UUID], goal_id: FromPath[str], ctx: ContextDependency
) -> None:
    """Unlink a goal. Takes effect for statements that start after this response. Idempotent."""
    await links.unlink_goal(ctx, webhook_id, goal_id)


def link_router() -> Router:
    """The router of this resource."""
    return Router(
        path="/webhooks/{webhook_id:uuid}",
        tags=["Links"],
        route_handlers=[list_links, link_agent, unlink_agent, link_goal, unlink_goal],
    )


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
    response_example=EXAMPLES["held_previews"],
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


def preview_router() -> Router:
    """The router of this resource."""
    return Router(
        path="/",
        tags=["Trying out"],
        route_handlers=[send_test, preview_webhook, preview_draft, preview_held],
    )
