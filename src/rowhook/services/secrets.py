"""Secrets of templates, whose values are write-only, and the re-encryption of all sealed values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from uuid import UUID

import msgspec
from msgspec import Struct

from rowhook.db import access_queries, webhook_queries
from rowhook.db.statements import StillReferenced
from rowhook.db.webhook_queries import Kind, SealedRow
from rowhook.render.configuration import Fault
from rowhook.security.vault import KEYRING, NO_ORGANIZATION, DecryptionFailed
from rowhook.services import paging
from rowhook.services.access import Secret, Secrets
from rowhook.services.context import Conflict, KeyringContext, NotFound, Rejected, ServiceContext
from rowhook.services.webhook_cache import signing_name

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_HOST = re.compile(r"[a-z0-9.-]{1,253}|\[[0-9a-f:.]+\]")
_MAX_BYTES = 16_384
_MAX_HOSTS = 100
_MAX_TRIES = 5
_BATCH = 100
_ROUNDS = 5
# The check value comes last: until then, no process can start without the old key.
_KINDS: tuple[Kind, ...] = ("secret", "signing", "answer", "keyring")
Report = Callable[[int, int], None]


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
    items, last = paging.cut(paging.read(rows, Secret), limit)
    return Secrets(items, None if last is None else paging.cursor(last.id))


class Rekeyed(Struct, frozen=True, kw_only=True):
    """The number of values re-encrypted with `key`.

    `left` is the number of values with other keys, `closed` describes those that no key decrypts.
    """

    key: str
    secrets: int
    signing_secrets: int
    answers: int
    keyring: int
    left: int
    closed: list[str]

    @property
    def resealed(self) -> int:
        """The total number of re-encrypted values."""
        return self.secrets + self.signing_secrets + self.answers + self.keyring


async def rekey(ctx: KeyringContext, report: Report) -> Rekeyed:
    """Re-encrypts everything; calls `report` with the progress and the total after each batch.

    Repeats up to five times while other processes encrypt values with an older key.
    """
    newest = ctx.keyring.newest_prefix
    left = await _count_remaining(ctx)
    run = _Run(ctx, report, total=left)
    if left:
        count = msgspec.json.encode({"left": left}).decode()
        await webhook_queries.write_audit(
            ctx.pool, "keyring.rekey_began", ctx.keyring.newest_id, count
        )
    for _ in range(_ROUNDS):
        run.closed.clear()
        for kind in _KINDS:
            await run.reseal(kind, newest)
        left = await _count_remaining(ctx)
        if left <= len(run.closed):
            break
    result = run.result(left)
    if result.resealed:
        after = msgspec.json.encode(result).decode()
        await webhook_queries.write_audit(ctx.pool, "keyring.rekeyed", result.key, after)
    return result


async def _count_remaining(ctx: KeyringContext) -> int:
    counts = await webhook_queries.count_older_seals(ctx.pool, ctx.keyring.newest_prefix)
    return sum(counts.values())


class _Run:
    def __init__(self, ctx: KeyringContext, report: Report, *, total: int) -> None:
        self._ctx = ctx
        self._report = report
        self._total = total
        self._done: Counter[Kind] = Counter()
        self.closed: list[str] = []

    async def reseal(self, kind: Kind, newest: bytes) -> None:
        """Re-encrypts all values of a kind once."""
        page = await webhook_queries.sealed_page(self._ctx.pool, kind, newest, None, _BATCH)
        while page:
            resealed = [(row, sealed) for row in page if (sealed := self._reencrypt(kind, row))]
            rows = [row for row, _ in resealed]
            new = [sealed for _, sealed in resealed]
            self._done[kind] += await webhook_queries.reseal(self._ctx.pool, kind, rows, new)
            total = self._done.total()
            self._report(total, max(total, self._total))
            page = await webhook_queries.sealed_page(self._ctx.pool, kind, newest, page[-1], _BATCH)

    def _reencrypt(self, kind: Kind, row: SealedRow) -> bytes | None:
        ring = self._ctx.keyring
        organization, name = row.organization_id or NO_ORGANIZATION, _name(kind, row)
        try:
            value = ring.open(
                row.sealed, organization_id=organization, name=name, version=row.version
            )
        except DecryptionFailed as error:
            self.closed.append(f"{_describe(kind, row)}: {error}")
            return None
        return ring.seal(value, organization_id=organization, name=name, version=row.version)

    def result(self, left: int) -> Rekeyed:
        """Returns the counts of all rounds."""
        counts = self._done
        return Rekeyed(
            key=self._ctx.keyring.newest_id,
            secrets=counts["secret"],
            signing_secrets=counts["signing"],
            answers=counts["answer"],
            keyring=counts["keyring"],
            left=left,
            closed=self.closed,
        )


def _name(kind: Kind, row: SealedRow) -> str:
    match kind:
        case "secret":
            return row.second
        case "signing":
            return signing_name(UUID(row.first))
        case "answer":
            return response_name(row.first, row.second, row.fingerprint or b"")
        case "keyring":
            return KEYRING


def _describe(kind: Kind, row: SealedRow) -> str:
    match kind:
        case "secret":
            return f"secret {row.second} of organization {row.first} (save it again)"
        case "signing":
            return f"signing secret {row.second} of webhook {row.first} (rotate it)"
        case "answer":
            return f"stored response for Idempotency-Key {row.second} (removed within 24 hours)"
        case "keyring":
            return "keyring check"


def response_name(caller: str, key: str, fingerprint: bytes) -> str:
    """Returns the name that a stored response is sealed with."""
    # All parts but the last have a fixed width, so that names are unambiguous.
    return f"answer:{fingerprint.hex()}:{caller}:{key}"
