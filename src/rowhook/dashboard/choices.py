"""The webhooks that a form offers to choose from."""

from __future__ import annotations

from uuid import UUID

from rowhook import operations
from rowhook.dashboard.visit import Visitor, ctx_of
from rowhook.operations.documents import WebhookName, WebhookNames


async def webhook_choices(request: Visitor, also: UUID | None) -> WebhookNames:
    """By name; the one that is asked for now is among them, as deleted where it is not there."""
    organization = request.auth.organization
    found = await operations.webhook_names(ctx_of(request), organization, also=also)
    if also is None or any(one.id == also for one in found.items):
        return found
    return WebhookNames([WebhookName(also, f"deleted {also}"), *found.items], found.are_more)
