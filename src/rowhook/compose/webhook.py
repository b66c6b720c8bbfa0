"""A webhook compiled: once a revision and its secrets, every fault of it in one answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from rowhook.compose.collector import Collector
from rowhook.compose.configuration import (
    Configuration,
    ConfigurationRejected,
    RequiredPath,
    field_faults,
)
from rowhook.compose.headers import (
    compile_headers,
    content_type_of,
    default_headers,
    forced_headers,
    header_warnings,
)
from rowhook.delivery import Frame, Headers
from rowhook.egress import Egress, TargetForbidden, UrlRejected, parse_target
from rowhook.redact import Redactor
from rowhook.schema import Schema
from rowhook.template import (
    Condition,
    Place,
    Template,
    body_place,
)

_WRITTEN_HOST = re.compile(r"[^:/?#{]*://[^/?#{]*[/?#][^{]*")


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
    # By shape of the request: made when the first one of it is stored.
    frames: dict[tuple[str, int], Frame] = field(default_factory=dict, compare=False)


def _written_start(source: str) -> str | None:
    found = _WRITTEN_HOST.match(source)
    return None if found is None else found[0]


def _check_url(template: Template, policy: Egress, collect: Collector) -> None:
    # With an expression in it, as far as the first one: the host may be written out before.
    written = template.source if template.is_static else _written_start(template.source)
    if written is None:
        return
    try:
        parse_target(written, policy)
    except TargetForbidden as refused:
        hint = f" To allow it, set {refused.hint}" if refused.hint else ""
        collect.say("/url", f"{refused}{hint}")
    except UrlRejected as refused:
        collect.say("/url", str(refused))


def _check_frontend(
    given: Configuration,
    body: Template | None,
    headers: list[tuple[str, Template]],
    collect: Collector,
) -> None:
    if body is not None and body.secrets:
        collect.say(
            "/body_template",
            "A frontend output must not contain a secret, because the page could read it.",
        )
    if headers:
        collect.say("/headers", "A frontend output has no headers. Remove them.")
    if given.ordered:
        collect.say(
            "/ordered", "A frontend output is always delivered in order. Remove this field."
        )


def compile_webhook(
    given: Configuration,
    *,
    identity: Mapping[str, Any],
    brand: str,
    policy: Egress | None = None,
    secrets: Mapping[str, str] | None = None,
    allowed_hosts: Mapping[str, tuple[str, ...]] | None = None,
    sign: Callable[[str, int, bytes], Headers] = lambda _key, _time, _body: (),
    hidden: tuple[tuple[str, str], ...] = (),
) -> Webhook:
    """Compiles every part; `identity` holds id, organization_id, revision and secrets_version.

    Raises ConfigurationRejected with all faults. A save passes `policy`, and a literal target that
    may not be called is a fault; a delivery does not: its target is checked when it is dialled.
    """
    collect = Collector()
    collect.faults.extend(field_faults(given))
    content_type = content_type_of(given.headers, collect)
    place = body_place(content_type)
    if given.schema is not None and place is not Place.JSON:
        collect.say(
            "/schema",
            "A schema requires a JSON body. Remove the schema or change the Content-Type.",
        )
    headers = compile_headers(given.headers, forced_headers(brand), collect)
    source = given.body_template
    body = None if source is None else collect.template("/body_template", source, place)
    url = None if given.url is None else collect.template("/url", given.url, Place.URL)
    if url is not None and policy is not None:
        _check_url(url, policy, collect)
    if given.kind == "frontend":
        _check_frontend(given, body, headers, collect)
    schema = collect.schema(given.schema)
    condition = collect.condition(given.condition)
    if collect.faults:
        raise ConfigurationRejected(collect.faults)
    sends_body = given.method not in ("GET", "DELETE") or given.raw_payload or body is not None
    return Webhook(
        name=given.name,
        method=given.method,
        url=url,
        headers=tuple(headers),
        body=body,
        fixed_headers=default_headers(given.headers, brand, sends_body=sends_body),
        raw_payload=given.raw_payload,
        sends_body=sends_body,
        is_json=place is Place.JSON,
        schema=schema,
        condition=condition,
        timeout_s=given.timeout_s,
        secrets=secrets or {},
        allowed_hosts=allowed_hosts or {},
        redact=Redactor(hidden).text,
        sign=sign,
        warnings=tuple(header_warnings(given.headers, brand)),
        **identity,
    )


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
