"""Loaded by schemathesis itself: what it makes up meets ids, targets and owners that exist.

Without this nearly every request ends at its first wrong id, and nothing deeper is tried.
"""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

import schemathesis

# The name of a parameter → an id that exists.
_REAL: dict[str, str] = json.loads(os.environ["BATTERY_REAL"])
# An id of the OpenAPI's examples → the name of its parameter.
_EXAMPLES: dict[str, str] = json.loads(os.environ["BATTERY_EXAMPLES"])
_TARGET = os.environ["BATTERY_TARGET"]
# Of what is created: the rest is mostly refused when it is made up.
_PLAIN = {
    "/v1/webhooks": {"description", "metadata", "method", "ordered", "url"},
    "/v1/preview": {"method", "url"},
    "/v1/api-keys": set(),
    "/v1/secrets/{secret_id}": {"value"},
}
_number = itertools.count()


@schemathesis.hook
def before_call(_: schemathesis.HookContext, case: schemathesis.Case[Any], **__: Any) -> None:
    """What is meant to be wrong is left as it is."""
    if case.meta is None or case.meta.generation.mode != schemathesis.GenerationMode.POSITIVE:
        return
    # A chain goes on with the ids that it was answered.
    chained = case.meta.phase.name.value == "stateful"
    for values in (case.path_parameters, case.query, case.body):
        if isinstance(values, dict):
            _meet(values, every=not chained and next(_number) % 2 == 0)
    if "organization_id" in case.query:
        case.query["organization_id"] = _REAL["organization_id"]
    if "Idempotency-Key" in case.headers:
        # The same key for another request is refused, rightly: one in four is used again.
        case.headers["Idempotency-Key"] = f"round-{next(_number) // 4}"
    if isinstance(case.body, dict):
        # Chains must get on; what is made up in full is tried beside them.
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
    """The newest webhook is the one that exists: the seeded ones are deleted sooner or later."""
    if case.method == "POST" and case.path == "/v1/webhooks" and response.status_code == 201:
        _REAL["webhook_id"] = response.json()["id"]
