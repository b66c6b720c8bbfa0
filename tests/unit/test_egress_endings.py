"""Connections that end at any step, on both event loops: one outcome, no socket left open."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiohappyeyeballs import AddrInfoType

from rowhook.egress.connection import Connection
from rowhook.egress.dialer import Tunnel
from rowhook.egress.transport import GuardedTransport
from rowhook.model import Verdict
from rowhook.transports.http import send
from tests.support.certificates import Authority, make_authority, trust
from tests.support.forward_proxy import Proxy, running_proxy
from tests.support.hostile_receivers import HOSTILE, SLOW_BODIES
from tests.support.local_transport import (
    LOCAL,
    leave_unredacted,
    request,
    resolve_to_loopback,
)
from tests.support.receiver import Receiver, stall
from tests.support.worker_rig import until

pytestmark = pytest.mark.anyio
# Steps of the event loop; usually the request is sent after fewer.
STEPS = 60
BODY = b"x" * 8_000_000
CANCELLED = {name for name, case in HOSTILE.items() if case.verdict is Verdict.TIMEOUT}


@pytest.fixture(scope="module", params=[True, False], ids=["uvloop", "asyncio"], autouse=True)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def reported() -> AsyncIterator[list[str]]:
    """The errors that nobody retrieved, which the event loop reports."""
    messages: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: messages.append(str(context)))
    yield messages
    loop.set_exception_handler(None)


class Sockets:
    """Creates the sockets of a transport, and knows which of them are open."""

    def __init__(self) -> None:
        self.created: list[socket.socket] = []

    def __call__(self, info: AddrInfoType) -> socket.socket:
        self.created.append(socket.socket(family=info[0], type=info[1], proto=info[2]))
        return self.created[-1]

    async def until_closed(self) -> None:
        async def are_closed() -> bool:
            return all(created.fileno() == -1 for created in self.created)

        await until(are_closed, description="every socket closed")


def transport_on(sockets: Sockets, **changes: Any) -> GuardedTransport:
    settings: dict[str, Any] = {"limit": 64, "resolver": resolve_to_loopback, "trust": trust()}
    settings |= changes
    return GuardedTransport(LOCAL, open_socket=sockets, **settings)


def idle_connections(transport: GuardedTransport) -> list[Connection]:
    return [connection for idle in transport._pool._idle.values() for connection in idle]


async def attempt(transport: GuardedTransport, url: str, **changes: Any) -> Verdict:
    outcome = await send(transport, request(url, **changes), redact=leave_unredacted)
    return outcome.verdict


async def reset_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def close_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def answer_early(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 413 Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    await asyncio.Event().wait()


async def answer_early_and_close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    writer.close()


async def half_close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write_eof()
    await asyncio.Event().wait()


ENDINGS = {
    "reset": (reset_at_once, {Verdict.RESPONSE_INVALID}),
    "close": (close_at_once, {Verdict.RESPONSE_INVALID}),
    "early response": (answer_early, {Verdict.HTTP_STATUS}),
    # The system may drop the response when the connection is reset.
    "early response, closed": (
        answer_early_and_close,
        {Verdict.DELIVERED, Verdict.RESPONSE_INVALID},
    ),
    "half-closed": (half_close, {Verdict.RESPONSE_INVALID}),
}


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("name", ENDINGS)
async def test_a_receiver_that_ends_without_reading_has_an_outcome_and_no_open_socket(
    name: str,
    secure: bool,  # noqa: FBT001  # the case
    authority: Authority,
    reported: list[str],
) -> None:
    ending, verdicts = ENDINGS[name]
    tls = authority.issue("hooks.example.com") if secure else None
    async with (
        Receiver(on_connect=ending, tls=tls) as receiver,
        transport_on(sockets := Sockets(), trust=authority.trust()) as transport,
    ):
        url = f"{'https' if secure else 'http'}://hooks.example.com:{receiver.port}/"
        for body in (b"{}", BODY):
            got = await attempt(transport, url, body=body)
            # A receiver may close before TLS is complete.
            assert got in verdicts | ({Verdict.TLS_FAILED} if secure else set())
        await sockets.until_closed()
    gc.collect()
    assert [text for text in reported if "never retrieved" in text] == []


async def test_no_exchange_leaves_a_socket_open(reported: list[str]) -> None:
    async with Receiver() as receiver:
        for number, case in enumerate(HOSTILE.values()):
            receiver.script(f"/{number}", case.behaviour)
        async with transport_on(sockets := Sockets()) as transport:
            running = {
                name: asyncio.create_task(attempt(transport, f"{receiver.url}/{number}"))
                for number, name in enumerate(HOSTILE)
                if name not in SLOW_BODIES
            }
            await receiver.wait_for(len(running))
            for name, task in running.items():
                if name in CANCELLED:
                    task.cancel()
                else:
                    assert await task is HOSTILE[name].verdict
            await asyncio.wait(running.values())
            assert not transport._pool._open - set(idle_connections(transport))
        await sockets.until_closed()
    gc.collect()
    assert [text for text in reported if "never retrieved" in text] == []


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["127.0.0.2", "127.0.0.1"]], ids=["1", "2"])
@pytest.mark.parametrize("route", ["plain", "tls", "tunnel"])
async def test_an_exchange_that_is_cancelled_at_any_step_leaves_no_socket_open(
    route: str, addresses: list[str], authority: Authority, reported: list[str]
) -> None:
    async def resolve(_: str) -> Sequence[str]:
        return addresses

    tls = None if route == "plain" else authority.issue("hooks.example.com")
    async with (
        Receiver(default=stall(), tls=tls) as receiver,
        running_proxy() as proxy,
        transport_on(
            sockets := Sockets(),
            trust=authority.trust(),
            resolver=resolve,
            proxy=proxy.url.replace("127.0.0.1", "proxy.internal") if route == "tunnel" else None,
        ) as transport,
    ):
        url = f"http{'s' if tls else ''}://hooks.example.com:{receiver.port}/"
        for steps in range(STEPS):
            task = asyncio.create_task(attempt(transport, url))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
        task = asyncio.create_task(attempt(transport, url))
        await receiver.wait_for(len(receiver.requests) + 1)
        task.cancel()
        await asyncio.wait({task})
        await sockets.until_closed()

        async def is_empty() -> bool:
            return not transport._pool._open

        await until(is_empty, description="no connection in the pool")
        assert transport._slots._value == 64
    gc.collect()
    assert [text for text in reported if "never retrieved" in text] == []


@pytest.mark.parametrize("step", ["name resolution", "tunnel", "slot", "response"])
async def test_closing_the_transport_ends_an_exchange_at_any_step(
    step: str, reported: list[str]
) -> None:
    async def hang(_: str) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    async with Receiver(default=stall()) as receiver, running_proxy(Proxy(silent=True)) as proxy:
        sockets = Sockets()
        transport = transport_on(
            sockets,
            limit=1,
            resolver=None if step == "name resolution" else resolve_to_loopback,
            proxy=proxy.url if step == "tunnel" else None,
        )
        if step == "name resolution":
            transport._dialer._resolver._lookup._look_up = hang  # type: ignore[attr-defined]
        url = (
            "https://hooks.example.com/" if step in {"tunnel", "name resolution"} else receiver.url
        )
        tasks = [asyncio.create_task(attempt(transport, url, timeout_s=600))]
        if step == "tunnel":
            await until(lambda: _is(bool(proxy.requests)), description="a tunnel requested")
        elif step != "name resolution":
            await receiver.wait_for(1)
        if step == "slot":
            tasks.append(asyncio.create_task(attempt(transport, url, timeout_s=600)))
        for _ in range(5):
            await asyncio.sleep(0)
        await transport.aclose()
        verdicts = {await task for task in tasks}
        await sockets.until_closed()
    expected = {
        "name resolution": Verdict.DNS_FAILED,
        "tunnel": Verdict.CONNECT_FAILED,
    }
    assert verdicts == {expected.get(step, Verdict.RESPONSE_INVALID)}
    assert [text for text in reported if "never retrieved" in text] == []


async def _is(value: bool) -> bool:  # noqa: FBT001  # a condition
    return value


async def test_a_closed_transport_sends_nothing() -> None:
    async with Receiver() as receiver:
        transport = GuardedTransport(LOCAL, limit=1)
        await transport.aclose()
        assert await attempt(transport, receiver.url) is Verdict.RESPONSE_INVALID
        assert receiver.connections == 0


@pytest.mark.parametrize(
    "response",
    [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nearly", b"HTTP/1.1 2"],
)
async def test_a_proxy_that_ends_before_the_tunnel_is_a_failure(
    response: bytes, reported: list[str]
) -> None:
    async with (
        running_proxy(Proxy(canned_response=response)) as proxy,
        transport_on(sockets := Sockets(), proxy=proxy.url) as transport,
    ):
        verdict = await attempt(transport, "https://hooks.example.com/")
        await sockets.until_closed()
    assert verdict in {Verdict.CONNECT_FAILED, Verdict.TLS_FAILED}
    gc.collect()
    assert [text for text in reported if "never retrieved" in text] == []


async def test_a_tunnel_that_ends_before_its_request_reports_no_unretrieved_error(
    reported: list[str],
) -> None:
    tunnel = Tunnel()
    tunnel.connection_lost(None)
    del tunnel
    gc.collect()
    await asyncio.sleep(0)
    assert reported == []
