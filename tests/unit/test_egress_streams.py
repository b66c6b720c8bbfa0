"""Responses in hostile pieces, without sockets: the kept part, and when reading ends."""

from __future__ import annotations

import asyncio
import tracemalloc

import pytest

from rowhook.egress.connection import BODY_GRACE_S, ConnectionEnded, ResponseInvalid
from rowhook.egress.exchange import Response
from tests.support.hostile_receivers import CHUNKED, OK
from tests.support.scripted_connection import ScriptedConnection, run_callbacks

pytestmark = pytest.mark.anyio
# Less than this is read of any response. Bytes.
MOST_READ = 700_000
SEGMENT = 16_384
TIMEOUT_S = 15.0
# The start of an endless response, and the repeated bytes.
ENDLESS = {
    "body": (OK + b"\r\n", b"x"),
    "chunks of one byte": (CHUNKED, b"1\r\nx\r\n"),
    "chunk": (CHUNKED + b"ffffffff\r\n", b"x"),
    "chunk extension": (CHUNKED + b"5;", b"a=b;"),
    "digits of a chunk size": (CHUNKED, b"0"),
    "trailers": (CHUNKED + b"0\r\n", b"X-Trailer: t\r\n"),
    "trailer": (CHUNKED + b"0\r\nX-Trailer: ", b"t"),
    "name of a trailer": (CHUNKED + b"0\r\n", b"t"),
    "headers": (OK, b"X-A: b\r\n"),
    "short headers": (OK, b"a:\n"),
    "header": (OK + b"X-A: ", b"b"),
    "name of a header": (OK, b"b"),
    "malformed lines": (OK, b"no colon\r\n"),
    "malformed line": (OK + b"(", b"b"),
    "reason phrase": (OK[:-2], b"b"),
    "malformed status line": (b"HTTP/1.1 2", b"x"),
    "interim responses": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "malformed interim responses": (b"", b"HTTP/1.1 100 Continue\r\n(\r\n\r\n"),
    "blank lines": (b"", b"\r\n"),
    "blank lines after a malformed head": (b"HTTP/1.1 100 Continue\r\n(\r\n\r\n", b"\n"),
}
IN_BODY = {name for name, (first, _) in ENDLESS.items() if b"\r\n\r\n" in first and OK in first}


def result(task: asyncio.Task[Response]) -> int | type[BaseException]:
    """Returns the status, or the type of the error."""
    error = task.exception()
    return task.result().status if error is None else type(error)


@pytest.mark.parametrize("name", ENDLESS)
async def test_an_endless_response_is_read_up_to_a_limit_without_waiting_for_the_deadline(
    name: str,
) -> None:
    first, wave = ENDLESS[name]
    scripted = ScriptedConnection()
    task = await scripted.begin(TIMEOUT_S)
    await scripted.receive(first)
    received = 0
    segment = wave * (SEGMENT // len(wave))
    while not task.done() and received < 2 * MOST_READ:
        await scripted.receive(segment)
        received += len(segment)
    assert received <= MOST_READ
    assert result(task) == (200 if name in IN_BODY else ResponseInvalid)
    assert not scripted.connection.is_reusable


@pytest.mark.parametrize("name", ENDLESS)
async def test_a_response_that_drips_ends_at_the_deadline(name: str) -> None:
    first, wave = ENDLESS[name]
    scripted = ScriptedConnection()
    task = await scripted.begin(TIMEOUT_S)
    await scripted.receive(first)
    began = scripted.clock.now
    drops = wave * 2000
    while not task.done() and scripted.clock.now < began + 2 * TIMEOUT_S:
        await scripted.receive(*(drops[n : n + 1] for n in range(3)))
        drops = drops[3:]
        await scripted.clock.advance(0.05)
    limit_s = BODY_GRACE_S if name in IN_BODY else TIMEOUT_S
    assert scripted.clock.now - began <= limit_s + 0.15
    if name == "malformed status line":
        assert result(task) in {ResponseInvalid, TimeoutError}
    else:
        assert result(task) == (200 if name in IN_BODY else TimeoutError)


@pytest.mark.parametrize("name", ENDLESS)
async def test_an_endless_response_takes_little_memory(name: str) -> None:
    first, wave = ENDLESS[name]
    scripted = ScriptedConnection()
    task = await scripted.begin()
    await scripted.receive(first)
    segment = wave * (SEGMENT // len(wave))
    tracemalloc.start()
    while not task.done():
        await scripted.receive(segment)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    await asyncio.wait({task})
    assert result(task) in {200, ResponseInvalid}
    assert peak < 1_500_000


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("end", [b"\r\n", b"(\r\n\r\n"])
async def test_the_first_thousand_headers_are_kept(size: int, end: bytes) -> None:
    head = OK + b"".join(b"X-%d:b\r\n" % number for number in range(1_500)) + end
    scripted = ScriptedConnection()
    task = await scripted.begin()
    await scripted.receive(*(head[n : n + size] for n in range(0, len(head), size)))
    scripted.connection.connection_lost(None)
    assert (await task).headers == [(b"X-%d" % number, b"b") for number in range(1_000)]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
async def test_a_malformed_head_has_the_same_response_in_any_pieces(size: int) -> None:
    head = (
        b"\r\nHTTP/1.1 100 Continue\r\nbad line\r\n\r\n\n"
        b"HTTP/1.1 201 Made\nX-A:  b \r\n(\r\nX-Fold: a\r\n\tb\r\n c\nRetry-After: 7\r\n\r\nbody"
    )
    scripted = ScriptedConnection()
    task = await scripted.begin()
    await scripted.receive(*(head[n : n + size] for n in range(0, len(head), size)))
    response = await task
    assert (response.status, response.body) == (201, b"")
    assert response.headers == [(b"X-A", b"b"), (b"X-Fold", b"a\tb c"), (b"Retry-After", b"7")]


@pytest.mark.parametrize("one_segment", [True, False])
async def test_headers_are_those_of_the_head_and_not_of_trailers_or_of_a_second_response(
    one_segment: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    first = CHUNKED + b"2\r\nok\r\n0\r\nRetry-After: 9\r\nX-Trailer: t\r\n\r\n"
    second = b"HTTP/1.1 410 Gone\r\nX-Second: 1\r\nContent-Length: 2\r\n\r\nno"
    scripted = ScriptedConnection()
    task = await scripted.begin()
    await scripted.receive(*((first + second,) if one_segment else (first, second)))
    response = await task
    assert (response.status, response.body) == (200, b"ok")
    assert response.headers == [(b"Transfer-Encoding", b"chunked")]
    scripted.pool.put(scripted.connection, scripted.clock.now)
    await run_callbacks()
    assert scripted.pool.take(scripted.connection.origin) is None


@pytest.mark.parametrize(
    "interim",
    [b"HTTP/1.1 103 Hints\r\nConnection: close\r\n\r\n", b"HTTP/1.0 100 Continue\r\n\r\n"],
)
async def test_a_response_after_an_interim_one_that_announces_the_end_has_its_body(
    interim: bytes,
) -> None:
    scripted = ScriptedConnection()
    task = await scripted.begin()
    await scripted.receive(interim + OK + b"Content-Length: 2\r\nConnection: close\r\n\r\nok")
    response = await task
    assert (response.status, response.body) == (200, b"ok")
    assert not scripted.connection.is_reusable


async def test_an_unknown_version_of_http_does_not_lose_the_status() -> None:
    scripted = ScriptedConnection()
    task = await scripted.begin()
    await scripted.receive(b"HTTP/1.7 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert (await task).status == 200


async def test_white_space_around_names_and_values_is_not_part_of_them() -> None:
    scripted = ScriptedConnection()
    task = await scripted.begin()
    await scripted.receive(OK + b"X-A : \t b \t\r\nContent-Length: 0 \r\n\r\n")
    assert (await task).headers == [(b"X-A", b"b"), (b"Content-Length", b"0")]


async def test_an_idle_connection_holds_nothing_of_its_last_response() -> None:
    scripted = ScriptedConnection()
    task = await scripted.begin()
    await scripted.receive(OK + b"Content-Length: 60000\r\n\r\n" + b"x" * 60_000)
    assert len((await task).body) == 60_000
    connection = scripted.connection
    assert connection.is_reusable
    assert bytes(connection._head + connection._body) == b""
    assert connection._headers == []


@pytest.mark.parametrize("is_closed", [False, True])
async def test_a_response_before_the_request_counts_only_if_the_request_can_be_sent(
    is_closed: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    scripted = ScriptedConnection()
    await scripted.receive(OK + b"Content-Length: 0\r\n\r\n")
    if is_closed:
        scripted.wire.close()
        await run_callbacks()
    task = await scripted.begin()
    await asyncio.wait({task})
    assert result(task) == (ConnectionEnded if is_closed else 200)
    assert scripted.wire.sent == (b"" if is_closed else b"request")


async def test_an_idle_connection_with_unexpected_bytes_is_closed() -> None:
    scripted = ScriptedConnection()
    task = await scripted.begin()
    await scripted.receive(OK + b"Content-Length: 0\r\n\r\n")
    await task
    scripted.pool.put(scripted.connection, scripted.clock.now)
    await scripted.receive(b"\r\n")
    assert scripted.wire.is_aborted
    assert scripted.pool.take(scripted.connection.origin) is None


async def test_a_connection_whose_request_is_never_read_is_closed_after_a_second() -> None:
    scripted = ScriptedConnection()
    scripted.wire.unwritten = 100_000
    task = await scripted.begin()
    await scripted.receive(OK + b"Content-Length: 0\r\n\r\n")
    assert (await task).status == 200
    scripted.pool.put(scripted.connection, scripted.clock.now)
    await scripted.clock.advance(0.5)
    assert not scripted.wire.is_aborted
    await scripted.clock.advance(0.7)
    assert scripted.wire.is_aborted
    assert scripted.connection.lost.done()


@pytest.mark.parametrize(("start", "expected"), [(b"", ConnectionEnded), (OK + b"\r\nx", 200)])
async def test_the_end_of_a_response_does_not_wait_for_an_unread_request(
    start: bytes, expected: int | type[BaseException]
) -> None:
    scripted = ScriptedConnection()
    scripted.wire.unwritten = 100_000
    task = await scripted.begin()
    await scripted.receive(start)
    scripted.connection.eof_received()
    await run_callbacks()
    assert scripted.wire.is_aborted
    await asyncio.wait({task})
    assert result(task) == expected


async def test_a_deadline_in_the_same_tick_as_the_response_does_not_lose_it() -> None:
    scripted = ScriptedConnection()
    task = await scripted.begin(timeout_s=0.1)
    scripted.connection.data_received(OK + b"Content-Length: 2\r\n\r\nok")
    await scripted.clock.advance(5.0)
    assert (await task).body == b"ok"
    scripted.pool.put(scripted.connection, scripted.clock.now)
    assert scripted.pool.take(scripted.connection.origin) is scripted.connection
