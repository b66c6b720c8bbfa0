"""The MCP tools for agents, called with the client of the SDK."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.http.test_validate_endpoint import EMAIL, link_webhook
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
async def connect_agent(api: Api, key: str = ADMIN_KEY) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        Client(streamable_http_client(f"{api.url}/mcp", http_client=http)) as client,
    ):
        yield client


async def call_tool(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    document: dict[str, Any] = result.structured_content or {}
    return document


async def call_refused_tool(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content[0].text)  # type: ignore[union-attr]  # a refusal is a text


async def mail_output(api: Api, platform: Platform) -> None:
    schema = {"type": "object", "required": ["m"], "properties": {"m": EMAIL}}
    await link_webhook(api, platform, body_template='{"m": "{{data.mail}}"}', schema=schema)
    await platform.run(
        "insert into rowhook.session (id, organization_id) values ('s1', %s)",
        platform.organization,
    )


async def test_the_tools_are_listed_with_their_schemas(api: Api) -> None:
    async with connect_agent(api) as client:
        tools = (await client.list_tools()).tools
    assert {tool.name for tool in tools} == TOOLS
    assert all(tool.description and "ctx" not in tool.input_schema["properties"] for tool in tools)


async def test_an_agent_reads_the_schema_corrects_its_data_and_commits(
    api: Api, platform: Platform
) -> None:
    await mail_output(api, platform)
    async with connect_agent(api) as client:
        schema = await call_tool(client, "get_commit_schema", goal_id=platform.goal)
        assert schema["properties"]["mail"]["format"] == "email"
        target = {"goal_id": platform.goal, "session_id": "s1"}
        rejected = await call_tool(client, "commit", data={"mail": "ada@"}, **target)
        assert rejected["commit_id"] is None
        (fault,) = rejected["verdict"]["outputs"][0]["errors"]
        assert fault["pointer"] == "/mail"
        assert await platform.value("select count(*) from rowhook.commit") == 0
        committed = await call_tool(client, "commit", data={"mail": "ada@example.com"}, **target)
        deliveries = await call_tool(client, "list_deliveries", session_id="s1")
        (delivery,) = deliveries["items"]
        assert delivery["commit_id"] == committed["commit_id"]
        explanation = await call_tool(client, "explain_delivery", delivery_id=delivery["id"])
        assert "is pending" in explanation["explanation"]
        await call_tool(client, "retry_delivery", delivery_id=delivery["id"])
    actions = await platform.rows(
        "select action, actor from rowhook.audit where action = 'commit.made'"
    )
    assert len(actions) == 1


async def test_a_repeated_commit_id_commits_once(api: Api, platform: Platform) -> None:
    async with connect_agent(api) as client:
        arguments = {"goal_id": platform.goal, "commit_id": "mine", "data_text": '{"n": 1.10}'}
        first = await call_tool(client, "commit", **arguments)
        again = await call_tool(client, "commit", **arguments)
    assert (first["is_new"], again["is_new"], again["commit_id"]) == (True, False, "mine")
    assert await platform.value("select data::text from rowhook.commit") == '{"n": 1.10}'


async def test_an_invalid_commit_needs_even_if_invalid(api: Api, platform: Platform) -> None:
    await mail_output(api, platform)
    async with connect_agent(api) as client:
        committed = await call_tool(
            client, "commit", goal_id=platform.goal, data={}, even_if_invalid=True
        )
    assert committed["commit_id"]
    assert not committed["verdict"]["valid"]


async def test_keys_and_scopes_are_those_of_rest(api: Api, platform: Platform) -> None:
    response = await api.client.post("/mcp", json={})
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    reader = await api.key_of(platform.organization, "read")
    async with connect_agent(api, reader) as client:
        message = await call_refused_tool(client, "commit", goal_id=platform.goal, data={})
        assert "lacks the scope write" in message
        assert "lacks the scope replay" in await call_refused_tool(
            client, "retry_delivery", delivery_id=1
        )
        await call_tool(client, "get_commit_schema", goal_id=platform.goal)


async def test_goals_and_deliveries_of_another_organization_do_not_exist(
    api: Api, platform: Platform
) -> None:
    await mail_output(api, platform)
    other = await tenant(api, platform.db)
    async with connect_agent(api, await api.key_of(other.organization)) as client:
        for tool in ("get_commit_schema", "validate_commit", "commit"):
            arguments: dict[str, Any] = {"goal_id": platform.goal}
            arguments |= {} if tool == "get_commit_schema" else {"data": {}}
            assert "does not exist" in await call_refused_tool(client, tool, **arguments)
        assert (await call_tool(client, "list_deliveries", session_id="s1"))["items"] == []
        own = {"goal_id": other.platform.goal, "data": {}, "session_id": "s1"}
        assert "Session s1 does not exist" in await call_refused_tool(client, "commit", **own)


# A tool, its arguments, and a part of the error; None if the call succeeds.
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


async def test_bad_input_is_reported_with_a_message(api: Api, platform: Platform) -> None:
    async with connect_agent(api) as client:
        for tool, arguments, expected in BAD_INPUT:
            case = f"{tool} {arguments}"
            goal = {"goal_id": platform.goal} if tool in ("commit", "validate_commit") else {}
            result = await client.call_tool(tool, goal | arguments)
            assert result.is_error is (expected is not None), case
            if expected is not None:
                assert expected in json.dumps(result.content[0].model_dump()), case
                # The SDK reports an unexpected exception with this text.
                text = result.content[0].model_dump()["text"]
                assert text != f"Error executing tool {tool}", case
