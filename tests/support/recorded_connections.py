"""Connection attempts that are recorded instead of made, and scripted name resolution."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

from aiohappyeyeballs import AddrInfoType

from rowhook.egress.connection import Connection
from rowhook.egress.dialer import Dialer
from rowhook.egress.exchange import ExchangeTimer
from rowhook.egress.origin_pool import Deadlines, OriginPool
from rowhook.egress.policy import EgressPolicy
from rowhook.egress.target_url import Target
from rowhook.egress.transport import GuardedTransport
from tests.support.deadline import DEADLINE_S


class ConnectionRecorder:
    """A socket factory that records the address and port of a connection, and fails."""

    def __init__(self) -> None:
        self.dialled: list[tuple[str, int]] = []

    def __call__(self, info: AddrInfoType) -> NoReturn:
        self.dialled.append((str(info[4][0]), int(info[4][1])))
        raise OSError(111, "recorded")

    @property
    def addresses(self) -> list[str]:
        return [address for address, _ in self.dialled]


class ScriptedResolver:
    """A resolver with scripted answers, one per lookup; the last is repeated."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.hostnames: list[str] = []

    async def __call__(self, host: str) -> Sequence[str]:
        self.hostnames.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def recording_transport(
    policy: EgressPolicy,
    recorder: ConnectionRecorder,
    names: Callable[[str], Awaitable[Sequence[str]]],
) -> GuardedTransport:
    """Returns a transport that makes no connections. Call it in the event loop."""
    return GuardedTransport(policy, limit=256, resolver=names, open_socket=recorder)


async def connect(dialer: Dialer, target: Target) -> None:
    """Connects to `target`, as for one request."""
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop)
    connection = Connection(
        (target.scheme, target.host, target.port), deadlines, OriginPool(deadlines, limit=1)
    )
    await dialer.connect(target, connection, loop.time() + DEADLINE_S, ExchangeTimer())
