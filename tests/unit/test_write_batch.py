from __future__ import annotations

import asyncio

import pytest

from rowhook.egress.connection import ConnectionEnded
from rowhook.egress.exchange import Response
from rowhook.egress.origin_pool import MAX_WRITES, WriteBatch
from tests.support.scripted_connection import ScriptedConnection, run_callbacks

pytestmark = pytest.mark.anyio
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


async def second_exchange() -> tuple[ScriptedConnection, asyncio.Task[Response]]:
    """Returns a reused connection whose request is not written yet, and its exchange."""
    scripted = ScriptedConnection()
    first = await scripted.begin()
    await scripted.receive(NO_CONTENT)
    assert (await first).status == 204
    scripted.wire.sent = b""
    exchange = scripted.connection.exchange(b"second", scripted.clock.now + 15.0)
    task = asyncio.create_task(exchange)
    await asyncio.sleep(0)
    assert scripted.wire.sent == b""
    return scripted, task


async def test_the_request_on_a_reused_connection_is_written_in_the_next_iteration() -> None:
    scripted, task = await second_exchange()
    await run_callbacks()
    assert scripted.wire.sent == b"second"
    await scripted.receive(NO_CONTENT)
    assert (await task).status == 204


async def test_a_response_before_the_request_is_written_is_not_taken_for_its_response() -> None:
    scripted, task = await second_exchange()
    scripted.connection.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    with pytest.raises(ConnectionEnded) as ended:
        await task
    assert ended.value.is_stale
    assert scripted.wire.is_aborted
    assert scripted.wire.sent == b""


async def test_a_request_whose_connection_ends_before_it_is_written_may_be_sent_on_another() -> (
    None
):
    scripted, task = await second_exchange()
    scripted.wire.close()
    with pytest.raises(ConnectionEnded) as ended:
        await task
    assert ended.value.is_stale
    assert scripted.wire.sent == b""


async def test_a_request_on_a_connection_that_is_aborted_before_it_is_written_is_not_sent() -> None:
    scripted, task = await second_exchange()
    scripted.connection.abort()
    with pytest.raises(ConnectionEnded):
        await task
    assert scripted.wire.sent == b""


class _Counted:
    def __init__(self, written: list[int], number: int) -> None:
        self._written = written
        self._number = number

    def write_pending(self) -> None:
        self._written.append(self._number)


async def test_many_requests_do_not_wait_for_the_last_one() -> None:
    written: list[int] = []
    batch = WriteBatch()
    for number in range(MAX_WRITES + 1):
        batch.add(_Counted(written, number))
    assert written == list(range(MAX_WRITES))
    await asyncio.sleep(0)
    assert written == list(range(MAX_WRITES + 1))
