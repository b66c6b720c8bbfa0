"""The OpenAPI document and its page: complete, true to their schemas, and all of it local."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from tests.support.calls import Api

pytestmark = pytest.mark.anyio
PUBLIC = {"/livez", "/readyz", "/metrics"}


@pytest.fixture
async def document(api: Api) -> dict[str, Any]:
    answer = await api.client.get("/schema/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", path, operation


def examples(document: dict[str, Any]) -> Iterator[tuple[str, Any, list[Any]]]:
    """Each body that is sent or answered with success: its name, its schema, its examples."""
    for name, _, operation in operations(document):
        bodies = {"sends": operation.get("requestBody")}
        bodies |= {code: one for code, one in operation["responses"].items() if code < "300"}
        for said, body in bodies.items():
            for media in ((body or {}).get("content") or {}).values():
                shown = [one["value"] for one in media.get("examples", {}).values()]
                yield f"{name} {said}", media["schema"], shown


async def test_every_operation_is_named_explained_and_guarded(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for name, path, operation in operations(document):
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]*)*", operation["operationId"]), name
        assert " " in operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        assert (operation.get("security") == [{"key": []}]) != (path in PUBLIC), name


async def test_every_body_has_an_example_that_its_schema_allows(document: dict[str, Any]) -> None:
    checked = 0
    for name, schema, shown in examples(document):
        assert shown, f"{name} has no example"
        whole = {"components": document["components"], **schema}
        for one in shown:
            validator = Draft202012Validator(whole, format_checker=FormatChecker())
            faults = [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(one)]
            assert not faults, f"{name}: {faults}"
            checked += 1
    assert checked >= 20


async def test_every_post_says_that_it_may_be_repeated(document: dict[str, Any]) -> None:
    for name, _, operation in operations(document):
        said = [one["name"] for one in operation.get("parameters", [])]
        assert name.startswith("POST ") == ("Idempotency-Key" in said), name


async def test_the_kinds_of_outputs_are_listed(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("Webhook", "WebhookDraft"):
        assert schemas[name]["properties"]["kind"]["enum"] == ["frontend", "http"], name
    choices = schemas["WebhookPatch"]["properties"]["kind"]
    assert "enum" not in choices, "it would exclude null"
    assert {"type": "null"} in choices["oneOf"]


async def test_the_page_and_all_that_it_names_are_local(api: Api) -> None:
    page = await api.client.get("/schema")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.text
    named = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert len(named) >= 4
    for one in named:
        assert one.startswith("/schema/")
        assert (await api.client.get(one)).status_code == 200, one
    for one in ("", "assets/page.js", "assets/swagger-ui-bundle.js", "assets/swagger-ui.css"):
        assert not fetched_from_elsewhere(await api.client.get(f"/schema/{one}")), one


def fetched_from_elsewhere(answer: httpx.Response) -> list[str]:
    pattern = (
        r"https?://cdn[^\"]*|//unpkg[^\"]*|fonts\.googleapis|@import|url\(\s*[\"']?(?:https?:)?//"
    )
    return re.findall(pattern, answer.text)


async def test_the_files_of_the_page_are_kept_by_the_browser_and_nothing_else_is_served(
    api: Api,
) -> None:
    kept = await api.client.get("/schema/assets/swagger-ui.css")
    assert "max-age=86400" in kept.headers["cache-control"]
    assert kept.headers["etag"]
    assert kept.headers["content-type"].startswith("text/css")
    for path in ("LICENSE", "NOTICE", "VERSION", "swagger-ui-bundle.js.LICENSE.txt"):
        assert (await api.client.get(f"/schema/assets/{path}")).status_code == 200
    for path in ("../application.py", "%2e%2e/application.py", "..%2fapplication.py", "nothing"):
        answer = await api.client.get(f"/schema/assets/{path}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert "/src" not in answer.text
