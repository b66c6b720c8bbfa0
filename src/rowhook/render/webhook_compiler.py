"""Compiles a webhook, reporting all its faults together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from rowhook.egress.errors import TargetForbidden, UrlRejected
from rowhook.egress.policy import EgressPolicy
from rowhook.egress.target_url import parse_target
from rowhook.model import Headers, RequestFrame
from rowhook.output_kinds import OUTPUT_KINDS
from rowhook.render.configuration import (
    Configuration,
    ConfigurationRejected,
    Fault,
    RequiredPath,
    field_faults,
    forced_headers,
    header_pointer,
    header_warnings,
)
from rowhook.schema.schema_compiler import Schema, SchemaRejected, compile_schema
from rowhook.security.redact import Redactor
from rowhook.template.compilation import OutputContext, body_context, is_json_lines
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
_LITERAL_HOST = re.compile(r"[^:/?#{]*://[^/?#{]*[/?#][^{]*")


class FaultCollector:
    """Collects compilation faults, each with its JSON pointer into the configuration."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def add(self, pointer: str, message: str, *, setting: str | None = None) -> None:
        """Adds a fault. `setting` is one that would allow the value."""
        self.faults.append(Fault(pointer=pointer, message=message, setting=setting))

    def template(self, pointer: str, source: str | None, place: OutputContext) -> Template | None:
        """Compiles a template, if there is one; returns None if it has faults."""
        try:
            return None if source is None else compile_template(source, place)
        except TemplateFaults as error:
            self._add_all(pointer, error)
        return None

    def condition(self, source: str | None) -> Condition | None:
        """Compiles the condition, if there is one."""
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
        """Compiles the schema, if there is one."""
        try:
            return None if document is None else compile_schema(document)
        except SchemaRejected as error:
            for pointer, message in error.faults:
                self.add(f"/schema{pointer}", message)
        return None


def default_headers(configured: Mapping[str, str], brand: str, *, sends_body: bool) -> Headers:
    """Returns the default headers that are not in `configured`."""
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


def compile_headers(
    headers: Mapping[str, str], forced: frozenset[str], collector: FaultCollector
) -> list[tuple[str, Template]]:
    """Compiles the configured headers, except those that Rowhook sets itself."""
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


def content_type_of(headers: Mapping[str, str], collector: FaultCollector) -> str | None:
    """Returns the configured Content-Type, which must not be a template, or None."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A compiled webhook with its secrets, for one revision and one version of the secrets."""

    id: UUID
    organization_id: UUID
    name: str
    kind: str
    revision: int
    secrets_version: int
    method: str
    url: Template | None
    headers: tuple[tuple[str, Template], ...]
    fixed_headers: Headers
    body: Template | None
    raw_payload: bool
    sends_body: bool
    is_json: bool
    is_json_lines: bool
    schema: Schema | None
    condition: Condition | None
    timeout_s: float
    secrets: Mapping[str, str]
    allowed_hosts: Mapping[str, tuple[str, ...]]
    redact: Callable[[str], str]
    sign: Callable[[str, int, bytes], Headers]
    warnings: tuple[str, ...]
    # By shape of the request; built when the first such request is stored.
    frames: dict[tuple[str, int, bool], RequestFrame] = field(default_factory=dict, compare=False)


def _literal_start(source: str) -> str | None:
    match = _LITERAL_HOST.match(source)
    return None if match is None else match[0]


def _check_url(template: Template, policy: EgressPolicy, collector: FaultCollector) -> None:
    # A template is checked up to its first expression, if that contains the host.
    literal = template.source if template.is_static else _literal_start(template.source)
    if literal is None:
        return
    try:
        parse_target(literal, policy)
    except (TargetForbidden, UrlRejected) as error:
        collector.add("/url", str(error), setting=error.setting)


def _check_kind(
    configuration: Configuration,
    body: Template | None,
    headers: list[tuple[str, Template]],
    collector: FaultCollector,
) -> None:
    name = configuration.kind
    kind = OUTPUT_KINDS.get(name)
    if kind is None:
        return
    if kind.is_public and body is not None and body.secrets:
        collector.add(
            "/body_template",
            f"A {name} output must not contain a secret, because the page could read it.",
        )
    if headers and not kind.has_headers:
        collector.add("/headers", f"A {name} output has no headers. Remove them.")
    if configuration.ordered and kind.is_always_ordered:
        collector.add(
            "/ordered", f"A {name} output is always delivered in order. Remove this field."
        )


class _Parts(NamedTuple):
    """The fields of a Webhook that are compiled from its configuration."""

    url: Template | None
    headers: tuple[tuple[str, Template], ...]
    body: Template | None
    is_json: bool
    is_json_lines: bool
    schema: Schema | None
    condition: Condition | None


def _compile_parts(configuration: Configuration, brand: str, policy: EgressPolicy | None) -> _Parts:
    """Compiles templates, schema and condition. Raises ConfigurationRejected with all faults."""
    collector = FaultCollector()
    collector.faults.extend(field_faults(configuration))
    content_type = content_type_of(configuration.headers, collector)
    output_context = body_context(content_type)
    has_lines = is_json_lines(content_type)
    if configuration.schema is not None and (output_context is not OutputContext.JSON or has_lines):
        collector.add(
            "/schema",
            "A schema requires a JSON body. Remove the schema or change the Content-Type.",
        )
    headers = compile_headers(configuration.headers, forced_headers(brand), collector)
    body = collector.template("/body_template", configuration.body_template, output_context)
    url = collector.template("/url", configuration.url, OutputContext.URL)
    if url is not None and policy is not None:
        _check_url(url, policy, collector)
    _check_kind(configuration, body, headers, collector)
    parts = _Parts(
        url=url,
        headers=tuple(headers),
        body=body,
        is_json=output_context is OutputContext.JSON,
        is_json_lines=has_lines,
        schema=collector.schema(configuration.schema),
        condition=collector.condition(configuration.condition),
    )
    if collector.faults:
        raise ConfigurationRejected(collector.faults)
    return parts


def compile_webhook(
    configuration: Configuration,
    *,
    identity: Mapping[str, Any],
    brand: str,
    policy: EgressPolicy | None = None,
    secrets: Mapping[str, str] | None = None,
    allowed_hosts: Mapping[str, tuple[str, ...]] | None = None,
    sign: Callable[[str, int, bytes], Headers] = lambda _key, _time, _body: (),
    hidden: tuple[tuple[str, str], ...] = (),
) -> Webhook:
    """Compiles a webhook. `identity` has id, organization_id, revision and secrets_version.

    With `policy`, as for a save, a literal target that is not allowed is a fault; deliveries check
    the target when they connect. Raises ConfigurationRejected with all faults.
    """
    parts = _compile_parts(configuration, brand, policy)
    sends_body = (
        configuration.method not in ("GET", "DELETE")
        or configuration.raw_payload
        or parts.body is not None
    )
    return Webhook(
        **parts._asdict(),
        name=configuration.name,
        kind=configuration.kind,
        method=configuration.method,
        fixed_headers=default_headers(configuration.headers, brand, sends_body=sends_body),
        raw_payload=configuration.raw_payload,
        sends_body=sends_body,
        timeout_s=configuration.timeout_s,
        secrets=secrets or {},
        allowed_hosts=allowed_hosts or {},
        redact=Redactor(hidden).text,
        sign=sign,
        warnings=tuple(message for _, message in header_warnings(configuration.headers, brand)),
        **identity,
    )


def required_paths(webhook: Webhook) -> list[RequiredPath]:
    """Returns the paths in data and context that every render needs, sorted."""
    parts = [
        webhook.url,
        webhook.body,
        webhook.condition,
        *(template for _, template in webhook.headers),
    ]
    return sorted(
        {
            RequiredPath(use.root, use.path)
            for part in parts
            if part is not None
            for use in part.paths
            if use.required
        }
    )


def used_secrets(webhook: Webhook) -> frozenset[str]:
    """Returns the ids of the secrets that the templates use."""
    parts = [webhook.url, webhook.body, *(template for _, template in webhook.headers)]
    return frozenset().union(*(part.secrets for part in parts if part is not None))
