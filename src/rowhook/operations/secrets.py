"""Secrets: written, never read."""

from __future__ import annotations

import re
from uuid import UUID

from rowhook import postgres
from rowhook.compose import Fault
from rowhook.operations import paging
from rowhook.operations.documents import Secret, Secrets
from rowhook.operations.ctx import Conflict, NotFound, KeyringContext, ServiceContext, Rejected

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_HOST = re.compile(r"[a-z0-9.-]{1,253}|\[[0-9a-f:.]+\]")
_MOST_BYTES = 16_384
_MOST_HOSTS = 100
_PATIENCE = 5


async def put_secret(
    ctx: KeyringContext,
    organization: UUID,
    secret_id: str,
    secret: str,
    allowed_hosts: list[str] | None = None,
) -> int:
    """Creates or replaces a secret; its version. Held rows that use it are tried again.

    Raises Rejected with every fault, NotFound for an organization that does not exist.
    """
    _check(secret_id, secret, allowed_hosts)
    if await postgres.unknown(ctx.pool, organization=organization):
        raise NotFound(f"organization {organization} does not exist")
    while True:
        version = await postgres.secret_version(ctx.pool, organization, secret_id) + 1
        sealed = ctx.keyring.seal(
            secret, organization_id=organization, name=secret_id, version=version
        )
        if await postgres.put_secret(
            ctx.pool, organization, secret_id, version, sealed, allowed_hosts
        ):
            return version


def _check(secret_id: str, secret: str, hosts: list[str] | None) -> None:
    faults: list[Fault] = []
    if _ID.fullmatch(secret_id) is None:
        faults.append(_id_fault())
    if not secret or len(secret.encode()) > _MOST_BYTES:
        faults.append(Fault(pointer="/value", message=f"from 1 byte to {_MOST_BYTES} bytes"))
    if len(hosts or ()) > _MOST_HOSTS:
        faults.append(Fault(pointer="/allowed_hosts", message=f"at most {_MOST_HOSTS}"))
    faults += [
        Fault(
            pointer=f"/allowed_hosts/{place}",
            message="a host name in lower case, without scheme, port or path: api.example.com",
        )
        for place, host in enumerate(hosts or ())
        if _HOST.fullmatch(host) is None
    ]
    if faults:
        raise Rejected(*faults)


def _id_fault() -> Fault:
    return Fault(pointer="/secret_id", message="1 to 128 of the characters A-Za-z0-9._-")


async def delete_secret(ctx: ServiceContext, organization: UUID, secret_id: str) -> None:
    """Deletes a secret. Raises Rejected, NotFound, and Conflict with the webhooks that use it.

    The foreign key decides: what was changed between its refusal and our look is tried again.
    """
    if _ID.fullmatch(secret_id) is None:
        raise Rejected(_id_fault())
    for _ in range(_PATIENCE):
        try:
            if not await postgres.delete_secret(ctx.pool, organization, secret_id):
                raise NotFound(f"secret {secret_id} does not exist")
        except postgres.StillReferenced as error:
            users = await postgres.secret_users(ctx.pool, organization, secret_id)
            if users:
                raise _in_use(users) from error
        else:
            return
    raise Conflict(f"secret {secret_id} is being put in use and out of use: try again")


def _in_use(users: list[tuple[str, str]]) -> Conflict:
    errors = [
        {"pointer": "", "message": f"webhook {name} ({one}) uses it", "id": one, "name": name}
        for one, name in users
    ]
    count = f"{len(users)} webhooks use" if len(users) > 1 else "1 webhook uses"
    return Conflict(f"{count} this secret: change them first", errors)


async def secret_hosts(
    ctx: ServiceContext, organization: UUID, secret_id: str
) -> tuple[bool, list[str] | None]:
    """Whether there is one of this id, and where alone it may be sent; None: anywhere."""
    found = await postgres.secret_hosts(ctx.pool, organization, [secret_id])
    return secret_id in found, found.get(secret_id)


async def list_secrets(
    ctx: ServiceContext, organization: UUID, *, cursor: str | None = None, limit: int = 50
) -> Secrets:
    """What may be known of an organization's secrets, by id."""
    after = paging.place(cursor, tuple[str])
    found = await postgres.secret_page(
        ctx.pool, organization, after[0] if after else None, limit + 1
    )
    items, last = paging.cut(paging.read(found, Secret), limit)
    return Secrets(items, None if last is None else paging.cursor(last.id))
