"""Measures a JSON template with a schema beside the default payload and the aiohttp baseline."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from bench import test_rows as ground
from bench.run_context import RunContext
from bench.throughput import (
    Drain,
    Subject,
    cpu_spread,
    cpu_text,
    drain,
    ratio_text,
    spread,
    unique_prefix,
)
from rowhook.render.configuration import Configuration
from rowhook.services import webhooks

_TEMPLATE = """\
{
  "event": {"id": {{ event.id }}, "type": "{{ event.type }}", "at": "{{ timestamp }}"},
  "commit": "{{ commit_id }}",
  "goal": "{{ goal.id }}",
  "number": {{ data.n }},
  "label": "{{ 'even' if data.n in [2, 4, 6, 8] else 'other' }}",
  "text": "{{ data.text }}"
}
"""
_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["event", "commit", "goal", "number", "text"],
    "additionalProperties": False,
    "properties": {
        "event": {
            "type": "object",
            "required": ["id", "type", "at"],
            "properties": {
                "id": {"type": "integer"},
                "type": {"enum": ["goal.committed"]},
                "at": {"type": "string", "maxLength": 40},
            },
        },
        "commit": {"type": "string", "minLength": 1, "maxLength": 200},
        "goal": {"type": "string", "pattern": "^rowhook_bench_[0-9]$"},
        "number": {"type": "integer", "minimum": 1},
        "label": {"enum": ["even", "other"]},
        "text": {"type": "string", "minLength": 100, "maxLength": 2000},
    },
}


async def measure(run: RunContext) -> dict[str, Any]:
    """Measures both kinds of webhooks in each round; every request has both signatures."""
    baselines: list[float] = []
    plain: list[Drain] = []
    templated: list[Drain] = []
    async with run.workers() as subject:
        for _ in range(run.sizes["rounds"]):
            baselines.append(await run.baseline_per_s())
            plain.append(await _drain_with(run, subject, body_template=None, schema=None))
            templated.append(
                await _drain_with(run, subject, body_template=_TEMPLATE, schema=_SCHEMA)
            )
    return {
        "ratio": _ratio([row.per_s for row in templated], baselines),
        "ratio_to_default": _ratio([row.per_s for row in templated], [row.per_s for row in plain]),
        "deliveries_per_s": spread([row.per_s for row in templated]),
        "default_per_s": spread([row.per_s for row in plain]),
        "baseline_per_s": spread(baselines),
        "cpu_us": cpu_spread([row.cpu_us for row in templated]),
    }


def _ratio(dividends: list[float], divisors: list[float]) -> dict[str, float]:
    return spread([a / b for a, b in zip(dividends, divisors, strict=True)])


async def _drain_with(
    run: RunContext, subject: Subject, *, body_template: str | None, schema: Any
) -> Drain:
    """Changes the webhooks of the goals and drains, once the worker has compiled them."""
    listed = await webhooks.list_webhooks(run.ctx, organization=ground.ORGANIZATION)
    for webhook in listed.items:
        configuration = Configuration(
            **{name: getattr(webhook, name) for name in Configuration.__struct_fields__}
        )
        changed = replace(configuration, body_template=body_template, schema=schema)
        await webhooks.change_webhook(run.ctx, webhook.id, changed)
    await drain(subject, 200, unique_prefix(), run.report)
    return await drain(subject, run.sizes["deliveries"], unique_prefix(), run.report)


def table(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the label and text of each figure."""
    return [
        (
            "template, schema and both signatures",
            f"{figures['deliveries_per_s']['median']:,.0f}/s, {cpu_text(figures['cpu_us'])}",
        ),
        ("  ratio to the aiohttp baseline", ratio_text(figures["ratio"])),
        ("  ratio to the default payload", ratio_text(figures["ratio_to_default"])),
    ]
