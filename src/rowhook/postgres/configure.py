"""The functions of a configuration: webhooks, revisions, links, secrets, the keyring."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from rowhook.postgres.connection import Pool, records, rows, value


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecret:
    """A signing secret, or a secret that a webhook names, as the database keeps it."""

    signing: bool
    id: str | None
    version: int
    sealed: bytes
    allowed_hosts: list[str] | None
    expires_at: datetime | None


async def revision_of(pool: Pool, webhook: UUID, revision: int) -> tuple[UUID, str] | None:
    """(organization, configuration as JSON text) of one revision."""
    found = await rows(
        pool,
        "select organization_id, configuration from rowhook.revision_of(%s, %s)",
        webhook,
        revision,
    )
    return (found[0][0], found[0][1]) if found else None


async def secrets_of(pool: Pool, webhook: UUID) -> list[SealedSecret]:
    """The live signing secrets, newest first, then the secrets that the webhook names."""
    found = await records(pool, "select * from rowhook.secrets_of(%s)", webhook)
    return [SealedSecret(**row) for row in found]


async def keyring_check(pool: Pool, offered: bytes) -> bytes:
    """The sealed word of this database; the offered one where there was none."""
    return bytes(await value(pool, "select rowhook.keyring_check(%s)", offered))


async def save_webhook(
    pool: Pool, document: str, organization: UUID, webhook: UUID, secret_ids: list[str],
    signing_secret: bytes | None,
) -> int | None:  # fmt: skip
    """Creates or replaces a validated webhook; its revision, None if another organization's."""
    saved: int | None = await value(
        pool, "select rowhook.save_webhook(%s::json, %s, %s, %s, %s)",
        document, organization, webhook, secret_ids, signing_secret,
    )  # fmt: skip
    return saved


async def rotate_signing_secret(
    pool: Pool, organization: UUID, webhook: UUID, version: int, sealed: bytes, overlap: timedelta
) -> bool:
    """False if another rotation came first."""
    return bool(
        await value(
            pool,
            "select rowhook.rotate_signing_secret(%s, %s, %s, %s, %s)",
            organization,
            webhook,
            version,
            sealed,
            overlap,
        )  # fmt: skip
    )


async def secret_version(pool: Pool, organization: UUID, secret_id: str) -> int:
    """The present version of a secret, 0 where there is none."""
    return int(await value(pool, "select rowhook.secret_version(%s, %s)", organization, secret_id))


async def secret_hosts(
    pool: Pool, organization: UUID, secret_ids: list[str]
) -> dict[str, list[str] | None]:
    """Allowed hosts of those secrets that exist."""
    query: LiteralString = "select id, allowed_hosts from rowhook.secret_hosts(%s, %s)"
    return dict(await rows(pool, query, organization, secret_ids))


async def put_secret(
    pool: Pool, organization: UUID, secret_id: str, version: int, sealed: bytes,
    hosts: list[str] | None,
) -> bool:  # fmt: skip
    """False if another change came first."""
    return bool(
        await value(
            pool,
            "select rowhook.put_secret(%s, %s, %s, %s, %s)",
            organization,
            secret_id,
            version,
            sealed,
            hosts,
        )  # fmt: skip
    )


async def link_agent(pool: Pool, webhook: UUID, agent: UUID) -> bool:
    """False if the two are not of one organization."""
    return bool(await value(pool, "select rowhook.link_agent(%s, %s)", webhook, agent))


async def link_goal(pool: Pool, webhook: UUID, goal: str) -> bool:
    """False if the two are not of one organization."""
    return bool(await value(pool, "select rowhook.link_goal(%s, %s)", webhook, goal))
