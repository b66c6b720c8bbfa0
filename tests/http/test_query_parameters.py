"""Unknown query parameters, values outside of a list, and settings that tenants do not see."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.calls import Api
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
LOCAL = "https://10.1.2.3/hook"
WITH_IDS = {"webhook_id", "goal_id", "session_id", "delivery_id", "event_id"}


async def operations(api: Api) -> list[tuple[str, list[str]]]:
    """Returns the path of every GET of the API, and the names of its query parameters."""
    document = (await api.client.get("/schema/openapi.json")).json()
    return [
        (
            path.removeprefix("/v1"),
            [item["name"] for item in paths["get"].get("parameters", []) if item["in"] == "query"],
        )
        for path, paths in document["paths"].items()
        if path.startswith("/v1/") and "get" in paths
    ]


async def test_every_get_refuses_unknown_parameters_and_names_its_own(
    api: Api, platform: Platform
) -> None:
    webhook = (await api.webhook(platform.organization))["id"]
    known_ids = {"webhook_id": webhook, "goal_id": platform.goal}
    checked = 0
    for path, names in await operations(api):
        ids = set(re.findall(r"{(\w+)}", path))
        if not ids <= known_ids.keys():
            continue
        response = await api.call("GET", path.format(**known_ids), params={"colour": "red"})
        assert response.status_code == 400, (path, response.text)
        (error,) = response.json()["errors"]
        assert error["pointer"] == "/colour"
        assert all(name in error["message"] for name in names), (path, error)
        assert "Unknown parameter." in error["message"]
        checked += 1
    assert checked > 15


async def test_a_misspelled_parameter_is_answered_with_a_similar_one(empty_api: Api) -> None:
    response = await empty_api.call("GET", "/deliveries", params={"limt": 5, "statu": "dead"})
    assert response.status_code == 400
    assert response.json()["errors"] == [
        {"pointer": "/limt", "message": error_message("limit")},
        {"pointer": "/statu", "message": error_message("status")},
    ]


def error_message(similar: str) -> str:
    names = (
        "limit, cursor, status, webhook_id, job_id, commit_id, event_type, status_code, since,"
        " until, organization_id"
    )
    return f"Unknown parameter. Did you mean {similar}? Known parameters: {names}."


async def test_other_methods_refuse_unknown_parameters_too(empty_api: Api) -> None:
    response = await empty_api.call("POST", "/preview", {"name": "a"}, params={"dry_run": 1})
    assert response.status_code == 400
    assert "This endpoint has none." in response.text


@pytest.mark.parametrize(
    ("path", "params", "pointer", "values"),
    [
        ("/deliveries", {"status": "lost"}, "/status", "pending, sending, held, delivered"),
        ("/deliveries", {"event_type": "job"}, "/event_type", "job.succeeded, job.failed"),
        ("/webhooks", {"state": "on"}, "/state", "active, paused, disabled"),
        (
            "/events",
            {"event_type": "x"},
            "/event_type",
            "job.succeeded, job.failed, goal.committed",
        ),
    ],
)
async def test_a_value_outside_of_a_list_is_answered_with_the_list(
    empty_api: Api, path: str, params: dict[str, str], pointer: str, values: str
) -> None:
    response = await empty_api.call("GET", path, params=params)
    assert response.status_code == 400, response.text
    (error,) = response.json()["errors"]
    assert error["pointer"].startswith(pointer)
    assert f"Use one of: {values}" in error["message"]


@pytest.mark.parametrize(
    ("path", "body", "pointer", "values"),
    [
        ("/webhooks", {"name": "a", "method": "SEND"}, "/method", "GET, POST, PUT, PATCH, DELETE"),
        ("/api-keys", {"name": "a", "scopes": ["rea"]}, "/scopes/0", "read, write, secrets"),
        ("/preview", {"method": "SEND"}, "/method", "GET, POST, PUT"),
    ],
)
async def test_a_value_of_a_body_outside_of_a_list_is_answered_with_the_list(
    empty_api: Api, path: str, body: dict[str, Any], pointer: str, values: str
) -> None:
    response = await empty_api.call("POST", path, body)
    assert response.status_code == 422, response.text
    messages = {error["pointer"]: error["message"] for error in response.json()["errors"]}
    assert values in messages[pointer], messages


async def test_only_operators_learn_which_setting_allows_a_target(
    api: Api, platform: Platform
) -> None:
    draft = {"name": "a", "url": LOCAL}
    owned = {"organization_id": str(platform.organization)}
    refused = await api.call("POST", "/webhooks", draft | owned)
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert "ROWHOOK_ALLOW_NETWORKS=127.0.0.0/8,10.1.2.3/32" in error["message"]
    plain = await api.call("POST", "/webhooks", owned | {"name": "a", "url": "http://a.example/"})
    assert "ROWHOOK_ALLOW_HTTP=true" in plain.text


@pytest.mark.parametrize("url", [LOCAL, "http://a.example/", "https://localhost.internal/"])
async def test_a_tenant_s_errors_name_no_setting(api: Api, platform: Platform, url: str) -> None:
    key = await api.key_of(platform.organization)
    answers = [
        await api.call("POST", "/webhooks", {"name": "a", "url": url}, key=key),
        await api.call("POST", "/preview", {"name": "a", "url": url}, key=key),
    ]
    for response in answers:
        assert "not allowed" in response.text
        assert "ROWHOOK" not in response.text
        assert "127.0.0.0" not in response.text


async def test_a_missing_parameter_is_named(empty_api: Api) -> None:
    response = await empty_api.call("GET", "/webhooks/health")
    assert response.status_code == 400
    assert response.json()["errors"] == [
        {"pointer": "/webhook_id", "message": "This parameter is required."}
    ]
