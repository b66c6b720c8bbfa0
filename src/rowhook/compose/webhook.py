"""A webhook compiled: once a revision and its secrets, every fault of it in one answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rowhook.compose.configuration import (
    Configuration,
    ConfigurationRejected,
    Fault,
    RequiredPath,
    field_faults,
)
from rowhook.delivery import Headers
from rowhook.egress import Egress, TargetForbidden, UrlRejected, parse_target
from rowhook.redact import Redactor
from rowhook.schema import Schema, SchemaRejected, compile_schema
from rowhook.template import (
    Condition,
    Place,
    Template,
    TemplateFaults,
    body_place,
    compile_condition,
    compile_template,
)

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REFUSED = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer",
     "upgrade", "expect", "accept-encoding")
)  # fmt: skip
_WRITTEN_HOST = re.compile(r"[^:/?#{]*://[^/?#{]*[/?#][^{]*")
_MOST_HEADERS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A compiled webhook, with the secrets it needs. Made once for a revision and its secrets."""

    id: UUID
    organization_id: UUID
    name: str
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
    schema: Schema | None
    condition: Condition | None
    timeout_s: float
    secrets: Mapping[str, str]
    allowed_hosts: Mapping[str, tuple[str, ...]]
    redact: Callable[[str], str]
    sign: Callable[[str, int, bytes], Headers]
    warnings: tuple[str, ...]


def _forced(brand: str) -> frozenset[str]:
    ours = ("idempotency-key", "x-roxels-signature", "webhook-id", "webhook-timestamp")
    return frozenset((*ours, "webhook-signature", f"x-{brand.lower()}-signature"))


class _Collector:
    """Compiles part after part and keeps what each refuses."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def say(self, pointer: str, message: str) -> None:
        self.faults.append(Fault(pointer=pointer, message=message))

    def template(self, pointer: str, source: str, place: Place) -> Template | None:
        try:
            return compile_template(source, place)
        except TemplateFaults as refused:
            for one in refused.faults:
                self.say(pointer, f"line {one.line}, column {one.column}: {one.message}")
        return None

    def condition(self, source: str | None) -> Condition | None:
        try:
            return None if source is None else compile_condition(source)
        except TemplateFaults as refused:
            for one in refused.faults:
                self.say("/condition", f"line {one.line}, column {one.column}: {one.message}")
        return None

    def schema(self, document: object) -> Schema | None:
        try:
            return None if document is None else compile_schema(document)
        except SchemaRejected as refused:
            for pointer, message in refused.faults:
                self.say(f"/schema{pointer}", message)
        return None


def _header_faults(name: str, seen: set[str]) -> Iterator[str]:
    lower = name.lower()
    if _TOKEN.fullmatch(name) is None:
        yield "a header name is letters, digits and -_.!#$%&'*+^`|~ (RFC 9110, 5.6.2)"
    if lower in _REFUSED or lower.startswith("proxy-"):
        yield f"{name} is set by the connection itself: leave it out"
    if lower in seen:
        yield f"{name} is given twice, in different case: keep one"


def _compile_headers(
    headers: Mapping[str, str], forced: frozenset[str], collect: _Collector
) -> list[tuple[str, Template]]:
    kept: list[tuple[str, Template]] = []
    seen: set[str] = set()
    if len(headers) > _MOST_HEADERS:
        collect.say("/headers", f"{len(headers)} headers: at most {_MOST_HEADERS} are sent")
    for name, source in headers.items():
        pointer = "/headers/" + name.replace("~", "~0").replace("/", "~1")
        for message in _header_faults(name, seen):
            collect.say(pointer, message)
        seen.add(name.lower())
        if name.lower() in forced:
            continue
        template = collect.template(pointer, source, Place.HEADER)
        if template is not None:
            kept.append((name, template))
    return kept


def header_warnings(headers: Iterable[str], brand: str) -> list[str]:
    """A sentence for each header that is named in vain: ours is sent in its place (CONTRACT §4)."""
    forced = _forced(brand)
    return [
        f"{name} is Rowhook's own: its value is sent once, yours is not"
        for name in headers
        if name.lower() in forced
    ]


def _content_type(headers: Mapping[str, str], collect: _Collector) -> str | None:
    for name, value in headers.items():
        if name.lower() == "content-type":
            if "{" in value:
                collect.say(
                    f"/headers/{name}", "Content-Type decides the escapes: write it plainly"
                )
                return None
            return value
    return None


def _written_start(source: str) -> str | None:
    found = _WRITTEN_HOST.match(source)
    return None if found is None else found[0]


def _check_url(template: Template, policy: Egress, collect: _Collector) -> None:
    # With an expression in it, as far as the first one: the host may be written out before.
    written = template.source if template.is_static else _written_start(template.source)
    if written is None:
        return
    try:
        parse_target(written, policy)
    except TargetForbidden as refused:
        hint = f"; {refused.hint}" if refused.hint else ""
        collect.say("/url", f"{refused}{hint}")
    except UrlRejected as refused:
        collect.say("/url", str(refused))


def _check_frontend(
    given: Configuration, body: Template | None, headers: list[tuple[str, Template]],
    collect: _Collector,
) -> None:  # fmt: skip
    if body is not None and body.secrets:
        collect.say("/body_template", "a page would read the secret: leave it out")
    if headers:
        collect.say("/headers", "a page is sent no headers: leave them out")
    if given.ordered:
        collect.say("/ordered", "a session's callbacks have one order already: leave it out")


def compile_webhook(
    given: Configuration, *, identity: Mapping[str, Any], brand: str, policy: Egress | None = None,
    secrets: Mapping[str, str] | None = None,
    allowed_hosts: Mapping[str, tuple[str, ...]] | None = None,
    sign: Callable[[str, int, bytes], Headers] = lambda _key, _time, _body: (),
    hidden: tuple[tuple[str, str], ...] = (),
) -> Webhook:  # fmt: skip
    """Compiles every part; `identity` holds id, organization_id, revision and secrets_version.

    Raises ConfigurationRejected with all faults. A save passes `policy`, and a literal target that
    may not be called is a fault; a delivery does not: its target is checked when it is dialled.
    """
    collect = _Collector()
    collect.faults.extend(field_faults(given))
    content_type = _content_type(given.headers, collect)
    place = body_place(content_type)
    if given.schema is not None and place is not Place.JSON:
        collect.say("/schema", "a schema needs a JSON body: remove it, or the Content-Type")
    headers = _compile_headers(given.headers, _forced(brand), collect)
    body = None
    if given.body_template is not None:
        body = collect.template("/body_template", given.body_template, place)
    url = None if given.url is None else collect.template("/url", given.url, Place.URL)
    if url is not None and policy is not None:
        _check_url(url, policy, collect)
    if given.kind == "frontend":
        _check_frontend(given, body, headers, collect)
    schema = collect.schema(given.schema)
    condition = collect.condition(given.condition)
    if collect.faults:
        raise ConfigurationRejected(collect.faults)
    named = {name.lower() for name, _ in headers}
    sends_body = given.method not in ("GET", "DELETE") or given.raw_payload or body is not None
    fixed = [("User-Agent", f"{brand}-Webhook/1")] if "user-agent" not in named else []
    if sends_body and content_type is None:
        fixed.append(("Content-Type", "application/json"))
    return Webhook(
        name=given.name, method=given.method, url=url, headers=tuple(headers),
        fixed_headers=tuple(fixed), body=body, raw_payload=given.raw_payload,
        sends_body=sends_body, is_json=place is Place.JSON, schema=schema, condition=condition,
        timeout_s=given.timeout_s, secrets=secrets or {}, allowed_hosts=allowed_hosts or {},
        redact=Redactor(hidden).text, sign=sign,
        warnings=tuple(header_warnings(given.headers, brand)), **identity,
    )  # fmt: skip


def required_paths(webhook: Webhook) -> list[RequiredPath]:
    """What every render of it reads of data and context, in order."""
    parts = [webhook.url, webhook.body, webhook.condition, *(one for _, one in webhook.headers)]
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
    """The ids of all secrets that its templates name."""
    parts = [webhook.url, webhook.body, *(template for _, template in webhook.headers)]
    return frozenset().union(*(part.secrets for part in parts if part is not None))
