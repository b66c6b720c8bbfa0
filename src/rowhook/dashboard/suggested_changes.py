"""Suggests changes to a draft that remove the faults of its held deliveries."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from rowhook import json_pointer
from rowhook.dashboard.editor_form import Fields
from rowhook.dashboard.editor_hints import field_of, locate_faults
from rowhook.json_pointer import json_position
from rowhook.render.configuration import Fault
from rowhook.schema.reader import NotJson, parse_instance
from rowhook.schema.schema_compiler import SchemaRejected, compile_schema
from rowhook.services.held_deliveries import HeldPreview

_UNDEFINED = re.compile(
    r"(?P<name>\S.*?) is not defined(?:; did you mean (?P<match>.+)\?$|[:.])", re.DOTALL
)
_UNKNOWN_FILTER = re.compile(r"Unknown filter (?P<name>\w+)\. Did you mean (?P<match>\w+)\?")
_STEP = r"""\s*\.\s*\w+|\s*\[\s*(?:-?\d+|"[^"\\]*"|'[^'\\]*')\s*\]"""
_PATH = re.compile(rf"[A-Za-z_]\w*(?:{_STEP})*")
_STEPS = re.compile(_STEP)
_MOST = 12
_LABELS = {"body_template": "the body template", "url": "the URL", "headers": "the headers"} | {
    "condition": "the condition"
}
_REMOVABLE = (
    *("format", "pattern", "enum", "const", "minLength", "maxLength", "multipleOf"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "uniqueItems"),
    *("minItems", "maxItems", "minProperties", "maxProperties"),
)
_MAX_DEPTH = 32
_INDEX = re.compile(r"/\d+(?=/|$)")
_TYPES = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    str: "string",
    list: "array",
    dict: "object",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedChange:
    """A replacement of a part of a field's text, from `start` to `end`."""

    field: str
    start: int
    end: int
    text: str
    summary: str

    @property
    def key(self) -> str:
        """An identifier of the change in the form of this draft."""
        change = f"{self.field}:{self.start}:{self.end}:{self.text}"
        return hashlib.sha256(change.encode()).hexdigest()[:12]

    def apply(self, fields: Fields) -> Fields:
        """Returns the fields with the change."""
        before = str(fields[self.field])
        return fields | {self.field: before[: self.start] + self.text + before[self.end :]}


def suggested_changes(
    fields: Fields, items: Iterable[HeldPreview], faults: Iterable[Fault] = ()
) -> list[SuggestedChange]:
    """Returns changes for the faults of a draft and of its previews, each once."""
    changes: dict[str, SuggestedChange] = {}
    for change in _changes(fields, items, faults):
        changes.setdefault(change.key, change)
        if len(changes) == _MOST:
            break
    return list(changes.values())


def _changes(
    fields: Fields, items: Iterable[HeldPreview], faults: Iterable[Fault]
) -> Iterator[SuggestedChange]:
    for fault in faults:
        yield from _template_changes(fields, fault)
    schema = SchemaText(str(fields["schema"]))
    for item in items:
        body = item.request.body if item.request is not None else None
        for preview_fault in item.faults:
            if preview_fault.at == "body" and body is not None:
                for start, end, text, summary in schema.relaxations(preview_fault.pointer, body):
                    yield SuggestedChange(
                        field="schema", start=start, end=end, text=text, summary=summary
                    )
            elif preview_fault.at == "configuration":
                template_fault = Fault(
                    pointer=preview_fault.pointer,
                    message=preview_fault.message,
                    line=preview_fault.line,
                    column=preview_fault.column,
                )
                yield from _template_changes(fields, template_fault)


def _template_changes(fields: Fields, fault: Fault) -> Iterator[SuggestedChange]:
    """Yields changes for an undefined variable, or an unknown filter, at its position."""
    field = field_of(fault.pointer)
    if fault.line is None or field not in fields:
        return
    text = str(fields[field])
    (located,) = locate_faults([fault], field, text)
    if located["column"] is None:
        return
    start = offset_of(text, located["line"], located["column"])
    position = f"Line {located['line']}, column {located['column']}"
    if undefined := _UNDEFINED.match(fault.message):
        for end, new in _for_undefined(text, start, undefined["name"], undefined["match"]):
            yield _replacement(field, text, start, end, new, position)
    elif unknown := _UNKNOWN_FILTER.search(fault.message):
        used = re.compile(rf"\|\s*({re.escape(unknown['name'])})\b").search(text, start)
        if used is not None:
            yield _replacement(field, text, used.start(1), used.end(1), unknown["match"], position)


def _replacement(
    field: str, text: str, start: int, end: int, new: str, position: str
) -> SuggestedChange:
    summary = f"{position} of {_LABELS.get(field, field)}: {text[start:end]} becomes {new}"
    return SuggestedChange(field=field, start=start, end=end, text=new, summary=summary)


def _for_undefined(
    text: str, start: int, name: str, match: str | None
) -> Iterator[tuple[int, str]]:
    """Yields the end and the replacement of the path at `start`: the similar name, a default."""
    path = _PATH.match(text, start)
    root = re.match(r"\w+", name)
    if path is None or root is None or not path[0].startswith(root[0]):
        return
    if match is not None and (wrong := _last_step(path, name)) is not None:
        yield path.end(), text[start : wrong[0]] + _last_of(match) + text[wrong[1] : path.end()]
    value = "[]" if re.search(r"\bin\s+$", text[:start]) else '""'
    default = f"{path[0]} | default({value})"
    is_followed = text[path.end() : path.end() + 1] in ("[", "(", ".")
    yield path.end(), f"({default})" if is_followed else default


def _last_step(path: re.Match[str], name: str) -> tuple[int, int] | None:
    """Returns the range of the step that a fault names, which others may follow."""
    steps = list(_STEPS.finditer(path.string, path.start(), path.end()))
    count = len(_STEPS.findall(name))
    return steps[count - 1].span() if 0 < count <= len(steps) else None


def _last_of(name: str) -> str:
    return _STEPS.findall(name)[-1] if _STEPS.search(name) else f".{name}"


class Relaxation(NamedTuple):
    """A replacement of the text from `start` to `end`."""

    start: int
    end: int
    text: str
    summary: str


class SchemaText:
    """The text of a schema, and the parts of it that apply to a value."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._seen: set[str] = set()
        try:
            self._document = json.loads(text) if text.strip() else None
        except (ValueError, RecursionError):
            self._document = None

    def relaxations(self, pointer: str, body: str) -> Iterator[Relaxation]:
        """Yields changes that make the schema accept the value at a pointer into a body.

        Items of one list are alike: their violations are examined once for each kind of value.
        """
        try:
            value = _at(parse_instance(body), json_pointer.split(pointer), missing=...)
        except NotJson:
            return
        kind = f"{_INDEX.sub('/*', pointer)} {type(value).__name__}"
        if value is ... or kind in self._seen:
            return
        self._seen.add(kind)
        steps = json_pointer.split(pointer)
        for path, part in _parts(self._document, steps):
            yield from self._for_value(path, part, value)
        for path, part in _parts(self._document, steps[:-1]) if steps else ():
            if part.get("additionalProperties") is False and _inner(part, steps[-1]) is None:
                yield from self._without(path, "additionalProperties")

    def _for_value(self, path: list[str], part: dict[str, Any], value: Any) -> Iterator[Relaxation]:
        required = part.get("required")
        names = required if isinstance(required, list) and isinstance(value, dict) else []
        for name in names:
            if name not in value:
                left = [other for other in names if other != name]
                yield from self._replaced(path, "required", left, f"{name} is no longer required")
        kinds = part.get("type")
        if kinds is not None and self._violates("type", kinds, value):
            allowed = kinds if isinstance(kinds, list) else [kinds]
            kind = _TYPES.get(type(value), "number")
            yield from self._replaced(path, "type", [*allowed, kind], f"type also allows {kind}")
        for keyword in _REMOVABLE:
            if keyword in part and self._violates(keyword, part[keyword], value):
                yield from self._without(path, keyword)

    def _violates(self, keyword: str, setting: Any, value: Any) -> bool:
        dialect = self._document.get("$schema") if isinstance(self._document, dict) else None
        alone = {keyword: setting} | ({} if dialect is None else {"$schema": dialect})
        try:
            return bool(compile_schema(alone).faults(value))
        except SchemaRejected:
            return False

    def _without(self, path: list[str], keyword: str) -> Iterator[Relaxation]:
        if (span := self._span([*path, keyword])) is not None:
            start, end = self._member(keyword, *span)
            yield Relaxation(start, end, "", f"JSON Schema, {_label(path)}: {keyword} is removed")

    def _replaced(
        self, path: list[str], keyword: str, setting: list[Any], summary: str
    ) -> Iterator[Relaxation]:
        if (span := self._span([*path, keyword])) is not None:
            text = json.dumps(setting, ensure_ascii=False)
            yield Relaxation(*span, text, f"JSON Schema, {_label(path)}: {summary}")

    def _span(self, path: list[str]) -> tuple[int, int] | None:
        position = json_position(self._text, json_pointer.join(path))
        if position is None:
            return None
        start = offset_of(self._text, *position)
        return start, json.JSONDecoder().raw_decode(self._text, start)[1]

    def _member(self, name: str, start: int, end: int) -> tuple[int, int]:
        """Returns the range of a member of an object, with the comma after or before it."""
        start = self._text.rfind(json.dumps(name), 0, start)
        if (after := re.compile(r"\s*,\s*").match(self._text, end)) is not None:
            return start, after.end()
        before = re.search(r",\s*$", self._text[:start])
        return (start if before is None else before.start()), end


def offset_of(text: str, line: int, column: int) -> int:
    """Returns the offset of a line and a column, both from 1."""
    before = text.split("\n")[: line - 1]
    return sum(len(part) + 1 for part in before) + column - 1


def _parts(document: Any, steps: list[str]) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Yields the parts of a schema that apply to a value, and their paths."""
    yield from _walk(document, document, [], steps, _MAX_DEPTH)


def _walk(
    document: Any, node: Any, path: list[str], steps: list[str], depth: int
) -> Iterator[tuple[list[str], dict[str, Any]]]:
    if not isinstance(node, dict) or depth == 0:
        return
    reference = node.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        target = json_pointer.split_reference(reference)
        yield from _walk(document, _at(document, target), target, steps, depth - 1)
    every = node.get("allOf")
    for index, part in enumerate(every if isinstance(every, list) else ()):
        yield from _walk(document, part, [*path, "allOf", str(index)], steps, depth - 1)
    if not steps:
        yield path, node
        return
    inner = _inner(node, steps[0])
    if inner is not None:
        yield from _walk(document, _at(node, inner), [*path, *inner], steps[1:], depth)


def _inner(node: dict[str, Any], step: str) -> list[str] | None:
    """Returns where a schema describes the property or item `step`."""
    candidates = [["properties", step]]
    if step.isdecimal():
        candidates += [["prefixItems", step], ["items"]]
    candidates.append(["additionalProperties"])
    return next((path for path in candidates if isinstance(_at(node, path), dict)), None)


def _at(node: Any, path: list[str], missing: Any = None) -> Any:
    for step in path:
        try:
            node = node[int(step) if isinstance(node, list) else step]
        except (KeyError, IndexError, ValueError, TypeError):
            return missing
    return node


def _label(path: list[str]) -> str:
    return json_pointer.join(path) or "the whole schema"
