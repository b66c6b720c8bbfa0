"""The signing secrets that `rowhook listen` reads from the database of its settings."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rowhook.cli import error_messages, startup
from rowhook.cli.test_receiver import Received, check
from rowhook.services.signing_secrets import signing_secrets
from rowhook.settings import Settings

# After a failure, which may take seconds to be noticed.
_PAUSE_S = 3.0


@dataclass(slots=True, kw_only=True)
class LearnedSecrets:
    """Verifies requests with the secrets of all webhooks, and reads them when none matches.

    `reason` says why no secret is known.
    """

    settings: Settings
    reason: str | None = None
    _secrets: list[tuple[str, str]] = field(default_factory=list)
    _next_read: float = 0.0

    async def verify(self, received: Received) -> str | None:
        """Sets `verified` and `fault`. Returns the name of the webhook whose secret matches."""
        name = self._match(received)
        if name is None and time.monotonic() >= self._next_read:
            await self._read()
            name = self._match(received)
        return name

    def _match(self, received: Received) -> str | None:
        for name, secret in self._secrets:
            check(received, secret, self.settings.brand)
            if received.verified:
                return name
        if self._secrets:
            received.fault = f"No webhook's secret matches: {received.fault}"
        return None

    async def _read(self) -> None:
        try:
            async with (
                startup.existing_database(self.settings) as database,
                startup.keyring_context(self.settings, database) as ctx,
            ):
                self._secrets = await signing_secrets(ctx)
        except Exception as error:
            if error_messages.exit_code(error) is None:
                raise
            self.reason = error_messages.message_lines(error)[0]
            self._next_read = time.monotonic() + _PAUSE_S
            return
        self.reason = None if self._secrets else "The database has no webhooks."
