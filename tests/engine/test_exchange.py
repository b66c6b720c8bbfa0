"""The displayed request and response of an attempt are those that were sent and received."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowhook.db import connection_pool, engine
from rowhook.db.connection_pool import Pool
from rowhook.model import Claim, Outcome, Request, Verdict
from rowhook.render.configuration import Configuration
from rowhook.render.request import render_request
from rowhook.render.webhook_compiler import compile_webhook
from rowhook.security.sign import Signer
from rowhook.services import secrets
from rowhook.worker.recorder import Result
from tests.support.receiver import answer
from tests.support.sample_platform import Platform
from tests.support.servers import embedded_server, every_server
from tests.support.worker_rig import LOOPBACK, Rig, until

pytestmark = pytest.mark.anyio
SIGNER = Signer(brand="Roxels", secrets=["whsec_" + "QUJD" * 11])
EXCHANGE = (
    "select request::text, response_headers, response_body from rowhook.attempt order by number"
)

# Without NUL, which PostgreSQL cannot store, and surrogates, which UTF-8 cannot encode.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
)


@st.composite
def json_texts(draw: st.DrawFn) -> str:
    """Returns JSON text with unusual spaces, line breaks and escapes."""
    value = {"name": draw(TEXT), "value": draw(VALUES)}
    text = json.dumps(
        value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 0, 2]))
    )
    return draw(st.sampled_from(["", " ", "\n"])) + text.replace(
        "~", draw(st.sampled_from(["~", "\\u0000"]))
    )


WEBHOOKS: list[dict[str, Any]] = [
    {},
    {"raw_payload": True},
    {"method": "GET", "url": "https://example.com/{{ data.name }}?q={{ event.type }}"},
    {
        "method": "DELETE",
        "raw_payload": True,
        "headers": {"X-Plain": '"quoted" \\ {{ 1 }}'},
    },
    {
        "body_template": '{"name": {{ data.name }}, "all": {{ data.value }}}',
        "headers": {"X-Key": "{{ commit_id }}"},
    },
    {"body_template": '{"ping": "\\u00e9\\n"}', "headers": {"X-A": "a", "X-B": "b"}},
    {
        "body_template": "{{ data.name }}",
        "headers": {"Content-Type": "text/plain", "X-Event": "{{ event.id }}"},
    },
]


EXCHANGES = given(
    data=st.none() | json_texts(),
    context=json_texts(),
    name=TEXT,
    fields=st.sampled_from(WEBHOOKS),
    key=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=300),
    source=st.sampled_from(["job", "commit"]),
)
OPTIONS = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@embedded_server
@settings(OPTIONS, max_examples=15)
@EXCHANGES
async def test_a_recorded_request_is_displayed_as_sent(
    platform: Platform, pool: Pool, **values: Any
) -> None:
    await check_displayed_request(platform, pool, **values)


@pytest.mark.long
@every_server
@settings(OPTIONS, max_examples=60)
@EXCHANGES
async def test_many_recorded_requests_are_displayed_as_sent(
    platform: Platform, pool: Pool, **values: Any
) -> None:
    await check_displayed_request(platform, pool, **values)


async def check_displayed_request(
    platform: Platform,
    pool: Pool,
    *,
    data: str | None,
    context: str,
    fields: dict[str, Any],
    name: str,
    key: str,
    source: str,
) -> None:
    await platform.run("delete from rowhook.outbox")
    await platform.run("delete from rowhook.event")
    await platform.run("update rowhook.agent set name = %s", name)
    await platform.run("update rowhook.organization set name = %s", name)
    if not await platform.rows("select from rowhook.link"):
        webhook = await platform.webhook_of_goal()
        await platform.value("select rowhook.link_agent(%s, %s)", webhook, platform.agent)
    if source == "job":
        await platform.run(
            "insert into rowhook.job (agent_version_id, status, output, metadata, cost)"
            " values (%s, 'succeeded', %s, %s, 0.50)",
            platform.version,
            data,
            context,
        )
    else:
        await platform.run("delete from rowhook.commit")
        await platform.run(
            "insert into rowhook.commit (id, goal_id, data) values (%s, %s, %s)",
            key,
            platform.goal,
            data,
        )
    (claim,) = await platform.claim(pool)
    rendered = render_claim(claim, fields)
    if isinstance(rendered, Request):
        await record(pool, claim, rendered, Verdict.DELIVERED)
        displayed = await platform.value(
            "select request::text from rowhook.attempt where outbox_id = %s", claim.outbox_id
        )
        assert json.loads(displayed) == msgspec.to_builtins(rendered.redacted, builtin_types=()) | {
            "headers": [list(header) for header in rendered.redacted.headers]
        }


def render_claim(claim: Claim, fields: dict[str, Any]) -> Request | Outcome:
    """Renders the request of a claim with these webhook fields."""
    given_fields = Configuration(**({"name": "hook", "url": "https://example.com/hook"} | fields))
    webhook = compile_webhook(
        given_fields,
        brand="Roxels",
        sign=lambda key, at, body: SIGNER.headers(key=key, timestamp=at, body=body),
        identity={
            "id": claim.webhook_id,
            "organization_id": claim.event.organization_id,
            "revision": claim.revision,
            "secrets_version": claim.secrets_version,
        },
    )
    return render_request(webhook, claim.event, epoch_s=1779539696.789, policy=LOOPBACK)


async def record(pool: Pool, claim: Claim, request: Request, verdict: Verdict) -> None:
    result = Result.of(claim, Outcome(verdict=verdict), datetime.now(UTC), request)
    frames = [] if request.framed_request is None else [request.framed_request.frame]
    counted = await engine.record(pool, msgspec.json.encode([result]), msgspec.json.encode(frames))
    assert [token for token, _ in counted] == [claim.token]


async def test_a_nul_of_a_text_body_is_sent_and_displayed_as_a_replacement_character(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    await platform.commit('{"name": "a\\u0000b"}')
    (claim,) = await platform.claim(pool)
    rendered = render_claim(
        claim, {"body_template": "{{ data.name }}", "headers": {"Content-Type": "text/plain"}}
    )
    assert isinstance(rendered, Request)
    assert rendered.body == b"a\x00b"
    await record(pool, claim, rendered, Verdict.DELIVERED)
    displayed = await platform.value("select request ->> 'body' from rowhook.attempt")
    assert displayed == "a\ufffdb"


async def test_the_common_part_of_attempts_is_stored_once(platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_goal(retry_schedule_s=[0, 0, 0])
    data = json.dumps({"text": "a text that stands nowhere else"})
    await platform.commit(data)
    bodies = []
    for verdict in (Verdict.HTTP_STATUS, Verdict.HTTP_STATUS, Verdict.DELIVERED):
        (claim,) = await platform.claim(pool)
        rendered = render_claim(claim, {})
        assert isinstance(rendered, Request)
        await record(pool, claim, rendered, verdict)
        bodies.append(rendered.redacted.body)
    displayed = await platform.rows(
        "select request ->> 'body' as body from rowhook.attempt order by number"
    )
    assert [row["body"] for row in displayed] == bodies
    assert await platform.value("select count(*) from rowhook.request_frame") == 1
    stored = await platform.rows(
        "select request::text from rowhook.exchange union all"
        " select request::text from rowhook.failed_exchange"
    )
    assert len(stored) == 3
    everything = "".join(row["request"] for row in stored)
    for common in ("a text that stands nowhere else", "example.com", "User-Agent", platform.goal):
        assert common not in everything


@pytest.mark.parametrize("type_", ["webhook.failing", "webhook.disabled", "webhook.recovered"])
@pytest.mark.parametrize(
    "snapshot", [{}, {"organization": {"id": 1}, "webhook": None, "reason": "é"}]
)
async def test_an_operational_event_is_displayed_as_sent(
    platform: Platform, pool: Pool, type_: str, snapshot: dict[str, Any]
) -> None:
    webhook = await platform.webhook(event_types=[type_])
    event = await platform.value(
        "insert into rowhook.event (organization_id, type, key, snapshot, occurred_at)"
        " values (%s, %s, 'key', %s, now()) returning id",
        platform.organization,
        type_,
        json.dumps(snapshot),
    )
    await platform.run(
        "insert into rowhook.outbox (event_id, webhook_id, organization_id) values (%s, %s, %s)",
        event,
        webhook,
        platform.organization,
    )
    (claim,) = await platform.claim(pool)
    rendered = render_claim(claim, {})
    assert isinstance(rendered, Request)
    await record(pool, claim, rendered, Verdict.TIMEOUT)
    body = await platform.value("select request ->> 'body' from rowhook.attempt")
    assert body == rendered.redacted.body


async def test_each_revision_displays_its_own_request(
    rig: Rig,
) -> None:
    saved = await rig.webhook(headers={"X-Version": "one"}, retry_schedule_s=[0, 3600])
    rig.receiver.script("/hook", answer(503), answer(204))
    async with rig.worker():
        await rig.platform.commit()
        await rig.reaches("pending")
        rows = await rig.platform.rows("select id from rowhook.outbox")

        async def is_attempted() -> bool:
            return bool(await rig.platform.rows("select from rowhook.attempt"))

        await until(is_attempted, description="the first attempt")
        await rig.change(saved.id, headers={"X-Version": "two", "X-More": "{{ goal.id }}"})
        await rig.platform.value("select rowhook.retry(%s)", [row["id"] for row in rows])
        await rig.reaches("delivered")
    first, second = await rig.platform.rows(EXCHANGE)
    assert ["X-Version", "one"] in json.loads(first["request"])["headers"]
    assert ["X-Version", "two"] in json.loads(second["request"])["headers"]
    assert ["X-More", rig.platform.goal] in json.loads(second["request"])["headers"]
    assert [json.loads(attempt["request"])["body"].encode() for attempt in (first, second)] == [
        request.body for request in rig.receiver.requests
    ]


@pytest.mark.parametrize("fields", [{"raw_payload": True}, {}, {"body_template": "{{ data }}"}])
async def test_a_large_event_is_displayed_as_sent(rig: Rig, fields: dict[str, Any]) -> None:
    await rig.webhook(**fields)
    async with rig.worker():
        await rig.platform.commit(json.dumps({"lines": [f"line {n}" for n in range(20_000)]}))
        await rig.reaches("delivered")
    (attempt,) = await rig.platform.rows(EXCHANGE)
    assert json.loads(attempt["request"])["body"].encode() == rig.receiver.requests[0].body


async def test_a_redacted_secret_stays_redacted(rig: Rig) -> None:
    organization = rig.platform.organization
    await secrets.put_secret(rig.ctx, organization, "crm", "s3cret-value-77")
    await rig.webhook(headers={"Authorization": "Bearer {{secret:crm}}"})
    async with rig.worker():
        await rig.platform.commit('{"said": "s3cret-value-77"}')
        await rig.reaches("delivered")
    (attempt,) = await rig.platform.rows(EXCHANGE)
    assert ["Authorization", "Bearer [secret:crm]"] in json.loads(attempt["request"])["headers"]


async def test_a_result_of_the_previous_release_is_displayed_unchanged(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal(retry_schedule_s=[0, 0])
    await platform.commit()
    request = {
        "method": "POST",
        "url": "https://a.example/",
        "headers": [["A", "b"]],
        "body": "é",
    }
    for outcome in ("http_status", "delivered"):
        (claim,) = await platform.claim(pool)
        result = {
            "outbox_id": claim.outbox_id,
            "token": claim.token,
            "revision": 1,
            "secrets_version": 1,
            "outcome": outcome,
            "started_at": str(datetime.now(UTC)),
            "duration_ms": 1.5,
            "request": request,
            "response_headers": [["B", "c"]],
            "response_body": "body",
        }
        record_query = "select token from rowhook.record(%s::json)"
        assert await platform.value(record_query, json.dumps([result])) == claim.token
    displayed = await platform.rows(EXCHANGE)
    assert [json.loads(row["request"]) for row in displayed] == [request, request]
    assert [row["response_body"] for row in displayed] == ["body", "body"]


async def test_a_row_inserted_by_hand_is_an_attempt(platform: Platform) -> None:
    await platform.run(
        "insert into rowhook.attempt"
        " (outbox_id, number, revision, started_at, duration_ms, outcome, request)"
        """ values (7, 1, 1, now(), 1.5, 'delivered', '{"method": "POST"}'),"""
        " (7, 2, 1, now(), 0, 'timeout', null)"
    )
    displayed = await platform.rows(
        "select number, outcome, request from rowhook.attempt order by number"
    )
    assert [tuple(row.values()) for row in displayed] == [
        (1, "delivered", {"method": "POST"}),
        (2, "timeout", None),
    ]


async def test_a_request_without_its_event_is_not_displayed(platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    (claim,) = await platform.claim(pool)
    rendered = render_claim(claim, {})
    assert isinstance(rendered, Request)
    await record(pool, claim, rendered, Verdict.DELIVERED)
    await platform.run("delete from rowhook.event")
    assert await platform.rows("select outcome, request from rowhook.attempt") == [
        {"outcome": "delivered", "request": None}
    ]


def new_frames(platform: Platform, *numbers: int) -> str:
    return json.dumps(
        [
            {
                "digest": str(UUID(int=number)),
                "webhook_id": str(UUID(int=1)),
                "organization_id": str(platform.organization),
                "pieces": ["{}"],
            }
            for number in numbers
        ]
    )


@pytest.mark.new_database
@every_server
async def test_workers_that_store_the_same_request_frames_do_not_deadlock(
    platform: Platform, dsn: str
) -> None:
    keep: LiteralString = "select rowhook.store_frames(%s::json)"
    await platform.run(
        "insert into rowhook.request_frame (digest, webhook_id, organization_id, pieces)"
        " select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '[]'"
        " from generate_series(1, 5000)"
    )
    await platform.run("analyze rowhook.request_frame")

    async def both_are_waiting() -> bool:
        return bool(await platform.value("select count(*) = 2 from pg_locks where not granted"))

    async with (
        await connection_pool.connect(dsn) as first,
        await connection_pool.connect(dsn) as second,
        await connection_pool.connect(dsn) as holder,
        asyncio.TaskGroup() as tasks,
        holder.transaction(),
    ):
        await holder.execute(keep, (new_frames(platform, 2),))
        tasks.create_task(first.execute(keep, (new_frames(platform, 1, 2, 3),)))
        tasks.create_task(second.execute(keep, (new_frames(platform, 3, 2, 1),)))
        await until(both_are_waiting, description="both to wait")
        raise psycopg.Rollback
    assert await platform.value("select count(*) from rowhook.request_frame") == 5003


async def test_an_unused_request_frame_is_removed_and_recreated(
    rig: Rig,
) -> None:
    await rig.webhook()
    async with rig.worker():
        await rig.platform.commit()
        await rig.reaches("delivered")
        await rig.platform.run("update rowhook.request_frame set used_on = used_on - 20")
        await rig.platform.value("select rowhook.remove_leftovers()")
        assert await rig.platform.value("select count(*) from rowhook.request_frame") == 1
        await rig.platform.commit()
        await rig.reaches("delivered", count=2)
        used = "select bool_and(used_on >= (now() at time zone 'UTC')::date - 1)"
        assert await rig.platform.value(f"{used} from rowhook.request_frame")
        await rig.platform.run("update rowhook.request_frame set used_on = used_on - 40")
        await rig.platform.value("select rowhook.remove_leftovers()")
        assert await rig.platform.value("select count(*) from rowhook.request_frame") == 0
        await rig.platform.commit()
        await rig.reaches("delivered", count=3)
    # That of the requests, and that of the responses since the second.
    assert await rig.platform.value("select count(*) from rowhook.request_frame") == 2
