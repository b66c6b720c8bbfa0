"""Creates the transport of each kind of output."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Protocol, cast

from rowhook.output_kinds import OUTPUT_KINDS

if TYPE_CHECKING:
    import httpx

    from rowhook.db.connection_pool import Pool
    from rowhook.model import Claim, Outcome, Request


class NoOutcome(Enum):
    """Why an attempt has no outcome yet."""

    NOT_STARTED = auto()
    """Nothing was sent: the claim is released, and the delivery is attempted again."""
    STAGED = auto()
    """The transport stored the output; what happens to it is recorded later."""


class Transport(Protocol):
    """Delivers the outputs of one kind."""

    async def deliver(
        self, claim: Claim, request: Request, redact: Callable[[str], str]
    ) -> Outcome | NoOutcome:
        """Deliver `request` once. Raises nothing that a receiver can cause.

        `redact` removes the webhook's secrets from text that is stored or shown.
        """
        ...

    def background_work(self) -> Coroutine[Any, Any, None] | None:
        """Return what runs as long as the worker does, and never ends by itself, or None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a transport may use. `http` connects to permitted targets only."""

    pool: Pool
    http: httpx.AsyncBaseTransport
    callback_ttl: timedelta


def create_transports(resources: Resources) -> dict[str, Transport]:
    """Return the transport of each kind in OUTPUT_KINDS, by the name of the kind."""
    return {
        name: cast("Transport", pkgutil.resolve_name(kind.transport)(resources))
        for name, kind in OUTPUT_KINDS.items()
    }
