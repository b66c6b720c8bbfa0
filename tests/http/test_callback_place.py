"""The place of a callback in its session is never reused."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from rowhook.db.connection_pool import Pool
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
STAGE = "select rowhook.stage(%s, %s, 1, 'session_1', '{}', %s)"


@pytest.fixture
async def frontend_platform(platform: Platform) -> Platform:
    """A platform with a session whose goal has a frontend output."""
    await platform.run(
        "insert into rowhook.session (id, organization_id) values ('session_1', %s)",
        platform.organization,
    )
    await platform.webhook_of_goal(kind="frontend", url=None)
    return platform


async def test_a_callback_that_is_staged_again_gets_a_new_place(
    frontend_platform: Platform, pool: Pool
) -> None:
    await frontend_platform.commit(session="session_1")
    places = []
    for _ in range(2):
        await frontend_platform.run("update rowhook.outbox set status = 'pending'")
        (claim,) = await frontend_platform.claim(pool, uuid4())
        await frontend_platform.value(STAGE, claim.outbox_id, claim.token, timedelta(days=1))
        places.append(await frontend_platform.value("select max(place) from rowhook.callback"))
    assert places == [1, 2]


async def test_a_stream_resumes_behind_the_first_staging_and_receives_the_second(
    frontend_platform: Platform, pool: Pool
) -> None:
    for _ in range(2):
        await frontend_platform.commit(session="session_1")
    for claim in (*await frontend_platform.claim(pool, uuid4()),):
        await frontend_platform.value(STAGE, claim.outbox_id, claim.token, timedelta(days=1))
    second = await frontend_platform.value("select max(outbox_id) from rowhook.callback")
    await frontend_platform.run(
        "update rowhook.outbox set status = 'pending' where id = %s", second
    )
    (claim,) = await frontend_platform.claim(pool, uuid4())
    await frontend_platform.value(STAGE, claim.outbox_id, claim.token, timedelta(days=1))
    page = "select staging from rowhook.callback_page('session_1', %s, 10)"
    place = await frontend_platform.value(
        "select rowhook.callback_place('session_1', %s, 1)", second
    )
    assert [row["staging"] for row in await frontend_platform.rows(page, place)] == [2]
    assert [row["staging"] for row in await frontend_platform.rows(page, 0)] == [1, 2]
