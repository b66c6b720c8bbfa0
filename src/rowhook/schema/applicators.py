"""The keywords that apply subschemas to the instance or its parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from jsonschema.exceptions import ValidationError

from rowhook.schema.assertions import dependent_required
from rowhook.schema.descend import Errors, accepts, descend, errors_under
from rowhook.schema.fault import pointer_to, printable

_LISTED_ALTERNATIVES = 3


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
    """Yield pairs of a property name and a matching pattern."""
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
    """Yield the errors of an array's items from an index on."""
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
        yield ValidationError(
            f"Must have at least {minimum} items that match contains, but has {count}."
        )
    elif count > maximum:
        yield ValidationError(
            f"Must have at most {maximum} items that match contains, but has {count}."
        )


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
    """Return the check of `$ref`, `$dynamicRef` or `$recursiveRef`."""

    def check(validator: Any, _value: Any, instance: Any, _schema: Any) -> Errors:
        target = validator.format_checker.target(validator, keyword)
        return errors_under(target, instance)

    return check
