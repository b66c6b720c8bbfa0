"""Webhooks, their revisions, states, signing secrets and links."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
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
