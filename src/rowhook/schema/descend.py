"""Descends into subschemas, counting the depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema.exceptions import ValidationError

from rowhook.schema.fence import MAX_DESCENT, BudgetExceeded

Errors = Iterator[ValidationError]


def errors_of(validator: Any, instance: Any, at: str | int | None = None) -> Errors:
    """Yield the errors of an instance; `at` is its key or index in the parent."""
    run = validator.format_checker
    if run.depth >= MAX_DESCENT:
        raise BudgetExceeded
    run.depth += 1
    try:
        for error in validator.iter_errors(instance):
            if at is not None:
                error.path.appendleft(at)
            yield error
    finally:
        run.depth -= 1


def descend(parent: Any, schema: Any, instance: Any, at: str | int | None = None) -> Errors:
    """Yield the errors of an instance under a subschema of the schema of `parent`."""
    if schema is True:
        return iter(())
    if schema is False:
        return iter(
            (
                ValidationError(
                    "Value is not allowed by the schema.", path=() if at is None else (at,)
                ),
            )
        )
    return errors_of(parent.format_checker.child(parent, schema), instance, at)


def errors_under(validator: Any, instance: Any) -> Errors:
    """Yield the errors of an instance; the validator's schema may be true or false."""
    if isinstance(validator.schema, bool):
        return descend(validator, validator.schema, instance)
    return errors_of(validator, instance)


def accepts(parent: Any, schema: Any, instance: Any) -> bool:
    """Return whether the instance is valid under a subschema; stops at the first error."""
    return next(descend(parent, schema, instance), None) is None
