"""Checks before a save whether a body can be JSON, and match the schema, whatever the data is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from rowhook import json_pointer
from rowhook.json_pointer import json_position
from rowhook.render.configuration import Configuration, Fault
from rowhook.schema.reader import NotJson, parse_instance
from rowhook.schema.schema_compiler import Schema, SchemaRejected, compile_schema
from rowhook.template.body_variants import MARK, TEXT_MARK, Variant, Variants
from rowhook.template.compiler import ROOTS

_POINTER = "/body_template"
_NO_CONTENT_TYPE = (
    (re.compile(r"\s*<"), "application/xml"),
    (re.compile(r"\s*[A-Za-z_][\w.\[\]-]*="), "application/x-www-form-urlencoded"),
    (re.compile(r'\s*[^\s{\["0-9tfn-]'), "text/plain"),
)
_ADVICE = {
    "Expecting ',' delimiter": "Put a comma between two members or items.",
    "Expecting ':' delimiter": "Put a colon after the name.",
    "Extra data": "A body is one JSON value. Put several into a list, or use application/x-ndjson.",
    "Invalid control character at": "Write a line break inside quotes as \\n.",
    "Invalid \\escape": "Write a backslash inside quotes as \\\\.",
    "Invalid \\uXXXX escape": "Write four hexadecimal digits after \\u.",
    "Expecting property name enclosed in double quotes": "Write a name in double quotes.",
    "Expecting value": "Write a value.",
}
_WORDS = {
    "True": "true",
    "False": "false",
    "None": "null",
    "undefined": "null",
    "NaN": "null",
    "Infinity": "null",
    "-Infinity": "null",
    "nil": "null",
}
_WORD = re.compile(r"-?[A-Za-z]+")
_CLOSING = {"{": "}", "[": "]"}
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_QUOTES = frozenset("'`\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019")

_COUNT = re.compile(" has (?:no|1|3) items?, ")
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


class _Problem(ValueError):
    """Why a text is not JSON, and where."""

    def __init__(self, at: int, advice: str) -> None:
        super().__init__(advice)
        self.at = at
        self.advice = advice


_Checked = list[tuple[Variant, _Problem | None]]


def body_findings(
    variants: Variants, *, is_json_lines: bool, has_content_type: bool
) -> tuple[list[Fault], list[Fault]]:
    """Returns the faults of a body that is never JSON, and the warnings of one that may not be."""
    checked = [(item, _problem(item.text, is_lines=is_json_lines)) for item in variants.items]
    failed = [(variant, problem) for variant, problem in checked if problem is not None]
    if not failed:
        return [], []
    if len(failed) == len(checked) and _is_certain(variants, failed):
        variant, problem = failed[0]
        advice = None if has_content_type else _content_type_advice(variant.text)
        message = f"The body is never JSON. {advice or problem.advice}"
        return [_fault(variants, variant, problem, message)], []
    return [], list(_warnings(variants, checked))


def _is_certain(variants: Variants, failed: list[tuple[Variant, _Problem]]) -> bool:
    """Returns whether no variant is JSON, though not all combinations of decisions are known."""
    offsets = {variant.offset(problem.at) for variant, problem in failed}
    return len(offsets) == 1 or (variants.is_complete and variants.decisions <= 1)


def _warnings(variants: Variants, checked: _Checked) -> Iterator[Fault]:
    """Yields one warning for each place, with the first reason."""
    seen: set[int] = set()
    for variant, problem in checked:
        if problem is None or variant.offset(problem.at) in seen:
            continue
        seen.add(variant.offset(problem.at))
        reason = variant.reason or _opposite(checked)
        message = f"{reason}the body is not JSON and the delivery is held. {problem.advice}"
        yield _fault(variants, variant, problem, message)


def _opposite(checked: _Checked) -> str:
    """Returns when the variant with all conditions true fails: unless another one passes."""
    for variant, problem in checked:
        if problem is None and variant.reason:
            reason = variant.reason.replace(" is false, ", " is true, ")
            return _COUNT.sub(" has several items, ", reason)
    return "For some data, "


def _fault(variants: Variants, variant: Variant, problem: _Problem, message: str) -> Fault:
    line, column = variants.source.position(variant.offset(problem.at))
    return Fault(pointer=_POINTER, message=message, line=line, column=column)


def _problem(text: str, *, is_lines: bool) -> _Problem | None:
    begin = 0
    for line in text.split("\n") if is_lines else [text]:
        if line.strip() or not is_lines:
            try:
                _check(line)
            except _Problem as problem:
                return _Problem(begin + problem.at, problem.advice)
        begin += len(line) + 1
    return None


def _check(text: str) -> None:
    try:
        json.loads(text, parse_int=len, parse_float=len, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise _Problem(error.pos, _advice(text, error)) from None
    except _Problem as problem:
        raise _Problem(
            max(text.find(problem.advice), 0), f"Write null, not {problem.advice}."
        ) from None
    except RecursionError:
        return


def _refuse(name: str) -> None:
    raise _Problem(0, name)


def _advice(text: str, error: json.JSONDecodeError) -> str:
    at = error.pos
    word = _WORD.match(text, at)
    if word and word[0] in _WORDS:
        return f"Write {_WORDS[word[0]]}, not {word[0]}."
    if word and word[0] in ROOTS:
        return f"Write {{{{ … }}}} around a name, as in {{{{ {word[0]}.… }}}}."
    if word and error.msg == "Expecting value":
        return "Write a text in double quotes."
    if not text.strip():
        return "It is empty. Remove the template to send the default payload."
    return _advice_by_character(text, at, error.msg)


def _advice_by_character(text: str, at: int, message: str) -> str:
    character = text[at : at + 1]
    bracket = _bracket_advice(text, at, message)
    if bracket is not None:
        return bracket
    if character in _QUOTES:
        return f"Write names and texts in straight double quotes, not in {character}."
    if message.startswith("Illegal trailing comma"):
        return _no_comma(text[at + 1 :].lstrip()[:1])
    if character in {"}", "]"} and text[:at].rstrip().endswith(","):
        return _no_comma(character)
    if text[at : at + 2] in {"//", "/*"}:
        return "JSON has no comments. Write {# … #}."
    return _ADVICE.get(message, f"{message}.")


def _bracket_advice(text: str, at: int, message: str) -> str | None:
    """Returns the advice for a bracket that is missing or closes nothing."""
    bracket = _open_bracket(text[:at])
    if not text[at:].strip():
        return (
            f"It ends inside {bracket}. Write {_CLOSING[bracket]} at the end." if bracket else None
        )
    if text[at] not in _CLOSING.values():
        return None
    if not bracket:
        return f"Remove {text[at]}: it closes no bracket."
    if message.startswith("Expecting ',"):
        return f"Write {_CLOSING[bracket]} first, because {bracket} is open here."
    return None


def _open_bracket(text: str) -> str:
    """Returns the innermost bracket that is open at the end of a text, or ""."""
    stack = [""]
    for match in _BRACKET.finditer(text):
        if match[0] in _CLOSING:
            stack.append(match[0])
        elif match[0] == _CLOSING.get(stack[-1]):
            stack.pop()
    return stack[-1]


def _no_comma(bracket: str) -> str:
    idiom = '{{ "," if not loop.last }}'
    return f"Remove the comma before {bracket or 'the bracket'}; in a loop write {idiom}."


def _content_type_advice(text: str) -> str | None:
    """Returns the advice for a body that is not meant to be JSON, without a Content-Type."""
    for pattern, media_type in _NO_CONTENT_TYPE:
        if pattern.match(text):
            return f"If it is not meant to be JSON, set the header Content-Type, e.g. {media_type}."
    return None


def payload_warning(configuration: Configuration) -> Fault | None:
    """Returns a warning of a schema that no default payload of a job or a commit can match."""
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
    mismatches = [next(_certain(schema, _PAYLOADS[kind]), None) for kind in sorted(kinds)]
    if any(fault is None for fault in mismatches):
        return None
    message = f"The default payload never matches the schema. {_text(mismatches[0])}"
    return Fault(pointer="/schema", message=message)


def schema_warnings(configuration: Configuration, variants: Variants) -> list[Fault]:
    """Returns the warnings of a body that never matches the schema, or only for some data.

    A mismatch is not a fault: template and schema may be changed one after the other.
    """
    schema = _schema_of(configuration)
    if schema is None:
        return []
    results: list[tuple[Variant, tuple[str, str] | None]] = []
    for variant in islice(variants.items, _MOST_VARIANTS):
        try:
            instance = parse_instance(variant.text)
        except NotJson:
            continue
        results.append((variant, next(_certain(schema, instance), None)))
    failed = [(variant, fault) for variant, fault in results if fault is not None]
    if len(failed) == len(results):
        return [_mismatch(variants, *failed[0], "The body never matches")] if failed else []
    first = {fault: variant for variant, fault in reversed(failed)}
    return [
        _mismatch(variants, variant, fault, f"{_reason(variant)}the body does not match")
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
    """Yields pointer and message of the faults that do not depend on the data."""
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


def _mismatch(variants: Variants, variant: Variant, fault: tuple[str, str], start: str) -> Fault:
    text = variant.text
    line, column = json_position(text, fault[0]) or (1, 1)
    lines = text.splitlines(keepends=True)
    at = sum(map(len, lines[: line - 1])) + column - 1
    line, column = variants.source.position(variant.offset(at))
    message = f"{start} the schema. {_text(fault)}"
    return Fault(pointer="/body_template", message=message, line=line, column=column)
