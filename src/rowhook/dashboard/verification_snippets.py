"""Code that verifies the requests of a webhook, for its receiver."""

from __future__ import annotations

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
    """List (language, code) for the header names of this brand."""
    header = f"x-{brand.lower()}-signature"
    shell = _SHELL.replace("the header SIGNATURE", f"the header {header}")
    return [
        ("Python", _PYTHON.replace("SIGNATURE", header)),
        ("Node", _NODE.replace("SIGNATURE", header)),
        ("Shell", shell),
    ]
