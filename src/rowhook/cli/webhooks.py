"""`rowhook webhooks`: create, list, show, change, restore, delete, pause, resume, rotate."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import Any, BinaryIO
from uuid import UUID

import msgspec
import rich_click as click

from rowhook import operations
from rowhook.cli.draft import draft_of
from rowhook.cli.opened import known, organization_of, with_keyring, with_reader, with_context
from rowhook.cli.options import as_json, noun, organization, pages
from rowhook.cli.table import exact, page, print_json, record, show, shown
from rowhook.operations import NotFound, KeyringContext, ServiceContext, StillLinked, WebhookPatch
from rowhook.operations.documents import State, Webhook

_THE_WEBHOOK = click.argument("webhook", type=click.UUID)
_STATES = ("active", "paused", "disabled")
_LONGEST_OVERLAP_S = 30 * 86400
_BLOCKS = ("body_template", "schema", "condition")


@noun
def webhooks(**_: str | None) -> None:
    """Templated HTTP requests. Alone: `webhooks list`."""


@webhooks.command("list")
@organization
@click.option("--agent", metavar="ID", help="Linked to this agent.")
@click.option("--goal", help="Linked to this goal.")
@click.option("--state", type=click.Choice(_STATES), help="In this state.")
@pages
@as_json
@with_reader
async def list_(
    registry: ServiceContext,
    organization: str | None,
    agent: str | None,
    goal: str | None,
    state: State | None,
    limit: int,
    cursor: str | None,
    *,
    as_json: bool,
) -> None:
    """Webhooks, newest first."""
    found = await operations.list_webhooks(
        registry,
        organization=await known(registry, organization),
        agent=agent,
        goal=goal,
        state=state,
        limit=limit,
        cursor=cursor,
    )
    if as_json:
        print_json(found)
        return
    nothing = (
        "No webhook is like that. All of them: rowhook webhooks"
        if organization or agent or goal or state
        else "No webhooks yet. Make one: rowhook webhooks create --name NAME --url URL"
    )
    page([_row(one, found.items) for one in found.items], found.next_cursor, nothing)


def _row(one: Webhook, page: list[Webhook]) -> dict[str, Any]:
    several = len({other.organization_id for other in page}) > 1
    return {
        "id": one.id,
        **({"organization": one.organization_id} if several else {}),
        "name": one.name,
        "state": one.state,
        "url": one.url or one.kind,
        "changed": one.updated_at,
    }


@webhooks.command("show")
@_THE_WEBHOOK
@as_json
@with_reader
async def show_(registry: ServiceContext, webhook: UUID, *, as_json: bool) -> None:
    """One webhook, and what is linked to it."""
    found = await operations.webhook_of(registry, webhook)
    if as_json:
        print_json(found)
        return
    links = (await operations.links_of(registry, webhook)).items
    fields: dict[str, Any] = {
        name: getattr(found, name) for name in found.__struct_fields__ if name not in _APART
    }
    fields |= {"created_at": exact(found.created_at), "updated_at": exact(found.updated_at)}
    fields["linked_to"] = [f"{one.kind} {one.name} ({one.id})" for one in links]
    record(fields)
    for name, value in found.headers.items():
        show(f"header {name}: {value}")
    for name in _BLOCKS:
        _block(name, getattr(found, name))
    _warn(found)


_APART = frozenset({*_BLOCKS, "headers", "warnings", "signing_secret"})


def _block(name: str, value: Any) -> None:
    if value is not None:
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        show(f"\n{name.replace('_', ' ')}:", text)


def _warn(webhook: Webhook) -> None:
    for warning in webhook.warnings:
        show(f"warning: {warning}")


@webhooks.command()
@organization
@click.option("--file", type=click.File("rb"), help="The webhook as JSON; - is standard input.")
@click.option("--name", help="What people call it.")
@click.option("--url", help="Where it goes; may hold expressions.")
@click.option("--method", type=click.Choice(["GET", "POST", "PUT", "PATCH", "DELETE"]))
@click.option("--header", "headers", multiple=True, help="'Name: value'; may be repeated.")
@click.option("--body-template", help="The body; without it the default payload is sent.")
@click.option("--schema-file", type=click.File("rb"), help="JSON Schema of the body.")
@as_json
@with_keyring
async def create(
    ctx: KeyringContext,
    organization: str | None,
    file: BinaryIO | None,
    *,
    as_json: bool,
    **written: Any,
) -> None:
    """Save a new webhook: from options, or every field of it from a file."""
    draft, faults = draft_of(file, {name: value for name, value in written.items() if value})
    owner = await organization_of(ctx, organization or draft.organization_id)
    made = await operations.create_webhook(ctx, owner, draft, faults)
    if as_json:
        print_json(made)
        return
    show(f"Webhook {made.id} is saved. Nothing is linked to it yet:")
    show(f"  rowhook link {made.id} --agent ID", f"  rowhook link {made.id} --goal ID")
    show("Its signing secret, shown only now:", f"  {made.signing_secret}")
    _warn(made)


@webhooks.command()
@_THE_WEBHOOK
@click.option(
    "--file",
    type=click.File("rb"),
    required=True,
    help="A merge patch (RFC 7396) as JSON: null sets a field back; - is standard input.",
)
@as_json
@with_context
async def change(registry: ServiceContext, webhook: UUID, file: BinaryIO, *, as_json: bool) -> None:
    """Change what a file names; what is held is tried again at once."""
    patch, faults = operations.read_partly(file.read(), WebhookPatch)
    changed = await operations.patch_webhook(registry, webhook, patch, faults=faults)
    _changed(changed, as_json=as_json)


@webhooks.command()
@_THE_WEBHOOK
@click.argument("revision", type=click.IntRange(min=1))
@as_json
@with_context
async def restore(registry: ServiceContext, webhook: UUID, revision: int, *, as_json: bool) -> None:
    """Make an old revision the newest one."""
    _changed(await operations.restore_webhook(registry, webhook, revision), as_json=as_json)


def _changed(webhook: Webhook, *, as_json: bool) -> None:
    if as_json:
        print_json(webhook)
        return
    show(f"Webhook {webhook.id} is at revision {webhook.revision}.")
    _warn(webhook)


@webhooks.command()
@_THE_WEBHOOK
@with_context
async def delete(registry: ServiceContext, webhook: UUID) -> None:
    """Delete it and cancel what waits for it. Refused while anything is linked to it."""
    try:
        await operations.delete_webhook(registry, webhook)
    except StillLinked as linked:
        for one in linked.errors:
            linked.add_note(f"rowhook unlink {webhook} --{one['kind']} {shlex.quote(one['id'])}")
        raise
    show(f"Webhook {webhook} is deleted.")


@webhooks.command()
@_THE_WEBHOOK
@as_json
@with_context
async def pause(registry: ServiceContext, webhook: UUID, *, as_json: bool) -> None:
    """Let its deliveries wait."""
    await _set_state(registry, webhook, "paused", as_json=as_json)


@webhooks.command()
@_THE_WEBHOOK
@as_json
@with_context
async def resume(registry: ServiceContext, webhook: UUID, *, as_json: bool) -> None:
    """Make it active again, from paused or disabled."""
    await _set_state(registry, webhook, "active", as_json=as_json)


async def _set_state(registry: ServiceContext, webhook: UUID, state: State, *, as_json: bool) -> None:
    found = await operations.set_state(registry, webhook, state)
    if as_json:
        print_json(found)
    elif found.state == "paused":
        show(f"Webhook {webhook} is paused. Go on with: rowhook webhooks resume {webhook}")
    else:
        show(f"Webhook {webhook} is {found.state}.")


@webhooks.command()
@_THE_WEBHOOK
@pages
@as_json
@with_reader
async def revisions(
    registry: ServiceContext, webhook: UUID, limit: int, cursor: str | None, *, as_json: bool
) -> None:
    """Every version that it has had, newest first."""
    found = await operations.list_revisions(registry, webhook, cursor=cursor, limit=limit)
    if not found.items and cursor is None:
        raise NotFound(f"there never was a webhook {webhook}")
    if as_json:
        print_json(found)
        return
    rows = [
        {
            "revision": one.revision,
            "saved": exact(one.created_at),
            "name": one.configuration.get("name"),
            "url": one.configuration.get("url"),
        }
        for one in found.items
    ]
    page(rows, found.next_cursor, "There are no more.")


@webhooks.command("rotate-secret")
@_THE_WEBHOOK
@click.option(
    "--overlap-s",
    type=click.IntRange(0, _LONGEST_OVERLAP_S),
    default=86400,
    show_default=True,
    help="How long the old secrets sign too; 0 revokes them at once.",
)
@as_json
@with_keyring
async def rotate_secret(ctx: KeyringContext, webhook: UUID, overlap_s: int, *, as_json: bool) -> None:
    """Make a new signing secret."""
    made = await operations.rotate_signing_secret(ctx, webhook, timedelta(seconds=overlap_s))
    if as_json:
        print_json(made)
        return
    show("The new signing secret, shown only now:", f"  {made.signing_secret}")
    show(
        f"The old ones sign too: they end {shown(made.overlap_ends_at)}."
        if overlap_s
        else "The old ones are revoked."
    )
