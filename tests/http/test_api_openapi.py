"""The OpenAPI document and its page: complete, valid, and without external files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from rowhook.output_kinds import OUTPUT_KINDS
from tests.support.calls import Api

pytestmark = pytest.mark.anyio
PUBLIC = {"/livez", "/readyz", "/metrics"}


@pytest.fixture
async def document(api: Api) -> dict[str, Any]:
    response = await api.client.get("/schema/openapi.json")
    assert response.status_code == 200
    return dict(response.json())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", path, operation


def examples(document: dict[str, Any]) -> Iterator[tuple[str, Any, list[Any]]]:
    """Yields name, schema and examples of each request body and successful response."""
    for name, _, operation in operations(document):
        bodies = {"sends": operation.get("requestBody")}
        bodies |= {
            code: response for code, response in operation["responses"].items() if code < "300"
        }
        for status, body in bodies.items():
            for media in ((body or {}).get("content") or {}).values():
                values = [example["value"] for example in media.get("examples", {}).values()]
                yield f"{name} {status}", media["schema"], values


async def test_every_operation_has_an_id_a_description_and_security(
    document: dict[str, Any],
) -> None:
    assert document["openapi"].startswith("3.1")
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for name, path, operation in operations(document):
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]*)*", operation["operationId"]), name
        assert " " in operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        assert (operation.get("security") == [{"key": []}]) != (path in PUBLIC), name


async def test_every_body_has_an_example_that_is_valid_against_its_schema(
    document: dict[str, Any],
) -> None:
    checked = 0
    for name, schema, values in examples(document):
        assert values, f"{name} has no example"
        full_schema = {"components": document["components"], **schema}
        for example in values:
            validator = Draft202012Validator(full_schema, format_checker=FormatChecker())
            errors = [
                f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(example)
            ]
            assert not errors, f"{name}: {errors}"
            checked += 1
    assert checked >= 20


async def test_every_post_documents_the_idempotency_key(document: dict[str, Any]) -> None:
    for name, _, operation in operations(document):
        parameters = [parameter["name"] for parameter in operation.get("parameters", [])]
        assert name.startswith("POST ") == ("Idempotency-Key" in parameters), name


async def test_the_kinds_of_outputs_are_listed(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("Webhook", "WebhookDraft"):
        assert schemas[name]["properties"]["kind"]["enum"] == sorted(OUTPUT_KINDS), name
    choices = schemas["WebhookPatch"]["properties"]["kind"]
    assert "enum" not in choices, "it would exclude null"
    assert {"type": "null"} in choices["oneOf"]


async def test_the_schema_page_loads_only_local_files(api: Api) -> None:
    page = await api.client.get("/schema")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.text
    links = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert len(links) >= 4
    for link in links:
        assert link.startswith("/schema/")
        assert (await api.client.get(link)).status_code == 200, link
    for path in ("", "assets/page.js", "assets/swagger-ui-bundle.js", "assets/swagger-ui.css"):
        assert not external_references(await api.client.get(f"/schema/{path}")), path


def external_references(response: httpx.Response) -> list[str]:
    pattern = (
        r"https?://cdn[^\"]*|//unpkg[^\"]*|fonts\.googleapis|@import|url\(\s*[\"']?(?:https?:)?//"
    )
    return re.findall(pattern, response.text)


async def test_assets_of_the_schema_page_are_cacheable_and_confined_to_their_folder(
    api: Api,
) -> None:
    asset = await api.client.get("/schema/assets/swagger-ui.css")
    assert "max-age=86400" in asset.headers["cache-control"]
    assert asset.headers["etag"]
    assert asset.headers["content-type"].startswith("text/css")
    for path in ("LICENSE", "NOTICE", "VERSION", "swagger-ui-bundle.js.LICENSE.txt"):
        assert (await api.client.get(f"/schema/assets/{path}")).status_code == 200
    for path in ("../application.py", "%2e%2e/application.py", "..%2fapplication.py", "nothing"):
        response = await api.client.get(f"/schema/assets/{path}")
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"
        assert "/src" not in response.text
