"""The tables of limits, from the constants of the code."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from rowhook.schema import budget, schema_compiler
from rowhook.template import limits


def template_limits() -> str:
    """A row for each constant of `rowhook.template.limits`; its docstring is the meaning."""
    return _table(_constants())


def schema_limits() -> str:
    """A row for each limit of a schema and of one validation."""
    return _table(
        (
            ("Values in a schema", schema_compiler.MAX_NODES),
            ("Characters of its texts", schema_compiler.MAX_CHARACTERS),
            ("Levels nested in it", schema_compiler.MAX_DEPTH),
            ("Steps of one validation", budget.MAX_STEPS),
            ("Subschemas inside one another during a validation", budget.MAX_DESCENT),
        )
    )


def _table(limits: Iterable[tuple[str, int]]) -> str:
    rows = "".join(f"| {meaning} | {value:,} |\n" for meaning, value in limits)
    return f"| limit | at most |\n|---|---|\n{rows}"


def _constants() -> Iterator[tuple[str, int]]:
    body = ast.parse(Path(limits.__file__).read_text("utf-8")).body
    for constant, text in itertools.pairwise(body):
        if isinstance(constant, ast.AnnAssign) and isinstance(constant.target, ast.Name):
            assert isinstance(text, ast.Expr)  # noqa: S101  # each constant has a docstring
            meaning = ast.literal_eval(text.value).partition(".")[0].partition(":")[0]
            yield meaning, getattr(limits, constant.target.id)
