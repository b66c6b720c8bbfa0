"""Rows of three platform tables of different shapes, from the insert to the receiver."""

from __future__ import annotations

import json

import pytest

from rowhook.services import links
from tests.engine.test_sources import watch
from tests.support.worker_rig import Rig, until

pytestmark = [pytest.mark.anyio, pytest.mark.servers("embedded_18", "stock_15")]
TABLES = {
    "bigint ids": (
        "public.runs",
        (
            "create table public.runs (id bigint generated always as identity primary key,"
            " agent text, state text, result jsonb, done_at timestamptz)"
        ),
        {
            "id": "id",
            "agent_id": "agent",
            "status": "state",
            "output": "result",
            "completed_at": "done_at",
        },
        (
            "insert into public.runs (agent, state, result, done_at)"
            " values (%s, 'succeeded', '{\"n\": 1.50}', now())"
        ),
        "1",
    ),
    "partitioned": (
        "app.runs",
        (
            "create schema app; create table app.runs (id uuid, at timestamptz, agent text,"
            " state text, result json, primary key (id, at)) partition by range (at);"
            " create table app.runs_all partition of app.runs default"
        ),
        {
            "id": "id",
            "agent_id": "agent",
            "status": "state",
            "output": "result",
            "completed_at": "at",
        },
        (
            "insert into app.runs values ('7d7f1c0e-0000-4000-8000-000000000001', now(), %s,"
            " 'succeeded', '{\"n\": 1.50}')"
        ),
        "7d7f1c0e-0000-4000-8000-000000000001",
    ),
    "quoted names": (
        '"My App"."Agent Runs"',
        (
            'create schema "My App"; create table "My App"."Agent Runs" ("Run Id" text primary key,'
            ' "Agent" text, "Status" text, "Result" json, "Finished At" timestamptz)'
        ),
        {
            "id": "Run Id",
            "agent_id": "Agent",
            "status": "Status",
            "output": "Result",
            "completed_at": "Finished At",
        },
        (
            "insert into \"My App\".\"Agent Runs\" values ('run/ä 1', %s, 'succeeded',"
            " '{\"n\": 1.50}', now())"
        ),
        "run/ä 1",
    ),
}


@pytest.mark.parametrize("shape", TABLES)
async def test_a_row_of_a_platform_table_reaches_the_receiver(rig: Rig, shape: str) -> None:
    table, definition, mapping, insert, written = TABLES[shape]
    for statement in definition.split(";"):
        await rig.platform.db.execute(statement.encode())
    await watch(rig.platform, "jobs", table, mapping)
    webhook = await rig.webhook()
    await links.link_agent(rig.ctx, webhook.id, rig.platform.agent)
    async with rig.worker():
        await rig.platform.db.execute(insert.encode(), [str(rig.platform.agent)])

        async def arrived() -> bool:
            return bool(rig.receiver.requests)

        await until(arrived, description="the request")
    (request,) = rig.receiver.requests
    body = json.loads(request.body)
    assert body["job"]["id"] == written
    assert body["agent"]["id"] == str(rig.platform.agent)
    assert b'"n":1.50' in request.body.replace(b" ", b"")
