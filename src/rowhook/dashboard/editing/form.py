"""The editor's form: a webhook as its fields, and the fields as a draft with all its faults."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from rowhook.compose import Configuration, Fault, broken_at
from rowhook.dashboard.editing import schedule
from rowhook.dashboard.given import FormData
from rowhook.operations import Read, read_partly
from rowhook.operations.intake import verbatim

Fields = dict[str, Any]
_TEXTS = (
    "name",
    "description",
    "url",
    "condition",
    "schema",
    "metadata",
    "headers",
    "body_template",
    "retry_schedule_s",
    "timeout_s",
    "max_in_flight",
    "rate_per_s",
)
_NUMBERS = ("timeout_s", "max_in_flight", "rate_per_s")


def fields_of(given: Configuration) -> Fields:
    """What stands in the form of a webhook."""
    body = "raw" if given.raw_payload else "default" if given.body_template is None else "template"
    return {
        "name": given.name,
        "description": given.description or "",
        "kind": given.kind,
        "url": given.url or "",
        "method": given.method,
        "body": body,
        "displayed_body": body,
        "headers": "\n".join(f"{name}: {value}" for name, value in given.headers.items()),
        "body_template": given.body_template or "",
        "condition": given.condition or "",
        "schema": "" if given.schema is None else _pretty(given.schema),
        "metadata": _pretty(given.metadata) if given.metadata else "",
        "event_types": list(given.event_types),
        "ordered": given.ordered,
        "retry_schedule_s": schedule.format_schedule(given.retry_schedule_s),
        "timeout_s": schedule.format_number(given.timeout_s),
        "max_in_flight": str(given.max_in_flight),
        "rate_per_s": "" if given.rate_per_s is None else schedule.format_number(given.rate_per_s),
    }


def _pretty(document: object) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def read_fields(form: FormData) -> Fields:
    """What was typed, as it was typed: a refusal loses nothing of it."""
    chosen, shown = form.text("body") or "template", form.text("displayed_body") or ""
    return {name: form.raw(name) for name in _TEXTS} | {
        "kind": form.text("kind") or "http",
        "method": form.text("method") or "POST",
        "body": body_kind(chosen, form.raw("body_template")) if chosen == shown else chosen,
        "displayed_body": shown,
        "event_types": form.all("event_types"),
        "ordered": form.flag("ordered"),
    }


def keep_line_ends(present: Configuration, typed: Fields) -> Fields:
    """What was typed over a webhook; where line ends alone differ, as they are kept.

    A browser sends its own, but what a template makes of its own goes over the wire.
    """
    kept = fields_of(present)
    return {
        name: kept[name]
        if isinstance(text, str) and text == _normalize_line_ends(kept[name])
        else text
        for name, text in typed.items()
    }


def _normalize_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def body_kind(shown: str, template: str) -> str:
    """The body where nobody chose another than the one shown: a template that is there is it."""
    if template.strip():
        return "template"
    return "default" if shown == "template" else shown


def draft_of(fields: Fields) -> Read[Configuration]:
    """The draft that an API call would bring, and what the fields themselves have wrong."""
    reader = _Reader(fields)
    document = reader.document()
    read = read_partly(msgspec.json.encode(document), Configuration)
    return Read(read.document, (*reader.faults, *read.faults))


class HeaderLine(NamedTuple):
    """A header as it is typed: its value begins behind so many characters; None without a colon."""

    number: int
    name: str
    value: str | None
    begins: int


def header_lines(text: str) -> Iterator[HeaderLine]:
    """The headers of a text, `Name: value` a line, numbered from 1; empty lines are passed over."""
    for number, line in enumerate(text.split("\n"), 1):
        name, colon, value = line.partition(":")
        if line.strip():
            begins = len(line) - len(value.lstrip())
            yield HeaderLine(number, name.strip(), value.strip() if colon else None, begins)


class _Reader:
    """Reads field after field, and keeps every fault."""

    def __init__(self, fields: Fields) -> None:
        self.faults: list[Fault] = []
        self._fields = fields

    def document(self) -> dict[str, Any]:
        fields = self._fields
        made: dict[str, Any] = {
            "name": fields["name"],
            "description": fields["description"] or None,
            "kind": fields["kind"],
            "condition": fields["condition"].strip() or None,
            "event_types": fields["event_types"],
            "ordered": fields["ordered"],
            "headers": self._headers(),
            "raw_payload": fields["body"] == "raw",
            "schema": self._json("schema"),
            "metadata": self._json("metadata") or {},
        }
        if fields["kind"] == "http":
            made |= {"url": fields["url"].strip(), "method": fields["method"]}
        if fields["body"] == "template":
            made["body_template"] = fields["body_template"]
        return made | self._limits()

    def _limits(self) -> dict[str, Any]:
        made: dict[str, Any] = {name: self._number(name) for name in _NUMBERS}
        try:
            made["retry_schedule_s"] = schedule.parse_schedule(self._fields["retry_schedule_s"])
        except ValueError as error:
            self._add_fault("/retry_schedule_s", str(error))
        return {name: value for name, value in made.items() if value is not None}

    def _headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in header_lines(self._fields["headers"]):
            if line.value is None:
                self._add_fault(
                    "/headers", f"Line {line.number} has no colon. Write Name: value.", line.number
                )
            elif line.name in found:
                self._add_fault(
                    "/headers",
                    f"Line {line.number}: the header {line.name} occurs twice.",
                    line.number,
                )
            else:
                found[line.name] = line.value
        return found

    def _json(self, name: str) -> Any:
        text = self._fields[name].strip()
        if not text:
            return None
        try:
            kept = verbatim(text.encode())
            msgspec.json.decode(kept)
        except msgspec.ValidationError as error:
            self._add_fault(f"/{name}", f"This value cannot be stored: {error}")
        except (msgspec.DecodeError, UnicodeError) as error:
            place = broken_at(self._fields[name]) or (None, None)
            self._add_fault(f"/{name}", f"Invalid JSON: {error}", *place)
        else:
            return kept
        return None

    def _number(self, name: str) -> float | int | None:
        text = self._fields[name].strip()
        if not text:
            return None
        try:
            number = int(text) if text.isdecimal() else float(text)
            if math.isfinite(number):
                return number
        except (ValueError, OverflowError):
            pass
        # JSON has no words for what is not finite: it would be read as no limit.
        self._add_fault(f"/{name}", "Enter a number.")
        return None

    def _add_fault(
        self, pointer: str, message: str, line: int | None = None, column: int | None = None
    ) -> None:
        self.faults.append(Fault(pointer=pointer, message=message, line=line, column=column))
