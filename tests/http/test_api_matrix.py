"""Every operation of the OpenAPI document with every kind of key."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from rowhook.services.access import SCOPES
from tests.support.calls import Api
from tests.support.rules import RULES, send_call, statuses
from tests.support.tenants import OWNED, Tenant, tenant

pytestmark = pytest.mark.anyio
COMPARED_TABLES = (
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


async def table_digests(db: psycopg.AsyncConnection) -> dict[str, Any]:
    """Returns a digest of each table, without the last use of API keys."""
    digests = {}
    for table in COMPARED_TABLES:
        query = (
            "select count(*), md5(string_agg(shown, ' ' order by shown)) from ("
            f"select (to_jsonb(t) - 'last_used_at')::text as shown from rowhook.{table} t) as s"
        )
        digests[table] = await (await db.execute(query.encode())).fetchone()
    return digests


async def published_operations(api: Api) -> dict[str, Any]:
    """Returns the operations under /v1 of the served OpenAPI document by `METHOD path`."""
    document = (await api.client.get("/schema/openapi.json")).json()
    return {
        f"{method.upper()} {path}": operation
        for path, operations in document["paths"].items()
        if path.startswith("/v1/")
        for method, operation in operations.items()
    }


async def test_every_call_has_a_rule_and_every_rule_a_call(api: Api) -> None:
    calls = await published_operations(api)
    assert set(calls) == set(RULES)
    for call, operation in calls.items():
        assert operation["security"] == [{"key": []}], call
        assert {"400", "401", "403", "404", "503"} <= set(operation["responses"]), call


async def test_every_call_without_a_valid_key_is_401_and_changes_nothing(
    api: Api, ours: Tenant, db: psycopg.AsyncConnection
) -> None:
    expired = await api.key_of(ours.organization)
    await db.execute("update rowhook.api_key set expires_at = now() where name = 'test'")
    before = await table_digests(db)
    for key in ("", "rhk_" + "b" * 40, expired, "nonsense"):
        for call in RULES:
            response = await send_call(api, call, ours, key)
            assert (call, response.status_code) == (call, 401)
            assert response.headers["www-authenticate"].startswith("Bearer")
            assert response.headers["content-type"] == "application/problem+json"
    assert await table_digests(db) == before


async def test_a_read_only_key_changes_nothing(
    api: Api, ours: Tenant, db: psycopg.AsyncConnection
) -> None:
    key = await api.key_of(ours.organization, "read")
    before = await table_digests(db)
    expected = {call: rule.status if rule.scope == "read" else 403 for call, rule in RULES.items()}
    assert await statuses(api, ours, key) == expected
    assert await table_digests(db) == before


async def test_every_call_without_its_scope_is_403(
    api: Api, ours: Tenant, db: psycopg.AsyncConnection
) -> None:
    statuses_by_call: dict[str, int] = {}
    for scope in SCOPES:
        key = await api.key_of(ours.organization, *(other for other in SCOPES if other != scope))
        created = await table_digests(db)
        calls = {call: rule for call, rule in RULES.items() if rule.scope == scope}
        statuses_by_call |= await statuses(api, ours, key, calls)
        assert await table_digests(db) == created, scope
    assert statuses_by_call == {call: 403 for call, rule in RULES.items() if rule.scope in SCOPES}


async def test_a_key_of_another_organization_finds_and_changes_nothing(
    api: Api, ours: Tenant, theirs: Tenant, db: psycopg.AsyncConnection
) -> None:
    key = await api.key_of(theirs.organization)
    before = await table_digests(db)
    expected = {
        call: {"absent": 404, "own rows": 200, "none of them": 200, "closed": 403}[rule.others]
        for call, rule in RULES.items()
    }
    assert await statuses(api, ours, key) == expected
    assert await table_digests(db) == before


async def test_lists_contain_only_rows_of_the_key_s_organization(
    api: Api, ours: Tenant, theirs: Tenant
) -> None:
    key = await api.key_of(theirs.organization)
    platform = ours.platform
    identifiers = {
        str(value)
        for value in (
            ours.organization,
            ours.webhook,
            ours.unlinked_webhook,
            ours.key_id,
            ours.secret,
            platform.agent,
            platform.goal,
        )
    }
    for call, rule in RULES.items():
        if rule.others == "own rows":
            response = await send_call(api, call, ours, key)
            assert not [identifier for identifier in identifiers if identifier in response.text], (
                call
            )
            # The list is not empty: the organization's own rows are in it.
            assert response.json().get("items", [{}]), call
            count = response.json().get("deliveries")
            assert count in {None, 2}, call
        if rule.others == "none of them":
            assert (await send_call(api, call, ours, key)).json() == {"items": []}, call


async def test_filters_cannot_list_another_organization(
    api: Api, ours: Tenant, theirs: Tenant
) -> None:
    key = await api.key_of(theirs.organization)
    for call, operation in (await published_operations(api)).items():
        names = [
            parameter["name"]
            for parameter in operation.get("parameters", [])
            if parameter["in"] == "query"
        ]
        if "organization_id" in names:
            params = {"organization_id": str(ours.organization)}
            response = await send_call(api, call, ours, key, params=params)
            assert (call, response.status_code) == (call, 404)
    filters = {
        "webhook_id": ours.webhook,
        "agent_id": ours.platform.agent,
        "goal_id": ours.platform.goal,
    }
    for call in ("GET /v1/webhooks", "GET /v1/deliveries"):
        for name, value in filters.items():
            if name in json.dumps((await published_operations(api))[call]["parameters"]):
                response = await send_call(api, call, ours, key, params={name: str(value)})
                assert (response.status_code == 404) or response.json()["items"] == []


async def test_a_foreign_id_and_an_unknown_id_get_the_same_error(
    api: Api, ours: Tenant, theirs: Tenant
) -> None:
    key = await api.key_of(theirs.organization)
    missing = Tenant(
        platform=type(ours.platform)(ours.platform.db),
        webhook=uuid4(),
        unlinked_webhook=uuid4(),
        secret="secret-0000abcd",
        key_id=uuid4(),
        dead=10**6,
        waiting=10**6 + 1,
        session="session_0000abcd",
        event=10**6,
    )
    for call, rule in RULES.items():
        if rule.others == "absent":
            texts = [
                re.sub(
                    r"[0-9a-f-]{36}|(goal_|secret-|session_)[0-9a-f]{8}|\b[0-9]+\b",
                    "…",
                    response.text,
                )
                for response in [
                    await send_call(api, call, target, key) for target in (ours, missing)
                ]
            ]
            assert texts[0] == texts[1], call


async def test_a_key_cannot_combine_its_own_with_foreign_resources(
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
            (method, f"{own}/{target_path}", None)
            for method in ("PUT", "DELETE")
            for target_path in (f"agents/{agent}", f"goals/{goal}")
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
    before = await table_digests(db)
    for method, path, body in joins:
        response = await api.call(method, path, body, key=key)
        assert response.status_code in {404, 422}, (method, path, response.text)
        assert str(ours.organization) not in response.text
    assert await table_digests(db) == before


async def test_a_key_with_all_scopes_may_make_every_call(api: Api, ours: Tenant) -> None:
    key = await api.key_of(ours.organization)
    expected = {call: rule.status for call, rule in RULES.items()}
    assert await statuses(api, ours, key) == expected
