"""A receiver and a transport for synchronous tests with many requests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

import uvloop

from rowhook.egress.transport import GuardedTransport
from rowhook.model import Request, Verdict
from rowhook.transports.http import send
from tests.support.local_transport import LOCAL, leave_unredacted
from tests.support.receiver import Receiver


class RequestSender:
    """Sends requests one after another."""

    def __init__(
        self, runner: asyncio.Runner, receiver: Receiver, transport: GuardedTransport
    ) -> None:
        self.url = f"{receiver.url}/hook"
        self._runner = runner
        self._receiver = receiver
        self._transport = transport

    def sent_headers(self, request: Request) -> list[tuple[str, str]]:
        """Sends a request and returns the headers that arrive."""
        self._receiver.requests.clear()
        outcome = self._runner.run(send(self._transport, request, redact=leave_unredacted))
        assert outcome.verdict is Verdict.DELIVERED, outcome
        [arrived] = self._receiver.requests
        assert (arrived.method, arrived.path) == ("POST", "/hook")
        return arrived.headers


@contextmanager
def request_sender() -> Iterator[RequestSender]:
    """Runs a receiver on loopback."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = AsyncExitStack()
        receiver = runner.run(stack.enter_async_context(Receiver()))
        opened = runner.run(stack.enter_async_context(_TransportContext()))
        try:
            yield RequestSender(runner, receiver, opened)
        finally:
            runner.run(stack.aclose())


class _TransportContext:
    """A transport that is created inside the event loop."""

    async def __aenter__(self) -> GuardedTransport:
        self.transport = GuardedTransport(LOCAL, limit=4)
        return self.transport

    async def __aexit__(self, *_: object) -> None:
        await self.transport.aclose()
