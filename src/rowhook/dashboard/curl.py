"""Requests as curl commands: API calls of an action, and delivered requests."""

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


# Linux limits one argument of a program to 128 KiB. Longer commands would also bloat the page.
_LONGEST = 32 * 1024


def as_curl(request: dict[str, Any]) -> str:
    """Format `{method, url, headers, body}` as a shell command."""
    parts = [f"curl -g -i -X {shlex.quote(request['method'])}"]
    parts += [f"-H {shlex.quote(_header(name, value))}" for name, value in request["headers"]]
    body = request["body"]
    is_long = body is not None and len(body) > _LONGEST
    if is_long:
        parts.append("--data-binary @body")
    elif body is not None:
        # With -d, a body that begins with @ would be read as a file name.
        parts.append(f"--data-raw {shlex.quote(body)}")
    parts.append(f"--url {shlex.quote(request['url'])}")
    note = (
        f"# Save the body ({len(body):,} characters) in a file named body first.\n"
        if is_long
        else ""
    )
    return note + " \\\n  ".join(parts)


def _header(name: str, value: str) -> str:
    """Format a header. For curl, `Name:` removes a header and `Name;` sends an empty one."""
    return f"{name}: {value}" if value else f"{name};"
