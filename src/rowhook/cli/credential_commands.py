"""`rowhook secrets` and `rowhook keys`: list, create and delete them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import BinaryIO
from uuid import UUID

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from rowhook.cli.error_messages import CommandFailed
from rowhook.cli.operator_session import (
    organization_filter,
    organization_or_default,
    with_context,
    with_keyring,
    with_reader,
)
from rowhook.cli.options import as_json, duration, list_group, organization, paging
from rowhook.cli.output import format_value, print_json, program, show, show_page
from rowhook.services import access
from rowhook.services.access import SCOPES, Scope
from rowhook.services.context import KeyringContext, ServiceContext
from rowhook.services.reencryption import Rekeyed, rekey
from rowhook.services.secrets import delete_secret, list_secrets, put_secret

_KEY_ORGANIZATION = click.option(
    "--organization",
    metavar="ID",
    help="Organization of the key. Default: an operator key for all organizations.",
)


@list_group
def secrets(**_: str | None) -> None:
    """Manage the secrets that templates use as {{secret:ID}}. Without a command: `secrets list`."""


@secrets.command("list")
@organization
@paging
@as_json
@with_reader
async def list_(
    ctx: ServiceContext, organization: str | None, limit: int, cursor: str | None, *, as_json: bool
) -> None:
    """List the secrets of an organization, without their values."""
    owner = await organization_or_default(ctx, organization)
    result = await list_secrets(ctx, owner, cursor=cursor, limit=limit)
    if as_json:
        print_json(result)
        return
    rows = [
        {
            "id": secret.id,
            "version": secret.version,
            "used by": _format_users(len(secret.used_by)),
            "allowed_hosts": secret.allowed_hosts or "any",
            "changed": secret.updated_at,
        }
        for secret in result.items
    ]
    show_page(rows, result.next_cursor, f"No secrets. To save one: {program()} secrets put ID")


def _format_users(count: int) -> str:
    return "1 webhook" if count == 1 else f"{count} webhooks"


@secrets.command()
@click.argument("secret")
@organization
@click.option("--value-file", type=click.File("rb"), help="File with the value.")
@click.option(
    "--allowed-host",
    "hosts",
    multiple=True,
    help="Host that the secret may be sent to. May be repeated. Default: any host.",
)
@with_keyring
async def put(
    ctx: KeyringContext,
    secret: str,
    organization: str | None,
    value_file: BinaryIO | None,
    hosts: tuple[str, ...],
) -> None:
    """Create or replace a secret.

    The value is prompted for, or read from standard input without the final line break. Held
    deliveries that use the secret are retried.
    """
    owner = await organization_or_default(ctx, organization)
    version = await put_secret(ctx, owner, secret, _read_value(value_file), list(hosts) or None)
    show(f"Saved secret {secret}, version {version}. Use {{{{secret:{secret}}}}} in templates.")


def _read_value(file: BinaryIO | None) -> str:
    if file is None and sys.stdin.isatty():
        answer: str = click.prompt("Value", hide_input=True, confirmation_prompt=True, err=True)
        return answer
    content = (file or sys.stdin.buffer).read()
    try:
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise CommandFailed(
            "The value is not UTF-8 text. Encode binary values, e.g. as base64."
        ) from None


@secrets.command()
@click.argument("secret")
@organization
@with_context
async def delete(ctx: ServiceContext, secret: str, organization: str | None) -> None:
    """Delete a secret. Fails while a webhook uses it."""
    owner = await organization_or_default(ctx, organization)
    await delete_secret(ctx, owner, secret)
    show(f"Deleted secret {secret}.")


@secrets.command("rekey")
@as_json
@with_keyring
async def rekey_secrets(ctx: KeyringContext, *, as_json: bool) -> None:
    """Re-encrypt everything with the newest key of ROWHOOK_MASTER_KEYS.

    Workers and APIs may keep running if all of them have both keys, the newest first. An
    interrupted run can be repeated. Exits with code 1 while a row uses an older key.
    """
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        bar = progress.add_task("re-encrypting", total=None)
        result = await rekey(
            ctx, lambda completed, total: progress.update(bar, completed=completed, total=total)
        )
    if as_json:
        print_json(result)
    else:
        show(_summary(result))
    if result.left:
        raise CommandFailed(_remaining(result), *result.closed)


def _summary(result: Rekeyed) -> str:
    if not result.resealed:
        return f"Nothing to do. Every row is encrypted with {result.key}."
    return (
        f"Re-encrypted with {result.key}: {result.secrets} secrets, {result.signing_secrets}"
        f" signing secrets, {result.answers} stored responses, {result.keyring} keyring check."
    )


def _remaining(result: Rekeyed) -> str:
    count = "1 row" if result.left == 1 else f"{result.left} rows"
    if result.closed:
        return f"{count} cannot be decrypted with any key of ROWHOOK_MASTER_KEYS:"
    return (
        f"{count} encrypted with an older key in the meantime. Restart every worker"
        f" and API with {result.key} first in ROWHOOK_MASTER_KEYS, then run this command again."
    )


@list_group
def keys(**_: str | None) -> None:
    """Manage API keys. Without a command: `keys list`."""


@keys.command("list")
@click.option("--organization", metavar="ID", help="Only keys of this organization.")
@paging
@as_json
@with_reader
async def list_keys(
    ctx: ServiceContext, organization: str | None, limit: int, cursor: str | None, *, as_json: bool
) -> None:
    """List API keys, without the keys themselves."""
    owner = await organization_filter(ctx, organization)
    result = await access.list_keys(ctx, owner, cursor=cursor, limit=limit)
    if as_json:
        print_json(result)
        return
    rows = [
        {
            "id": key.id,
            "name": key.name,
            "organization": key.organization_id or "all (operator)",
            "scopes": key.scopes,
            "expires": key.expires_at or "never",
            "last used": key.last_used_at or "never",
        }
        for key in result.items
    ]
    empty = f"No keys. To create one: {program()} keys create --name NAME --scope read"
    show_page(rows, result.next_cursor, empty)


@keys.command()
@click.option("--name", required=True, help="Who or what uses the key. Shown in the audit log.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    required=True,
    help="Scope to grant. May be repeated.",
)
@_KEY_ORGANIZATION
@click.option("--expires-in", type=duration, help="Lifetime, e.g. 30d. Default: no expiry.")
@as_json
@with_context
async def create(
    ctx: ServiceContext,
    name: str,
    scopes: tuple[Scope, ...],
    organization: str | None,
    expires_in: timedelta | None,
    *,
    as_json: bool,
) -> None:
    """Create a key and print it once."""
    expires_at = None if expires_in is None else datetime.now(UTC) + expires_in
    owner = await organization_filter(ctx, organization)
    key = await access.create_key(ctx, owner, name, list(scopes), expires_at)
    if as_json:
        print_json(key)
        return
    target = f"organization {key.organization_id}" if key.organization_id else "all organizations"
    expiry = format_value(expires_at or "never")
    show(f"Key {key.id} for {target}: {', '.join(key.scopes)}; expires {expiry}.")
    show("Store the key now; it is not shown again:", f"  {key.key}")


@keys.command("delete")
@click.argument("key", type=click.UUID)
@with_context
async def delete_key(ctx: ServiceContext, key: UUID) -> None:
    """Delete a key. Requests with it are refused from now on."""
    await access.delete_key(ctx, key)
    show(f"Deleted key {key}.")
