"""`/v1/api-keys`, `/v1/audit`, `/v1/secrets` and `/v1/portal-links`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Router
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Struct, UnsetType

from rowhook.api.auth import organization_filter, organization_of_new
from rowhook.api.parameters import (
    CallerDependency,
    ContextDependency,
    Cursor,
    Limit,
    OrganizationId,
)
from rowhook.api.routing import EXAMPLES, create_route, delete_route, get_route, put_route
from rowhook.render.configuration import Fault
from rowhook.services import access, portal, secrets
from rowhook.services.access import ApiKeys, Audit, Caller, NewApiKey, Scope
from rowhook.services.context import KeyringContext, Rejected
from rowhook.services.json_reader import ReadResult
from rowhook.services.portal import PortalLink, PortalLinkDraft
from rowhook.services.secrets import Secrets

SecretOrganizationId = Annotated[
    str | None,
    QueryParameter(
        max_length=1000,
        description="The organization of the secret; required with an operator key. Its id as the"
        " platform writes it, or Rowhook's uuid.",
    ),
]


class KeyDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An API key to create. An operator key that omits `organization_id` creates an operator key.

    `organization_id` is the id as the platform writes it, or Rowhook's uuid.
    """

    name: str
    scopes: list[Scope]
    expires_at: datetime | None = None
    organization_id: str | UnsetType | None = UNSET


async def _organization_of_key(
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
    request_example=EXAMPLES["key_draft"],
    response_example=EXAMPLES["new_key"],
)
async def create_key(
    data: JSONBody[KeyDraft], ctx: ContextDependency, caller: CallerDependency
) -> NewApiKey:
    """Create a key, shown only in this response. Its scopes cannot exceed those of the caller."""
    holder = await _organization_of_key(ctx, caller, data.organization_id)
    return await access.grant_key(ctx, caller, holder, data.name, data.scopes, data.expires_at)


@get_route("/", scope="admin", response_example=EXAMPLES["keys"])
async def list_keys(
    ctx: ContextDependency,
    caller: CallerDependency,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ApiKeys:
    """List keys ordered by id, without the keys themselves."""
    organization = await organization_filter(ctx, caller, organization_id)
    return await access.list_keys(ctx, organization, cursor=cursor, limit=limit)


@delete_route("/{key_id:uuid}", scope="admin")
async def delete_key(key_id: FromPath[UUID], ctx: ContextDependency) -> None:
    """Delete a key. It is refused from now on."""
    await access.delete_key(ctx, key_id)


def key_router() -> Router:
    """The router of this resource."""
    return Router(
        path="/api-keys", tags=["API keys"], route_handlers=[create_key, list_keys, delete_key]
    )


@get_route("/", scope="admin", response_example=EXAMPLES["audit"])
async def list_audit(
    ctx: ContextDependency,
    caller: CallerDependency,
    actor: Annotated[
        str | None,
        QueryParameter(
            max_length=1000, description="Who made the change, e.g. `key:ci` or `cli:ann`."
        ),
    ] = None,
    action: Annotated[
        str | None,
        QueryParameter(max_length=1000, description="The kind of change, e.g. `webhook.changed`."),
    ] = None,
    subject: Annotated[
        str | None,
        QueryParameter(max_length=1000, description="The changed object, e.g. a webhook id."),
    ] = None,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Audit:
    """List changes with their state before and after, newest first. Secrets are never recorded."""
    organization = await organization_filter(ctx, caller, organization_id)
    return await access.list_audit(
        ctx,
        organization,
        actor=actor,
        action=action,
        subject=subject,
        cursor=cursor,
        limit=limit,
    )


def audit_router() -> Router:
    """The router of this resource."""
    return Router(path="/audit", tags=["Audit"], route_handlers=[list_audit])


class SecretDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A secret to store. It is sent only to `allowed_hosts`; null means any host."""

    value: str
    allowed_hosts: list[str] | None = None

    def __repr__(self) -> str:
        """Omits the value, because a repr may be logged."""
        return f"SecretDraft(allowed_hosts={self.allowed_hosts!r})"


@put_route(
    "/{secret_id:str}", scope="secrets", body=SecretDraft, request_example=EXAMPLES["secret_draft"]
)
async def put_secret(
    secret_id: FromPath[str],
    data: JSONBody[SecretDraft],
    ctx: ContextDependency,
    caller: CallerDependency,
    organization_id: SecretOrganizationId = None,
) -> None:
    """Create or replace a secret. Held deliveries that use it are retried at once."""
    organization = await organization_of_new(ctx, caller, organization_id)
    await secrets.put_secret(ctx, organization, secret_id, data.value, data.allowed_hosts)


@get_route("/", errors=(422,), response_example=EXAMPLES["secrets"])
async def list_secrets(
    ctx: ContextDependency,
    caller: CallerDependency,
    organization_id: SecretOrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Secrets:
    """List an organization's secrets ordered by id, without their values."""
    organization = await organization_of_new(ctx, caller, organization_id)
    return await secrets.list_secrets(ctx, organization, cursor=cursor, limit=limit)


@delete_route("/{secret_id:str}", scope="secrets", errors=(409, 422))
async def delete_secret(
    secret_id: FromPath[str],
    ctx: ContextDependency,
    caller: CallerDependency,
    organization_id: SecretOrganizationId = None,
) -> None:
    """Delete a secret. 409 while webhooks use it; `errors` names them."""
    await secrets.delete_secret(
        ctx, await organization_of_new(ctx, caller, organization_id), secret_id
    )


def secret_router() -> Router:
    """The router of this resource."""
    return Router(
        path="/secrets",
        tags=["Secrets"],
        route_handlers=[put_secret, list_secrets, delete_secret],
    )


def _site_url(request: Request[Any, Any, Any]) -> str:
    """Returns the address of the root page, with the prefix of one of several databases."""
    return f"{str(request.base_url).rstrip('/')}{request.scope.get('rowhook_prefix', '')}/"


@create_route(
    "/",
    scope="write",
    body=ReadResult[PortalLinkDraft],
    request_example=EXAMPLES["portal_link_draft"],
    response_example=EXAMPLES["portal_link"],
)
async def create_portal_link(
    data: JSONBody[ReadResult[PortalLinkDraft]],
    request: Request[Any, Any, Any],
    ctx: ContextDependency,
    caller: CallerDependency,
) -> PortalLink:
    """Create a link that signs a customer in once to the dashboard of one organization.

    The session ends after twelve hours, or when the key of this request is deleted or expires.
    """
    draft, faults = data
    organization = await organization_of_new(ctx, caller, draft.organization_id, faults)
    return await portal.create_link(
        ctx, caller, organization, draft, faults, base_url=_site_url(request)
    )


def portal_router() -> Router:
    """The router of this resource."""
    return Router(path="/portal-links", tags=["Portal"], route_handlers=[create_portal_link])
