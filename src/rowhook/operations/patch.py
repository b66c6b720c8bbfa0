"""Merge patches of a webhook (RFC 7396): what is named changes, null is the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from rowhook.compose import Configuration
from rowhook.operations.documents import Webhook
from rowhook.operations.intake import from_object

_FIELDS = tuple(one.name for one in msgspec.structs.fields(Configuration))
_MERGED: dict[str, Any] = {
    "headers": dict[str, str | None] | None | UnsetType,
    "metadata": dict[str, Any] | None | UnsetType,
    "schema": Any,
}

if TYPE_CHECKING:

    class WebhookPatch(Struct):
        """A merge patch: every field of a Configuration, each of which may be left out."""

else:
    WebhookPatch = msgspec.defstruct(
        "WebhookPatch",
        [
            (one.name, one.type | None | UnsetType, UNSET)
            for one in msgspec.structs.fields(Configuration)
            if one.name not in _MERGED
        ]
        + [(name, kind, UNSET) for name, kind in _MERGED.items()],
        module=__name__,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )
    WebhookPatch.__doc__ = "A merge patch (RFC 7396): null sets a field back to its default."


def configuration_of(webhook: Webhook) -> Configuration:
    """What a person wrote of it."""
    return Configuration(**{name: getattr(webhook, name) for name in _FIELDS})


def merged(present: Configuration, patch: WebhookPatch) -> Configuration:
    """The configuration after a WebhookPatch. Raises Rejected."""
    document: dict[str, Any] = msgspec.to_builtins(present)
    for name in _FIELDS:
        wanted = getattr(patch, name)
        if wanted is UNSET:
            continue
        if isinstance(wanted, dict) and name in ("headers", "metadata"):
            document[name] = _merge(document[name], wanted)
        elif wanted is None:
            document.pop(name)
        else:
            document[name] = msgspec.to_builtins(wanted)
    return from_object(document, Configuration)


def _merge(present: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    kept = dict(present) if isinstance(present, dict) else {}
    for name, value in patch.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = _merge(kept.get(name), value)
    return kept
