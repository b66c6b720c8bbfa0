"""API keys: `/v1/api-keys`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from litestar import Router
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Struct, UnsetType

from rowhook import operations
from rowhook.api.admission import organization_filter
from rowhook.api.examples import keys as examples
from rowhook.api.parameters import (
    CallerDependency,
    ContextDependency,
    Cursor,
    Limit,
    OrganizationId,
)
from rowhook.api.route import create_route, delete_route, get_route
from rowhook.compose import Fault
from rowhook.operations import Caller, KeyringContext, Rejected
from rowhook.operations.documents import ApiKeys, NewApiKey, Scope


class KeyDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An API key to create. An operator key that omits `organization_id` creates an operator key.

    `organization_id` is the id as the platform writes it, or Rowhook's uuid.
    """

    name: str
    scopes: list[Scope]
    expires_at: datetime | None = None
    organization_id: str | UnsetType | None = UNSET


async def _holder(
    ctx: KeyringContext, caller: Caller, organization: str | UnsetType | None
) -> UUID | None:
    """The organization of the new key; None for an operator key. Raises Rejected and NotFound."""
    if organization is None and caller.organization is not None:
        message = "Only an operator key can create an operator key. Omit organization_id."
        raise Rejected(Fault(pointer="/organization_id", message=message))
    return await organization_filter(ctx, caller, None if organization is UNSET else organization)


@create_route(
    "/",
    scope="admin",
    body=KeyDraft,
    request_example=examples.KEY_DRAFT,
    response_example=examples.NEW_KEY,
)
async def create_key(
    data: JSONBody[KeyDraft], ctx: ContextDependency, caller: CallerDependency
) -> NewApiKey:
    """Create a key, shown only in this response. Its scopes cannot exceed those of the caller."""
    holder = await _holder(ctx, caller, data.organization_id)
    return await operations.grant_key(ctx, caller, holder, data.name, data.scopes, data.expires_at)


@get_route("/", scope="admin", response_example=examples.KEYS)
async def list_keys(
    ctx: ContextDependency,
    caller: CallerDependency,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ApiKeys:
    """List keys ordered by id, without the keys themselves."""
    organization = await organization_filter(ctx, caller, organization_id)
    return await operations.list_keys(ctx, organization, cursor=cursor, limit=limit)


@delete_route("/{key_id:uuid}", scope="admin")
async def delete_key(key_id: FromPath[UUID], ctx: ContextDependency) -> None:
    """Delete a key. It is refused from now on."""
    await operations.delete_key(ctx, key_id)


def router() -> Router:
    """The router of this resource."""
    return Router(
        path="/api-keys", tags=["API keys"], route_handlers=[create_key, list_keys, delete_key]
    )
