"""`unevaluatedProperties` and `unevaluatedItems`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema.exceptions import ValidationError

from rowhook.schema.applicators import matching
from rowhook.schema.descend import Errors, accepts, descend

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


def unevaluated_properties(validator: Any, subschema: Any, instance: Any, _schema: Any) -> Errors:
    """`unevaluatedProperties`."""
    if not isinstance(instance, dict) or subschema is True:
        return
    evaluated: set[str] = set()
    for applied in _in_place(validator, instance):
        evaluated.update(
            _evaluated_properties(applied, instance, is_nested=applied is not validator)
        )
    for name in instance:
        if name not in evaluated:
            yield from _errors_of_unevaluated(validator, subschema, instance[name], name)


def unevaluated_items(validator: Any, subschema: Any, instance: Any, _schema: Any) -> Errors:
    """`unevaluatedItems`."""
    if not isinstance(instance, list) or subschema is True:
        return
    evaluated: set[int] = set()
    for applied in _in_place(validator, instance):
        evaluated.update(_evaluated_items(applied, instance, is_nested=applied is not validator))
    for index, item in enumerate(instance):
        if index not in evaluated:
            yield from _errors_of_unevaluated(validator, subschema, item, index)


def _errors_of_unevaluated(validator: Any, subschema: Any, value: Any, at: str | int) -> Errors:
    if subschema is False:
        kind = "Property" if isinstance(at, str) else "Item"
        return iter((ValidationError(f"{kind} is not allowed by the schema.", path=(at,)),))
    return descend(validator, subschema, value, at)


def _evaluated_properties(
    validator: Any, instance: dict[str, Any], *, is_nested: bool
) -> Iterator[str]:
    schema, run = validator.schema, validator.format_checker
    run.spend(len(instance) >> 3)
    if "additionalProperties" in schema or (is_nested and "unevaluatedProperties" in schema):
        yield from instance
        return
    yield from schema.get("properties", {}).keys() & instance.keys()
    patterns = schema.get("patternProperties", ())
    yield from (name for name, _ in matching(validator, patterns, instance))


def _evaluated_items(validator: Any, instance: list[Any], *, is_nested: bool) -> Iterator[int]:
    schema, keywords = validator.schema, validator.VALIDATORS
    validator.format_checker.spend(len(instance) >> 3)
    prefix = schema.get("prefixItems" if "prefixItems" in keywords else "items", ())
    rest = (
        "items" if "prefixItems" in keywords or not isinstance(prefix, list) else "additionalItems"
    )
    if rest in schema or (is_nested and "unevaluatedItems" in schema):
        yield from range(len(instance))
        return
    yield from range(len(prefix))
    # Before 2020-12, `contains` does not evaluate items.
    if "contains" in schema and "prefixItems" in keywords:
        for index, item in enumerate(instance):
            if accepts(validator, schema["contains"], item):
                yield index


def _in_place(validator: Any, instance: Any) -> Iterator[Any]:
    """Yield the validators of all schemas that apply to the instance and accept it."""
    if isinstance(validator.schema, bool):
        return
    validator.format_checker.spend(1)
    yield validator
    run = validator.format_checker
    for keyword in _REFERENCES:
        if keyword in validator.schema and keyword in validator.VALIDATORS:
            yield from _in_place(run.target(validator, keyword), instance)
    for subschema in _applied(validator, instance):
        if isinstance(subschema, dict):
            yield from _in_place(run.child(validator, subschema), instance)


def _applied(validator: Any, instance: Any) -> Iterator[Any]:
    schema = validator.schema
    for keyword in ("allOf", "anyOf", "oneOf"):
        yield from (
            subschema
            for subschema in schema.get(keyword, ())
            if accepts(validator, subschema, instance)
        )
    if "if" in schema:
        is_true = accepts(validator, schema["if"], instance)
        yield from (
            (schema["if"], schema.get("then", True)) if is_true else (schema.get("else", True),)
        )
    if isinstance(instance, dict):
        dependent = schema.get("dependentSchemas", {})
        yield from (subschema for name, subschema in dependent.items() if name in instance)
