"""The file of `rowhook export` and `rowhook apply`: its objects, how to read and to export it."""

from __future__ import annotations

from typing import Any, Literal, TypeVar
from uuid import UUID

import msgspec

from rowhook import json_pointer
from rowhook.render.configuration import Configuration, Fault
from rowhook.services.alerts import (
    DEFAULT_THRESHOLDS,
    AlertThresholds,
    alert_thresholds,
    threshold_faults,
)
from rowhook.services.context import Rejected, ServiceContext
from rowhook.services.json_reader import from_object
from rowhook.services.links import links_of
from rowhook.services.lookups import Organization, list_organizations
from rowhook.services.paging import MOST, every_item
from rowhook.services.secrets import list_secrets
from rowhook.services.webhook_documents import Webhook, configuration_of
from rowhook.services.webhooks import list_webhooks

VERSION: Literal[1] = 1
T = TypeVar("T", bound=msgspec.Struct)
_ORDER = ("external_id", "id", "name")


class DeclaredWebhook(Configuration, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook with its links, identified by `external_id`, or by `id` if it has none.

    Fields that are left out have their defaults; without `state`, the state is not compared.
    """

    id: UUID | None = None
    state: Literal["active", "paused"] | None = None
    agents: list[str] = msgspec.field(default_factory=list)
    goals: list[str] = msgspec.field(default_factory=list)


class DeclaredSecret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A secret that must exist, with the hosts that it is limited to; never its value."""

    id: str
    allowed_hosts: list[str] | None = None


class DeclaredThresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The thresholds of alerts; those that are left out have their defaults."""

    held: int = DEFAULT_THRESHOLDS.held
    backlog: int = DEFAULT_THRESHOLDS.backlog
    backlog_age_s: int = DEFAULT_THRESHOLDS.backlog_age_s

    @property
    def thresholds(self) -> AlertThresholds:
        """All thresholds."""
        return AlertThresholds(**msgspec.structs.asdict(self))


class DeclaredOrganization(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organization, by the id of the platform or Rowhook's, with its configuration.

    Without `alert_thresholds`, these are not compared.
    """

    id: str
    alert_thresholds: DeclaredThresholds | None = None
    webhooks: list[DeclaredWebhook] = []
    secrets: list[DeclaredSecret] = []


class ConfigurationFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The configuration of organizations."""

    rowhook: Literal[1] = VERSION
    organizations: list[DeclaredOrganization]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rowhook: Literal[1]
    organizations: list[dict[str, Any]]


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    alert_thresholds: DeclaredThresholds | None = None
    webhooks: list[dict[str, Any]] = []
    secrets: list[dict[str, Any]] = []


def read_file(document: Any) -> ConfigurationFile:
    """Reads a decoded file. Raises Rejected with all faults, whose pointers are into the file."""
    faults: list[Fault] = []
    if not isinstance(document, dict):
        message = "Must be an object with rowhook: 1 and organizations."
        raise Rejected(Fault(pointer="", message=message))
    file = _read(document, _File, [], faults)
    organizations = [
        _organization(entry, ["organizations", index], faults)
        for index, entry in enumerate(file.organizations if file else ())
    ]
    faults += _repeated(
        [("organizations", organization.id) for organization in organizations if organization],
        [["organizations", index] for index, item in enumerate(organizations) if item],
    )
    if faults:
        raise Rejected(*faults)
    return ConfigurationFile(organizations=[item for item in organizations if item])


def _organization(
    entry: dict[str, Any], path: list[str | int], faults: list[Fault]
) -> DeclaredOrganization | None:
    organization = _read(entry, _Entry, path, faults)
    if organization is None:
        return None
    if organization.alert_thresholds is not None:
        invalid = tuple(threshold_faults(organization.alert_thresholds.thresholds))
        faults += under([*path, "alert_thresholds"], invalid)
    webhooks = [
        _read(webhook, DeclaredWebhook, [*path, "webhooks", index], faults)
        for index, webhook in enumerate(organization.webhooks)
    ]
    secrets = [
        _read(secret, DeclaredSecret, [*path, "secrets", index], faults)
        for index, secret in enumerate(organization.secrets)
    ]
    for index, webhook in enumerate(webhooks):
        if webhook and webhook.external_id is None and webhook.id is None:
            message = "Give the webhook an external_id, which identifies it."
            faults.append(fault_at([*path, "webhooks", index], message))
    present = [(index, webhook) for index, webhook in enumerate(webhooks) if webhook]
    for name in ("external_id", "id"):
        named = [(index, getattr(webhook, name)) for index, webhook in present]
        named = [(index, value) for index, value in named if value is not None]
        faults += _repeated(
            [(name, value) for _, value in named],
            [[*path, "webhooks", index, name] for index, _ in named],
        )
    return DeclaredOrganization(
        id=organization.id,
        alert_thresholds=organization.alert_thresholds,
        webhooks=[webhook for webhook in webhooks if webhook],
        secrets=[secret for secret in secrets if secret],
    )


def _read(
    values: dict[str, Any], kind: type[T], path: list[str | int], faults: list[Fault]
) -> T | None:
    try:
        return from_object(values, kind)
    except Rejected as error:
        faults += under(path, error.faults)
        return None


def under(path: list[str | int], faults: tuple[Fault, ...]) -> list[Fault]:
    """Puts a path in front of the pointers of faults, and adds how to write a text."""
    prefix = json_pointer.join(path)
    return [_prefixed(prefix, fault) for fault in faults]


def _prefixed(prefix: str, fault: Fault) -> Fault:
    message = fault.message
    if message.startswith("Expected `str") and "got `str" not in message:
        message += ". Write texts that look like numbers in quotes."
    return Fault(
        pointer=prefix + fault.pointer, message=message, line=fault.line, column=fault.column
    )


def fault_at(path: list[str | int], message: str) -> Fault:
    """Returns a fault at a path of the file."""
    return Fault(pointer=json_pointer.join(path), message=message)


def _repeated(keys: list[tuple[str, Any]], paths: list[list[str | int]]) -> list[Fault]:
    faults, seen = [], set[tuple[str, Any]]()
    for key, path in zip(keys, paths, strict=True):
        if key in seen:
            faults.append(fault_at(path, f"{key[1]} occurs twice in the file. Remove one of them."))
        seen.add(key)
    return faults


async def declared(ctx: ServiceContext, webhook: Webhook) -> DeclaredWebhook:
    """Returns a stored webhook as the file has it."""
    links = (await links_of(ctx, webhook.id)).items
    return DeclaredWebhook(
        **msgspec.structs.asdict(configuration_of(webhook)),
        id=None if webhook.external_id is not None else webhook.id,
        state="paused" if webhook.state == "paused" else None,
        agents=[link.id for link in links if link.kind == "agent"],
        goals=[link.id for link in links if link.kind == "goal"],
    )


def name_of(organization: Organization) -> str:
    """Returns the id of an organization as the platform writes it."""
    return organization.external_id or str(organization.id)


_LEFT_OUT = msgspec.to_builtins(DeclaredWebhook(name=""))


def webhook_fields(webhook: DeclaredWebhook) -> dict[str, Any]:
    """Returns the fields of a webhook that differ from the defaults, its identity first."""
    fields: dict[str, Any] = msgspec.to_builtins(webhook)
    names = [*_ORDER, *(name for name in fields if name not in _ORDER)]
    return {name: fields[name] for name in names if fields[name] != _LEFT_OUT[name]}


def file_document(file: ConfigurationFile) -> dict[str, Any]:
    """Returns the file as an object, without fields that have their defaults."""
    return {
        "rowhook": VERSION,
        "organizations": [
            {
                "id": organization.id,
                **_threshold_fields(organization.alert_thresholds),
                **(
                    {"webhooks": [webhook_fields(webhook) for webhook in organization.webhooks]}
                    if organization.webhooks
                    else {}
                ),
                **(
                    {"secrets": [_secret_fields(secret) for secret in organization.secrets]}
                    if organization.secrets
                    else {}
                ),
            }
            for organization in file.organizations
        ],
    }


def _threshold_fields(declared: DeclaredThresholds | None) -> dict[str, Any]:
    if declared is None:
        return {}
    defaults = msgspec.to_builtins(DEFAULT_THRESHOLDS)
    fields = msgspec.to_builtins(declared)
    changed = {name: value for name, value in fields.items() if value != defaults[name]}
    return {"alert_thresholds": changed} if changed else {}


def _secret_fields(secret: DeclaredSecret) -> dict[str, Any]:
    hosts = {} if secret.allowed_hosts is None else {"allowed_hosts": secret.allowed_hosts}
    return {"id": secret.id, **hosts}


async def export(ctx: ServiceContext, organization: UUID | None = None) -> ConfigurationFile:
    """Returns the configuration of one organization, or of all that have any."""
    organizations = [
        await _export(ctx, item)
        async for item in every_item(
            lambda cursor: list_organizations(ctx, cursor=cursor, limit=MOST)
        )
        if organization in (None, item.id)
    ]
    return ConfigurationFile(
        organizations=[
            item
            for item in organizations
            if organization or item.webhooks or item.secrets or item.alert_thresholds
        ]
    )


async def _export(ctx: ServiceContext, organization: Organization) -> DeclaredOrganization:
    webhooks = await all_webhooks(ctx, organization.id)
    thresholds = await alert_thresholds(ctx, organization.id)
    return DeclaredOrganization(
        id=name_of(organization),
        alert_thresholds=None
        if thresholds == DEFAULT_THRESHOLDS
        else DeclaredThresholds(**msgspec.structs.asdict(thresholds)),
        webhooks=[await declared(ctx, webhook) for webhook in webhooks],
        secrets=await all_secrets(ctx, organization.id),
    )


async def all_webhooks(ctx: ServiceContext, organization: UUID) -> list[Webhook]:
    """Returns all webhooks of an organization, oldest first."""
    newest_first = every_item(
        lambda cursor: list_webhooks(ctx, organization=organization, cursor=cursor, limit=MOST)
    )
    return [webhook async for webhook in newest_first][::-1]


async def all_secrets(ctx: ServiceContext, organization: UUID) -> list[DeclaredSecret]:
    """Returns all secrets of an organization by id, without values."""
    secrets = every_item(lambda cursor: list_secrets(ctx, organization, cursor=cursor, limit=MOST))
    return [
        DeclaredSecret(id=secret.id, allowed_hosts=secret.allowed_hosts) async for secret in secrets
    ]
