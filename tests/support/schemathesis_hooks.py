"""Hooks of schemathesis that use existing ids, targets and organizations in generated requests.

Otherwise nearly every request would fail at its first unknown id.
"""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

import schemathesis

# The name of a parameter → an id that exists.
_REAL: dict[str, str] = json.loads(os.environ["BATTERY_REAL"])
# An example id in the OpenAPI document → the name of its parameter.
_EXAMPLES: dict[str, str] = json.loads(os.environ["BATTERY_EXAMPLES"])
_TARGET = os.environ["BATTERY_TARGET"]
# Fields that are kept on creation; generated values of others are mostly rejected.
_PLAIN = {
    "/v1/webhooks": {"description", "metadata", "method", "ordered", "url"},
    "/v1/preview": {"method", "url"},
    "/v1/api-keys": set(),
    "/v1/secrets/{secret_id}": {"value"},
}
_number = itertools.count()


@schemathesis.hook
def before_call(_: schemathesis.HookContext, case: schemathesis.Case[Any], **__: Any) -> None:
    """Replaces ids in valid requests; requests that are invalid on purpose are unchanged."""
    if case.meta is None or case.meta.generation.mode != schemathesis.GenerationMode.POSITIVE:
        return
    # A chain continues with the ids of its responses.
    chained = case.meta.phase.name.value == "stateful"
    for values in (case.path_parameters, case.query, case.body):
        if isinstance(values, dict):
            _meet(values, every=not chained and next(_number) % 2 == 0)
    if "organization_id" in case.query:
        case.query["organization_id"] = _REAL["organization_id"]
    if "Idempotency-Key" in case.headers:
        # A key is rejected for another request, so only one in four is reused.
        case.headers["Idempotency-Key"] = f"round-{next(_number) // 4}"
    if isinstance(case.body, dict):
        # Chains need valid requests; other requests alternate with generated ones.
        _make_possible(case, case.body, plain=chained or next(_number) % 2 == 0)


def _meet(values: dict[str, Any], *, every: bool) -> None:
    for name, value in values.items():
        identifier = name if every and name in _REAL else _EXAMPLES.get(str(value))
        if identifier is not None:
            values[name] = _REAL[identifier]


def _make_possible(case: schemathesis.Case[Any], body: dict[str, Any], *, plain: bool) -> None:
    if plain and case.path in _PLAIN:
        for name in set(body) - _PLAIN[case.path]:
            del body[name]
    if isinstance(body.get("url"), str):
        body["url"] = f"{_TARGET}/{next(_number)}"
    if case.method == "POST" and case.path in {"/v1/webhooks", "/v1/preview", "/v1/api-keys"}:
        body["organization_id"] = _REAL["organization_id"]
        body["name"] = f"made up {next(_number)}"
    if case.path == "/v1/api-keys":
        body.setdefault("scopes", ["read"])
    if case.path in {"/v1/webhooks", "/v1/preview"}:
        body.setdefault("url", _TARGET)


@schemathesis.hook
def after_call(
    _: schemathesis.HookContext, case: schemathesis.Case[Any], response: schemathesis.Response
) -> None:
    """Uses the newest webhook, since the initial ones are deleted at some time."""
    if case.method == "POST" and case.path == "/v1/webhooks" and response.status_code == 201:
        _REAL["webhook_id"] = response.json()["id"]
