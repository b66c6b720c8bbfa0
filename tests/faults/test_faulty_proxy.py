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
SAID = bytes(range(256)) * 4


@pytest.fixture
def spoken() -> bytearray:
    """What arrived behind the proxy."""
    return bytearray()


@pytest.fixture
async def echo(spoken: bytearray) -> AsyncIterator[int]:
    """The port of what says everything again."""

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(4096):
                spoken.extend(data)
                writer.write(data)
        writer.close()

    async with await asyncio.start_server(repeat, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def proxy(echo: int) -> AsyncIterator[Proxy]:
    async with Proxy(echo) as running:
        yield running


@asynccontextmanager
async def connected(proxy: Proxy) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def heard(streams: Streams) -> bytes:
    """What comes back of what is said."""
    reader, writer = streams
    writer.write(SAID)
    return await asyncio.wait_for(reader.readexactly(len(SAID)), DEADLINE_S)


async def hears_nothing(streams: Streams, within_s: float = 0.2) -> bool:
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
async def test_no_weather_changes_a_byte(proxy: Proxy, conditions: NetworkConditions) -> None:
    proxy.set_conditions(conditions)
    async with connected(proxy) as streams:
        assert await heard(streams) == SAID


@pytest.mark.battery
@pytest.mark.faults
@pytest.mark.parametrize(
    ("conditions", "least_s"),
    [(NetworkConditions(latency_s=0.1), 0.2), (NetworkConditions(bytes_per_s=10_240), 0.2)],
    ids=["late both ways", "narrow both ways"],
)
async def test_bad_weather_takes_at_least_its_time(
    proxy: Proxy, conditions: NetworkConditions, least_s: float
) -> None:
    async with connected(proxy) as streams:
        proxy.set_conditions(conditions)
        begun = time.monotonic()
        await heard(streams)
        assert time.monotonic() - begun >= least_s


async def test_what_is_cut_in_pieces_comes_in_small_ones(proxy: Proxy) -> None:
    async with connected(proxy) as (reader, writer):
        await heard((reader, writer))
        proxy.set_conditions(NetworkConditions(max_piece_bytes=3, latency_s=0.02))
        writer.write(SAID[:12])
        first = await asyncio.wait_for(reader.read(4096), DEADLINE_S)
    assert len(first) <= 3


async def test_silence_holds_everything_back_until_it_ends(proxy: Proxy) -> None:
    async with connected(proxy) as streams:
        proxy.set_conditions(NetworkConditions(silent=True))
        streams[1].write(SAID)
        assert await hears_nothing(streams)
        proxy.set_conditions(NORMAL)
        assert await asyncio.wait_for(streams[0].readexactly(len(SAID)), DEADLINE_S) == SAID


async def test_a_reset_breaks_what_is_open_and_lets_in_what_comes(proxy: Proxy) -> None:
    async with connected(proxy) as streams:
        await heard(streams)
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(streams[0].read(1), DEADLINE_S)
    async with connected(proxy) as streams:
        assert await heard(streams) == SAID


async def test_the_forgotten_hear_nothing_more_and_are_told_nothing(proxy: Proxy) -> None:
    async with connected(proxy) as forgotten, connected(proxy) as other:
        await asyncio.gather(heard(forgotten), heard(other))
        proxy.drop_packets()
        forgotten[1].write(SAID)
        assert await hears_nothing(forgotten)
    async with connected(proxy) as streams:
        assert await heard(streams) == SAID


async def test_what_is_said_to_the_deaf_arrives_and_is_never_answered(
    proxy: Proxy, spoken: bytearray
) -> None:
    async def arrived() -> bool:
        return bytes(spoken) == SAID + SAID

    async with connected(proxy) as streams:
        await heard(streams)
        proxy.drop_responses()
        streams[1].write(SAID)
        await until(arrived, what="what was said")
        assert await hears_nothing(streams)


async def test_a_proxy_that_refuses_breaks_what_comes(proxy: Proxy) -> None:
    proxy.refuses = True
    async with connected(proxy) as (reader, _):
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(1), DEADLINE_S)
