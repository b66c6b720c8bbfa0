"""Creates the transport of each kind of output."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Protocol, cast

from rowhook.output_kinds import OUTPUT_KINDS, OutputKind

if TYPE_CHECKING:
    import httpx

    from rowhook.db.connection_pool import Pool
    from rowhook.model import Claim, Outcome, Request


class NoOutcome(Enum):
    """Why an attempt has no outcome yet."""

    NOT_STARTED = auto()
    """Nothing was sent: the claim is released, and the delivery is attempted again."""
    STAGED = auto()
    """The transport stored the output; its outcome is recorded later."""


class Transport(Protocol):
    """Delivers the outputs of one kind."""

    async def deliver(
        self, claim: Claim, request: Request, redact: Callable[[str], str]
    ) -> Outcome | NoOutcome:
        """Delivers `request` once. Raises nothing that a receiver can cause.

        `redact` removes the webhook's secrets from text that is stored or shown.
        """
        ...

    def background_work(self) -> Coroutine[Any, Any, None] | None:
        """Returns a coroutine that runs as long as the worker does, or None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """The resources of a transport. `http` connects to permitted targets only."""

    pool: Pool
    http: httpx.AsyncBaseTransport
    callback_ttl: timedelta


class SendTest(Protocol):
    """Sends the request of a test immediately. Raises nothing that a receiver can cause."""

    async def __call__(
        self,
        http: httpx.AsyncBaseTransport,
        request: Request,
        /,
        *,
        redact: Callable[[str], str],
        timed: bool,
    ) -> Outcome:
        """Sends `request` once. `timed` fills `Outcome.timings`."""
        ...


def find_test_sender(kind: OutputKind) -> SendTest | None:
    """Returns the function that sends tests of this kind; None if it has none."""
    return (
        None if kind.send_test is None else cast("SendTest", pkgutil.resolve_name(kind.send_test))
    )


def create_transports(resources: Resources) -> dict[str, Transport]:
    """Returns the transport of each kind in OUTPUT_KINDS, by the name of the kind."""
    return {
        name: cast("Transport", pkgutil.resolve_name(kind.transport)(resources))
        for name, kind in OUTPUT_KINDS.items()
    }
