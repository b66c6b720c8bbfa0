"""Compiles names with constant keys; reports unknown names with a suggestion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from rowhook.template.faults import closest_match
from rowhook.template.lexer import SECRET_RULE
from rowhook.template.limits import MAX_DEPTH
from rowhook.template.names import (
    null_expression,
    path_name,
    record_position,
    split_path,
    start_offset,
)
from rowhook.template.path_reads import read_root, read_slot, read_variable

if TYPE_CHECKING:
    from rowhook.template.compilation import Build, Loop
    from rowhook.template.names import Key
    from rowhook.template.render_state import Expression


LOOP_NAMES = ("index", "index0", "first", "last", "length")
RESERVED = frozenset({"loop", "secret"})
_LONGEST = 200
_DATA_ROOTS = frozenset({"data", "context"})
# Names of other template engines and of the API, with what to write here.
_INSTEAD = {
    **dict.fromkeys(("null", "nil", "NULL", "Null", "undefined", "NONE"), "Write none."),
    **dict.fromkeys(("TRUE", "yes", "YES"), "Write true."),
    **dict.fromkeys(("FALSE", "no", "NO"), "Write false."),
    **dict.fromkeys(("now", "utcnow", "today"), "Write timestamp, the time of this attempt."),
    **dict.fromkeys(("output", "result", "payload"), "Write data."),
    **dict.fromkeys(("metadata", "meta"), "Write context."),
    **dict.fromkeys(("range", "dict", "namespace"), "Loop over the data, or over a slice of it."),
    **dict.fromkeys(("secrets", "env", "environ", "vault"), "Write {{secret:<id>}}."),
    "commit": "Write commit_id, committed_at or data.",
}


def compile_path(build: Build, node: nodes.Node, *, lenient: bool) -> Expression | None:
    """Compile a name with constant keys; return None for other expressions."""
    start, keys = split_path(node)
    if not isinstance(start, nodes.Name):
        return None
    if len(keys) > MAX_DEPTH:
        build.fault(node.lineno, f"The path has more than {MAX_DEPTH} keys.")
        return null_expression
    build.cost += 1 + len(keys)
    name = start.name
    if not lenient:
        # The fault of a render names the path up to the missing key.
        ends = range(len(keys) + 1)
        record_position(build, start, *(path_name(name, keys[:end]) for end in ends))
    variable = build.variable(name)
    if variable is not None:
        read = read_variable if variable.is_set else read_slot
        return read(name, variable.slot, keys, lenient=lenient)
    if name == "loop" and build.in_body:
        return _loop_value(build, start, keys)
    if name not in build.roots:
        build.fault(start.lineno, unknown_name(build, name[:_LONGEST]))
        return null_expression
    return _root_value(build, start, keys, lenient=lenient)


def _root_value(
    build: Build, start: nodes.Name, keys: tuple[Key, ...], *, lenient: bool
) -> Expression:
    is_data = start.name in _DATA_ROOTS
    if not is_data:
        build.platform_paths.setdefault((start.name, keys), start_offset(start))
    path = tuple(str(key) for key in keys) if is_data else ()
    build.use(start.name, path, required=not lenient)
    return read_root(start.name, keys, lenient=lenient)


def unknown_name(build: Build, name: str) -> str:
    """Return the error message of a name that is not defined, with what to write instead."""
    if name == "secret":
        return SECRET_RULE
    if name == "loop":
        return "loop is only available between for and endfor, not in else."
    known = sorted({*build.roots, *build.visible_names()})
    match = closest_match(name, known)
    hint = (
        f"Did you mean {match}?"
        if match
        else f"A field of the data is written data.{name}. The names are {', '.join(known)}."
    )
    return f"Unknown name {name}. {_INSTEAD.get(name, hint)}"


def _loop_value(build: Build, node: nodes.Name, keys: tuple[Key, ...]) -> Expression:
    if len(keys) != 1 or keys[0] not in LOOP_NAMES:
        match = closest_match(str(keys[0]), LOOP_NAMES) if keys else None
        hint = f" Did you mean loop.{match}?" if match else ""
        build.fault(node.lineno, f"The attributes of loop are {', '.join(LOOP_NAMES)}.{hint}")
        return null_expression
    return _loop_reader(build.loops[-1], str(keys[0]))


def _loop_reader(loop: Loop, name: str) -> Expression:
    at, count = loop.index_slot, loop.count_slot
    readers: dict[str, Expression] = {
        "index": lambda state: state.slots[at] + 1,  # type: ignore[operator]
        "index0": lambda state: state.slots[at],
        "first": lambda state: state.slots[at] == 0,
        "last": lambda state: state.slots[at] + 1 == state.slots[count],  # type: ignore[operator]
        "length": lambda state: state.slots[count],
    }
    return readers[name]
