"""A source becomes a Template or a Condition: all that can be known before data comes, once.

It holds the rules of whole templates; what is inside them is compiled by the files beside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from jinja2 import nodes

from .build import Build
from .expressions import compile_expression
from .faults import RenderFault
from .follow import FOLLOWERS
from .frame import Frame
from .limits import MAX_HEADER, MAX_OUTPUT, MAX_URL
from .names import beginning, nothing
from .parse import parse
from .place import Place
from .rendered import Rendered, render_text
from .source import read_source
from .statements import compile_block, compile_piece, pieces, sequence
from .tokens import SECRET_RULE
from .url import Part, past_host, static_fault, url_part
from .values import truth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .follow import State
    from .frame import Expression, Statement

ROOTS: Final = frozenset(
    {
        *("data", "context", "session", "interview", "template", "goal"),
        *("commit_id", "committed_at", "job", "agent", "agent_version"),
        *("organization", "event", "timestamp"),
    }
)
_NOWHERE: State = ("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class PathUse:
    """One `data.*` or `context.*` path that a template reads.

    `required` is False where it may be missing: it stands under `default` or `is defined`, or is
    read only under a condition or in a loop. Positions in lists are in `path` as digits.
    """

    root: str
    path: tuple[str, ...]
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A compiled template. `secrets` are the ids of the secrets that it holds.

    `positions` are line and column, both from 1, of what a RenderFault may have as its subject.
    """

    source: str
    place: Place
    secrets: frozenset[str]
    paths: tuple[PathUse, ...]
    roots_used: frozenset[str]
    is_static: bool
    positions: Mapping[str, tuple[int, int]] = field(repr=False)
    statement: Statement = field(repr=False)
    slots: int = field(repr=False)
    room: int = field(repr=False)
    fixed: Rendered | None = field(repr=False)

    def render(self, variables: Mapping[str, object]) -> Rendered:
        """Render with the values of `parse_json`, by root name; raises RenderFault.

        A root is looked up when it is read, so the mapping may parse it only then.
        """
        if self.fixed:
            return self.fixed
        frame = Frame(variables, self.room, self.slots)
        try:
            self.statement(frame)
        except RecursionError as error:
            raise RenderFault("The data is nested too deeply to compare.") from error
        return render_text(frame.out, self.place, has_holes=bool(self.secrets))


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A compiled condition. Null, false, zero and what is empty do not hold.

    `positions` are as a Template's.
    """

    source: str
    paths: tuple[PathUse, ...]
    roots_used: frozenset[str]
    positions: Mapping[str, tuple[int, int]] = field(repr=False)
    expression: Expression = field(repr=False)
    cost: int = field(repr=False)
    place: Place = Place.CONDITION

    def holds(self, variables: Mapping[str, object]) -> bool:
        """Return whether the condition holds for these variables; raises RenderFault."""
        frame = Frame(variables, 0, 0)
        frame.spend(self.cost)
        try:
            return truth(self.expression(frame))
        except RecursionError as error:
            raise RenderFault("The data is nested too deeply to compare.") from error


def compile_template(source: str, place: Place, *, roots: frozenset[str] = ROOTS) -> Template:
    """Compile a template for its place. Raises TemplateFaults with all that was found."""
    if place is Place.CONDITION:
        raise ValueError("use compile_condition for a condition")
    build = Build(source=read_source(source), place=place, roots=roots)
    tree = parse(build.source)
    statement = _url(build, tree) if place is Place.URL else _body(build, tree)
    fixed = _fixed(build, pieces(tree.body))
    build.finish()
    return Template(
        source=source,
        place=place,
        secrets=frozenset(build.secrets),
        paths=_paths(build),
        roots_used=frozenset(build.roots_used),
        is_static=fixed is not None,
        positions=build.positions(),
        statement=statement,
        slots=build.slots,
        room={Place.URL: MAX_URL, Place.HEADER: MAX_HEADER}.get(place, MAX_OUTPUT),
        fixed=fixed,
    )


def _paths(build: Build) -> tuple[PathUse, ...]:
    return tuple(
        PathUse(root=root, path=path, required=required)
        for (root, path), required in sorted(build.uses.items())
    )


def _fixed(build: Build, listed: list[nodes.Node]) -> Rendered | None:
    """Return what a template without expressions renders to, always."""
    texts = [node.data for node in listed if isinstance(node, nodes.TemplateData)]
    if len(texts) < len(listed):
        return None
    try:
        return render_text(texts, build.place, has_holes=False)
    except RenderFault as error:
        build.fault(0, str(error))
        return None


def _body(build: Build, tree: nodes.Template) -> Statement:
    follower = FOLLOWERS.get(build.place)
    statement, state = compile_block(build, tree.body, follower.start if follower else _NOWHERE)
    fault = follower.end(state) if follower else None
    if fault:
        build.fault(len(build.source.flat), fault)
    return statement


def _url(build: Build, tree: nodes.Template) -> Statement:
    listed = pieces(tree.body)
    texts = [node.data if isinstance(node, nodes.TemplateData) else "\0" for node in listed]
    fault = static_fault("".join(texts))
    if fault:
        build.fault(0, fault)
    statements: list[Statement] = []
    build.cost = 1
    for index, node in enumerate(listed):
        part = _part(build, node, "".join(texts[:index]), "".join(texts[index + 1 :]))
        statements.append(compile_piece(build, node, _NOWHERE, part)[0])
    return sequence(statements, build.cost, listed)


def _part(build: Build, node: nodes.Node, before: str, after: str) -> Part:
    """Return what a node of a URL stands for, by the text around it; NUL is another node."""
    if isinstance(node, nodes.If | nodes.For) and not past_host(before):
        build.fault(node.lineno, "Tags are not allowed before the path of a URL.")
    if not isinstance(node, nodes.Expr) or isinstance(node, nodes.TemplateData):
        return Part.REST
    found = url_part(before, after)
    if isinstance(found, Part):
        return found
    build.fault(beginning(node), found)
    return Part.REST


def compile_condition(source: str, *, roots: frozenset[str] = ROOTS) -> Condition:
    """Compile a condition: one expression, bare or in `{{ }}`. Raises TemplateFaults."""
    bare = not source.lstrip().startswith(("{{", "{%", "{#"))
    text = f"{{{{ {source} }}}}" if bare else source
    build = Build(source=read_source(text, wrapped=bare), place=Place.CONDITION, roots=roots)
    expression = _only_expression(build, pieces(parse(build.source).body))
    build.finish()
    return Condition(
        source=source,
        paths=_paths(build),
        roots_used=frozenset(build.roots_used),
        positions=build.positions(),
        expression=expression,
        cost=build.cost,
    )


def _only_expression(build: Build, listed: list[nodes.Node]) -> Expression:
    said = [
        node for node in listed if not isinstance(node, nodes.TemplateData) or node.data.strip()
    ]
    if (
        len(said) != 1
        or not isinstance(said[0], nodes.Expr)
        or isinstance(said[0], nodes.TemplateData)
    ):
        build.fault(
            0, "A condition must be one expression, e.g. data.score > 3 or {{ data.score > 3 }}."
        )
        return nothing
    if isinstance(said[0], nodes.Name) and said[0].lineno in build.source.secrets:
        build.fault(said[0].lineno, SECRET_RULE)
        return nothing
    return compile_expression(build, said[0])
