"""The API as a service: problem responses, keys, CORS, readiness, the log, SIGTERM."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from rowhook.cli.run_commands import serve_api
from rowhook.migrate import runner
from rowhook.security.vault import generate_master_key
from rowhook.supervisor import Supervisor
from tests.support.calls import ADMIN_KEY, DRAFT, Api, running_api
from tests.support.commands import run_command, running_command, wait_for_exit
from tests.support.deadline import DEADLINE_S
from tests.support.sample_platform import Platform
from tests.support.worker_rig import until

pytestmark = pytest.mark.anyio
MAX_BODY_BYTES = 1 << 20


def is_problem(response: httpx.Response, status: int) -> bool:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    if response.request.method != "HEAD":
        assert response.json()["status"] == status
    return True


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/schema/nothing", "/v1/webhooks/1"])
async def test_an_unknown_path_is_a_problem(empty_api: Api, path: str) -> None:
    response = await empty_api.client.get(path)
    assert is_problem(response, 404)
    assert "See /schema" in response.json()["detail"]


@pytest.mark.parametrize("path", ["/livez", "/nothing", "/sign-in"])
async def test_a_response_has_one_date(empty_api: Api, path: str) -> None:
    response = await empty_api.client.get(path)
    (sent,) = response.headers.get_list("date")
    age = datetime.now(UTC) - parsedate_to_datetime(sent)
    assert timedelta(seconds=-1) <= age < timedelta(minutes=1)


@pytest.mark.parametrize("host", ["a:b", "a:99999", "[::1", "a:1:2"])
@pytest.mark.parametrize("path", ["/", "/livez", "/nothing", "/sign-in", "/v1/webhooks"])
async def test_an_invalid_host_header_is_refused(empty_api: Api, host: str, path: str) -> None:
    browser = {"host": host, "accept": "text/html"}
    response = await empty_api.client.get(path, headers=browser)
    assert is_problem(response, 400)
    assert "Host" in response.json()["detail"]


async def test_an_unsupported_method_is_405_with_the_allowed_methods(api: Api) -> None:
    for method in ("DELETE", "BREW"):
        response = await api.call(method, "/webhooks")
        assert is_problem(response, 405)
        assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=many", "/limit"),
        ("limit=0", "/limit"),
        ("limit=%FF", "/limit"),
        ("state=asleep", "/state"),
        ("limit=", "/limit"),
    ],
)
async def test_an_invalid_parameter_is_named(empty_api: Api, query: str, pointer: str) -> None:
    response = await empty_api.call("GET", f"/webhooks?{query}")
    assert is_problem(response, 400)
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


async def test_text_with_a_nul_character_is_refused(api: Api) -> None:
    response = await api.call("GET", "/webhooks", params={"goal_id": "\0"})
    assert is_problem(response, 422)


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "one"}])
async def test_a_body_over_1_mib_is_refused_with_and_without_content_length(
    api: Api, headers: dict[str, str]
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65536

    for content in (b" " * (MAX_BODY_BYTES + 1), b" " * (20 * MAX_BODY_BYTES), chunks()):
        response = await api.call("POST", "/webhooks", content=content, headers=headers)
        assert is_problem(response, 413)
        assert "1 MiB" in response.json()["detail"]


async def test_a_body_of_1_mib_is_accepted(api: Api) -> None:
    response = await api.call("POST", "/webhooks", content=b"{}".ljust(MAX_BODY_BYTES))
    assert is_problem(response, 422)


async def test_head_returns_the_headers_of_get(api: Api) -> None:
    for path in ("/livez", "/schema", "/schema/assets/page.js", "/v1/webhooks"):
        headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
        get_response = await api.client.get(path, headers=headers)
        head_response = await api.client.head(path, headers=headers)
        assert (head_response.status_code, head_response.content) == (200, b"")
        for name in ("content-type", "content-length"):
            assert head_response.headers[name] == get_response.headers[name]
    assert is_problem(await api.client.head("/v1/webhooks"), 401)


async def test_options_lists_the_methods_without_a_key(api: Api) -> None:
    response = await api.client.options("/v1/webhooks")
    assert (response.status_code, response.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    response = await api.client.options(f"/v1/webhooks/{uuid4()}")
    assert response.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"


@pytest.mark.parametrize("scheme", ["Bearer {}", "bearer {}", "BEARER   {}"])
async def test_the_bearer_scheme_is_case_insensitive(api: Api, scheme: str) -> None:
    headers = {"Authorization": scheme.format(ADMIN_KEY)}
    assert (await api.client.get("/v1/webhooks", headers=headers)).status_code == 200


async def test_an_invalid_authorization_header_is_401_and_reveals_nothing(
    api: Api, platform: Platform
) -> None:
    webhook = await api.webhook(platform.organization)
    paths = (f"/{webhook['id']}", f"/{uuid4()}", f"?organization_id={platform.organization}")
    for header in (
        "",
        "Bearer",
        "Basic YTpi",
        ADMIN_KEY,
        f"Token {ADMIN_KEY}",
        f"Bearer {ADMIN_KEY}x",
        f"Bearer {ADMIN_KEY} x",
        "Bearer rhk_\xff",
    ):
        texts = set()
        for path in paths:
            headers = {b"Authorization": header.encode("latin-1")}
            response = await api.client.get(f"/v1/webhooks{path}", headers=headers)
            assert is_problem(response, 401)
            assert response.headers["www-authenticate"].startswith("Bearer")
            texts.add(response.text)
        assert len(texts) == 1, header


@asynccontextmanager
async def with_origins(api: Api, *origins: str) -> AsyncIterator[httpx.AsyncClient]:
    server_ctx = replace(api.server_ctx, cors_origins=origins)
    async with (
        serve_api(server_ctx, host="127.0.0.1", port=0, tasks=Supervisor(asyncio.Event())) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        yield client


def preflight(origin: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,if-match",
    }


async def test_only_configured_origins_may_call_the_api(api: Api) -> None:
    allowed, other = "https://app.example.com", "https://app.example.com.evil.example"
    async with with_origins(api, allowed, "https://second.example.com") as client:
        preflight_response = await client.options("/v1/webhooks", headers=preflight(allowed))
        assert preflight_response.status_code == 204
        assert preflight_response.headers["access-control-allow-origin"] == allowed
        assert "PATCH" in preflight_response.headers["access-control-allow-methods"]
        get_response = await client.get("/v1/webhooks", headers={"Origin": allowed})
        assert get_response.headers["access-control-allow-origin"] == allowed
        assert "ETag" in get_response.headers["access-control-expose-headers"]
        for origin in (other, "http://app.example.com", "null"):
            preflight_response = await client.options("/v1/webhooks", headers=preflight(origin))
            assert preflight_response.status_code == 400
            get_response = await client.get("/v1/webhooks", headers={"Origin": origin})
            for response in (preflight_response, get_response):
                assert "access-control-allow-origin" not in response.headers


async def test_without_configured_origins_no_cors_headers_are_sent(api: Api) -> None:
    response = await api.client.get("/livez", headers={"Origin": "https://app.example.com"})
    assert not [name for name in response.headers if name.startswith("access-control")]


async def test_readyz_lists_pending_migrations(empty_dsn: str) -> None:
    async with running_api(empty_dsn) as api:
        response = await api.client.get("/readyz")
        assert is_problem(response, 503)
        assert "Migrations are pending: bootstrap, 0001_roles" in response.json()["detail"]
        assert (await api.client.get("/livez")).status_code == 200
        assert "rowhook_database_up 1.0" in (await api.client.get("/metrics")).text


@pytest.mark.new_database
async def test_readyz_stays_200_when_the_next_release_migrates(
    api: Api, dsn: str, sql: Path
) -> None:
    (sql / "tables/9999_next.sql").write_text("create table rowhook.next (id int);\n")
    with (sql / "functions/20_claim.sql").open("a") as file:
        file.write("-- changed\n")
    (sql / "functions/81_next.sql").write_text((sql / "functions/94_events.sql").read_text())
    (sql / "functions/94_events.sql").unlink()
    assert {"9999_next", "functions/20_claim"} <= set(await runner.migrate(dsn, sql))
    assert await runner.plan(dsn, sql) == []
    response = await api.client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})


@pytest.mark.new_database
async def test_concurrent_readiness_probes_share_a_connection(
    api: Api, db: psycopg.AsyncConnection
) -> None:
    before = await session_count(db)
    answers = await asyncio.gather(*(api.client.get("/readyz") for _ in range(40)))
    assert {response.status_code for response in answers} == {200}

    async def counted() -> bool:
        return await session_count(db) > before

    await until(counted, description="the session in the statistics")
    assert await session_count(db) - before <= 3


async def session_count(db: psycopg.AsyncConnection) -> int:
    """Returns the number of sessions of this database from the statistics."""
    await db.execute("select pg_stat_clear_snapshot()")
    cursor = await db.execute(
        "select sessions from pg_stat_database where datname = current_database()"
    )
    return int((await cursor.fetchone() or (0,))[0])


@pytest.fixture
def key() -> str:
    return generate_master_key()


def serve(folder: Path, dsn: str, key: str) -> Any:
    return running_command(
        folder,
        "api",
        "--port",
        "0",
        DATABASE_URL=dsn,
        ROWHOOK_MASTER_KEYS=key,
        ROWHOOK_ADMIN_KEY=ADMIN_KEY,
        ROWHOOK_LOG_FORMAT="json",
    )


@asynccontextmanager
async def connected_client(process: Process) -> AsyncIterator[httpx.AsyncClient]:
    """Connects a client to the API of this process once it logs its URL."""
    assert process.stderr is not None
    async with asyncio.timeout(DEADLINE_S):
        line = (await process.stderr.readline()).decode()
    assert "api.started" in line, line
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    url = json.loads(line)["url"]
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=DEADLINE_S) as client:
        yield client


async def test_sigterm_finishes_open_requests_and_refuses_new_ones(
    folder: Path, dsn: str, key: str, platform: Platform, db: psycopg.AsyncConnection
) -> None:
    draft = DRAFT | {"organization_id": str(platform.organization)}

    async def is_waiting() -> bool:
        number = await platform.value(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            " and datname = current_database()"
        )
        return bool(number)

    async with serve(folder, dsn, key) as process, connected_client(process) as client:
        async with db.transaction():
            await db.execute("lock table rowhook.webhook in share row exclusive mode")
            request = asyncio.create_task(client.post("/v1/webhooks", json=draft))
            await until(is_waiting, description="the request waiting for the lock")
            process.send_signal(signal.SIGTERM)
            await until(lambda: is_refused(client), description="new connections refused")
            assert not request.done()
        assert (await request).status_code == 201
        result = await wait_for_exit(process)
    assert result.code == 0, result.err
    assert json.loads(result.err.splitlines()[-1])["event"] == "api.stopped"


async def is_refused(client: httpx.AsyncClient) -> bool:
    try:
        async with httpx.AsyncClient(base_url=client.base_url) as another:
            await another.get("/livez")
    except httpx.ConnectError:
        return True
    except httpx.TransportError:
        # The kernel accepted the connection before the listener closed.
        return False
    return False


async def test_the_log_has_one_line_per_request_and_no_secrets(
    folder: Path, dsn: str, key: str, platform: Platform
) -> None:
    path = f"/v1/secrets/x?organization_id={platform.organization}"
    async with serve(folder, dsn, key) as process, connected_client(process) as client:
        await platform.run("drop function rowhook.put_secret(uuid, text, int, bytea, text[])")
        assert (await client.get("/v1/webhooks?goal_id=canary-query")).status_code == 200
        failed = await client.put(path, json={"value": "canary-secret"})
        assert is_problem(failed, 500)
        assert "canary" not in failed.text
        process.send_signal(signal.SIGTERM)
        result = await wait_for_exit(process)
    lines = [json.loads(line) for line in result.err.splitlines()]
    requests = [line for line in lines if line["event"] == "api.answered"]
    assert [(line["method"], line["route"], line["status"]) for line in requests] == [
        ("GET", "/v1/webhooks", 200),
        ("PUT", "/v1/secrets/{secret_id}", 500),
    ]
    assert [line["level"] for line in lines if line["event"] == "api.request_failed"] == ["error"]
    assert re.search(r"put_secret.*does not exist", result.err)
    for hidden in ("canary", ADMIN_KEY, key, str(platform.organization)):
        assert hidden not in result.err


async def test_master_keys_that_do_not_match_the_database_are_refused(
    folder: Path, dsn: str, key: str
) -> None:
    async with serve(folder, dsn, key) as process, connected_client(process):
        pass
    result = await run_command(
        folder, "api", "--port", "0", DATABASE_URL=dsn, ROWHOOK_MASTER_KEYS=generate_master_key()
    )
    result.refused(1, "ROWHOOK_MASTER_KEYS does not match this database")


async def test_the_api_refuses_to_start_on_an_unmigrated_database(
    folder: Path, empty_dsn: str, key: str
) -> None:
    result = await run_command(
        folder, "api", "--port", "0", DATABASE_URL=empty_dsn, ROWHOOK_MASTER_KEYS=key
    )
    result.refused(1, "is not migrated", "run rowhook migrate")
