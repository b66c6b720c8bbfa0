"""Compiles templates and conditions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from jinja2 import nodes

from rowhook.template.blocks import compile_block, compile_node, flatten_outputs, sequence
from rowhook.template.body_lexers import URL_LEXER, LexerState
from rowhook.template.compilation import LEXERS, Build, OutputContext
from rowhook.template.escapes import Part, is_past_host, static_url_fault, url_part
from rowhook.template.expressions import compile_truth
from rowhook.template.faults import RenderFault
from rowhook.template.json_values import is_true
from rowhook.template.limits import MAX_HEADER, MAX_OUTPUT, MAX_STEPS, MAX_URL, Budget, RenderState
from rowhook.template.rendered_output import Rendered, render_text
from rowhook.template.source import SECRET_RULE, parse, read_source
from rowhook.template.syntax_nodes import null_expression, start_offset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowhook.template.limits import Expression, Statement, Step

ROOTS: Final = frozenset(
    {
        *("data", "context", "session", "interview", "template", "goal"),
        *("commit_id", "committed_at", "job", "agent", "agent_version"),
        *("organization", "event", "timestamp", "webhook", "reason"),
    }
)
_NO_LEXER_STATE = LexerState("")


PlatformPath = tuple[str, tuple[str | int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathUse:
    """A `data.*` or `context.*` path that a template reads.

    `required` is False if the path may be missing: under `default` or `is defined`, in an optional
    branch or in a loop. List indexes are digits in `path`.
    """

    root: str
    path: tuple[str, ...]
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A compiled template. `secrets` are the ids of the secrets that it uses.

    `positions` maps possible subjects of a RenderFault to line and column, both from 1;
    `platform_paths` maps paths other than of data and context to theirs.
    """

    source: str
    output_context: OutputContext
    secrets: frozenset[str]
    paths: tuple[PathUse, ...]
    roots_used: frozenset[str]
    is_static: bool
    positions: Mapping[str, tuple[int, int]] = field(repr=False)
    platform_paths: Mapping[PlatformPath, tuple[int, int]] = field(repr=False)
    statement: Statement = field(repr=False)
    slots: int = field(repr=False)
    max_output: int = field(repr=False)
    fixed: Rendered | None = field(repr=False)

    def render(self, variables: Mapping[str, object], budget: Budget | None = None) -> Rendered:
        """Renders with variables by root name, as returned by `parse_json`. Raises RenderFault.

        Variables are looked up when they are read, so the mapping may load them lazily. `budget`
        are the steps of the request; without it, the template may take MAX_STEPS.
        """
        if self.fixed:
            return self.fixed
        steps = MAX_STEPS if budget is None else budget.steps_left
        state = RenderState(variables, self.max_output, self.slots, steps)
        try:
            self.statement(state)
        except RecursionError as error:
            raise RenderFault("The data is nested too deeply to compare.") from error
        if budget is not None:
            budget.steps_left = state.steps_left
        return render_text(state.out, self.output_context, has_secrets=bool(self.secrets))


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A compiled condition. Null, false, zero and empty values are false.

    `positions` and `platform_paths` are as in Template.
    """

    source: str
    paths: tuple[PathUse, ...]
    roots_used: frozenset[str]
    positions: Mapping[str, tuple[int, int]] = field(repr=False)
    platform_paths: Mapping[PlatformPath, tuple[int, int]] = field(repr=False)
    expression: Expression = field(repr=False)
    cost: int = field(repr=False)
    output_context: OutputContext = OutputContext.CONDITION

    def holds(self, variables: Mapping[str, object], budget: Budget | None = None) -> bool:
        """Returns whether the condition is true for these variables. Raises RenderFault."""
        steps = MAX_STEPS if budget is None else budget.steps_left
        state = RenderState(variables, 0, 0, steps)
        state.spend(self.cost)
        try:
            result = is_true(self.expression(state))
        except RecursionError as error:
            raise RenderFault("The data is nested too deeply to compare.") from error
        if budget is not None:
            budget.steps_left = state.steps_left
        return result


def compile_template(
    source: str, output_context: OutputContext, *, roots: frozenset[str] = ROOTS
) -> Template:
    """Compiles a template for an output context. Raises TemplateFaults with all faults."""
    if output_context is OutputContext.CONDITION:
        raise ValueError("use compile_condition for a condition")
    build = Build(source=read_source(source), output_context=output_context, roots=roots)
    tree = parse(build.source)
    statement = _url(build, tree) if output_context is OutputContext.URL else _body(build, tree)
    fixed = _fixed(build, flatten_outputs(tree.body))
    build.finish()
    return Template(
        source=source,
        output_context=output_context,
        secrets=frozenset(build.secrets),
        paths=_paths(build),
        roots_used=frozenset(build.roots_used),
        is_static=fixed is not None,
        positions=build.positions(),
        platform_paths=build.platform_positions(),
        statement=statement,
        slots=build.slots,
        max_output={OutputContext.URL: MAX_URL, OutputContext.HEADER: MAX_HEADER}.get(
            output_context, MAX_OUTPUT
        ),
        fixed=fixed,
    )


def _paths(build: Build) -> tuple[PathUse, ...]:
    return tuple(
        PathUse(root=root, path=path, required=required)
        for (root, path), required in sorted(build.uses.items())
    )


def _fixed(build: Build, body: list[nodes.Node]) -> Rendered | None:
    """Returns the constant result of a template without expressions, else None."""
    texts = [node.data for node in body if isinstance(node, nodes.TemplateData)]
    if len(texts) < len(body):
        return None
    try:
        return render_text(texts, build.output_context, has_secrets=False)
    except RenderFault as error:
        build.fault(0, str(error))
        return None


def _body(build: Build, tree: nodes.Template) -> Statement:
    lexer = LEXERS.get(build.output_context)
    statement, lexer_state = compile_block(
        build, tree.body, lexer.start if lexer else _NO_LEXER_STATE
    )
    fault = lexer.end_fault(lexer_state) if lexer else None
    if fault:
        build.fault(len(build.source.flat), fault)
    return statement


def _url(build: Build, tree: nodes.Template) -> Statement:
    body = flatten_outputs(tree.body)
    texts = [_static_text(node) for node in body]
    fault = static_url_fault("".join(texts))
    if fault:
        build.fault(0, fault)
    steps: list[Step] = []
    lexer_state = URL_LEXER.start
    build.cost = 1
    for index, node in enumerate(body):
        part = _part(build, node, "".join(texts[:index]), "".join(texts[index + 1 :]))
        step, lexer_state = compile_node(build, node, lexer_state, part)
        steps.append(step)
    return sequence(steps, build.cost, body)


def _static_text(node: nodes.Node) -> str:
    """Returns the text of a node; NUL for an expression, `if` or `for`."""
    if isinstance(node, nodes.TemplateData):
        return str(node.data)
    return "" if isinstance(node, nodes.Assign) else "\0"


def _part(build: Build, node: nodes.Node, before: str, after: str) -> Part:
    """Returns the part of the URL that a node is, by the text around it; NUL is another node."""
    if isinstance(node, nodes.If | nodes.For) and not is_past_host(before):
        build.fault(node.lineno, "Tags are not allowed before the path of a URL.")
    if not isinstance(node, nodes.Expr) or isinstance(node, nodes.TemplateData):
        return Part.REST
    part = url_part(before, after)
    if isinstance(part, Part):
        return part
    build.fault(start_offset(node), part)
    return Part.REST


def compile_condition(source: str, *, roots: frozenset[str] = ROOTS) -> Condition:
    """Compiles a condition: one expression, with or without `{{ }}`. Raises TemplateFaults."""
    is_bare = not source.lstrip().startswith(("{{", "{%", "{#"))
    text = f"{{{{ {source} }}}}" if is_bare else source
    build = Build(
        source=read_source(text, wrapped=is_bare),
        output_context=OutputContext.CONDITION,
        roots=roots,
    )
    expression = _only_expression(build, flatten_outputs(parse(build.source).body))
    build.finish()
    return Condition(
        source=source,
        paths=_paths(build),
        roots_used=frozenset(build.roots_used),
        positions=build.positions(),
        platform_paths=build.platform_positions(),
        expression=expression,
        cost=build.cost,
    )


def _only_expression(build: Build, body: list[nodes.Node]) -> Expression:
    output = [
        node for node in body if not isinstance(node, nodes.TemplateData) or node.data.strip()
    ]
    if (
        len(output) != 1
        or not isinstance(output[0], nodes.Expr)
        or isinstance(output[0], nodes.TemplateData)
    ):
        build.fault(
            0, "A condition must be one expression, e.g. data.score > 3 or {{ data.score > 3 }}."
        )
        return null_expression
    if isinstance(output[0], nodes.Name) and output[0].lineno in build.source.secrets:
        build.fault(output[0].lineno, SECRET_RULE)
        return null_expression
    return compile_truth(build, output[0])
