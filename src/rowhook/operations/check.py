"""Whether a webhook may be saved: every fault of it in one answer."""

from __future__ import annotations

import asyncio
import re
from uuid import UUID

from rowhook import postgres
from rowhook.compose import (
    Configuration,
    ConfigurationRejected,
    Fault,
    Webhook,
    compile_webhook,
    used_secrets,
)
from rowhook.egress import TargetForbidden, UrlRejected, parse_target
from rowhook.operations.intake import pointer
from rowhook.operations.ctx import ServiceContext, Rejected

_NAMED = re.compile(r"\{\{-?\s*secret:\s*(?P<id>[A-Za-z0-9._-]{1,128})")


async def check_webhook(
    ctx: ServiceContext, organization: UUID, given: Configuration, faults: tuple[Fault, ...] = ()
) -> Webhook:
    """The compiled webhook, without its secrets. Raises Rejected with every fault.

    `faults` are those of its reading: what is at their places is said once.
    """
    identity = {
        "id": UUID(int=0),
        "organization_id": organization,
        "revision": 0,
        "secrets_version": 0,
    }
    found: list[Fault] = []
    checked = None
    try:
        # In a thread: the costliest source takes longer than the loop may stand still.
        checked = await asyncio.to_thread(
            compile_webhook, given, identity=identity, brand=ctx.brand, policy=ctx.policy
        )
    except ConfigurationRejected as refused:
        found.extend(refused.faults)
    found += await _secret_faults(ctx, organization, given)
    places = {one.pointer for one in faults}
    found = [*faults, *(one for one in found if one.pointer not in places)]
    if found or checked is None:
        raise Rejected(*found)
    return checked


def secret_ids(checked: Webhook) -> list[str]:
    """The ids of the secrets that it uses, in order."""
    return sorted(used_secrets(checked))


def _places(given: Configuration) -> list[tuple[str, str]]:
    """Pointer and text of every part that may name a secret."""
    places = [(pointer("headers", name), text) for name, text in given.headers.items()]
    if given.url is not None:
        places.append(("/url", given.url))
    if given.body_template is not None:
        places.append(("/body_template", given.body_template))
    return places


async def _secret_faults(ctx: ServiceContext, organization: UUID, given: Configuration) -> list[Fault]:
    """Faults of secrets, at the places that name them; of a webhook with other faults too."""
    named = [(where, one["id"]) for where, text in _places(given) for one in _NAMED.finditer(text)]
    if not named:
        return []
    known = await postgres.secret_hosts(
        ctx.pool, organization, sorted({secret for _, secret in named})
    )
    faults = [
        Fault(
            pointer=where,
            message=f"secret {secret} does not exist: save it first, with PUT /v1/secrets/{secret}",
        )
        for where, secret in dict.fromkeys(named)
        if secret not in known
    ]
    host = _host(ctx, given.url)
    return faults + [
        Fault(
            pointer="/url",
            message=f"secret {secret} may be sent to {', '.join(hosts) or 'no host'} alone",
        )
        for secret, hosts in known.items()
        if hosts is not None and host is not None and host not in hosts
    ]


def _host(ctx: ServiceContext, url: str | None) -> str | None:
    """The host that a URL without expressions names; None where it is known only when sent."""
    if url is None or "{" in url:
        return None
    try:
        return parse_target(url, ctx.policy).host
    except (TargetForbidden, UrlRejected):
        return None
