"""Alerts: webhooks for operational events, whose URL is a secret limited to its host."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from rowhook.db import organization_queries
from rowhook.egress.errors import TargetForbidden, UrlRejected
from rowhook.egress.target_url import parse_target
from rowhook.model import OPERATIONAL_TYPES
from rowhook.render.configuration import Configuration, Fault
from rowhook.services import paging, secrets, webhooks
from rowhook.services.context import Conflict, KeyringContext, NotFound, Rejected, ServiceContext
from rowhook.services.webhook_documents import State, Webhook

MAX_ALERTS = 100
_RANGES = {"held": (1, 10_000), "backlog": (1, 100_000), "backlog_age_s": (60, 2_592_000)}


class AlertMark(Struct, frozen=True, kw_only=True):
    """The mark of an alert in its webhook: `metadata.alert`. `secret` holds its URL."""

    destination: str
    secret: str


class Alert(Struct, frozen=True, kw_only=True):
    """A webhook for operational events that was created as an alert."""

    id: UUID
    name: str
    state: State
    disabled_reason: str | None
    event_types: list[str]
    alert: AlertMark
    created_at: datetime


class AlertThresholds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The thresholds of an organization, for all of its webhooks.

    `held`: number of held deliveries. `backlog`, `backlog_age_s`: number of due deliveries, and age
    of the oldest one in seconds.
    """

    held: int
    backlog: int
    backlog_age_s: int


DEFAULT_THRESHOLDS = AlertThresholds(held=1, backlog=10_000, backlog_age_s=900)


class AlertThresholdsPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The thresholds to change; null sets one to its default."""

    held: Annotated[int, Meta(ge=1, le=10_000)] | UnsetType | None = UNSET
    backlog: Annotated[int, Meta(ge=1, le=100_000)] | UnsetType | None = UNSET
    backlog_age_s: Annotated[int, Meta(ge=60, le=2_592_000)] | UnsetType | None = UNSET


async def list_alerts(ctx: ServiceContext, organization: UUID) -> list[Alert]:
    """Lists the newest alerts of an organization."""
    return paging.read(
        await organization_queries.alert_webhooks(ctx.pool, organization, MAX_ALERTS), Alert
    )


async def create_alert(
    ctx: KeyringContext, organization: UUID, url: str, destination: str, draft: Configuration
) -> Webhook:
    """Stores the URL as a secret that only its host receives, and creates the webhook.

    Raises NotFound, Rejected with all faults, and Conflict if the quota of webhooks is used up.
    """
    host, faults = _check(ctx, url, draft)
    if faults or host is None:
        raise Rejected(*faults)
    secret = f"alert-{randomness.token_hex(6)}"
    mark = AlertMark(destination=destination, secret=secret)
    configuration = msgspec.structs.replace(
        draft, url=f"{{{{secret:{secret}}}}}", metadata={"alert": msgspec.to_builtins(mark)}
    )
    await secrets.put_secret(ctx, organization, secret, url, [host])
    try:
        return await webhooks.create_webhook(ctx, organization, configuration)
    except (Rejected, Conflict):
        await secrets.delete_secret(ctx, organization, secret)
        raise


def _check(ctx: KeyringContext, url: str, draft: Configuration) -> tuple[str | None, list[Fault]]:
    """The host of the URL, and the faults of the input."""
    host, faults = None, list[Fault]()
    try:
        host = parse_target(url, ctx.policy).host
    except (UrlRejected, TargetForbidden) as error:
        faults.append(Fault(pointer="/url", message=str(error)))
    if not draft.event_types:
        faults.append(Fault(pointer="/event_types", message="Choose at least one alert."))
    faults += [
        Fault(pointer="/event_types", message=f"{type_} is not an alert.")
        for type_ in draft.event_types
        if type_ not in OPERATIONAL_TYPES
    ]
    if not draft.name.strip():
        faults.append(Fault(pointer="/name", message="Enter a name."))
    return host, faults


async def alert_of(ctx: ServiceContext, organization: UUID, alert: UUID) -> Alert:
    """Reads an alert. Raises NotFound, also for a webhook that is not an alert."""
    for stored in await list_alerts(ctx, organization):
        if stored.id == alert:
            return stored
    raise NotFound(f"Alert {alert} does not exist.")


async def delete_alert(ctx: KeyringContext, organization: UUID, alert: UUID) -> None:
    """Deletes an alert and its URL; the URL stays if another webhook uses it.

    Raises StillLinked, NotFound.
    """
    stored = await alert_of(ctx, organization, alert)
    await webhooks.delete_webhook(ctx, alert)
    with suppress(NotFound, Conflict):
        await secrets.delete_secret(ctx, organization, stored.alert.secret)


async def alert_thresholds(ctx: ServiceContext, organization: UUID) -> AlertThresholds:
    """Returns the thresholds of an organization, or the defaults."""
    held, backlog, age_s = await organization_queries.alert_thresholds(ctx.pool, organization)
    return AlertThresholds(held=held, backlog=backlog, backlog_age_s=age_s)


async def set_alert_thresholds(
    ctx: ServiceContext, organization: UUID, thresholds: AlertThresholds
) -> None:
    """Stores the thresholds of an organization. Raises Rejected with all faults."""
    faults = list(threshold_faults(thresholds))
    if faults:
        raise Rejected(*faults)
    await organization_queries.set_alert_thresholds(
        ctx.pool, organization, thresholds.held, thresholds.backlog, thresholds.backlog_age_s
    )


async def patch_alert_thresholds(
    ctx: ServiceContext, organization: UUID, patch: AlertThresholdsPatch
) -> AlertThresholds:
    """Changes thresholds of an organization; returns all of them. Raises Rejected."""
    present = await alert_thresholds(ctx, organization)
    thresholds = msgspec.structs.replace(
        present,
        **{
            name: getattr(DEFAULT_THRESHOLDS, name) if value is None else value
            for name, value in msgspec.structs.asdict(patch).items()
            if value is not UNSET
        },
    )
    if thresholds != present:
        await set_alert_thresholds(ctx, organization, thresholds)
    return thresholds


def threshold_faults(thresholds: AlertThresholds) -> Iterator[Fault]:
    """Yields a fault for each threshold out of its range."""
    for name, (least, most) in _RANGES.items():
        if not least <= getattr(thresholds, name) <= most:
            yield Fault(pointer=f"/{name}", message=f"Use {least:,} to {most:,}.")
