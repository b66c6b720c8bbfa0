"""The table of the template language's limits, from the constants and their docstrings."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

from rowhook.template import limits


def limits_table() -> str:
    """A row for each constant of `rowhook.template.limits`."""
    rows = "".join(f"| {meaning} | {value:,} |\n" for meaning, value in _limits())
    return f"| limit | at most |\n|---|---|\n{rows}"


def _limits() -> Iterator[tuple[str, int]]:
    body = ast.parse(Path(limits.__file__).read_text("utf-8")).body
    for constant, text in itertools.pairwise(body):
        if isinstance(constant, ast.AnnAssign) and isinstance(constant.target, ast.Name):
            assert isinstance(text, ast.Expr)  # noqa: S101  # each constant has a docstring
            meaning = ast.literal_eval(text.value).partition(".")[0].partition(":")[0]
            yield meaning, getattr(limits, constant.target.id)
