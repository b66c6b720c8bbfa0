"""Callbacks: staged by the worker and read by pages over an event stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from rowhook.render.configuration import Configuration
from rowhook.services import links, webhooks
from rowhook.services.context import KeyringContext, Rejected
from rowhook.services.sessions import create_session_token
from tests.support.calls import Api, running_api
from tests.support.event_stream import open_stream
from tests.support.tenants import tenant
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio
SESSION = "session_1"


@pytest.fixture
async def api(rig: Rig) -> AsyncIterator[Api]:
    """The API with the master key of the rig's worker."""
    async with running_api(rig.dsn, keyring=rig.keyring) as running:
        await rig.platform.run(
            "insert into rowhook.session (id, organization_id) values (%s, %s)",
            SESSION,
            rig.platform.organization,
        )
        yield running


async def create_output(rig: Rig, **fields: Any) -> UUID:
    """Creates a frontend output of the goal."""
    configuration = Configuration(**{"name": "page", "kind": "frontend", **fields})
    saved = await webhooks.create_webhook(rig.ctx, rig.platform.organization, configuration)
    await links.link_goal(rig.ctx, saved.id, rig.platform.goal)
    return saved.id


async def create_token(rig: Rig, life_s: float = 3600, session: str = SESSION) -> str:
    ctx = KeyringContext(
        pool=rig.ctx.pool,
        keyring=rig.keyring,
        policy=rig.ctx.policy,
        renderer=rig.ctx.renderer,
        brand="Roxels",
    )
    created = await create_session_token(ctx, session, timedelta(seconds=life_s))
    return created.token


async def test_a_stream_receives_callbacks_as_the_agent_commits(rig: Rig, api: Api) -> None:
    await create_output(rig, body_template='{"n": {{data.n}}}')
    async with rig.worker(), open_stream(api, SESSION, key=await create_token(rig)) as stream:
        for n in range(3):
            await rig.platform.commit(f'{{"n": {n}}}', session=SESSION)
            await stream.wait_for_messages(n + 1)
        rows = await rig.reaches("delivered", count=3)
    assert stream.bodies == ['{"n": 0}', '{"n": 1}', '{"n": 2}']
    assert [message_id for message_id, _ in stream.messages] == [str(row["id"]) for row in rows]
    assert [row["attempts"] for row in rows] == [1, 1, 1]
    attempts = await rig.platform.rows(
        "select outcome, request ->> 'body' as body from rowhook.attempt"
    )
    assert {(attempt["outcome"], attempt["body"]) for attempt in attempts} == {
        ("delivered", body) for body in stream.bodies
    }


async def test_callback_bodies_are_not_stored_with_a_retention_of_zero(rig: Rig, api: Api) -> None:
    await rig.platform.value("select rowhook.set_retention('bodies', '0')")
    await create_output(rig, body_template='{"n": {{data.n}}}')
    async with rig.worker(), open_stream(api, SESSION, key=await create_token(rig)) as stream:
        await rig.platform.commit('{"n": 1}', session=SESSION)
        await stream.wait_for_messages(1)
        await rig.reaches("delivered")
    attempts = await rig.platform.rows("select outcome, request from rowhook.attempt")
    assert attempts == [{"outcome": "delivered", "request": None}]


async def test_a_callback_waits_until_a_stream_is_opened(rig: Rig, api: Api) -> None:
    await create_output(rig)
    async with rig.worker():
        await rig.platform.commit('{"n": 1}', session=SESSION)
        await until(lambda: _staged(rig, 1))
        (row,) = await rig.platform.deliveries()
        assert (row["status"], row["ready"], row["attempts"]) == ("pending", False, 0)
        async with open_stream(api, SESSION, key=await create_token(rig), in_query=True) as stream:
            await stream.wait_for_messages(1)
            await rig.reaches("delivered")


async def _staged(rig: Rig, count: int) -> bool:
    number = await rig.platform.value("select count(*) from rowhook.callback")
    return bool(number == count)


async def test_a_stream_resumes_after_the_last_event_id(rig: Rig, api: Api) -> None:
    await create_output(rig, body_template="{{data}}")
    key = await create_token(rig)
    async with rig.worker():
        for n in range(6):
            await rig.platform.commit(str(n), session=SESSION)
        async with open_stream(api, SESSION, key=key) as stream:
            await stream.wait_for_messages(6)
        last = stream.messages[2][0]
        for in_query in (False, True):
            async with open_stream(
                api, SESSION, key=key, last_event_id=last, in_query=in_query
            ) as resumed:
                assert await resumed.wait_for_messages(3) == stream.bodies[3:]
        async with open_stream(api, SESSION, key=key, last_event_id="999999999") as restarted:
            assert await restarted.wait_for_messages(6) == stream.bodies


async def test_a_retried_callback_is_sent_again_with_another_id(rig: Rig, api: Api) -> None:
    webhook = await create_output(rig, body_template='"a"')
    key = await create_token(rig)
    async with rig.worker(), open_stream(api, SESSION, key=key) as stream:
        await rig.platform.commit("1", session=SESSION)
        await rig.reaches("delivered")
        changed = Configuration(name="page", kind="frontend", body_template='"b"')
        await webhooks.change_webhook(rig.ctx, webhook, changed)
        await rig.platform.run("update rowhook.outbox set status = 'pending'")
        assert await stream.wait_for_messages(2) == ['"a"', '"b"']
        (first, _), (second, _) = stream.messages
        assert second == f"{first}.2"
        async with open_stream(api, SESSION, key=key, last_event_id=first) as resumed:
            assert await resumed.wait_for_messages(1) == ['"b"']


async def test_a_callback_that_cannot_be_rendered_is_held_and_sent_after_the_fix(
    rig: Rig, api: Api
) -> None:
    webhook = await create_output(rig, body_template='"{{data.gone}}"')
    async with rig.worker(), open_stream(api, SESSION, key=await create_token(rig)) as stream:
        await rig.platform.commit("{}", session=SESSION)
        (row,) = await rig.reaches("held")
        assert "data.gone is not defined" in row["last_error"]
        changed = Configuration(name="page", kind="frontend", body_template='"mended"')
        await webhooks.change_webhook(rig.ctx, webhook, changed)
        assert await stream.wait_for_messages(1) == ['"mended"']


async def test_a_commit_without_a_session_is_skipped_with_a_reason(rig: Rig) -> None:
    await create_output(rig)
    async with rig.worker():
        await rig.platform.commit()
        (row,) = await rig.reaches("skipped")
    assert "has no session" in row["last_error"]


async def test_an_unread_callback_is_dead_after_its_ttl_and_can_be_retried(
    rig: Rig, api: Api
) -> None:
    await create_output(rig)
    async with rig.worker():
        await rig.platform.commit("1", session=SESSION)
        await until(lambda: _staged(rig, 1))
        await rig.platform.run("update rowhook.callback set staged_at = now() - interval '2 days'")
        # Makes the delivery due.
        await rig.platform.run(
            "alter table rowhook.outbox disable trigger user;"
            " update rowhook.outbox set next_attempt_at = now()"
        )
        await rig.platform.run("alter table rowhook.outbox enable trigger user")
        (row,) = await rig.reaches("dead")
        assert "no page of the session requested it" in row["last_error"]
        async with open_stream(api, SESSION, key=await create_token(rig)) as stream:
            await rig.platform.run("update rowhook.outbox set status = 'pending'")
            await stream.wait_for_messages(1)
            await rig.reaches("delivered")
        assert len(stream.messages) == 1


async def test_line_breaks_in_a_body_are_preserved(rig: Rig, api: Api) -> None:
    await create_output(rig, body_template='{"a":\r\n 1,\r "b":\n"{{data}}"}')
    async with rig.worker(), open_stream(api, SESSION, key=await create_token(rig)) as stream:
        await rig.platform.commit('"é\\r\\n\\nid: 7\\u2028"', session=SESSION)
        (body,) = await stream.wait_for_messages(1)
    assert body == '{"a":\n 1,\n "b":\n"é\\r\\n\\nid: 7\\u2028"}'


@pytest.mark.long
async def test_the_stream_ends_when_the_token_expires(rig: Rig, api: Api) -> None:
    key = await create_token(rig, life_s=6)
    async with open_stream(api, SESSION, key=key) as stream:
        await stream.wait_for_end()
    assert stream.events == ["expired"]
    response = await api.client.get(f"/v1/sessions/{SESSION}/callbacks", params={"token": key})
    assert response.status_code == 401
    assert "has expired" in response.json()["detail"]


async def test_a_session_token_opens_only_the_callbacks_of_its_session(rig: Rig, api: Api) -> None:
    other = await tenant(api, rig.platform.db)
    key = await create_token(rig)
    refused = {
        f"/sessions/{other.session}/callbacks": 404,
        "/webhooks": 401,
        "/events": 401,
        f"/goals/{rig.platform.goal}/schema": 401,
    }
    for path, status in refused.items():
        assert (await api.call("GET", path, key=key)).status_code == status, path
    response = await api.call("POST", f"/sessions/{SESSION}/token", key=key)
    assert response.status_code == 401
    foreign = await api.key_of(other.organization)
    response = await api.call("POST", f"/sessions/{SESSION}/token", key=foreign)
    assert response.status_code == 404


CHANGES: dict[str, Callable[[str], str]] = {
    "cut": lambda create_token: create_token[:-2],
    "longer": lambda create_token: create_token + "a",
    "another letter": lambda create_token: (
        create_token[:30] + ("A" if create_token[30] != "A" else "B") + create_token[31:]
    ),
    "made up": lambda _: "rhs_x.y.z",
    "empty": lambda _: "rhs_",
}


async def test_a_tampered_token_is_refused(rig: Rig, api: Api) -> None:
    issued, statuses = await create_token(rig), {}
    for name, change in CHANGES.items():
        response = await api.client.get(
            f"/v1/sessions/{SESSION}/callbacks", params={"token": change(issued)}
        )
        statuses[name] = response.status_code
    assert statuses == dict.fromkeys(CHANGES, 401)


async def test_creating_a_token_needs_the_scope_write_and_a_valid_ttl(rig: Rig, api: Api) -> None:
    reader = await api.key_of(rig.platform.organization, "read")
    path = f"/sessions/{SESSION}/token"
    assert (await api.call("POST", path, key=reader)).status_code == 403
    assert (await api.call("POST", path, {"ttl_s": 5})).status_code == 422
    created = (await api.call("POST", path, {"ttl_s": 60})).json()
    assert created["token"].startswith("rhs_")
    async with open_stream(api, SESSION, key=created["token"]):
        pass


async def test_a_frontend_output_may_not_have_secrets_headers_or_ordering(rig: Rig) -> None:
    with pytest.raises(Rejected) as refused:
        await create_output(rig, body_template='"{{secret:k}}"', headers={"X-A": "1"}, ordered=True)
    pointers = {fault.pointer for fault in refused.value.faults}
    assert pointers >= {"/body_template", "/headers", "/ordered"}


async def test_a_stream_is_polled_where_listen_is_not_available(rig: Rig) -> None:
    await rig.platform.run(
        "insert into rowhook.session (id, organization_id) values (%s, %s)",
        SESSION,
        rig.platform.organization,
    )
    await create_output(rig)
    nowhere = "postgresql://nobody@127.0.0.1:9/none"
    async with (
        running_api(rig.dsn, keyring=rig.keyring, direct_dsn=nowhere) as polling_api,
        rig.worker(),
        open_stream(polling_api, SESSION, key=await create_token(rig)) as stream,
    ):
        await rig.platform.commit("1", session=SESSION)
        await stream.wait_for_messages(1)


async def test_every_stream_of_a_session_receives_all_callbacks(rig: Rig, api: Api) -> None:
    await create_output(rig, body_template="{{data}}")
    key = await create_token(rig)
    async with (
        rig.worker(),
        open_stream(api, SESSION, key=key) as first_stream,
        open_stream(api, SESSION, key=key) as second_stream,
    ):
        for n in range(5):
            await rig.platform.commit(str(n), session=SESSION)
        assert sorted(await first_stream.wait_for_messages(5)) == ["0", "1", "2", "3", "4"]
        assert await second_stream.wait_for_messages(5) == first_stream.bodies


async def test_streams_are_completed_when_the_api_stops(rig: Rig) -> None:
    await rig.platform.run(
        "insert into rowhook.session (id, organization_id) values (%s, %s)",
        SESSION,
        rig.platform.organization,
    )
    async with running_api(rig.dsn, keyring=rig.keyring) as stopping:
        stream = open_stream(stopping, SESSION, key=await create_token(rig))
        reader = await stream.__aenter__()
    await reader.wait_for_end()
    await stream.__aexit__(None, None, None)
    # The server closes requests that are still open after half a minute.
    assert not reader.cut_off


async def test_a_slow_reader_delays_no_other_stream(rig: Rig, api: Api) -> None:
    await create_output(rig, body_template='"{{data}}"')
    key = await create_token(rig)
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    path = f"/v1/sessions/{SESSION}/callbacks?token={key}"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    await writer.drain()
    async with rig.worker():
        for n in range(40):
            await rig.platform.commit(f'"{n}{"x" * 200_000}"', session=SESSION)
        async with open_stream(api, SESSION, key=key) as fast:
            await fast.wait_for_messages(40)
    writer.close()
    del reader
    assert len(set(fast.bodies)) == 40
