"""The fence around one validation: how many steps, how deep, whatever the schema says.

jsonschema carries its `format_checker` unchanged to every subschema, so the fence travels there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema.exceptions import ValidationError

from rowhook.schema.patterns import Pattern

# A step is at most some 4 microseconds of CPU, so a whole budget stays under 250 ms.
MAX_STEPS = 60_000
# Subschemas inside one another, a `$ref` counted too; each takes three frames of Python's 1,000.
MAX_DESCENT = 200


class TooCostly(Exception):  # noqa: N818 - a verdict on schema and data, not a failure of ours
    """The validation was stopped: it would take more than its budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A compiled schema. `static`: no keyword in it looks at the dynamic scope."""

    validator_class: Any
    schema: Any
    resolver: Any
    patterns: Mapping[str, Pattern]
    static: bool


class Run:
    """One validation at a time of one plan: its budget, and the validators it has built.

    What is built depends on the plan alone, so that a run serves again after `restart`.
    """

    __slots__ = ("_children", "_targets", "depth", "enums", "plan", "steps")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.enums: dict[int, frozenset[str]] = {}
        self._children: dict[int, Any] = {}
        self._targets: dict[int, Any] = {}
        self.restart()

    def restart(self) -> None:
        """Give the whole budget back."""
        self.steps = MAX_STEPS
        self.depth = 0

    def spend(self, steps: int) -> None:
        """Take steps off the budget. Raises TooCostly when nothing is left of it."""
        self.steps -= steps
        if self.steps < 0:
            raise TooCostly

    def root(self) -> Any:
        """The validator of the whole schema."""
        found = self._children.get(id(self.plan.schema))
        if found is None:
            found = self._build(self.plan.schema, self.plan.resolver)
            self._children[id(self.plan.schema)] = found
        return found

    def child(self, parent: Any, schema: Any) -> Any:
        """The validator of a subschema that stands inside `parent`'s schema."""
        found = self._children.get(id(schema))
        if found is None:
            inside = self.plan.validator_class.ID_OF(schema) is not None
            resolver = parent._resolver  # noqa: SLF001 - jsonschema has no public way to it
            if inside:
                resolver = resolver.in_subresource(self._resource(schema))
            found = self._build(schema, resolver)
            if self.plan.static:
                self._children[id(schema)] = found
        return found

    def _build(self, schema: Any, resolver: Any) -> Any:
        return self.plan.validator_class(schema, format_checker=self, _resolver=resolver)
