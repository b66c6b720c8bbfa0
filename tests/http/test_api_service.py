"""The API as a service: refusals in one form, keys, CORS, readiness, the log, SIGTERM."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from rowhook.cli.serve import serve_api
from rowhook.security.vault import generate_master_key
from rowhook.supervisor import Supervisor
from tests.support.calls import ADMIN_KEY, DRAFT, Api, running_api
from tests.support.commands import run_command, running_command, wait_for_exit
from tests.support.deadline import DEADLINE_S
from tests.support.sample_platform import Platform
from tests.support.worker_rig import until

pytestmark = pytest.mark.anyio
MOST = 1 << 20


def is_problem(answer: httpx.Response, status: int) -> bool:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if answer.request.method != "HEAD":
        assert answer.json()["status"] == status
    return True


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/schema/nothing", "/v1/webhooks/1"])
async def test_an_unknown_path_is_a_problem(empty_api: Api, path: str) -> None:
    answer = await empty_api.client.get(path)
    assert is_problem(answer, 404)
    assert "See /schema" in answer.json()["detail"]


@pytest.mark.parametrize("host", ["a:b", "a:99999", "[::1", "a:1:2"])
@pytest.mark.parametrize("path", ["/", "/livez", "/nothing", "/sign-in", "/v1/webhooks"])
async def test_a_host_that_is_none_is_refused(empty_api: Api, host: str, path: str) -> None:
    browser = {"host": host, "accept": "text/html"}
    answer = await empty_api.client.get(path, headers=browser)
    assert is_problem(answer, 400)
    assert "Host" in answer.json()["detail"]


async def test_a_method_that_a_path_does_not_take_names_those_that_it_takes(api: Api) -> None:
    for method in ("DELETE", "BREW"):
        answer = await api.call(method, "/webhooks")
        assert is_problem(answer, 405)
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ("limit=many", "/limit"),
        ("limit=0", "/limit"),
        ("limit=%FF", "/limit"),
        ("state=asleep", "/state"),
        ("limit=", "/limit"),
    ],
)
async def test_a_parameter_that_cannot_be_read_is_named(
    empty_api: Api, given: str, pointer: str
) -> None:
    answer = await empty_api.call("GET", f"/webhooks?{given}")
    assert is_problem(answer, 400)
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


async def test_text_that_postgresql_cannot_hold_is_refused(api: Api) -> None:
    answer = await api.call("GET", "/webhooks", params={"goal_id": "\0"})
    assert is_problem(answer, 422)


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "one"}])
async def test_a_body_over_1_mib_is_refused_however_it_comes(
    api: Api, headers: dict[str, str]
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65536

    for content in (b" " * (MOST + 1), b" " * (20 * MOST), chunks()):
        answer = await api.call("POST", "/webhooks", content=content, headers=headers)
        assert is_problem(answer, 413)
        assert "1 MiB" in answer.json()["detail"]


async def test_a_body_of_1_mib_is_read(api: Api) -> None:
    answer = await api.call("POST", "/webhooks", content=b"{}".ljust(MOST))
    assert is_problem(answer, 422)


async def test_head_is_get_without_a_body(api: Api) -> None:
    for path in ("/livez", "/schema", "/schema/assets/page.js", "/v1/webhooks"):
        headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
        got = await api.client.get(path, headers=headers)
        head = await api.client.head(path, headers=headers)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-type", "content-length"):
            assert head.headers[name] == got.headers[name]
    assert is_problem(await api.client.head("/v1/webhooks"), 401)


async def test_options_names_the_methods_without_a_key(api: Api) -> None:
    answer = await api.client.options("/v1/webhooks")
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    answer = await api.client.options(f"/v1/webhooks/{uuid4()}")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"


@pytest.mark.parametrize("written", ["Bearer {}", "bearer {}", "BEARER   {}"])
async def test_a_key_may_be_written_in_several_ways(api: Api, written: str) -> None:
    headers = {"Authorization": written.format(ADMIN_KEY)}
    assert (await api.client.get("/v1/webhooks", headers=headers)).status_code == 200


async def test_anything_else_is_401_and_says_nothing_of_what_exists(
    api: Api, platform: Platform
) -> None:
    made = await api.webhook(platform.organization)
    there = (f"/{made['id']}", f"/{uuid4()}", f"?organization_id={platform.organization}")
    for given in (
        "",
        "Bearer",
        "Basic YTpi",
        ADMIN_KEY,
        f"Token {ADMIN_KEY}",
        f"Bearer {ADMIN_KEY}x",
        f"Bearer {ADMIN_KEY} x",
        "Bearer rhk_\xff",
    ):
        told = set()
        for path in there:
            headers = {b"Authorization": given.encode("latin-1")}
            answer = await api.client.get(f"/v1/webhooks{path}", headers=headers)
            assert is_problem(answer, 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            told.add(answer.text)
        assert len(told) == 1, given


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


async def test_pages_of_the_named_origins_alone_may_call(api: Api) -> None:
    ours, other = "https://app.example.com", "https://app.example.com.evil.example"
    async with with_origins(api, ours, "https://second.example.com") as client:
        asked = await client.options("/v1/webhooks", headers=preflight(ours))
        assert asked.status_code == 204
        assert asked.headers["access-control-allow-origin"] == ours
        assert "PATCH" in asked.headers["access-control-allow-methods"]
        called = await client.get("/v1/webhooks", headers={"Origin": ours})
        assert called.headers["access-control-allow-origin"] == ours
        assert "ETag" in called.headers["access-control-expose-headers"]
        for origin in (other, "http://app.example.com", "null"):
            asked = await client.options("/v1/webhooks", headers=preflight(origin))
            assert asked.status_code == 400
            called = await client.get("/v1/webhooks", headers={"Origin": origin})
            for answer in (asked, called):
                assert "access-control-allow-origin" not in answer.headers


async def test_without_origins_there_is_no_cors(api: Api) -> None:
    answer = await api.client.get("/livez", headers={"Origin": "https://app.example.com"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_readyz_names_what_is_missing(empty_dsn: str) -> None:
    async with running_api(empty_dsn) as api:
        answer = await api.client.get("/readyz")
        assert is_problem(answer, 503)
        assert "Migrations are pending: bootstrap, 0001_roles" in answer.json()["detail"]
        assert (await api.client.get("/livez")).status_code == 200
        assert "rowhook_database_up 1.0" in (await api.client.get("/metrics")).text


@pytest.mark.new_database
async def test_many_probes_at_once_open_one_connection(
    api: Api, db: psycopg.AsyncConnection
) -> None:
    before = await sessions(db)
    answers = await asyncio.gather(*(api.client.get("/readyz") for _ in range(40)))
    assert {one.status_code for one in answers} == {200}

    async def counted() -> bool:
        return await sessions(db) > before

    await until(counted, what="the connection counted")
    assert await sessions(db) - before <= 3


async def sessions(db: psycopg.AsyncConnection) -> int:
    """How many connections to this database have ended, once the statistics are written."""
    await db.execute("select pg_stat_clear_snapshot()")
    found = await db.execute(
        "select sessions from pg_stat_database where datname = current_database()"
    )
    return int((await found.fetchone() or (0,))[0])


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
async def calling(process: Process) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API that this process serves, once it says where."""
    assert process.stderr is not None
    async with asyncio.timeout(DEADLINE_S):
        line = (await process.stderr.readline()).decode()
    assert "api.started" in line, line
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    url = json.loads(line)["url"]
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=DEADLINE_S) as client:
        yield client


async def test_sigterm_lets_requests_end_and_takes_no_new_ones(
    folder: Path, dsn: str, key: str, platform: Platform, db: psycopg.AsyncConnection
) -> None:
    draft = DRAFT | {"organization_id": str(platform.organization)}

    async def waits() -> bool:
        found = await platform.value(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            " and datname = current_database()"
        )
        return bool(found)

    async with serve(folder, dsn, key) as process, calling(process) as client:
        async with db.transaction():
            await db.execute("lock table rowhook.webhook in share row exclusive mode")
            held = asyncio.create_task(client.post("/v1/webhooks", json=draft))
            await until(waits, what="the request at the lock")
            process.send_signal(signal.SIGTERM)
            await until(lambda: refuses(client), what="new connections refused")
            assert not held.done()
        assert (await held).status_code == 201
        told = await wait_for_exit(process)
    assert told.code == 0, told.err
    assert json.loads(told.err.splitlines()[-1])["event"] == "api.stopped"


async def refuses(client: httpx.AsyncClient) -> bool:
    try:
        async with httpx.AsyncClient(base_url=client.base_url) as another:
            await another.get("/livez")
    except httpx.ConnectError:
        return True
    except httpx.TransportError:
        # The system had taken it before the listener closed.
        return False
    return False


async def test_the_log_has_a_line_a_request_and_no_secrets(
    folder: Path, dsn: str, key: str, platform: Platform
) -> None:
    path = f"/v1/secrets/x?organization_id={platform.organization}"
    async with serve(folder, dsn, key) as process, calling(process) as client:
        await platform.run("drop function rowhook.put_secret(uuid, text, int, bytea, text[])")
        assert (await client.get("/v1/webhooks?goal_id=canary-query")).status_code == 200
        failed = await client.put(path, json={"value": "canary-secret"})
        assert is_problem(failed, 500)
        assert "canary" not in failed.text
        process.send_signal(signal.SIGTERM)
        told = await wait_for_exit(process)
    lines = [json.loads(line) for line in told.err.splitlines()]
    answered = [one for one in lines if one["event"] == "api.answered"]
    assert [(one["method"], one["route"], one["status"]) for one in answered] == [
        ("GET", "/v1/webhooks", 200),
        ("PUT", "/v1/secrets/{secret_id}", 500),
    ]
    assert [one["level"] for one in lines if one["event"] == "api.request_failed"] == ["error"]
    assert re.search(r"put_secret.*does not exist", told.err)
    for hidden in ("canary", ADMIN_KEY, key, str(platform.organization)):
        assert hidden not in told.err


async def test_other_master_keys_than_the_database_s_are_refused(
    folder: Path, dsn: str, key: str
) -> None:
    async with serve(folder, dsn, key) as process, calling(process):
        pass
    told = await run_command(
        folder, "api", "--port", "0", DATABASE_URL=dsn, ROWHOOK_MASTER_KEYS=generate_master_key()
    )
    told.refused(1, "ROWHOOK_MASTER_KEYS does not match this database")


async def test_a_database_that_is_not_migrated_is_not_served(
    folder: Path, empty_dsn: str, key: str
) -> None:
    told = await run_command(
        folder, "api", "--port", "0", DATABASE_URL=empty_dsn, ROWHOOK_MASTER_KEYS=key
    )
    told.refused(1, "is not migrated", "run rowhook migrate")
