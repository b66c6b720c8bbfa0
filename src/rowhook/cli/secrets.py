"""`rowhook secrets`: written and deleted, never read."""

from __future__ import annotations

import sys
from typing import BinaryIO
from uuid import UUID

import rich_click as click

from rowhook import operations
from rowhook.cli.opened import organization_of, with_office, with_registry
from rowhook.cli.options import as_json, noun, organization, pages
from rowhook.cli.refusal import Stopped
from rowhook.cli.table import page, print_json, show
from rowhook.operations import Office, Registry


@noun
def secrets(**_: str | None) -> None:
    """What templates name as {{secret:ID}}. Alone: `secrets list`."""


@secrets.command("list")
@organization
@pages
@as_json
@with_registry
async def list_(
    registry: Registry, organization: UUID | None, limit: int, cursor: str | None, *, as_json: bool
) -> None:
    """What may be known of an organization's secrets."""
    owner = await organization_of(registry, organization)
    found = await operations.list_secrets(registry, owner, cursor=cursor, limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [
        {"id": one.id, "version": one.version, "used by": _users(len(one.used_by)),
         "allowed_hosts": one.allowed_hosts or "any", "changed": one.updated_at}
        for one in found.items
    ]  # fmt: skip
    page(rows, found.next_cursor, "No secrets yet. Save one: rowhook secrets put ID")


def _users(count: int) -> str:
    return "1 webhook" if count == 1 else f"{count} webhooks"


@secrets.command()
@click.argument("secret")
@organization
@click.option("--value-file", type=click.File("rb"), help="A file that holds the value.")
@click.option(
    "--allowed-host", "hosts", multiple=True,
    help="The only host that it may be sent to; may be repeated.",
)  # fmt: skip
@with_office
async def put(
    office: Office, secret: str, organization: UUID | None, value_file: BinaryIO | None,
    hosts: tuple[str, ...],
) -> None:  # fmt: skip
    """Create or replace a secret. Its value is asked for, or read from standard input.

    One line break at the end is not part of it. Deliveries that are held for it are tried again.
    """
    owner = await organization_of(office, organization)
    version = await operations.put_secret(
        office, owner, secret, _value(value_file), list(hosts) or None
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
@with_registry
async def delete(registry: Registry, secret: str, organization: UUID | None) -> None:
    """Delete a secret. Refused while a webhook uses it."""
    owner = await organization_of(registry, organization)
    await operations.delete_secret(registry, owner, secret)
    show(f"Secret {secret} is deleted.")
