"""The agent's tools over MCP, called with the SDK's own client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.http.test_contract_validate import EMAIL, linked
from tests.support.calls import ADMIN_KEY, Api
from tests.support.sample_platform import Platform
from tests.support.tenants import tenant

pytestmark = pytest.mark.anyio
TOOLS = {
    "get_commit_schema",
    "validate_commit",
    "commit",
    "list_deliveries",
    "explain_delivery",
    "retry_delivery",
}


@asynccontextmanager
async def agent(api: Api, key: str = ADMIN_KEY) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        Client(streamable_http_client(f"{api.url}/mcp", http_client=http)) as client,
    ):
        yield client


async def asked(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    found = await client.call_tool(tool, arguments)
    assert not found.is_error, found.content
    document: dict[str, Any] = found.structured_content or {}
    return document


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    found = await client.call_tool(tool, arguments)
    assert found.is_error
    return str(found.content[0].text)  # type: ignore[union-attr]  # a refusal is a text


async def mail_output(api: Api, platform: Platform) -> None:
    schema = {"type": "object", "required": ["m"], "properties": {"m": EMAIL}}
    await linked(api, platform, body_template='{"m": "{{data.mail}}"}', schema=schema)
    await platform.run(
        "insert into rowhook.session (id, organization_id) values ('s1', %s)",
        platform.organization,
    )


async def test_the_tools_are_listed_with_their_schemas(api: Api) -> None:
    async with agent(api) as client:
        tools = (await client.list_tools()).tools
    assert {one.name for one in tools} == TOOLS
    assert all(one.description and "ctx" not in one.input_schema["properties"] for one in tools)


async def test_an_agent_reads_proposes_corrects_and_commits(api: Api, platform: Platform) -> None:
    await mail_output(api, platform)
    async with agent(api) as client:
        schema = await asked(client, "get_commit_schema", goal_id=platform.goal)
        assert schema["properties"]["mail"]["format"] == "email"
        told = {"goal_id": platform.goal, "session_id": "s1"}
        refused = await asked(client, "commit", data={"mail": "ada@"}, **told)
        assert refused["commit_id"] is None
        (fault,) = refused["verdict"]["outputs"][0]["errors"]
        assert fault["pointer"] == "/mail"
        assert await platform.value("select count(*) from rowhook.commit") == 0
        made = await asked(client, "commit", data={"mail": "ada@example.com"}, **told)
        deliveries = await asked(client, "list_deliveries", session_id="s1")
        (delivery,) = deliveries["items"]
        assert delivery["commit_id"] == made["commit_id"]
        said = await asked(client, "explain_delivery", delivery_id=delivery["id"])
        assert "is pending" in said["explanation"]
        await asked(client, "retry_delivery", delivery_id=delivery["id"])
    actions = await platform.rows(
        "select action, actor from rowhook.audit where action = 'commit.made'"
    )
    assert len(actions) == 1


async def test_the_same_id_again_commits_once(api: Api, platform: Platform) -> None:
    async with agent(api) as client:
        told = {"goal_id": platform.goal, "commit_id": "mine", "data_text": '{"n": 1.10}'}
        first = await asked(client, "commit", **told)
        again = await asked(client, "commit", **told)
    assert (first["is_new"], again["is_new"], again["commit_id"]) == (True, False, "mine")
    assert await platform.value("select data::text from rowhook.commit") == '{"n": 1.10}'


async def test_what_would_be_held_is_committed_only_if_that_is_wanted(
    api: Api, platform: Platform
) -> None:
    await mail_output(api, platform)
    async with agent(api) as client:
        made = await asked(client, "commit", goal_id=platform.goal, data={}, even_if_invalid=True)
    assert made["commit_id"]
    assert not made["verdict"]["valid"]


async def test_keys_and_scopes_are_those_of_rest(api: Api, platform: Platform) -> None:
    answer = await api.client.post("/mcp", json={})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    reader = await api.key_of(platform.organization, "read")
    async with agent(api, reader) as client:
        said = await refusal(client, "commit", goal_id=platform.goal, data={})
        assert "lacks the scope write" in said
        assert "lacks the scope replay" in await refusal(client, "retry_delivery", delivery_id=1)
        await asked(client, "get_commit_schema", goal_id=platform.goal)


async def test_another_organization_s_goal_and_deliveries_do_not_exist(
    api: Api, platform: Platform
) -> None:
    await mail_output(api, platform)
    other = await tenant(api, platform.db)
    async with agent(api, await api.key_of(other.organization)) as client:
        for tool in ("get_commit_schema", "validate_commit", "commit"):
            told: dict[str, Any] = {"goal_id": platform.goal}
            told |= {} if tool == "get_commit_schema" else {"data": {}}
            assert "does not exist" in await refusal(client, tool, **told)
        assert (await asked(client, "list_deliveries", session_id="s1"))["items"] == []
        own = {"goal_id": other.platform.goal, "data": {}, "session_id": "s1"}
        assert "Session s1 does not exist" in await refusal(client, "commit", **own)


# A tool, its arguments, and a part of the refusal; None if the call is good.
BAD_INPUT: list[tuple[str, dict[str, Any], str | None]] = [
    ("commit", {"goal_id": "nowhere", "data": {}}, "does not exist"),
    ("commit", {"data_text": "{"}, "Invalid JSON"),
    ("validate_commit", {"data_text": '{"a": "\\u0000", "b": 1e400}'}, None),
    ("explain_delivery", {"delivery_id": 4711}, "does not exist"),
    ("explain_delivery", {"delivery_id": 2**70}, ""),
    ("list_deliveries", {"session_id": "a\0b"}, ""),
    ("commit", {"goal_id": "a\0b", "data": {}}, ""),
    ("retry_delivery", {"delivery_id": "x"}, ""),
]


async def test_bad_input_is_told_in_words(api: Api, platform: Platform) -> None:
    async with agent(api) as client:
        for tool, arguments, refused in BAD_INPUT:
            case = f"{tool} {arguments}"
            goal = {"goal_id": platform.goal} if tool in ("commit", "validate_commit") else {}
            answer = await client.call_tool(tool, goal | arguments)
            assert answer.is_error is (refused is not None), case
            if refused is not None:
                assert refused in json.dumps(answer.content[0].model_dump()), case
                # Of a crash the SDK says no more than this.
                text = answer.content[0].model_dump()["text"]
                assert text != f"Error executing tool {tool}", case
