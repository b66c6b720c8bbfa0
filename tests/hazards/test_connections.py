"""What reaches a socket: addresses at the edges and at random, names that change, allowed URLs."""

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
# Of the random ones: so many are taken all the way to the socket.
DIALLED = 10_000
AT_ONCE = 25
FORBIDDEN = [address for address, public in edges() if not public]


class Flipping:
    """A name server that answers each question anew: 1 to 6 addresses, forbidden ones among them.

    `let` holds the addresses of the answers without a forbidden one, `refused` counts the others.
    """

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311  # a repeatable sample
        self.asked = self.refused = 0
        self.let: set[str] = set()

    async def __call__(self, host: str) -> list[str]:
        self.asked += 1
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
async def test_a_name_that_is_bound_anew_at_each_question_never_leads_inside() -> None:
    recorder, names = ConnectionRecorder(), Flipping(20260523)
    transport = recording_transport(PUBLIC, recorder, names)
    verdicts: Counter[Verdict] = Counter()
    async with transport:
        for round_ in range(TRIES // AT_ONCE):
            # Several at once ask for the same name, and each gets another answer.
            url = f"https://rebinding{round_ % 3}.example/"
            result = await asyncio.gather(*(verdict(transport, url) for _ in range(AT_ONCE)))
            verdicts.update(result)
    inside = [address for address in recorder.addresses if address not in names.let]
    refused = verdicts[Verdict.TARGET_FORBIDDEN]
    score(
        "DNS answers that change between questions",
        asked=f"{TRIES} tries: 0 forbidden dials, one resolution each",
        measured=f"{len(inside)} forbidden of {len(recorder.dialled)} dials, {names.asked}"
        f" resolutions, {refused} of {names.refused} bad answers refused",
        holds=not inside and names.asked == TRIES and refused == names.refused > TRIES / 3,
    )
    assert verdicts[Verdict.CONNECT_FAILED] == TRIES - refused


async def wrongly_dialled(cases: list[tuple[str, bool]]) -> list[tuple[str, list[object]]]:
    """Calls each address as a literal and behind a name; the cases that were not dialled as due."""
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
async def test_an_address_at_an_edge_is_dialled_if_it_is_outside_and_else_never() -> None:
    cases = edges()
    wrong = await wrongly_dialled(cases)
    score(
        "first, last and neighbours of each closed network",
        asked=f"{len(cases)}, at the dial",
        measured=f"{len(cases) - len(wrong)} of {len(cases)}{worst(wrong)}",
        holds=not wrong,
    )


@pytest.mark.battery
async def test_random_addresses_agree_with_an_oracle_of_ranges_down_to_the_dial() -> None:
    cases = list(random_addresses(20260524, RANDOM))
    wrong = [(case, list[object]()) for case, public in cases if PUBLIC.permits(case) is not public]
    wrong += await wrongly_dialled(cases[:DIALLED])
    score(
        "random addresses against an oracle of ranges",
        asked=f"{RANDOM}, {DIALLED} of them at the dial",
        measured=f"{RANDOM - len(wrong)} of {RANDOM} agree{worst(wrong)}",
        holds=not wrong,
    )


@pytest.mark.long
async def test_every_allowed_url_is_dialled_at_its_own_host_and_port_and_nowhere_else() -> None:
    wrong: list[tuple[str, list[object]]] = []
    for url, host, port, _ in ALLOWED:
        recorder, names = ConnectionRecorder(), ScriptedResolver(["93.184.216.34"])
        async with recording_transport(PUBLIC, recorder, names) as transport:
            await verdict(transport, url)
        where = host if not names.hostnames else "93.184.216.34"
        if {*recorder.dialled} != {(where, port)} or names.hostnames not in ([], [host]):
            wrong.append((url, [*recorder.dialled, *names.hostnames]))
    score(
        "legitimate spellings of a URL, dialled",
        asked=f"{len(ALLOWED)}, host and port",
        measured=f"{len(ALLOWED) - len(wrong)} of {len(ALLOWED)}{worst(wrong)}",
        holds=not wrong,
    )


def worst(wrong: list[tuple[str, list[object]]]) -> str:
    return f"; {wrong[0]}" if wrong else ""
