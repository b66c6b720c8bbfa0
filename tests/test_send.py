from __future__ import annotations

import asyncio
import gzip
import resource
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from time import monotonic
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowhook.delivery import Outcome, Request, Shown, Verdict
from rowhook.egress import FORBIDDEN, Egress, GuardedTransport
from rowhook.send import retry_after_s, send
from tests.certificates import Authority, make_authority
from tests.receiver import Receiver, answer, drip, flood, raw, reset, stall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tests.receiver import Behaviour

LOCAL = Egress(allow_networks=(ip_network("127.0.0.0/8"),), allow_http=True)
SHOWN = Shown(method="POST", url="[shown]", headers=(), body=None)
OK = b"HTTP/1.1 200 OK\r\n"
NOW = datetime(2026, 5, 23, 12, 0, tzinfo=UTC)
PATIENCE_S = 0.5


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("certificates"))


def keep(text: str) -> str:
    return text


def request(url: str, **changes: Any) -> Request:
    plain = Request(
        method="POST",
        url=url,
        headers=(("Content-Type", "application/json"), ("Idempotency-Key", "commit_1")),
        body=b'{"a":1}',
        timeout_s=5.0,
        shown=SHOWN,
    )
    return replace(plain, **changes)


async def names(_: str) -> Sequence[str]:
    return ["127.0.0.1"]


@asynccontextmanager
async def sending(trust: ssl.SSLContext | None = None) -> AsyncIterator[GuardedTransport]:
    async with GuardedTransport.open(LOCAL, limit=64, resolver=names, trust=trust) as transport:
        yield transport


async def exchange(behaviour: Behaviour, **changes: Any) -> Outcome:
    async with Receiver(default=behaviour) as receiver, sending() as transport:
        return await send(transport, request(receiver.url + "/hook", **changes), redact=keep)


@dataclass(frozen=True, slots=True)
class Case:
    behaviour: Behaviour
    verdict: Verdict
    status: int | None = None
    body: str | None = None


def delivered(behaviour: Behaviour, body: str | None = None) -> Case:
    return Case(behaviour, Verdict.DELIVERED, 200, body)


def invalid(behaviour: Behaviour, status: int | None = None) -> Case:
    return Case(behaviour, Verdict.RESPONSE_INVALID, status)


def late(behaviour: Behaviour) -> Case:
    return Case(behaviour, Verdict.TIMEOUT)


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BOTH = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
BOMB = gzip.compress(b"\0" * 20_000_000)

HOSTILE = {
    # the status is there: what the body does is all the same
    "infinite body": delivered(flood(OK + b"\r\n", b"x" * 65_536), "x" * 4096),
    "infinite chunked body": delivered(flood(CHUNKED, b"10000\r\n" + b"x" * 65_536 + b"\r\n")),
    "drip of the body": delivered(drip(OK + b"Content-Length: 1000000\r\n\r\n", b"x")),
    "drip of a chunked body": delivered(drip(CHUNKED, b"1\r\nx\r\n")),
    "body that never comes": delivered(stall(OK + b"Content-Length: 10\r\n\r\n"), ""),
    "body that stops": delivered(stall(OK + b"Content-Length: 10\r\n\r\nabc"), "abc"),
    "no length, connection kept": delivered(stall(OK + b"\r\nabc"), "abc"),
    "no length, connection closed": delivered(raw(OK + b"\r\nabc"), "abc"),
    "body cut short": delivered(raw(OK + b"Content-Length: 10\r\n\r\nabc")),
    "reset mid-body": delivered(reset(OK + b"Content-Length: 10\r\n\r\nabc")),
    "reset after the head": delivered(reset(OK + b"Content-Length: 10\r\n\r\n")),
    "more body than its length": delivered(raw(OK + b"Content-Length: 2\r\n\r\nokGARBAGE"), "ok"),
    "two answers to one request": delivered(raw((OK + b"Content-Length: 2\r\n\r\nok") * 2), "ok"),
    "garbage for a chunk": delivered(raw(CHUNKED + b"ZZZ\r\nnot a chunk")),
    "garbage after a chunk": delivered(raw(CHUNKED + b"2\r\nokXX\r\n0\r\n\r\n")),
    "negative chunk": delivered(raw(CHUNKED + b"-1\r\nok")),
    "huge chunk": delivered(stall(CHUNKED + b"fffffffff\r\nok")),
    "both lengths": delivered(raw(OK + BOTH + b"\r\n5\r\nhello\r\n0\r\n\r\n")),
    "two lengths": delivered(raw(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")),
    "length that is no number": delivered(raw(OK + b"Content-Length: many\r\n\r\nhello")),
    "negative length": delivered(raw(OK + b"Content-Length: -5\r\n\r\nhello")),
    "gzip that is not gzip": delivered(
        answer(body=b"plain", headers=(("Content-Encoding", "gzip"),)), "plain"
    ),
    "gzip bomb": delivered(answer(body=BOMB, headers=(("Content-Encoding", "gzip"),))),
    "one interim answer": delivered(raw(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"\r\n"), ""),
    "early hints": delivered(raw(b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" + OK + b"\r\nx"), "x"),
    "line feeds alone": delivered(raw(b"HTTP/1.1 200 OK\nX-A: b\nContent-Length: 2\n\nok"), "ok"),
    "no reason phrase": delivered(raw(b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"), "ok"),
    "HTTP/1.0": delivered(raw(b"HTTP/1.0 200 OK\r\n\r\nok"), "ok"),
    "ANSI, NUL and HTML": delivered(
        answer(body=b"\x1b[31m<b>\0\xff</b>"), "\x1b[31m<b>\ufffd\ufffd</b>"
    ),
    # the status is another
    "redirect": Case(
        answer(302, headers=(("Location", "http://169.254.169.254/"),)), Verdict.HTTP_STATUS, 302
    ),
    "gone": Case(answer(410), Verdict.HTTP_STATUS, 410),
    "500 with a body that never ends": Case(
        flood(b"HTTP/1.1 500 No\r\n\r\n", b"x" * 4096), Verdict.HTTP_STATUS, 500
    ),
    "no content, then garbage": Case(
        raw(b"HTTP/1.1 204 None\r\n\r\ngarbage"), Verdict.DELIVERED, 204, ""
    ),
    "status 000": invalid(raw(b"HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n")),
    "status 999": invalid(raw(b"HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n"), 999),
    "status 600": invalid(raw(b"HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n"), 600),
    "status of two digits": invalid(raw(b"HTTP/1.1 20 OK\r\n\r\n")),
    "status of four digits": invalid(raw(b"HTTP/1.1 2000 OK\r\n\r\n")),
    "unasked upgrade": invalid(
        raw(b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc"), 101
    ),
    # there is no status
    "HTTP/0.9": invalid(raw(b"hello\n")),
    "HTTP/2 preface": invalid(raw(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80")),
    "TLS on a plain port": invalid(raw(b"\x15\x03\x01\0\x02\x02\x16")),
    "another protocol": invalid(raw(b"SSH-2.0-OpenSSH_9.6\r\n")),
    "garbage": invalid(raw(bytes(range(256)) * 64)),
    "garbage for headers": invalid(raw(OK + b"\0\1\2: x\r\n\r\n")),
    "header of 2 MB": invalid(raw(OK + b"X: " + b"a" * 2_000_000 + b"\r\n\r\n")),
    "headers without end": invalid(flood(OK, b"X-A: b\r\n" * 1000)),
    "flood of interim answers": invalid(flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)),
    "flood of blank lines": invalid(flood(b"", b"\r\n" * 32_000)),
    "end without an answer": invalid(raw(b"")),
    "end inside the head": invalid(raw(OK + b"Content-Le")),
    "reset without an answer": invalid(reset()),
    # nothing comes in time
    "stall after the request": late(stall()),
    "stall inside the status line": late(stall(b"HTTP/1.")),
    "drip of the status line": late(drip(b"", b"\r\n")),
    "drip of headers": late(drip(OK, b"X-A: b\r\n")),
    "drip of interim answers": late(drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
}


@pytest.mark.anyio
@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_answer_ends_in_its_verdict_and_in_time(name: str) -> None:
    case = HOSTILE[name]
    began = monotonic()
    outcome = await exchange(case.behaviour, timeout_s=PATIENCE_S)
    assert (outcome.verdict, outcome.status_code) == (case.verdict, case.status), outcome
    assert case.body is None or outcome.body == case.body
    assert len((outcome.body or "").encode()) <= 4096
    assert monotonic() - began < PATIENCE_S + 0.5
    assert "127" not in (outcome.error or "")


@pytest.mark.anyio
async def test_hostile_receivers_at_once_neither_hold_memory_nor_slow_the_good_one() -> None:
    async with Receiver() as good, Receiver() as bad, sending() as transport:
        for number, case in enumerate(HOSTILE.values()):
            bad.script(f"/{number}", case.behaviour)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        hostile = [
            send(transport, request(f"{bad.url}/{n}", timeout_s=1.0), redact=keep)
            for n in range(len(HOSTILE))
        ]
        running = asyncio.gather(*hostile)
        quick = [await send(transport, request(good.url), redact=keep) for _ in range(20)]
        outcomes = await running
    assert all(one.verdict is Verdict.DELIVERED and one.duration_ms < 1000 for one in quick)
    assert [one.verdict for one in outcomes] == [case.verdict for case in HOSTILE.values()]
    # The receivers' own buffers are in this process too.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64_000


@pytest.mark.anyio
async def test_the_request_arrives_byte_for_byte_with_our_headers_and_no_others() -> None:
    headers = (("Content-Type", "application/json"), ("X-A", "1"), ("x-a", "2"), ("Cookie", "c=1"))
    sent = (*headers[:2], ("X-A", "2"), headers[3])
    async with Receiver() as receiver, sending() as transport:
        url = f"{receiver.url}/a/../b//%2F?q=%7e&r=ü#fragment"
        await send(transport, request(url, headers=headers), redact=keep)
    [seen] = receiver.requests
    assert (seen.method, seen.path) == ("POST", "/a/../b//%2F?q=%7e&r=%C3%BC")
    assert seen.body == b'{"a":1}'
    own = [("Host", f"127.0.0.1:{receiver.port}"), ("Content-Length", "7")]
    assert sorted(seen.headers) == sorted([*sent, *own])


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
async def test_every_method_sends_its_body_or_none(
    method: str, body: bytes | None, length: str | None
) -> None:
    async with Receiver() as receiver, sending() as transport:
        outcome = await send(
            transport, request(receiver.url, method=method, body=body), redact=keep
        )
    assert outcome.verdict is Verdict.DELIVERED
    [seen] = receiver.requests
    assert (seen.method, seen.body, seen.header("Content-Length")) == (method, body or b"", length)


@pytest.mark.anyio
async def test_connections_are_reused_and_cookies_never_sent_back() -> None:
    cookie = answer(headers=(("Set-Cookie", "session=abc"),))
    async with Receiver(default=cookie) as receiver, sending() as transport:
        for _ in range(5):
            await send(transport, request(receiver.url), redact=keep)
    assert receiver.connections == 1
    assert [seen.header("Cookie") for seen in receiver.requests] == [None] * 5


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "DELETE"])
async def test_a_connection_dropped_on_reuse_is_a_failure_and_never_sent_twice(method: str) -> None:
    async with Receiver() as receiver, sending() as transport:
        receiver.script("/hook", answer(), raw(b""), answer())
        url = receiver.url + "/hook"
        first = await send(transport, request(url, method=method), redact=keep)
        second = await send(transport, request(url, method=method), redact=keep)
    assert [first.verdict, second.verdict] == [Verdict.DELIVERED, Verdict.RESPONSE_INVALID]
    assert len(receiver.requests) == 2


@pytest.mark.anyio
async def test_an_answer_nobody_asked_for_does_not_answer_the_next_request() -> None:
    async with Receiver() as receiver, sending() as transport:
        early = (
            OK + b"Content-Length: 2\r\n\r\nok" + b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
        )
        receiver.script("/hook", raw(early, close=False), answer())
        outcomes = [
            await send(transport, request(receiver.url + "/hook"), redact=keep) for _ in range(2)
        ]
    assert [one.status_code for one in outcomes] == [200, 200]
    assert receiver.connections == 2


@pytest.mark.anyio
async def test_a_body_that_nobody_reads_ends_in_time() -> None:
    async def ignore(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with Receiver(on_connect=ignore) as receiver, sending() as transport:
        big = request(receiver.url, body=b"x" * 1_000_000 * 8, timeout_s=PATIENCE_S)
        with pytest.warns(ResourceWarning):  # aiohttp on bodies past 1 MiB; ours end below
            outcome = await send(transport, big, redact=keep)
    assert outcome.verdict is Verdict.TIMEOUT


@pytest.mark.anyio
async def test_an_answer_before_the_body_was_read_counts() -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.Event().wait()

    async with Receiver(on_connect=refuse) as receiver, sending() as transport:
        big = request(receiver.url, body=b"x" * 1_000_000, timeout_s=2)
        outcome = await send(transport, big, redact=keep)
    assert (outcome.verdict, outcome.status_code) == (Verdict.HTTP_STATUS, 413)


@pytest.mark.anyio
async def test_nobody_listening_is_a_failed_connect() -> None:
    async with Receiver() as receiver:
        url = receiver.url
    async with sending() as transport:
        outcome = await send(transport, request(url), redact=keep)
    assert (outcome.verdict, outcome.error) == (
        Verdict.CONNECT_FAILED,
        "no connection (ECONNREFUSED)",
    )


@pytest.mark.anyio
async def test_a_name_that_is_never_resolved_ends_at_the_deadline() -> None:
    async def silent(_: str) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    began = monotonic()
    async with GuardedTransport.open(LOCAL, limit=1, resolver=silent) as transport:
        slow = request("https://example.com/", timeout_s=PATIENCE_S)
        outcome = await send(transport, slow, redact=keep)
    assert outcome.verdict is Verdict.TIMEOUT
    assert monotonic() - began < PATIENCE_S + 0.5


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
async def test_a_forbidden_or_unreadable_target_has_one_text(url: str) -> None:
    async with sending() as transport:
        outcome = await send(transport, request(url), redact=keep)
    assert (outcome.verdict, outcome.error) == (Verdict.TARGET_FORBIDDEN, FORBIDDEN)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "header", [("X-A", "a\r\nX-B: b"), ("X-A", "a\0"), ("X-A\r\nX-B", "b"), ("X-A", "a\nb")]
)
async def test_a_line_break_in_a_header_is_never_sent(header: tuple[str, str]) -> None:
    async with Receiver() as receiver, sending() as transport:
        outcome = await send(transport, request(receiver.url, headers=(header,)), redact=keep)
    assert outcome.verdict is Verdict.RENDER_FAILED
    assert receiver.requests == []


@pytest.mark.anyio
async def test_secrets_that_the_receiver_echoes_are_redacted_even_across_the_cut() -> None:
    echo = answer(body=b"a" * 4090 + b"s3cr3t-canary", headers=(("X-Echo", "s3cr3t-canary"),))
    async with Receiver(default=echo) as receiver, sending() as transport:
        outcome = await send(
            transport,
            request(receiver.url),
            redact=lambda text: text.replace("s3cr3t-canary", "[secret:a]"),
        )
    assert ("X-Echo", "[secret:a]") in outcome.headers
    assert outcome.body == "a" * 4090 + "[secre"


@pytest.mark.anyio
async def test_many_headers_are_kept_up_to_a_bound() -> None:
    outcome = await exchange(answer(headers=tuple((f"X-{n}", "v" * 5000) for n in range(10))))
    assert outcome.verdict is Verdict.DELIVERED
    assert all(len(value) <= 1024 for _, value in outcome.headers)


@pytest.mark.anyio
async def test_a_test_send_is_told_its_times_and_a_delivery_only_its_duration() -> None:
    async with Receiver() as receiver, sending() as transport:
        url = f"http://hooks.example.com:{receiver.port}/"
        timed = await send(transport, request(url), redact=keep, timed=True)
        plain = await send(transport, request(url), redact=keep)
    phases = timed.timings
    assert None not in (phases.dns, phases.connect, phases.first_byte, phases.total)
    assert phases.tls is None
    assert (plain.timings.total, plain.shown) == (None, SHOWN)
    assert plain.duration_ms > 0


TLS_KINDS: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "expired": (("hooks.example.com",), {"days": (-9, -2)}, "it has expired"),
    "not valid yet": (("hooks.example.com",), {"days": (1, 2)}, "it is not valid yet"),
    "another name": (("other.example.com",), {}, "it is for another name"),
    "wildcard too deep": (("*.com",), {}, "it is for another name"),
    "an address instead": (("127.0.0.1",), {}, "it is for another name"),
    "self-signed": (("hooks.example.com",), {"self_signed": True}, "it is self-signed"),
}


async def over_tls(context: ssl.SSLContext, trust: ssl.SSLContext, **changes: Any) -> Outcome:
    async with Receiver(tls=context) as receiver, sending(trust) as transport:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        url = f"https://hooks.example.com:{receiver.port}/hook"
        return await send(transport, request(url, **changes), redact=keep, timed=True)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", TLS_KINDS)
async def test_a_certificate_that_does_not_hold_is_refused(kind: str, authority: Authority) -> None:
    hosts, options, reason = TLS_KINDS[kind]
    outcome = await over_tls(authority.issue(*hosts, **options), authority.trust())
    assert outcome.verdict is Verdict.TLS_FAILED
    assert outcome.error == f"the certificate was not accepted: {reason}"


@pytest.mark.anyio
async def test_a_good_certificate_delivers(authority: Authority) -> None:
    outcome = await over_tls(authority.issue("hooks.example.com"), authority.trust())
    assert outcome.verdict is Verdict.DELIVERED
    assert outcome.timings.tls is not None


@pytest.mark.anyio
async def test_an_unknown_authority_is_refused(authority: Authority) -> None:
    outcome = await over_tls(authority.issue("hooks.example.com"), ssl.create_default_context())
    assert outcome.verdict is Verdict.TLS_FAILED


@pytest.mark.anyio
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
async def test_tls_older_than_1_2_is_refused(authority: Authority) -> None:
    context = authority.issue("hooks.example.com")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    outcome = await over_tls(context, authority.trust())
    assert outcome.verdict is Verdict.TLS_FAILED


@pytest.mark.anyio
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_receiver_that_wants_our_certificate_gets_none(
    version: ssl.TLSVersion, authority: Authority
) -> None:
    context = authority.issue("hooks.example.com")
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = version
    outcome = await over_tls(context, authority.trust())
    # TLS 1.3 says so only after the handshake, and the alert may be lost to a reset.
    late_alert = version is ssl.TLSVersion.TLSv1_3 and outcome.verdict is Verdict.RESPONSE_INVALID
    assert outcome.verdict is Verdict.TLS_FAILED or late_alert


async def slam(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def hang(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def talk_plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad\r\n\r\n")
    await writer.drain()
    writer.close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("behaviour", "verdict"),
    [(slam, Verdict.TLS_FAILED), (talk_plain, Verdict.TLS_FAILED), (hang, Verdict.TIMEOUT)],
)
async def test_a_handshake_that_breaks_off_or_hangs_has_its_verdict(
    behaviour: Any, verdict: Verdict
) -> None:
    async with Receiver(on_connect=behaviour) as receiver, sending() as transport:
        url = f"https://hooks.example.com:{receiver.port}/"
        outcome = await send(transport, request(url, timeout_s=PATIENCE_S), redact=keep)
    assert outcome.verdict is verdict, outcome


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (httpx.ConnectTimeout("secret"), Verdict.TIMEOUT),
        (httpx.ConnectError("secret"), Verdict.CONNECT_FAILED),
        (httpx.RemoteProtocolError("secret"), Verdict.RESPONSE_INVALID),
    ],
)
async def test_another_transports_errors_have_a_verdict_and_no_text(
    error: Exception, verdict: Verdict
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    outcome = await send(httpx.MockTransport(fail), request("https://a.example/"), redact=keep)
    assert outcome.verdict is verdict
    assert "secret" not in (outcome.error or "")


@pytest.mark.anyio
async def test_another_transport_sees_an_ordinary_httpx_request() -> None:
    seen: list[httpx.Request] = []

    def reply(arrived: httpx.Request) -> httpx.Response:
        seen.append(arrived)
        return httpx.Response(503, headers={"Retry-After": "7"}, content=b"later")

    outcome = await send(httpx.MockTransport(reply), request("https://a.example/x"), redact=keep)
    assert (outcome.status_code, outcome.retry_after_s, outcome.body) == (503, 7.0, "later")
    assert (seen[0].method, str(seen[0].url), seen[0].content) == (
        "POST",
        "https://a.example/x",
        b'{"a":1}',
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "value", "expected"),
    [(429, "30", 30.0), (503, "30", 30.0), (500, "30", None), (200, "30", None), (503, "x", None)],
)
async def test_retry_after_counts_on_429_and_503_alone(
    status: int, value: str, expected: float | None
) -> None:
    outcome = await exchange(answer(status, headers=(("Retry-After", value),)))
    assert outcome.retry_after_s == expected


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("0120", 120.0),
        ("86400", 86400.0),
        ("86401", 86400.0),
        ("1000000000000", 86400.0),
        ("9" * 5000, 86400.0),
        ("Sat, 23 May 2026 12:01:00 GMT", 60.0),
        ("Saturday, 23-May-26 12:01:00 GMT", 60.0),
        ("Sat May 23 12:01:00 2026", 60.0),
        ("Sat, 23 May 2026 11:00:00 GMT", 0.0),
        ("Sun, 23 May 2027 12:00:00 GMT", 86400.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86400.0),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("1e3", None),
        ("1_000", None),
        ("\u0661\u0662", None),
        ("", None),
        ("soon", None),
        ("120 seconds", None),
        ("2026-05-23T12:01:00Z", None),
        ("Sat, 23 May 2026 12:01:00 +0200", None),
        ("Sat, 99 May 2026 12:01:00 GMT", None),
        ("120, 240", None),
    ],
)
def test_retry_after_is_read_as_rfc_9110_says(value: str, seconds: float | None) -> None:
    assert retry_after_s(value, NOW) == seconds


@given(st.text(max_size=60))
def test_no_retry_after_does_anything_but_delay_within_a_day(value: str) -> None:
    seconds = retry_after_s(value, NOW)
    assert seconds is None or 0 <= seconds <= 86_400
