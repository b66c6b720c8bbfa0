"""Documents of webhooks: their fields, and merge patches (RFC 7396) of them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from rowhook.render.configuration import Configuration, KindName
from rowhook.services.json_reader import from_object

State = Literal["active", "paused", "disabled"]
_FIELDS = tuple(field.name for field in msgspec.structs.fields(Configuration))
_MERGED: dict[str, Any] = {
    "headers": dict[str, str | None] | None | UnsetType,
    "metadata": dict[str, Any] | None | UnsetType,
    "schema": Any,
}


class SaveWarning(Struct, frozen=True, kw_only=True):
    """A part that may not work: a JSON pointer (RFC 6901) into the webhook and a message.

    `line` and `column`, starting at 1, are the position in the template at the pointer.
    """

    pointer: str
    message: str
    line: int | None = None
    column: int | None = None


class Webhook(Struct, frozen=True, kw_only=True):
    """A templated HTTP request. `signing_secret` is only returned at creation and rotation.

    `organization_id` is the id of the platform. The answer to a save has all `warnings`; a read
    has those of the headers.
    """

    id: UUID
    organization_id: str
    name: str
    description: str | None
    metadata: dict[str, Any]
    url: str | None
    kind: KindName
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    headers: dict[str, str]
    body_template: str | None
    raw_payload: bool
    schema: Any
    condition: str | None
    event_types: list[str]
    timeout_s: float
    max_in_flight: int
    rate_per_s: float | None
    ordered: bool
    retry_schedule_s: list[float]
    state: State
    disabled_reason: str | None
    revision: int
    created_at: datetime
    updated_at: datetime
    external_id: str | None = None
    warnings: list[SaveWarning] = []
    signing_secret: str | UnsetType = UNSET


class Webhooks(Struct, frozen=True):
    """A page of webhooks, newest first."""

    items: list[Webhook]
    next_cursor: str | None


class Revision(Struct, frozen=True, kw_only=True):
    """A revision of a webhook."""

    webhook_id: UUID
    revision: int
    configuration: dict[str, Any]
    created_at: datetime


class Revisions(Struct, frozen=True):
    """A page of revisions, newest first."""

    items: list[Revision]
    next_cursor: str | None


class NewSigningSecret(Struct, frozen=True):
    """A new signing secret, returned only once. The old ones also sign until `overlap_ends_at`."""

    signing_secret: str
    overlap_ends_at: datetime


class Link(Struct, frozen=True):
    """An agent or a goal that a webhook is linked to. `id` is the id of the platform."""

    kind: Literal["agent", "goal"]
    id: str
    name: str
    created_at: datetime


class Links(Struct, frozen=True):
    """A page of the links of a webhook, oldest first."""

    items: list[Link]
    next_cursor: str | None = None


class WebhookDraft(Configuration, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook to create. `organization_id` is required with an operator key.

    It is the organization's id as the platform writes it, or Rowhook's uuid.
    """

    organization_id: str | None = None


def _plain(kind: Any) -> Any:
    # Litestar would write the enum of an annotation next to the null of a patch, which excludes it.
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


if TYPE_CHECKING:

    class WebhookPatch(Struct):
        """A merge patch: the fields of a Configuration, all optional."""

else:
    WebhookPatch = msgspec.defstruct(
        "WebhookPatch",
        [
            (field.name, _plain(field.type) | None | UnsetType, UNSET)
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


def configuration_of(webhook: Webhook | Configuration) -> Configuration:
    """Returns the configurable fields of a webhook, without those that a subclass adds."""
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
