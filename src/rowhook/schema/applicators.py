"""The keywords that apply subschemas, to the same instance or to its parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from jsonschema.exceptions import ValidationError

from rowhook.schema.assertions import dependent_required
from rowhook.schema.descend import Errors, accepts, descend, errors_under
from rowhook.schema.fault import pointer_to, shown

_ALTERNATIVES_TOLD = 3


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
    """The pairs of a property name and a pattern that matches it."""
    matches = validator.format_checker.matches
    for name in instance:
        yield from ((name, regex) for regex in patterns if matches(regex, name))


def additional_properties(validator: Any, subschema: Any, instance: Any, schema: Any) -> Errors:
    """`additionalProperties`: each property that its siblings do not name is one error."""
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
    run = validator.format_checker
    run.spend(len(instance) >> 3)
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", ())
    for name in instance:
        if name not in named and not any(run.matches(regex, name) for regex in patterns):
            yield name


def property_names(validator: Any, subschema: Any, instance: Any, _schema: Any) -> Errors:
    """`propertyNames`: the error stands at the property whose name is wrong."""
    if isinstance(instance, dict) and subschema is not True:
        for name in instance:
            for error in descend(validator, subschema, name):
                yield ValidationError(f"Invalid property name: {error.message}", path=(name,))


def each_from(validator: Any, subschema: Any, instance: Any, start: int) -> Errors:
    """The errors of an array's items from an index on."""
    if isinstance(instance, list) and subschema is not True:
        for index in range(start, len(instance)):
            yield from descend(validator, subschema, instance[index], index)


def items(validator: Any, subschema: Any, instance: Any, schema: Any) -> Errors:
    """`items` of 2020-12: what follows `prefixItems`."""
    return each_from(validator, subschema, instance, len(schema.get("prefixItems", ())))


def prefix_items(validator: Any, subschemas: Any, instance: Any, _schema: Any) -> Errors:
    """`prefixItems`."""
    if isinstance(instance, list):
        validator.format_checker.spend(min(len(instance), len(subschemas)) >> 3)
        for index, (one, subschema) in enumerate(zip(instance, subschemas, strict=False)):
            yield from descend(validator, subschema, one, index)


def items_until_2019(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
    """`items` before 2020-12: one schema for all, or one for each."""
    if isinstance(value, list):
        return prefix_items(validator, value, instance, schema)
    return each_from(validator, value, instance, 0)


def additional_items(validator: Any, subschema: Any, instance: Any, schema: Any) -> Errors:
    """`additionalItems`: what follows an array of `items`."""
    named = schema.get("items", {})
    if isinstance(named, list):
        yield from each_from(validator, subschema, instance, len(named))


def contains(validator: Any, subschema: Any, instance: Any, schema: Any) -> Errors:
    """`contains`, with `minContains` and `maxContains`."""
    if not isinstance(instance, list):
        return
    validator.format_checker.spend(len(instance) >> 3)
    least, most = schema.get("minContains", 1), schema.get("maxContains", len(instance))
    found = sum(1 for one in instance if accepts(validator, subschema, one))
    if found < least:
        yield ValidationError(
            f"Must have at least {least} items that match contains, but has {found}."
        )
    elif found > most:
        yield ValidationError(
            f"Must have at most {most} items that match contains, but has {found}."
        )


def contains_draft7(validator: Any, subschema: Any, instance: Any, _schema: Any) -> Errors:
    """`contains` of draft-07: at least one."""
    return contains(validator, subschema, instance, {})


def all_of(validator: Any, subschemas: Any, instance: Any, _schema: Any) -> Errors:
    """`allOf`."""
    for subschema in subschemas:
        yield from descend(validator, subschema, instance)


def any_of(validator: Any, subschemas: Any, instance: Any, _schema: Any) -> Errors:
    """`anyOf`: the error tells what each of the first alternatives lacks."""
    reasons: list[ValidationError] = []
    for subschema in subschemas:
        error = next(descend(validator, subschema, instance), None)
        if error is None:
            return
        reasons.append(error)
    yield _no_alternative(reasons)


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
    told = " ".join(
        f"{pointer_to(error.path)}: {error.message}" if error.path else error.message
        for error in islice(errors, _ALTERNATIVES_TOLD)
    )
    return ValidationError(f"Must match one of the {len(errors)} alternatives: {shown(told)}")


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
    """`dependencies` until draft-07: names, or a schema, for each property that is present."""
    if not isinstance(instance, dict):
        return
    validator.format_checker.spend(len(needs) >> 3)
    lists = {name: need for name, need in needs.items() if isinstance(need, list)}
    schemas = {name: need for name, need in needs.items() if not isinstance(need, list)}
    yield from dependent_required(validator, lists, instance, _schema)
    yield from dependent_schemas(validator, schemas, instance, _schema)


def reference(keyword: str) -> Any:
    """`$ref`, `$dynamicRef` or `$recursiveRef`, which point inside the document."""

    def check(validator: Any, _value: Any, instance: Any, _schema: Any) -> Errors:
        target = validator.format_checker.target(validator, keyword)
        return errors_under(target, instance)

    return check
