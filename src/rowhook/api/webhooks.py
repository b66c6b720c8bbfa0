"""Webhooks: `/v1/webhooks`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from litestar import Response, Router
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from rowhook import operations
from rowhook.api.admission import among, owner
from rowhook.api.examples import webhooks as examples
from rowhook.api.parameters import (
    AgentId,
    Cursor,
    IfMatch,
    Limit,
    OrganizationId,
    Search,
    TheCaller,
    TheOffice,
    revision_in,
)
from rowhook.api.route import acts, changes, creates, reads, removes
from rowhook.compose import Configuration
from rowhook.operations import Read, WebhookPatch
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


def tagged(webhook: Webhook, status: int = 200) -> Response[Webhook]:
    """The webhook with its revision as ETag, for If-Match."""
    return Response(webhook, status_code=status, headers={"ETag": f'"{webhook.revision}"'})


@creates(
    "/",
    scope="write",
    body=Read[WebhookDraft],
    sends=examples.WEBHOOK_DRAFT,
    gets=examples.NEW_WEBHOOK,
)
async def create_webhook(
    data: JSONBody[Read[WebhookDraft]], office: TheOffice, caller: TheCaller
) -> Response[Webhook]:
    """Create a webhook. Its signing secret is shown only in this response."""
    draft, faults = data
    organization = await owner(office, caller, draft.organization_id, faults)
    return tagged(await operations.create_webhook(office, organization, draft, faults), 201)


@reads("/", gets=examples.WEBHOOKS)
async def list_webhooks(
    office: TheOffice,
    caller: TheCaller,
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
    organization = await among(office, caller, organization_id)
    return await operations.list_webhooks(
        office,
        organization=organization,
        agent=agent_id,
        goal=goal_id,
        state=in_state,
        search=search,
        cursor=cursor,
        limit=limit,
    )


@reads("/{webhook_id:uuid}", gets=examples.WEBHOOK)
async def read_webhook(webhook_id: FromPath[UUID], office: TheOffice) -> Response[Webhook]:
    """Get one webhook. Its revision is the ETag."""
    return tagged(await operations.webhook_of(office, webhook_id))


@changes(
    "/{webhook_id:uuid}",
    scope="write",
    body=Read[WebhookPatch],
    refuses=(412,),
    sends=examples.PATCH,
    gets=examples.WEBHOOK,
)
async def change_webhook(
    webhook_id: FromPath[UUID],
    data: JSONBody[Read[WebhookPatch]],
    office: TheOffice,
    if_match: IfMatch = None,
) -> Response[Webhook]:
    """Apply a merge patch (RFC 7396) as a new revision. Held deliveries are retried at once."""
    expected = revision_in(if_match)
    patch, faults = data
    return tagged(await operations.patch_webhook(office, webhook_id, patch, expected, faults))


@removes("/{webhook_id:uuid}", scope="write")
async def delete_webhook(webhook_id: FromPath[UUID], office: TheOffice) -> None:
    """Delete a webhook and cancel its waiting deliveries. 400 while agents or goals are linked."""
    await operations.delete_webhook(office, webhook_id)


@acts("/{webhook_id:uuid}/pause", scope="write", gets=examples.WEBHOOK | {"state": "paused"})
async def pause_webhook(webhook_id: FromPath[UUID], office: TheOffice) -> Response[Webhook]:
    """Pause a webhook. Its deliveries wait until it is resumed."""
    return tagged(await operations.set_state(office, webhook_id, "paused"))


@acts("/{webhook_id:uuid}/resume", scope="write", gets=examples.WEBHOOK)
async def resume_webhook(webhook_id: FromPath[UUID], office: TheOffice) -> Response[Webhook]:
    """Make a paused or disabled webhook active again."""
    return tagged(await operations.set_state(office, webhook_id, "active"))


@acts(
    "/{webhook_id:uuid}/rotate-secret",
    scope="write",
    body=Rotation,
    may_be_empty=True,
    sends=examples.ROTATION,
    gets=examples.NEW_SIGNING_SECRET,
)
async def rotate_secret(
    webhook_id: FromPath[UUID], office: TheOffice, data: JSONBody[Rotation | None] = None
) -> NewSigningSecret:
    """Create a new signing secret, shown only here. The old ones expire after the overlap."""
    overlap = timedelta(seconds=(data or Rotation()).overlap_s)
    return await operations.rotate_signing_secret(office, webhook_id, overlap)


@reads("/{webhook_id:uuid}/revisions", gets=examples.REVISIONS)
async def list_revisions(
    webhook_id: FromPath[UUID], office: TheOffice, limit: Limit = 50, cursor: Cursor = None
) -> Revisions:
    """List the revisions of a webhook, newest first."""
    return await operations.list_revisions(office, webhook_id, cursor=cursor, limit=limit)


@acts(
    "/{webhook_id:uuid}/revisions/{revision:int}/restore",
    scope="write",
    body=None,
    refuses=(412, 422),
    gets=examples.WEBHOOK,
)
async def restore_revision(
    webhook_id: FromPath[UUID], revision: FromPath[int], office: TheOffice
) -> Response[Webhook]:
    """Restore an old revision as the newest one. It is validated like any change."""
    return tagged(await operations.restore_webhook(office, webhook_id, revision))


def router() -> Router:
    """All calls of this noun."""
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
