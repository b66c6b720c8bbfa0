"""Compiles the templates, headers and schema of a webhook, and collects their faults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from rowhook import json_pointer
from rowhook.model import Headers
from rowhook.render.configuration import Fault
from rowhook.schema.schema_compiler import Schema, SchemaRejected, compile_schema
from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import Condition, Template, compile_condition, compile_template
from rowhook.template.faults import TemplateFaults

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORBIDDEN = frozenset(
    (
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "accept-encoding",
    )
)
_MAX_HEADERS = 50


class FaultCollector:
    """Collects compilation faults, each with its JSON pointer into the configuration."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def add(self, pointer: str, message: str, *, setting: str | None = None) -> None:
        """Add a fault. `setting` is one that would allow the value."""
        self.faults.append(Fault(pointer=pointer, message=message, setting=setting))

    def template(self, pointer: str, source: str | None, place: OutputContext) -> Template | None:
        """Compile a template, if there is one; return None if it has faults."""
        try:
            return None if source is None else compile_template(source, place)
        except TemplateFaults as error:
            self._add_all(pointer, error)
        return None

    def condition(self, source: str | None) -> Condition | None:
        """Compile the condition, if there is one."""
        try:
            return None if source is None else compile_condition(source)
        except TemplateFaults as error:
            self._add_all("/condition", error)
        return None

    def _add_all(self, pointer: str, error: TemplateFaults) -> None:
        self.faults.extend(
            Fault(pointer=pointer, message=str(fault), line=fault.line, column=fault.column)
            for fault in error.faults
        )

    def schema(self, document: object) -> Schema | None:
        """Compile the schema, if there is one."""
        try:
            return None if document is None else compile_schema(document)
        except SchemaRejected as error:
            for pointer, message in error.faults:
                self.add(f"/schema{pointer}", message)
        return None


def added_headers(brand: str) -> tuple[str, ...]:
    """Return the names of the headers that are added to every request, in the order sent."""
    standard = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return ("Idempotency-Key", f"X-{brand}-Signature", *standard)


def forced_headers(brand: str) -> frozenset[str]:
    """Return the lower-case names of headers that a webhook cannot override."""
    return frozenset(name.lower() for name in (*added_headers(brand), "X-Roxels-Signature"))


def custom_header_names(names: Iterable[str], brand: str) -> list[str]:
    """Return the lower-case names of the configured headers that are sent."""
    forced = forced_headers(brand)
    return [name.lower() for name in names if name.lower() not in forced]


def default_headers(configured: Mapping[str, str], brand: str, *, sends_body: bool) -> Headers:
    """Return the default headers that are not in `configured`."""
    defaults = [("User-Agent", f"{brand}-Webhook/1")]
    if sends_body:
        defaults.append(("Content-Type", "application/json"))
    named = {name.lower() for name in configured}
    return tuple((name, value) for name, value in defaults if name.lower() not in named)


def _header_faults(name: str, seen: set[str]) -> Iterator[str]:
    lower = name.lower()
    if _TOKEN.fullmatch(name) is None:
        yield "A header name consists of letters, digits and -_.!#$%&'*+^`|~ (RFC 9110, 5.6.2)."
    if lower in _FORBIDDEN or lower.startswith("proxy-"):
        yield f"{name} is set by the connection. Remove it."
    if lower in seen:
        yield f"{name} occurs twice, in different case. Keep one."


def header_pointer(name: str) -> str:
    """Return the JSON pointer of a header in a configuration."""
    return json_pointer.join(["headers", name])


def compile_headers(
    headers: Mapping[str, str], forced: frozenset[str], collector: FaultCollector
) -> list[tuple[str, Template]]:
    """Compile the configured headers, except those that Rowhook sets itself."""
    compiled: list[tuple[str, Template]] = []
    seen: set[str] = set()
    if len(headers) > _MAX_HEADERS:
        collector.add(
            "/headers", f"Must have at most {_MAX_HEADERS} headers, but has {len(headers)}."
        )
    for name, source in headers.items():
        pointer = header_pointer(name)
        for message in _header_faults(name, seen):
            collector.add(pointer, message)
        seen.add(name.lower())
        if name.lower() in forced:
            continue
        template = collector.template(pointer, source, OutputContext.HEADER)
        if template is not None:
            compiled.append((name, template))
    return compiled


def header_warnings(headers: Iterable[str], brand: str) -> list[tuple[str, str]]:
    """Return each configured header that Rowhook sets itself, with a warning."""
    forced = forced_headers(brand)
    return [
        (name, f"{name} is set by Rowhook. The value configured here is not sent.")
        for name in headers
        if name.lower() in forced
    ]


def content_type_of(headers: Mapping[str, str], collector: FaultCollector) -> str | None:
    """Return the configured Content-Type, which must not be a template, or None."""
    for name, value in headers.items():
        if name.lower() == "content-type":
            if "{" in value:
                collector.add(
                    header_pointer(name),
                    "Content-Type must not contain expressions, because it selects the escaping.",
                )
                return None
            return value
    return None
