"""Shared by tests and previews: the webhook with its secrets, and rendering as in the worker."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace

from msgspec import Struct

from rowhook import postgres
from rowhook.compiled import WebhookCache
from rowhook.compose import Webhook as Compiled
from rowhook.compose import render_request, used_secrets
from rowhook.delivery import Outcome, RedactedRequest, Request
from rowhook.operations.documents import Webhook
from rowhook.operations.drawn import SampleEvent
from rowhook.operations.office import KeyringContext
from rowhook.operations.sample import placeholder_secrets
from rowhook.sign import Signer, new_signing_secret


class TrialRequest(Struct, frozen=True):
    """A request with secrets replaced by `[secret:<id>]`; headers in the order sent."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: str | None


async def with_secrets(ctx: KeyringContext, present: Webhook) -> Compiled | Outcome:
    """Compiles a webhook with the secrets that the caller may read; not cached."""
    webhooks = WebhookCache(ctx.pool, ctx.keyring, brand=ctx.brand)
    return await webhooks.get(present.id, present.revision, 0)


async def with_placeholder_secrets(ctx: KeyringContext, checked: Compiled) -> Compiled:
    """Adds placeholder secrets and a temporary signing key to a draft."""
    signer = Signer(brand=ctx.brand, secrets=[new_signing_secret(secrets.token_bytes(32))])
    used = sorted(used_secrets(checked))
    hosts = {}
    if checked.url is not None and not checked.url.secrets:
        # If a secret contains the host, it is not known here.
        found = await postgres.secret_hosts(ctx.pool, checked.organization_id, used)
        hosts = {secret: tuple(bound) for secret, bound in found.items() if bound is not None}
    return replace(
        checked,
        secrets=placeholder_secrets(checked, used),
        allowed_hosts=hosts,
        sign=lambda key, at, body: signer.headers(key=key, timestamp=at, body=body),
    )


async def render_in_thread(
    ctx: KeyringContext, compiled: Compiled, event: SampleEvent
) -> Request | Outcome:
    """Renders a request as the worker does, at the database time, in a thread."""
    return await asyncio.to_thread(
        render_request,
        compiled,
        event.event,
        epoch_s=event.moment.timestamp(),
        policy=ctx.policy,
    )


def trial_request(request: RedactedRequest | None) -> TrialRequest | None:
    """Converts a rendered request for a response."""
    if request is None:
        return None
    return TrialRequest(request.method, request.url, list(request.headers), request.body)
