"""The place of a callback in its session: given once, whatever becomes of the one that had it."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from rowhook.db.connection_pool import Pool
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
STAGE = "select rowhook.stage(%s, %s, 1, 'session_1', '{}', %s)"


@pytest.fixture
async def paged(platform: Platform) -> Platform:
    """A platform with a session whose goal has an output for its pages."""
    await platform.run(
        "insert into rowhook.session (id, organization_id) values ('session_1', %s)",
        platform.organization,
    )
    await platform.webhook_of_goal(kind="frontend", url=None)
    return platform


async def test_one_that_is_staged_again_unread_never_takes_the_place_it_had(
    paged: Platform, pool: Pool
) -> None:
    await paged.commit(session="session_1")
    places = []
    for _ in range(2):
        await paged.run("update rowhook.outbox set status = 'pending'")
        (claim,) = await paged.claim(pool, uuid4())
        await paged.value(STAGE, claim.outbox_id, claim.token, timedelta(days=1))
        places.append(await paged.value("select max(place) from rowhook.callback"))
    assert places == [1, 2]


async def test_a_page_that_had_the_first_goes_on_behind_it_though_it_was_staged_again(
    paged: Platform, pool: Pool
) -> None:
    for _ in range(2):
        await paged.commit(session="session_1")
    for claim in (*await paged.claim(pool, uuid4()),):
        await paged.value(STAGE, claim.outbox_id, claim.token, timedelta(days=1))
    second = await paged.value("select max(outbox_id) from rowhook.callback")
    await paged.run("update rowhook.outbox set status = 'pending' where id = %s", second)
    (claim,) = await paged.claim(pool, uuid4())
    await paged.value(STAGE, claim.outbox_id, claim.token, timedelta(days=1))
    page = "select staging from rowhook.callback_page('session_1', %s, 10)"
    place = await paged.value("select rowhook.callback_place('session_1', %s, 1)", second)
    assert [row["staging"] for row in await paged.rows(page, place)] == [2]
    assert [row["staging"] for row in await paged.rows(page, 0)] == [1, 2]
