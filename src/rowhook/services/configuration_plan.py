"""Compares a configuration file with the database: the changes of `rowhook apply`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import msgspec

from rowhook.db import webhook_queries
from rowhook.render.configuration import Configuration, Fault
from rowhook.services import lookups
from rowhook.services.alerts import AlertThresholds, alert_thresholds
from rowhook.services.configuration_file import (
    ConfigurationFile,
    DeclaredOrganization,
    DeclaredSecret,
    DeclaredWebhook,
    all_secrets,
    all_webhooks,
    declared,
    fault_at,
    under,
    webhook_fields,
)
from rowhook.services.context import NotFound, Rejected, ServiceContext
from rowhook.services.webhook_documents import (
    SaveWarning,
    Webhook,
    configuration_of,
)

Action = Literal["create", "change", "delete", "keep"]
_Path = list[str | int]
_Targets = dict[tuple[str, str], str]


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a webhook before and after; null where it has its default."""

    field: str
    before: Any
    after: Any


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a webhook, a link, or the thresholds of alerts.

    `keep` is an object that only --prune would delete. `webhook` is the external id of the
    webhook, or its id; it is empty for thresholds.
    """

    action: Action
    object: Literal["webhook", "agent", "goal", "alert_thresholds"]
    organization: str
    webhook: str
    id: str
    name: str = ""
    fields: list[FieldChange] = []
    warnings: list[SaveWarning] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change, and the webhooks before and after it."""

    change: Change
    organization: UUID
    present: Webhook | None = None
    desired: DeclaredWebhook | None = None
    thresholds: AlertThresholds | None = None


@dataclass(slots=True)
class _Organization:
    """The state of an organization while its part of the file is compared."""

    id: UUID
    name: str
    path: _Path
    prune: bool
    by_id: dict[UUID, Webhook] = field(default_factory=dict)
    by_external_id: dict[str, Webhook] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, path: _Path, message: str) -> None:
        self.faults.append(fault_at([*self.path, *path], message))


async def plan(ctx: ServiceContext, file: ConfigurationFile, *, prune: bool) -> list[Step]:
    """Returns the steps to the state of the file. Raises Rejected with all faults of the file."""
    steps: list[Step] = []
    faults: list[Fault] = []
    seen = set[UUID]()
    for index, desired in enumerate(file.organizations):
        path: _Path = ["organizations", index]
        try:
            identifier = await lookups.organization_id(ctx, desired.id)
        except NotFound as error:
            message = f"{error} The platform creates it in rowhook.organization."
            faults.append(fault_at([*path, "id"], message))
            continue
        if identifier in seen:
            faults.append(fault_at([*path, "id"], "This organization occurs twice in the file."))
        seen.add(identifier)
        organization = _Organization(identifier, desired.id, path, prune)
        steps += await _plan_organization(ctx, organization, desired)
        faults += organization.faults
    if faults:
        raise Rejected(*faults)
    return steps


async def _plan_organization(
    ctx: ServiceContext, organization: _Organization, desired: DeclaredOrganization
) -> list[Step]:
    for stored in await all_webhooks(ctx, organization.id):
        organization.by_id[stored.id] = stored
        if stored.external_id is not None:
            organization.by_external_id[stored.external_id] = stored
    await _check_secrets(ctx, organization, desired.secrets)
    targets = await _link_targets(ctx, organization, desired.webhooks)
    steps: list[Step] = []
    kept = set[UUID]()
    for index, webhook in enumerate(desired.webhooks):
        present = _find(organization, index, webhook)
        if present is not None:
            kept.add(present.id)
        steps += await _plan_webhook(ctx, organization, index, webhook, present, targets)
    others = [item for item in organization.by_id.values() if item.id not in kept]
    # Deleted first, so that their external ids are free.
    undeclared = [_undeclared(organization, item) for item in others]
    return [*await _plan_thresholds(ctx, organization, desired), *undeclared, *steps]


async def _plan_thresholds(
    ctx: ServiceContext, organization: _Organization, desired: DeclaredOrganization
) -> list[Step]:
    if desired.alert_thresholds is None:
        return []
    after = desired.alert_thresholds.thresholds
    before = await alert_thresholds(ctx, organization.id)
    if before == after:
        return []
    change = Change(
        action="change",
        object="alert_thresholds",
        organization=organization.name,
        webhook="",
        id="",
        fields=[
            FieldChange(field=name, before=getattr(before, name), after=value)
            for name, value in msgspec.structs.asdict(after).items()
            if value != getattr(before, name)
        ],
    )
    return [Step(change=change, organization=organization.id, thresholds=after)]


def _undeclared(organization: _Organization, webhook: Webhook) -> Step:
    change = Change(
        action="delete" if organization.prune else "keep",
        object="webhook",
        organization=organization.name,
        webhook=_label(webhook),
        id=str(webhook.id),
        name=webhook.name,
    )
    return Step(change=change, organization=organization.id, present=webhook)


def _label(webhook: Webhook) -> str:
    return webhook.external_id or str(webhook.id)


async def _check_secrets(
    ctx: ServiceContext, organization: _Organization, desired: list[DeclaredSecret]
) -> None:
    present = {secret.id: secret for secret in await all_secrets(ctx, organization.id)}
    for index, secret in enumerate(desired):
        command = f"rowhook secrets put {secret.id} --organization {organization.name}"
        options = "".join(f" --allowed-host {host}" for host in secret.allowed_hosts or ())
        stored = present.get(secret.id)
        if stored is None:
            organization.fault(
                ["secrets", index],
                f"Secret {secret.id} does not exist. Files have no values; save it with: "
                f"{command}{options}",
            )
        elif _hosts(stored) != _hosts(secret):
            organization.fault(
                ["secrets", index, "allowed_hosts"],
                f"Secret {secret.id} is limited to {_hosts(stored) or 'no hosts'} in the database."
                f" Change the file, or save the secret again with: {command}{options}",
            )


def _hosts(secret: DeclaredSecret) -> list[str] | None:
    return None if secret.allowed_hosts is None else sorted(secret.allowed_hosts)


def _find(organization: _Organization, index: int, desired: DeclaredWebhook) -> Webhook | None:
    named = organization.by_external_id.get(desired.external_id or "")
    if desired.id is None:
        return named
    present = organization.by_id.get(desired.id)
    if present is None:
        organization.fault(
            ["webhooks", index, "id"],
            f"Webhook {desired.id} does not exist in organization {organization.name}. To create"
            " it, give it an external_id instead of an id.",
        )
    elif named is not None and named.id != desired.id:
        organization.fault(
            ["webhooks", index, "external_id"],
            f"Webhook {named.name} ({named.id}) has this external id. Use another one.",
        )
    return present


async def _link_targets(
    ctx: ServiceContext, organization: _Organization, webhooks: list[DeclaredWebhook]
) -> _Targets:
    agents = sorted({agent for webhook in webhooks for agent in webhook.agents})
    goals = sorted({goal for webhook in webhooks for goal in webhook.goals})
    return await webhook_queries.find_link_targets(ctx.pool, organization.id, agents, goals)


async def _plan_webhook(
    ctx: ServiceContext,
    organization: _Organization,
    index: int,
    desired: DeclaredWebhook,
    present: Webhook | None,
    targets: _Targets,
) -> list[Step]:
    path: _Path = ["webhooks", index]
    current = None if present is None else await declared(ctx, present)
    links = list(_links(organization, path, desired, current, targets))
    fields = _differences(desired, current, present)
    warnings: list[SaveWarning] = []
    if present is None or any(change.field != "state" for change in fields):
        warnings = await _check(ctx, organization, path, desired)
    label = desired.external_id or (_label(present) if present else str(desired.id))

    def step(action: Action, kind: Literal["webhook", "agent", "goal"], target: str) -> Step:
        is_webhook = kind == "webhook"
        change = Change(
            action=action,
            object=kind,
            organization=organization.name,
            webhook=label,
            id=target,
            name=desired.name,
            fields=fields if is_webhook else [],
            warnings=warnings if is_webhook else [],
        )
        return Step(change=change, organization=organization.id, present=present, desired=desired)

    head = []
    if present is None:
        head = [step("create", "webhook", "")]
    elif fields:
        head = [step("change", "webhook", str(present.id))]
    return [*head, *(step(*link) for link in links)]


def _differences(
    desired: DeclaredWebhook, current: DeclaredWebhook | None, present: Webhook | None
) -> list[FieldChange]:
    after = webhook_fields(desired)
    before = {} if current is None else webhook_fields(current)
    changes = [
        FieldChange(field=name, before=before.get(name), after=after.get(name))
        for name in dict.fromkeys(("external_id", *Configuration.__struct_fields__))
        if not _same(before.get(name), after.get(name))
    ]
    state = "active" if present is None else present.state
    # A disabled webhook sends nothing either; only `state: active` changes it.
    if desired.state not in (None, state) and (desired.state, state) != ("paused", "disabled"):
        changes.append(FieldChange(field="state", before=state, after=desired.state))
    return changes


def _same(before: Any, after: Any) -> bool:
    # 1 and 1.0 are equal, 1 and true are not.
    return bool(before == after) and msgspec.json.encode(_numbers(before)) == msgspec.json.encode(
        _numbers(after)
    )


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _numbers(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


async def _check(
    ctx: ServiceContext, organization: _Organization, path: _Path, desired: DeclaredWebhook
) -> list[SaveWarning]:
    from rowhook.services.webhook_checks import check_for_save  # noqa: PLC0415  # loads jinja2

    try:
        checked = await check_for_save(ctx, organization.id, configuration_of(desired))
    except Rejected as error:
        organization.faults += under([*organization.path, *path], error.faults)
        return []
    return checked.warnings


def _links(
    organization: _Organization,
    path: _Path,
    desired: DeclaredWebhook,
    current: DeclaredWebhook | None,
    targets: _Targets,
) -> Iterator[tuple[Action, Literal["agent", "goal"], str]]:
    names: tuple[tuple[Literal["agent", "goal"], str], ...] = (
        ("agent", "agents"),
        ("goal", "goals"),
    )
    for kind, plural in names:
        present: list[str] = [] if current is None else getattr(current, plural)
        linked = set[str]()
        for index, name in enumerate(getattr(desired, plural)):
            target = targets.get((kind, name))
            if target is None:
                organization.fault(
                    [*path, plural, index],
                    f"{kind.capitalize()} {name} does not exist in organization"
                    f" {organization.name}.",
                )
                continue
            if target not in present and target not in linked:
                yield "create", kind, target
            linked.add(target)
        for target in present:
            if target not in linked:
                yield ("delete" if organization.prune else "keep"), kind, target
