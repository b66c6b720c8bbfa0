"""Webhooks: `/v1/webhooks`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from litestar import Response, Router
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from rowhook import operations
from rowhook.api.admission import organization_filter, organization_of_new
from rowhook.api.examples import webhooks as examples
from rowhook.api.parameters import (
    AgentId,
    CallerDependency,
    ContextDependency,
    Cursor,
    IfMatch,
    Limit,
    OrganizationId,
    Search,
    revision_in,
)
from rowhook.api.route import action_route, create_route, delete_route, get_route, patch_route
from rowhook.compose import Configuration
from rowhook.operations import ReadResult, WebhookPatch
from rowhook.operations.documents import (
    NewSigningSecret,
    Revisions,
    State,
    Webhook,
    Webhooks,
)


class WebhookDraft(Configuration, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook to create. `organization_id` is required with an operator key.

    It is the organization's id as the platform writes it, or Rowhook's uuid.
    """

    organization_id: str | None = None


class Rotation(Struct, frozen=True, forbid_unknown_fields=True):
    """For how many seconds the old secrets also sign requests; 0 revokes them at once."""

    overlap_s: Annotated[int, Meta(ge=0, le=30 * 86400)] = 86400


def with_etag(webhook: Webhook, status: int = 200) -> Response[Webhook]:
    """Build a response with the webhook's revision as ETag, for If-Match."""
    return Response(webhook, status_code=status, headers={"ETag": f'"{webhook.revision}"'})


@create_route(
    "/",
    scope="write",
    body=ReadResult[WebhookDraft],
    request_example=examples.WEBHOOK_DRAFT,
    response_example=examples.NEW_WEBHOOK,
)
async def create_webhook(
    data: JSONBody[ReadResult[WebhookDraft]], ctx: ContextDependency, caller: CallerDependency
) -> Response[Webhook]:
    """Create a webhook. Its signing secret is shown only in this response."""
    draft, faults = data
    organization = await organization_of_new(ctx, caller, draft.organization_id, faults)
    return with_etag(await operations.create_webhook(ctx, organization, draft, faults), 201)


@get_route("/", response_example=examples.WEBHOOKS)
async def list_webhooks(
    ctx: ContextDependency,
    caller: CallerDependency,
    agent_id: AgentId = None,
    goal_id: Annotated[
        str | None,
        QueryParameter(max_length=1000, description="Only webhooks linked to this goal."),
    ] = None,
    in_state: Annotated[State | None, QueryParameter(name="state")] = None,
    search: Search = None,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Webhooks:
    """List webhooks, newest first. `search` matches name, description and URL."""
    organization = await organization_filter(ctx, caller, organization_id)
    return await operations.list_webhooks(
        ctx,
        organization=organization,
        agent=agent_id,
        goal=goal_id,
        state=in_state,
        search=search,
        cursor=cursor,
        limit=limit,
    )


@get_route("/{webhook_id:uuid}", response_example=examples.WEBHOOK)
async def read_webhook(webhook_id: FromPath[UUID], ctx: ContextDependency) -> Response[Webhook]:
    """Get one webhook. Its revision is the ETag."""
    return with_etag(await operations.webhook_of(ctx, webhook_id))


@patch_route(
    "/{webhook_id:uuid}",
    scope="write",
    body=ReadResult[WebhookPatch],
    errors=(412,),
    request_example=examples.PATCH,
    response_example=examples.WEBHOOK,
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
    return with_etag(await operations.patch_webhook(ctx, webhook_id, patch, expected, faults))


@delete_route("/{webhook_id:uuid}", scope="write")
async def delete_webhook(webhook_id: FromPath[UUID], ctx: ContextDependency) -> None:
    """Delete a webhook and cancel its waiting deliveries. 400 while agents or goals are linked."""
    await operations.delete_webhook(ctx, webhook_id)


@action_route(
    "/{webhook_id:uuid}/pause",
    scope="write",
    response_example=examples.WEBHOOK | {"state": "paused"},
)
async def pause_webhook(webhook_id: FromPath[UUID], ctx: ContextDependency) -> Response[Webhook]:
    """Pause a webhook. Its deliveries wait until it is resumed."""
    return with_etag(await operations.set_state(ctx, webhook_id, "paused"))


@action_route("/{webhook_id:uuid}/resume", scope="write", response_example=examples.WEBHOOK)
async def resume_webhook(webhook_id: FromPath[UUID], ctx: ContextDependency) -> Response[Webhook]:
    """Make a paused or disabled webhook active again."""
    return with_etag(await operations.set_state(ctx, webhook_id, "active"))


@action_route(
    "/{webhook_id:uuid}/rotate-secret",
    scope="write",
    body=Rotation,
    optional_body=True,
    request_example=examples.ROTATION,
    response_example=examples.NEW_SIGNING_SECRET,
)
async def rotate_secret(
    webhook_id: FromPath[UUID], ctx: ContextDependency, data: JSONBody[Rotation | None] = None
) -> NewSigningSecret:
    """Create a new signing secret, shown only here. The old ones expire after the overlap."""
    overlap = timedelta(seconds=(data or Rotation()).overlap_s)
    return await operations.rotate_signing_secret(ctx, webhook_id, overlap)


@get_route("/{webhook_id:uuid}/revisions", response_example=examples.REVISIONS)
async def list_revisions(
    webhook_id: FromPath[UUID], ctx: ContextDependency, limit: Limit = 50, cursor: Cursor = None
) -> Revisions:
    """List the revisions of a webhook, newest first."""
    return await operations.list_revisions(ctx, webhook_id, cursor=cursor, limit=limit)


@action_route(
    "/{webhook_id:uuid}/revisions/{revision:int}/restore",
    scope="write",
    body=None,
    errors=(412, 422),
    response_example=examples.WEBHOOK,
)
async def restore_revision(
    webhook_id: FromPath[UUID], revision: FromPath[int], ctx: ContextDependency
) -> Response[Webhook]:
    """Restore an old revision as the newest one. It is validated like any change."""
    return with_etag(await operations.restore_webhook(ctx, webhook_id, revision))


def router() -> Router:
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
