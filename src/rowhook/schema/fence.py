"""The fence around one validation: how many steps, how deep, whatever the schema says.

jsonschema carries its `format_checker` unchanged to every subschema, so the fence travels there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from referencing.jsonschema import lookup_recursive_ref

from rowhook.schema.patterns import Pattern

# A step is at most some 4 microseconds of CPU, mostly under 1: a whole budget is under 250 ms.
MAX_STEPS = 50_000
# Subschemas inside one another, a `$ref` counted too; each takes three frames of Python's 1,000.
MAX_DESCENT = 200
_LOOKUP_STEPS = 5
_BUILD_STEPS = 2


class TooCostly(Exception):
    """The validation was stopped: it would take more than its budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A compiled schema. `static`: no keyword in it looks at the dynamic scope."""

    validator_class: Any
    schema: Any
    specification: Any
    resolver: Any
    patterns: Mapping[str, Pattern]
    static: bool


class Run:
    """One validation at a time of one plan: its budget, and the validators it has built.

    What is built depends on the plan alone, so that a run serves again after `restart`.
    """

    __slots__ = ("_children", "_targets", "budget", "depth", "enums", "plan", "steps")

    def __init__(self, plan: Plan, budget: int = MAX_STEPS) -> None:
        self.plan = plan
        self.budget = budget
        self.enums: dict[int, frozenset[str]] = {}
        self._children: dict[int, Any] = {}
        self._targets: dict[int, Any] = {}
        self.restart()

    def restart(self) -> None:
        """Give the whole budget back."""
        self.steps = self.budget
        self.depth = 0

    def spend(self, steps: int) -> None:
        """Take steps off the budget. Raises TooCostly when nothing is left of it."""
        self.steps -= steps
        if self.steps < 0:
            raise TooCostly

    def matches(self, regex: str, text: str) -> bool:
        """Whether a pattern of the plan is found in the text."""
        pattern = self.plan.patterns[regex]
        self.spend(pattern.steps(text))
        return pattern.found_in(text)

    def root(self) -> Any:
        """The validator of the whole schema."""
        return self._kept(id(self.plan.schema), self.plan.schema, lambda: self.plan.resolver)

    def child(self, parent: Any, schema: Any) -> Any:
        """The validator of a subschema that stands inside `parent`'s schema."""
        return self._kept(id(schema), schema, lambda: self._inside(parent, schema))

    def target(self, referrer: Any, keyword: str) -> Any:
        """The validator of what a reference keyword of `referrer`'s schema points to."""
        found = self._targets.get(id(referrer.schema))
        if found is None:
            self.spend(_LOOKUP_STEPS)
            resolved = resolve(referrer._resolver, referrer.schema, keyword)  # noqa: SLF001 - as below
            found = self._build(resolved.contents, resolved.resolver)
            if self.plan.static:
                self._targets[id(referrer.schema)] = found
        return found

    def _kept(self, key: int, schema: Any, resolver: Callable[[], Any]) -> Any:
        found = self._children.get(key)
        if found is None:
            found = self._build(schema, resolver())
            if self.plan.static:
                self._children[key] = found
        return found

    def _inside(self, parent: Any, schema: Any) -> Any:
        # jsonschema hands the resolver from parent to child under this name only (4.26, < 5).
        resource = self.plan.specification.create_resource(schema)
        return parent._resolver.in_subresource(resource)  # noqa: SLF001 - see above

    def _build(self, schema: Any, resolver: Any) -> Any:
        self.spend(_BUILD_STEPS)
        # Not `evolve`: it would leave the fence for a stock validator where it meets a `$schema`.
        return self.plan.validator_class(schema, format_checker=self, _resolver=resolver)


def resolve(resolver: Any, schema: Mapping[str, Any], keyword: str) -> Any:
    """What `$ref`, `$dynamicRef` or `$recursiveRef` points to (a referencing.Resolved)."""
    if keyword == "$recursiveRef":
        return lookup_recursive_ref(resolver)
    return resolver.lookup(schema[keyword])
