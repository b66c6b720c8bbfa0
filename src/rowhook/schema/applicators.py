"""The keywords that apply subschemas, to the same instance or to its parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from jsonschema.exceptions import ValidationError

from rowhook.schema.assertions import dependent_required
from rowhook.schema.budget import MAX_DESCENT, BudgetExceeded, pointer_to, printable

Errors = Iterator[ValidationError]
_LISTED_ALTERNATIVES = 3
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


def errors_of(validator: Any, instance: Any, at: str | int | None = None) -> Errors:
    """Yields the errors of an instance; `at` is its key or index in the parent."""
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
    """Yields the errors of an instance under a subschema of the schema of `parent`."""
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
    """Yields the errors of an instance; the validator's schema may be true or false."""
    if isinstance(validator.schema, bool):
        return descend(validator, validator.schema, instance)
    return errors_of(validator, instance)


def accepts(parent: Any, schema: Any, instance: Any) -> bool:
    """Returns whether the instance is valid under a subschema; stops at the first error."""
    return next(descend(parent, schema, instance), None) is None


def properties(validator: Any, subschemas: Any, instance: Any, _schema: Any) -> Errors:
    """`properties`."""
    if not isinstance(instance, dict):
        return
    validator.format_checker.spend(len(subschemas) >> 4)
    for name, subschema in subschemas.items():
        if name in instance:
            yield from descend(validator, subschema, instance[name], name)


def pattern_properties(validator: Any, subschemas: Any, instance: Any, _schema: Any) -> Errors:
    """`patternProperties`."""
    if isinstance(instance, dict):
        for name, regex in matching(validator, subschemas, instance):
            yield from descend(validator, subschemas[regex], instance[name], name)


def matching(
    validator: Any, patterns: Iterable[str], instance: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yields pairs of a property name and a matching pattern."""
    matches = validator.format_checker.matches
    for name in instance:
        yield from ((name, regex) for regex in patterns if matches(regex, name))


def additional_properties(validator: Any, subschema: Any, instance: Any, schema: Any) -> Errors:
    """`additionalProperties`, with one error per property."""
    if subschema is True:
        return
    for name in _additional(validator, instance, schema):
        if subschema is False:
            yield ValidationError("Property is not allowed by the schema.", path=(name,))
        else:
            yield from descend(validator, subschema, instance[name], name)


def _additional(validator: Any, instance: Any, schema: Any) -> Iterator[str]:
    if not isinstance(instance, dict):
        return
    budget = validator.format_checker
    budget.spend(len(instance) >> 3)
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", ())
    for name in instance:
        if name not in named and not any(budget.matches(regex, name) for regex in patterns):
            yield name


def property_names(validator: Any, subschema: Any, instance: Any, _schema: Any) -> Errors:
    """`propertyNames`; the pointer of an error is that of the property."""
    if isinstance(instance, dict) and subschema is not True:
        for name in instance:
            for error in descend(validator, subschema, name):
                yield ValidationError(f"Invalid property name: {error.message}", path=(name,))


def items_from(validator: Any, subschema: Any, instance: Any, start: int) -> Errors:
    """Yields the errors of an array's items from an index on."""
    if isinstance(instance, list) and subschema is not True:
        for index in range(start, len(instance)):
            yield from descend(validator, subschema, instance[index], index)


def items(validator: Any, subschema: Any, instance: Any, schema: Any) -> Errors:
    """`items` of 2020-12: the items after `prefixItems`."""
    return items_from(validator, subschema, instance, len(schema.get("prefixItems", ())))


def prefix_items(validator: Any, subschemas: Any, instance: Any, _schema: Any) -> Errors:
    """`prefixItems`."""
    if isinstance(instance, list):
        validator.format_checker.spend(min(len(instance), len(subschemas)) >> 3)
        for index, (item, subschema) in enumerate(zip(instance, subschemas, strict=False)):
            yield from descend(validator, subschema, item, index)


def items_until_2019(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
    """`items` before 2020-12: a schema for all items, or a list of schemas."""
    if isinstance(value, list):
        return prefix_items(validator, value, instance, schema)
    return items_from(validator, value, instance, 0)


def additional_items(validator: Any, subschema: Any, instance: Any, schema: Any) -> Errors:
    """`additionalItems`: the items after a list of `items`."""
    named = schema.get("items", {})
    if isinstance(named, list):
        yield from items_from(validator, subschema, instance, len(named))


def contains(validator: Any, subschema: Any, instance: Any, schema: Any) -> Errors:
    """`contains`, with `minContains` and `maxContains`."""
    if not isinstance(instance, list):
        return
    validator.format_checker.spend(len(instance) >> 3)
    minimum, maximum = schema.get("minContains", 1), schema.get("maxContains", len(instance))
    count = sum(1 for item in instance if accepts(validator, subschema, item))
    if count < minimum:
        yield ValidationError(f"Must have at least {_matching(minimum)}, but has {count}.")
    elif count > maximum:
        yield ValidationError(f"Must have at most {_matching(maximum)}, but has {count}.")


def _matching(count: int) -> str:
    return f"{count} {'item that matches' if count == 1 else 'items that match'} contains"


def contains_draft7(validator: Any, subschema: Any, instance: Any, _schema: Any) -> Errors:
    """`contains` of draft-07: at least one item."""
    return contains(validator, subschema, instance, {})


def all_of(validator: Any, subschemas: Any, instance: Any, _schema: Any) -> Errors:
    """`allOf`."""
    for subschema in subschemas:
        yield from descend(validator, subschema, instance)


def any_of(validator: Any, subschemas: Any, instance: Any, _schema: Any) -> Errors:
    """`anyOf`; the error lists the errors of the first alternatives."""
    errors: list[ValidationError] = []
    for subschema in subschemas:
        error = next(descend(validator, subschema, instance), None)
        if error is None:
            return
        errors.append(error)
    yield _no_alternative(errors)


def one_of(validator: Any, subschemas: Any, instance: Any, _schema: Any) -> Errors:
    """`oneOf`."""
    errors = [next(descend(validator, subschema, instance), None) for subschema in subschemas]
    matched = errors.count(None)
    if matched == 0:
        yield _no_alternative([error for error in errors if error is not None])
    elif matched > 1:
        yield ValidationError(
            f"Must match exactly one of the {len(errors)} alternatives, but matches {matched}."
        )


def _no_alternative(errors: list[ValidationError]) -> ValidationError:
    messages = " ".join(
        f"{pointer_to(error.path)}: {error.message}" if error.path else error.message
        for error in islice(errors, _LISTED_ALTERNATIVES)
    )
    return ValidationError(
        f"Must match one of the {len(errors)} alternatives: {printable(messages)}"
    )


def not_(validator: Any, subschema: Any, instance: Any, _schema: Any) -> Errors:
    """`not`."""
    if accepts(validator, subschema, instance):
        yield ValidationError("Must not match the schema under not.")


def if_(validator: Any, subschema: Any, instance: Any, schema: Any) -> Errors:
    """`if`, `then` and `else`."""
    branch = "then" if accepts(validator, subschema, instance) else "else"
    return descend(validator, schema.get(branch, True), instance)


def dependent_schemas(validator: Any, subschemas: Any, instance: Any, _schema: Any) -> Errors:
    """`dependentSchemas`."""
    if not isinstance(instance, dict):
        return
    validator.format_checker.spend(len(subschemas) >> 4)
    for name, subschema in subschemas.items():
        if name in instance:
            yield from descend(validator, subschema, instance)


def dependencies(validator: Any, needs: Any, instance: Any, _schema: Any) -> Errors:
    """`dependencies` of draft-07: required names, or a schema, for each present property."""
    if not isinstance(instance, dict):
        return
    validator.format_checker.spend(len(needs) >> 3)
    required = {name: need for name, need in needs.items() if isinstance(need, list)}
    schemas = {name: need for name, need in needs.items() if not isinstance(need, list)}
    yield from dependent_required(validator, required, instance, _schema)
    yield from dependent_schemas(validator, schemas, instance, _schema)


def reference(keyword: str) -> Any:
    """Returns the check of `$ref`, `$dynamicRef` or `$recursiveRef`."""

    def check(validator: Any, _value: Any, instance: Any, _schema: Any) -> Errors:
        target = validator.format_checker.target(validator, keyword)
        return errors_under(target, instance)

    return check


def unevaluated_properties(validator: Any, subschema: Any, instance: Any, _schema: Any) -> Errors:
    """`unevaluatedProperties`."""
    if not isinstance(instance, dict) or subschema is True:
        return
    evaluated: set[str] = set()
    for applied in _in_place(validator, instance):
        evaluated.update(
            _evaluated_properties(applied, instance, is_nested=applied is not validator)
        )
    for name in instance:
        if name not in evaluated:
            yield from _errors_of_unevaluated(validator, subschema, instance[name], name)


def unevaluated_items(validator: Any, subschema: Any, instance: Any, _schema: Any) -> Errors:
    """`unevaluatedItems`."""
    if not isinstance(instance, list) or subschema is True:
        return
    evaluated: set[int] = set()
    for applied in _in_place(validator, instance):
        evaluated.update(_evaluated_items(applied, instance, is_nested=applied is not validator))
    for index, item in enumerate(instance):
        if index not in evaluated:
            yield from _errors_of_unevaluated(validator, subschema, item, index)


def _errors_of_unevaluated(validator: Any, subschema: Any, value: Any, at: str | int) -> Errors:
    if subschema is False:
        kind = "Property" if isinstance(at, str) else "Item"
        return iter((ValidationError(f"{kind} is not allowed by the schema.", path=(at,)),))
    return descend(validator, subschema, value, at)


def _evaluated_properties(
    validator: Any, instance: dict[str, Any], *, is_nested: bool
) -> Iterator[str]:
    schema, run = validator.schema, validator.format_checker
    run.spend(len(instance) >> 3)
    if "additionalProperties" in schema or (is_nested and "unevaluatedProperties" in schema):
        yield from instance
        return
    yield from schema.get("properties", {}).keys() & instance.keys()
    patterns = schema.get("patternProperties", ())
    yield from (name for name, _ in matching(validator, patterns, instance))


def _evaluated_items(validator: Any, instance: list[Any], *, is_nested: bool) -> Iterator[int]:
    schema, keywords = validator.schema, validator.VALIDATORS
    validator.format_checker.spend(len(instance) >> 3)
    prefix = schema.get("prefixItems" if "prefixItems" in keywords else "items", ())
    rest = (
        "items" if "prefixItems" in keywords or not isinstance(prefix, list) else "additionalItems"
    )
    if rest in schema or (is_nested and "unevaluatedItems" in schema):
        yield from range(len(instance))
        return
    yield from range(len(prefix))
    # Before 2020-12, `contains` does not evaluate items.
    if "contains" in schema and "prefixItems" in keywords:
        for index, item in enumerate(instance):
            if accepts(validator, schema["contains"], item):
                yield index


def _in_place(validator: Any, instance: Any) -> Iterator[Any]:
    """Yields the validators of all schemas that apply to the instance and accepts it."""
    if isinstance(validator.schema, bool):
        return
    validator.format_checker.spend(1)
    yield validator
    run = validator.format_checker
    for keyword in _REFERENCES:
        if keyword in validator.schema and keyword in validator.VALIDATORS:
            yield from _in_place(run.target(validator, keyword), instance)
    for subschema in _applied(validator, instance):
        if isinstance(subschema, dict):
            yield from _in_place(run.child(validator, subschema), instance)


def _applied(validator: Any, instance: Any) -> Iterator[Any]:
    schema = validator.schema
    for keyword in ("allOf", "anyOf", "oneOf"):
        yield from (
            subschema
            for subschema in schema.get(keyword, ())
            if accepts(validator, subschema, instance)
        )
    if "if" in schema:
        is_true = accepts(validator, schema["if"], instance)
        yield from (
            (schema["if"], schema.get("then", True)) if is_true else (schema.get("else", True),)
        )
    if isinstance(instance, dict):
        dependent = schema.get("dependentSchemas", {})
        yield from (subschema for name, subschema in dependent.items() if name in instance)
