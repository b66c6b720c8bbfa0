"""Caches compiled webhooks by webhook, revision and version of the secrets.

This is the only place in the delivery pipeline that decrypts secrets.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from uuid import UUID

from rowhook.db import webhook_queries
from rowhook.db.statements import ConnectionSource
from rowhook.db.webhook_queries import SealedSecret
from rowhook.model import Headers, Outcome, Verdict
from rowhook.render.configuration import ConfigurationRejected, read_configuration
from rowhook.render.webhook_compiler import Webhook, compile_webhook
from rowhook.security.sign import Signer
from rowhook.security.vault import DecryptionFailed, Keyring, signing_name
from rowhook.verify import InvalidSecret

_MAX_ENTRIES = 512
_Key = tuple[UUID, int, int]


class WebhookCache:
    """An LRU cache of 512 webhooks; one that cannot be compiled is cached as its outcome."""

    def __init__(self, pool: ConnectionSource, keyring: Keyring, *, brand: str) -> None:
        self._pool = pool
        self._keyring = keyring
        self._brand = brand
        self._compiling = asyncio.Semaphore(1)
        self._tasks: OrderedDict[_Key, asyncio.Task[Webhook | Outcome]] = OrderedDict()

    def peek(self, webhook: UUID, revision: int, secrets_version: int) -> Webhook | Outcome | None:
        """Returns a cached entry without waiting; None if it is missing, loading or failed."""
        key = (webhook, revision, secrets_version)
        task = self._tasks.get(key)
        if task is None or not task.done() or task.exception() is not None:
            return None
        self._tasks.move_to_end(key)
        return task.result()

    async def get(self, webhook: UUID, revision: int, secrets_version: int) -> Webhook | Outcome:
        """Returns the compiled webhook, or the outcome of an invalid one. Raises PostgresError."""
        key = (webhook, revision, secrets_version)
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(self._load(*key))
            while len(self._tasks) > _MAX_ENTRIES:
                self._tasks.popitem(last=False)
        else:
            self._tasks.move_to_end(key)
        if not task.done():
            await asyncio.wait({task})
        if task.exception() is not None:
            self._tasks.pop(key, None)
        return task.result()

    async def _load(self, webhook: UUID, revision: int, secrets_version: int) -> Webhook | Outcome:
        stored = await webhook_queries.revision_of(self._pool, webhook, revision)
        sealed = await webhook_queries.secrets_of(self._pool, webhook)
        if stored is None or not any(secret.signing for secret in sealed):
            return _rejected("The webhook was deleted.")
        organization, text = stored
        identity = {
            "id": webhook,
            "organization_id": organization,
            "revision": revision,
            "secrets_version": secrets_version,
        }
        try:
            signing, secrets = self._open(webhook, organization, sealed)
            configuration = read_configuration(text)
            arguments = self._compile_arguments(sealed, signing, secrets)
            # In a thread, because a large webhook would block the event loop; one at a time,
            # because of the GIL more threads would only add latency.
            async with self._compiling:
                return await asyncio.to_thread(
                    compile_webhook,
                    configuration,
                    identity=identity,
                    brand=self._brand,
                    **arguments,
                )
        except DecryptionFailed as error:
            return _rejected(f"A secret cannot be decrypted: {error}")
        except (ConfigurationRejected, InvalidSecret) as error:
            return _rejected(str(error))

    def _compile_arguments(
        self,
        sealed: list[SealedSecret],
        signing: list[tuple[str, float | None]],
        secrets: dict[str, str],
    ) -> dict[str, Any]:
        """Returns the arguments of compile_webhook that depend on secrets."""
        hosts = {
            secret.id: tuple(secret.allowed_hosts)
            for secret in sealed
            if secret.id is not None and secret.allowed_hosts is not None
        }
        # Standard Webhooks uses the part after the prefix as the key.
        keys = [
            (f"signing-{n}", form)
            for n, (secret, _) in enumerate(signing)
            for form in (secret, secret.removeprefix("whsec_"))
        ]
        return {
            "secrets": secrets,
            "allowed_hosts": hosts,
            "sign": _signature(self._brand, signing),
            "hidden": (*secrets.items(), *keys),
        }

    def _open(
        self, webhook: UUID, organization: UUID, sealed: list[SealedSecret]
    ) -> tuple[list[tuple[str, float | None]], dict[str, str]]:
        signing: list[tuple[str, float | None]] = []
        secrets: dict[str, str] = {}
        for secret in sealed:
            name = signing_name(webhook) if secret.id is None else secret.id
            value = self._keyring.open(
                secret.sealed, organization_id=organization, name=name, version=secret.version
            )
            if secret.id is None:
                ends = None if secret.expires_at is None else secret.expires_at.timestamp()
                signing.append((value, ends))
            else:
                secrets[secret.id] = value
        return signing, secrets


def _rejected(error: str) -> Outcome:
    return Outcome(verdict=Verdict.CONFIG_REJECTED, error=error)


def _signature(
    brand: str, signing: list[tuple[str, float | None]]
) -> Callable[[str, int, bytes], Headers]:
    """Returns a function that signs with the unexpired secrets, which may expire while cached."""
    all_secrets = Signer(brand=brand, secrets=[secret for secret, _ in signing])
    ends = min((end for _, end in signing if end is not None), default=None)
    newest = Signer(brand=brand, secrets=[secret for secret, _ in signing[:1]])

    def sign(key: str, timestamp: int, body: bytes) -> Headers:
        if ends is None or time.time() < ends:
            return all_secrets.headers(key=key, timestamp=timestamp, body=body)
        live = [secret for secret, end in signing if end is None or time.time() < end]
        signer = newest if len(live) == 1 else Signer(brand=brand, secrets=live)
        return signer.headers(key=key, timestamp=timestamp, body=body)

    return sign
