"""Returns the configuration of organizations, as `rowhook export` prints it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import msgspec

from rowhook.services.alerts import DEFAULT_THRESHOLDS, alert_thresholds
from rowhook.services.configuration_file import (
    ConfigurationFile,
    DeclaredOrganization,
    DeclaredThresholds,
    declared,
    name_of,
)
from rowhook.services.configuration_plan import all_secrets, all_webhooks
from rowhook.services.context import ServiceContext
from rowhook.services.lookups import Organization, list_organizations

_PAGE = 200


async def all_organizations(ctx: ServiceContext) -> AsyncIterator[Organization]:
    """Yields the visible organizations by id."""
    cursor = None
    while True:
        page = await list_organizations(ctx, cursor=cursor, limit=_PAGE)
        for organization in page.items:
            yield organization
        cursor = page.next_cursor
        if cursor is None:
            return


async def export(ctx: ServiceContext, organization: UUID | None = None) -> ConfigurationFile:
    """Returns the configuration of one organization, or of all that have any."""
    organizations = [
        await _export(ctx, item)
        async for item in all_organizations(ctx)
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
