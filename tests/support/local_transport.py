"""A plain request, and a transport for receivers on loopback."""

from __future__ import annotations

from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from rowhook.egress.policy import EgressPolicy
from rowhook.egress.transport import GuardedTransport
from rowhook.model import Outcome, RedactedRequest, Request
from rowhook.transports.http import send
from tests.support import certificates
from tests.support.deadline import DEADLINE_S
from tests.support.receiver import Receiver

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Sequence

    from tests.support.receiver import Behaviour


LOCAL = EgressPolicy(allow_networks=(ip_network("127.0.0.0/8"),), allow_http=True)
REDACTED = RedactedRequest(method="POST", url="[shown]", headers=(), body=None)


def leave_unredacted(text: str) -> str:
    return text


def request(url: str, **changes: Any) -> Request:
    plain = Request(
        method="POST",
        url=url,
        headers=(("Content-Type", "application/json"), ("Idempotency-Key", "commit_1")),
        body=b'{"a":1}',
        timeout_s=DEADLINE_S,
        redacted=REDACTED,
    )
    return replace(plain, **changes)


async def resolve_to_loopback(_: str) -> Sequence[str]:
    return ["127.0.0.1"]


@asynccontextmanager
async def open_transport(trust: ssl.SSLContext | None = None) -> AsyncIterator[GuardedTransport]:
    """Opens a transport that trusts the certificates of the system, or those of `trust`."""
    async with GuardedTransport(
        LOCAL, limit=64, resolver=resolve_to_loopback, trust=trust or certificates.trust()
    ) as transport:
        yield transport


async def exchange(behaviour: Behaviour, **changes: Any) -> Outcome:
    async with Receiver(default=behaviour) as receiver, open_transport() as transport:
        return await send(
            transport, request(receiver.url + "/hook", **changes), redact=leave_unredacted
        )
