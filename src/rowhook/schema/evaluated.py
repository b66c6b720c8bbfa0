"""`unevaluatedProperties` and `unevaluatedItems`: what no schema in the same place looked at."""

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
    seen: set[str] = set()
    for place in _in_place(validator, instance):
        seen.update(_seen_properties(place, instance, whole=place is not validator))
    for name in instance:
        if name not in seen:
            yield from _refused(validator, subschema, instance[name], name)


def unevaluated_items(validator: Any, subschema: Any, instance: Any, _schema: Any) -> Errors:
    """`unevaluatedItems`."""
    if not isinstance(instance, list) or subschema is True:
        return
    seen: set[int] = set()
    for place in _in_place(validator, instance):
        seen.update(_seen_items(place, instance, whole=place is not validator))
    for index, one in enumerate(instance):
        if index not in seen:
            yield from _refused(validator, subschema, one, index)


def _refused(validator: Any, subschema: Any, value: Any, at: str | int) -> Errors:
    if subschema is False:
        kind = "Property" if isinstance(at, str) else "Item"
        return iter((ValidationError(f"{kind} is not allowed by the schema.", path=(at,)),))
    return descend(validator, subschema, value, at)


def _seen_properties(place: Any, instance: dict[str, Any], *, whole: bool) -> Iterator[str]:
    schema, run = place.schema, place.format_checker
    run.spend(len(instance) >> 3)
    if "additionalProperties" in schema or (whole and "unevaluatedProperties" in schema):
        yield from instance
        return
    yield from schema.get("properties", {}).keys() & instance.keys()
    patterns = schema.get("patternProperties", ())
    yield from (name for name, _ in matching(place, patterns, instance))


def _seen_items(place: Any, instance: list[Any], *, whole: bool) -> Iterator[int]:
    schema, known = place.schema, place.VALIDATORS
    place.format_checker.spend(len(instance) >> 3)
    prefix = schema.get("prefixItems" if "prefixItems" in known else "items", ())
    rest = "items" if "prefixItems" in known or not isinstance(prefix, list) else "additionalItems"
    if rest in schema or (whole and "unevaluatedItems" in schema):
        yield from range(len(instance))
        return
    yield from range(len(prefix))
    # Before 2020-12, `contains` does not count as having looked.
    if "contains" in schema and "prefixItems" in known:
        for index, one in enumerate(instance):
            if accepts(place, schema["contains"], one):
                yield index


def _in_place(validator: Any, instance: Any) -> Iterator[Any]:
    """The validators of all schemas that apply to this very instance and accept it."""
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
        yield from (one for one in schema.get(keyword, ()) if accepts(validator, one, instance))
    if "if" in schema:
        chosen = accepts(validator, schema["if"], instance)
        yield from (
            (schema["if"], schema.get("then", True)) if chosen else (schema.get("else", True),)
        )
    if isinstance(instance, dict):
        dependent = schema.get("dependentSchemas", {})
        yield from (one for name, one in dependent.items() if name in instance)
