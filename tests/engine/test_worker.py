from __future__ import annotations

import json
from datetime import timedelta

import pytest
import standardwebhooks
import stripe
import svix

from rowhook.egress.policy import EgressPolicy
from rowhook.services import secrets, webhooks
from tests.support.receiver import Received, answer
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio


def verify_with_libraries(request: Received, secret: str) -> None:
    """Each library raises an error if its signature is invalid."""
    headers = {name.lower(): value for name, value in request.headers}
    standardwebhooks.Webhook(secret).verify(request.body, headers)
    svix.Webhook(secret).verify(request.body, headers)
    stripe.WebhookSignature.verify_header(
        request.body.decode(), headers["x-roxels-signature"], secret, tolerance=300
    )


async def test_a_commit_arrives_with_a_signed_default_payload(rig: Rig) -> None:
    saved = await rig.webhook()
    async with rig.worker():
        commit = await rig.platform.commit('{"price": 1.10}')
        await rig.reaches("delivered")
    (request,) = rig.receiver.requests
    assert request.header("idempotency-key") == commit
    assert request.header("user-agent") == "Roxels-Webhook/1"
    assert request.header("content-type") == "application/json"
    body = json.loads(request.body)
    assert list(body) == [
        "timestamp",
        "commit_id",
        "committed_at",
        "goal",
        "template",
        "session",
        "interview",
        "data",
    ]
    assert b'"data":{"price": 1.10}' in request.body
    verify_with_libraries(request, saved.signing_secret or "")


async def test_signatures_verify_with_both_secrets_during_a_rotation(rig: Rig) -> None:
    saved = await rig.webhook()
    rotated = await webhooks.rotate_signing_secret(rig.ctx, saved.id, timedelta(hours=1))
    newer = rotated.signing_secret
    async with rig.worker():
        await rig.platform.commit()
        await rig.reaches("delivered")
    for secret in (saved.signing_secret or "", newer):
        verify_with_libraries(rig.receiver.requests[0], secret)


async def test_a_rotation_without_overlap_revokes_the_old_secret_immediately(rig: Rig) -> None:
    saved = await rig.webhook()
    rotated = await webhooks.rotate_signing_secret(rig.ctx, saved.id, timedelta(0))
    newer = rotated.signing_secret
    async with rig.worker():
        await rig.platform.commit()
        await rig.reaches("delivered")
    verify_with_libraries(rig.receiver.requests[0], newer)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verify_with_libraries(rig.receiver.requests[0], saved.signing_secret or "")


async def test_a_retry_has_the_same_key_and_body(rig: Rig) -> None:
    await rig.webhook(retry_schedule_s=[0, 0.01, 0.01], raw_payload=True)
    rig.receiver.script("/hook", answer(500), answer(503), answer(204))
    async with rig.worker():
        commit = await rig.platform.commit()
        (row,) = await rig.reaches("delivered")
    assert row["attempts"] == 3
    assert [request.header("idempotency-key") for request in rig.receiver.requests] == [commit] * 3
    assert len({request.body for request in rig.receiver.requests}) == 1


async def test_an_attempt_stores_the_request_without_secrets(rig: Rig) -> None:
    organization = rig.platform.organization
    await secrets.put_secret(rig.ctx, organization, "crm", "s3cret-value-77")
    await rig.webhook(
        headers={"Authorization": "Bearer {{secret:crm}}"}, body_template='{"k": "{{secret:crm}}"}'
    )
    async with rig.worker():
        await rig.platform.commit()
        await rig.reaches("delivered")
    (request,) = rig.receiver.requests
    assert request.header("authorization") == "Bearer s3cret-value-77"
    assert json.loads(request.body) == {"k": "s3cret-value-77"}
    stored_request = await rig.platform.value("select request::text from rowhook.attempt")
    assert "s3cret-value-77" not in stored_request
    assert "[secret:crm]" in stored_request


async def test_a_delivery_with_a_broken_template_is_held_and_sent_when_it_is_fixed(
    rig: Rig,
) -> None:
    saved = await rig.webhook(body_template='{"n": "{{data.nmae}}"}')
    async with rig.worker():
        await rig.platform.commit('{"name": "Ada"}')
        (row,) = await rig.reaches("held")
        assert "data.nmae is not defined; did you mean data.name?" in row["last_error"]
        await rig.change(saved.id, body_template='{"n": "{{data.name}}"}')
        await rig.reaches("delivered")
    assert json.loads(rig.receiver.requests[0].body) == {"n": "Ada"}


async def test_a_body_that_violates_its_schema_is_held_with_the_pointer(rig: Rig) -> None:
    await rig.webhook(
        body_template='{"n": {{data.n}}}',
        schema={"properties": {"n": {"type": "string"}}},
    )
    async with rig.worker():
        await rig.platform.commit('{"n": 1}')
        (row,) = await rig.reaches("held")
    assert "/n" in row["last_error"]
    assert rig.receiver.requests == []


async def test_an_attempt_records_its_render_and_validation_times(rig: Rig) -> None:
    asks = {"properties": {"n": {"type": "integer"}}}
    await rig.webhook("/met", schema=asks)
    await rig.webhook("/broken", body_template='{"n": "{{data.n}}"}', schema=asks)
    await rig.webhook("/undefined", body_template='{"n": {{data.m}}}')
    await rig.webhook("/bytes", raw_payload=True)
    async with rig.worker():
        await rig.platform.commit()
        await rig.reaches("held", count=2)
        await rig.reaches("delivered", count=2)
    rows = await rig.platform.rows(
        "select w.name, rendered_ms, validated_ms, duration_ms from rowhook.attempt a"
        " join rowhook.outbox o on o.id = outbox_id join rowhook.webhook w on w.id = o.webhook_id"
    )
    timings = {row["name"]: (row["rendered_ms"], row["validated_ms"]) for row in rows}
    assert 0 < timings["/met"][0] < timings["/met"][1]
    assert timings["/broken"][0] > 0
    assert timings["/bytes"][0] > 0
    assert [timings[name][1] for name in ("/broken", "/bytes")] == [None, None]
    assert timings["/undefined"] == (None, None)


async def test_a_false_condition_skips_a_delivery_and_it_can_be_replayed(rig: Rig) -> None:
    saved = await rig.webhook(condition="data.n > 5")
    async with rig.worker():
        await rig.platform.commit('{"n": 1}')
        await rig.reaches("skipped")
        await rig.change(saved.id)
        await rig.platform.value("select rowhook.replay(%s, now() - interval '1 h')", saved.id)
        await rig.reaches("delivered")


async def test_an_update_of_the_status_sends_a_delivery_again(rig: Rig) -> None:
    await rig.webhook()
    async with rig.worker():
        await rig.platform.commit()
        await rig.reaches("delivered")
        await rig.platform.run("update rowhook.outbox set status = 'pending'")
        await rig.receiver.wait_for(2)
        (row,) = await rig.reaches("delivered")
    keys = {request.header("idempotency-key") for request in rig.receiver.requests}
    assert len(keys) == 1
    assert row["schedule_step"] == 1


async def test_a_forbidden_target_is_rejected_on_connect_and_retried(rig: Rig) -> None:
    await rig.webhook(retry_schedule_s=[0, 3600])
    async with rig.worker(policy=EgressPolicy(allow_http=True)):
        await rig.platform.commit()

        async def is_attempted() -> bool:
            return bool((await rig.platform.deliveries())[0]["attempts"] == 1)

        await until(is_attempted)
    (row,) = await rig.platform.deliveries()
    assert row["status"] == "pending"
    assert "127.0.0.1" not in row["last_error"]
    assert rig.receiver.requests == []


async def test_polling_delivers_without_listen(rig: Rig) -> None:
    await rig.webhook()
    async with rig.worker(listen=False):
        await rig.platform.commit()
        await rig.reaches("delivered")


async def test_a_commit_wakes_a_sleeping_worker(rig: Rig) -> None:
    await rig.webhook()
    async with rig.worker() as worker:
        await rig.platform.commit()
        await rig.reaches("delivered")

        async def asleep() -> bool:
            return bool(
                await rig.platform.value(
                    "select a.last_value > w.last_value from rowhook.asleep a, rowhook.awake w"
                )
            )

        await until(asleep)
        assert worker.driver.listening
        await rig.platform.commit()
        await rig.reaches("delivered", count=2)


async def test_a_stopped_worker_finishes_requests_in_flight_and_releases_the_others(
    rig: Rig,
) -> None:
    await rig.webhook(max_in_flight=200)
    async with rig.worker():
        for _ in range(200):
            await rig.platform.commit()
        await rig.receiver.wait_for(1)
    statuses = {row["status"] for row in await rig.platform.deliveries()}
    assert statuses <= {"delivered", "pending"}
    delivered = sum(row["status"] == "delivered" for row in await rig.platform.deliveries())
    assert delivered == len(rig.receiver.requests)
    async with rig.worker():
        await rig.reaches("delivered", count=200)
    keys = [request.header("idempotency-key") for request in rig.receiver.requests]
    assert len(keys) == len(set(keys)) == 200


@pytest.mark.parametrize("data", ['{"a": "\\u0000"}', '{"a": "\\ud800"}', "1e100000", None])
async def test_hostile_data_is_sent_raw_byte_for_byte(rig: Rig, data: str | None) -> None:
    await rig.webhook(raw_payload=True)
    async with rig.worker():
        await rig.platform.commit(data)
        await rig.reaches("delivered")
    assert rig.receiver.requests[0].body == (data or "null").encode()


async def test_deliveries_before_the_low_watermark_are_found_within_seconds(rig: Rig) -> None:
    await rig.webhook(max_in_flight=100)
    async with rig.worker() as worker:
        await rig.platform.run(
            "insert into rowhook.commit (goal_id, data) select %s, '{}'"
            " from generate_series(1, 1500)",
            rig.platform.goal,
        )
        await rig.reaches("delivered", count=1500)
        assert worker.queries.low_watermarks.lanes
        await rig.platform.run(
            "insert into rowhook.event (id, organization_id, type, key, snapshot, occurred_at)"
            " select 0, organization_id, type, 'late', snapshot, now() from rowhook.event limit 1"
        )
        await rig.platform.run(
            "insert into rowhook.outbox (event_id, webhook_id, organization_id, next_attempt_at)"
            " select 0, webhook_id, organization_id, now() - interval '1 hour'"
            " from rowhook.outbox limit 1"
        )
        await rig.reaches("delivered", count=1501)
