"""The editor's form: a webhook as fields, and fields as a draft with all its faults."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from rowhook.dashboard.form_fields import FormData
from rowhook.json_pointer import syntax_error_position
from rowhook.output_kinds import OUTPUT_KINDS
from rowhook.render.configuration import Configuration, Fault
from rowhook.services.json_reader import ReadResult, read_with_faults, verbatim

_DELAY = re.compile(r"(?P<count>\d+(?:\.\d+)?)\s*(?P<unit>s|sec|m|min|h|d)?")
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
Fields = dict[str, Any]


def format_schedule(delays_s: list[float]) -> str:
    """Formats delays, each in its largest whole unit."""
    return ", ".join(map(_format_delay, delays_s))


def _format_delay(delay_s: float) -> str:
    if delay_s == 0:
        return "0"
    for size, unit in _UNITS:
        if delay_s % size == 0:
            return f"{format_number(delay_s / size)} {unit}"
    return f"{format_number(delay_s)} s"


def format_number(number: float) -> str:
    """Formats a number exactly and without an exponent."""
    return f"{int(number)}" if number == int(number) else f"{Decimal(repr(number)):f}"


def parse_schedule(text: str) -> list[float]:
    """Parses delays into seconds. Raises ValueError naming the invalid delay."""
    parts = text.replace(";", ",").split(",")
    return [_parse_delay(part.strip()) for part in parts if part.strip()]


def _parse_delay(text: str) -> float:
    match = _DELAY.fullmatch(text)
    if match is None:
        raise ValueError(f"Invalid delay '{text}'. Enter seconds, or e.g. 5 s, 30 min, 2 h, 1 d.")
    seconds = float(match["count"]) * _SECONDS[match["unit"] or "s"]
    return int(seconds) if seconds.is_integer() else seconds


class EditorField(NamedTuple):
    """A number or a switch of the form."""

    name: str
    label: str
    hint: str = ""


NUMBER_FIELDS = (
    EditorField("timeout_s", "Timeout (seconds)", "1 to 30"),
    EditorField("max_in_flight", "Max requests in flight"),
    EditorField("rate_per_s", "Max requests per second", "Leave it empty for no limit"),
)
SWITCH_FIELDS = (EditorField("ordered", "Ordered: sent one at a time, in commit order"),)

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
    "external_id",
    *(field.name for field in NUMBER_FIELDS),
)


def fields_of(configuration: Configuration) -> Fields:
    """The field values of a configuration."""
    body = (
        "raw"
        if configuration.raw_payload
        else "default"
        if configuration.body_template is None
        else "template"
    )
    return {
        "name": configuration.name,
        "description": configuration.description or "",
        "kind": configuration.kind,
        "url": configuration.url or "",
        "method": configuration.method,
        "body": body,
        "displayed_body": body,
        "headers": "\n".join(f"{name}: {value}" for name, value in configuration.headers.items()),
        "body_template": configuration.body_template or "",
        "condition": configuration.condition or "",
        "schema": "" if configuration.schema is None else _pretty(configuration.schema),
        "metadata": _pretty(configuration.metadata) if configuration.metadata else "",
        "event_types": list(configuration.event_types),
        "retry_schedule_s": format_schedule(configuration.retry_schedule_s),
        "external_id": configuration.external_id or "",
        **{field.name: getattr(configuration, field.name) for field in SWITCH_FIELDS},
        **{
            field.name: "" if number is None else format_number(number)
            for field in NUMBER_FIELDS
            for number in (getattr(configuration, field.name),)
        },
    }


def _pretty(document: object) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def read_fields(form: FormData) -> Fields:
    """Reads the fields as typed, so that the form can show them again."""
    selected, displayed = form.text("body") or "template", form.text("displayed_body") or ""
    return {name: form.raw(name) for name in _TEXTS} | {
        "kind": form.text("kind") or "http",
        "method": form.text("method") or "POST",
        "body": body_kind(selected, form.raw("body_template"))
        if selected == displayed
        else selected,
        "displayed_body": displayed,
        "event_types": form.all("event_types"),
        **{field.name: form.flag(field.name) for field in SWITCH_FIELDS},
    }


def keep_line_ends(present: Configuration, typed: Fields) -> Fields:
    """Restores the stored line ends of fields that differ from the configuration only in those.

    Browsers normalize line ends, but those of a template are part of the request it renders.
    """
    stored = fields_of(present)
    return {
        name: stored[name]
        if isinstance(text, str) and text == _normalize_line_ends(stored[name])
        else text
        for name, text in typed.items()
    }


def _normalize_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def body_kind(displayed: str, template: str) -> str:
    """The kind of body if the displayed choice was not changed: a non-empty template wins."""
    if template.strip():
        return "template"
    return "default" if displayed == "template" else displayed


def draft_of(fields: Fields) -> ReadResult[Configuration]:
    """Converts the fields to a draft, as an API call would, and collects all faults."""
    reader = _Reader(fields)
    document = reader.document()
    result = read_with_faults(msgspec.json.encode(document), Configuration)
    return ReadResult(result.document, (*reader.faults, *result.faults))


class HeaderLine(NamedTuple):
    """A line of the headers field. `value` is None without a colon, and starts at `begins`."""

    number: int
    name: str
    value: str | None
    begins: int


def header_lines(text: str) -> Iterator[HeaderLine]:
    """Parses `Name: value` lines, numbered from 1. Skips empty lines."""
    for number, line in enumerate(text.split("\n"), 1):
        name, colon, value = line.partition(":")
        if line.strip():
            begins = len(line) - len(value.lstrip())
            yield HeaderLine(number, name.strip(), value.strip() if colon else None, begins)


class _Reader:
    """Reads the fields and collects their faults."""

    def __init__(self, fields: Fields) -> None:
        self.faults: list[Fault] = []
        self._fields = fields

    def document(self) -> dict[str, Any]:
        fields = self._fields
        document: dict[str, Any] = {
            "name": fields["name"],
            "description": fields["description"] or None,
            "external_id": fields["external_id"] or None,
            "kind": fields["kind"],
            "condition": fields["condition"].strip() or None,
            "event_types": fields["event_types"],
            **{field.name: fields[field.name] for field in SWITCH_FIELDS},
            "headers": self._headers(),
            "raw_payload": fields["body"] == "raw",
            "schema": self._json("schema"),
            "metadata": self._json("metadata") or {},
        }
        if fields["kind"] not in OUTPUT_KINDS or OUTPUT_KINDS[fields["kind"]].has_url:
            document |= {"url": fields["url"].strip(), "method": fields["method"]}
        if fields["body"] == "template":
            document["body_template"] = fields["body_template"]
        return document | self._limits()

    def _limits(self) -> dict[str, Any]:
        document: dict[str, Any] = {field.name: self._number(field.name) for field in NUMBER_FIELDS}
        try:
            document["retry_schedule_s"] = parse_schedule(self._fields["retry_schedule_s"])
        except ValueError as error:
            self._add_fault("/retry_schedule_s", str(error))
        return {name: value for name, value in document.items() if value is not None}

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for line in header_lines(self._fields["headers"]):
            if line.value is None:
                self._add_fault(
                    "/headers", f"Line {line.number} has no colon. Write Name: value.", line.number
                )
            elif line.name in headers:
                self._add_fault(
                    "/headers",
                    f"Line {line.number}: the header {line.name} occurs twice.",
                    line.number,
                )
            else:
                headers[line.name] = line.value
        return headers

    def _json(self, name: str) -> Any:
        text = self._fields[name].strip()
        if not text:
            return None
        try:
            raw = verbatim(text.encode())
            msgspec.json.decode(raw)
        except msgspec.ValidationError as error:
            self._add_fault(f"/{name}", f"This value cannot be stored: {error}")
        except (msgspec.DecodeError, UnicodeError) as error:
            position = syntax_error_position(self._fields[name]) or (None, None)
            reason = str(error).removeprefix("JSON is malformed: ")
            self._add_fault(f"/{name}", f"Invalid JSON: {reason}", *position)
        else:
            return raw
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
        # JSON cannot express non-finite numbers: they would be read as no limit.
        self._add_fault(f"/{name}", "Enter a number.")
        return None

    def _add_fault(
        self, pointer: str, message: str, line: int | None = None, column: int | None = None
    ) -> None:
        self.faults.append(Fault(pointer=pointer, message=message, line=line, column=column))
