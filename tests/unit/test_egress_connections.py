from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_network

import httpx
import pytest

from rowhook.egress.dialer import Dialer
from rowhook.egress.errors import Failure
from rowhook.egress.origin_pool import Deadlines
from rowhook.egress.policy import EgressPolicy
from rowhook.egress.resolver import ThreadedLookup
from rowhook.egress.target_url import Target
from rowhook.egress.transport import GuardedTransport
from rowhook.model import Verdict
from tests.support.certificates import trust
from tests.support.deadline import DEADLINE_S
from tests.support.receiver import Receiver, stall
from tests.support.recorded_connections import ConnectionRecorder, ScriptedResolver, connect

PUBLIC = EgressPolicy()
LOCAL = EgressPolicy(allow_networks=(ip_network("127.0.0.0/8"),))


async def attempt(
    url: str,
    recorder: ConnectionRecorder,
    names: ScriptedResolver,
    policy: EgressPolicy = PUBLIC,
    times: int = 1,
) -> list[Verdict]:
    verdicts = []
    async with GuardedTransport(
        policy, limit=8, resolver=names, trust=trust(), open_socket=recorder
    ) as transport:
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
async def test_the_dialer_rejects_a_forbidden_literal_that_was_not_parsed() -> None:
    recorder = ConnectionRecorder()
    unchecked = Target(
        scheme="http", host="127.0.0.1", port=1, authority="", path="/", is_literal=True
    )
    dialer = Dialer(PUBLIC, resolver=ScriptedResolver([]), open_socket=recorder)
    with pytest.raises(Failure) as caught:
        await connect(dialer, unchecked)
    assert caught.value.verdict is Verdict.TARGET_FORBIDDEN
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
    async with (
        Receiver() as receiver,
        GuardedTransport(LOCAL, limit=1, resolver=names) as transport,
    ):
        url = f"http://localhost:{receiver.port}/hook"
        response = await transport.handle_async_request(httpx.Request("POST", url))
    assert response.status_code == 200
    assert names.hostnames == []
    assert receiver.requests[0].header("Host") == f"localhost:{receiver.port}"


@pytest.mark.anyio
async def test_a_pooled_connection_is_reused_without_another_resolution() -> None:
    names = ScriptedResolver(["127.0.0.1"])
    policy = EgressPolicy(allow_networks=LOCAL.allow_networks, allow_http=True)
    async with (
        Receiver() as receiver,
        GuardedTransport(policy, limit=4, resolver=names) as transport,
    ):
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


@pytest.mark.anyio
async def test_an_address_that_refuses_is_followed_by_the_next_one() -> None:
    policy = EgressPolicy(allow_networks=LOCAL.allow_networks, allow_http=True)
    names = ScriptedResolver(["127.0.0.3", "127.0.0.1"])
    async with (
        Receiver(host="127.0.0.1") as receiver,
        GuardedTransport(policy, limit=1, resolver=names) as transport,
    ):
        url = f"http://hooks.example.com:{receiver.port}/"
        response = await transport.handle_async_request(httpx.Request("POST", url))
    assert response.status_code == 200


@pytest.mark.anyio
async def test_no_more_exchanges_run_at_once_than_the_limit() -> None:
    policy = EgressPolicy(allow_networks=LOCAL.allow_networks, allow_http=True)
    async with Receiver() as receiver, GuardedTransport(policy, limit=2) as transport:
        requests = [httpx.Request("POST", receiver.url) for _ in range(20)]
        await asyncio.gather(*map(transport.handle_async_request, requests))
    assert len(receiver.requests) == 20
    assert receiver.connections == 2


@pytest.mark.anyio
async def test_a_closing_transport_ends_the_exchanges_that_are_running() -> None:
    policy = EgressPolicy(allow_networks=LOCAL.allow_networks, allow_http=True)
    async with Receiver(default=stall()) as receiver:
        transport = GuardedTransport(policy, limit=2)
        request = httpx.Request("POST", receiver.url)
        running = asyncio.create_task(transport.handle_async_request(request))
        await receiver.wait_for(1)
        await transport.aclose()
        with pytest.raises(Failure) as caught:
            await running
    assert caught.value.verdict is Verdict.RESPONSE_INVALID


@pytest.mark.anyio
async def test_a_cancelled_exchange_closes_its_connection() -> None:
    policy = EgressPolicy(allow_networks=LOCAL.allow_networks, allow_http=True)
    async with (
        Receiver(default=stall()) as receiver,
        GuardedTransport(policy, limit=1) as transport,
    ):
        for number in (1, 2):
            request = httpx.Request("POST", receiver.url)
            running = asyncio.create_task(transport.handle_async_request(request))
            await receiver.wait_for(number)
            running.cancel()
            await asyncio.wait({running})
    assert receiver.connections == 2


class Entry:
    def __init__(self) -> None:
        self.tick = 0
        self.expired = asyncio.Event()

    def expire(self) -> None:
        self.expired.set()


@pytest.mark.anyio
async def test_a_deadline_passes_unless_it_was_removed_or_replaced() -> None:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop)
    late, early, removed, replaced = Entry(), Entry(), Entry(), Entry()
    for entry, delay_s in ((late, 0.4), (early, 0.1), (removed, 0.1), (replaced, 0.1)):
        deadlines.set(entry, loop.time() + delay_s)
    deadlines.remove(removed)
    deadlines.remove(replaced)
    deadlines.set(replaced, loop.time() + 3600)
    async with asyncio.timeout(DEADLINE_S):
        await early.expired.wait()
        assert not late.expired.is_set()
        await late.expired.wait()
    assert not removed.expired.is_set()
    assert not replaced.expired.is_set()
    deadlines.close()
