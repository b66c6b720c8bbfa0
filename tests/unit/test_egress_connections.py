from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_network

import aiohttp
import httpx
import pytest

from rowhook.egress.connection_guard import make_connector
from rowhook.egress.errors import Failure
from rowhook.egress.policy import EgressPolicy
from rowhook.egress.resolver import ThreadedLookup
from rowhook.egress.transport import GuardedTransport
from rowhook.model import Verdict
from tests.support.deadline import DEADLINE_S
from tests.support.receiver import Receiver
from tests.support.recorded_connections import ConnectionRecorder, ScriptedResolver

PUBLIC = EgressPolicy()
LOCAL = EgressPolicy(allow_networks=(ip_network("127.0.0.0/8"),))


async def attempt(
    url: str,
    recorder: ConnectionRecorder,
    names: ScriptedResolver,
    policy: EgressPolicy = PUBLIC,
    times: int = 1,
) -> list[Verdict]:
    connector = make_connector(policy, limit=8, resolver=names, open_socket=recorder)
    verdicts = []
    async with GuardedTransport(policy, connector) as transport:
        for _ in range(times):
            with pytest.raises(Failure) as caught:
                await transport.handle_async_request(httpx.Request("POST", url))
            verdicts.append(caught.value.verdict)
            assert not any(char.isdigit() for char in caught.value.text)
    return verdicts


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answers", "dialled"),
    [
        (["93.184.216.34"], ["93.184.216.34"]),
        (["127.0.0.1"], []),
        (["93.184.216.34", "127.0.0.1"], []),
        (["127.0.0.1", "93.184.216.34"], []),
        (["93.184.216.34", "2606:4700::1", "fe80::1%eth0"], []),
        (["93.184.216.34", "::ffff:10.0.0.1"], []),
        ([*["93.184.216.34"] * 50, "169.254.169.254"], []),
        (["not an address"], []),
    ],
)
async def test_a_name_is_connected_to_only_if_all_its_addresses_are_permitted(
    answers: list[str], dialled: list[str]
) -> None:
    recorder = ConnectionRecorder()
    [verdict] = await attempt("https://example.com/", recorder, ScriptedResolver(answers))
    assert recorder.addresses == dialled
    assert verdict is (Verdict.CONNECT_FAILED if dialled else Verdict.TARGET_FORBIDDEN)


@pytest.mark.anyio
async def test_each_attempt_resolves_once_and_connects_to_the_resolved_address() -> None:
    recorder, names = (
        ConnectionRecorder(),
        ScriptedResolver(["93.184.216.34"], ["127.0.0.1"], ["93.184.216.35"]),
    )
    verdicts = await attempt("https://rebinding.example/", recorder, names, times=3)
    assert verdicts == [Verdict.CONNECT_FAILED, Verdict.TARGET_FORBIDDEN, Verdict.CONNECT_FAILED]
    assert recorder.addresses == ["93.184.216.34", "93.184.216.35"]
    assert len(names.hostnames) == 3


@pytest.mark.anyio
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "ftp://a.b/",
    ],
)
async def test_a_forbidden_literal_opens_no_socket(url: str) -> None:
    recorder = ConnectionRecorder()
    assert await attempt(url, recorder, ScriptedResolver([])) == [Verdict.TARGET_FORBIDDEN]
    assert recorder.addresses == []


@pytest.mark.anyio
async def test_the_socket_factory_rejects_a_forbidden_literal_that_was_not_parsed() -> None:
    recorder = ConnectionRecorder()
    connector = make_connector(PUBLIC, limit=1, resolver=ScriptedResolver([]), open_socket=recorder)
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get("http://127.0.0.1:1/")
    assert recorder.addresses == []


@pytest.mark.anyio
async def test_a_name_with_many_addresses_has_a_bounded_number_of_connection_attempts() -> None:
    recorder = ConnectionRecorder()
    many = [f"93.184.216.{n}" for n in range(200)] + [f"2606:4700::{n:x}" for n in range(200)]
    assert await attempt("https://example.com/", recorder, ScriptedResolver(many)) == [
        Verdict.CONNECT_FAILED
    ]
    assert len(recorder.addresses) <= 10
    assert len(set(recorder.addresses)) == 4


@pytest.mark.anyio
async def test_a_name_without_addresses_is_a_dns_failure() -> None:
    assert await attempt("https://example.com/", ConnectionRecorder(), ScriptedResolver([])) == [
        Verdict.DNS_FAILED
    ]


@pytest.mark.anyio
async def test_localhost_is_not_resolved_and_means_the_allowed_loopback() -> None:
    names = ScriptedResolver(["93.184.216.34"])
    async with Receiver() as receiver:
        connector = make_connector(LOCAL, limit=1, resolver=names)
        async with GuardedTransport(LOCAL, connector) as transport:
            url = f"http://localhost:{receiver.port}/hook"
            response = await transport.handle_async_request(httpx.Request("POST", url))
    assert response.status_code == 200
    assert names.hostnames == []
    assert receiver.requests[0].header("Host") == f"localhost:{receiver.port}"


@pytest.mark.anyio
async def test_a_pooled_connection_is_reused_without_another_resolution() -> None:
    names = ScriptedResolver(["127.0.0.1"])
    policy = EgressPolicy(allow_networks=LOCAL.allow_networks, allow_http=True)
    async with Receiver() as receiver:
        connector = make_connector(policy, limit=4, resolver=names)
        async with GuardedTransport(policy, connector) as transport:
            for _ in range(5):
                url = f"http://hooks.example.com:{receiver.port}/"
                await transport.handle_async_request(httpx.Request("POST", url))
    assert (receiver.connections, names.hostnames) == (1, ["hooks.example.com"])


@pytest.mark.anyio
async def test_attempts_share_a_running_lookup_but_no_finished_one() -> None:
    looked_up: list[str] = []
    loop = asyncio.get_running_loop()
    release = asyncio.Event()

    def ask(host: str) -> list[str]:
        looked_up.append(host)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result(timeout=DEADLINE_S)
        return ["93.184.216.34"]

    lookup = ThreadedLookup(ask)
    waiting = [asyncio.create_task(lookup("slow.example")) for _ in range(20)]
    waiting[0].cancel()
    await asyncio.sleep(0)
    release.set()
    assert (await asyncio.gather(*waiting[1:]))[0] == ["93.184.216.34"]
    assert looked_up == ["slow.example"]
    await lookup("slow.example")
    assert looked_up == ["slow.example", "slow.example"]


@pytest.mark.anyio
async def test_errors_of_the_system_resolver_are_propagated() -> None:
    def ask(_: str) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    with pytest.raises(socket.gaierror):
        await ThreadedLookup(ask)("down.example")
