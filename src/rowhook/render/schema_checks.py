"""Checks before a save whether a body can match the schema, whatever the data is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from rowhook import json_pointer
from rowhook.json_pointer import json_position
from rowhook.render.configuration import Configuration, Fault
from rowhook.schema.reader import NotJson, parse_instance
from rowhook.schema.schema_compiler import Schema, SchemaRejected, compile_schema
from rowhook.template.body_variants import MARK, TEXT_MARK, Variant, Variants

# Keywords whose result does not depend on the values inside an object or a list.
_STRUCTURAL = frozenset(
    ("type", "required", "additionalProperties", "dependentRequired", "propertyNames")
)
# Which part of a schema applies then depends on the values.
_CHOOSING = frozenset(
    (
        *("if", "anyOf", "oneOf", "not", "contains", "dependentSchemas", "dependencies"),
        *("$dynamicRef", "$recursiveRef", "unevaluatedProperties", "unevaluatedItems"),
    )
)
_MOST_VARIANTS = 6
_BY_SIZE = frozenset(("minItems", "maxItems", "uniqueItems", "cost"))
_IDENTIFIED = {"id": MARK}
_PAYLOADS: dict[str, dict[str, Any]] = {
    "commit": {
        **dict.fromkeys(("timestamp", "commit_id", "committed_at", "data"), MARK),
        **dict.fromkeys(("goal", "template", "session", "interview"), _IDENTIFIED),
    },
    "job": {
        "timestamp": MARK,
        "agent": {"id": MARK, "name": MARK},
        "agent_version": {"id": MARK, "name": MARK},
        "organization": {"id": MARK, "name": MARK},
        "job": dict.fromkeys(
            (
                *("id", "status", "status_code", "cost", "created_at", "completed_at"),
                *("output", "metadata"),
            ),
            MARK,
        ),
    },
}


def payload_warning(configuration: Configuration) -> Fault | None:
    """Return a warning of a schema that no default payload of a job or a commit can match."""
    schema = _schema_of(configuration)
    is_default = configuration.body_template is None and not configuration.raw_payload
    if schema is None or not is_default or configuration.method in {"GET", "DELETE"}:
        return None
    if any(event_type.startswith("webhook.") for event_type in configuration.event_types):
        return None
    kinds = {
        "commit" if event_type == "goal.committed" else "job"
        for event_type in configuration.event_types or ("goal.committed", "job.failed")
    }
    found = [next(_certain(schema, _PAYLOADS[kind]), None) for kind in sorted(kinds)]
    if any(fault is None for fault in found):
        return None
    message = f"The default payload never matches the schema. {_text(found[0])}"
    return Fault(pointer="/schema", message=message)


def schema_warnings(configuration: Configuration, variants: Variants) -> list[Fault]:
    """Return the warnings of a body that never matches the schema, or only for some data.

    A mismatch is no fault of the save: template and schema may be changed one after the other.
    """
    schema = _schema_of(configuration)
    if schema is None:
        return []
    found: list[tuple[Variant, tuple[str, str] | None]] = []
    for variant in islice(variants.items, _MOST_VARIANTS):
        try:
            instance = parse_instance(variant.text)
        except NotJson:
            continue
        found.append((variant, next(_certain(schema, instance), None)))
    failed = [(variant, fault) for variant, fault in found if fault is not None]
    if len(failed) == len(found):
        return [_fault(variants, *failed[0], "The body never matches")] if failed else []
    first = {fault: variant for variant, fault in reversed(failed)}
    return [
        _fault(variants, variant, fault, f"{_reason(variant)}the body does not match")
        for fault, variant in first.items()
    ]


def _reason(variant: Variant) -> str:
    return variant.reason or "For some data, "


def _schema_of(configuration: Configuration) -> Schema | None:
    if configuration.schema is None or _chooses(configuration.schema):
        return None
    try:
        return compile_schema(configuration.schema)
    except SchemaRejected:
        return None


def _chooses(document: Any) -> bool:
    text = json.dumps(document, default=str)
    return any(f'"{keyword}":' in text for keyword in _CHOOSING)


def _certain(schema: Schema, instance: Any) -> Iterator[tuple[str, str]]:
    """Yield pointer and message of the faults that do not depend on the data."""
    for fault in schema.faults(instance):
        node = _at(instance, fault.pointer)
        if fault.keyword in _BY_SIZE or (isinstance(node, str) and node == MARK):
            continue
        if not _has_mark(node) or (fault.keyword in _STRUCTURAL and not _has_marked_name(node)):
            yield fault.pointer, fault.message


def _at(instance: Any, pointer: str) -> Any:
    for step in json_pointer.split(pointer):
        try:
            instance = instance[int(step) if isinstance(instance, list) else step]
        except (KeyError, IndexError, ValueError, TypeError):
            return MARK
    return instance


def _has_mark(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_mark(item) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return any(map(_has_mark, value))
    return isinstance(value, str) and (MARK in value or TEXT_MARK in value)


def _has_marked_name(value: Any) -> bool:
    return isinstance(value, dict) and any(map(_has_mark, value))


def _text(fault: tuple[str, str] | None) -> str:
    pointer, message = fault or ("", "")
    return f"{pointer or '/'}: {message}"


def _fault(variants: Variants, variant: Variant, fault: tuple[str, str], start: str) -> Fault:
    text = variant.text
    line, column = json_position(text, fault[0]) or (1, 1)
    lines = text.splitlines(keepends=True)
    at = sum(map(len, lines[: line - 1])) + column - 1
    line, column = variants.source.position(variant.offset(at))
    message = f"{start} the schema. {_text(fault)}"
    return Fault(pointer="/body_template", message=message, line=line, column=column)
