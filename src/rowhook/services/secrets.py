"""Secrets of templates, whose values are write-only."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from rowhook.db import access_queries, webhook_queries
from rowhook.db.statements import StillReferenced
from rowhook.render.configuration import Fault
from rowhook.services import paging
from rowhook.services.context import Conflict, KeyringContext, NotFound, Rejected, ServiceContext

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_HOST = re.compile(r"[a-z0-9.-]{1,253}|\[[0-9a-f:.]+\]")
_MAX_BYTES = 16_384
_MAX_HOSTS = 100
_MAX_TRIES = 5


class Secret(Struct, frozen=True, kw_only=True):
    """A secret without its value."""

    id: str
    organization_id: str
    version: int
    allowed_hosts: list[str] | None
    created_at: datetime
    updated_at: datetime
    used_by: list[UUID]


class Secrets(Struct, frozen=True):
    """A page of secrets, by id."""

    items: list[Secret]
    next_cursor: str | None


async def put_secret(
    ctx: KeyringContext,
    organization: UUID,
    secret_id: str,
    secret: str,
    allowed_hosts: list[str] | None = None,
) -> int:
    """Creates or replaces a secret and returns its version. Held deliveries are retried.

    Raises NotFound, and Rejected with all faults.
    """
    _check(secret_id, secret, allowed_hosts)
    if await access_queries.first_missing(ctx.pool, organization=organization):
        raise NotFound(f"Organization {organization} does not exist.")
    while True:
        version = await webhook_queries.secret_version(ctx.pool, organization, secret_id) + 1
        sealed = ctx.keyring.seal(
            secret, organization_id=organization, name=secret_id, version=version
        )
        if await webhook_queries.put_secret(
            ctx.pool, organization, secret_id, version, sealed, allowed_hosts
        ):
            return version


def _check(secret_id: str, secret: str, hosts: list[str] | None) -> None:
    faults: list[Fault] = []
    if _ID.fullmatch(secret_id) is None:
        faults.append(_id_fault())
    if not secret or len(secret.encode()) > _MAX_BYTES:
        faults.append(Fault(pointer="/value", message=f"Use 1 to {_MAX_BYTES} bytes."))
    if len(hosts or ()) > _MAX_HOSTS:
        faults.append(Fault(pointer="/allowed_hosts", message=f"Use at most {_MAX_HOSTS} hosts."))
    faults += [
        Fault(
            pointer=f"/allowed_hosts/{index}",
            message="Use a lower-case host without scheme, port or path, e.g. api.example.com.",
        )
        for index, host in enumerate(hosts or ())
        if _HOST.fullmatch(host) is None
    ]
    if faults:
        raise Rejected(*faults)


def _id_fault() -> Fault:
    return Fault(pointer="/secret_id", message="Use 1 to 128 of the characters A-Za-z0-9._-.")


async def delete_secret(ctx: ServiceContext, organization: UUID, secret_id: str) -> None:
    """Deletes a secret. Raises Rejected, NotFound, and Conflict with the webhooks that use it.

    The foreign key decides. If its webhooks changed in the meantime, the delete is repeated.
    """
    if _ID.fullmatch(secret_id) is None:
        raise Rejected(_id_fault())
    for _ in range(_MAX_TRIES):
        try:
            if not await webhook_queries.delete_secret(ctx.pool, organization, secret_id):
                raise NotFound(f"Secret {secret_id} does not exist.")
        except StillReferenced as error:
            users = await webhook_queries.secret_users(ctx.pool, organization, secret_id)
            if users:
                raise _in_use(users) from error
        else:
            return
    raise Conflict(f"The webhooks of secret {secret_id} keep changing. Try again.")


def _in_use(users: list[tuple[str, str]]) -> Conflict:
    errors = [
        {"pointer": "", "message": f"Webhook {name} ({user}) uses it.", "id": user, "name": name}
        for user, name in users
    ]
    count = f"{len(users)} webhooks use" if len(users) > 1 else "1 webhook uses"
    return Conflict(f"{count} this secret. Change its webhooks first.", errors)


async def secret_hosts(
    ctx: ServiceContext, organization: UUID, secret_id: str
) -> tuple[bool, list[str] | None]:
    """Returns whether a secret exists, and the hosts that it is limited to, if any."""
    hosts = await webhook_queries.secret_hosts(ctx.pool, organization, [secret_id])
    return secret_id in hosts, hosts.get(secret_id)


async def list_secrets(
    ctx: ServiceContext, organization: UUID, *, cursor: str | None = None, limit: int = 50
) -> Secrets:
    """Lists the secrets of an organization by id, without their values."""
    after = paging.decode_cursor(cursor, tuple[str])
    rows = await webhook_queries.secret_page(
        ctx.pool, organization, after[0] if after else None, limit + 1
    )
    return Secrets(*paging.page(rows, Secret, limit, "id"))
