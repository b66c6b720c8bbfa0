"""The functions of a webhook: its configuration, revisions, state, signing secrets, the keyring."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from rowhook.postgres.connection import (
    ConnectionSource,
    StatementError,
    documents,
    records,
    rows,
    value,
)

_REVISION_MOVED = "RH002"


class RevisionConflict(RuntimeError):
    """Another change came first; the message names both revisions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecret:
    """A signing secret, or a secret that a webhook names, as the database keeps it."""

    signing: bool
    id: str | None
    version: int
    sealed: bytes
    allowed_hosts: list[str] | None
    expires_at: datetime | None


async def revision_of(
    pool: ConnectionSource, webhook: UUID, revision: int
) -> tuple[UUID, str] | None:
    """(organization, configuration as JSON text) of one revision."""
    found = await rows(
        pool,
        "select organization_id, configuration from rowhook.revision_of(%s, %s)",
        webhook,
        revision,
    )
    return (found[0][0], found[0][1]) if found else None


async def secrets_of(pool: ConnectionSource, webhook: UUID) -> list[SealedSecret]:
    """The live signing secrets, newest first, then the secrets that the webhook names."""
    found = await records(pool, "select * from rowhook.secrets_of(%s)", webhook)
    return [SealedSecret(**row) for row in found]


async def keyring_check(pool: ConnectionSource, offered: bytes) -> bytes:
    """The sealed word of this database; the offered one where there was none."""
    return bytes(await value(pool, "select rowhook.keyring_check(%s)", offered))


async def create_webhook(
    pool: ConnectionSource,
    document: str,
    organization: UUID,
    webhook: UUID,
    secret_ids: list[str],
    signing_secret: bytes,
) -> int:
    """Keeps a validated webhook; its first revision."""
    return int(
        await value(
            pool,
            "select rowhook.create_webhook(%s::json, %s, %s, %s, %s)",
            document,
            organization,
            webhook,
            secret_ids,
            signing_secret,
        )
    )


async def change_webhook(
    pool: ConnectionSource,
    document: str,
    organization: UUID,
    webhook: UUID,
    secret_ids: list[str],
    expected_revision: int,
) -> int | None:
    """Replaces a validated configuration; its revision, None if there is no such webhook.

    Raises RevisionConflict if it is not at the expected revision.
    """
    try:
        saved: int | None = await value(
            pool,
            "select rowhook.change_webhook(%s::json, %s, %s, %s, %s)",
            document,
            organization,
            webhook,
            secret_ids,
            expected_revision,
        )
    except StatementError as error:
        if error.sqlstate == _REVISION_MOVED:
            raise RevisionConflict(error.diag.message_primary) from error
        raise
    return saved


async def delete_webhook(pool: ConnectionSource, webhook: UUID) -> bool:
    """False if there was none. Raises StillReferenced while it is linked."""
    return bool(await value(pool, "select rowhook.delete_webhook(%s)", webhook))


async def set_state(pool: ConnectionSource, webhook: UUID, state: str) -> bool:
    """Pauses or makes active; whether anything changed."""
    return bool(await value(pool, "select rowhook.set_state(%s, %s)", webhook, state))


async def revision_page(
    pool: ConnectionSource, webhook: UUID, before: int | None, most: int
) -> list[str]:
    """The versions of a webhook, newest first."""
    return await documents(
        pool,
        "select one::text from rowhook.revision_page(%s, %s, %s) as one",
        webhook,
        before,
        most,
    )


async def rotate_signing_secret(
    pool: ConnectionSource,
    organization: UUID,
    webhook: UUID,
    version: int,
    sealed: bytes,
    overlap: timedelta,
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
        )
    )
