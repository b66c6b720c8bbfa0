from __future__ import annotations

import asyncio
import resource
from typing import TYPE_CHECKING

import httpx
import pytest

from rowhook.egress.errors import FORBIDDEN, Failure
from rowhook.egress.transport import GuardedTransport
from rowhook.model import Verdict
from rowhook.transports.http import send
from tests.support.hostile_receivers import HOSTILE, OK, SLOW_BODIES, Case
from tests.support.local_transport import (
    LOCAL,
    exchange,
    leave_unredacted,
    open_transport,
    request,
)
from tests.support.receiver import Receiver, answer, raw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowhook.model import Outcome


PATIENCE_S = 0.5


def check(outcome: Outcome, case: Case) -> None:
    assert (outcome.verdict, outcome.status_code) == (case.verdict, case.status), outcome
    assert case.body is None or outcome.body == case.body
    assert len((outcome.body or "").encode()) <= 4096
    assert "127" not in (outcome.error or "")


@pytest.mark.anyio
@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in SLOW_BODIES])
async def test_a_hostile_response_has_the_expected_verdict(name: str) -> None:
    case = HOSTILE[name]
    check(await exchange(case.behaviour, timeout_s=case.timeout_s), case)


@pytest.mark.anyio
async def test_concurrent_hostile_receivers_use_no_memory_and_delay_no_other_request() -> None:
    silent = {
        number for number, case in enumerate(HOSTILE.values()) if case.verdict is Verdict.TIMEOUT
    }
    async with Receiver() as good, Receiver() as bad, open_transport() as transport:
        for number, case in enumerate(HOSTILE.values()):
            bad.script(f"/{number}", case.behaviour)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        hostile = [
            asyncio.create_task(send(transport, request(f"{bad.url}/{n}"), redact=leave_unredacted))
            for n in range(len(HOSTILE))
        ]
        quick = [
            await send(transport, request(good.url), redact=leave_unredacted) for _ in range(20)
        ]
        # These last until their timeout, a minute: the good one did not wait for them.
        assert not any(hostile[number].done() for number in silent)
        for number, case in enumerate(HOSTILE.values()):
            if number in silent:
                hostile[number].cancel()
            else:
                check(await hostile[number], case)
        await asyncio.wait(hostile)
    assert {outcome.verdict for outcome in quick} == {Verdict.DELIVERED}
    # The buffers of the receivers are in this process too.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64_000


@pytest.mark.anyio
async def test_a_request_arrives_byte_for_byte_without_additional_headers() -> None:
    headers = (("Content-Type", "application/json"), ("X-A", "1"), ("x-a", "2"), ("Cookie", "c=1"))
    async with Receiver() as receiver, open_transport() as transport:
        url = f"{receiver.url}/a/../b//%2F?q=%7e&r=ü#fragment"
        await send(transport, request(url, headers=headers), redact=leave_unredacted)
    [requests] = receiver.requests
    assert (requests.method, requests.path) == ("POST", "/a/../b//%2F?q=%7e&r=%C3%BC")
    assert requests.body == b'{"a":1}'
    own = [("Host", f"127.0.0.1:{receiver.port}"), ("Content-Length", "7")]
    assert requests.headers == [own[0], *headers, own[1]]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "body", "length"),
    [
        ("POST", None, "0"),
        ("PUT", b"", "0"),
        ("PATCH", b"x", "1"),
        ("GET", None, None),
        ("GET", b"x", "1"),
        ("DELETE", b"x", "1"),
        ("POST", b"\0\xff" * 400_000, "800000"),
    ],
)
async def test_every_method_sends_a_body_only_if_there_is_one(
    method: str, body: bytes | None, length: str | None
) -> None:
    async with Receiver() as receiver, open_transport() as transport:
        outcome = await send(
            transport, request(receiver.url, method=method, body=body), redact=leave_unredacted
        )
    assert outcome.verdict is Verdict.DELIVERED
    [requests] = receiver.requests
    assert (requests.method, requests.body, requests.header("Content-Length")) == (
        method,
        body or b"",
        length,
    )


@pytest.mark.anyio
async def test_connections_are_reused_and_cookies_are_not_returned() -> None:
    cookie = answer(headers=(("Set-Cookie", "session=abc"),))
    async with Receiver(default=cookie) as receiver, open_transport() as transport:
        for _ in range(5):
            await send(transport, request(receiver.url), redact=leave_unredacted)
    assert receiver.connections == 1
    assert [request.header("Cookie") for request in receiver.requests] == [None] * 5


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "DELETE"])
async def test_a_reused_connection_that_ends_without_a_response_is_replaced_once(
    method: str,
) -> None:
    async with Receiver() as receiver, open_transport() as transport:
        receiver.script("/hook", answer(), raw(b""), answer(), raw(b""), raw(b""))
        url = receiver.url + "/hook"
        outcomes = [
            await send(transport, request(url, method=method), redact=leave_unredacted)
            for _ in range(3)
        ]
    assert [outcome.verdict for outcome in outcomes] == [
        Verdict.DELIVERED,
        Verdict.DELIVERED,
        Verdict.RESPONSE_INVALID,
    ]
    assert [request.connection for request in receiver.requests] == [1, 1, 2, 2, 3]


@pytest.mark.anyio
@pytest.mark.parametrize("first_bytes", [b"H", b"HTTP/1.1 200 OK\r\nContent-"])
async def test_a_request_is_not_sent_again_once_a_byte_of_the_response_was_received(
    first_bytes: bytes,
) -> None:
    async with Receiver() as receiver, open_transport() as transport:
        receiver.script("/hook", answer(), raw(first_bytes))
        url = receiver.url + "/hook"
        outcomes = [await send(transport, request(url), redact=leave_unredacted) for _ in range(2)]
    assert [outcome.verdict for outcome in outcomes] == [
        Verdict.DELIVERED,
        Verdict.RESPONSE_INVALID,
    ]
    assert len(receiver.requests) == 2


@pytest.mark.anyio
async def test_a_new_connection_that_ends_without_a_response_is_not_replaced() -> None:
    async with Receiver(default=raw(b"")) as receiver, open_transport() as transport:
        outcome = await send(transport, request(receiver.url), redact=leave_unredacted)
    assert outcome.verdict is Verdict.RESPONSE_INVALID
    assert len(receiver.requests) == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("keep_alive", "connections"),
    [
        ("timeout=1", 2),
        ("timeout=0", 2),
        ("timeout=5, max=100", 1),
        ("max=100", 1),
        ("timeout=x", 1),
    ],
)
async def test_a_connection_is_kept_idle_no_longer_than_its_server_states(
    keep_alive: str, connections: int
) -> None:
    kept = answer(headers=(("Keep-Alive", keep_alive),))
    async with Receiver(default=kept) as receiver, open_transport() as transport:
        for _ in range(2):
            await send(transport, request(receiver.url), redact=leave_unredacted)
    assert receiver.connections == connections


@pytest.mark.anyio
async def test_an_unsolicited_response_is_not_used_for_the_next_request() -> None:
    async with Receiver() as receiver, open_transport() as transport:
        early = (
            OK + b"Content-Length: 2\r\n\r\nok" + b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
        )
        receiver.script("/hook", raw(early, close=False), answer())
        outcomes = [
            await send(transport, request(receiver.url + "/hook"), redact=leave_unredacted)
            for _ in range(2)
        ]
    assert [outcome.status_code for outcome in outcomes] == [200, 200]
    assert receiver.connections == 2


@pytest.mark.anyio
async def test_an_unread_request_body_times_out() -> None:
    async def ignore(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with Receiver(on_connect=ignore) as receiver, open_transport() as transport:
        big = request(receiver.url, body=b"x" * 1_000_000 * 8, timeout_s=PATIENCE_S)
        outcome = await send(transport, big, redact=leave_unredacted)
    assert outcome.verdict is Verdict.TIMEOUT


@pytest.mark.anyio
async def test_a_response_before_the_body_was_read_counts() -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.Event().wait()

    async with Receiver(on_connect=refuse) as receiver, open_transport() as transport:
        big = request(receiver.url, body=b"x" * 1_000_000)
        outcome = await send(transport, big, redact=leave_unredacted)
    assert (outcome.verdict, outcome.status_code) == (Verdict.HTTP_STATUS, 413)


@pytest.mark.anyio
async def test_a_closed_port_is_a_connection_failure() -> None:
    async with Receiver() as receiver:
        url = receiver.url
    async with open_transport() as transport:
        outcome = await send(transport, request(url), redact=leave_unredacted)
    assert (outcome.verdict, outcome.error) == (
        Verdict.CONNECT_FAILED,
        "The connection failed (ECONNREFUSED).",
    )


@pytest.mark.anyio
async def test_a_resolution_that_hangs_ends_at_the_deadline() -> None:
    async def silent(_: str) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    async with GuardedTransport(LOCAL, limit=1, resolver=silent) as transport:
        slow = request("https://example.com/", timeout_s=PATIENCE_S)
        outcome = await send(transport, slow, redact=leave_unredacted)
    assert outcome.verdict is Verdict.TIMEOUT


@pytest.mark.anyio
@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.1/",
        "https://intranet/",
        "http://user@127.0.0.1/",
        "ftp://a.b/",
        "x",
        "https://[/",
    ],
)
async def test_forbidden_and_unparsable_targets_have_the_same_error(url: str) -> None:
    async with open_transport() as transport:
        outcome = await send(transport, request(url), redact=leave_unredacted)
    assert (outcome.verdict, outcome.error) == (Verdict.TARGET_FORBIDDEN, FORBIDDEN)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "header", [("X-A", "a\r\nX-B: b"), ("X-A", "a\0"), ("X-A\r\nX-B", "b"), ("X-A", "a\nb")]
)
async def test_a_line_break_in_a_header_is_never_sent(header: tuple[str, str]) -> None:
    async with Receiver() as receiver, open_transport() as transport:
        outcome = await send(
            transport, request(receiver.url, headers=(header,)), redact=leave_unredacted
        )
    assert outcome.verdict is Verdict.RENDER_FAILED
    assert receiver.requests == []


@pytest.mark.anyio
async def test_secrets_that_the_receiver_echoes_are_redacted_even_across_the_cut() -> None:
    echo = answer(body=b"a" * 4090 + b"s3cr3t-canary", headers=(("X-Echo", "s3cr3t-canary"),))
    async with Receiver(default=echo) as receiver, open_transport() as transport:
        outcome = await send(
            transport,
            request(receiver.url),
            redact=lambda text: text.replace("s3cr3t-canary", "[secret:a]"),
        )
    assert ("X-Echo", "[secret:a]") in outcome.headers
    assert outcome.body == "a" * 4090 + "[secre"


@pytest.mark.anyio
async def test_response_headers_are_stored_up_to_a_limit() -> None:
    outcome = await exchange(answer(headers=tuple((f"X-{n}", "v" * 5000) for n in range(10))))
    assert outcome.verdict is Verdict.DELIVERED
    assert all(len(value) <= 1024 for _, value in outcome.headers)


@pytest.mark.anyio
async def test_a_test_send_has_timings_and_a_delivery_only_a_duration() -> None:
    async with Receiver() as receiver, open_transport() as transport:
        url = f"http://hooks.example.com:{receiver.port}/"
        timed = await send(transport, request(url), redact=leave_unredacted, timed=True)
        plain = await send(transport, request(url), redact=leave_unredacted)
    phases = timed.timings
    assert None not in (phases.dns, phases.connect, phases.first_byte, phases.total)
    assert phases.tls is None
    assert plain.timings.total is None
    assert plain.duration_ms > 0


@pytest.mark.anyio
async def test_a_request_of_httpx_has_its_framing_headers_once() -> None:
    async with Receiver() as receiver, open_transport() as transport:
        await transport.handle_async_request(
            httpx.Request("POST", receiver.url, content=b"abc", headers={"X-A": "1"})
        )
    names = [name.lower() for name, _ in receiver.requests[0].headers]
    assert sorted(names) == ["content-length", "host", "x-a"]


@pytest.mark.parametrize("method", ["PO ST", "POST / HTTP/1.1\r\nX-A: b\r\n\r\n", ""])
@pytest.mark.anyio
async def test_a_method_that_is_not_a_token_is_never_sent(method: str) -> None:
    async with Receiver() as receiver, open_transport() as transport:
        with pytest.raises(Failure) as caught:
            await transport.exchange(method, receiver.url, (), None, timeout_s=5)
    assert caught.value.verdict is Verdict.RENDER_FAILED
    assert receiver.connections == 0


@pytest.mark.anyio
async def test_a_stored_header_contains_no_nul() -> None:
    headers = (("X-Nul", "a\0b"),)
    async with Receiver(default=answer(headers=headers)) as receiver, open_transport() as transport:
        outcome = await send(transport, request(receiver.url), redact=leave_unredacted)
    assert ("X-Nul", "a\ufffdb") in outcome.headers
