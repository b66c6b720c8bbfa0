"""The webhooks that a select offers."""

from __future__ import annotations

from uuid import UUID

from rowhook import operations
from rowhook.dashboard.visit import SessionRequest, ctx_of
from rowhook.operations.documents import WebhookName, WebhookNames


async def webhook_choices(request: SessionRequest, selected: UUID | None) -> WebhookNames:
    """List webhooks by name, always with the selected one, which may have been deleted."""
    organization = request.auth.organization
    names = await operations.webhook_names(ctx_of(request), organization, also=selected)
    if selected is None or any(webhook.id == selected for webhook in names.items):
        return names
    deleted = WebhookName(selected, f"deleted {selected}")
    return WebhookNames([deleted, *names.items], names.are_more)
