"""The documented rules of the services that presets are for: keys, lengths and escapes.

A checker raises AssertionError for a body that its service refuses or reads as markup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

KIB = 1024
MIB = 1024 * KIB


def is_text(value: Any, longest: int) -> None:
    """Checks that a text is neither empty nor white space, nor too long."""
    assert isinstance(value, str)
    assert value.strip()
    assert len(value) <= longest, len(value)


def has_no_markup(text: str) -> None:
    """Checks that `<`, `>` and `&` occur only as the entities of Slack and HTML."""
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", text), text


def is_moment(text: str) -> None:
    assert datetime.fromisoformat(text).tzinfo is not None


def slack(body: Any) -> None:
    """Checks a message with blocks: 50 blocks, 10 fields of 2,000 characters, text of 3,000."""
    assert set(body) == {"text", "blocks"}
    is_text(body["text"], 4_000)
    assert 1 <= len(body["blocks"]) <= 50
    for block in body["blocks"]:
        texts = [*block.get("fields", ()), *block.get("elements", ())]
        assert len(texts) <= 10
        assert texts or block["type"] == "section"
        for text in texts:
            is_text(text["text"], 2_000)
        for text in [*texts, *([block["text"]] if "text" in block else [])]:
            assert text["type"] == "mrkdwn"
            is_text(text["text"], 3_000)
            has_no_markup(text["text"])
    has_no_markup(body["text"])


def teams(body: Any) -> None:
    """Checks a message with one adaptive card, without Markdown or HTML from data."""
    assert body["type"] == "message"
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    for element in card["body"]:
        if element["type"] == "FactSet":
            assert element["facts"]
            texts = [text for fact in element["facts"] for text in (fact["title"], fact["value"])]
            assert all(set(fact) == {"title", "value"} for fact in element["facts"])
        else:
            assert element["type"] == "TextBlock"
            texts = [element["text"]]
            is_text(element["text"], 28 * KIB)
        for text in texts:
            has_no_markup(text)
            assert not re.search(r"(?<!\\)[\[\]*_`]", re.sub(r"\\\\", "", text)), text


def discord(body: Any) -> None:
    """Checks a message with an embed: 25 fields, 6,000 characters, nobody mentioned."""
    assert body["allowed_mentions"] == {"parse": []}
    is_text(body["username"], 80)
    assert not re.search("discord|clyde", body["username"], re.IGNORECASE)
    (embed,) = body["embeds"]
    is_text(embed["title"], 256)
    is_text(embed["footer"]["text"], 2_048)
    is_moment(embed["timestamp"])
    assert 0 <= embed["color"] <= 0xFFFFFF
    fields = embed.get("fields", [])
    assert len(fields) <= 25
    total = len(embed["title"]) + len(embed["footer"]["text"])
    for field in fields:
        is_text(field["name"], 256)
        is_text(field["value"], 1_024)
        total += len(field["name"]) + len(field["value"])
    assert total <= 6_000


def google_chat(body: Any) -> None:
    """Checks a card: 100 widgets, no HTML from data, no text that may mention all."""
    assert set(body) == {"cardsV2"}
    (entry,) = body["cardsV2"]
    assert entry["cardId"]
    is_text(entry["card"]["header"]["title"], 200)
    (section,) = entry["card"]["sections"]
    assert 1 <= len(section["widgets"]) <= 100
    for widget in section["widgets"]:
        ((kind, content),) = widget.items()
        assert kind in {"decoratedText", "textParagraph"}
        has_no_markup(content["text"])


def pagerduty(body: Any) -> None:
    """Checks an event of the Events API v2: summary 1,024, dedup key 255 characters."""
    assert body["event_action"] in {"trigger", "acknowledge", "resolve"}
    is_text(body["routing_key"], 64)
    is_text(body["dedup_key"], 255)
    payload = body["payload"]
    is_text(payload["summary"], 1_024)
    is_text(payload["source"], 100_000)
    assert payload["severity"] in {"critical", "error", "warning", "info"}
    is_moment(payload["timestamp"])
    assert isinstance(payload["custom_details"], dict)


def hubspot(body: Any) -> None:
    """Checks a batch of contacts: 100, identified by address, properties that are texts."""
    assert 1 <= len(body["inputs"]) <= 100
    for contact in body["inputs"]:
        assert set(contact) == {"idProperty", "id", "properties"}
        assert contact["idProperty"] == "email"
        assert contact["id"] == contact["properties"]["email"]
        for name, value in contact["properties"].items():
            assert re.fullmatch("[a-z][a-z0-9_]*", name)
            is_text(value, 65_536)


_LEAD = {
    "FirstName": 40,
    "LastName": 80,
    "Company": 255,
    "Email": 80,
    "Phone": 40,
    "Description": 32_000,
    "LeadSource": 255,
}


def salesforce(body: Any) -> None:
    """Checks a lead without id and external id; its fields have the lengths of the standard."""
    assert {"LastName", "Company"} <= set(body) <= set(_LEAD)
    for name, value in body.items():
        is_text(value, _LEAD[name])


def airtable(body: Any) -> None:
    """Checks an upsert: 10 records, merged on 1–3 fields, long texts of 100,000 characters."""
    assert set(body) == {"performUpsert", "typecast", "records"}
    merged = body["performUpsert"]["fieldsToMergeOn"]
    assert 1 <= len(merged) <= 3
    assert 1 <= len(body["records"]) <= 10
    for record in body["records"]:
        assert set(merged) <= set(record["fields"])
        assert all(len(value) <= 100_000 for value in record["fields"].values())


def catch_hook(body: Any) -> None:
    """Checks an object, as n8n, Zapier and Make make several runs of an array."""
    assert isinstance(body, dict)
    is_text(body["id"], 100_000)
    is_moment(body["timestamp"])


def plain_json(body: Any) -> None:
    """Checks that a body is of a commit or of a job."""
    assert (body["commit_id"] is None) == (body["goal"]["id"] is None)
    assert (body["commit_id"] is None) == (body["job"]["id"] is not None)


# The checker of each preset, and the largest body that its service takes, in bytes.
_RULES: dict[str, tuple[Callable[[Any], None], int]] = {
    "slack": (slack, 100_000),
    "teams": (teams, 28 * KIB),
    "discord": (discord, 100_000),
    "google-chat": (google_chat, 32_000),
    "pagerduty": (pagerduty, 512 * KIB),
    "hubspot": (hubspot, MIB),
    "salesforce": (salesforce, MIB),
    "airtable": (airtable, MIB),
    "n8n": (catch_hook, 5 * MIB),
    "zapier": (catch_hook, 5 * MIB),
    "make": (catch_hook, 5 * MIB),
    "json": (plain_json, MIB),
}


def check(preset: str, body: str) -> None:
    """Checks the body of a preset."""
    checker, largest = _RULES[preset]
    assert len(body.encode()) <= largest
    checker(json.loads(body))
