"""Code for a receiver that verifies a webhook's requests, with the header names that it sends."""

from __future__ import annotations

_PYTHON = '''\
import hashlib
import hmac
import time


def is_genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """`headers` with names in lower case; `body` as it arrived, before any parser."""
    parts = [part.partition("=") for part in headers.get("SIGNATURE", "").split(",")]
    sent_at = next((value for name, _, value in parts if name == "t"), "")
    given = [value.encode() for name, _, value in parts if name == "v1"]
    signed = sent_at.encode() + b"." + body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
    is_time = sent_at.isdecimal() and len(sent_at) <= 15
    is_recent = is_time and abs(time.time() - int(sent_at)) <= 300
    return is_recent and any(hmac.compare_digest(expected, one) for one in given)
'''
_NODE = """\
import { createHmac, timingSafeEqual } from "node:crypto";

// `headers` as Node gives them; `body` is the Buffer that arrived, before any parser.
export function isGenuine(secret, headers, body) {
  const parts = (headers["SIGNATURE"] ?? "").split(",").map((part) => part.split("="));
  const sentAt = parts.find(([name]) => name === "t")?.[1];
  const marks = parts.filter(([name]) => name === "v1").map(([, mark = ""]) => mark);
  const given = marks.map((mark) => Buffer.from(mark, "hex"));
  const expected = createHmac("sha256", secret).update(`${sentAt}.`).update(body).digest();
  const isRecent = Math.abs(Date.now() / 1000 - Number(sentAt)) <= 300;
  const fits = (one) => one.length === expected.length && timingSafeEqual(one, expected);
  return isRecent && given.some(fits);
}
"""
_SHELL = """\
# $SECRET is the signing secret, $SIGNATURE the header SIGNATURE, body.bin the body as it arrived.
# Digits alone are let through: the time is put into a calculation.
parts() { printf '%s' "$SIGNATURE" | tr ',' '\\n'; }
sent_at=$(parts | sed -n 's/^t=\\([1-9][0-9]\\{0,14\\}\\)$/\\1/p' | head -n 1)
age=$(($(date +%s) - ${sent_at:-0}))
signed() { printf '%s.' "$sent_at"; cat body.bin; }
expected=$(signed | openssl dgst -sha256 -hmac "$SECRET" | sed 's/.*= //')
[ "$age" -le 300 ] && [ "$age" -ge -300 ] && parts | grep -qx "v1=$expected" && echo genuine
"""


def snippets(brand: str) -> list[tuple[str, str]]:
    """(language, code) for requests of this brand."""
    header = f"x-{brand.lower()}-signature"
    shell = _SHELL.replace("the header SIGNATURE", f"the header {header}")
    return [
        ("Python", _PYTHON.replace("SIGNATURE", header)),
        ("Node", _NODE.replace("SIGNATURE", header)),
        ("Shell", shell),
    ]
