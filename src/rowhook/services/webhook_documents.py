"""Documents of webhooks: their fields, merge patches (RFC 7396), and the checks before a save."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from rowhook.db import secret_queries
from rowhook.egress.errors import TargetForbidden, UrlRejected
from rowhook.egress.target_url import is_allowed_host, parse_target
from rowhook.render.configuration import Configuration, ConfigurationRejected, Fault, KindName
from rowhook.render.save_checks import check_before_save
from rowhook.render.webhook_compiler import Webhook as CompiledWebhook
from rowhook.render.webhook_compiler import compile_webhook, header_pointer, used_secrets
from rowhook.services.context import Rejected, ServiceContext
from rowhook.services.json_reader import from_object

State = Literal["active", "paused", "disabled"]
_SECRET_NAME = re.compile(r"\{\{-?\s*secret:\s*(?P<id>[A-Za-z0-9._-]{1,128})")
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


async def check_webhook(
    ctx: ServiceContext,
    organization: UUID | None,
    configuration: Configuration,
    faults: tuple[Fault, ...] = (),
    save_faults: Sequence[Fault] = (),
) -> CompiledWebhook:
    """Compiles a webhook without its secrets. Raises Rejected with all faults.

    `faults` are those of reading the document; a pointer in them is not reported again.
    `save_faults` are reported as well. Without an organization, which must then be one of the
    faults, its secrets are not looked up.
    """
    identity = {
        "id": UUID(int=0),
        "organization_id": organization or UUID(int=0),
        "revision": 0,
        "secrets_version": 0,
    }
    new_faults: list[Fault] = list(save_faults)
    checked = None
    try:
        # In a thread, because a large template would block the event loop.
        checked = await asyncio.to_thread(
            compile_webhook, configuration, identity=identity, brand=ctx.brand, policy=ctx.policy
        )
    except ConfigurationRejected as error:
        new_faults.extend(_with_advice(fault, ctx) for fault in error.faults)
    if organization is not None:
        new_faults += await _secret_faults(ctx, organization, configuration)
    pointers = {fault.pointer for fault in faults}
    all_faults = [*faults, *(fault for fault in new_faults if fault.pointer not in pointers)]
    if all_faults or checked is None:
        raise Rejected(*all_faults)
    return checked


def _with_advice(fault: Fault, ctx: ServiceContext) -> Fault:
    """Adds the setting that would allow the refused value. Tenants do not learn about settings."""
    if fault.setting is None or not ctx.is_operator:
        return fault
    advice = (
        f"To allow it, set {fault.setting} for `rowhook up`, or for api and worker, and for"
        " commands that save webhooks."
    )
    return replace(fault, message=f"{fault.message} {advice}")


async def check_for_save(
    ctx: ServiceContext,
    organization: UUID | None,
    configuration: Configuration,
    faults: tuple[Fault, ...] = (),
) -> tuple[CompiledWebhook, list[SaveWarning]]:
    """Compiles a webhook and checks whether it can work. Raises Rejected with all faults."""
    # In a thread, because a large template would block the event loop.
    findings = await asyncio.to_thread(check_before_save, configuration)
    checked = await check_webhook(ctx, organization, configuration, faults, findings.faults)
    warnings = [
        SaveWarning(
            pointer=fault.pointer, message=fault.message, line=fault.line, column=fault.column
        )
        for fault in findings.warnings
    ]
    return checked, warnings


def secret_ids(checked: CompiledWebhook) -> list[str]:
    """Returns the sorted ids of the secrets that a webhook uses."""
    return sorted(used_secrets(checked))


def _parts(configuration: Configuration) -> list[tuple[str, str]]:
    """Returns the pointer and text of each part that may use a secret."""
    parts = [(header_pointer(name), text) for name, text in configuration.headers.items()]
    if configuration.url is not None:
        parts.append(("/url", configuration.url))
    if configuration.body_template is not None:
        parts.append(("/body_template", configuration.body_template))
    return parts


async def _secret_faults(
    ctx: ServiceContext, organization: UUID, configuration: Configuration
) -> list[Fault]:
    """Finds missing and forbidden secrets, even if the webhook has other faults."""
    named = [
        (location, match["id"])
        for location, text in _parts(configuration)
        for match in _SECRET_NAME.finditer(text)
    ]
    if not named:
        return []
    hosts_by_secret = await secret_queries.secret_hosts(
        ctx.pool, organization, sorted({secret for _, secret in named})
    )
    faults = [
        Fault(
            pointer=location,
            message=f"Secret {secret} does not exist. Save it with PUT /v1/secrets/{secret} or"
            f" `rowhook secrets put {secret}`.",
        )
        for location, secret in dict.fromkeys(named)
        if secret not in hosts_by_secret
    ]
    host = _host(ctx, configuration.url)
    return faults + [
        Fault(
            pointer="/url",
            message=f"Secret {secret} may only be sent to its allowed hosts: "
            f"{', '.join(hosts) or 'none'}.",
        )
        for secret, hosts in hosts_by_secret.items()
        if hosts is not None and host is not None and not is_allowed_host(host, hosts)
    ]


def _host(ctx: ServiceContext, url: str | None) -> str | None:
    """Returns the host of a URL without expressions; None if it is only known when sending."""
    if url is None or "{" in url:
        return None
    try:
        return parse_target(url, ctx.policy).host
    except (TargetForbidden, UrlRejected):
        return None
