"""Limits on the steps and the depth of one validation, and the faults that it reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from referencing.jsonschema import lookup_recursive_ref

from rowhook import json_pointer
from rowhook.schema.formats import Pattern

_MAX_CHARACTERS = 200
# A step takes up to 4 microseconds, mostly less than 1, so a budget is less than 250 ms.
MAX_STEPS = 50_000
# Nested subschemas, including `$ref`; each takes three of Python's 1,000 stack frames.
MAX_DESCENT = 200
_LOOKUP_STEPS = 5
_BUILD_STEPS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A violation of a schema: JSON pointer into the instance, schema keyword and message."""

    pointer: str
    keyword: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: {self.message} ({self.keyword})"


def pointer_to(path: Iterable[str | int]) -> str:
    """Returns the RFC 6901 pointer of a path; long keys are truncated."""
    return json_pointer.join(printable(str(step)) for step in path)


def printable(text: str, characters: int = _MAX_CHARACTERS) -> str:
    """Returns a text for messages: truncated, with NUL and lone surrogates escaped.

    PostgreSQL does not store U+0000 in text, and UTF-8 has no lone surrogates.
    """
    if len(text) > characters:
        text = text[:characters] + "…"
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text.replace("\0", "\\u0000")


class BudgetExceeded(Exception):
    """The validation has exceeded its budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A compiled schema. `static`: no keyword depends on the dynamic scope."""

    validator_class: Any
    schema: Any
    specification: Any
    resolver: Any
    patterns: Mapping[str, Pattern]
    static: bool


class Run:
    """A validation of a plan: its budget and its cache of validators.

    The cache depends only on the plan, so a run can be reused after `restart`.
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
        """Resets the budget."""
        self.steps = self.budget
        self.depth = 0

    def spend(self, steps: int) -> None:
        """Charges steps. Raises BudgetExceeded if the budget is exceeded."""
        self.steps -= steps
        if self.steps < 0:
            raise BudgetExceeded

    def matches(self, regex: str, text: str) -> bool:
        """Returns whether a pattern of the plan matches anywhere in the text."""
        pattern = self.plan.patterns[regex]
        self.spend(pattern.steps(text))
        return pattern.is_in(text)

    def root(self) -> Any:
        """Returns the validator of the whole schema."""
        return self._cached(id(self.plan.schema), self.plan.schema, lambda: self.plan.resolver)

    def child(self, parent: Any, schema: Any) -> Any:
        """Returns the validator of a subschema of the schema of `parent`."""
        return self._cached(id(schema), schema, lambda: self._inside(parent, schema))

    def target(self, referrer: Any, keyword: str) -> Any:
        """Returns the validator of the target of a reference keyword."""
        validator = self._targets.get(id(referrer.schema))
        if validator is None:
            self.spend(_LOOKUP_STEPS)
            resolved = resolve(referrer._resolver, referrer.schema, keyword)  # noqa: SLF001 - as below
            validator = self._build(resolved.contents, resolved.resolver)
            if self.plan.static:
                self._targets[id(referrer.schema)] = validator
        return validator

    def _cached(self, key: int, schema: Any, resolver: Callable[[], Any]) -> Any:
        validator = self._children.get(key)
        if validator is None:
            validator = self._build(schema, resolver())
            if self.plan.static:
                self._children[key] = validator
        return validator

    def _inside(self, parent: Any, schema: Any) -> Any:
        # jsonschema passes the resolver only under this name (4.26, < 5).
        resource = self.plan.specification.create_resource(schema)
        return parent._resolver.in_subresource(resource)  # noqa: SLF001 - see above

    def _build(self, schema: Any, resolver: Any) -> Any:
        self.spend(_BUILD_STEPS)
        # Not `evolve`, which uses a standard validator without budget if there is a `$schema`.
        return self.plan.validator_class(schema, format_checker=self, _resolver=resolver)


def resolve(resolver: Any, schema: Mapping[str, Any], keyword: str) -> Any:
    """Resolves `$ref`, `$dynamicRef` or `$recursiveRef` into a referencing.Resolved."""
    if keyword == "$recursiveRef":
        return lookup_recursive_ref(resolver)
    return resolver.lookup(schema[keyword])
