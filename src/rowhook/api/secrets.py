"""Secrets: `/v1/secrets`. Values are write-only."""

from __future__ import annotations

from typing import Annotated

from litestar import Router
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Struct

from rowhook import operations
from rowhook.api.admission import organization_of_new
from rowhook.api.examples import secrets as examples
from rowhook.api.parameters import CallerDependency, ContextDependency, Cursor, Limit
from rowhook.api.route import delete_route, get_route, put_route
from rowhook.operations.documents import Secrets

SecretOrganizationId = Annotated[
    str | None,
    QueryParameter(
        max_length=1000,
        description="The organization of the secret; required with an operator key. Its id as the"
        " platform writes it, or Rowhook's uuid.",
    ),
]


class SecretDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A secret to store. It is sent only to `allowed_hosts`; null means any host."""

    value: str
    allowed_hosts: list[str] | None = None

    def __repr__(self) -> str:
        """Omit the value, because a repr may be logged."""
        return f"SecretDraft(allowed_hosts={self.allowed_hosts!r})"


@put_route(
    "/{secret_id:str}", scope="secrets", body=SecretDraft, request_example=examples.SECRET_DRAFT
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
    await operations.put_secret(ctx, organization, secret_id, data.value, data.allowed_hosts)


@get_route("/", errors=(422,), response_example=examples.SECRETS)
async def list_secrets(
    ctx: ContextDependency,
    caller: CallerDependency,
    organization_id: SecretOrganizationId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Secrets:
    """List an organization's secrets ordered by id, without their values."""
    organization = await organization_of_new(ctx, caller, organization_id)
    return await operations.list_secrets(ctx, organization, cursor=cursor, limit=limit)


@delete_route("/{secret_id:str}", scope="secrets", errors=(409, 422))
async def delete_secret(
    secret_id: FromPath[str],
    ctx: ContextDependency,
    caller: CallerDependency,
    organization_id: SecretOrganizationId = None,
) -> None:
    """Delete a secret. 409 while webhooks use it; `errors` names them."""
    await operations.delete_secret(
        ctx, await organization_of_new(ctx, caller, organization_id), secret_id
    )


def router() -> Router:
    """The router of this resource."""
    return Router(
        path="/secrets",
        tags=["Secrets"],
        route_handlers=[put_secret, list_secrets, delete_secret],
    )
