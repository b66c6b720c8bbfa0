"""Equivalent API calls as curl commands."""

from __future__ import annotations

import shlex
from typing import Any
from urllib.parse import quote

import msgspec

# Lists that an operator key filters by the selected organization.
_LISTS = frozenset(
    (
        "/stats",
        "/stats/series",
        "/webhooks",
        "/webhooks/worst",
        "/deliveries",
        "/agents",
        "/goals",
        "/audit",
        "/failures",
        "/api-keys",
    )
)
_CREATES = frozenset(("/webhooks", "/api-keys", "/preview"))


def curl(
    base: str,
    method: str,
    path: str,
    body: Any = None,
    headers: Any = (),
    *,
    organization: str | None = None,
) -> str:
    """Format a shell command that reads the API key from the environment.

    Numbers in `body` that are msgspec.Raw keep their digits. `organization` is the one that an
    operator has selected.
    """
    bare, _, query = path.partition("?")
    if organization is not None and method == "GET" and bare in _LISTS:
        path = f"{bare}?{query}{'&' if query else ''}organization_id={quote(organization, safe='')}"
    if organization is not None and method == "POST" and bare in _CREATES:
        body = body | {"organization_id": organization}
    parts = ["curl -sS"]
    if method != "GET":
        parts[0] += f" -X {method}"
    parts.append('-H "Authorization: Bearer $ROWHOOK_KEY"')
    parts += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers]
    if body is not None:
        parts.append("-H 'Content-Type: application/json'")
        parts.append(f"-d {shlex.quote(_text(body))}")
    parts.append(shlex.quote(f"{base}/v1{path}"))
    return " \\\n  ".join(parts)


def _text(body: Any) -> str:
    text = msgspec.json.encode(body)
    try:
        return msgspec.json.format(text, indent=1).decode()
    except RecursionError:
        return text.decode()
