"""Connections to boundary and random addresses, changing names and allowed URLs."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import httpx
import pytest

from rowhook.egress.errors import Failure
from rowhook.egress.policy import EgressPolicy
from rowhook.egress.transport import GuardedTransport
from rowhook.model import Verdict
from tests.support.address_ranges import edges, oracle_v4, random_addresses
from tests.support.recorded_connections import (
    ConnectionRecorder,
    ScriptedResolver,
    recording_transport,
)
from tests.support.scoreboard import score
from tests.support.url_spellings import ALLOWED

pytestmark = [pytest.mark.anyio, pytest.mark.hazards]
PUBLIC = EgressPolicy()
TRIES = 1_000
RANDOM = 100_000
# The number of random addresses that are tested with connections.
DIALLED = 10_000
AT_ONCE = 25
FORBIDDEN = [address for address, public in edges() if not public]


class RebindingResolver:
    """A resolver that returns 1 to 6 new addresses each time, some of them forbidden.

    `let` has the addresses of answers without a forbidden one, `refused` counts the others.
    """

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311  # a repeatable sample
        self.lookups = self.refused = 0
        self.let: set[str] = set()

    async def __call__(self, host: str) -> list[str]:
        self.lookups += 1
        answer = [self.public() for _ in range(self.dice.randint(1, 5))]
        if self.dice.random() < 0.5:
            answer.insert(self.dice.randint(0, len(answer)), self.dice.choice(FORBIDDEN))
            self.refused += 1
        else:
            self.let.update(answer)
        await asyncio.sleep(self.dice.random() / 1000)
        return answer

    def public(self) -> str:
        while not oracle_v4(number := self.dice.getrandbits(32)):
            pass
        return ".".join(map(str, number.to_bytes(4)))


async def verdict(transport: GuardedTransport, url: str) -> Verdict:
    request = httpx.Request("POST", httpx.URL(url), extensions={"url": url})
    with pytest.raises(Failure) as caught:
        await transport.handle_async_request(request)
    return caught.value.verdict


@pytest.mark.long
async def test_dns_rebinding_never_reaches_an_internal_address() -> None:
    recorder, names = ConnectionRecorder(), RebindingResolver(20260523)
    transport = recording_transport(PUBLIC, recorder, names)
    verdicts: Counter[Verdict] = Counter()
    async with transport:
        for round_ in range(TRIES // AT_ONCE):
            # Concurrent requests for the same name get different answers.
            url = f"https://rebinding{round_ % 3}.example/"
            result = await asyncio.gather(*(verdict(transport, url) for _ in range(AT_ONCE)))
            verdicts.update(result)
    inside = [address for address in recorder.addresses if address not in names.let]
    refused = verdicts[Verdict.TARGET_FORBIDDEN]
    score(
        "DNS answers that change between lookups",
        required=f"{TRIES} tries: 0 forbidden connections, one resolution each",
        measured=f"{len(inside)} forbidden of {len(recorder.dialled)} connections, {names.lookups}"
        f" resolutions, {refused} of {names.refused} forbidden answers rejected",
        holds=not inside and names.lookups == TRIES and refused == names.refused > TRIES / 3,
    )
    assert verdicts[Verdict.CONNECT_FAILED] == TRIES - refused


async def unexpected_connections(cases: list[tuple[str, bool]]) -> list[tuple[str, list[object]]]:
    """Calls each address as a literal and by name; returns the unexpected results."""
    wrong: list[tuple[str, list[object]]] = []
    recorder, names = ConnectionRecorder(), ScriptedResolver([])
    async with recording_transport(PUBLIC, recorder, names) as transport:
        for address, public in cases:
            names.answers = [[address]]
            literal = f"[{address}]" if ":" in address else address
            for host in (literal, "hooks.example.com"):
                recorder.dialled.clear()
                result = await verdict(transport, f"https://{host}:8443/")
                expected = Verdict.CONNECT_FAILED if public else Verdict.TARGET_FORBIDDEN
                if {*recorder.dialled} != ({(address, 8443)} if public else set()):
                    wrong.append((address, [*recorder.dialled]))
                elif result is not expected:
                    wrong.append((address, [result]))
    return wrong


@pytest.mark.long
async def test_boundary_addresses_are_connected_to_only_if_public() -> None:
    cases = edges()
    wrong = await unexpected_connections(cases)
    score(
        "first, last and adjacent addresses of each forbidden network",
        required=f"{len(cases)}, on connect",
        measured=f"{len(cases) - len(wrong)} of {len(cases)}{first_failure(wrong)}",
        holds=not wrong,
    )


@pytest.mark.battery
async def test_connections_to_random_addresses_agree_with_an_independent_list_of_ranges() -> None:
    cases = list(random_addresses(20260524, RANDOM))
    wrong = [(case, list[object]()) for case, public in cases if PUBLIC.permits(case) is not public]
    wrong += await unexpected_connections(cases[:DIALLED])
    score(
        "random addresses, compared with a list of ranges",
        required=f"{RANDOM}, {DIALLED} of them on connect",
        measured=f"{RANDOM - len(wrong)} of {RANDOM} agree{first_failure(wrong)}",
        holds=not wrong,
    )


@pytest.mark.long
async def test_every_allowed_url_connects_only_to_its_own_host_and_port() -> None:
    wrong: list[tuple[str, list[object]]] = []
    for url, host, port, _ in ALLOWED:
        recorder, names = ConnectionRecorder(), ScriptedResolver(["93.184.216.34"])
        async with recording_transport(PUBLIC, recorder, names) as transport:
            await verdict(transport, url)
        where = host if not names.hostnames else "93.184.216.34"
        if {*recorder.dialled} != {(where, port)} or names.hostnames not in ([], [host]):
            wrong.append((url, [*recorder.dialled, *names.hostnames]))
    score(
        "valid URL spellings, connected",
        required=f"{len(ALLOWED)}, host and port",
        measured=f"{len(ALLOWED) - len(wrong)} of {len(ALLOWED)}{first_failure(wrong)}",
        holds=not wrong,
    )


def first_failure(wrong: list[tuple[str, list[object]]]) -> str:
    return f"; {wrong[0]}" if wrong else ""
