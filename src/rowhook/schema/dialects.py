"""The three JSON Schema drafts: their metaschemas and their keywords."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from jsonschema import validators
from jsonschema_specifications import REGISTRY
from referencing import jsonschema as drafts

from rowhook.schema import applicators, assertions

_IDENTIFIERS = frozenset(
    {"$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$schema", "$comment"}
)


def merged_metaschema(uri: str) -> Any:
    """Returns the metaschema of a dialect as one document with only local references."""
    root = REGISTRY.contents(uri)
    vocabularies = [entry["$ref"] for entry in root.get("allOf", ())]
    document = _rewrite(root, "#")
    for name in vocabularies:
        inside = f"#/$defs/{_key(name)}"
        contents = REGISTRY.contents(urljoin(uri, name))
        document.setdefault("$defs", {})[_key(name)] = _rewrite(contents, inside)
    return document


def _key(vocabulary: str) -> str:
    return vocabulary.rpartition("/")[2]


def _rewrite(value: Any, at: str) -> Any:
    if isinstance(value, list):
        return [_rewrite(item, at) for item in value]
    if not isinstance(value, dict):
        return value
    pairs = (_rewrite_pair(keyword, item, at) for keyword, item in value.items())
    return dict(pair for pair in pairs if pair is not None)


def _rewrite_pair(word: str, value: Any, at: str) -> tuple[str, Any] | None:
    if isinstance(value, (dict, list)):
        return word, _rewrite(value, at)
    if word in {"$dynamicRef", "$recursiveRef"}:
        return "$ref", "#"
    if word == "$ref":
        return word, _local_reference(value, at)
    # Patterns are compiled separately, with better messages.
    return None if word in _IDENTIFIERS or (word, value) == ("format", "regex") else (word, value)


def _local_reference(target: str, at: str) -> str:
    name, _, fragment = target.partition("#")
    if name:
        return f"#/$defs/{_key(name)}{fragment}"
    return f"{at}{fragment}" if fragment else "#"


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
    "unevaluatedItems": applicators.unevaluated_items,
    "unevaluatedProperties": applicators.unevaluated_properties,
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
    """Returns the dialect named by `$schema`, by default 2020-12, or None if it is unknown."""
    uri = schema.get("$schema", DEFAULT.uri) if isinstance(schema, dict) else DEFAULT.uri
    return BY_URI.get(uri.removesuffix("#")) if isinstance(uri, str) else None
