"""API keys: `/v1/api-keys`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from litestar import Router
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Struct, UnsetType

from rowhook import operations
from rowhook.api.admission import among
from rowhook.api.examples import keys as examples
from rowhook.api.parameters import ContextDependency, Cursor, Limit, OrganizationId, TheCaller
from rowhook.api.route import creates, reads, removes
from rowhook.compose import Fault
from rowhook.operations import Caller, KeyringContext, Rejected
from rowhook.operations.documents import ApiKeys, NewApiKey, Scope


class KeyDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to make. With an operator key: no `organization_id` makes an operator key.

    That is the organization's id as the platform writes it, or Rowhook's uuid.
    """

    name: str
    scopes: list[Scope]
    expires_at: datetime | None = None
    organization_id: str | UnsetType | None = UNSET


async def _holder(
    ctx: KeyringContext, caller: Caller, organization: str | UnsetType | None
) -> UUID | None:
    """Whose key it will be; None: an operator's. Raises Rejected, NotFound."""
    if organization is None and caller.organization is not None:
        message = "only an operator key makes an operator key: leave it out, for a key of yours"
        raise Rejected(Fault(pointer="/organization_id", message=message))
    return await among(ctx, caller, None if organization is UNSET else organization)


@creates("/", scope="admin", body=KeyDraft, sends=examples.KEY_DRAFT, gets=examples.NEW_KEY)
async def create_key(
    data: JSONBody[KeyDraft], ctx: ContextDependency, caller: TheCaller
) -> NewApiKey:
    """A new key, shown in this answer only. It may do no more than the key that makes it."""
    holder = await _holder(ctx, caller, data.organization_id)
    return await operations.grant_key(ctx, caller, holder, data.name, data.scopes, data.expires_at)


@reads("/", scope="admin", gets=examples.KEYS)
async def list_keys(
    ctx: ContextDependency,
    caller: TheCaller,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ApiKeys:
    """What may be known of keys, by id; never the keys."""
    organization = await among(ctx, caller, organization_id)
    return await operations.list_keys(ctx, organization, cursor=cursor, limit=limit)


@removes("/{key_id:uuid}", scope="admin")
async def delete_key(key_id: FromPath[UUID], ctx: ContextDependency) -> None:
    """It admits nobody from now on."""
    await operations.delete_key(ctx, key_id)


def router() -> Router:
    """All calls of this noun."""
    return Router(
        path="/api-keys", tags=["API keys"], route_handlers=[create_key, list_keys, delete_key]
    )
