"""A copy in the command line, the API, the dashboard and the log, and how a person adopts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from rowhook.db import connection_pool, installation_queries
from rowhook.db.connection_pool import Pool
from rowhook.security.vault import generate_master_key
from rowhook.services import installation
from rowhook.services.context import Conflict
from rowhook.worker.maintenance import CopyDetector
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.calls import Api
from tests.support.command_line import CommandLine
from tests.support.commands import ended, started
from tests.support.copies import seem_copied
from tests.support.rig import until
from tests.support.world import Platform

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio
REASON = "This database is a copy: the database has the OID"


@pytest.fixture
async def hands(folder: Path, dsn: str) -> CommandLine:
    return CommandLine(folder=folder, dsn=dsn)


@pytest.fixture
async def waiting(platform: Platform, pool: Pool) -> Platform:
    """A copy, noticed, in which two deliveries wait."""
    await platform.webhook_of_goal()
    await platform.commit()
    await platform.commit()
    await seem_copied(platform)
    await installation_queries.check_installation(pool)
    return platform


async def statuses(platform: Platform) -> list[str]:
    return [row["status"] for row in await platform.deliveries()]


async def suspended(platform: Platform) -> bool:
    return bool(await platform.value("select suspended_at is not null from rowhook.installation"))


async def test_the_command_adopts_and_keeps_what_waits(
    hands: CommandLine, waiting: Platform
) -> None:
    told = await hands.ok("adopt", "--yes")
    assert told.startswith(REASON)
    assert told.endswith("Adopted. This database now sends deliveries.\n")
    assert (await statuses(waiting), await suspended(waiting)) == (["pending"] * 2, False)
    assert "This database is already the active installation." in await hands.ok("adopt", "--yes")
    told_again = await hands.type("adopt", "--yes", "--cancel-waiting")
    told_again.refused(1, "already the active installation", "Nothing was cancelled")
    assert await statuses(waiting) == ["pending"] * 2


async def test_the_command_does_not_adopt_without_a_terminal_or_yes(
    hands: CommandLine, waiting: Platform
) -> None:
    told = await hands.type("adopt")
    told.refused(2, "--yes")
    assert await suspended(waiting)


async def test_the_command_cancels_what_waits_if_it_is_told_to(
    hands: CommandLine, waiting: Platform
) -> None:
    assert await hands.json("adopt", "--yes", "--cancel-waiting") == {"cancelled": 2}
    assert (await statuses(waiting), await suspended(waiting)) == (["cancelled"] * 2, False)
    actor = await waiting.value(
        "select actor from rowhook.audit where action = 'installation.adopted'"
    )
    assert actor.startswith("cli:")


@pytest.mark.parametrize(("answer", "arguments"), [("n", []), ("y", []), ("n", ["--yes"])])
async def test_the_command_asks_on_a_terminal(
    hands: CommandLine, waiting: Platform, answer: str, arguments: list[str]
) -> None:
    told = await hands.answer(answer, "adopt", *arguments)
    adopted = answer == "y" or arguments != []
    assert (told.code, await suspended(waiting)) == (1 - adopted, not adopted), told
    assert ("2 waiting deliveries will be sent." in told.out) == (not arguments)


async def test_a_transaction_that_stays_open_is_named_and_nothing_changes(
    api: Api, waiting: Platform, dsn: str
) -> None:
    await waiting.run("update rowhook.installation set epoch_system_identifier = 1")
    operator = api.server_ctx.ctx.for_actor(api.server_ctx.pool, None, "an operator")
    async with await connection_pool.connect(dsn) as other, other.transaction():
        platform = Platform(other)
        platform.goal = waiting.goal
        await platform.commit()
        with pytest.raises(Conflict, match=r"that uses rowhook.event is still open"):
            await installation.adopt(operator, cancel_waiting=True, timeout_s=0)
    assert (await statuses(waiting), await suspended(waiting)) == (["pending"] * 3, True)
    assert (await installation.adopt(operator, cancel_waiting=True)).cancelled == 3


@pytest.mark.usefixtures("waiting")
async def test_status_says_first_that_deliveries_are_suspended(hands: CommandLine) -> None:
    told = await hands.ok("status")
    assert told.startswith(f"Deliveries are suspended. {REASON}")
    document = await hands.json("status")
    assert document["suspended"]["reason"].startswith(REASON)
    await hands.ok("adopt", "--yes")
    assert (await hands.json("status"))["suspended"] is None
    assert "suspended" not in (await hands.ok("status")).splitlines()[0]


@pytest.mark.usefixtures("waiting")
async def test_doctor_says_what_to_do(hands: CommandLine) -> None:
    findings = {
        one["subject"]: one for one in json.loads((await hands.type("doctor", "--json")).out)
    }
    assert not findings["installation"]["healthy"]
    assert "`rowhook adopt`" in findings["installation"]["advice"]


async def test_the_api_tells_operators_and_goes_on_working(api: Api, waiting: Platform) -> None:
    found = (await api.call("GET", "/system")).json()["identity"]
    assert found["suspended_reason"].startswith(REASON)
    assert (found["epoch"], found["suspended_at"] is not None) == (0, True)
    assert (await api.client.get("/readyz")).status_code == 200
    assert len((await api.call("GET", "/events")).json()["items"]) == 2
    made = await api.webhook(waiting.organization)
    tried = await api.call("POST", f"/webhooks/{made['id']}/test")
    assert tried.status_code == 200
    assert tried.json()["request"]["method"] == "POST"


@pytest.mark.usefixtures("waiting")
async def test_every_page_tells_an_operator_why_and_leads_to_the_button(
    visitor: httpx.AsyncClient,
) -> None:
    await sign_in(visitor)
    for path in ("/", "/webhooks", "/deliveries", "/system", "/nothing"):
        page = (await visitor.get(path, headers={"accept": "text/html"})).text
        assert ("Deliveries are suspended" in page) == (path != "/nothing"), path
        assert (REASON in page) == (path != "/nothing")
        assert ('href="/adopt"' in page) == (path != "/nothing")


async def test_pages_tell_a_tenant_the_fact_alone(
    visitor: httpx.AsyncClient, api: Api, waiting: Platform
) -> None:
    word = await sign_in(visitor, await api.key_of(waiting.organization))
    page = (await visitor.get("/webhooks")).text
    assert "This is a copy of the installation. Nothing is sent from it" in page
    assert "OID" not in page
    assert "/adopt" not in page
    assert (await visitor.get("/adopt")).status_code == 403
    answer = await visitor.post("/adopt", data={"csrf": word, "waiting": "send"})
    assert (answer.status_code, await suspended(waiting)) == (403, True)


@pytest.mark.parametrize(("choice", "left"), [("send", "pending"), ("cancel", "cancelled")])
async def test_the_button_adopts_as_it_was_chosen(
    visitor: httpx.AsyncClient, waiting: Platform, choice: str, left: str
) -> None:
    word = await sign_in(visitor)
    page = (await visitor.get("/adopt")).text
    assert REASON in page
    assert "2 deliveries" in page
    for refused, status in (({"csrf": "x", "waiting": choice}, 403), ({"csrf": word}, 422)):
        assert (await visitor.post("/adopt", data=refused)).status_code == status
    assert await suspended(waiting)
    answer = await visitor.post("/adopt", data={"csrf": word, "waiting": choice})
    cancelled = 2 if choice == "cancel" else 0
    assert answer.headers["location"] == f"/system?done=adopted-{cancelled}"
    page = (await visitor.get(answer.headers["location"])).text
    assert f"Cancelled waiting deliveries: {cancelled}." in page
    assert "Deliveries are suspended" not in page
    assert (await statuses(waiting), await suspended(waiting)) == ([left] * 2, False)
    assert "There is nothing to adopt." in (await visitor.get("/adopt")).text


async def test_a_worker_says_that_deliveries_are_suspended_and_what_to_do(
    dsn: str, platform: Platform, folder: Path
) -> None:
    await seem_copied(platform)

    async def noticed() -> bool:
        return await suspended(platform)

    async with started(
        folder,
        "worker",
        DATABASE_URL=dsn,
        ROWHOOK_LOG_FORMAT="json",
        ROWHOOK_MASTER_KEYS=generate_master_key(),
    ) as worker:
        await until(noticed, what="the start of the worker")
        worker.terminate()
        told = await ended(worker)
    assert told.code == 0, told.err
    line = next(line for line in told.err.splitlines() if "deliveries.suspended" in line)
    said: dict[str, Any] = json.loads(line)
    assert (said["level"], said["reason"][: len(REASON)]) == ("warning", REASON)
    assert "`rowhook adopt`" in said["advice"]


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize(("every_s", "lines"), [(3600, 1), (0, 3)])
async def test_that_deliveries_are_suspended_is_not_said_at_every_look(
    pool: Pool, every_s: float, lines: int
) -> None:
    watch = CopyDetector(pool, warn_every_s=every_s)
    with capture_logs() as logged:
        for _ in range(3):
            await watch.check()
    assert [line["event"] for line in logged] == ["deliveries.suspended"] * lines


async def test_the_api_says_so_when_it_starts(dsn: str, platform: Platform, folder: Path) -> None:
    await seem_copied(platform)
    async with started(
        folder, "api", "--port", "0", DATABASE_URL=dsn, ROWHOOK_MASTER_KEYS=generate_master_key()
    ) as api:

        async def noticed() -> bool:
            return await suspended(platform)

        await until(noticed, what="the start of the API")
        api.terminate()
        told = await ended(api)
    assert told.code == 0, told.err
    assert "deliveries.suspended" in told.err
