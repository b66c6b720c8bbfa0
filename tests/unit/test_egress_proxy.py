"""With an egress proxy, all requests go through it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network

import pytest

from rowhook.egress.dialer import Dialer, ProxyPolicy
from rowhook.egress.errors import Failure
from rowhook.egress.policy import EgressPolicy
from rowhook.egress.target_url import Target
from rowhook.egress.transport import GuardedTransport
from rowhook.model import Outcome, Verdict
from rowhook.transports.http import send
from tests.support import certificates
from tests.support.certificates import Authority, make_authority
from tests.support.forward_proxy import Proxy, basic, running_proxy
from tests.support.local_transport import leave_unredacted, request
from tests.support.receiver import Receiver, answer
from tests.support.recorded_connections import ConnectionRecorder, ScriptedResolver, connect
from tests.support.url_spellings import REFUSED

pytestmark = pytest.mark.anyio
PUBLIC = EgressPolicy(allow_http=True)
REFUSES = b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def names() -> ScriptedResolver:
    """A resolver that fails, as in a network that is only connected through its proxy."""
    return ScriptedResolver([])


@asynccontextmanager
async def proxied_transport(
    url: str, names: ScriptedResolver, authority: Authority | None = None
) -> AsyncIterator[GuardedTransport]:
    trust = authority.trust() if authority else certificates.trust()
    async with GuardedTransport(
        PUBLIC, limit=8, resolver=names, trust=trust, proxy=url
    ) as transport:
        yield transport


def with_user(url: str) -> str:
    return url.replace("://", "://rowhook:p%40ss@")


async def send_request(transport: GuardedTransport, url: str) -> Outcome:
    return await send(transport, request(url), redact=leave_unredacted, timed=True)


async def test_plain_http_reaches_its_target_through_the_proxy_in_absolute_form(
    names: ScriptedResolver,
) -> None:
    async with (
        Receiver() as receiver,
        running_proxy() as proxy,
        proxied_transport(proxy.url, names) as out,
    ):
        url = f"http://hooks.example.com:{receiver.port}/hook?a=%20b"
        outcome = await send_request(out, url)
    assert outcome.verdict is Verdict.DELIVERED, outcome
    assert [(request.method, request.path) for request in proxy.requests] == [("POST", url)]
    [arrived] = receiver.requests
    assert (arrived.path, arrived.body) == ("/hook?a=%20b", b'{"a":1}')
    assert arrived.header("host") == f"hooks.example.com:{receiver.port}"
    assert names.hostnames == []


async def test_tls_is_end_to_end_with_the_target_through_a_tunnel(
    names: ScriptedResolver, authority: Authority
) -> None:
    async with (
        Receiver(tls=authority.issue("hooks.example.com")) as receiver,
        running_proxy() as proxy,
        proxied_transport(proxy.url, names, authority) as out,
    ):
        url = f"https://hooks.example.com:{receiver.port}/hook"
        outcomes = [await send_request(out, url) for _ in range(2)]
    assert [outcome.verdict for outcome in outcomes] == [Verdict.DELIVERED] * 2, outcomes
    assert outcomes[0].timings.tls is not None
    # One tunnel for both; its content is not visible to the proxy.
    requests = [(request.method, request.path) for request in proxy.requests]
    assert requests == [("CONNECT", f"hooks.example.com:{receiver.port}")]
    assert [request.path for request in receiver.requests] == ["/hook", "/hook"]
    assert names.hostnames == []


async def test_a_proxy_cannot_impersonate_the_target(
    names: ScriptedResolver, authority: Authority
) -> None:
    async with (
        Receiver(tls=authority.issue("proxy.example.com")) as receiver,
        running_proxy() as proxy,
        proxied_transport(proxy.url, names, authority) as out,
    ):
        outcome = await send_request(out, f"https://hooks.example.com:{receiver.port}/hook")
    assert outcome.verdict is Verdict.TLS_FAILED
    assert outcome.error == "The certificate was rejected: it was issued for another host name."
    assert receiver.requests == []


@pytest.mark.parametrize("secure", [False, True])
async def test_credentials_are_sent_to_the_proxy_and_never_to_the_target(
    secure: bool,  # noqa: FBT001  # a parameter of the test
    names: ScriptedResolver,
    authority: Authority,
) -> None:
    tls = authority.issue("hooks.example.com") if secure else None
    async with (
        Receiver(tls=tls) as receiver,
        running_proxy() as proxy,
        proxied_transport(with_user(proxy.url), names, authority) as out,
    ):
        scheme = "https" if secure else "http"
        outcome = await send_request(out, f"{scheme}://hooks.example.com:{receiver.port}/")
    assert outcome.verdict is Verdict.DELIVERED, outcome
    assert proxy.requests[0].header("proxy-authorization") == basic("rowhook", "p@ss")
    assert "authorization" not in str(receiver.requests[0].headers).lower()
    assert "p%40ss" not in str(outcome)


async def test_each_request_on_a_reused_connection_has_the_credentials(
    names: ScriptedResolver,
) -> None:
    # A receiver that acts as the proxy and keeps its connections open.
    async with Receiver() as proxy, proxied_transport(with_user(proxy.url), names) as out:
        for _ in range(3):
            await send_request(out, "http://hooks.example.com/")
    credentials = [request.header("proxy-authorization") for request in proxy.requests]
    assert (proxy.connections, credentials) == (1, [basic("rowhook", "p@ss")] * 3)


async def test_only_the_name_of_the_proxy_is_resolved() -> None:
    names = ScriptedResolver(["127.0.0.1"])
    async with Receiver() as receiver, running_proxy() as proxy:
        url = proxy.url.replace("127.0.0.1", "proxy.internal")
        async with proxied_transport(url, names) as out:
            outcome = await send_request(out, f"http://hooks.example.com:{receiver.port}/")
    assert outcome.verdict is Verdict.DELIVERED, outcome
    assert names.hostnames == ["proxy.internal"]


async def test_no_rejected_url_is_requested_from_the_proxy(names: ScriptedResolver) -> None:
    plain = {"http://example.com/", "http://8.8.8.8/"}
    async with running_proxy() as proxy, proxied_transport(proxy.url, names) as out:
        for url in REFUSED:
            if url in plain or "\ud800" in url:
                continue
            outcome = await send_request(out, url)
            assert outcome.verdict is Verdict.TARGET_FORBIDDEN, (url, outcome)
    assert (proxy.connections, names.hostnames) == (0, [])


FAULTS = {
    "wants credentials": (
        Proxy(canned_response=REFUSES),
        "The egress proxy responded with status 407.",
        "The egress proxy responded with status 407.",
    ),
    "refuses to connect": (
        Proxy(canned_response=b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n"),
        "The egress proxy responded with status 502.",
        None,
    ),
    "talks nonsense": (
        Proxy(canned_response=b"220 mail.example\r\n\r\n"),
        "The response of the egress proxy is not valid.",
        None,
    ),
    "hangs up": (
        Proxy(canned_response=b""),
        "The response of the egress proxy is not valid.",
        None,
    ),
}


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_a_proxy_error_is_a_connection_failure(
    kind: str, scheme: str, names: ScriptedResolver
) -> None:
    fault, *message = FAULTS[kind]
    expected = message[scheme == "http"]
    async with running_proxy(fault) as proxy, proxied_transport(proxy.url, names) as out:
        outcome = await send_request(out, f"{scheme}://hooks.example.com/hook")
    if expected is not None:
        assert outcome.verdict is Verdict.CONNECT_FAILED
        assert (outcome.error, outcome.status_code) == (expected, None)
    else:
        # Without a tunnel, responses of the proxy and the target cannot be distinguished.
        assert outcome.verdict in {Verdict.HTTP_STATUS, Verdict.RESPONSE_INVALID}


@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_an_unreachable_proxy_is_a_connection_failure(
    scheme: str, names: ScriptedResolver
) -> None:
    for url, message in (
        ("http://127.0.0.1:1", "The connection to the egress proxy failed (ECONNREFUSED)."),
        ("http://proxy.internal", "The egress proxy's name could not be resolved (EAI_NONAME)."),
    ):
        async with proxied_transport(url, names) as out:
            outcome = await send_request(out, f"{scheme}://hooks.example.com/hook")
        assert (outcome.verdict, outcome.error) == (Verdict.CONNECT_FAILED, message)


@pytest.mark.long
async def test_a_proxy_that_never_responds_is_a_connection_failure(names: ScriptedResolver) -> None:
    async with (
        running_proxy(Proxy(silent=True)) as proxy,
        proxied_transport(proxy.url, names) as out,
    ):
        slow = request("https://hooks.example.com/hook")
        outcome = await send(out, slow, redact=leave_unredacted)
    assert outcome.verdict is Verdict.CONNECT_FAILED
    assert outcome.error == "The egress proxy did not respond in time."


@pytest.mark.parametrize(("scheme", "status"), [("http", 503), ("https", 503), ("https", 407)])
async def test_a_response_through_the_proxy_is_that_of_the_target(
    scheme: str, status: int, names: ScriptedResolver, authority: Authority
) -> None:
    tls = authority.issue("hooks.example.com") if scheme == "https" else None
    async with (
        Receiver(default=answer(status), tls=tls) as receiver,
        running_proxy() as proxy,
        proxied_transport(proxy.url, names, authority) as out,
    ):
        outcome = await send_request(out, f"{scheme}://hooks.example.com:{receiver.port}/")
    assert (outcome.verdict, outcome.status_code) == (Verdict.HTTP_STATUS, status)


async def test_allowed_networks_are_also_reached_through_the_proxy(
    names: ScriptedResolver,
) -> None:
    allowed = EgressPolicy(allow_networks=(ip_network("127.0.0.0/8"),))
    async with (
        Receiver() as receiver,
        running_proxy() as proxy,
        GuardedTransport(allowed, limit=8, resolver=names, proxy=proxy.url) as out,
    ):
        outcome = await send_request(out, f"{receiver.url}/hook")
    assert (outcome.verdict, proxy.connections) == (Verdict.DELIVERED, 1)


@pytest.mark.parametrize("host", ["127.0.0.2", "93.184.216.34"])
async def test_only_the_proxy_is_connected_to_even_without_a_proxy_option(host: str) -> None:
    recorder, names = ConnectionRecorder(), ScriptedResolver(["127.0.0.1"])
    dialer = Dialer(ProxyPolicy("http://127.0.0.1:3128"), resolver=names, open_socket=recorder)
    for target in (literal_target(host), replace(literal_target("a.b"), is_literal=False)):
        with pytest.raises(Failure) as caught:
            await connect(dialer, target)
        assert caught.value.verdict is Verdict.TARGET_FORBIDDEN
    assert recorder.dialled == []


def literal_target(host: str) -> Target:
    return Target(scheme="http", host=host, port=80, authority=host, path="/", is_literal=True)
