"""Presets: webhooks for well-known services, to be completed in the editor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rowhook.render.configuration import Configuration

_BODIES = Path(__file__).parent / "preset_bodies"
_OBJECT = "an object with event, data and context"
BLANK = Configuration(name="", url="https://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A preset: its title and request in words, configuration, and required secrets."""

    title: str
    sends: str
    configuration: Configuration
    secrets: tuple[tuple[str, str], ...] = ()


def _body(name: str) -> str:
    """Returns a body template, written for jobs and commits with any data."""
    return (_BODIES / f"{name}.jinja").read_text("utf-8").rstrip()


def _hook(name: str, title: str, sends: str, meaning: str, body: str | None = None) -> Preset:
    """Returns a preset whose URL is a secret, because who has the URL may post."""
    secret = f"{name}-url"
    return Preset(
        title=title,
        sends=sends,
        configuration=Configuration(
            name=title, url=f"{{{{secret:{secret}}}}}", body_template=_body(body or name)
        ),
        secrets=((secret, meaning),),
    )


def _with_token(name: str, method: Literal["POST", "PATCH"], url: str) -> Configuration:
    """Returns the configuration of an API that takes a bearer token."""
    token = f"Bearer {{{{secret:{name.lower()}-token}}}}"
    return Configuration(
        name=name,
        url=url,
        method=method,
        headers={"Authorization": token},
        body_template=_body(name.lower()),
    )


PRESETS: dict[str, Preset] = {
    "slack": _hook(
        "slack",
        "Slack",
        "a message with up to ten keys of the data",
        "the URL of an incoming webhook",
    ),
    "teams": _hook(
        "teams",
        "Teams",
        "an Adaptive Card to a channel",
        "the URL of a workflow that posts to a channel",
    ),
    "discord": _hook(
        "discord", "Discord", "an embed that mentions nobody", "the URL of a channel's webhook"
    ),
    "google-chat": _hook(
        "google-chat",
        "Google Chat",
        "a card in a space",
        "the URL of a space's webhook",
        "google_chat",
    ),
    "pagerduty": Preset(
        title="PagerDuty",
        sends="an alert for each failed job",
        configuration=Configuration(
            name="PagerDuty",
            url="https://events.pagerduty.com/v2/enqueue",
            body_template=_body("pagerduty"),
            event_types=["job.failed"],
        ),
        secrets=(("pagerduty-key", "the integration key of a service"),),
    ),
    "hubspot": Preset(
        title="HubSpot",
        sends="a contact, created or updated by its address",
        configuration=_with_token(
            "HubSpot", "POST", "https://api.hubapi.com/crm/v3/objects/contacts/batch/upsert"
        ),
        secrets=(("hubspot-token", "the access token of a private app"),),
    ),
    "salesforce": Preset(
        title="Salesforce",
        sends="a lead, created or updated",
        # An upsert by an external id, so that a retry adds no second lead.
        configuration=_with_token(
            "Salesforce",
            "PATCH",
            "https://{{secret:salesforce-host}}/services/data/v62.0/sobjects/Lead/Rowhook_Key__c/"
            "{{ commit_id or job.id }}",
        ),
        secrets=(
            ("salesforce-host", "the host, such as acme.my.salesforce.com"),
            ("salesforce-token", "an access token"),
        ),
    ),
    "airtable": Preset(
        title="Airtable",
        sends="a record, created or updated",
        configuration=_with_token(
            "Airtable", "PATCH", "https://api.airtable.com/v0/{{secret:airtable-base}}/Deliveries"
        ),
        secrets=(
            ("airtable-base", "the id of the base, app…"),
            ("airtable-token", "a personal access token"),
        ),
    ),
    "n8n": _hook("n8n", "n8n", _OBJECT, "the production URL of a Webhook node", "catch_hook"),
    "zapier": _hook("zapier", "Zapier", _OBJECT, "the URL of a catch hook", "catch_hook"),
    "make": _hook("make", "Make", _OBJECT, "the URL of a custom webhook", "catch_hook"),
    "json": Preset(
        title="Plain JSON",
        sends="everything that an event has",
        configuration=Configuration(name="", url="https://", body_template=_body("json")),
    ),
}
# Destinations of alerts: the title, the meaning of its URL, and the body.
ALERT_DESTINATIONS: dict[str, tuple[str, str, str]] = {
    "slack": ("Slack", "the URL of an incoming webhook", _body("alert_slack")),
    "teams": ("Teams", "the URL of a workflow that posts to a channel", _body("alert_teams")),
    "webhook": ("Any webhook", "any URL that accepts JSON", _body("alert_json")),
}
