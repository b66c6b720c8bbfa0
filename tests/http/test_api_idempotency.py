"""POST requests with an Idempotency-Key: executed once, repeated responses, encrypted storage."""

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


async def create_webhook(
    api: Api, organization: UUID, idempotency_key: str, *, key: str | None = None, **fields: Any
) -> httpx.Response:
    draft = DRAFT | {"organization_id": str(organization)} | fields
    headers = {"Idempotency-Key": idempotency_key}
    return await api.call("POST", "/webhooks", draft, key=key, headers=headers)


async def count_webhooks(platform: Platform) -> int:
    number: int = await platform.value("select count(*) from rowhook.webhook")
    return number


async def test_a_repeated_request_gets_the_stored_response(api: Api, platform: Platform) -> None:
    first = await create_webhook(api, platform.organization, "one")
    second = await create_webhook(api, platform.organization, "one")
    assert (first.status_code, REPLAYED in first.headers) == (201, False)
    assert (second.status_code, second.headers[REPLAYED]) == (201, "true")
    assert second.content == first.content
    for name in ("content-type", "etag"):
        assert second.headers[name] == first.headers[name]
    assert await count_webhooks(platform) == 1


async def test_a_different_request_with_the_same_key_is_refused(
    api: Api, platform: Platform
) -> None:
    await create_webhook(api, platform.organization, "one")
    responses = [
        await create_webhook(api, platform.organization, "one", name="another"),
        await api.call("POST", "/api-keys", {}, headers={"Idempotency-Key": "one"}),
    ]
    for response in responses:
        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == "/Idempotency-Key"
    assert await count_webhooks(platform) == 1


async def test_a_concurrent_repetition_is_409_until_the_first_finishes(
    api: Api, platform: Platform, db: psycopg.AsyncConnection
) -> None:
    async with db.transaction():
        await db.execute("lock table rowhook.webhook in share row exclusive mode")
        first = asyncio.create_task(create_webhook(api, platform.organization, "one"))
        await until(lambda: has_begun(api), description="the start of the first request")
        second = await create_webhook(api, platform.organization, "one")
        assert (second.status_code, second.headers["retry-after"]) == (409, "1")
    assert (await first).status_code == 201
    third = await create_webhook(api, platform.organization, "one")
    assert third.json()["id"] == (await first).json()["id"]


async def has_begun(api: Api) -> bool:
    number = await statements.value(
        api.server_ctx.pool, "select count(*) from rowhook.idempotent_request"
    )
    return bool(number)


async def test_concurrent_repetitions_create_one_webhook(api: Api, platform: Platform) -> None:
    calls = [create_webhook(api, platform.organization, "one") for _ in range(12)]
    responses = await asyncio.gather(*calls)
    assert {response.status_code for response in responses} <= {201, 409}
    assert (
        len({response.json()["id"] for response in responses if response.status_code == 201}) == 1
    )
    assert await count_webhooks(platform) == 1


async def test_a_corrected_request_may_reuse_the_key_after_an_error(
    api: Api, platform: Platform
) -> None:
    refused = await create_webhook(api, platform.organization, "one", url="nonsense")
    assert refused.status_code == 422
    corrected = await create_webhook(api, platform.organization, "one")
    assert (corrected.status_code, REPLAYED in corrected.headers) == (201, False)


async def test_idempotency_keys_are_separate_for_each_api_key(api: Api, platform: Platform) -> None:
    mine, other = [await api.key_of(platform.organization) for _ in range(2)]
    responses = [
        await create_webhook(api, platform.organization, "one", key=key)
        for key in (mine, other, mine)
    ]
    first, second, third = (response.json()["id"] for response in responses)
    assert first == third != second


async def test_an_invalid_idempotency_key_is_refused(api: Api, platform: Platform) -> None:
    draft = DRAFT | {"organization_id": str(platform.organization)}
    for key in ("", "a b", "ü", "x" * 256, "\x7f"):
        headers = {"Idempotency-Key": key.encode("latin-1")}
        response = await api.call("POST", "/webhooks", draft, headers=headers)
        assert response.status_code == 422, key
        assert "1 to 255 visible ASCII" in response.json()["errors"][0]["message"], key
        missing = await api.call("POST", f"/webhooks/{uuid4()}/pause", headers=headers)
        assert missing.status_code == 404, key


async def test_other_methods_ignore_the_idempotency_key(api: Api, platform: Platform) -> None:
    webhook = await api.webhook(platform.organization)
    for revision in (2, 3):
        response = await api.call(
            "PATCH",
            f"/webhooks/{webhook['id']}",
            {"name": f"{revision}"},
            headers={"Idempotency-Key": "one"},
        )
        assert (response.status_code, response.json()["revision"]) == (200, revision)


async def test_the_stored_response_is_encrypted(api: Api, platform: Platform) -> None:
    created = await create_webhook(api, platform.organization, "one")
    stored = await platform.value("select answer from rowhook.idempotent_request")
    assert created.json()["signing_secret"].encode() not in stored
    assert created.json()["id"].encode() not in stored


async def test_an_interrupted_request_can_be_repeated_after_a_minute(
    api: Api, platform: Platform
) -> None:
    await create_webhook(api, platform.organization, "one")
    await platform.run("update rowhook.idempotent_request set answer = null")
    assert (await create_webhook(api, platform.organization, "one")).status_code == 409
    await age_requests(platform, "61 seconds")
    assert (await create_webhook(api, platform.organization, "one")).status_code == 201


async def test_an_idempotency_key_expires_after_a_day(api: Api, platform: Platform) -> None:
    first = await create_webhook(api, platform.organization, "one")
    await age_requests(platform, "24 hours 1 second")
    second = await create_webhook(api, platform.organization, "one", name="another")
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]


async def age_requests(platform: Platform, by: str) -> None:
    await platform.run(
        "update rowhook.idempotent_request set created_at = clock_timestamp() - %s::interval", by
    )


async def test_a_repetition_with_other_master_keys_is_409(
    api: Api, platform: Platform, dsn: str
) -> None:
    await create_webhook(api, platform.organization, "one")
    async with running_api(dsn) as other:
        response = await create_webhook(other, platform.organization, "one")
    assert response.status_code == 409
    assert "was executed" in response.json()["detail"]
