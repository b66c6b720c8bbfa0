"""Keeps compiled webhooks by (webhook, revision, secrets' version), loading a miss once.

Secrets are opened here and nowhere else on the way to a delivery.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from uuid import UUID

from rowhook import postgres
from rowhook.compose import (
    ConfigurationRejected,
    Webhook,
    compile_webhook,
    read_configuration,
)
from rowhook.delivery import Headers, Outcome, Verdict
from rowhook.sign import InvalidSecret, Signer
from rowhook.vault import Keyring, SealBroken

_MOST = 512
_Key = tuple[UUID, int, int]


def signing_name(webhook: UUID) -> str:
    """What a webhook's signing secrets are sealed as."""
    return f"signing:{webhook}"


class CompiledWebhooks:
    """An LRU of at most 512 webhooks. A webhook that cannot be compiled is kept as its outcome."""

    def __init__(self, pool: postgres.ConnectionSource, keyring: Keyring, *, brand: str) -> None:
        self._pool = pool
        self._keyring = keyring
        self._brand = brand
        self._compiling = asyncio.Semaphore(1)
        self._kept: OrderedDict[_Key, asyncio.Task[Webhook | Outcome]] = OrderedDict()

    def kept(self, webhook: UUID, revision: int, secrets_version: int) -> Webhook | Outcome | None:
        """What `get` would answer at once; None where it would have to wait."""
        key = (webhook, revision, secrets_version)
        task = self._kept.get(key)
        if task is None or not task.done() or task.exception() is not None:
            return None
        self._kept.move_to_end(key)
        return task.result()

    async def get(self, webhook: UUID, revision: int, secrets_version: int) -> Webhook | Outcome:
        """The compiled webhook, or why it cannot be used. Raises what Postgres raises."""
        key = (webhook, revision, secrets_version)
        task = self._kept.get(key)
        if task is None:
            task = self._kept[key] = asyncio.create_task(self._load(*key))
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        if not task.done():
            await asyncio.wait({task})
        if task.exception() is not None:
            self._kept.pop(key, None)
        return task.result()

    async def _load(self, webhook: UUID, revision: int, secrets_version: int) -> Webhook | Outcome:
        found = await postgres.revision_of(self._pool, webhook, revision)
        sealed = await postgres.secrets_of(self._pool, webhook)
        if found is None or not any(one.signing for one in sealed):
            return _rejected("the webhook was deleted")
        organization, configuration = found
        identity = {
            "id": webhook,
            "organization_id": organization,
            "revision": revision,
            "secrets_version": secrets_version,
        }
        try:
            signing, secrets = self._open(webhook, organization, sealed)
            given = read_configuration(configuration)
            known = self._known(sealed, signing, secrets)
            # In a thread: a long one takes longer than the loop may stand still. One at a time, for
            # Python runs one, and each more makes the loop wait longer.
            async with self._compiling:
                return await asyncio.to_thread(
                    compile_webhook, given, identity=identity, brand=self._brand, **known
                )
        except SealBroken as broken:
            return _rejected(f"a secret cannot be opened: {broken}")
        except (ConfigurationRejected, InvalidSecret) as refused:
            return _rejected(str(refused))

    def _known(
        self,
        sealed: list[postgres.SealedSecret],
        signing: list[tuple[str, float | None]],
        secrets: dict[str, str],
    ) -> dict[str, Any]:
        """What compiling takes of the secrets: values, hosts, signature, what to hide."""
        hosts = {
            one.id: tuple(one.allowed_hosts)
            for one in sealed
            if one.id is not None and one.allowed_hosts is not None
        }
        # Standard Webhooks' key is what follows the prefix.
        keys = [
            (f"signing-{n}", form)
            for n, (one, _) in enumerate(signing)
            for form in (one, one.removeprefix("whsec_"))
        ]
        return {
            "secrets": secrets,
            "allowed_hosts": hosts,
            "sign": _signature(self._brand, signing),
            "hidden": (*secrets.items(), *keys),
        }

    def _open(
        self, webhook: UUID, organization: UUID, sealed: list[postgres.SealedSecret]
    ) -> tuple[list[tuple[str, float | None]], dict[str, str]]:
        signing: list[tuple[str, float | None]] = []
        secrets: dict[str, str] = {}
        for one in sealed:
            name = signing_name(webhook) if one.id is None else one.id
            opened = self._keyring.open(
                one.sealed, organization_id=organization, name=name, version=one.version
            )
            if one.id is None:
                ends = None if one.expires_at is None else one.expires_at.timestamp()
                signing.append((opened, ends))
            else:
                secrets[one.id] = opened
        return signing, secrets


def _rejected(error: str) -> Outcome:
    return Outcome(verdict=Verdict.CONFIG_REJECTED, error=error)


def _signature(
    brand: str, signing: list[tuple[str, float | None]]
) -> Callable[[str, int, bytes], Headers]:
    """Signs with every secret that is live: an overlap may end while this webhook is kept."""
    whole = Signer(brand=brand, secrets=[secret for secret, _ in signing])
    ends = min((end for _, end in signing if end is not None), default=None)
    newest = Signer(brand=brand, secrets=[secret for secret, _ in signing[:1]])

    def sign(key: str, timestamp: int, body: bytes) -> Headers:
        if ends is None or time.time() < ends:
            return whole.headers(key=key, timestamp=timestamp, body=body)
        live = [secret for secret, end in signing if end is None or time.time() < end]
        signer = newest if len(live) == 1 else Signer(brand=brand, secrets=live)
        return signer.headers(key=key, timestamp=timestamp, body=body)

    return sign
