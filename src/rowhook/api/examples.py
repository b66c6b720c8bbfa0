"""Examples of request and response documents, for OpenAPI; examples.json holds them by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from rowhook.render.configuration import Configuration


def _read_examples() -> dict[str, Any]:
    """Read examples.json; webhooks have the default of each field that they do not name."""
    examples: dict[str, Any] = json.loads(
        Path(__file__).with_name("examples.json").read_text("utf-8")
    )
    defaults = msgspec.to_builtins(Configuration(name=""))
    named = examples["webhook"]
    order = ("id", "organization_id", *defaults, *named)
    webhook = {name: (defaults | named)[name] for name in order}
    examples["webhook"] = webhook
    examples["new_webhook"] = webhook | examples["new_webhook"]
    examples["webhooks"]["items"] = [webhook]
    return examples


EXAMPLES = _read_examples()
