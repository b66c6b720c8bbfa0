"""Every call that OpenAPI names, for every kind of key: what it does, and what it must not."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from rowhook.services.access import SCOPES
from tests.support.calls import Api
from tests.support.rules import RULES, ask, statuses
from tests.support.tenants import OWNED, Tenant, tenant

pytestmark = pytest.mark.anyio
DIGESTED = (
    *OWNED,
    "organization",
    "agent",
    "goal",
    "chore",
    "idempotent_request",
    "test_allowance",
)


@pytest.fixture
async def ours(api: Api, db: psycopg.AsyncConnection) -> Tenant:
    return await tenant(api, db)


@pytest.fixture
async def theirs(api: Api, db: psycopg.AsyncConnection) -> Tenant:
    return await tenant(api, db)


async def digest(db: psycopg.AsyncConnection) -> dict[str, Any]:
    """Every row of what may change, but for when a key was last used."""
    found = {}
    for table in DIGESTED:
        query = (
            "select count(*), md5(string_agg(shown, ' ' order by shown)) from ("
            f"select (to_jsonb(t) - 'last_used_at')::text as shown from rowhook.{table} t) as s"
        )
        found[table] = await (await db.execute(query.encode())).fetchone()
    return found


async def published(api: Api) -> dict[str, Any]:
    """The calls under /v1 that the served OpenAPI names: `METHOD path` → operation."""
    document = (await api.client.get("/schema/openapi.json")).json()
    return {
        f"{method.upper()} {path}": operation
        for path, operations in document["paths"].items()
        if path.startswith("/v1/")
        for method, operation in operations.items()
    }


async def test_every_call_has_a_rule_and_every_rule_a_call(api: Api) -> None:
    calls = await published(api)
    assert set(calls) == set(RULES)
    for call, operation in calls.items():
        assert operation["security"] == [{"key": []}], call
        assert {"400", "401", "403", "404", "503"} <= set(operation["responses"]), call


async def test_without_a_key_that_counts_every_call_is_401_and_does_nothing(
    api: Api, ours: Tenant, db: psycopg.AsyncConnection
) -> None:
    expired = await api.key_of(ours.organization)
    await db.execute("update rowhook.api_key set expires_at = now() where name = 'test'")
    before = await digest(db)
    for key in ("", "rhk_" + "b" * 40, expired, "nonsense"):
        for call in RULES:
            answer = await ask(api, call, ours, key)
            assert (call, answer.status_code) == (call, 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.headers["content-type"] == "application/problem+json"
    assert await digest(db) == before


async def test_a_key_that_may_only_read_changes_nothing(
    api: Api, ours: Tenant, db: psycopg.AsyncConnection
) -> None:
    key = await api.key_of(ours.organization, "read")
    before = await digest(db)
    expected = {call: rule.does if rule.scope == "read" else 403 for call, rule in RULES.items()}
    assert await statuses(api, ours, key) == expected
    assert await digest(db) == before


async def test_every_other_scope_than_the_one_asked_for_is_403(
    api: Api, ours: Tenant, db: psycopg.AsyncConnection
) -> None:
    answers: dict[str, int] = {}
    for scope in SCOPES:
        key = await api.key_of(ours.organization, *(other for other in SCOPES if other != scope))
        created = await digest(db)
        calls = {call: rule for call, rule in RULES.items() if rule.scope == scope}
        answers |= await statuses(api, ours, key, calls)
        assert await digest(db) == created, scope
    assert answers == {call: 403 for call, rule in RULES.items() if rule.scope in SCOPES}


async def test_another_organization_s_key_finds_nothing_and_changes_nothing(
    api: Api, ours: Tenant, theirs: Tenant, db: psycopg.AsyncConnection
) -> None:
    key = await api.key_of(theirs.organization)
    before = await digest(db)
    expected = {
        call: {"absent": 404, "own rows": 200, "none of them": 200, "closed": 403}[rule.others]
        for call, rule in RULES.items()
    }
    assert await statuses(api, ours, key) == expected
    assert await digest(db) == before


async def test_another_organization_s_lists_hold_its_own_rows_alone(
    api: Api, ours: Tenant, theirs: Tenant
) -> None:
    key = await api.key_of(theirs.organization)
    platform = ours.platform
    marks = {
        str(one)
        for one in (
            ours.organization,
            ours.webhook,
            ours.loose,
            ours.key_id,
            ours.secret,
            platform.agent,
            platform.goal,
        )
    }
    for call, rule in RULES.items():
        if rule.others == "own rows":
            answer = await ask(api, call, ours, key)
            assert not [mark for mark in marks if mark in answer.text], call
            # It is no empty list that hides nothing: its own rows are there.
            assert answer.json().get("items", [{}]), call
            named = answer.json().get("deliveries")
            assert named in {None, 2}, call
        if rule.others == "none of them":
            assert (await ask(api, call, ours, key)).json() == {"items": []}, call


async def test_no_list_is_of_another_organization_whatever_is_asked_for(
    api: Api, ours: Tenant, theirs: Tenant
) -> None:
    key = await api.key_of(theirs.organization)
    for call, operation in (await published(api)).items():
        names = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
        if "organization_id" in names:
            whose = {"organization_id": str(ours.organization)}
            answer = await ask(api, call, ours, key, params=whose)
            assert (call, answer.status_code) == (call, 404)
    filters = {
        "webhook_id": ours.webhook,
        "agent_id": ours.platform.agent,
        "goal_id": ours.platform.goal,
    }
    for call in ("GET /v1/webhooks", "GET /v1/deliveries"):
        for name, value in filters.items():
            if name in json.dumps((await published(api))[call]["parameters"]):
                answer = await ask(api, call, ours, key, params={name: str(value)})
                assert (answer.status_code == 404) or answer.json()["items"] == []


async def test_what_is_another_s_is_refused_in_the_words_of_what_is_not(
    api: Api, ours: Tenant, theirs: Tenant
) -> None:
    key = await api.key_of(theirs.organization)
    nowhere = Tenant(
        platform=type(ours.platform)(ours.platform.db),
        webhook=uuid4(),
        loose=uuid4(),
        secret="secret-0000abcd",
        key_id=uuid4(),
        dead=10**6,
        waiting=10**6 + 1,
        session="session_0000abcd",
        event=10**6,
    )
    for call, rule in RULES.items():
        if rule.others == "absent":
            told = [
                re.sub(
                    r"[0-9a-f-]{36}|(goal_|secret-|session_)[0-9a-f]{8}|\b[0-9]+\b",
                    "…",
                    answer.text,
                )
                for answer in [await ask(api, call, of, key) for of in (ours, nowhere)]
            ]
            assert told[0] == told[1], call


async def test_what_is_one_s_own_is_never_joined_with_another_s(
    api: Api, ours: Tenant, theirs: Tenant, db: psycopg.AsyncConnection
) -> None:
    key = await api.key_of(theirs.organization)
    agent, goal = str(ours.platform.agent), ours.platform.goal
    own = f"/webhooks/{theirs.webhook}"
    uses = {
        "name": "x",
        "url": "http://127.0.0.1:9/",
        "headers": {"X-Key": f"{{{{secret:{ours.secret}}}}}"},
    }
    joins: list[tuple[str, str, Any]] = [
        *(
            (method, f"{own}/{place}", None)
            for method in ("PUT", "DELETE")
            for place in (f"agents/{agent}", f"goals/{goal}")
        ),
        *(
            ("POST", f"{own}/{verb}", sample)
            for verb in ("test", "preview")
            for sample in ({"agent_id": agent}, {"goal_id": goal})
        ),
        ("POST", "/preview", uses | {"headers": {}, "sample": {"agent_id": agent}}),
        ("POST", "/preview", uses),
        ("POST", "/webhooks", uses),
        ("PATCH", own, {"headers": uses["headers"]}),
    ]
    before = await digest(db)
    for method, path, body in joins:
        answer = await api.call(method, path, body, key=key)
        assert answer.status_code in {404, 422}, (method, path, answer.text)
        assert str(ours.organization) not in answer.text
    assert await digest(db) == before


async def test_its_own_key_with_all_scopes_does_what_every_call_says(
    api: Api, ours: Tenant
) -> None:
    key = await api.key_of(ours.organization)
    expected = {call: rule.does for call, rule in RULES.items()}
    assert await statuses(api, ours, key) == expected
