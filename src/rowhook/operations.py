"""What people may ask for: webhooks, links, secrets. Command line, API and dashboard share it.

It validates and seals; the database decides what may be linked, deleted or read.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from rowhook import postgres
from rowhook.compiled import signing_name
from rowhook.compose import (
    Configuration,
    ConfigurationRejected,
    Fault,
    Webhook,
    compile_webhook,
    to_json,
    used_secrets,
)
from rowhook.egress import Egress, parse_target
from rowhook.sign import new_signing_secret
from rowhook.vault import Keyring


class NotFound(LookupError):
    """No such thing in this organization; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What every operation needs: the database, the keyring and the rules of this installation."""

    pool: postgres.Pool
    keyring: Keyring
    policy: Egress
    brand: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A saved webhook. `signing_secret` is shown at creation and rotation only."""

    id: UUID
    revision: int
    warnings: tuple[str, ...]
    signing_secret: str | None = None


async def create_webhook(office: Office, organization: UUID, given: Configuration) -> Saved:
    """Saves a new webhook. Raises ConfigurationRejected with every fault, NotFound."""
    webhook = uuid4()
    checked = await check_webhook(office, organization, given)
    secret = new_signing_secret(secrets.token_bytes(32))
    sealed = office.keyring.seal(
        secret, organization_id=organization, name=signing_name(webhook), version=1
    )
    revision = await _save(office, organization, webhook, given, checked, sealed)
    return Saved(id=webhook, revision=revision, warnings=checked.warnings, signing_secret=secret)


async def change_webhook(
    office: Office, organization: UUID, webhook: UUID, given: Configuration
) -> Saved:
    """Replaces a webhook's configuration: a new revision, and its held rows are tried again."""
    await _signing_version(office, organization, webhook)
    checked = await check_webhook(office, organization, given)
    revision = await _save(office, organization, webhook, given, checked, None)
    return Saved(id=webhook, revision=revision, warnings=checked.warnings)


async def _signing_version(office: Office, organization: UUID, webhook: UUID) -> int:
    """The version of the newest signing secret. Raises NotFound for another's webhook, or none."""
    first = await postgres.revision_of(office.pool, webhook, 1)
    live = [one for one in await postgres.secrets_of(office.pool, webhook) if one.signing]
    if first is None or first[0] != organization or not live:
        raise NotFound(f"webhook {webhook} is not one of this organization")
    return live[0].version


async def _save(
    office: Office, organization: UUID, webhook: UUID, given: Configuration, checked: Webhook,
    sealed: bytes | None,
) -> int:  # fmt: skip
    revision = await postgres.save_webhook(
        office.pool, to_json(given), organization, webhook, sorted(used_secrets(checked)), sealed
    )
    if revision is None:
        raise NotFound(f"webhook {webhook} is not one of this organization")
    return revision


async def check_webhook(office: Office, organization: UUID, given: Configuration) -> Webhook:
    """The compiled webhook, without its secrets; raises ConfigurationRejected with every fault."""
    identity = {
        "id": UUID(int=0), "organization_id": organization, "revision": 0, "secrets_version": 0,
    }  # fmt: skip
    checked = compile_webhook(given, identity=identity, brand=office.brand, policy=office.policy)
    faults = await _secret_faults(office, organization, checked)
    if faults:
        raise ConfigurationRejected(faults)
    return checked


async def _secret_faults(office: Office, organization: UUID, checked: Webhook) -> list[Fault]:
    used = sorted(used_secrets(checked))
    known = await postgres.secret_hosts(office.pool, organization, used) if used else {}
    faults = [
        Fault(pointer="", message=f"secret {one} does not exist: save it first, then use it")
        for one in used
        if one not in known
    ]
    if checked.url is None or not checked.url.is_static:
        return faults
    host = parse_target(checked.url.source, office.policy).host
    return faults + [
        Fault(pointer="/url", message=f"secret {one} may be sent to {', '.join(hosts)} alone")
        for one, hosts in known.items()
        if hosts is not None and host not in hosts
    ]


async def rotate_signing_secret(
    office: Office, organization: UUID, webhook: UUID, overlap: timedelta
) -> str:
    """A new signing secret, shown here only; the old one signs too until `overlap` has passed."""
    secret = new_signing_secret(secrets.token_bytes(32))
    while True:
        version = await _signing_version(office, organization, webhook) + 1
        sealed = office.keyring.seal(
            secret, organization_id=organization, name=signing_name(webhook), version=version
        )
        if await postgres.rotate_signing_secret(
            office.pool, organization, webhook, version, sealed, overlap
        ):
            return secret


async def put_secret(
    office: Office, organization: UUID, secret_id: str, secret: str,
    allowed_hosts: list[str] | None = None,
) -> int:  # fmt: skip
    """Creates or replaces a secret; its version. Held rows that use it are tried again."""
    while True:
        version = await postgres.secret_version(office.pool, organization, secret_id) + 1
        sealed = office.keyring.seal(
            secret, organization_id=organization, name=secret_id, version=version
        )
        if await postgres.put_secret(
            office.pool, organization, secret_id, version, sealed, allowed_hosts
        ):
            return version


async def link_agent(office: Office, webhook: UUID, agent: UUID) -> None:
    """From now on the agent's finished jobs go to the webhook; idempotent."""
    if not await postgres.link_agent(office.pool, webhook, agent):
        raise NotFound(f"agent {agent} or webhook {webhook} is not one of this organization")


async def link_goal(office: Office, webhook: UUID, goal: str) -> None:
    """From now on the goal's commits go to the webhook; idempotent."""
    if not await postgres.link_goal(office.pool, webhook, goal):
        raise NotFound(f"goal {goal} or webhook {webhook} is not one of this organization")
