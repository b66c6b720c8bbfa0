"""Merges each official metaschema into one document without dynamic references.

Vocabularies are not extended, so a dynamic reference always refers to the metaschema itself.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from jsonschema_specifications import REGISTRY

_IDENTIFIERS = frozenset(
    {"$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$schema", "$comment"}
)


def merged_metaschema(uri: str) -> Any:
    """Return the metaschema of a dialect as one document with only local references."""
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
