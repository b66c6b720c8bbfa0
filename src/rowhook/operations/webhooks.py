"""Webhooks: create, list, read, change, restore, delete, pause, resume, rotate."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID, uuid4

import msgspec

from rowhook import postgres
from rowhook.compiled import signing_name
from rowhook.compose import (
    Configuration,
    Fault,
    header_warnings,
    read_configuration,
    required_paths,
    to_json,
)
from rowhook.compose import Webhook as Compiled
from rowhook.operations import paging
from rowhook.operations.check import check_webhook, secret_ids
from rowhook.operations.documents import (
    NewSigningSecret,
    Revision,
    Revisions,
    State,
    Webhook,
    Webhooks,
)
from rowhook.operations.identify import Id, find_agent, webhook_owner
from rowhook.operations.links import still_linked
from rowhook.operations.ctx import NotFound, KeyringContext, ServiceContext, Rejected
from rowhook.operations.patch import WebhookPatch, configuration_of, merged
from rowhook.sign import new_signing_secret

_PATIENCE = 5
_LARGEST_REVISION = 2**31 - 1
_Revision = Annotated[int, msgspec.Meta(ge=0, le=_LARGEST_REVISION)]


async def create_webhook(
    ctx: KeyringContext, organization: UUID, given: Configuration, faults: tuple[Fault, ...] = ()
) -> Webhook:
    """Saves a new webhook, unless its reading had `faults`. Raises Rejected with all, NotFound."""
    if await postgres.unknown(ctx.pool, organization=organization):
        raise NotFound(f"organization {organization} does not exist")
    webhook = uuid4()
    checked = await check_webhook(ctx, organization, given, faults)
    secret = new_signing_secret(secrets.token_bytes(32))
    sealed = ctx.keyring.seal(
        secret, organization_id=organization, name=signing_name(webhook), version=1
    )
    try:
        await postgres.create_webhook(
            ctx.pool,
            to_json(given, required_paths(checked)),
            organization,
            webhook,
            secret_ids(checked),
            sealed,
        )
    except postgres.StillReferenced as error:
        raise _secret_gone() from error
    return msgspec.structs.replace(await webhook_of(ctx, webhook), signing_secret=secret)


def _secret_gone() -> Rejected:
    # It was there when it was looked for, a moment ago.
    message = "a secret that it uses was deleted meanwhile: save it again"
    return Rejected(Fault(pointer="", message=message))


async def webhook_of(ctx: ServiceContext, webhook: UUID) -> Webhook:
    """One webhook. Raises NotFound."""
    found = await postgres.webhook_page(ctx.pool, one=webhook)
    if not found:
        raise NotFound(f"webhook {webhook} does not exist")
    return _shown(ctx, found[0])


def _shown(ctx: ServiceContext, document: str) -> Webhook:
    webhook = msgspec.json.decode(document, type=Webhook)
    return msgspec.structs.replace(webhook, warnings=header_warnings(webhook.headers, ctx.brand))


async def list_webhooks(
    ctx: ServiceContext,
    *,
    organization: UUID | None = None,
    agent: Id | None = None,
    goal: str | None = None,
    state: State | None = None,
    search: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Webhooks:
    """A page of webhooks, newest first, linked to that agent and that goal if they are given.

    `search` is a part of the name, the description or the URL, in any case. Raises Rejected if
    several organizations have such an agent.
    """
    known = None if agent is None else await find_agent(ctx, agent, organization)
    if agent is not None and known is None:
        return Webhooks([], None)
    found = await postgres.webhook_page(
        ctx.pool,
        organization=organization,
        agent=known,
        goal=goal,
        state=state,
        before=paging.place(cursor, tuple[datetime, UUID]),
        most=limit + 1,
        search=search,
    )
    items, last = paging.cut([_shown(ctx, one) for one in found], limit)
    return Webhooks(items, None if last is None else paging.cursor(last.created_at, last.id))


async def patch_webhook(
    ctx: ServiceContext,
    webhook: UUID,
    patch: WebhookPatch,
    expected_revision: int | None = None,
    faults: tuple[Fault, ...] = (),
) -> Webhook:
    """Applies a patch, unless its reading had `faults`: a new revision; held rows are tried again.

    Raises Rejected with every fault, NotFound, and RevisionMoved if the webhook is at another
    revision than the expected one.
    """
    return await _change(
        ctx, webhook, lambda present: merged(present, patch), expected_revision, faults
    )


async def change_webhook(
    ctx: ServiceContext,
    webhook: UUID,
    given: Configuration,
    expected_revision: int | None = None,
    faults: tuple[Fault, ...] = (),
) -> Webhook:
    """Replaces the whole configuration. Raises as `patch_webhook`."""
    return await _change(ctx, webhook, lambda _: given, expected_revision, faults)


async def restore_webhook(ctx: ServiceContext, webhook: UUID, revision: int) -> Webhook:
    """Makes an old revision the newest one. It is validated as any change. Raises NotFound."""
    known = 0 < revision <= _LARGEST_REVISION
    found = await postgres.revision_of(ctx.pool, webhook, revision) if known else None
    if found is None:
        raise NotFound(f"webhook {webhook} never had a revision {revision}")
    return await change_webhook(ctx, webhook, read_configuration(found[1]))


async def _change(
    ctx: ServiceContext,
    webhook: UUID,
    change: Callable[[Configuration], Configuration],
    expected: int | None = None,
    faults: tuple[Fault, ...] = (),
) -> Webhook:
    """Without an expected revision the change is made to whatever is there."""
    owner = await webhook_owner(ctx, webhook)
    for last in (*(False,) * _PATIENCE, True):
        present = await webhook_of(ctx, webhook)
        given = change(configuration_of(present))
        checked = await check_webhook(ctx, owner, given, faults)
        try:
            return await _save(ctx, owner, present, given, checked, expected)
        except postgres.RevisionMoved:
            if last or expected is not None:
                raise
    raise AssertionError


async def _save(
    ctx: ServiceContext,
    owner: UUID,
    present: Webhook,
    given: Configuration,
    checked: Compiled,
    expected: int | None,
) -> Webhook:
    try:
        saved = await postgres.change_webhook(
            ctx.pool,
            to_json(given, required_paths(checked)),
            owner,
            present.id,
            secret_ids(checked),
            present.revision if expected is None else expected,
        )
    except postgres.StillReferenced as error:
        raise _secret_gone() from error
    if saved is None:
        raise NotFound(f"webhook {present.id} does not exist")
    return await webhook_of(ctx, present.id)


async def delete_webhook(ctx: ServiceContext, webhook: UUID) -> None:
    """Deletes it; its waiting deliveries are cancelled. Raises StillLinked, NotFound.

    The foreign key decides: what was unlinked between its refusal and our look is tried again.
    """
    for _ in range(_PATIENCE):
        try:
            if not await postgres.delete_webhook(ctx.pool, webhook):
                raise NotFound(f"webhook {webhook} does not exist")
        except postgres.StillReferenced as error:
            refusal = await still_linked(ctx, webhook)
            if refusal is not None:
                raise refusal from error
        else:
            return
    raise NotFound(f"webhook {webhook} is being linked and unlinked: try again")


async def set_state(ctx: ServiceContext, webhook: UUID, state: State) -> Webhook:
    """`paused`: its deliveries wait. `active`: they go on, from paused or disabled."""
    await postgres.set_state(ctx.pool, webhook, state)
    return await webhook_of(ctx, webhook)


async def list_revisions(
    ctx: ServiceContext, webhook: UUID, *, cursor: str | None = None, limit: int = 50
) -> Revisions:
    """The versions that a webhook has had, newest first."""
    before = paging.place(cursor, tuple[_Revision])
    found = await postgres.revision_page(
        ctx.pool, webhook, before[0] if before else None, limit + 1
    )
    items, last = paging.cut(paging.read(found, Revision), limit)
    return Revisions(items, None if last is None else paging.cursor(last.revision))


async def revision_of(ctx: ServiceContext, webhook: UUID, revision: int) -> Revision:
    """One version that a webhook has had. Raises NotFound."""
    known = 0 < revision < _LARGEST_REVISION
    found = await postgres.revision_page(ctx.pool, webhook, revision + 1, 1) if known else []
    for one in paging.read(found, Revision):
        if one.revision == revision:
            return one
    raise NotFound(f"webhook {webhook} never had a revision {revision}")


async def rotate_signing_secret(
    ctx: KeyringContext, webhook: UUID, overlap: timedelta
) -> NewSigningSecret:
    """A new signing secret, shown here only; the old one signs too until `overlap` has passed."""
    owner = await webhook_owner(ctx, webhook)
    secret = new_signing_secret(secrets.token_bytes(32))
    while True:
        live = [one for one in await postgres.secrets_of(ctx.pool, webhook) if one.signing]
        if not live:
            raise NotFound(f"webhook {webhook} does not exist")
        version = live[0].version + 1
        sealed = ctx.keyring.seal(
            secret, organization_id=owner, name=signing_name(webhook), version=version
        )
        if await postgres.rotate_signing_secret(
            ctx.pool, owner, webhook, version, sealed, overlap
        ):
            return NewSigningSecret(secret, datetime.now(UTC) + overlap)
