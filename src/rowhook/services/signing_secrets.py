"""Reads the signing secrets of webhooks, for a receiver on the machine of an operator."""

from __future__ import annotations

from rowhook.db import webhook_queries
from rowhook.services import lookups
from rowhook.services.context import KeyringContext
from rowhook.services.webhook_cache import signing_name
from rowhook.services.webhooks import list_webhooks


async def signing_secrets(ctx: KeyringContext, most: int = 200) -> list[tuple[str, str]]:
    """Returns the name and the newest signing secret of the newest webhooks.

    Raises DecryptionFailed.
    """
    found: list[tuple[str, str]] = []
    for webhook in (await list_webhooks(ctx, limit=most)).items:
        owner = await lookups.webhook_owner(ctx, webhook.id)
        sealed = await webhook_queries.secrets_of(ctx.pool, webhook.id)
        newest = next((secret for secret in sealed if secret.signing), None)
        if newest is not None:
            secret = ctx.keyring.open(
                newest.sealed,
                organization_id=owner,
                name=signing_name(webhook.id),
                version=newest.version,
            )
            found.append((webhook.name, secret))
    return found
