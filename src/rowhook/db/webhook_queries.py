"""Webhooks: revisions, states, links and sealed secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, LiteralString, NamedTuple
from uuid import UUID

from rowhook.db.statements import ConnectionSource, StatementError, documents, records, rows, value

_REVISION_CONFLICT = "RH002"
_QUOTA_EXCEEDED = "RH009"


class RevisionConflict(RuntimeError):
    """The webhook is at another revision than expected; the message names both."""


class QuotaExceeded(RuntimeError):
    """The organization has reached its quota of webhooks; the message contains the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecret:
    """An encrypted signing secret, or secret that a webhook names."""

    signing: bool
    id: str | None
    version: int
    sealed: bytes
    allowed_hosts: list[str] | None
    expires_at: datetime | None


async def revision_of(
    pool: ConnectionSource, webhook: UUID, revision: int
) -> tuple[UUID, str] | None:
    """Returns (organization, configuration as JSON text) of a revision."""
    result = await rows(
        pool,
        "select organization_id, configuration from rowhook.revision_of(%s, %s)",
        webhook,
        revision,
    )
    return (result[0][0], result[0][1]) if result else None


async def secrets_of(pool: ConnectionSource, webhook: UUID) -> list[SealedSecret]:
    """Returns the live signing secrets, newest first, then the secrets that the webhook names."""
    result = await records(pool, "select * from rowhook.secrets_of(%s)", webhook)
    return [SealedSecret(**row) for row in result]


async def keyring_check(pool: ConnectionSource, offered: bytes) -> bytes:
    """Returns the encrypted check value of this database; stores the offered one if none."""
    return bytes(await value(pool, "select rowhook.keyring_check(%s)", offered))


async def create_webhook(
    pool: ConnectionSource,
    document: str,
    organization: UUID,
    webhook: UUID,
    secret_ids: list[str],
    signing_secret: bytes,
) -> int:
    """Stores a validated webhook and returns its first revision. Raises QuotaExceeded."""
    try:
        revision: int = await value(
            pool,
            "select rowhook.create_webhook(%s::json, %s, %s, %s, %s)",
            document,
            organization,
            webhook,
            secret_ids,
            signing_secret,
        )
    except StatementError as error:
        if error.sqlstate == _QUOTA_EXCEEDED:
            raise QuotaExceeded(
                f"{error.diag.message_primary} {error.diag.message_hint}"
            ) from error
        raise
    return revision


async def change_webhook(
    pool: ConnectionSource,
    document: str,
    organization: UUID,
    webhook: UUID,
    secret_ids: list[str],
    expected_revision: int,
) -> int | None:
    """Replaces the configuration by a validated one; returns its revision, None if not found.

    Raises RevisionConflict if it is not at the expected revision.
    """
    try:
        revision: int | None = await value(
            pool,
            "select rowhook.change_webhook(%s::json, %s, %s, %s, %s)",
            document,
            organization,
            webhook,
            secret_ids,
            expected_revision,
        )
    except StatementError as error:
        if error.sqlstate == _REVISION_CONFLICT:
            raise RevisionConflict(error.diag.message_primary) from error
        raise
    return revision


async def delete_webhook(pool: ConnectionSource, webhook: UUID) -> bool:
    """Deletes a webhook; False if there was none. Raises StillReferenced while it is linked."""
    return bool(await value(pool, "select rowhook.delete_webhook(%s)", webhook))


async def set_state(pool: ConnectionSource, webhook: UUID, state: str) -> bool:
    """Pauses or activates a webhook; returns whether anything changed."""
    return bool(await value(pool, "select rowhook.set_state(%s, %s)", webhook, state))


async def revision_page(
    pool: ConnectionSource, webhook: UUID, before: int | None, limit: int
) -> list[str]:
    """Returns the revisions of a webhook as JSON documents, newest first."""
    return await documents(
        pool,
        "select document::text from rowhook.revision_page(%s, %s, %s) as document",
        webhook,
        before,
        limit,
    )


async def rotate_signing_secret(
    pool: ConnectionSource,
    organization: UUID,
    webhook: UUID,
    version: int,
    sealed: bytes,
    overlap: timedelta,
) -> bool:
    """Adds a signing secret and lets the others expire; False if another rotation came first."""
    return bool(
        await value(
            pool,
            "select rowhook.rotate_signing_secret(%s, %s, %s, %s, %s)",
            organization,
            webhook,
            version,
            sealed,
            overlap,
        )
    )


class LinkRow(NamedTuple):
    """An agent or a goal that a webhook is linked to; `kind` says which."""

    kind: str
    id: str
    name: str
    created_at: datetime


async def link_agent(pool: ConnectionSource, webhook: UUID, agent: UUID) -> bool:
    """Links them; False if they belong to different organizations."""
    return bool(await value(pool, "select rowhook.link_agent(%s, %s)", webhook, agent))


async def link_goal(pool: ConnectionSource, webhook: UUID, goal: str) -> bool:
    """Links them; False if they belong to different organizations."""
    return bool(await value(pool, "select rowhook.link_goal(%s, %s)", webhook, goal))


async def unlink(
    pool: ConnectionSource, webhook: UUID, agent: UUID | None, goal: str | None
) -> bool:
    """Removes the link to the agent or goal; False if there was none."""
    return bool(await value(pool, "select rowhook.unlink(%s, %s, %s)", webhook, agent, goal))


async def link_page(
    pool: ConnectionSource, webhook: UUID, after: int, limit: int
) -> list[tuple[int, LinkRow]]:
    """Returns (position, link) for the links of a webhook after a position, oldest first."""
    result = await rows(
        pool,
        "select place, kind, id, name, created_at from rowhook.link_page(%s, %s, %s)",
        webhook,
        after,
        limit,
    )
    return [(row[0], LinkRow(*row[1:])) for row in result]


async def links_of(pool: ConnectionSource, webhook: UUID) -> list[LinkRow]:
    """Returns the links of a webhook, oldest first."""
    result = await rows(
        pool, "select kind, id, name, created_at from rowhook.links_of(%s)", webhook
    )
    return [LinkRow(*row) for row in result]


async def find_link_targets(
    pool: ConnectionSource, organization: UUID, agents: list[str], goals: list[str]
) -> dict[tuple[str, str], str]:
    """Returns the platform id by (kind, id) of those that exist in the organization."""
    result = await rows(
        pool,
        "select kind, given, id from rowhook.find_link_targets(%s, %s, %s)",
        organization,
        agents,
        goals,
    )
    return {(kind, requested): target for kind, requested, target in result}


Kind = Literal["secret", "signing", "answer", "keyring"]


async def secret_version(pool: ConnectionSource, organization: UUID, secret_id: str) -> int:
    """Returns the current version of a secret; 0 if there is none."""
    return int(await value(pool, "select rowhook.secret_version(%s, %s)", organization, secret_id))


async def secret_hosts(
    pool: ConnectionSource, organization: UUID, secret_ids: list[str]
) -> dict[str, list[str] | None]:
    """Returns the allowed hosts of those secrets that exist."""
    query: LiteralString = "select id, allowed_hosts from rowhook.secret_hosts(%s, %s)"
    return dict(await rows(pool, query, organization, secret_ids))


async def put_secret(
    pool: ConnectionSource,
    organization: UUID,
    secret_id: str,
    version: int,
    sealed: bytes,
    hosts: list[str] | None,
) -> bool:
    """Stores a secret; False if another change came first."""
    return bool(
        await value(
            pool,
            "select rowhook.put_secret(%s, %s, %s, %s, %s)",
            organization,
            secret_id,
            version,
            sealed,
            hosts,
        )
    )


async def delete_secret(pool: ConnectionSource, organization: UUID, secret_id: str) -> bool:
    """Deletes a secret; False if there was none. Raises StillReferenced while it is used."""
    return bool(await value(pool, "select rowhook.delete_secret(%s, %s)", organization, secret_id))


async def secret_users(
    pool: ConnectionSource, organization: UUID, secret_id: str
) -> list[tuple[str, str]]:
    """Returns (id, name) of the webhooks that use a secret."""
    return await rows(
        pool, "select id, name from rowhook.secret_users(%s, %s)", organization, secret_id
    )


async def secret_page(
    pool: ConnectionSource, organization: UUID, after: str | None, limit: int
) -> list[str]:
    """Returns the public properties of secrets as JSON documents, ordered by id."""
    return await documents(
        pool,
        "select document::text from rowhook.secret_page(%s, %s, %s) as document",
        organization,
        after,
        limit,
    )


class SealedRow(NamedTuple):
    """An encrypted value; `first` and `second` are the primary key of its row, as text."""

    first: str
    second: str
    organization_id: UUID | None
    version: int
    fingerprint: bytes | None
    sealed: bytes


async def count_older_seals(pool: ConnectionSource, newest: bytes) -> dict[Kind, int]:
    """Counts, per kind, the values that the newest key did not encrypt."""
    result = await rows(pool, "select kind, remaining from rowhook.count_older_seals(%s)", newest)
    return dict(result)


async def sealed_page(
    pool: ConnectionSource, kind: Kind, newest: bytes, after: SealedRow | None, limit: int
) -> list[SealedRow]:
    """Returns values of a kind to encrypt again, in the order of their primary key."""
    result = await rows(
        pool,
        "select * from rowhook.sealed_page(%s, %s, %s, %s, %s)",
        kind,
        newest,
        after and after.first,
        after and after.second,
        limit,
    )
    return [SealedRow(*row) for row in result]


async def reseal(
    pool: ConnectionSource, kind: Kind, old: Sequence[SealedRow], new: Sequence[bytes]
) -> int:
    """Replaces ciphertexts in rows that did not change since; returns how many."""
    return int(
        await value(
            pool,
            "select rowhook.reseal(%s, %s, %s, %s, %s)",
            kind,
            [row.first for row in old],
            [row.second for row in old],
            [row.sealed for row in old],
            list(new),
        )
    )


async def write_audit(pool: ConnectionSource, action: str, subject: str, after: str) -> None:
    """Writes an audit row of the installation; `after` is JSON text."""
    await rows(
        pool, "select rowhook.write_audit(null, %s, %s, null, %s::json)", action, subject, after
    )
