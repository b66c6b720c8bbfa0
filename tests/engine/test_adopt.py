"""A copy in the command line, the API, the dashboard and the log, and its adoption."""

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
from tests.support.commands import running_command, wait_for_exit
from tests.support.database_copies import mark_as_copied
from tests.support.sample_platform import Platform
from tests.support.worker_rig import until

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio
REASON = "This database is a copy: the database has the OID"


@pytest.fixture
async def hands(folder: Path, dsn: str) -> CommandLine:
    return CommandLine(folder=folder, dsn=dsn)


@pytest.fixture
async def copy_with_deliveries(platform: Platform, pool: Pool) -> Platform:
    """A detected copy with two pending deliveries."""
    await platform.webhook_of_goal()
    await platform.commit()
    await platform.commit()
    await mark_as_copied(platform)
    await installation_queries.check_installation(pool)
    return platform


async def statuses(platform: Platform) -> list[str]:
    return [row["status"] for row in await platform.deliveries()]


async def suspended(platform: Platform) -> bool:
    return bool(await platform.value("select suspended_at is not null from rowhook.installation"))


async def test_the_command_adopts_and_keeps_waiting_deliveries(
    hands: CommandLine, copy_with_deliveries: Platform
) -> None:
    output = await hands.ok("adopt", "--yes")
    assert output.startswith(REASON)
    assert output.endswith("Adopted. This database now sends deliveries.\n")
    assert (await statuses(copy_with_deliveries), await suspended(copy_with_deliveries)) == (
        ["pending"] * 2,
        False,
    )
    assert "This database is already the active installation." in await hands.ok("adopt", "--yes")
    told_again = await hands.type("adopt", "--yes", "--cancel-waiting")
    told_again.refused(1, "already the active installation", "Nothing was cancelled")
    assert await statuses(copy_with_deliveries) == ["pending"] * 2


async def test_the_command_requires_a_terminal_or_yes(
    hands: CommandLine, copy_with_deliveries: Platform
) -> None:
    result = await hands.type("adopt")
    result.refused(2, "--yes")
    assert await suspended(copy_with_deliveries)


async def test_the_command_can_cancel_waiting_deliveries(
    hands: CommandLine, copy_with_deliveries: Platform
) -> None:
    assert await hands.json("adopt", "--yes", "--cancel-waiting") == {"cancelled": 2}
    assert (await statuses(copy_with_deliveries), await suspended(copy_with_deliveries)) == (
        ["cancelled"] * 2,
        False,
    )
    actor = await copy_with_deliveries.value(
        "select actor from rowhook.audit where action = 'installation.adopted'"
    )
    assert actor.startswith("cli:")


@pytest.mark.parametrize(
    ("answer", "arguments"),
    [
        ("n", []),
        pytest.param("y", [], marks=pytest.mark.long),
        pytest.param("n", ["--yes"], marks=pytest.mark.long),
    ],
)
async def test_the_command_asks_for_confirmation_on_a_terminal(
    hands: CommandLine, copy_with_deliveries: Platform, answer: str, arguments: list[str]
) -> None:
    result = await hands.answer(answer, "adopt", *arguments)
    adopted = answer == "y" or arguments != []
    assert (result.code, await suspended(copy_with_deliveries)) == (1 - adopted, not adopted), (
        result
    )
    assert ("2 waiting deliveries will be sent." in result.out) == (not arguments)


async def test_an_open_transaction_is_named_and_nothing_changes(
    api: Api, copy_with_deliveries: Platform, dsn: str
) -> None:
    await copy_with_deliveries.run("update rowhook.installation set epoch_system_identifier = 1")
    operator = api.server_ctx.ctx.for_actor(api.server_ctx.pool, None, "an operator")
    async with await connection_pool.connect(dsn) as other, other.transaction():
        platform = Platform(other)
        platform.goal = copy_with_deliveries.goal
        await platform.commit()
        with pytest.raises(Conflict, match=r"that uses rowhook.event is still open"):
            await installation.adopt(operator, cancel_waiting=True, timeout_s=0)
    assert (await statuses(copy_with_deliveries), await suspended(copy_with_deliveries)) == (
        ["pending"] * 3,
        True,
    )
    assert (await installation.adopt(operator, cancel_waiting=True)).cancelled == 3


@pytest.mark.usefixtures("copy_with_deliveries")
async def test_status_begins_with_the_suspension_of_deliveries(hands: CommandLine) -> None:
    output = await hands.ok("status")
    assert output.startswith(f"Deliveries are suspended. {REASON}")
    document = await hands.json("status")
    assert document["suspended"]["reason"].startswith(REASON)
    await hands.ok("adopt", "--yes")
    assert (await hands.json("status"))["suspended"] is None
    assert "suspended" not in (await hands.ok("status")).splitlines()[0]


@pytest.mark.usefixtures("copy_with_deliveries")
async def test_doctor_has_advice_for_a_copy(hands: CommandLine) -> None:
    findings = {
        load["subject"]: load for load in json.loads((await hands.type("doctor", "--json")).out)
    }
    assert not findings["installation"]["healthy"]
    assert "`rowhook adopt`" in findings["installation"]["advice"]


async def test_the_api_reports_the_suspension_to_operators_and_keeps_working(
    api: Api, copy_with_deliveries: Platform
) -> None:
    identity = (await api.call("GET", "/system")).json()["identity"]
    assert identity["suspended_reason"].startswith(REASON)
    assert (identity["epoch"], identity["suspended_at"] is not None) == (0, True)
    assert (await api.client.get("/readyz")).status_code == 200
    assert len((await api.call("GET", "/events")).json()["items"]) == 2
    webhook = await api.webhook(copy_with_deliveries.organization)
    tried = await api.call("POST", f"/webhooks/{webhook['id']}/test")
    assert tried.status_code == 200
    assert tried.json()["request"]["method"] == "POST"


@pytest.mark.usefixtures("copy_with_deliveries")
async def test_every_page_tells_operators_the_reason_and_links_to_the_button(
    visitor: httpx.AsyncClient,
) -> None:
    await sign_in(visitor)
    for path in ("/", "/webhooks", "/deliveries", "/system", "/nothing"):
        page = (await visitor.get(path, headers={"accept": "text/html"})).text
        assert ("Deliveries are suspended" in page) == (path != "/nothing"), path
        assert (REASON in page) == (path != "/nothing")
        assert ('href="/adopt"' in page) == (path != "/nothing")


async def test_pages_tell_tenants_only_that_deliveries_are_suspended(
    visitor: httpx.AsyncClient, api: Api, copy_with_deliveries: Platform
) -> None:
    csrf_token = await sign_in(visitor, await api.key_of(copy_with_deliveries.organization))
    page = (await visitor.get("/webhooks")).text
    assert "This is a copy of the installation. Nothing is sent from it" in page
    assert "OID" not in page
    assert "/adopt" not in page
    assert (await visitor.get("/adopt")).status_code == 403
    answer = await visitor.post("/adopt", data={"csrf": csrf_token, "waiting": "send"})
    assert (answer.status_code, await suspended(copy_with_deliveries)) == (403, True)


@pytest.mark.parametrize(
    ("choice", "remaining_status"), [("send", "pending"), ("cancel", "cancelled")]
)
async def test_the_button_adopts_with_the_chosen_option(
    visitor: httpx.AsyncClient, copy_with_deliveries: Platform, choice: str, remaining_status: str
) -> None:
    csrf_token = await sign_in(visitor)
    page = (await visitor.get("/adopt")).text
    assert REASON in page
    assert "2 deliveries" in page
    for refused, status in (({"csrf": "x", "waiting": choice}, 403), ({"csrf": csrf_token}, 422)):
        assert (await visitor.post("/adopt", data=refused)).status_code == status
    assert await suspended(copy_with_deliveries)
    answer = await visitor.post("/adopt", data={"csrf": csrf_token, "waiting": choice})
    cancelled = 2 if choice == "cancel" else 0
    assert answer.headers["location"] == f"/system?done=adopted-{cancelled}"
    page = (await visitor.get(answer.headers["location"])).text
    assert f"Cancelled waiting deliveries: {cancelled}." in page
    assert "Deliveries are suspended" not in page
    assert (await statuses(copy_with_deliveries), await suspended(copy_with_deliveries)) == (
        [remaining_status] * 2,
        False,
    )
    assert "There is nothing to adopt." in (await visitor.get("/adopt")).text


async def test_a_worker_logs_the_suspension_with_advice(
    dsn: str, platform: Platform, folder: Path
) -> None:
    await mark_as_copied(platform)

    async def detect_copy() -> bool:
        return await suspended(platform)

    async with running_command(
        folder,
        "worker",
        DATABASE_URL=dsn,
        ROWHOOK_LOG_FORMAT="json",
        ROWHOOK_MASTER_KEYS=generate_master_key(),
    ) as worker:
        await until(detect_copy, description="the start of the worker")
        worker.terminate()
        result = await wait_for_exit(worker)
    assert result.code == 0, result.err
    line = next(line for line in result.err.splitlines() if "deliveries.suspended" in line)
    entry: dict[str, Any] = json.loads(line)
    assert (entry["level"], entry["reason"][: len(REASON)]) == ("warning", REASON)
    assert "`rowhook adopt`" in entry["advice"]


@pytest.mark.usefixtures("copy_with_deliveries")
@pytest.mark.parametrize(("every_s", "lines"), [(3600, 1), (0, 3)])
async def test_the_suspension_is_not_logged_at_every_check(
    pool: Pool, every_s: float, lines: int
) -> None:
    watch = CopyDetector(pool, warn_every_s=every_s)
    with capture_logs() as logged:
        for _ in range(3):
            await watch.check()
    assert [line["event"] for line in logged] == ["deliveries.suspended"] * lines


@pytest.mark.long
async def test_the_api_logs_the_suspension_at_start(
    dsn: str, platform: Platform, folder: Path
) -> None:
    await mark_as_copied(platform)
    async with running_command(
        folder, "api", "--port", "0", DATABASE_URL=dsn, ROWHOOK_MASTER_KEYS=generate_master_key()
    ) as api:

        async def detect_copy() -> bool:
            return await suspended(platform)

        await until(detect_copy, description="the start of the API")
        api.terminate()
        result = await wait_for_exit(api)
    assert result.code == 0, result.err
    assert "deliveries.suspended" in result.err
