"""The supported drafts and their keywords, each with Rowhook's own implementation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jsonschema import validators
from referencing import jsonschema as drafts

from rowhook.schema import applicators, assertions, evaluated

Keywords = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A draft, with a jsonschema validator class of Rowhook's keywords."""

    uri: str
    specification: Any
    validator_class: Any


_SHARED: Keywords = {
    "$ref": applicators.reference("$ref"),
    "additionalProperties": applicators.additional_properties,
    "allOf": applicators.all_of,
    "anyOf": applicators.any_of,
    "const": assertions.const,
    "contains": applicators.contains,
    "dependencies": applicators.dependencies,  # deprecated since 2019-09, but supported
    "enum": assertions.enum,
    "exclusiveMaximum": assertions.exclusive_maximum,
    "exclusiveMinimum": assertions.exclusive_minimum,
    "format": assertions.format_,
    "if": applicators.if_,
    "maxItems": assertions.max_items,
    "maxLength": assertions.max_length,
    "maxProperties": assertions.max_properties,
    "maximum": assertions.maximum,
    "minItems": assertions.min_items,
    "minLength": assertions.min_length,
    "minProperties": assertions.min_properties,
    "minimum": assertions.minimum,
    "multipleOf": assertions.multiple_of,
    "not": applicators.not_,
    "oneOf": applicators.one_of,
    "pattern": assertions.pattern,
    "patternProperties": applicators.pattern_properties,
    "properties": applicators.properties,
    "propertyNames": applicators.property_names,
    "required": assertions.required,
    "type": assertions.type_,
    "uniqueItems": assertions.unique_items,
}
_SINCE_2019: Keywords = {
    "dependentRequired": assertions.dependent_required,
    "dependentSchemas": applicators.dependent_schemas,
    "unevaluatedItems": evaluated.unevaluated_items,
    "unevaluatedProperties": evaluated.unevaluated_properties,
}
_UNTIL_2019: Keywords = {
    "additionalItems": applicators.additional_items,
    "items": applicators.items_until_2019,
}
_IN_2020_12: Keywords = {
    **_SHARED,
    **_SINCE_2019,
    "$dynamicRef": applicators.reference("$dynamicRef"),
    "items": applicators.items,
    "prefixItems": applicators.prefix_items,
}
_IN_2019_09: Keywords = {
    **_SHARED,
    **_SINCE_2019,
    **_UNTIL_2019,
    "$recursiveRef": applicators.reference("$recursiveRef"),
}
_IN_DRAFT_07: Keywords = {
    **_SHARED,
    **_UNTIL_2019,
    "contains": applicators.contains_draft7,
}


def _charged(keyword: Any) -> Any:
    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        validator.format_checker.spend(1)
        return keyword(validator, value, instance, schema)

    return check


def _every_keyword(schema: Any) -> Any:
    return schema.items()


def _ref_only(schema: Any) -> Any:
    """In draft-07, `$ref` overrides its siblings."""
    return [("$ref", schema["$ref"])] if "$ref" in schema else schema.items()


def _class(specification: Any, keywords: Keywords, applicable: Callable[[Any], Any]) -> Any:
    return validators.create(
        meta_schema={},
        validators={name: _charged(check) for name, check in keywords.items()},
        id_of=specification.id_of,
        applicable_validators=applicable,
    )


DEFAULT = Dialect(
    uri="https://json-schema.org/draft/2020-12/schema",
    specification=drafts.DRAFT202012,
    validator_class=_class(drafts.DRAFT202012, _IN_2020_12, _every_keyword),
)
_DRAFT_2019_09 = Dialect(
    uri="https://json-schema.org/draft/2019-09/schema",
    specification=drafts.DRAFT201909,
    validator_class=_class(drafts.DRAFT201909, _IN_2019_09, _every_keyword),
)
_DRAFT_07 = Dialect(
    uri="http://json-schema.org/draft-07/schema",
    specification=drafts.DRAFT7,
    validator_class=_class(drafts.DRAFT7, _IN_DRAFT_07, _ref_only),
)
BY_URI = {dialect.uri: dialect for dialect in (DEFAULT, _DRAFT_2019_09, _DRAFT_07)}


def dialect_of(schema: object) -> Dialect | None:
    """Return the dialect named by `$schema`, by default 2020-12, or None if it is unknown."""
    uri = schema.get("$schema", DEFAULT.uri) if isinstance(schema, dict) else DEFAULT.uri
    return BY_URI.get(uri.removesuffix("#")) if isinstance(uri, str) else None
