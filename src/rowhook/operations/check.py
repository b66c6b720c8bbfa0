"""Validates the configuration of a webhook and reports all faults at once."""

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
from rowhook.operations.office import Rejected, ServiceContext

_SECRET_NAME = re.compile(r"\{\{-?\s*secret:\s*(?P<id>[A-Za-z0-9._-]{1,128})")


async def check_webhook(
    ctx: ServiceContext,
    organization: UUID,
    configuration: Configuration,
    faults: tuple[Fault, ...] = (),
) -> Webhook:
    """Compiles a webhook without its secrets. Raises Rejected with all faults.

    `faults` are those of reading the document; a pointer in them is not reported again.
    """
    identity = {
        "id": UUID(int=0),
        "organization_id": organization,
        "revision": 0,
        "secrets_version": 0,
    }
    new_faults: list[Fault] = []
    checked = None
    try:
        # In a thread, because a large template would block the event loop.
        checked = await asyncio.to_thread(
            compile_webhook, configuration, identity=identity, brand=ctx.brand, policy=ctx.policy
        )
    except ConfigurationRejected as error:
        new_faults.extend(error.faults)
    new_faults += await _secret_faults(ctx, organization, configuration)
    known = {fault.pointer for fault in faults}
    all_faults = [*faults, *(fault for fault in new_faults if fault.pointer not in known)]
    if all_faults or checked is None:
        raise Rejected(*all_faults)
    return checked


def secret_ids(checked: Webhook) -> list[str]:
    """Returns the sorted ids of the secrets that a webhook uses."""
    return sorted(used_secrets(checked))


def _parts(configuration: Configuration) -> list[tuple[str, str]]:
    """Returns the pointer and text of each part that may use a secret."""
    parts = [(pointer("headers", name), text) for name, text in configuration.headers.items()]
    if configuration.url is not None:
        parts.append(("/url", configuration.url))
    if configuration.body_template is not None:
        parts.append(("/body_template", configuration.body_template))
    return parts


async def _secret_faults(
    ctx: ServiceContext, organization: UUID, configuration: Configuration
) -> list[Fault]:
    """Finds missing and forbidden secrets, even if the webhook has other faults."""
    named = [
        (location, match["id"])
        for location, text in _parts(configuration)
        for match in _SECRET_NAME.finditer(text)
    ]
    if not named:
        return []
    known = await postgres.secret_hosts(
        ctx.pool, organization, sorted({secret for _, secret in named})
    )
    faults = [
        Fault(
            pointer=location,
            message=f"Secret {secret} does not exist. Save it with PUT /v1/secrets/{secret}.",
        )
        for location, secret in dict.fromkeys(named)
        if secret not in known
    ]
    host = _host(ctx, configuration.url)
    return faults + [
        Fault(
            pointer="/url",
            message=f"Secret {secret} may only be sent to its allowed hosts: "
            f"{', '.join(hosts) or 'none'}.",
        )
        for secret, hosts in known.items()
        if hosts is not None and host is not None and host not in hosts
    ]


def _host(ctx: ServiceContext, url: str | None) -> str | None:
    """Returns the host of a URL without expressions; None if it is only known when sending."""
    if url is None or "{" in url:
        return None
    try:
        return parse_target(url, ctx.policy).host
    except (TargetForbidden, UrlRejected):
        return None
