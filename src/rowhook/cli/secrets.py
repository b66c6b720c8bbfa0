"""`rowhook secrets`: written and deleted, never read."""

from __future__ import annotations

import sys
from typing import BinaryIO

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from rowhook import operations
from rowhook.cli.opened import organization_of, with_keyring, with_reader, with_context
from rowhook.cli.options import as_json, noun, organization, pages
from rowhook.cli.refusal import Stopped
from rowhook.cli.table import page, print_json, show
from rowhook.operations import KeyringContext, ServiceContext, Rekeyed


@noun
def secrets(**_: str | None) -> None:
    """What templates name as {{secret:ID}}. Alone: `secrets list`."""


@secrets.command("list")
@organization
@pages
@as_json
@with_reader
async def list_(
    registry: ServiceContext, organization: str | None, limit: int, cursor: str | None, *, as_json: bool
) -> None:
    """What may be known of an organization's secrets."""
    owner = await organization_of(registry, organization)
    found = await operations.list_secrets(registry, owner, cursor=cursor, limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [
        {
            "id": one.id,
            "version": one.version,
            "used by": _users(len(one.used_by)),
            "allowed_hosts": one.allowed_hosts or "any",
            "changed": one.updated_at,
        }
        for one in found.items
    ]
    page(rows, found.next_cursor, "No secrets yet. Save one: rowhook secrets put ID")


def _users(count: int) -> str:
    return "1 webhook" if count == 1 else f"{count} webhooks"


@secrets.command()
@click.argument("secret")
@organization
@click.option("--value-file", type=click.File("rb"), help="A file that holds the value.")
@click.option(
    "--allowed-host",
    "hosts",
    multiple=True,
    help="The only host that it may be sent to; may be repeated.",
)
@with_keyring
async def put(
    ctx: KeyringContext,
    secret: str,
    organization: str | None,
    value_file: BinaryIO | None,
    hosts: tuple[str, ...],
) -> None:
    """Create or replace a secret. Its value is asked for, or read from standard input.

    One line break at the end is not part of it. Deliveries that are held for it are tried again.
    """
    owner = await organization_of(ctx, organization)
    version = await operations.put_secret(
        ctx, owner, secret, _value(value_file), list(hosts) or None
    )
    show(f"Secret {secret} is saved, version {version}. Templates name it {{{{secret:{secret}}}}}.")


def _value(file: BinaryIO | None) -> str:
    if file is None and sys.stdin.isatty():
        answer: str = click.prompt("Value", hide_input=True, confirmation_prompt=True, err=True)
        return answer
    given = (file or sys.stdin.buffer).read()
    try:
        return given.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Stopped("the value must be UTF-8 text; encode bytes first, e.g. as base64") from None


@secrets.command()
@click.argument("secret")
@organization
@with_context
async def delete(registry: ServiceContext, secret: str, organization: str | None) -> None:
    """Delete a secret. Refused while a webhook uses it."""
    owner = await organization_of(registry, organization)
    await operations.delete_secret(registry, owner, secret)
    show(f"Secret {secret} is deleted.")


@secrets.command()
@as_json
@with_keyring
async def rekey(ctx: KeyringContext, *, as_json: bool) -> None:
    """Seal everything anew under the newest key of ROWHOOK_MASTER_KEYS.

    Workers and APIs may run on, if all have both keys, the newest in front. After a kill run it
    again: it takes up what is left. Exit code 1 while anything is not under the newest key.
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
        bar = progress.add_task("sealing anew", total=None)
        found = await operations.rekey(
            ctx, lambda done, total: progress.update(bar, completed=done, total=total)
        )
    if as_json:
        print_json(found)
    else:
        show(_rekeyed(found))
    if found.left:
        raise Stopped(_left(found), *found.closed)


def _rekeyed(found: Rekeyed) -> str:
    if not found.resealed:
        return f"Nothing to do: no row is under an older key than {found.key}."
    return (
        f"Sealed anew under {found.key}: secrets {found.secrets}, signing secrets"
        f" {found.signing_secrets}, kept answers {found.answers}, keyring check {found.keyring}."
    )


def _left(found: Rekeyed) -> str:
    if found.closed:
        return f"{found.left} left, which no key of ROWHOOK_MASTER_KEYS opens:"
    return (
        f"{found.left} left, sealed meanwhile under an older key: start every worker and API with"
        f" {found.key} in front, then run this again"
    )
