"""Evaluates each expression of a failed template alone, so that all of its faults are found."""

from __future__ import annotations

from collections.abc import Mapping

from rowhook.commit_schema.body_skeleton import quoted_after
from rowhook.commit_schema.traced_template import UNKNOWN, Occurrence, trace
from rowhook.template.compiler import ROOTS, Template, compile_template
from rowhook.template.faults import RenderFault, TemplateFaults
from rowhook.template.output_context import OutputContext

_MAX_OCCURRENCES = 5_000
_FORMS = {OutputContext.URL: "https://a.example/?x={}", OutputContext.HEADER: "{}"}


def expression_failures(
    template: Template, names: Mapping[str, object]
) -> list[tuple[Occurrence, str]]:
    """Return the expressions that fail, with the message of each."""
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
        """Evaluate an expression, unless it reads a variable whose value is not known."""
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
