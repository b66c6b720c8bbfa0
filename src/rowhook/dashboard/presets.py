"""Presets for well-known receivers, and code that verifies a webhook's requests."""

from __future__ import annotations

from dataclasses import dataclass

from rowhook.render.configuration import Configuration

# Slack requires &, < and > to be escaped: `<!channel>` would notify everybody.
_FOR_SLACK = " | replace('&', '&amp;') | replace('<', '&lt;') | replace('>', '&gt;')"


def _sentence(escaped: str = "") -> str:
    """Template of a sentence about a job or a commit. `escaped` is appended to names as filters."""
    return (
        f"{{% if commit_id %}}New commit to goal {{{{goal.id{escaped}}}}}:"
        f" {{{{commit_id{escaped}}}}}"
        f"{{% else %}}Job {{{{job.id}}}} of {{{{agent.name{escaped}}}}} {{{{job.status}}}}"
        "{% endif %}"
    )


_SENTENCE = _sentence()
_SUBJECT_ID = "{% if commit_id %}{{commit_id}}{% else %}{{job.id}}{% endif %}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A preset: its title, configuration, and required secrets with their descriptions."""

    title: str
    configuration: Configuration
    secrets: tuple[tuple[str, str], ...] = ()


_SLACK = '{"text": "' + _sentence(_FOR_SLACK) + '"}'
_TEAMS = (
    """{
  "type": "message",
  "attachments": [{
    "contentType": "application/vnd.microsoft.card.adaptive",
    "content": {
      "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
      "type": "AdaptiveCard",
      "version": "1.4",
      "body": [
        {"type": "TextBlock", "weight": "Bolder", "text": "{{organization.name}}"},
        {"type": "TextBlock", "wrap": true, "text": \""""
    + _SENTENCE
    + """\"}
      ]
    }
  }]
}"""
)
_DISCORD = (
    '{\n  "username": "Rowhook",\n  "content": "'
    + _SENTENCE
    + '",\n  "allowed_mentions": {"parse": []}\n}'
)
_PAGERDUTY = (
    """{
  "routing_key": "{{secret:pagerduty-key}}",
  "event_action": "trigger",
  "dedup_key": \""""
    + _SUBJECT_ID
    + """\",
  "payload": {
    "summary": \""""
    + _SENTENCE
    + """\",
    "source": "{{organization.name | default('rowhook')}}",
    "severity": "{% if job.status == 'failed' %}error{% else %}info{% endif %}",
    "timestamp": "{{timestamp}}"
  }
}"""
)
_JSON = """{
  "type": "{{event.type}}",
  "timestamp": "{{timestamp}}",
  "organization": {{organization}},
  "agent": {{agent}},
  "job": {{job}},
  "goal": {{goal}},
  "session": {{session}},
  "commit_id": {{commit_id}},
  "data": {{data}}
}"""
PRESETS: dict[str, Preset] = {
    "slack": Preset(
        title="Slack",
        configuration=Configuration(name="Slack", url="{{secret:slack-url}}", body_template=_SLACK),
        secrets=(("slack-url", "the URL of an incoming webhook"),),
    ),
    "teams": Preset(
        title="Teams",
        configuration=Configuration(name="Teams", url="{{secret:teams-url}}", body_template=_TEAMS),
        secrets=(("teams-url", "the URL of a workflow that posts to a channel"),),
    ),
    "discord": Preset(
        title="Discord",
        configuration=Configuration(
            name="Discord", url="{{secret:discord-url}}", body_template=_DISCORD
        ),
        secrets=(("discord-url", "the URL of a channel's webhook"),),
    ),
    "pagerduty": Preset(
        title="PagerDuty",
        configuration=Configuration(
            name="PagerDuty",
            url="https://events.pagerduty.com/v2/enqueue",
            body_template=_PAGERDUTY,
            event_types=["job.failed"],
        ),
        secrets=(("pagerduty-key", "the integration key of a service"),),
    ),
    "json": Preset(
        title="Plain JSON",
        configuration=Configuration(name="", url="https://", body_template=_JSON),
    ),
}
BLANK = Configuration(name="", url="https://")


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
