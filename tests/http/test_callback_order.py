"""The order of callbacks in a session."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from rowhook.db import connection_pool
from rowhook.db.connection_pool import Pool
from tests.http.test_callbacks import SESSION, create_output, create_token
from tests.support.calls import Api, running_api
from tests.support.event_stream import open_stream
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
    """The API with the keyring of the rig's worker, and two sessions."""
    async with running_api(rig.dsn, keyring=rig.keyring) as running:
        await add_sessions(rig.platform)
        yield running


@pytest.fixture
async def frontend_platform(platform: Platform) -> Platform:
    """A platform with two sessions whose goal has a frontend output."""
    await add_sessions(platform)
    await platform.webhook_of_goal(kind="frontend", url=None)
    return platform


async def claim_commits(
    platform: Platform, pool: Pool, count: int, session: str = SESSION
) -> list[Any]:
    """Creates commits and returns their claims in commit order."""
    for n in range(count):
        await platform.commit(str(n + 1), session=session)
    return sorted(await platform.claim(pool, uuid4()), key=lambda claim: claim.outbox_id)


async def stage_callback(platform: Platform, claim: Any, session: str = SESSION) -> None:
    await platform.value(STAGE, claim.outbox_id, claim.token, session, claim.event.data, DAY)


async def placed_bodies(platform: Platform, session: str = SESSION) -> list[str]:
    """Returns the bodies of a session that have a place, in order."""
    rows = await platform.rows(
        "select body from rowhook.callback where session_id = %s and place is not null"
        " order by place",
        session,
    )
    return [row["body"] for row in rows]


async def wait_until_placed(platform: Platform, *bodies: str) -> None:
    """Waits until these bodies have places: a transaction in any database may delay them."""

    async def are_in_order() -> bool:
        await place_waiting(platform)
        return await placed_bodies(platform) == list(bodies)

    await until(are_in_order, description=f"places of {bodies}")


async def place_waiting(platform: Platform, after: str = "", most: int = 100) -> str | None:
    result: str | None = await platform.value("select rowhook.place_waiting(%s, %s)", after, most)
    return result


async def test_callbacks_staged_out_of_order_are_placed_in_commit_order(
    frontend_platform: Platform, pool: Pool
) -> None:
    first, second, third = await claim_commits(frontend_platform, pool, 3)
    for claim in (second, third):
        await stage_callback(frontend_platform, claim)
        assert await placed_bodies(frontend_platform) == []
    await stage_callback(frontend_platform, first)
    await wait_until_placed(frontend_platform, "1", "2", "3")
    page_of = "select body from rowhook.callback_page(%s, 0, 10)"
    assert [row["body"] for row in await frontend_platform.rows(page_of, SESSION)] == [
        "1",
        "2",
        "3",
    ]


async def test_a_callback_without_a_place_is_neither_sent_nor_marked_as_written(
    frontend_platform: Platform, pool: Pool
) -> None:
    first, second, third = await claim_commits(frontend_platform, pool, 3)
    await stage_callback(frontend_platform, first)
    await stage_callback(frontend_platform, third)
    await wait_until_placed(frontend_platform, "1")
    async with frontend_platform.db.transaction():
        await frontend_platform.run("set local rowhook.operator = 'on'")
        await frontend_platform.run("select rowhook.callbacks_written(%s, 1000)", SESSION)
    statuses = [row["status"] for row in await frontend_platform.deliveries()]
    assert statuses == ["delivered", "sending", "pending"]
    await stage_callback(frontend_platform, second)
    await wait_until_placed(frontend_platform, "1", "2", "3")
    after = await frontend_platform.value(
        "select rowhook.callback_place(%s, %s, 1)", SESSION, first.outbox_id
    )
    rest = "select body from rowhook.callback_page(%s, %s, 10)"
    assert [row["body"] for row in await frontend_platform.rows(rest, SESSION, after)] == ["2", "3"]


@pytest.mark.parametrize(
    "end",
    [
        {"outcome": "skipped"},
        {"outcome": "refused", "status_code": 410},
        None,
    ],
    ids=["skipped", "dead", "cancelled"],
)
async def test_callbacks_behind_a_finished_delivery_are_placed_by_the_next_pass(
    frontend_platform: Platform, pool: Pool, end: dict[str, Any] | None
) -> None:
    first, second = await claim_commits(frontend_platform, pool, 2)
    await stage_callback(frontend_platform, second)
    assert await place_waiting(frontend_platform) == ""
    assert await placed_bodies(frontend_platform) == []
    if end is None:
        await frontend_platform.run(
            "update rowhook.outbox set status = 'cancelled' where id = %s", first.outbox_id
        )
    else:
        await frontend_platform.record(pool, first, **end)
    (finished, _) = await frontend_platform.deliveries()
    assert finished["finished_at"] is not None
    await wait_until_placed(frontend_platform, "2")
    assert await place_waiting(frontend_platform) is None


async def test_a_pass_visits_waiting_sessions_in_batches(
    frontend_platform: Platform, pool: Pool
) -> None:
    for session in (SESSION, OTHER_SESSION):
        _, second = await claim_commits(frontend_platform, pool, 2, session)
        await stage_callback(frontend_platform, second, session)
    assert await place_waiting(frontend_platform, "", 1) == SESSION
    assert await place_waiting(frontend_platform, SESSION, 1) == OTHER_SESSION
    assert await place_waiting(frontend_platform, OTHER_SESSION, 1) == ""


async def test_outputs_of_one_commit_do_not_wait_for_each_other_and_later_commits_wait_for_all(
    frontend_platform: Platform, pool: Pool
) -> None:
    await frontend_platform.webhook_of_goal(kind="frontend", url=None)
    claims = await claim_commits(frontend_platform, pool, 2)
    early = [claim for claim in claims if claim.event.data == "1"]
    late = [claim for claim in claims if claim.event.data == "2"]
    for claim in late:
        await stage_callback(frontend_platform, claim)
    await stage_callback(frontend_platform, early[1])
    await wait_until_placed(frontend_platform, "1")
    await stage_callback(frontend_platform, early[0])
    await wait_until_placed(frontend_platform, "1", "1", "2", "2")


async def test_http_webhooks_do_not_delay_callbacks(
    frontend_platform: Platform, pool: Pool
) -> None:
    called = await frontend_platform.webhook_of_goal()
    claims = await claim_commits(frontend_platform, pool, 2)
    (last,) = [claim for claim in claims if claim.webhook_id != called and claim.event.data == "2"]
    (first,) = [claim for claim in claims if claim.webhook_id != called and claim.event.data == "1"]
    await stage_callback(frontend_platform, first)
    await stage_callback(frontend_platform, last)
    await wait_until_placed(frontend_platform, "1", "2")


async def test_a_retried_skipped_delivery_is_placed_after_later_commits(
    frontend_platform: Platform, pool: Pool
) -> None:
    first, second = await claim_commits(frontend_platform, pool, 2)
    await frontend_platform.record(pool, first, "skipped")
    await stage_callback(frontend_platform, second)
    await wait_until_placed(frontend_platform, "2")
    await frontend_platform.run(
        "update rowhook.outbox set status = 'pending' where id = %s", first.outbox_id
    )
    (again,) = await frontend_platform.claim(pool, uuid4())
    await frontend_platform.commit("3", session=SESSION)
    (third,) = await frontend_platform.claim(pool, uuid4())
    await stage_callback(frontend_platform, third)
    await wait_until_placed(frontend_platform, "2", "3")
    await stage_callback(frontend_platform, again)
    assert await placed_bodies(frontend_platform) == ["2", "3", "1"]


async def test_a_callback_that_waits_too_long_for_an_earlier_output_is_dead(
    frontend_platform: Platform, pool: Pool
) -> None:
    _, second = await claim_commits(frontend_platform, pool, 2)
    await stage_callback(frontend_platform, second)
    await frontend_platform.run("update rowhook.callback set staged_at = now() - interval '2 days'")
    await frontend_platform.run("alter table rowhook.outbox disable trigger user")
    await frontend_platform.run(
        "update rowhook.outbox set next_attempt_at = now() where id = %s", second.outbox_id
    )
    await frontend_platform.run("alter table rowhook.outbox enable trigger user")
    (again,) = await frontend_platform.claim(pool, uuid4())
    await stage_callback(frontend_platform, again)
    (_, row) = await frontend_platform.deliveries()
    assert row["status"] == "dead"
    assert "an earlier output of the session" in row["last_error"]
    assert await place_waiting(frontend_platform) is None


async def test_a_stream_receives_each_commit_once_and_in_order_from_several_workers(
    rig: Rig, api: Api
) -> None:
    await create_output(rig, body_template="{{data}}")
    await create_output(rig, name="second", body_template="{{data}}")
    async with contextlib.AsyncExitStack() as stack:
        stream = await stack.enter_async_context(
            open_stream(api, SESSION, key=await create_token(rig))
        )
        for _ in range(2):
            await stack.enter_async_context(rig.worker())
        for n in range(100):
            await rig.platform.commit(str(n), session=SESSION)
        await stream.wait_for_messages(200)
        await rig.reaches("delivered", count=200)
    assert stream.bodies == [str(n) for n in range(100) for _ in range(2)]
    assert len({message for message, _ in stream.messages}) == 200


async def test_callbacks_wait_for_an_open_transaction_that_began_earlier(
    rig: Rig, api: Api
) -> None:
    await create_output(rig, body_template="{{data}}")
    async with rig.worker(), await connection_pool.connect(rig.dsn) as slow:
        await slow.set_autocommit(False)
        await slow.execute(COMMIT, (rig.platform.goal, SESSION, "1"))
        async with open_stream(api, SESSION, key=await create_token(rig)) as stream:
            await rig.platform.commit("2", session=SESSION)
            await until(lambda: is_staged(rig, "2"))
            assert await placed_bodies(rig.platform) == []
            await slow.commit()
            assert await stream.wait_for_messages(2) == ["1", "2"]


async def is_staged(rig: Rig, body: str) -> bool:
    staged = "select exists (select from rowhook.callback where body = %s)"
    return bool(await rig.platform.value(staged, body))


async def test_a_held_output_delays_only_its_session_until_it_is_cancelled(
    rig: Rig, api: Api
) -> None:
    await create_output(rig, body_template='"{{data.name}}"')
    async with (
        rig.worker(),
        open_stream(api, SESSION, key=await create_token(rig)) as stream,
        open_stream(
            api, OTHER_SESSION, key=await create_token(rig, session=OTHER_SESSION)
        ) as other,
    ):
        await rig.platform.commit("{}", session=SESSION)
        (held,) = await rig.reaches("held")
        await rig.platform.commit('{"name": "late"}', session=SESSION)
        await until(lambda: is_staged(rig, '"late"'))
        await rig.platform.commit('{"name": "other"}', session=OTHER_SESSION)
        assert await other.wait_for_messages(1) == ['"other"']
        assert stream.bodies == []
        await rig.platform.run(
            "update rowhook.outbox set status = 'cancelled' where id = %s", held["id"]
        )
        assert await stream.wait_for_messages(1) == ['"late"']


async def test_a_skipped_commit_delays_no_callback(rig: Rig, api: Api) -> None:
    await create_output(rig, condition="data != 2", body_template="{{data}}")
    async with rig.worker(), open_stream(api, SESSION, key=await create_token(rig)) as stream:
        for n in (1, 2, 3):
            await rig.platform.commit(str(n), session=SESSION)
        assert await stream.wait_for_messages(2) == ["1", "3"]
