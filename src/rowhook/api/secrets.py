"""Secrets: `/v1/secrets`. Written, never read."""

from __future__ import annotations

from typing import Annotated

from litestar import Router
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Struct

from rowhook import operations
from rowhook.api.admission import owner
from rowhook.api.examples import secrets as examples
from rowhook.api.parameters import Cursor, Limit, TheCaller, TheOffice
from rowhook.api.route import puts, reads, removes
from rowhook.operations.documents import Secrets

Whose = Annotated[
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
        """No value: what is printed may be logged."""
        return f"SecretDraft(allowed_hosts={self.allowed_hosts!r})"


@puts("/{secret_id:str}", scope="secrets", body=SecretDraft, sends=examples.SECRET_DRAFT)
async def put_secret(
    secret_id: FromPath[str],
    data: JSONBody[SecretDraft],
    office: TheOffice,
    caller: TheCaller,
    organization_id: Whose = None,
) -> None:
    """Create or replace a secret. Held deliveries that use it are retried at once."""
    organization = await owner(office, caller, organization_id)
    await operations.put_secret(office, organization, secret_id, data.value, data.allowed_hosts)


@reads("/", refuses=(422,), gets=examples.SECRETS)
async def list_secrets(
    office: TheOffice,
    caller: TheCaller,
    organization_id: Whose = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Secrets:
    """List an organization's secrets ordered by id, without their values."""
    organization = await owner(office, caller, organization_id)
    return await operations.list_secrets(office, organization, cursor=cursor, limit=limit)


@removes("/{secret_id:str}", scope="secrets", refuses=(409, 422))
async def delete_secret(
    secret_id: FromPath[str], office: TheOffice, caller: TheCaller, organization_id: Whose = None
) -> None:
    """Delete a secret. 409 while webhooks use it; `errors` names them."""
    await operations.delete_secret(office, await owner(office, caller, organization_id), secret_id)


def router() -> Router:
    """All calls of this noun."""
    return Router(
        path="/secrets",
        tags=["Secrets"],
        route_handlers=[put_secret, list_secrets, delete_secret],
    )
