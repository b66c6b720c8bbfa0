"""Tools, schemas and faults of generated goals, compared with the renderer."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest
from msgspec.structs import replace

from rowhook import json_pointer
from rowhook.commit_schema import Output, commit_schema
from rowhook.commit_schema.commit_tool import commit_tool
from rowhook.commit_schema.data_faults import explain
from rowhook.commit_schema.data_schema import derive_requirements
from rowhook.model import Outcome, Request, Verdict
from rowhook.render.configuration import Configuration
from rowhook.render.payload import rfc3339, variables
from rowhook.render.request import render_request
from rowhook.render.webhook_compiler import Webhook
from rowhook.schema.schema_compiler import compile_schema
from rowhook.template.compiler import ROOTS
from tests.support.generated_goals import data_of, goal_of
from tests.support.rendering import EPOCH_S, EVENT, PUBLIC, compile_fields, configuration
from tests.support.tool_rules import arguments_of, broken_rules, input_of

FORMS: list[tuple[Any, bool]] = [
    ("anthropic", False),
    ("openai", False),
    ("openai", True),
    ("mcp", False),
]
SEED = 20261130


BATTERY = [pytest.mark.hazards, pytest.mark.battery]


@pytest.mark.parametrize("goals", [30, pytest.param(2_000, marks=BATTERY)])
def test_a_tool_refuses_only_data_that_no_output_accepts(goals: int) -> None:
    rng = random.Random(SEED)  # noqa: S311  # reproducible
    seen: Counter[str] = Counter()
    for _ in range(goals):
        outputs = [_compiled(fields) for fields in goal_of(rng)]
        schema = _tool_input(outputs)
        compiled = compile_schema(schema)
        for _ in range(25):
            data = data_of(rng)
            is_valid = all(_is_sent(output, data) for output in outputs)
            arguments = arguments_of(data, schema)
            faults = [] if _has_empty_loop(data) else compiled.faults(arguments)
            seen[f"valid {is_valid}, refused {bool(faults)}"] += 1
            assert not (is_valid and faults), (data, faults, [fields for fields, _ in outputs])
    assert len(seen) == 3, seen
    # a tool that refuses nothing would pass the check above
    assert 3 * seen["valid False, refused True"] > seen["valid False, refused False"], seen


def _compiled(fields: dict[str, Any]) -> tuple[Configuration, Webhook]:
    path = fields.pop("path", "/hook")
    fields["url"] = f"https://example.com{path}"
    return configuration(**fields), compile_fields(policy=None, **fields)


def _tool_input(outputs: list[tuple[Configuration, Webhook]]) -> dict[str, Any]:
    """Returns the input of Anthropic's tool, after checks of the tools for all APIs."""
    derived = [
        Output(str(number), fields.name, derive_requirements(fields, webhook))
        for number, (fields, webhook) in enumerate(outputs)
    ]
    schema = commit_schema("goal\n1", derived)
    for form, strict in FORMS:
        tool = commit_tool("goal\n1", schema, form, strict=strict)
        assert broken_rules(tool, form, strict=strict) == [], tool
    return input_of(commit_tool("goal\n1", schema, "anthropic"), "anthropic")


def _rendered(webhook: Webhook, data: Any) -> Request | Outcome:
    event = replace(EVENT, data=json.dumps(data))
    return render_request(webhook, event, epoch_s=EPOCH_S, policy=PUBLIC)


def _is_sent(output: tuple[Configuration, Webhook], data: Any) -> bool:
    result = _rendered(output[1], data)
    is_skipped = isinstance(result, Outcome) and result.verdict is Verdict.SKIPPED
    if isinstance(result, Outcome) and not is_skipped:
        _check_explanation(output, result, data)
    return isinstance(result, Request) or is_skipped


def _check_explanation(output: tuple[Configuration, Webhook], outcome: Outcome, data: Any) -> None:
    """Checks that the faults are explained, and point to members that exist or may be added."""
    event = replace(EVENT, data=json.dumps(data))
    sent = variables(event, rfc3339(EPOCH_S))
    faults = explain(*output, outcome, {name: sent[name] for name in ROOTS})
    assert faults, outcome
    for fault in faults:
        json_pointer.split(fault.pointer)
        assert fault.message
        assert fault.hint


def _has_empty_loop(data: Any) -> bool:
    """Returns whether a loop goes over an object, where a tool asks for an array."""
    lines = data.get("lines")
    if isinstance(lines, list):
        lines = next((line.get("tags") for line in lines if isinstance(line, dict)), None)
    return isinstance(lines, dict)
