"""Presets: webhooks for well-known receivers, which work for jobs and commits.

Formats: Slack incoming webhooks; Microsoft Teams workflows with an Adaptive Card; Discord's Execute
Webhook; PagerDuty's Events API v2. Their URLs and keys are secrets, named in the templates.
"""

from __future__ import annotations

from dataclasses import dataclass

from rowhook.compose import Configuration

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
