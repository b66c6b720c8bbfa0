"""Hostile receivers, plain and over TLS, alone and together with a good one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rowhook.db.connection_pool import Pool
from rowhook.egress.connection import BODY_GRACE_S
from rowhook.model import Verdict
from rowhook.render.configuration import Configuration
from rowhook.security.vault import Keyring, generate_master_key
from rowhook.services import links, webhooks
from rowhook.transports.http import send
from tests.support.certificates import Authority, make_authority
from tests.support.commands import NEW_INTERPRETER, running_command
from tests.support.hostile_receivers import HOSTILE, SLOW_BODIES, Case
from tests.support.local_transport import leave_unredacted, open_transport, request
from tests.support.receiver import Receiver
from tests.support.sample_platform import Platform
from tests.support.scoreboard import score
from tests.support.worker_rig import Rig, until

pytestmark = [pytest.mark.anyio, pytest.mark.hazards]
TIMEOUT_S = 3
CASES = list(HOSTILE.values())
GOOD = 300
GOOD_EVERY_S = 0.03
MB_IN_KB = 1024
MOST_SLOWER = 20


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("certificates"))


@pytest.mark.long
@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_response_over_tls_has_the_same_verdict(
    name: str, authority: Authority
) -> None:
    case = HOSTILE[name]
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    tls = authority.issue("hooks.example.com")
    async with (
        Receiver(default=case.behaviour, tls=tls) as receiver,
        open_transport(authority.trust()) as transport,
    ):
        url = f"https://hooks.example.com:{receiver.port}/hook"
        outcome = await send(
            transport, request(url, timeout_s=case.timeout_s), redact=leave_unredacted
        )
    assert (outcome.verdict, outcome.status_code) == (case.verdict, case.status), outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Siege:
    """A rig with hostile receivers, and a second platform with a good receiver."""

    rig: Rig
    good: Platform
    folder: Path
    environment: dict[str, str]

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Any]:
        async with running_command(
            self.folder, "worker", before=NEW_INTERPRETER, **self.environment
        ) as process:

            async def have_arrived() -> bool:
                return bool(await self.good.rows("select from rowhook.worker"))

            await until(have_arrived, description="a worker at work")
            yield process


@pytest.fixture
async def siege(
    dsn: str, pool: Pool, platform: Platform, folder: Path, authority: Authority
) -> AsyncIterator[Siege]:
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    key = generate_master_key()
    roots = folder / "roots.pem"
    roots.write_bytes(authority.pem())
    environment = {
        "DATABASE_URL": dsn,
        "ROWHOOK_MASTER_KEYS": key,
        "ROWHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "SSL_CERT_FILE": str(roots),
    }
    async with Receiver() as receiver:
        rig = Rig(dsn, pool, platform, receiver)
        rig.ctx = replace(rig.ctx, keyring=Keyring(key))
        good = Platform(platform.db)
        good.organization, good.agent, good.version = (
            platform.organization,
            platform.agent,
            platform.version,
        )
        await platform.run(
            "insert into rowhook.goal values (%s, %s)", good.goal, platform.organization
        )
        saved = await rig.webhook("/good")
        await links.unlink_goal(rig.ctx, saved.id, platform.goal)
        await links.link_goal(rig.ctx, saved.id, good.goal)
        yield Siege(rig=rig, good=good, folder=folder, environment=environment)


@asynccontextmanager
async def endpoints(siege: Siege, authority: Authority) -> AsyncIterator[list[Receiver]]:
    """Links an endpoint for each case to the goal; every second one uses TLS.

    They respond normally until `turn_hostile`.
    """
    async with Receiver() as plain, Receiver(tls=authority.issue("localhost")) as secure:
        for number in range(len(CASES)):
            origin = f"https://localhost:{secure.port}" if number % 2 else plain.url
            await link_hostile(siege, f"{origin}/{number}", CASES[number])
        yield [plain, secure]


def turn_hostile(receivers: list[Receiver]) -> None:
    for number, case in enumerate(CASES):
        receivers[number % 2].script(f"/{number}", case.behaviour)


async def link_hostile(siege: Siege, url: str, case: Case) -> None:
    rig = siege.rig
    timeout_s = TIMEOUT_S if case.verdict is Verdict.TIMEOUT else 30
    configuration = Configuration(
        name=url, url=url, timeout_s=timeout_s, retry_schedule_s=[0, 1, 1]
    )
    saved = await webhooks.create_webhook(rig.ctx, rig.platform.organization, configuration)
    await links.link_goal(rig.ctx, saved.id, rig.platform.goal)


async def load(siege: Siege, count: int) -> list[float]:
    """Commits to the good goal repeatedly; returns the seconds to each arrival."""
    began: dict[str, float] = {}
    arrived = len(siege.rig.receiver.requests)
    for _ in range(count):
        at = time.time()
        began[await siege.good.commit()] = at
        await asyncio.sleep(GOOD_EVERY_S)
    requests = await siege.rig.receiver.wait_for(arrived + count)
    return sorted(
        request.at - began[request.header("idempotency-key") or ""]
        for request in requests[arrived:]
    )


async def fire(siege: Siege) -> list[float]:
    """Sends one delivery to each endpoint together with the load of the good one."""
    await siege.rig.platform.commit()
    waits = await load(siege, GOOD)
    await until(partial(all_finished, siege), description="every delivery at its end")
    return waits


def reset_peak(pid: int) -> int:
    """Returns the memory in KiB and resets the peak (proc(5))."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return memory_kb(pid, "VmRSS")


def memory_kb(pid: int, line: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(entry.split()[1]) for entry in status.splitlines() if entry.startswith(line))


@pytest.mark.battery
async def test_fifty_hostile_endpoints_do_not_slow_down_a_good_one_or_use_memory(
    siege: Siege, authority: Authority
) -> None:
    assert len(CASES) >= 50
    async with endpoints(siege, authority) as receivers, siege.worker() as process:
        await fire(siege)
        quiet = p99(await fire(siege))
        before = reset_peak(process.pid)
        since = await siege.good.value("select max(id) from rowhook.outbox")
        turn_hostile(receivers)
        loud = p99(await fire(siege))
        growth = memory_kb(process.pid, "VmHWM") - before
    await check_attempts(siege, since)
    score(
        f"{len(CASES)} concurrent hostile endpoints and a good one",
        required=f"its p99 ≤ {MOST_SLOWER} × quiet, memory ≤ +8 MB, expected verdicts",
        measured=f"p99 {loud * 1000:.0f} ms, quiet {quiet * 1000:.0f} ms,"
        f" {growth / MB_IN_KB:+.1f} MB",
        holds=loud <= MOST_SLOWER * quiet and growth <= 8 * MB_IN_KB,
    )


def p99(waits: list[float]) -> float:
    return waits[int(GOOD * 0.99) - 1]


async def all_finished(siege: Siege) -> bool:
    remaining: int = await siege.good.value(
        "select count(*) from rowhook.outbox where finished_at is null"
    )
    return remaining == 0


async def check_attempts(siege: Siege, since: int) -> None:
    """Each attempt has its verdict, and took at most twice its time limit."""
    names = list(HOSTILE)
    attempts: dict[int, set[tuple[str, int | None]]] = {}
    for row in await siege.good.rows(
        "select w.url, a.outcome, a.status_code, a.duration_ms from rowhook.attempt a"
        " join rowhook.outbox o on o.id = a.outbox_id join rowhook.webhook w on w.id = o.webhook_id"
        " where w.name <> '/good' and o.id > %s",
        since,
    ):
        number = int(row["url"].rpartition("/")[2])
        attempts.setdefault(number, set()).add((row["outcome"], row["status_code"]))
        limit_s = BODY_GRACE_S if names[number] in SLOW_BODIES else TIMEOUT_S
        assert row["duration_ms"] <= 2000 * limit_s, names[number]
    expected = {n: {(str(case.verdict), case.status)} for n, case in enumerate(CASES)}
    assert {names[n]: attempts.get(n) for n in expected if attempts.get(n) != expected[n]} == {}
    assert set(attempts) == set(expected)
