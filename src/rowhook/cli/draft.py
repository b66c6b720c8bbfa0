"""Builds the draft of a webhook from a file or from options."""

from __future__ import annotations

import re
from typing import Any, BinaryIO

import msgspec
import rich_click as click

from rowhook import operations
from rowhook.api.webhooks import WebhookDraft
from rowhook.operations import ReadResult

_COLON = re.compile(r"[:=]")


def draft_of(file: BinaryIO | None, options: dict[str, Any]) -> ReadResult[WebhookDraft]:
    """Reads a webhook draft, with the faults of its fields. Raises UsageError, InvalidDocument."""
    if file is not None:
        if options:
            raise click.UsageError("--file holds the whole webhook. Leave out the other options.")
        return operations.read_with_faults(file.read(), WebhookDraft)
    if not options:
        raise click.UsageError("Pass --name and --url, or --file.")
    if "headers" in options:
        options["headers"] = dict(map(_header, options["headers"]))
    if "schema_file" in options:
        options["schema"] = _schema(options.pop("schema_file"))
    return operations.read_with_faults(msgspec.json.encode(options), WebhookDraft)


def _header(text: str) -> tuple[str, str]:
    name, *value = _COLON.split(text, maxsplit=1)
    if not value:
        raise click.BadParameter("Use 'Name: value'.", param_hint="--header")
    return name.strip(), value[0].strip()


def _schema(file: BinaryIO) -> Any:
    try:
        return msgspec.json.decode(file.read())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"Invalid JSON: {error}.", param_hint="--schema-file") from error
