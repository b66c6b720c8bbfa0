"""Checks before a save that the compiler does not make: names, foreign syntax, body, samples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from rowhook.render.body_checks import body_findings, payload_warning, schema_warnings
from rowhook.render.configuration import Configuration, Fault, header_pointer
from rowhook.render.payload import variable_names
from rowhook.template.body_variants import body_variants
from rowhook.template.compilation import OutputContext, body_context, is_json_lines
from rowhook.template.compiler import (
    ROOTS,
    Condition,
    PlatformPath,
    Template,
    compile_condition,
    compile_template,
)
from rowhook.template.faults import TemplateFaults, closest_match
from rowhook.template.limits import MAX_FAULTS
from rowhook.template.source import read_source
from rowhook.template.syntax_nodes import path_name

if TYPE_CHECKING:
    from rowhook.template.source import Source

_JOBS = frozenset({"job", "agent", "agent_version"})
_COMMITS = frozenset({"commit_id", "committed_at", "goal", "template", "session", "interview"})
_OPERATIONAL = frozenset({"webhook", "reason"})
# chosen by the platform, so that any path below may exist
_OPEN = frozenset({("job", "output"), ("job", "metadata")})
# likely mistakes, with the name that has the value
_INSTEAD = {
    ("goal", "name"): "Write goal.id.",
    ("session", "context"): "Write context.",
    ("session", "data"): "Write data or context.",
    ("job", "data"): "Write data.",
    ("job", "error"): "Write data, the output of the job.",
    ("job", "name"): "Write agent.name.",
    ("event", "data"): "Write data.",
    ("event", "timestamp"): "Write timestamp.",
    ("event", "created_at"): "Write committed_at or job.completed_at.",
    ("job", "duration"): "Send it in the output of the job.",
}
_ROOT = rf"(?:{'|'.join(sorted(ROOTS))})\b"
_NAME = rf"{_ROOT}(?:\.[\w-]+|\[[^\]]{{1,40}}\])*"
# A string in a tag may contain `}}`, and then any number of `{%`. The first one without an end
# extends to the end of the text; otherwise the text would be searched to its end for each of them.
_OURS = re.compile(r"\{\{.*?(?:\}\}|\Z)|\{%.*?(?:%\}|\Z)|\{#.*?(?:#\}|\Z)", re.DOTALL)
_FOREIGN = re.compile(
    rf"[$@#]\{{\s*(?P<braces>{_NAME})\s*\}}"
    rf"|<%[=-]?\s*(?P<percent>{_NAME})[^%]{{0,80}}%>"
    rf"|\{{\s*(?P<single>{_ROOT}(?:\.[A-Za-z_][\w-]*)+)\s*\}}"
)


@dataclass(frozen=True, slots=True)
class Findings:
    """Faults, which fail for all data, and warnings, which fail for some."""

    faults: list[Fault]
    warnings: list[Fault]


def check_before_save(configuration: Configuration) -> Findings:
    """Returns the findings of a webhook. Parts that do not compile are left to the compiler."""
    faults: list[Fault] = []
    warnings: list[Fault] = []
    for pointer, part in _parts(configuration):
        faults += _unknown_names(pointer, part)
        warnings += _null_names(pointer, part, configuration.event_types)
        warnings += foreign_syntax(pointer, read_source(part.source))
        if part.output_context is OutputContext.JSON:
            never, sometimes = _body_findings(configuration, part.source)
            faults += never
            warnings += sometimes
    payload = payload_warning(configuration)
    warnings += [payload] if payload else []
    return Findings([_located(fault) for fault in faults], [_located(fault) for fault in warnings])


def _located(fault: Fault) -> Fault:
    """Returns the fault with its position in the message, as the compiler writes it."""
    if fault.line is None:
        return fault
    message = f"Line {fault.line}, column {fault.column}: {fault.message}"
    return replace(fault, message=message)


def _body_findings(configuration: Configuration, source: str) -> tuple[list[Fault], list[Fault]]:
    content_type = _content_type(configuration)
    variants = body_variants(source)
    never, sometimes = body_findings(
        variants,
        is_json_lines=is_json_lines(content_type),
        has_content_type=content_type is not None,
    )
    if never or is_json_lines(content_type):
        return never, sometimes
    return never, sometimes + schema_warnings(configuration, variants)


def _content_type(configuration: Configuration) -> str | None:
    values = [
        value for name, value in configuration.headers.items() if name.lower() == "content-type"
    ]
    return values[0] if values else None


def _parts(configuration: Configuration) -> Iterator[tuple[str, Template | Condition]]:
    body = body_context(_content_type(configuration))
    sources = [
        ("/url", configuration.url, OutputContext.URL),
        ("/body_template", configuration.body_template, body),
        ("/condition", configuration.condition, OutputContext.CONDITION),
        *(
            (header_pointer(name), value, OutputContext.HEADER)
            for name, value in configuration.headers.items()
        ),
    ]
    for pointer, source, context in sources:
        with suppress(TemplateFaults):
            if source is not None and context is OutputContext.CONDITION:
                yield pointer, compile_condition(source)
            elif source is not None:
                yield pointer, compile_template(source, context)


def _unknown_names(pointer: str, part: Template | Condition) -> Iterator[Fault]:
    fields_of = _variable_fields()
    for path, (line, column) in part.platform_paths.items():
        message = _unknown(path, fields_of)
        if message is not None:
            yield Fault(pointer=pointer, message=message, line=line, column=column)


def _variable_fields() -> dict[str, list[str]]:
    """Returns the fields of each variable; none for those that are text."""
    fields_of: dict[str, list[str]] = {}
    for name in variable_names():
        root, _, key = name.partition(".")
        fields_of.setdefault(root, []).extend([key] if key else [])
    return fields_of


def _unknown(path: PlatformPath, fields_of: dict[str, list[str]]) -> str | None:
    root, keys = path
    if not keys or root not in fields_of or (root, keys[0]) in _OPEN:
        return None
    fields = fields_of[root]
    key = str(keys[0])
    name = path_name(root, keys)
    if key in fields and len(keys) == 1:
        return None
    if key in fields or not fields:
        parent = path_name(root, keys[:1]) if fields else root
        return f"{name} does not exist: {parent} has no fields. Write {parent}."
    match = closest_match(key, fields)
    hint = f"Did you mean {root}.{match}?" if match else f"{root} has {', '.join(fields)}."
    return f"{name} does not exist in any event. {_INSTEAD.get((root, key), hint)}"


def _null_names(
    pointer: str, part: Template | Condition, event_types: list[str]
) -> Iterator[Fault]:
    """Yields a warning for variables that none of the webhook's events has."""
    jobs = [event_type.startswith("job.") for event_type in event_types]
    commits = [event_type == "goal.committed" for event_type in event_types]
    missing = _COMMITS if jobs and all(jobs) else _JOBS if commits and all(commits) else frozenset()
    if missing or not event_types:
        missing |= _OPERATIONAL
    for (root, keys), (line, column) in part.platform_paths.items():
        if root in missing:
            message = (
                f"{path_name(root, keys)} is always null, because the events "
                f"{', '.join(event_types)} do not have it."
            )
            yield Fault(pointer=pointer, message=message, line=line, column=column)


def foreign_syntax(pointer: str, source: Source) -> Iterator[Fault]:
    """Yields warnings for the first `${name}`, `<%= name %>` and `{data.name}` of a static text."""
    static = _OURS.sub(lambda match: "\0" * len(match[0]), source.flat)
    for match in islice(_FOREIGN.finditer(static), MAX_FAULTS):
        name = match["braces"] or match["percent"] or match["single"]
        line, column = source.position(match.start())
        message = f"{match[0]} is sent unchanged. For a value write {{{{ {name} }}}}."
        yield Fault(pointer=pointer, message=message, line=line, column=column)
