"""What tests and previews share: the webhook with its secrets, and the worker's own rendering."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace

from msgspec import Struct

from rowhook import postgres
from rowhook.compiled import CompiledWebhooks
from rowhook.compose import Webhook as Compiled
from rowhook.compose import compose, used_secrets
from rowhook.delivery import Outcome, Request, Shown
from rowhook.operations.documents import Webhook
from rowhook.operations.drawn import Drawn
from rowhook.operations.ctx import KeyringContext
from rowhook.operations.sample import stand_ins
from rowhook.sign import Signer, new_signing_secret


class TrialRequest(Struct, frozen=True):
    """A request with every secret replaced by `[secret:<id>]`; headers in the order sent."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: str | None


async def opened(ctx: KeyringContext, present: Webhook) -> Compiled | Outcome:
    """The webhook with its secrets, as this caller may read them: kept by nobody."""
    webhooks = CompiledWebhooks(ctx.pool, ctx.keyring, brand=ctx.brand)
    return await webhooks.get(present.id, present.revision, 0)


async def with_stand_ins(ctx: KeyringContext, checked: Compiled) -> Compiled:
    """A draft that can be rendered: signed with a key that signs nothing else."""
    signer = Signer(brand=ctx.brand, secrets=[new_signing_secret(secrets.token_bytes(32))])
    used = sorted(used_secrets(checked))
    hosts = {}
    if checked.url is not None and not checked.url.secrets:
        # Where a secret says the host, only its value could be compared.
        found = await postgres.secret_hosts(ctx.pool, checked.organization_id, used)
        hosts = {one: tuple(bound) for one, bound in found.items() if bound is not None}
    return replace(
        checked,
        secrets=stand_ins(checked, used),
        allowed_hosts=hosts,
        sign=lambda key, at, body: signer.headers(key=key, timestamp=at, body=body),
    )


async def composed(ctx: KeyringContext, compiled: Compiled, made_of: Drawn) -> Request | Outcome:
    """The worker's own, at the database's time; in a thread, for it may take a while."""
    return await asyncio.to_thread(
        compose, compiled, made_of.event, epoch_s=made_of.moment.timestamp(), policy=ctx.policy
    )


def shown_request(shown: Shown | None) -> TrialRequest | None:
    """A request as an answer holds it."""
    if shown is None:
        return None
    return TrialRequest(shown.method, shown.url, list(shown.headers), shown.body)
