"""`rowhook webhooks`, `link` and `unlink`: webhooks, their revisions, secrets and links."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import Any, BinaryIO
from uuid import UUID

import msgspec
import rich_click as click

from rowhook.cli.operator_session import (
    organization_filter,
    organization_or_default,
    with_context,
    with_keyring,
    with_reader,
)
from rowhook.cli.options import Command, as_json, list_group, organization, paging, webhook_argument
from rowhook.cli.output import format_time, print_json, program, show, show_page, show_record
from rowhook.db import access_queries
from rowhook.services import json_reader, links
from rowhook.services.context import (
    KeyringContext,
    NotFound,
    ServiceContext,
    StillLinked,
    UnknownId,
)
from rowhook.services.links import links_of
from rowhook.services.lookups import webhook_names
from rowhook.services.webhook_documents import State, Webhook, WebhookPatch
from rowhook.services.webhooks import (
    create_webhook,
    delete_webhook,
    list_revisions,
    list_webhooks,
    patch_webhook,
    restore_webhook,
    rotate_signing_secret,
    set_state,
    webhook_of,
)

_STATES = ("active", "paused", "disabled")
_MAX_OVERLAP_S = 30 * 86400
_BLOCKS = ("body_template", "schema", "condition")
_SHOWN_SEPARATELY = frozenset({*_BLOCKS, "headers", "warnings", "signing_secret"})


@list_group
def webhooks(**_: str | None) -> None:
    """Manage webhooks. Without a command: `webhooks list`. WEBHOOK is an id, or a unique name."""


@webhooks.command("list")
@organization
@click.option("--agent", metavar="ID", help="Only webhooks linked to this agent.")
@click.option("--goal", metavar="ID", help="Only webhooks linked to this goal.")
@click.option("--state", type=click.Choice(_STATES), help="Only webhooks in this state.")
@click.option("--external-id", metavar="ID", help="Only the webhook with this external id.")
@paging
@as_json
@with_reader
async def list_(
    ctx: ServiceContext,
    organization: str | None,
    agent: str | None,
    goal: str | None,
    state: State | None,
    external_id: str | None,
    limit: int,
    cursor: str | None,
    *,
    as_json: bool,
) -> None:
    """List webhooks, newest first."""
    result = await list_webhooks(
        ctx,
        organization=await organization_filter(ctx, organization),
        agent=agent,
        goal=goal,
        state=state,
        external_id=external_id,
        limit=limit,
        cursor=cursor,
    )
    if as_json:
        print_json(result)
        return
    empty = (
        f"No matching webhooks. List all of them with: {program()} webhooks"
        if organization or agent or goal or state or external_id
        else f"No webhooks. To create one: {program()} webhooks create --name NAME --url URL"
    )
    has_several = len({webhook.organization_id for webhook in result.items}) > 1
    rows = [_row(webhook, with_organization=has_several) for webhook in result.items]
    show_page(rows, result.next_cursor, empty)


def _row(webhook: Webhook, *, with_organization: bool) -> dict[str, Any]:
    return {
        "id": webhook.id,
        **({"organization": webhook.organization_id} if with_organization else {}),
        "name": webhook.name,
        "state": webhook.state,
        "url": webhook.url or webhook.kind,
        "changed": webhook.updated_at,
    }


@webhooks.command("show")
@webhook_argument
@as_json
@with_reader
async def show_(ctx: ServiceContext, webhook: UUID, *, as_json: bool) -> None:
    """Show a webhook and its links."""
    result = await webhook_of(ctx, webhook)
    if as_json:
        print_json(result)
        return
    links = (await links_of(ctx, webhook)).items
    fields: dict[str, Any] = {
        name: getattr(result, name)
        for name in result.__struct_fields__
        if name not in _SHOWN_SEPARATELY
    }
    fields["created_at"] = format_time(result.created_at)
    fields["updated_at"] = format_time(result.updated_at)
    fields["linked_to"] = [f"{link.kind} {link.name} ({link.id})" for link in links]
    show_record(fields)
    for name, value in result.headers.items():
        show(f"header {name}: {value}")
    for name in _BLOCKS:
        _show_block(name, getattr(result, name))
    _show_warnings(result)


def _show_block(name: str, value: Any) -> None:
    if value is not None:
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        show(f"\n{name.replace('_', ' ')}:", text)


def _show_warnings(webhook: Webhook) -> None:
    for warning in webhook.warnings:
        show(f"warning: {warning.pointer}: {warning.message}")


@webhooks.command()
@organization
@click.option(
    "--file", type=click.File("rb"), help="File with the webhook as JSON; - for standard input."
)
@click.option("--name", help="Name of the webhook.")
@click.option("--url", help="URL, may contain expressions.")
@click.option(
    "--method",
    type=click.Choice(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    help="HTTP method. Default: POST.",
)
@click.option(
    "--header", "headers", multiple=True, help="Header as 'Name: value'. May be repeated."
)
@click.option("--body-template", help="Template of the body. Default: the default payload.")
@click.option("--schema-file", type=click.File("rb"), help="File with the JSON Schema of the body.")
@click.option("--external-id", metavar="ID", help="An id of your own, unique in the organization.")
@as_json
@with_keyring
async def create(
    ctx: KeyringContext,
    organization: str | None,
    file: BinaryIO | None,
    *,
    as_json: bool,
    **options: Any,
) -> None:
    """Create a webhook from options or from a file."""
    from rowhook.cli.preview_commands import draft_of  # noqa: PLC0415  # loads the renderer

    draft, faults = draft_of(file, {name: value for name, value in options.items() if value})
    owner = await organization_or_default(ctx, organization or draft.organization_id)
    webhook = await create_webhook(ctx, owner, draft, faults)
    await _warn_of_same_name(ctx, owner, webhook)
    if as_json:
        print_json(webhook)
        return
    show(f"Created webhook {webhook.id}. To link it to an agent or a goal:")
    link = f"  {program()} link {webhook.id}"
    show(f"{link} --agent ID", f"{link} --goal ID")
    show("Signing secret (shown only once):", f"  {webhook.signing_secret}")
    _show_warnings(webhook)


async def _warn_of_same_name(ctx: ServiceContext, owner: UUID, webhook: Webhook) -> None:
    """Warns on standard error that other webhooks of the organization have this name too."""
    names = await webhook_names(ctx, owner, also=webhook.id)
    others = [
        str(other.id)
        for other in names.items
        if other.name == webhook.name and other.id != webhook.id
    ]
    if others:
        click.echo(
            f"warning: /name: {', '.join(others)} is named {webhook.name!r} too, so commands need"
            f" the id. To delete the new one: {program()} webhooks delete {webhook.id}",
            err=True,
        )


@webhooks.command()
@webhook_argument
@click.option(
    "--file",
    type=click.File("rb"),
    required=True,
    help="File with a merge patch (RFC 7396) as JSON; - for standard input. null resets a field.",
)
@as_json
@with_context
async def change(ctx: ServiceContext, webhook: UUID, file: BinaryIO, *, as_json: bool) -> None:
    """Apply a merge patch to a webhook. Held deliveries are retried at once."""
    patch, faults = json_reader.read_with_faults(file.read(), WebhookPatch)
    result = await patch_webhook(ctx, webhook, patch, faults=faults)
    _show_revision(result, as_json=as_json)


@webhooks.command()
@webhook_argument
@click.argument("revision", type=click.IntRange(min=1))
@as_json
@with_context
async def restore(ctx: ServiceContext, webhook: UUID, revision: int, *, as_json: bool) -> None:
    """Restore an old revision as the newest one."""
    _show_revision(await restore_webhook(ctx, webhook, revision), as_json=as_json)


def _show_revision(webhook: Webhook, *, as_json: bool) -> None:
    if as_json:
        print_json(webhook)
        return
    show(f"Webhook {webhook.id} is now at revision {webhook.revision}.")
    _show_warnings(webhook)


@webhooks.command()
@webhook_argument
@with_context
async def delete(ctx: ServiceContext, webhook: UUID) -> None:
    """Delete a webhook and cancel its waiting deliveries. Fails while it has links."""
    try:
        await delete_webhook(ctx, webhook)
    except StillLinked as error:
        for link in error.errors:
            id_ = shlex.quote(link["id"])
            error.add_note(f"{program()} unlink {webhook} --{link['kind']} {id_}")
        raise
    show(f"Deleted webhook {webhook}.")


@webhooks.command()
@webhook_argument
@as_json
@with_context
async def pause(ctx: ServiceContext, webhook: UUID, *, as_json: bool) -> None:
    """Pause a webhook. Its deliveries wait."""
    await _set_state(ctx, webhook, "paused", as_json=as_json)


@webhooks.command()
@webhook_argument
@as_json
@with_context
async def resume(ctx: ServiceContext, webhook: UUID, *, as_json: bool) -> None:
    """Reactivate a paused or disabled webhook."""
    await _set_state(ctx, webhook, "active", as_json=as_json)


async def _set_state(ctx: ServiceContext, webhook: UUID, state: State, *, as_json: bool) -> None:
    result = await set_state(ctx, webhook, state)
    if as_json:
        print_json(result)
    elif result.state == "paused":
        show(f"Webhook {webhook} is paused. To resume: {program()} webhooks resume {webhook}")
    else:
        show(f"Webhook {webhook} is {result.state}.")


@webhooks.command()
@webhook_argument
@paging
@as_json
@with_reader
async def revisions(
    ctx: ServiceContext, webhook: UUID, limit: int, cursor: str | None, *, as_json: bool
) -> None:
    """List the revisions of a webhook, newest first."""
    result = await list_revisions(ctx, webhook, cursor=cursor, limit=limit)
    if not result.items and cursor is None:
        raise NotFound(f"Webhook {webhook} does not exist.")
    if as_json:
        print_json(result)
        return
    rows = [
        {
            "revision": revision.revision,
            "saved": format_time(revision.created_at),
            "name": revision.configuration.get("name"),
            "url": revision.configuration.get("url"),
        }
        for revision in result.items
    ]
    show_page(rows, result.next_cursor, "No more revisions.")


@webhooks.command("rotate-secret")
@webhook_argument
@click.option(
    "--overlap-s",
    type=click.IntRange(0, _MAX_OVERLAP_S),
    default=86400,
    show_default=True,
    help="Seconds for which the old secrets also sign; 0 revokes them at once.",
)
@as_json
@with_keyring
async def rotate_secret(
    ctx: KeyringContext, webhook: UUID, overlap_s: int, *, as_json: bool
) -> None:
    """Generate a new signing secret."""
    result = await rotate_signing_secret(ctx, webhook, timedelta(seconds=overlap_s))
    if as_json:
        print_json(result)
        return
    show("New signing secret (shown only once):", f"  {result.signing_secret}")
    show(
        f"The old secrets also sign until {format_time(result.overlap_ends_at)}."
        if overlap_s
        else "The old secrets are revoked."
    )


def link_arguments(command: Command) -> Command:
    """Adds the webhook, and options for the agent or the goal of the link."""
    command = click.option("--goal", metavar="ID", help="Commits of this goal.")(command)
    command = click.option(
        "--agent",
        metavar="ID",
        help="Finished jobs of this agent. The id is the platform's or Rowhook's.",
    )(command)
    return webhook_argument(command)


def require_one(agent: str | None, goal: str | None) -> None:
    """Raises UsageError unless exactly one of the options was passed."""
    if (agent is None) == (goal is None):
        raise click.UsageError("Pass either --agent ID or --goal ID.", click.get_current_context())


async def require_existing(ctx: ServiceContext, webhook: UUID, goal: str | None) -> None:
    """Raises NotFound if the webhook or the goal does not exist."""
    missing = await access_queries.first_missing(ctx.pool, webhook=webhook, goal=goal)
    if missing is not None:
        raise UnknownId(missing, webhook if missing == "webhook" else goal)


@click.command()
@link_arguments
@with_context
async def link(ctx: ServiceContext, webhook: UUID, agent: str | None, goal: str | None) -> None:
    """Send the future jobs of an agent or commits of a goal to a webhook."""
    require_one(agent, goal)
    await require_existing(ctx, webhook, goal)
    if agent is not None:
        await links.link_agent(ctx, webhook, agent)
        show(f"Finished jobs of agent {agent} are now sent to webhook {webhook}.")
    if goal is not None:
        await links.link_goal(ctx, webhook, goal)
        show(f"Commits of goal {goal} are now sent to webhook {webhook}.")
    show("To send a test request:", f"  {program()} test {webhook}")


@click.command()
@link_arguments
@with_context
async def unlink(ctx: ServiceContext, webhook: UUID, agent: str | None, goal: str | None) -> None:
    """Unlink an agent or a goal from a webhook. Waiting deliveries are still sent."""
    require_one(agent, goal)
    await require_existing(ctx, webhook, goal)
    was_linked = False
    if agent is not None:
        was_linked = await links.unlink_agent(ctx, webhook, agent)
    if goal is not None:
        was_linked = await links.unlink_goal(ctx, webhook, goal)
    show("Unlinked." if was_linked else "There was no link.")
