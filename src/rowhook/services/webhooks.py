"""Creates, lists, reads, changes, restores, deletes, pauses and resumes webhooks."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import msgspec

from rowhook.db import access_queries, list_queries, webhook_queries
from rowhook.db.statements import AlreadyExists, StillReferenced
from rowhook.db.webhook_queries import QuotaExceeded, RevisionConflict
from rowhook.render.configuration import (
    Configuration,
    Fault,
    header_pointer,
    header_warnings,
    read_configuration,
)
from rowhook.security.sign import new_signing_secret
from rowhook.security.vault import signing_name
from rowhook.services import paging
from rowhook.services.context import Conflict, KeyringContext, NotFound, Rejected, ServiceContext
from rowhook.services.links import still_linked
from rowhook.services.lookups import Id, find_agent, webhook_owner
from rowhook.services.webhook_documents import (
    NewSigningSecret,
    Revision,
    Revisions,
    SaveWarning,
    State,
    Webhook,
    WebhookPatch,
    Webhooks,
    configuration_of,
    merged,
)

if TYPE_CHECKING:
    from rowhook.services.webhook_checks import Checked

# The checks are imported where they are made: they load jinja2 and jsonschema, which take more
# CPU time than all else of a command that only reads.
_MAX_TRIES = 5
_MAX_REVISION = 2**31 - 1
_Revision = Annotated[int, msgspec.Meta(ge=0, le=_MAX_REVISION)]


async def create_webhook(
    ctx: KeyringContext,
    organization: UUID,
    configuration: Configuration,
    faults: tuple[Fault, ...] = (),
) -> Webhook:
    """Creates a webhook. Raises NotFound, and Rejected with all faults, including `faults`.

    Raises Conflict if the organization's quota of webhooks is used up.
    """
    if await access_queries.first_missing(ctx.pool, organization=organization):
        raise NotFound(f"Organization {organization} does not exist.")
    webhook = uuid4()
    from rowhook.services.webhook_checks import check_for_save  # noqa: PLC0415  # see above

    checked = await check_for_save(ctx, organization, configuration, faults)
    secret = new_signing_secret(secrets.token_bytes(32))
    sealed = ctx.keyring.seal(
        secret, organization_id=organization, name=signing_name(webhook), version=1
    )
    try:
        await webhook_queries.create_webhook(
            ctx.pool,
            checked.document,
            organization,
            webhook,
            checked.secrets,
            sealed,
        )
    except StillReferenced as error:
        raise _secret_deleted() from error
    except AlreadyExists as error:
        raise await _external_id_taken(ctx, organization, configuration) from error
    except QuotaExceeded as error:
        raise Conflict(str(error)) from error
    saved = _with_warnings(await webhook_of(ctx, webhook), checked.warnings)
    return msgspec.structs.replace(saved, signing_secret=secret)


def _with_warnings(webhook: Webhook, warnings: list[SaveWarning]) -> Webhook:
    return msgspec.structs.replace(webhook, warnings=webhook.warnings + warnings)


def _secret_deleted() -> Rejected:
    # The secret was deleted after the check.
    message = "A secret of the webhook was deleted in the meantime. Save it again."
    return Rejected(Fault(pointer="", message=message))


async def _external_id_taken(
    ctx: ServiceContext, organization: UUID, configuration: Configuration
) -> Rejected:
    rows = await list_queries.webhook_page(
        ctx.pool, organization=organization, external_id=configuration.external_id
    )
    others = [_decode_webhook(ctx, document) for document in rows]
    name = "".join(f" {other.name} ({other.id})" for other in others)
    message = f"Webhook{name} has this external id. Change that webhook, or use another id."
    return Rejected(Fault(pointer="/external_id", message=message))


async def webhook_of(ctx: ServiceContext, webhook: UUID) -> Webhook:
    """Reads a webhook. Raises NotFound."""
    rows = await list_queries.webhook_page(ctx.pool, webhook=webhook)
    if not rows:
        raise NotFound(f"Webhook {webhook} does not exist.")
    return _decode_webhook(ctx, rows[0])


def _decode_webhook(ctx: ServiceContext, document: str) -> Webhook:
    webhook = msgspec.json.decode(document, type=Webhook)
    warnings = [
        SaveWarning(pointer=header_pointer(name), message=message)
        for name, message in header_warnings(webhook.headers, ctx.brand)
    ]
    return msgspec.structs.replace(webhook, warnings=warnings)


async def list_webhooks(
    ctx: ServiceContext,
    *,
    organization: UUID | None = None,
    agent: Id | None = None,
    goal: str | None = None,
    state: State | None = None,
    search: str | None = None,
    external_id: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Webhooks:
    """Lists a page of webhooks, newest first, optionally linked to an agent and a goal.

    `search` is a case-insensitive part of name, description or URL. Raises Rejected if several
    organizations have an agent with this id.
    """
    agent_uuid = None if agent is None else await find_agent(ctx, agent, organization)
    if agent is not None and agent_uuid is None:
        return Webhooks([], None)
    rows = await list_queries.webhook_page(
        ctx.lists,
        organization=organization,
        agent=agent_uuid,
        goal=goal,
        state=state,
        before=paging.decode_cursor(cursor, tuple[datetime, UUID]),
        limit=limit + 1,
        search=search,
        external_id=external_id,
    )
    items, last = paging.cut([_decode_webhook(ctx, document) for document in rows], limit)
    return Webhooks(items, None if last is None else paging.cursor(last.created_at, last.id))


async def patch_webhook(
    ctx: ServiceContext,
    webhook: UUID,
    patch: WebhookPatch,
    expected_revision: int | None = None,
    faults: tuple[Fault, ...] = (),
) -> Webhook:
    """Applies a patch as a new revision. Held deliveries are retried.

    Raises NotFound, Rejected with all faults, including `faults`, and RevisionConflict if the
    webhook is not at the expected revision.
    """
    return await _change(
        ctx, webhook, lambda current: merged(current, patch), expected_revision, faults
    )


async def change_webhook(
    ctx: ServiceContext,
    webhook: UUID,
    configuration: Configuration,
    expected_revision: int | None = None,
    faults: tuple[Fault, ...] = (),
) -> Webhook:
    """Replaces the configuration. Raises the errors of `patch_webhook`."""
    return await _change(ctx, webhook, lambda _: configuration, expected_revision, faults)


async def restore_webhook(ctx: ServiceContext, webhook: UUID, revision: int) -> Webhook:
    """Validates and restores an old revision as the newest one. Raises NotFound, Rejected.

    The webhook keeps its external id, which is not part of a revision.
    """
    is_valid = 0 < revision <= _MAX_REVISION
    document = await webhook_queries.revision_of(ctx.pool, webhook, revision) if is_valid else None
    if document is None:
        raise NotFound(f"Webhook {webhook} has no revision {revision}.")
    old = read_configuration(document[1])
    return await _change(
        ctx,
        webhook,
        lambda current: msgspec.structs.replace(old, external_id=current.external_id),
    )


async def _change(
    ctx: ServiceContext,
    webhook: UUID,
    change: Callable[[Configuration], Configuration],
    expected: int | None = None,
    faults: tuple[Fault, ...] = (),
) -> Webhook:
    """Changes a webhook; without an expected revision, concurrent changes are merged."""
    from rowhook.services.webhook_checks import check_for_save  # noqa: PLC0415  # see above

    owner = await webhook_owner(ctx, webhook)
    for last in (*(False,) * _MAX_TRIES, True):
        current = await webhook_of(ctx, webhook)
        configuration = change(configuration_of(current))
        checked = await check_for_save(ctx, owner, configuration, faults)
        try:
            saved = await _save(ctx, owner, current, configuration, checked, expected)
            return _with_warnings(saved, checked.warnings)
        except RevisionConflict:
            if last or expected is not None:
                raise
    raise AssertionError


async def _save(
    ctx: ServiceContext,
    owner: UUID,
    current: Webhook,
    configuration: Configuration,
    checked: Checked,
    expected: int | None,
) -> Webhook:
    try:
        saved = await webhook_queries.change_webhook(
            ctx.pool,
            checked.document,
            owner,
            current.id,
            checked.secrets,
            current.revision if expected is None else expected,
        )
    except StillReferenced as error:
        raise _secret_deleted() from error
    except AlreadyExists as error:
        raise await _external_id_taken(ctx, owner, configuration) from error
    if saved is None:
        raise NotFound(f"Webhook {current.id} does not exist.")
    return await webhook_of(ctx, current.id)


async def delete_webhook(ctx: ServiceContext, webhook: UUID) -> None:
    """Deletes a webhook and cancels its waiting deliveries. Raises StillLinked, NotFound.

    The foreign key decides. If links changed in the meantime, the delete is repeated.
    """
    for _ in range(_MAX_TRIES):
        try:
            if not await webhook_queries.delete_webhook(ctx.pool, webhook):
                raise NotFound(f"Webhook {webhook} does not exist.")
        except StillReferenced as error:
            linked = await still_linked(ctx, webhook)
            if linked is not None:
                raise linked from error
        else:
            return
    raise NotFound(f"The links of webhook {webhook} keep changing. Try again.")


async def set_state(ctx: ServiceContext, webhook: UUID, state: State) -> Webhook:
    """Pauses a webhook, or reactivates a paused or disabled one. Raises NotFound."""
    await webhook_queries.set_state(ctx.pool, webhook, state)
    return await webhook_of(ctx, webhook)


async def list_revisions(
    ctx: ServiceContext, webhook: UUID, *, cursor: str | None = None, limit: int = 50
) -> Revisions:
    """Lists the revisions of a webhook, newest first."""
    before = paging.decode_cursor(cursor, tuple[_Revision])
    rows = await webhook_queries.revision_page(
        ctx.pool, webhook, before[0] if before else None, limit + 1
    )
    return Revisions(*paging.page(rows, Revision, limit, "revision"))


async def revision_of(ctx: ServiceContext, webhook: UUID, revision: int) -> Revision:
    """Reads a revision of a webhook. Raises NotFound."""
    is_valid = 0 < revision < _MAX_REVISION
    rows = (
        await webhook_queries.revision_page(ctx.pool, webhook, revision + 1, 1) if is_valid else []
    )
    for item in paging.read(rows, Revision):
        if item.revision == revision:
            return item
    raise NotFound(f"Webhook {webhook} has no revision {revision}.")


async def rotate_signing_secret(
    ctx: KeyringContext, webhook: UUID, overlap: timedelta
) -> NewSigningSecret:
    """Generates a signing secret; the old ones also sign until `overlap` has passed."""
    owner = await webhook_owner(ctx, webhook)
    secret = new_signing_secret(secrets.token_bytes(32))
    while True:
        live = [row for row in await webhook_queries.secrets_of(ctx.pool, webhook) if row.signing]
        if not live:
            raise NotFound(f"Webhook {webhook} does not exist.")
        version = live[0].version + 1
        sealed = ctx.keyring.seal(
            secret, organization_id=owner, name=signing_name(webhook), version=version
        )
        if await webhook_queries.rotate_signing_secret(
            ctx.pool, owner, webhook, version, sealed, overlap
        ):
            return NewSigningSecret(secret, datetime.now(UTC) + overlap)


async def signing_secrets(ctx: KeyringContext, most: int = 200) -> list[tuple[str, str]]:
    """Returns the name and the newest signing secret of the newest webhooks, for a local receiver.

    Raises DecryptionFailed.
    """
    named: list[tuple[str, str]] = []
    for webhook in (await list_webhooks(ctx, limit=most)).items:
        owner = await webhook_owner(ctx, webhook.id)
        sealed = await webhook_queries.secrets_of(ctx.pool, webhook.id)
        newest = next((secret for secret in sealed if secret.signing), None)
        if newest is not None:
            secret = ctx.keyring.open(
                newest.sealed,
                organization_id=owner,
                name=signing_name(webhook.id),
                version=newest.version,
            )
            named.append((webhook.name, secret))
    return named
