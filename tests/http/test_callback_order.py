"""A page gets the outputs of its session in the order of the session's commits."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from rowhook.db import connection_pool
from rowhook.db.connection_pool import Pool
from tests.http.test_callbacks import SESSION, output, token
from tests.support.calls import Api, running_api
from tests.support.event_stream import page
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio
OTHER_SESSION = "session_2"
STAGE = "select rowhook.stage(%s, %s, 1, %s, %s, %s)"
COMMIT = "insert into rowhook.commit (goal_id, session_id, data) values (%s, %s, %s)"
DAY = timedelta(days=1)


async def add_sessions(platform: Platform) -> None:
    for session in (SESSION, OTHER_SESSION):
        await platform.run(
            "insert into rowhook.session (id, organization_id) values (%s, %s)",
            session,
            platform.organization,
        )


@pytest.fixture
async def api(rig: Rig) -> AsyncIterator[Api]:
    """The API beside the rig's worker, and two sessions."""
    async with running_api(rig.dsn, keyring=rig.keyring) as running:
        await add_sessions(rig.platform)
        yield running


@pytest.fixture
async def paged(platform: Platform) -> Platform:
    """A platform with two sessions whose goal has an output for pages."""
    await add_sessions(platform)
    await platform.webhook_of_goal(kind="frontend", url=None)
    return platform


async def claimed(platform: Platform, pool: Pool, count: int, session: str = SESSION) -> list[Any]:
    """The claims of new commits, in the order of the commits."""
    for n in range(count):
        await platform.commit(str(n + 1), session=session)
    return sorted(await platform.claim(pool, uuid4()), key=lambda claim: claim.outbox_id)


async def stage(platform: Platform, claim: Any, session: str = SESSION) -> None:
    await platform.value(STAGE, claim.outbox_id, claim.token, session, claim.event.data, DAY)


async def placed(platform: Platform, session: str = SESSION) -> list[str]:
    """The bodies of a session that have a place, in the order of their places."""
    rows = await platform.rows(
        "select body from rowhook.callback where session_id = %s and place is not null"
        " order by place",
        session,
    )
    return [row["body"] for row in rows]


async def are_placed(platform: Platform, *bodies: str) -> None:
    """Waits until these have places: a transaction of any database may delay them."""

    async def holds() -> bool:
        await place_waiting(platform)
        return await placed(platform) == list(bodies)

    await until(holds, description=f"places of {bodies}")


async def place_waiting(platform: Platform, after: str = "", most: int = 100) -> str | None:
    result: str | None = await platform.value("select rowhook.place_waiting(%s, %s)", after, most)
    return result


async def test_commits_that_are_staged_out_of_order_get_places_in_the_order_of_commits(
    paged: Platform, pool: Pool
) -> None:
    first, second, third = await claimed(paged, pool, 3)
    for claim in (second, third):
        await stage(paged, claim)
        assert await placed(paged) == []
    await stage(paged, first)
    await are_placed(paged, "1", "2", "3")
    page_of = "select body from rowhook.callback_page(%s, 0, 10)"
    assert [row["body"] for row in await paged.rows(page_of, SESSION)] == ["1", "2", "3"]


async def test_a_waiting_callback_is_neither_shown_nor_marked_as_written(
    paged: Platform, pool: Pool
) -> None:
    first, second, third = await claimed(paged, pool, 3)
    await stage(paged, first)
    await stage(paged, third)
    await are_placed(paged, "1")
    async with paged.db.transaction():
        await paged.run("set local rowhook.operator = 'on'")
        await paged.run("select rowhook.callbacks_written(%s, 1000)", SESSION)
    statuses = [row["status"] for row in await paged.deliveries()]
    assert statuses == ["delivered", "sending", "pending"]
    await stage(paged, second)
    await are_placed(paged, "1", "2", "3")
    after = await paged.value("select rowhook.callback_place(%s, %s, 1)", SESSION, first.outbox_id)
    rest = "select body from rowhook.callback_page(%s, %s, 10)"
    assert [row["body"] for row in await paged.rows(rest, SESSION, after)] == ["2", "3"]


@pytest.mark.parametrize(
    "end",
    [
        {"outcome": "skipped"},
        {"outcome": "refused", "status_code": 410},
        None,
    ],
    ids=["skipped", "dead", "cancelled"],
)
async def test_what_an_ended_delivery_held_up_is_placed_by_the_next_look(
    paged: Platform, pool: Pool, end: dict[str, Any] | None
) -> None:
    first, second = await claimed(paged, pool, 2)
    await stage(paged, second)
    assert await place_waiting(paged) == ""
    assert await placed(paged) == []
    if end is None:
        await paged.run(
            "update rowhook.outbox set status = 'cancelled' where id = %s", first.outbox_id
        )
    else:
        await paged.record(pool, first, **end)
    (ended, _) = await paged.deliveries()
    assert ended["finished_at"] is not None
    await are_placed(paged, "2")
    assert await place_waiting(paged) is None


async def test_a_look_goes_through_all_waiting_sessions_a_few_at_a_time(
    paged: Platform, pool: Pool
) -> None:
    for session in (SESSION, OTHER_SESSION):
        _, second = await claimed(paged, pool, 2, session)
        await stage(paged, second, session)
    assert await place_waiting(paged, "", 1) == SESSION
    assert await place_waiting(paged, SESSION, 1) == OTHER_SESSION
    assert await place_waiting(paged, OTHER_SESSION, 1) == ""


async def test_outputs_of_one_commit_do_not_wait_for_each_other_and_later_commits_wait_for_all(
    paged: Platform, pool: Pool
) -> None:
    await paged.webhook_of_goal(kind="frontend", url=None)
    claims = await claimed(paged, pool, 2)
    early = [claim for claim in claims if claim.event.data == "1"]
    late = [claim for claim in claims if claim.event.data == "2"]
    for claim in late:
        await stage(paged, claim)
    await stage(paged, early[1])
    await are_placed(paged, "1")
    await stage(paged, early[0])
    await are_placed(paged, "1", "1", "2", "2")


async def test_webhooks_that_are_called_hold_up_no_page(paged: Platform, pool: Pool) -> None:
    called = await paged.webhook_of_goal()
    claims = await claimed(paged, pool, 2)
    (last,) = [claim for claim in claims if claim.webhook_id != called and claim.event.data == "2"]
    (first,) = [claim for claim in claims if claim.webhook_id != called and claim.event.data == "1"]
    await stage(paged, first)
    await stage(paged, last)
    await are_placed(paged, "1", "2")


async def test_a_skipped_delivery_that_is_sent_again_comes_behind_later_commits(
    paged: Platform, pool: Pool
) -> None:
    first, second = await claimed(paged, pool, 2)
    await paged.record(pool, first, "skipped")
    await stage(paged, second)
    await are_placed(paged, "2")
    await paged.run("update rowhook.outbox set status = 'pending' where id = %s", first.outbox_id)
    (again,) = await paged.claim(pool, uuid4())
    await paged.commit("3", session=SESSION)
    (third,) = await paged.claim(pool, uuid4())
    await stage(paged, third)
    await are_placed(paged, "2", "3")
    await stage(paged, again)
    assert await placed(paged) == ["2", "3", "1"]


async def test_what_waited_too_long_for_an_earlier_output_is_dead_with_that_reason(
    paged: Platform, pool: Pool
) -> None:
    _, second = await claimed(paged, pool, 2)
    await stage(paged, second)
    await paged.run("update rowhook.callback set staged_at = now() - interval '2 days'")
    await paged.run("alter table rowhook.outbox disable trigger user")
    await paged.run(
        "update rowhook.outbox set next_attempt_at = now() where id = %s", second.outbox_id
    )
    await paged.run("alter table rowhook.outbox enable trigger user")
    (again,) = await paged.claim(pool, uuid4())
    await stage(paged, again)
    (_, row) = await paged.deliveries()
    assert row["status"] == "dead"
    assert "an earlier output of the session" in row["last_error"]
    assert await place_waiting(paged) is None


async def test_a_page_gets_each_commit_once_and_in_order_from_several_workers(
    rig: Rig, api: Api
) -> None:
    await output(rig, body_template="{{data}}")
    await output(rig, name="second", body_template="{{data}}")
    async with contextlib.AsyncExitStack() as stack:
        shown = await stack.enter_async_context(page(api, SESSION, key=await token(rig)))
        for _ in range(2):
            await stack.enter_async_context(rig.worker())
        for n in range(100):
            await rig.platform.commit(str(n), session=SESSION)
        await shown.has(200)
        await rig.reaches("delivered", count=200)
    assert shown.bodies == [str(n) for n in range(100) for _ in range(2)]
    assert len({message for message, _ in shown.messages}) == 200


async def test_a_commit_of_a_longer_transaction_comes_before_those_that_began_later(
    rig: Rig, api: Api
) -> None:
    await output(rig, body_template="{{data}}")
    async with rig.worker(), await connection_pool.connect(rig.dsn) as slow:
        await slow.set_autocommit(False)  # psycopg's
        await slow.execute(COMMIT, (rig.platform.goal, SESSION, "1"))
        async with page(api, SESSION, key=await token(rig)) as shown:
            await rig.platform.commit("2", session=SESSION)
            await until(lambda: is_staged(rig, "2"))
            assert await placed(rig.platform) == []
            await slow.commit()
            assert await shown.has(2) == ["1", "2"]


async def is_staged(rig: Rig, body: str) -> bool:
    staged = "select exists (select from rowhook.callback where body = %s)"
    return bool(await rig.platform.value(staged, body))


async def test_a_held_output_holds_up_its_own_session_alone_until_it_is_cancelled(
    rig: Rig, api: Api
) -> None:
    await output(rig, body_template='"{{data.name}}"')
    async with (
        rig.worker(),
        page(api, SESSION, key=await token(rig)) as shown,
        page(api, OTHER_SESSION, key=await token(rig, session=OTHER_SESSION)) as other,
    ):
        await rig.platform.commit("{}", session=SESSION)
        (held,) = await rig.reaches("held")
        await rig.platform.commit('{"name": "late"}', session=SESSION)
        await until(lambda: is_staged(rig, '"late"'))
        await rig.platform.commit('{"name": "other"}', session=OTHER_SESSION)
        assert await other.has(1) == ['"other"']
        assert shown.bodies == []
        await rig.platform.run(
            "update rowhook.outbox set status = 'cancelled' where id = %s", held["id"]
        )
        assert await shown.has(1) == ['"late"']


async def test_a_skipped_commit_holds_up_nothing(rig: Rig, api: Api) -> None:
    await output(rig, condition="data != 2", body_template="{{data}}")
    async with rig.worker(), page(api, SESSION, key=await token(rig)) as shown:
        for n in (1, 2, 3):
            await rig.platform.commit(str(n), session=SESSION)
        assert await shown.has(2) == ["1", "3"]
