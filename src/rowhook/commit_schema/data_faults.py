"""Explains why an output would not be sent, as faults of the proposed data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from rowhook import json_pointer
from rowhook.commit_schema.body_skeleton import Node, Text, Value, quoted_after, read_skeleton
from rowhook.commit_schema.data_schema import body_of, parts_of, templates_of
from rowhook.commit_schema.traced_template import (
    UNKNOWN,
    LoopList,
    LoopObject,
    Occurrence,
    Path,
    trace,
    traced_body,
)
from rowhook.model import BodyFault, Outcome, Verdict
from rowhook.render.configuration import Configuration
from rowhook.render.webhook_compiler import Webhook
from rowhook.schema.budget import pointer_to
from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import ROOTS, Template, compile_template
from rowhook.template.faults import RenderFault, TemplateFaults
from rowhook.template.static_text import Placeholder
from rowhook.template.syntax_nodes import Key, path_name, read_path_name

_SENT = (Verdict.DELIVERED, Verdict.SKIPPED)
_MAX_FAULTS = 50
_MAX_NAMES = 10
_WEBHOOK_HINT = "The data cannot fix this. Contact the owner of the webhook."
_HINTS = {
    "required": "Add it.",
    "dependentRequired": "Add it.",
    "type": "Use a value of that type.",
    "enum": "Use one of the listed values.",
    "const": "Use exactly that value.",
    "format": "Use that format.",
    "pattern": "Use a string that matches the pattern.",
    "additionalProperties": "Remove it.",
    "unevaluatedProperties": "Remove it.",
    "uniqueItems": "Remove the duplicate.",
    "cost": "Commit less or simpler data.",
}
_OTHER_HINT = "Change the value to satisfy the schema."
_MAX_OCCURRENCES = 5_000
_FORMS = {OutputContext.URL: "https://a.example/?x={}", OutputContext.HEADER: "{}"}


class CommitFault(Struct, frozen=True, kw_only=True):
    """A fault of proposed data: `pointer` (RFC 6901) into the data, "" if no value is at fault.

    `hint` tells an agent how to correct it.
    """

    pointer: str
    message: str
    hint: str


def webhook_fault(outcome: Outcome) -> CommitFault:
    """Returns the fault of an output that fails for all data."""
    message = outcome.error or outcome.verdict.value
    return CommitFault(pointer="", message=message, hint=_WEBHOOK_HINT)


def explain(
    configuration: Configuration,
    webhook: Webhook,
    outcome: Outcome,
    names: Mapping[str, object],
) -> list[CommitFault]:
    """Returns the faults of a failed outcome; none if it was delivered or skipped.

    `names` are the variables of the templates.
    """
    if outcome.verdict in _SENT:
        return []
    if outcome.verdict is Verdict.SCHEMA_FAILED:
        node = _body_node(configuration, names)
        faults = [
            commit_fault
            for fault in outcome.faults
            for commit_fault in _of_body(node, fault, names["data"], _hint_of_condition(webhook))
        ]
    else:
        faults = list(_of_render(webhook, outcome, names))
    return list(dict.fromkeys(faults))


def _body_node(configuration: Configuration, names: Mapping[str, object]) -> Node:
    """Returns the tree of the body as it was rendered, if possible."""
    template = configuration.body_template
    if template is None or configuration.raw_payload:
        return body_of(configuration)
    node = traced_body(template, names)
    return read_skeleton(template) if node is None else node


def _of_render(
    webhook: Webhook, outcome: Outcome, names: Mapping[str, object]
) -> Iterator[CommitFault]:
    data = names["data"]
    failures = [] if outcome.location is None else list(_evaluated(webhook, outcome, names))
    if failures:
        yield from (_at(path, message, data) for path, message in failures)
        reported = {path for path, _ in failures}
        yield from _missing(webhook, reported, names)
        return
    message = outcome.error or outcome.verdict.value
    subject = None if outcome.subject is None else outcome.subject.partition(" |")[0]
    path = None if subject is None else read_path_name(subject)
    if path is None:
        yield CommitFault(pointer="", message=message, hint=_hint_of(outcome.verdict))
        return
    yield _at(path, message, data)
    if "is not defined" in message:
        yield from _missing(webhook, {path}, names)


def _evaluated(
    webhook: Webhook, outcome: Outcome, names: Mapping[str, object]
) -> Iterator[tuple[Path, str]]:
    """Yields path and message of each expression that fails in the template that failed."""
    pointer = outcome.location.pointer if outcome.location else ""
    template = dict(templates_of(webhook)).get(pointer)
    failures = [] if template is None else expression_failures(template, names)
    for occurrence, message in failures[:_MAX_FAULTS]:
        if occurrence.path is not None:
            yield occurrence.path, message


def _hint_of(verdict: Verdict) -> str:
    if verdict is Verdict.RENDER_FAILED:
        return "Change the data so that the output can be rendered."
    return _WEBHOOK_HINT


def _at(path: tuple[str, tuple[Key, ...]], message: str, data: object) -> CommitFault:
    root, keys = path
    name = path_name(root, keys)
    missing = "is not defined" in message
    if root == "data":
        hint = f"Add {name}." if missing else f"Change {name}."
        return CommitFault(pointer=_pointer(keys, data), message=message, hint=hint)
    if root == "context":
        hint = "The value comes from the context of the session, which a commit does not change."
        return CommitFault(pointer="", message=message, hint=hint)
    return CommitFault(pointer="", message=message, hint=_hint_of(Verdict.RENDER_FAILED))


def _missing(
    webhook: Webhook, reported: set[Path], names: Mapping[str, object]
) -> Iterator[CommitFault]:
    """Yields a fault for every other required path that is missing."""
    for _, uses in parts_of(webhook):
        for use in uses:
            keys = tuple(_as_key(step) for step in use.path)
            is_missing = use.required and not _exists(names[use.root], keys)
            if is_missing and (use.root, keys) not in reported:
                name = path_name(use.root, keys)
                yield _at((use.root, keys), f"{name} is not defined.", names["data"])


def _as_key(text: str) -> str | int:
    return int(text) if text.lstrip("-").isdecimal() else text


def _exists(value: Any, keys: tuple[Key, ...]) -> bool:
    for key in keys:
        try:
            value = value[str(key)] if isinstance(value, dict) else value[key]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _pointer(keys: tuple[Key, ...], data: Any) -> str:
    """Returns the pointer of keys; negative indexes are converted if the list exists."""
    steps: list[str | int] = []
    for key in keys:
        inside = isinstance(data, list) and isinstance(key, int) and -len(data) <= key < len(data)
        steps.append(key % len(data) if inside and isinstance(key, int) else key)
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            data = None
    return pointer_to(steps)


def _hint_of_condition(webhook: Webhook) -> str:
    """Returns the hint for a part of the body that is not a value of the data."""
    uses = next((uses for pointer, uses in parts_of(webhook) if pointer == "/body_template"), ())
    names = [
        path_name("data", tuple(map(_as_key, use.path)))
        for use in uses
        if use.root == "data" and not use.required
    ]
    if not names:
        return _WEBHOOK_HINT
    paths = ", ".join(sorted(set(names))[:_MAX_NAMES])
    return f"The template writes parts of the body for some data only. It depends on: {paths}."


def _of_body(node: Node, fault: BodyFault, data: object, decided_by: str) -> Iterator[CommitFault]:
    hint = _HINTS.get(fault.keyword, _OTHER_HINT)
    placeholders = list(_sources(node, json_pointer.split(fault.pointer)))
    position = fault.pointer or "/"
    if not placeholders:
        message = f"At {position} in the body: {fault.message}"
        yield CommitFault(pointer="", message=message, hint=decided_by)
    for placeholder, rest in placeholders:
        if placeholder.root == "data":
            pointer = _pointer(placeholder.keys, data) + pointer_to(rest)
            yield CommitFault(pointer=pointer, message=fault.message, hint=hint)
        else:
            yield _at(
                (placeholder.root or "", placeholder.keys),
                f"{placeholder.description} at {position}: {fault.message}",
                data,
            )


def _sources(node: Node, steps: list[str]) -> Iterator[tuple[Placeholder, list[str]]]:
    """Yields the placeholders at a position of the body, with the remaining steps inside each."""
    for index, step in enumerate(steps):
        if isinstance(node, dict) and step in node:
            node = node[step]
        elif isinstance(node, list) and step.isdecimal() and int(step) < len(node):
            node = node[int(step)]
        else:
            steps = steps[index:]
            break
    else:
        steps = []
    if isinstance(node, LoopList | LoopObject):
        yield from ((source, steps) for source in node.sources)
    elif isinstance(node, Value):
        yield node.placeholder, steps
    elif isinstance(node, Text):
        yield from ((part, []) for part in node.parts if isinstance(part, Placeholder))


def expression_failures(
    template: Template, names: Mapping[str, object]
) -> list[tuple[Occurrence, str]]:
    """Returns the expressions that fail, with the message of each."""
    evaluation = _Evaluation(template.output_context, names)
    inside = False
    for part in (trace(template.source, names) or [])[:_MAX_OCCURRENCES]:
        if isinstance(part, str):
            inside = quoted_after(part, quoted=inside)
        elif isinstance(part, Occurrence):
            evaluation.evaluate(part, inside=inside)
    return evaluation.failures


class _Evaluation:
    def __init__(self, output_context: OutputContext, names: Mapping[str, object]) -> None:
        self.failures: list[tuple[Occurrence, str]] = []
        self._output_context = output_context
        self._names = names
        self._compiled: dict[tuple[str, bool, frozenset[str]], Template | None] = {}

    def evaluate(self, part: Occurrence, *, inside: bool) -> None:
        """Evaluates an expression, unless it reads a variable without a value."""
        values = {
            name: bound.value
            for name, bound in part.variables.items()
            if bound.value is not UNKNOWN
        }
        template = self._template(part.expression, frozenset(values), inside=inside)
        if template is None:
            return
        try:
            template.render({**self._names, **values})
        except RenderFault as fault:
            self.failures.append((part, str(fault)))

    def _template(
        self, expression: str, variables: frozenset[str], *, inside: bool
    ) -> Template | None:
        key = expression, inside, variables
        if key not in self._compiled:
            form = _FORMS.get(self._output_context, '"{}"' if inside else "[{}]")
            try:
                self._compiled[key] = compile_template(
                    form.replace("{}", expression), self._output_context, roots=ROOTS | variables
                )
            except TemplateFaults:
                self._compiled[key] = None
        return self._compiled[key]
