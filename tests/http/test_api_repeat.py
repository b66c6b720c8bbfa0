"""Our own POSTs under an Idempotency-Key: done once, answered the same, kept sealed."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from rowhook.db import statements
from tests.support.calls import DRAFT, Api, running_api
from tests.support.sample_platform import Platform
from tests.support.worker_rig import until

pytestmark = pytest.mark.anyio
REPLAYED = "idempotency-replayed"


async def create(
    api: Api, organization: UUID, repetition: str, *, key: str | None = None, **fields: Any
) -> httpx.Response:
    draft = DRAFT | {"organization_id": str(organization)} | fields
    headers = {"Idempotency-Key": repetition}
    return await api.call("POST", "/webhooks", draft, key=key, headers=headers)


async def count(platform: Platform) -> int:
    found: int = await platform.value("select count(*) from rowhook.webhook")
    return found


async def test_the_same_request_again_is_answered_as_the_first_time(
    api: Api, platform: Platform
) -> None:
    first = await create(api, platform.organization, "one")
    second = await create(api, platform.organization, "one")
    assert (first.status_code, REPLAYED in first.headers) == (201, False)
    assert (second.status_code, second.headers[REPLAYED]) == (201, "true")
    assert second.content == first.content
    for name in ("content-type", "etag"):
        assert second.headers[name] == first.headers[name]
    assert await count(platform) == 1


async def test_another_request_under_the_same_key_is_refused(api: Api, platform: Platform) -> None:
    await create(api, platform.organization, "one")
    answers = [
        await create(api, platform.organization, "one", name="another"),
        await api.call("POST", "/api-keys", {}, headers={"Idempotency-Key": "one"}),
    ]
    for answer in answers:
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/Idempotency-Key"
    assert await count(platform) == 1


async def test_one_that_is_worked_on_is_409_until_it_is_answered(
    api: Api, platform: Platform, db: psycopg.AsyncConnection
) -> None:
    async with db.transaction():
        await db.execute("lock table rowhook.webhook in share row exclusive mode")
        first = asyncio.create_task(create(api, platform.organization, "one"))
        await until(lambda: is_begun(api), what="the first request begun")
        second = await create(api, platform.organization, "one")
        assert (second.status_code, second.headers["retry-after"]) == (409, "1")
    assert (await first).status_code == 201
    third = await create(api, platform.organization, "one")
    assert third.json()["id"] == (await first).json()["id"]


async def is_begun(api: Api) -> bool:
    found = await statements.value(
        api.server_ctx.pool, "select count(*) from rowhook.idempotent_request"
    )
    return bool(found)


async def test_many_at_once_create_one_webhook(api: Api, platform: Platform) -> None:
    calls = [create(api, platform.organization, "one") for _ in range(12)]
    answers = await asyncio.gather(*calls)
    assert {one.status_code for one in answers} <= {201, 409}
    assert len({one.json()["id"] for one in answers if one.status_code == 201}) == 1
    assert await count(platform) == 1


async def test_after_a_refusal_a_corrected_request_may_use_the_key(
    api: Api, platform: Platform
) -> None:
    refused = await create(api, platform.organization, "one", url="nonsense")
    assert refused.status_code == 422
    corrected = await create(api, platform.organization, "one")
    assert (corrected.status_code, REPLAYED in corrected.headers) == (201, False)


async def test_a_key_is_one_caller_s_own(api: Api, platform: Platform) -> None:
    mine, other = [await api.key_of(platform.organization) for _ in range(2)]
    made = [await create(api, platform.organization, "one", key=key) for key in (mine, other, mine)]
    first, second, third = (one.json()["id"] for one in made)
    assert first == third != second


async def test_what_is_no_key_is_refused(api: Api, platform: Platform) -> None:
    draft = DRAFT | {"organization_id": str(platform.organization)}
    for key in ("", "a b", "ü", "x" * 256, "\x7f"):
        headers = {"Idempotency-Key": key.encode("latin-1")}
        answer = await api.call("POST", "/webhooks", draft, headers=headers)
        assert answer.status_code == 422, key
        assert "1 to 255 visible ASCII" in answer.json()["errors"][0]["message"], key
        missing = await api.call("POST", f"/webhooks/{uuid4()}/pause", headers=headers)
        assert missing.status_code == 404, key


async def test_other_methods_take_no_notice_of_it(api: Api, platform: Platform) -> None:
    made = await api.webhook(platform.organization)
    for revision in (2, 3):
        answer = await api.call(
            "PATCH",
            f"/webhooks/{made['id']}",
            {"name": f"{revision}"},
            headers={"Idempotency-Key": "one"},
        )
        assert (answer.status_code, answer.json()["revision"]) == (200, revision)


async def test_the_kept_answer_cannot_be_read_in_the_database(api: Api, platform: Platform) -> None:
    made = await create(api, platform.organization, "one")
    kept = await platform.value("select answer from rowhook.idempotent_request")
    assert made.json()["signing_secret"].encode() not in kept
    assert made.json()["id"].encode() not in kept


async def test_one_that_was_cut_off_is_done_anew_after_a_minute(
    api: Api, platform: Platform
) -> None:
    await create(api, platform.organization, "one")
    await platform.run("update rowhook.idempotent_request set answer = null")
    assert (await create(api, platform.organization, "one")).status_code == 409
    await age(platform, "61 seconds")
    assert (await create(api, platform.organization, "one")).status_code == 201


async def test_a_day_later_the_key_is_free(api: Api, platform: Platform) -> None:
    first = await create(api, platform.organization, "one")
    await age(platform, "24 hours 1 second")
    second = await create(api, platform.organization, "one", name="another")
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]


async def age(platform: Platform, by: str) -> None:
    await platform.run(
        "update rowhook.idempotent_request set created_at = clock_timestamp() - %s::interval", by
    )


async def test_under_other_master_keys_it_is_said_that_it_was_done(
    api: Api, platform: Platform, dsn: str
) -> None:
    await create(api, platform.organization, "one")
    async with running_api(dsn) as other:
        answer = await create(other, platform.organization, "one")
    assert answer.status_code == 409
    assert "was executed" in answer.json()["detail"]
