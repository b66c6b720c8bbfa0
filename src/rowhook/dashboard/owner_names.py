"""The names of organizations, for the column that operators of all organizations see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

from rowhook.dashboard.browser_session import SessionRequest, ctx_of
from rowhook.services.search import names_of_webhooks, organization_names


class Owned(Protocol):
    """A row of a list, with the platform id of its organization."""

    @property
    def organization_id(self) -> str | None:
        """The id; None for an object of no organization."""


async def owner_names(request: SessionRequest, items: Iterable[Owned]) -> dict[str, str]:
    """The names by id; empty if the session is limited to one organization."""
    if not request.auth.sees_all_organizations:
        return {}
    return await organization_names(ctx_of(request), (item.organization_id for item in items))


async def owners_of_webhooks(request: SessionRequest, webhooks: Iterable[UUID]) -> dict[UUID, str]:
    """The names of their organizations; empty if the session is limited to one."""
    if not request.auth.sees_all_organizations:
        return {}
    known = await names_of_webhooks(ctx_of(request), webhooks)
    return {webhook.id: webhook.organization for webhook in known.values() if webhook.organization}
