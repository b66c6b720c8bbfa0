"""Merges JSON Schemas that all apply to one value into one schema, without `allOf` if possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from itertools import zip_longest
from typing import Any

_OBJECT = ("properties", "patternProperties", "additionalProperties")
_ARRAY = ("prefixItems", "items")
# Keywords that have a meaning only together.
_GROUPS = (("contains", "minContains", "maxContains"), ("if", "then", "else"))
_GROUPED = frozenset((*_OBJECT, *_ARRAY, *(keyword for group in _GROUPS for keyword in group)))
_UNEVALUATED = frozenset(("unevaluatedItems", "unevaluatedProperties"))
_ANNOTATIONS = frozenset(
    ("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly")
)
_FREE: tuple[Any, ...] = (True, {})


class _NotMerged(Exception):
    """Two values of a keyword have no common form."""


class _Contradiction(Exception):
    """No value satisfies both schemas."""


def conjunction(schemas: Iterable[Any]) -> Any:
    """Returns one schema that accepts the values that all of these accept; False if nothing can."""
    everything: Any = {}
    return reduce(_both, map(_flat, schemas), everything)


def _flat(schema: Any) -> Any:
    """Returns a schema with its `allOf` merged, in its subschemas too."""
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in {"properties", "patternProperties", "dependentSchemas"}:
            result[keyword] = {name: _flat(inner) for name, inner in value.items()}
        elif keyword in {"items", "additionalProperties", "propertyNames"}:
            result[keyword] = _flat(value)
        elif keyword in {"prefixItems", "anyOf"}:
            result[keyword] = [_flat(inner) for inner in value]
        elif keyword != "allOf":
            result[keyword] = value
    if _UNEVALUATED & schema.keys():
        return {**result, **({"allOf": schema["allOf"]} if "allOf" in schema else {})}
    return reduce(_both, (_flat(inner) for inner in schema.get("allOf", ())), result)


def _both(first: Any, second: Any) -> Any:
    if first is False or second is False:
        return False
    if first in _FREE or second in _FREE or first == second:
        return second if first in _FREE else first
    if _UNEVALUATED & (first.keys() | second.keys()):
        return {"allOf": [first, second]}
    try:
        return _merge(first, second)
    except _Contradiction:
        return False


def _merge(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    result, rest = dict(first), {}
    for keyword, value in second.items():
        if keyword in _GROUPED or keyword == "allOf":
            continue
        if keyword not in first or first[keyword] == value:
            result[keyword] = value
        elif keyword not in _ANNOTATIONS:
            try:
                result[keyword] = _RULES.get(keyword, _refuse)(first[keyword], value)
            except _NotMerged:
                rest[keyword] = value
    for group in (_OBJECT, _ARRAY, *_GROUPS):
        rest |= _merge_group(result, first, second, group)
    parts = [*first.get("allOf", ()), *second.get("allOf", ()), *([rest] if rest else [])]
    return {**result, "allOf": parts} if parts else result


def _merge_group(
    result: dict[str, Any], first: dict[str, Any], second: dict[str, Any], group: tuple[str, ...]
) -> dict[str, Any]:
    """Merges keywords that depend on each other; returns those of `second` that do not fit."""
    ours, theirs = (
        {keyword: schema[keyword] for keyword in group if keyword in schema}
        for schema in (first, second)
    )
    if not theirs or ours == theirs:
        return {}
    if not ours:
        result |= theirs
        return {}
    if group is _ARRAY:
        result |= _arrays(ours, theirs)
        return {}
    if group is _OBJECT and _are_separable(ours, theirs):
        result |= _objects(ours, theirs)
        return {}
    return theirs


def _are_separable(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Returns whether which members are additional does not depend on a pattern."""
    has_pattern = "patternProperties" in first or "patternProperties" in second
    rests = (schema.get("additionalProperties", True) for schema in (first, second))
    return not has_pattern or all(rest in _FREE for rest in rests)


def _objects(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    ours, theirs = first.get("properties", {}), second.get("properties", {})
    rest = first.get("additionalProperties", True), second.get("additionalProperties", True)
    result: dict[str, Any] = {
        "properties": {
            name: _both(ours.get(name, rest[0]), theirs.get(name, rest[1]))
            for name in {**ours, **theirs}
        }
    }
    patterns = _by_name(first.get("patternProperties", {}), second.get("patternProperties", {}))
    if patterns:
        result["patternProperties"] = patterns
    if _both(*rest) not in _FREE:
        result["additionalProperties"] = _both(*rest)
    return result


def _arrays(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    rest = first.get("items", True), second.get("items", True)
    pairs = zip_longest(
        first.get("prefixItems", ()), second.get("prefixItems", ()), fillvalue=_UNEVALUATED
    )
    prefix = [
        _both(*(rest[n] if item is _UNEVALUATED else item for n, item in enumerate(pair)))
        for pair in pairs
    ]
    return {**({"prefixItems": prefix} if prefix else {}), "items": _both(*rest)}


def _by_name(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _both(first.get(name, True), second.get(name, True)) for name in {**first, **second}
    }


def _refuse(first: Any, second: Any) -> Any:
    raise _NotMerged(first, second)


def _types(first: Any, second: Any) -> Any:
    ours, theirs = (_type_set(value) for value in (first, second))
    common = [name for name in ours if name in theirs]
    if "integer" not in common and "integer" in {*ours, *theirs}:
        common += ["integer"] if "number" in {*ours, *theirs} else []
    if not common:
        raise _Contradiction
    return common[0] if len(common) == 1 else common


def _type_set(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _enums(first: list[Any], second: list[Any]) -> list[Any]:
    common = [value for value in first if any(_equal(value, other) for other in second)]
    if not common:
        raise _Contradiction
    return common


def _equal(first: Any, second: Any) -> bool:
    return isinstance(first, bool) is isinstance(second, bool) and bool(first == second)


def _constants(first: Any, second: Any) -> Any:
    if not _equal(first, second):
        raise _Contradiction
    return first


def _multiples(first: Any, second: Any) -> Any:
    if first and second and first % second == 0:
        return first
    if first and second and second % first == 0:
        return second
    raise _NotMerged


def _union(first: list[Any], second: list[Any]) -> list[Any]:
    return list(dict.fromkeys([*first, *second]))


def _unions(first: dict[str, list[Any]], second: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {name: _union(first.get(name, []), second.get(name, [])) for name in {**first, **second}}


def _any_of(first: Any, second: Any) -> Any:
    return {"anyOf": [first, second]}


_RULES: dict[str, Callable[[Any, Any], Any]] = {
    "type": _types,
    "enum": _enums,
    "const": _constants,
    "multipleOf": _multiples,
    "required": _union,
    "dependentRequired": _unions,
    "dependentSchemas": _by_name,
    "propertyNames": _both,
    "not": _any_of,
    "uniqueItems": max,
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
}
