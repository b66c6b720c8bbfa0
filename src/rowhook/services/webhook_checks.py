"""The checks of a webhook before a save: whether it compiles, can work, and has its secrets."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from rowhook.db import webhook_queries
from rowhook.egress.errors import TargetForbidden, UrlRejected
from rowhook.egress.target_url import is_allowed_host, parse_target
from rowhook.render.configuration import (
    Configuration,
    ConfigurationRejected,
    Fault,
    header_pointer,
    to_json,
)
from rowhook.render.save_checks import check_before_save
from rowhook.render.webhook_compiler import (
    Webhook,
    compile_webhook,
    required_paths,
    used_secrets,
)
from rowhook.services.context import Rejected, ServiceContext
from rowhook.services.webhook_documents import SaveWarning

_SECRET_NAME = re.compile(r"\{\{-?\s*secret:\s*(?P<id>[A-Za-z0-9._-]{1,128})")


class Checked(NamedTuple):
    """A webhook that can be saved: its document, the secrets that it uses, and warnings."""

    document: str
    secrets: list[str]
    warnings: list[SaveWarning]


async def check_webhook(
    ctx: ServiceContext,
    organization: UUID | None,
    configuration: Configuration,
    faults: tuple[Fault, ...] = (),
    save_faults: Sequence[Fault] = (),
) -> Webhook:
    """Compiles a webhook without its secrets. Raises Rejected with all faults.

    `faults` are those of reading the document; a pointer in them is not reported again.
    `save_faults` are reported as well. Without an organization, which must then be one of the
    faults, its secrets are not looked up.
    """
    identity = {
        "id": UUID(int=0),
        "organization_id": organization or UUID(int=0),
        "revision": 0,
        "secrets_version": 0,
    }
    new_faults: list[Fault] = list(save_faults)
    checked = None
    try:
        # In a thread, because a large template would block the event loop.
        checked = await asyncio.to_thread(
            compile_webhook, configuration, identity=identity, brand=ctx.brand, policy=ctx.policy
        )
    except ConfigurationRejected as error:
        new_faults.extend(_with_advice(fault, ctx) for fault in error.faults)
    if organization is not None:
        new_faults += await _secret_faults(ctx, organization, configuration)
    pointers = {fault.pointer for fault in faults}
    all_faults = [*faults, *(fault for fault in new_faults if fault.pointer not in pointers)]
    if all_faults or checked is None:
        raise Rejected(*all_faults)
    return checked


def _with_advice(fault: Fault, ctx: ServiceContext) -> Fault:
    """Adds the setting that would allow the refused value. Tenants do not learn about settings."""
    if fault.setting is None or not ctx.is_operator:
        return fault
    advice = (
        f"To allow it, set {fault.setting} for `rowhook up`, or for api and worker, and for"
        " commands that save webhooks."
    )
    return replace(fault, message=f"{fault.message} {advice}")


async def check_for_save(
    ctx: ServiceContext,
    organization: UUID | None,
    configuration: Configuration,
    faults: tuple[Fault, ...] = (),
) -> Checked:
    """Checks whether a webhook compiles and can work. Raises Rejected with all faults."""
    # In a thread, because a large template would block the event loop.
    findings = await asyncio.to_thread(check_before_save, configuration)
    checked = await check_webhook(ctx, organization, configuration, faults, findings.faults)
    warnings = [
        SaveWarning(
            pointer=fault.pointer, message=fault.message, line=fault.line, column=fault.column
        )
        for fault in findings.warnings
    ]
    return Checked(
        document=to_json(configuration, required_paths(checked)),
        secrets=sorted(used_secrets(checked)),
        warnings=warnings,
    )


def _parts(configuration: Configuration) -> list[tuple[str, str]]:
    """Returns the pointer and text of each part that may use a secret."""
    parts = [(header_pointer(name), text) for name, text in configuration.headers.items()]
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
    hosts_by_secret = await webhook_queries.secret_hosts(
        ctx.pool, organization, sorted({secret for _, secret in named})
    )
    faults = [
        Fault(
            pointer=location,
            message=f"Secret {secret} does not exist. Save it with PUT /v1/secrets/{secret} or"
            f" `rowhook secrets put {secret}`.",
        )
        for location, secret in dict.fromkeys(named)
        if secret not in hosts_by_secret
    ]
    host = _host(ctx, configuration.url)
    return faults + [
        Fault(
            pointer="/url",
            message=f"Secret {secret} may only be sent to its allowed hosts: "
            f"{', '.join(hosts) or 'none'}.",
        )
        for secret, hosts in hosts_by_secret.items()
        if hosts is not None and host is not None and not is_allowed_host(host, hosts)
    ]


def _host(ctx: ServiceContext, url: str | None) -> str | None:
    """Returns the host of a URL without expressions; None if it is only known when sending."""
    if url is None or "{" in url:
        return None
    try:
        return parse_target(url, ctx.policy).host
    except (TargetForbidden, UrlRejected):
        return None
