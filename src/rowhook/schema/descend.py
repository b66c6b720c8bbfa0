"""Going down into subschemas: every applicator passes here, so every descent is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema.exceptions import ValidationError

from rowhook.schema.fence import MAX_DESCENT, TooCostly

Errors = Iterator[ValidationError]


def errors_of(validator: Any, instance: Any, at: str | int | None = None) -> Errors:
    """The errors of an instance under a built validator; `at` leads to it from its parent."""
    run = validator.format_checker
    if run.depth >= MAX_DESCENT:
        raise TooCostly
    run.depth += 1
    try:
        for error in validator.iter_errors(instance):
            if at is not None:
                error.path.appendleft(at)
            yield error
    finally:
        run.depth -= 1


def descend(parent: Any, schema: Any, instance: Any, at: str | int | None = None) -> Errors:
    """The errors of an instance under a subschema of `parent`'s schema."""
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
    """The errors of an instance under a built validator, whose schema may be true or false."""
    if isinstance(validator.schema, bool):
        return descend(validator, validator.schema, instance)
    return errors_of(validator, instance)


def accepts(parent: Any, schema: Any, instance: Any) -> bool:
    """Whether a subschema of `parent`'s schema accepts the instance; stops at the first error."""
    return next(descend(parent, schema, instance), None) is None
