from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.faults.faulty_proxy import NORMAL, NetworkConditions, Proxy
from tests.support.deadline import DEADLINE_S
from tests.support.worker_rig import until

pytestmark = pytest.mark.anyio
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
DATA = bytes(range(256)) * 4


@pytest.fixture
def echoed() -> bytearray:
    """Collects the data that arrives behind the proxy."""
    return bytearray()


@pytest.fixture
async def echo(echoed: bytearray) -> AsyncIterator[int]:
    """The port of an echo server."""

    async def echo_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(4096):
                echoed.extend(data)
                writer.write(data)
        writer.close()

    async with await asyncio.start_server(echo_back, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def proxy(echo: int) -> AsyncIterator[Proxy]:
    async with Proxy(echo) as running:
        yield running


@asynccontextmanager
async def open_connection(proxy: Proxy) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def received_data(streams: Streams) -> bytes:
    """Returns the echoed data."""
    reader, writer = streams
    writer.write(DATA)
    return await asyncio.wait_for(reader.readexactly(len(DATA)), DEADLINE_S)


async def receives_nothing(streams: Streams, within_s: float = 0.2) -> bool:
    try:
        await asyncio.wait_for(streams[0].read(1), within_s)
    except TimeoutError:
        return True
    return False


@pytest.mark.parametrize(
    "conditions",
    [
        NORMAL,
        NetworkConditions(latency_s=0.02),
        NetworkConditions(bytes_per_s=20_000),
        NetworkConditions(max_piece_bytes=3),
    ],
    ids=["fair", "late", "narrow", "in pieces"],
)
async def test_network_conditions_change_no_byte(
    proxy: Proxy, conditions: NetworkConditions
) -> None:
    proxy.set_conditions(conditions)
    async with open_connection(proxy) as streams:
        assert await received_data(streams) == DATA


@pytest.mark.battery
@pytest.mark.faults
@pytest.mark.parametrize(
    ("conditions", "least_s"),
    [(NetworkConditions(latency_s=0.1), 0.2), (NetworkConditions(bytes_per_s=10_240), 0.2)],
    ids=["late both ways", "narrow both ways"],
)
async def test_bad_network_conditions_take_at_least_their_time(
    proxy: Proxy, conditions: NetworkConditions, least_s: float
) -> None:
    async with open_connection(proxy) as streams:
        proxy.set_conditions(conditions)
        begun = time.monotonic()
        await received_data(streams)
        assert time.monotonic() - begun >= least_s


async def test_data_in_pieces_arrives_in_small_pieces(proxy: Proxy) -> None:
    async with open_connection(proxy) as (reader, writer):
        await received_data((reader, writer))
        proxy.set_conditions(NetworkConditions(max_piece_bytes=3, latency_s=0.02))
        writer.write(DATA[:12])
        first = await asyncio.wait_for(reader.read(4096), DEADLINE_S)
    assert len(first) <= 3


async def test_silence_holds_back_everything_until_it_ends(proxy: Proxy) -> None:
    async with open_connection(proxy) as streams:
        proxy.set_conditions(NetworkConditions(silent=True))
        streams[1].write(DATA)
        assert await receives_nothing(streams)
        proxy.set_conditions(NORMAL)
        assert await asyncio.wait_for(streams[0].readexactly(len(DATA)), DEADLINE_S) == DATA


async def test_a_reset_breaks_open_connections_and_accepts_new_ones(proxy: Proxy) -> None:
    async with open_connection(proxy) as streams:
        await received_data(streams)
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(streams[0].read(1), DEADLINE_S)
    async with open_connection(proxy) as streams:
        assert await received_data(streams) == DATA


async def test_dropped_connections_receive_nothing_more(proxy: Proxy) -> None:
    async with open_connection(proxy) as forgotten, open_connection(proxy) as other:
        await asyncio.gather(received_data(forgotten), received_data(other))
        proxy.drop_packets()
        forgotten[1].write(DATA)
        assert await receives_nothing(forgotten)
    async with open_connection(proxy) as streams:
        assert await received_data(streams) == DATA


async def test_data_to_a_connection_without_responses_arrives(
    proxy: Proxy, echoed: bytearray
) -> None:
    async def wait_for_data() -> bool:
        return bytes(echoed) == DATA + DATA

    async with open_connection(proxy) as streams:
        await received_data(streams)
        proxy.drop_responses()
        streams[1].write(DATA)
        await until(wait_for_data, description="the data behind the proxy")
        assert await receives_nothing(streams)


async def test_a_refusing_proxy_breaks_new_connections(proxy: Proxy) -> None:
    proxy.refuses = True
    async with open_connection(proxy) as (reader, _):
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(1), DEADLINE_S)
