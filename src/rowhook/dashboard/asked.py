"""The same action as a call of the API: what an operator copies into a script."""

from __future__ import annotations

import shlex
from typing import Any
from urllib.parse import quote

import msgspec

# What an operator's key is asked for of one organization, as the page is that shows it.
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
_MAKES = frozenset(("/webhooks", "/api-keys", "/preview"))


def curl(
    base: str,
    method: str,
    path: str,
    body: Any = None,
    headers: Any = (),
    *,
    organization: str | None = None,
) -> str:
    """A command line for a shell, with the key in a variable of its environment.

    What is a Raw in a `body` keeps its digits. `organization` is the one that an operator looks at.
    """
    bare, _, query = path.partition("?")
    if organization is not None and method == "GET" and bare in _LISTS:
        path = f"{bare}?{query}{'&' if query else ''}organization_id={quote(organization, safe='')}"
    if organization is not None and method == "POST" and bare in _MAKES:
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
    written = msgspec.json.encode(body)
    try:
        return msgspec.json.format(written, indent=1).decode()
    except RecursionError:
        return written.decode()
