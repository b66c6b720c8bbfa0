"""Callbacks to pages: staged by the worker, read by pages over an event stream."""

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
from tests.support.event_stream import page
from tests.support.tenants import tenant
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio
SESSION = "session_1"


@pytest.fixture
async def api(rig: Rig) -> AsyncIterator[Api]:
    """The API beside the rig's worker, under the same master key."""
    async with running_api(rig.dsn, keyring=rig.keyring) as running:
        await rig.platform.run(
            "insert into rowhook.session (id, organization_id) values (%s, %s)",
            SESSION,
            rig.platform.organization,
        )
        yield running


async def output(rig: Rig, **fields: Any) -> UUID:
    """A frontend output of the goal."""
    given = Configuration(**{"name": "page", "kind": "frontend", **fields})
    saved = await webhooks.create_webhook(rig.ctx, rig.platform.organization, given)
    await links.link_goal(rig.ctx, saved.id, rig.platform.goal)
    return saved.id


async def token(rig: Rig, life_s: float = 3600, session: str = SESSION) -> str:
    ctx = KeyringContext(
        pool=rig.ctx.pool,
        keyring=rig.keyring,
        policy=rig.ctx.policy,
        renderer=rig.ctx.renderer,
        brand="Roxels",
    )
    made = await create_session_token(ctx, session, timedelta(seconds=life_s))
    return made.token


async def test_a_page_is_told_as_the_agent_commits(rig: Rig, api: Api) -> None:
    await output(rig, body_template='{"n": {{data.n}}}')
    async with rig.worker(), page(api, SESSION, key=await token(rig)) as shown:
        for n in range(3):
            await rig.platform.commit(f'{{"n": {n}}}', session=SESSION)
            await shown.has(n + 1)
        rows = await rig.reaches("delivered", count=3)
    assert shown.bodies == ['{"n": 0}', '{"n": 1}', '{"n": 2}']
    assert [one for one, _ in shown.messages] == [str(row["id"]) for row in rows]
    assert [row["attempts"] for row in rows] == [1, 1, 1]
    tried = await rig.platform.rows(
        "select outcome, request ->> 'body' as body from rowhook.attempt"
    )
    assert {(one["outcome"], one["body"]) for one in tried} == {
        ("delivered", body) for body in shown.bodies
    }


async def test_its_body_is_not_stored_where_none_is_kept(rig: Rig, api: Api) -> None:
    await rig.platform.value("select rowhook.set_retention('bodies', '0')")
    await output(rig, body_template='{"n": {{data.n}}}')
    async with rig.worker(), page(api, SESSION, key=await token(rig)) as shown:
        await rig.platform.commit('{"n": 1}', session=SESSION)
        await shown.has(1)
        await rig.reaches("delivered")
    tried = await rig.platform.rows("select outcome, request from rowhook.attempt")
    assert tried == [{"outcome": "delivered", "request": None}]


async def test_it_waits_until_a_page_comes(rig: Rig, api: Api) -> None:
    await output(rig)
    async with rig.worker():
        await rig.platform.commit('{"n": 1}', session=SESSION)
        await until(lambda: _staged(rig, 1))
        (row,) = await rig.platform.deliveries()
        assert (row["status"], row["ready"], row["attempts"]) == ("pending", False, 0)
        async with page(api, SESSION, key=await token(rig), in_query=True) as shown:
            await shown.has(1)
            await rig.reaches("delivered")


async def _staged(rig: Rig, count: int) -> bool:
    found = await rig.platform.value("select count(*) from rowhook.callback")
    return bool(found == count)


async def test_a_page_goes_on_where_it_left_off(rig: Rig, api: Api) -> None:
    await output(rig, body_template="{{data}}")
    key = await token(rig)
    async with rig.worker():
        for n in range(6):
            await rig.platform.commit(str(n), session=SESSION)
        async with page(api, SESSION, key=key) as shown:
            await shown.has(6)
        last = shown.messages[2][0]
        for in_query in (False, True):
            async with page(api, SESSION, key=key, last=last, in_query=in_query) as again:
                assert await again.has(3) == shown.bodies[3:]
        async with page(api, SESSION, key=key, last="999999999") as afresh:
            assert await afresh.has(6) == shown.bodies


async def test_one_that_is_sent_again_comes_again_under_another_id(rig: Rig, api: Api) -> None:
    webhook = await output(rig, body_template='"a"')
    key = await token(rig)
    async with rig.worker(), page(api, SESSION, key=key) as shown:
        await rig.platform.commit("1", session=SESSION)
        await rig.reaches("delivered")
        changed = Configuration(name="page", kind="frontend", body_template='"b"')
        await webhooks.change_webhook(rig.ctx, webhook, changed)
        await rig.platform.run("update rowhook.outbox set status = 'pending'")
        assert await shown.has(2) == ['"a"', '"b"']
        (first, _), (second, _) = shown.messages
        assert second == f"{first}.2"
        async with page(api, SESSION, key=key, last=first) as again:
            assert await again.has(1) == ['"b"']


async def test_what_cannot_be_rendered_is_held_and_comes_when_it_is_mended(
    rig: Rig, api: Api
) -> None:
    webhook = await output(rig, body_template='"{{data.gone}}"')
    async with rig.worker(), page(api, SESSION, key=await token(rig)) as shown:
        await rig.platform.commit("{}", session=SESSION)
        (row,) = await rig.reaches("held")
        assert "data.gone is not defined" in row["last_error"]
        changed = Configuration(name="page", kind="frontend", body_template='"mended"')
        await webhooks.change_webhook(rig.ctx, webhook, changed)
        assert await shown.has(1) == ['"mended"']


async def test_a_commit_without_a_session_is_skipped_with_a_reason(rig: Rig) -> None:
    await output(rig)
    async with rig.worker():
        await rig.platform.commit()
        (row,) = await rig.reaches("skipped")
    assert "has no session" in row["last_error"]


async def test_what_no_page_asks_for_is_dead_after_its_time_and_can_be_sent_again(
    rig: Rig, api: Api
) -> None:
    await output(rig)
    async with rig.worker():
        await rig.platform.commit("1", session=SESSION)
        await until(lambda: _staged(rig, 1))
        await rig.platform.run("update rowhook.callback set staged_at = now() - interval '2 days'")
        # As time does it: its time has come.
        await rig.platform.run(
            "alter table rowhook.outbox disable trigger user;"
            " update rowhook.outbox set next_attempt_at = now()"
        )
        await rig.platform.run("alter table rowhook.outbox enable trigger user")
        (row,) = await rig.reaches("dead")
        assert "no page of the session requested it" in row["last_error"]
        async with page(api, SESSION, key=await token(rig)) as shown:
            await rig.platform.run("update rowhook.outbox set status = 'pending'")
            await shown.has(1)
            await rig.reaches("delivered")
        assert len(shown.messages) == 1


async def test_lines_of_every_kind_arrive_as_lines(rig: Rig, api: Api) -> None:
    await output(rig, body_template='{"a":\r\n 1,\r "b":\n"{{data}}"}')
    async with rig.worker(), page(api, SESSION, key=await token(rig)) as shown:
        await rig.platform.commit('"é\\r\\n\\nid: 7\\u2028"', session=SESSION)
        (body,) = await shown.has(1)
    assert body == '{"a":\n 1,\n "b":\n"é\\r\\n\\nid: 7\\u2028"}'


@pytest.mark.long
async def test_the_stream_ends_when_the_token_expires(rig: Rig, api: Api) -> None:
    key = await token(rig, life_s=6)
    async with page(api, SESSION, key=key) as shown:
        await shown.end()
    assert shown.events == ["expired"]
    answer = await api.client.get(f"/v1/sessions/{SESSION}/callbacks", params={"token": key})
    assert answer.status_code == 401
    assert "has expired" in answer.json()["detail"]


async def test_a_token_opens_its_own_session_s_callbacks_and_nothing_else(
    rig: Rig, api: Api
) -> None:
    other = await tenant(api, rig.platform.db)
    key = await token(rig)
    refused = {
        f"/sessions/{other.session}/callbacks": 404,
        "/webhooks": 401,
        "/events": 401,
        f"/goals/{rig.platform.goal}/schema": 401,
    }
    for path, status in refused.items():
        assert (await api.call("GET", path, key=key)).status_code == status, path
    answer = await api.call("POST", f"/sessions/{SESSION}/token", key=key)
    assert answer.status_code == 401
    foreign = await api.key_of(other.organization)
    answer = await api.call("POST", f"/sessions/{SESSION}/token", key=foreign)
    assert answer.status_code == 404


CHANGES: dict[str, Callable[[str], str]] = {
    "cut": lambda token: token[:-2],
    "longer": lambda token: token + "a",
    "another letter": lambda token: token[:30] + ("A" if token[30] != "A" else "B") + token[31:],
    "made up": lambda _: "rhs_x.y.z",
    "empty": lambda _: "rhs_",
}


async def test_a_token_that_was_changed_is_refused(rig: Rig, api: Api) -> None:
    issued, statuses = await token(rig), {}
    for name, change in CHANGES.items():
        answer = await api.client.get(
            f"/v1/sessions/{SESSION}/callbacks", params={"token": change(issued)}
        )
        statuses[name] = answer.status_code
    assert statuses == dict.fromkeys(CHANGES, 401)


async def test_the_token_is_made_with_its_life_and_only_by_who_may_write(
    rig: Rig, api: Api
) -> None:
    reader = await api.key_of(rig.platform.organization, "read")
    path = f"/sessions/{SESSION}/token"
    assert (await api.call("POST", path, key=reader)).status_code == 403
    assert (await api.call("POST", path, {"ttl_s": 5})).status_code == 422
    made = (await api.call("POST", path, {"ttl_s": 60})).json()
    assert made["token"].startswith("rhs_")
    async with page(api, SESSION, key=made["token"]):
        pass


async def test_a_frontend_output_holds_no_secret_no_header_and_no_order(rig: Rig) -> None:
    with pytest.raises(Rejected) as refused:
        await output(rig, body_template='"{{secret:k}}"', headers={"X-A": "1"}, ordered=True)
    pointers = {one.pointer for one in refused.value.faults}
    assert pointers >= {"/body_template", "/headers", "/ordered"}


async def test_without_listen_a_page_is_told_within_a_second_or_so(rig: Rig) -> None:
    await rig.platform.run(
        "insert into rowhook.session (id, organization_id) values (%s, %s)",
        SESSION,
        rig.platform.organization,
    )
    await output(rig)
    nowhere = "postgresql://nobody@127.0.0.1:9/none"
    async with (
        running_api(rig.dsn, keyring=rig.keyring, direct_dsn=nowhere) as deaf,
        rig.worker(),
        page(deaf, SESSION, key=await token(rig)) as shown,
    ):
        await rig.platform.commit("1", session=SESSION)
        await shown.has(1)


async def test_several_pages_of_one_session_are_told_all(rig: Rig, api: Api) -> None:
    await output(rig, body_template="{{data}}")
    key = await token(rig)
    async with rig.worker(), page(api, SESSION, key=key) as one, page(api, SESSION, key=key) as two:
        for n in range(5):
            await rig.platform.commit(str(n), session=SESSION)
        assert sorted(await one.has(5)) == ["0", "1", "2", "3", "4"]
        assert await two.has(5) == one.bodies


async def test_when_the_api_stops_its_streams_are_ended_and_not_cut_off(rig: Rig) -> None:
    await rig.platform.run(
        "insert into rowhook.session (id, organization_id) values (%s, %s)",
        SESSION,
        rig.platform.organization,
    )
    async with running_api(rig.dsn, keyring=rig.keyring) as stopping:
        stream = page(stopping, SESSION, key=await token(rig))
        shown = await stream.__aenter__()
    await shown.end()
    await stream.__aexit__(None, None, None)
    # The server waits for half a minute for open requests, and cuts them off then.
    assert not shown.cut_off


async def test_a_page_that_takes_nothing_keeps_nobody_and_loses_nothing(rig: Rig, api: Api) -> None:
    await output(rig, body_template='"{{data}}"')
    key = await token(rig)
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    path = f"/v1/sessions/{SESSION}/callbacks?token={key}"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    await writer.drain()
    async with rig.worker():
        for n in range(40):
            await rig.platform.commit(f'"{n}{"x" * 200_000}"', session=SESSION)
        async with page(api, SESSION, key=key) as quick:
            await quick.has(40)
    writer.close()
    del reader
    assert len(set(quick.bodies)) == 40
