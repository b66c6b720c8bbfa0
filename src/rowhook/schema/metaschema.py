"""The official metaschemas, each folded into one document without dynamic references.

Nobody here extends a vocabulary, so its dynamic references can only mean the metaschema itself.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from jsonschema_specifications import REGISTRY

_NAMES_OF_PLACES = frozenset(
    {"$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$schema", "$comment"}
)


def folded(uri: str) -> Any:
    """The metaschema of a dialect as one document whose references all begin with `#`."""
    root = REGISTRY.contents(uri)
    vocabularies = [one["$ref"] for one in root.get("allOf", ())]
    document = _rewritten(root, "#")
    for name in vocabularies:
        inside = f"#/$defs/{_key(name)}"
        contents = REGISTRY.contents(urljoin(uri, name))
        document.setdefault("$defs", {})[_key(name)] = _rewritten(contents, inside)
    return document


def _key(vocabulary: str) -> str:
    return vocabulary.rpartition("/")[2]


def _rewritten(value: Any, at: str) -> Any:
    if isinstance(value, list):
        return [_rewritten(one, at) for one in value]
    if not isinstance(value, dict):
        return value
    pairs = (_pair(word, one, at) for word, one in value.items())
    return dict(pair for pair in pairs if pair is not None)


def _pair(word: str, value: Any, at: str) -> tuple[str, Any] | None:
    if isinstance(value, (dict, list)):
        return word, _rewritten(value, at)
    if word in {"$dynamicRef", "$recursiveRef"}:
        return "$ref", "#"
    if word == "$ref":
        return word, _moved(value, at)
    # Patterns are compiled apart, with better advice than "is not a regex".
    return (
        None if word in _NAMES_OF_PLACES or (word, value) == ("format", "regex") else (word, value)
    )


def _moved(target: str, at: str) -> str:
    name, _, fragment = target.partition("#")
    if name:
        return f"#/$defs/{_key(name)}{fragment}"
    return f"{at}{fragment}" if fragment else "#"
