"""Schemathesis against the served OpenAPI: examples, edges, random and stateful requests."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from rowhook.api.examples import EXAMPLES
from tests.support.calls import ADMIN_KEY, Api
from tests.support.commands import SOURCE, environment
from tests.support.receiver import Receiver
from tests.support.rules import RULES
from tests.support.tenants import Tenant, tenant

pytestmark = pytest.mark.anyio
EXAMPLES = {
    EXAMPLES["webhook_id"]: "webhook_id",
    EXAMPLES["agent_id"]: "agent_id",
    "4711": "delivery_id",
    EXAMPLES["organization"]: "organization_id",
    "goal_qualify": "goal_id",
}
DEADLINE_S = 600
# A statement is cut off after 60 s, and that is answered with 503. How fast it is, benchmarks say.
PATIENCE_S = "70"
# It does not end, so it is not asked for.
STREAM = "GET /v1/sessions/{session_id}/callbacks"
# Chains are of up to 16 calls, each with what the ones before it answered.
_SETTINGS = """\
[generation]
max-examples = {examples}
[phases.stateful]
max-steps = 16
[phases.stateful.generation]
max-examples = {chains}
"""
# That a request is in the schema does not say that its ids, cursors and templates are good.
NOT_ASKED = "positive_data_acceptance"
_COUNTED = re.compile(
    r'^rowhook_api_requests_total\{method="(\w+)",route="([^"]+)",status="(\w+)"\} (\S+)$',
    re.MULTILINE,
)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Where every webhook and test send of the battery goes."""
    async with Receiver() as started:
        yield started


@pytest.fixture
async def ours(api: Api, db: psycopg.AsyncConnection) -> Tenant:
    await tenant(api, db)
    return await tenant(api, db)


async def kept(db: psycopg.AsyncConnection, api: Api, organization: UUID) -> str:
    """A key with all scopes that no request of the battery deletes."""
    key = await api.key_of(organization)
    await db.execute("""
      create function keep() returns trigger language plpgsql as 'begin return null; end';
      create trigger keep before delete on rowhook.api_key
        for each row when (old.name = 'test') execute function keep()""")
    return key


async def counted(api: Api) -> Counter[tuple[str, str]]:
    """(call, status) → how often, as the API itself has counted."""
    text = (await api.client.get("/metrics")).text
    found: Counter[tuple[str, str]] = Counter()
    for method, route, status, count in _COUNTED.findall(text):
        found[f"{method} {route}", status] += int(float(count))
    return found


async def battery(
    folder: Path,
    api: Api,
    key: str,
    ours: Tenant,
    target: str,
    *,
    phases: str,
    examples: int,
    chains: int,
) -> Counter[tuple[str, str]]:
    """What was answered to schemathesis, which runs as a process of its own."""
    (folder / "schemathesis.toml").write_text(_SETTINGS.format(examples=examples, chains=chains))
    before = await counted(api)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from schemathesis.cli import schemathesis; schemathesis()",
        "run",
        f"{api.url}/schema/openapi.json",
        "--header",
        f"Authorization: Bearer {key}",
        "--include-path-regex",
        "^/v1/",
        "--checks",
        "all",
        "--exclude-checks",
        NOT_ASKED,
        "--exclude-path-regex",
        "/callbacks$",
        "--continue-on-failure",
        "--generation-database",
        "none",
        "--request-timeout",
        PATIENCE_S,
        "--suppress-health-check",
        "all",
        "--seed",
        "20260523",
        "--no-color",
        "--phases",
        phases,
        env=environment(
            folder,
            SCHEMATHESIS_HOOKS="tests.support.schemathesis_hooks",
            PYTHONPATH=f"{SOURCE}:{SOURCE.parent}",
            HYPOTHESIS_STORAGE_DIRECTORY=str(folder / "h"),
            BATTERY_REAL=json.dumps(real(ours)),
            BATTERY_EXAMPLES=json.dumps(EXAMPLES),
            BATTERY_TARGET=target,
        ),
        stdout=PIPE,
        stderr=STDOUT,
        cwd=folder,
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    # A curl line may be as long as a cursor.
    text = "\n".join(line[:500] for line in said.decode().splitlines())
    assert process.returncode == 0, text
    return await counted(api) - before


def real(ours: Tenant) -> dict[str, str]:
    """The names of parameters → ids that exist, or that a call makes."""
    return {
        "webhook_id": str(ours.loose),
        "organization_id": str(ours.organization),
        "agent_id": str(ours.platform.agent),
        "goal_id": ours.platform.goal,
        "delivery_id": str(ours.dead),
        "secret_id": "made-up",
        "revision": "1",
        "session_id": ours.session,
        "event_id": str(ours.event),
    }


def of_v1(answered: Counter[tuple[str, str]]) -> int:
    return sum(count for (call, _), count in answered.items() if call in RULES)


def succeeded(answered: Counter[tuple[str, str]]) -> set[str]:
    return {call for call, status in answered if status.startswith("2")}


@pytest.mark.battery
@pytest.mark.hazards
@pytest.mark.parametrize("whose", ["operator", "organization"])
async def test_whatever_schemathesis_sends_is_answered_as_the_openapi_says(
    api: Api,
    db: psycopg.AsyncConnection,
    ours: Tenant,
    receiver: Receiver,
    folder: Path,
    whose: str,
) -> None:
    key = ADMIN_KEY if whose == "operator" else await kept(db, api, ours.organization)
    answered = await battery(
        folder,
        api,
        key,
        ours,
        receiver.url,
        phases="examples,coverage,fuzzing,stateful",
        examples=200,
        chains=800,
    )
    assert of_v1(answered) >= 5000
    assert not [status for _, status in answered if status >= "500"]
    closed = (
        {STREAM} if whose == "operator" else {STREAM, "GET /v1/organizations", "GET /v1/system"}
    )
    assert set(RULES) - succeeded(answered) == closed
    assert receiver.requests


@pytest.mark.long
async def test_a_short_round_of_schemathesis_finds_nothing(
    api: Api, ours: Tenant, receiver: Receiver, folder: Path
) -> None:
    answered = await battery(
        folder,
        api,
        ADMIN_KEY,
        ours,
        receiver.url,
        phases="examples,fuzzing,stateful",
        examples=4,
        chains=4,
    )
    assert of_v1(answered) >= 200
