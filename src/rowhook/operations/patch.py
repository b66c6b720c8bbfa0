"""Merge patches of a webhook (RFC 7396). null resets a field to its default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from rowhook.compose import Configuration
from rowhook.operations.documents import Webhook
from rowhook.operations.intake import from_object

_FIELDS = tuple(field.name for field in msgspec.structs.fields(Configuration))
_MERGED: dict[str, Any] = {
    "headers": dict[str, str | None] | None | UnsetType,
    "metadata": dict[str, Any] | None | UnsetType,
    "schema": Any,
}

if TYPE_CHECKING:

    class WebhookPatch(Struct):
        """A merge patch: the fields of a Configuration, all optional."""

else:
    WebhookPatch = msgspec.defstruct(
        "WebhookPatch",
        [
            (field.name, field.type | None | UnsetType, UNSET)
            for field in msgspec.structs.fields(Configuration)
            if field.name not in _MERGED
        ]
        + [(name, kind, UNSET) for name, kind in _MERGED.items()],
        module=__name__,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )
    WebhookPatch.__doc__ = "A merge patch (RFC 7396). null resets a field to its default."


def configuration_of(webhook: Webhook) -> Configuration:
    """Returns the configurable fields of a webhook."""
    return Configuration(**{name: getattr(webhook, name) for name in _FIELDS})


def merged(current: Configuration, patch: WebhookPatch) -> Configuration:
    """Applies a patch to a configuration. Raises Rejected."""
    document: dict[str, Any] = msgspec.to_builtins(current)
    for name in _FIELDS:
        change = getattr(patch, name)
        if change is UNSET:
            continue
        if isinstance(change, dict) and name in ("headers", "metadata"):
            document[name] = _merge(document[name], change)
        elif change is None:
            document.pop(name)
        else:
            document[name] = msgspec.to_builtins(change)
    return from_object(document, Configuration)


def _merge(current: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(current) if isinstance(current, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merge(result.get(name), value)
    return result
