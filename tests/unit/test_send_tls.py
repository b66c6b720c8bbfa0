from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from rowhook.model import Outcome, Verdict
from rowhook.transports.http import send
from tests.support.certificates import Authority, make_authority
from tests.support.deadline import DEADLINE_S
from tests.support.local_transport import leave_unredacted, open_transport, request
from tests.support.receiver import Receiver


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("certificates"))


TLS_KINDS: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "expired": (("hooks.example.com",), {"days": (-9, -2)}, "it has expired"),
    "not valid yet": (("hooks.example.com",), {"days": (1, 2)}, "it is not valid yet"),
    "another name": (("other.example.com",), {}, "it was issued for another host name"),
    "wildcard too deep": (("*.com",), {}, "it was issued for another host name"),
    "an address instead": (("127.0.0.1",), {}, "it was issued for another host name"),
    "self-signed": (("hooks.example.com",), {"self_signed": True}, "it is self-signed"),
}


async def over_tls(context: ssl.SSLContext, trust: ssl.SSLContext, **changes: Any) -> Outcome:
    async with Receiver(tls=context) as receiver, open_transport(trust) as transport:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        url = f"https://hooks.example.com:{receiver.port}/hook"
        return await send(transport, request(url, **changes), redact=leave_unredacted, timed=True)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", TLS_KINDS)
async def test_an_invalid_certificate_is_rejected(kind: str, authority: Authority) -> None:
    hosts, options, reason = TLS_KINDS[kind]
    outcome = await over_tls(authority.issue(*hosts, **options), authority.trust())
    assert outcome.verdict is Verdict.TLS_FAILED
    assert outcome.error == f"The certificate was rejected: {reason}."


@pytest.mark.anyio
async def test_a_valid_certificate_is_accepted(authority: Authority) -> None:
    outcome = await over_tls(authority.issue("hooks.example.com"), authority.trust())
    assert outcome.verdict is Verdict.DELIVERED
    assert outcome.timings.tls is not None


@pytest.mark.anyio
async def test_an_unknown_authority_is_rejected(authority: Authority) -> None:
    outcome = await over_tls(authority.issue("hooks.example.com"), ssl.create_default_context())
    assert outcome.verdict is Verdict.TLS_FAILED


@pytest.mark.anyio
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
async def test_tls_older_than_1_2_is_rejected(authority: Authority) -> None:
    context = authority.issue("hooks.example.com")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    outcome = await over_tls(context, authority.trust())
    assert outcome.verdict is Verdict.TLS_FAILED


@pytest.mark.anyio
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_no_client_certificate_is_sent(version: ssl.TLSVersion, authority: Authority) -> None:
    context = authority.issue("hooks.example.com")
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = version
    outcome = await over_tls(context, authority.trust())
    # TLS 1.3 reports it only after the handshake, and a reset may discard the alert.
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
    ("behaviour", "timeout_s", "verdict"),
    [
        (slam, DEADLINE_S, Verdict.TLS_FAILED),
        (talk_plain, DEADLINE_S, Verdict.TLS_FAILED),
        (hang, 0.5, Verdict.TIMEOUT),
    ],
)
async def test_an_aborted_or_hanging_handshake_has_its_verdict(
    behaviour: Any, timeout_s: float, verdict: Verdict
) -> None:
    async with Receiver(on_connect=behaviour) as receiver, open_transport() as transport:
        url = f"https://hooks.example.com:{receiver.port}/"
        outcome = await send(transport, request(url, timeout_s=timeout_s), redact=leave_unredacted)
    assert outcome.verdict is verdict, outcome
