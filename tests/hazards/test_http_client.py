"""Rowhook's HTTP client beside two others, on generated responses.

It reads a response as they do, or differs by one of `RULES`, which docs/reference/wire-format.md
explains to receivers.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hazards.generated_responses import generate
from tests.hazards.http_clients import NOTHING, Reading, aiohttp_client, httpx_client, own_client
from tests.support.deadline import DEADLINE_S
from tests.support.receiver import Receiver
from tests.support.scoreboard import score
from tests.support.scripted_connection import ScriptedConnection

if TYPE_CHECKING:
    from tests.hazards.generated_responses import Generated
    from tests.hazards.http_clients import Client
    from tests.support.receiver import Behaviour, Received

pytestmark = [pytest.mark.anyio, pytest.mark.hazards]
ROOT = Path(__file__).parents[2]
AT_ONCE = 8
# How long aiohttp is waited for: it never ends some bodies that it cannot parse.
PATIENCE_S = 1.0
BODY_FAULTS = {
    "cut",
    "body too short",
    "malformed chunk",
    "malformed trailer",
    "no end of chunks",
    "line feeds between chunks",
    "space before a chunk size",
}
LENGTHS = {"contradictory length", "repeated length", "invalid length"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A permitted difference in `parts`, of responses with one of `traits`.

    `parts`: `lost` (only Rowhook has a response), `refused` (only the other), `headers`, `body`.
    """

    sentence: str
    parts: set[str]
    traits: set[str]
    holds: Callable[[Reading, Reading], bool] = lambda *_: True


RULES = (
    Rule(
        sentence="A status counts once its head is complete; a body that is cut or malformed is"
        " kept up to the fault.",
        parts={"lost", "body"},
        traits=BODY_FAULTS,
        holds=lambda _, other: other.body is None,
    ),
    Rule(
        sentence="Bytes after a complete response are ignored, and its connection is closed.",
        parts={"lost"},
        traits={"more"},
    ),
    Rule(
        sentence="A malformed line of a head is dropped, and the body after it is not read; a space"
        " before a colon or a NUL in a value is accepted.",
        parts={"lost"},
        traits={
            "malformed line",
            "space before the colon",
            "NUL in a value",
            "NUL in the reason",
            "interim with a malformed line",
        },
    ),
    Rule(
        sentence="A body whose length is invalid, stated twice or contradicted by chunks is not"
        " read.",
        parts={"lost", "body"},
        traits=LENGTHS,
        holds=lambda own, _: own.body == b"",
    ),
    Rule(
        sentence="Headers are kept as received: framing headers are neither merged nor changed in"
        " case.",
        parts={"headers"},
        traits=set(),
        holds=lambda own, other: _without_framing(own) == _without_framing(other),
    ),
    Rule(
        sentence="Lines of a folded header are joined, and their white space is kept.",
        parts={"headers"},
        traits={"folded line"},
        holds=lambda own, other: _with_single_spaces(own) == _with_single_spaces(other),
    ),
    Rule(
        sentence="A body in another transfer coding than chunked is kept as it arrives.",
        parts={"lost"},
        traits={"other coding"},
    ),
    Rule(
        sentence="Blank lines before a status line are skipped.",
        parts={"lost"},
        traits={"blank lines"},
    ),
    Rule(
        sentence="101 is a response without a body, although no upgrade was requested.",
        parts={"lost"},
        traits={"upgrade"},
        holds=lambda own, _: own.status == 101,
    ),
    Rule(
        sentence="A status below 100 is not a response.",
        parts={"refused"},
        traits={"odd status"},
        holds=lambda _, other: other.status is not None and other.status < 100,
    ),
    Rule(
        sentence="The body of an unknown version of HTTP is not read.",
        parts={"lost", "body"},
        traits={"odd version"},
        holds=lambda own, _: own.body == b"",
    ),
    Rule(
        sentence="An interim response that announces the end of the connection is followed by the"
        " response.",
        parts={"lost"},
        traits={"interim that closes"},
    ),
)


def _without_framing(reading: Reading) -> list[tuple[bytes, bytes]]:
    framing = {b"content-length", b"transfer-encoding"}
    return [header for header in reading.headers if header[0] not in framing]


def _with_single_spaces(reading: Reading) -> list[tuple[bytes, bytes]]:
    return [(name, b" ".join(value.split())) for name, value in _without_framing(reading)]


def differing_parts(own: Reading, other: Reading) -> set[str]:
    if own == other:
        return set()
    if other.status is None:
        return {"lost"}
    if own.status != other.status:
        return {"refused"} if own.status is None else {"status"}
    parts = {"headers"} if own.headers != other.headers else set()
    return parts | ({"body"} if own.body != other.body else set())


def rules_for(case: Generated, own: Reading, other: Reading) -> dict[str, str | None]:
    """Returns the sentence that explains each differing part, or None."""
    traits = case.traits | {""}
    return {
        part: next(
            (
                rule.sentence
                for rule in RULES
                if part in rule.parts and (rule.traits or {""}) & traits and rule.holds(own, other)
            ),
            None,
        )
        for part in differing_parts(own, other)
    }


@dataclass(slots=True)
class Tally:
    """The results of a comparison."""

    agreed: int = 0
    explained: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)
    reused: int = 0
    mixed_up: list[str] = field(default_factory=list)

    def compare(self, case: Generated, name: str, own: Reading, other: Reading) -> None:
        rules = rules_for(case, own, other)
        if not rules:
            self.agreed += 1
        elif None in rules.values():
            self.unexplained.append(
                f"{sorted(case.traits)} {case.segments!r}: own {own}, {name} {other}"
            )
        else:
            self.explained += 1
            self.by_rule.update(sentence for sentence in rules.values() if sentence)


def serve(cases: list[Generated], connections: dict[str, int]) -> Behaviour:
    """Responds with the cases; stores the connection of the last request to each path."""

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        connections[request.path] = request.connection
        case = cases[int(request.path.rpartition("/")[2])]
        if request.path.startswith("/next/"):
            body = b"next %d" % case.number
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            return
        for segment in case.segments:
            writer.write(segment)
            await asyncio.sleep(0)
        if not case.keeps:
            await writer.drain()
            writer.close()

    return behave


@dataclass(slots=True)
class Comparison:
    """The responses of `receiver`, read by all clients; each of `own` has its own pool."""

    receiver: Receiver
    cases: list[Generated]
    others: dict[str, Client]
    connections: dict[str, int]
    tally: Tally = field(default_factory=Tally)

    async def run(self, own: Client, first: int) -> None:
        for case in self.cases[first::AT_ONCE]:
            url = f"{self.receiver.url}/{case.number}"
            patience_s = PATIENCE_S if case.traits & BODY_FAULTS else DEADLINE_S
            reading = await own(url, patience_s)
            await self.check_next(own, case)
            for name, client in self.others.items():
                self.tally.compare(case, name, reading, await client(url, patience_s))

    async def check_next(self, own: Client, case: Generated) -> None:
        """Checks that the next request, if possible on the same connection, has its response."""
        reading = await own(f"{self.receiver.url}/next/{case.number}", DEADLINE_S)
        if reading.body != b"next %d" % case.number:
            self.tally.mixed_up.append(f"{case.segments!r}: {reading}")
        first, second = (
            self.connections[path] for path in (f"/{case.number}", f"/next/{case.number}")
        )
        self.tally.reused += first == second
        if case.keeps and "more" not in case.traits and first != second:
            self.tally.mixed_up.append(f"{case.segments!r}: the connection was not reused")


@pytest.mark.parametrize(
    "count",
    [150, pytest.param(4_000, marks=pytest.mark.battery)],
)
async def test_responses_are_read_as_by_two_other_clients_or_by_a_written_rule(count: int) -> None:
    # aiohttp leaves the errors of some connections to the event loop.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    cases = list(generate(count))
    async with AsyncExitStack() as stack:
        connections: dict[str, int] = {}
        receiver = await stack.enter_async_context(Receiver(default=serve(cases, connections)))
        others = {
            "httpx": await stack.enter_async_context(httpx_client()),
            "aiohttp": await stack.enter_async_context(aiohttp_client()),
        }
        comparison = Comparison(receiver, cases, others, connections)
        own = [await stack.enter_async_context(own_client()) for _ in range(AT_ONCE)]
        await asyncio.gather(*map(comparison.run, own, range(AT_ONCE)))
    tally = comparison.tally
    score(
        f"{count} generated responses, read by this client, httpx and aiohttp",
        required="0 unexplained differences, 0 responses to another request",
        measured=f"{tally.agreed} of {2 * count} agree, {tally.explained} differ by"
        f" {len(tally.by_rule)} rules, {len(tally.unexplained)} unexplained;"
        f" {tally.reused} connections reused, {len(tally.mixed_up)} mixed up"
        f"{''.join((tally.unexplained + tally.mixed_up)[:3])}",
        holds=not tally.unexplained and not tally.mixed_up and tally.reused > count / 30,
    )
    if count >= 2_000:
        assert {rule.sentence for rule in RULES} == set(tally.by_rule), "a rule is not needed"


async def read_in(segments: tuple[bytes, ...]) -> Reading:
    """Reads a response in these pieces, then the end of the connection."""
    scripted = ScriptedConnection()
    task = await scripted.begin()
    await scripted.receive(*segments)
    if not scripted.wire.is_closing():
        scripted.connection.connection_lost(None)
    await asyncio.wait({task})
    if task.exception() is not None:
        return NOTHING
    response = task.result()
    return Reading(response.status, tuple(response.headers), response.body)


@pytest.mark.parametrize("count", [400, pytest.param(4_000, marks=pytest.mark.battery)])
async def test_the_pieces_in_which_a_response_arrives_do_not_matter(count: int) -> None:
    for case in generate(count):
        whole = await read_in((case.data,))
        assert await read_in(case.segments) == whole, case
        pieces = tuple(case.data[n : n + 1] for n in range(len(case.data)))
        assert await read_in(pieces) == whole, case


# The bytes before 64 KiB of single bytes, and those bytes.
DRIPS = {
    "header": (b"HTTP/1.1 200 OK\r\nX-A: ", b"b"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
    "malformed line": (b"HTTP/1.1 200 OK\r\n(", b"b"),
    "malformed lines": (b"HTTP/1.1 200 OK\r\n", b"(\r\n"),
    "malformed status line": (b"HTTP/1.1 200\t", b"x"),
    "malformed interim responses": (b"", b"HTTP/1.1 100 Continue\r\n(\r\n\r\n"),
    "blank lines after a malformed head": (b"HTTP/1.1 100 Continue\r\n(\r\n\r\n", b"\n"),
}


async def drip_s(first: bytes, wave: bytes, count: int) -> float:
    """Returns the CPU time of the head that arrives in `count` segments of one byte."""
    scripted = ScriptedConnection()
    task = await scripted.begin()
    await scripted.receive(first)
    drops = wave * (count // len(wave) + 1)
    began = time.process_time()
    for number in range(count):
        scripted.connection.data_received(drops[number : number + 1])
    spent = time.process_time() - began
    task.cancel()
    await asyncio.wait({task})
    return spent


@pytest.mark.battery
async def test_a_head_that_drips_costs_no_more_for_each_byte_the_longer_it_is() -> None:
    ratios = {}
    for name, drip in DRIPS.items():
        short, long = [
            min([await drip_s(*drip, count) for _ in range(3)]) for count in (8_000, 64_000)
        ]
        ratios[name] = long / short / 8
    worst = max(ratios, key=lambda name: ratios[name])
    score(
        f"{len(DRIPS)} heads of 64 KiB in segments of one byte",
        required="CPU time for each byte ≤ 4 × that of a head of 8 KiB",
        measured=f"{ratios[worst]:.1f} × ({worst})",
        holds=ratios[worst] <= 4,
    )


def test_every_rule_is_in_the_documentation() -> None:
    page = " ".join((ROOT / "docs/reference/wire-format.md").read_text().split())
    assert [rule.sentence for rule in RULES if rule.sentence not in page] == []


def test_the_rules_do_not_explain_another_status_or_a_lost_response() -> None:
    [case, *_] = generate(1)
    good = Reading(200, (), b"ok")
    for own, other in (
        (Reading(500, (), b"ok"), good),
        (NOTHING, good),
        (Reading(200, (), b"no"), good),
        (Reading(200, ((b"x", b"y"),), b"ok"), good),
    ):
        assert None in rules_for(case, own, other).values()
