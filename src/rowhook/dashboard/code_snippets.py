"""Code to copy: requests as curl commands, and the verification of a webhook's requests."""

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
# Linux limits one argument of a program to 128 KiB. Longer commands would also bloat the page.
_LONGEST = 32 * 1024


def curl(
    base: str,
    method: str,
    path: str,
    body: Any = None,
    headers: Any = (),
    *,
    organization: str | None = None,
) -> str:
    """Formats a shell command that reads the API key from the environment.

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
        parts.append(f"-d {shlex.quote(_json_text(body))}")
    parts.append(shlex.quote(f"{base}/v1{path}"))
    return " \\\n  ".join(parts)


def _json_text(body: Any) -> str:
    text = msgspec.json.encode(body)
    try:
        return msgspec.json.format(text, indent=1).decode()
    except RecursionError:
        return text.decode()


def as_curl(request: dict[str, Any]) -> str:
    """Formats `{method, url, headers, body}` as a shell command."""
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
    """Formats a header. For curl, `Name:` removes a header and `Name;` sends an empty one."""
    return f"{name}: {value}" if value else f"{name};"


_PYTHON = '''\
import hashlib
import hmac
import time


def is_genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Takes `headers` with lower-case names, and the raw `body`, before any parser."""
    parts = [part.partition("=") for part in headers.get("SIGNATURE", "").split(",")]
    sent_at = next((value for name, _, value in parts if name == "t"), "")
    signatures = [value.encode() for name, _, value in parts if name == "v1"]
    signed = sent_at.encode() + b"." + body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
    is_time = sent_at.isdecimal() and len(sent_at) <= 15
    is_recent = is_time and abs(time.time() - int(sent_at)) <= 300
    return is_recent and any(hmac.compare_digest(expected, each) for each in signatures)
'''
_NODE = """\
import { createHmac, timingSafeEqual } from "node:crypto";

// `headers` as in Node's IncomingMessage; `body` is the raw Buffer, before any parser.
export function isGenuine(secret, headers, body) {
  const parts = (headers["SIGNATURE"] ?? "").split(",").map((part) => part.split("="));
  const sentAt = parts.find(([name]) => name === "t")?.[1];
  const values = parts.filter(([name]) => name === "v1").map(([, value = ""]) => value);
  const signatures = values.map((value) => Buffer.from(value, "hex"));
  const expected = createHmac("sha256", secret).update(`${sentAt}.`).update(body).digest();
  const isRecent = Math.abs(Date.now() / 1000 - Number(sentAt)) <= 300;
  const matches = (each) => each.length === expected.length && timingSafeEqual(each, expected);
  return isRecent && signatures.some(matches);
}
"""
_SHELL = """\
# $SECRET is the signing secret, $SIGNATURE the header SIGNATURE, body.bin the body as it arrived.
# Only digits are accepted, because the shell evaluates the time in arithmetic.
parts() { printf '%s' "$SIGNATURE" | tr ',' '\\n'; }
sent_at=$(parts | sed -n 's/^t=\\([1-9][0-9]\\{0,14\\}\\)$/\\1/p' | head -n 1)
age=$(($(date +%s) - ${sent_at:-0}))
signed() { printf '%s.' "$sent_at"; cat body.bin; }
expected=$(signed | openssl dgst -sha256 -hmac "$SECRET" | sed 's/.*= //')
[ "$age" -le 300 ] && [ "$age" -ge -300 ] && parts | grep -qx "v1=$expected" && echo genuine
"""


def snippets(brand: str) -> list[tuple[str, str]]:
    """Lists (language, code) for the header names of this brand."""
    header = f"x-{brand.lower()}-signature"
    shell = _SHELL.replace("the header SIGNATURE", f"the header {header}")
    return [
        ("Python", _PYTHON.replace("SIGNATURE", header)),
        ("Node", _NODE.replace("SIGNATURE", header)),
        ("Shell", shell),
    ]
