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
from rowhook.api.parameters import Cursor, Limit, OrganizationId, TheCaller, TheOffice
from rowhook.api.route import creates, reads, removes
from rowhook.compose import Fault
from rowhook.operations import Caller, Office, Rejected
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
    office: Office, caller: Caller, organization: str | UnsetType | None
) -> UUID | None:
    """Whose key it will be; None: an operator's. Raises Rejected, NotFound."""
    if organization is None and caller.organization is not None:
        message = "Only an operator key can create an operator key. Omit organization_id."
        raise Rejected(Fault(pointer="/organization_id", message=message))
    return await among(office, caller, None if organization is UNSET else organization)


@creates("/", scope="admin", body=KeyDraft, sends=examples.KEY_DRAFT, gets=examples.NEW_KEY)
async def create_key(data: JSONBody[KeyDraft], office: TheOffice, caller: TheCaller) -> NewApiKey:
    """Create a key, shown only in this response. Its scopes cannot exceed those of the caller."""
    holder = await _holder(office, caller, data.organization_id)
    return await operations.grant_key(
        office, caller, holder, data.name, data.scopes, data.expires_at
    )


@reads("/", scope="admin", gets=examples.KEYS)
async def list_keys(
    office: TheOffice,
    caller: TheCaller,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ApiKeys:
    """List keys ordered by id, without the keys themselves."""
    organization = await among(office, caller, organization_id)
    return await operations.list_keys(office, organization, cursor=cursor, limit=limit)


@removes("/{key_id:uuid}", scope="admin")
async def delete_key(key_id: FromPath[UUID], office: TheOffice) -> None:
    """Delete a key. It is refused from now on."""
    await operations.delete_key(office, key_id)


def router() -> Router:
    """All calls of this noun."""
    return Router(
        path="/api-keys", tags=["API keys"], route_handlers=[create_key, list_keys, delete_key]
    )
