"""A webhook to create, as the command line gives it: a file, or a few options."""

from __future__ import annotations

import re
from typing import Any, BinaryIO

import msgspec
import rich_click as click

from rowhook import operations
from rowhook.api.webhooks import WebhookDraft
from rowhook.operations import Read

_COLON = re.compile(r"[:=]")


def draft_of(file: BinaryIO | None, written: dict[str, Any]) -> Read[WebhookDraft]:
    """What could be read of the draft, and what not. Raises UsageError, NotReadable."""
    if file is not None:
        if written:
            names = ", ".join(sorted(written))
            raise click.UsageError(f"--file says all of it: leave out {names}")
        return operations.read_partly(file.read(), WebhookDraft)
    if not written:
        raise click.UsageError("say --name and --url, or --file")
    if "headers" in written:
        written["headers"] = dict(map(_header, written["headers"]))
    if "schema_file" in written:
        written["schema"] = _schema(written.pop("schema_file"))
    return operations.read_partly(msgspec.json.encode(written), WebhookDraft)


def _header(text: str) -> tuple[str, str]:
    name, *value = _COLON.split(text, maxsplit=1)
    if not value:
        raise click.BadParameter("write 'Name: value'", param_hint="--header")
    return name.strip(), value[0].strip()


def _schema(file: BinaryIO) -> Any:
    try:
        return msgspec.json.decode(file.read())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"it is not JSON: {error}", param_hint="--schema-file") from error
