"""Connection attempts that are recorded instead of made, and scripted name resolution."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

from aiohappyeyeballs import AddrInfoType

from rowhook.egress.connection_guard import make_connector
from rowhook.egress.policy import EgressPolicy
from rowhook.egress.transport import GuardedTransport


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
    """Return a transport that makes no connections. Call it in the event loop."""
    connector = make_connector(policy, limit=256, resolver=names, open_socket=recorder)
    return GuardedTransport(policy, connector)
