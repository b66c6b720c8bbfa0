"""Schemathesis runs against the served OpenAPI document."""

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

from rowhook.api.routing import EXAMPLES
from tests.support.calls import ADMIN_KEY, Api
from tests.support.commands import SOURCE, environment
from tests.support.receiver import Receiver
from tests.support.rules import RULES
from tests.support.tenants import Tenant, tenant

pytestmark = pytest.mark.anyio
PLACEHOLDERS = {
    EXAMPLES["webhook_id"]: "webhook_id",
    EXAMPLES["agent_id"]: "agent_id",
    "4711": "delivery_id",
    EXAMPLES["organization"]: "organization_id",
    "goal_qualify": "goal_id",
}
DEADLINE_S = 3600
# Longer than the statement timeout of 60 s, which is answered with 503.
REQUEST_TIMEOUT_S = "70"
OPERATORS_ONLY = {
    "GET /v1/organizations",
    "PATCH /v1/organizations/{organization_id}",
    "GET /v1/organizations/{organization_id}/export",
    "POST /v1/organizations/{organization_id}/erase",
}
# No generated confirmation is that of an organization.
ERASURE = "POST /v1/organizations/{organization_id}/erase"
# This stream does not end, so it is excluded.
STREAM = "GET /v1/sessions/{session_id}/callbacks"
# Each chain has up to 16 calls that use the responses of the previous ones.
_SETTINGS = """\
[generation]
max-examples = {examples}
[phases.stateful]
max-steps = 16
[phases.stateful.generation]
max-examples = {chains}
"""
# A request that matches the schema may still have unknown ids, cursors and templates.
EXCLUDED_CHECK = "positive_data_acceptance"
_REQUEST_COUNTER = re.compile(
    r'^rowhook_api_requests_total\{method="(\w+)",route="([^"]+)",status="(\w+)"\} (\S+)$',
    re.MULTILINE,
)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """The receiver of every webhook and test send of a run."""
    async with Receiver() as started:
        yield started


@pytest.fixture
async def ours(api: Api, db: psycopg.AsyncConnection) -> Tenant:
    await tenant(api, db)
    return await tenant(api, db)


async def protected_key(db: psycopg.AsyncConnection, api: Api, organization: UUID) -> str:
    """Creates a key with all scopes that no request of the run can delete."""
    key = await api.key_of(organization)
    await db.execute("""
      create function keep() returns trigger language plpgsql as 'begin return null; end';
      create trigger keep before delete on rowhook.api_key
        for each row when (old.name = 'test') execute function keep()""")
    return key


async def count_responses(api: Api) -> Counter[tuple[str, str]]:
    """Returns the number of requests by call and status, from the metrics of the API."""
    text = (await api.client.get("/metrics")).text
    counts: Counter[tuple[str, str]] = Counter()
    for method, route, status, count in _REQUEST_COUNTER.findall(text):
        counts[f"{method} {route}", status] += int(float(count))
    return counts


async def run_schemathesis(
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
    """Runs schemathesis as a process and returns the responses by call and status."""
    (folder / "schemathesis.toml").write_text(_SETTINGS.format(examples=examples, chains=chains))
    before = await count_responses(api)
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
        EXCLUDED_CHECK,
        "--exclude-path-regex",
        "/callbacks$",
        "--continue-on-failure",
        "--generation-database",
        "none",
        "--request-timeout",
        REQUEST_TIMEOUT_S,
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
            BATTERY_REAL=json.dumps(existing_ids(ours)),
            BATTERY_EXAMPLES=json.dumps(PLACEHOLDERS),
            BATTERY_TARGET=target,
        ),
        stdout=PIPE,
        stderr=STDOUT,
        cwd=folder,
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    # Truncated, because a curl line may be very long.
    text = "\n".join(line[:500] for line in output.decode().splitlines())
    assert process.returncode == 0, text
    return await count_responses(api) - before


def existing_ids(ours: Tenant) -> dict[str, str]:
    """Returns existing ids by the name of their parameter."""
    return {
        "webhook_id": str(ours.unlinked_webhook),
        "organization_id": str(ours.organization),
        "agent_id": str(ours.platform.agent),
        "goal_id": ours.platform.goal,
        "delivery_id": str(ours.dead),
        "secret_id": "made-up",
        "revision": "1",
        "session_id": ours.session,
        "event_id": str(ours.event),
    }


def count_v1(counts: Counter[tuple[str, str]]) -> int:
    return sum(count for (call, _), count in counts.items() if call in RULES)


def succeeded(counts: Counter[tuple[str, str]]) -> set[str]:
    return {call for call, status in counts if status.startswith("2")}


@pytest.mark.battery
@pytest.mark.hazards
@pytest.mark.parametrize("key_kind", ["operator", "organization"])
async def test_schemathesis_finds_no_violation_of_the_openapi_document(
    api: Api,
    db: psycopg.AsyncConnection,
    ours: Tenant,
    receiver: Receiver,
    folder: Path,
    key_kind: str,
) -> None:
    key = ADMIN_KEY if key_kind == "operator" else await protected_key(db, api, ours.organization)
    counts = await run_schemathesis(
        folder,
        api,
        key,
        ours,
        receiver.url,
        phases="examples,coverage,fuzzing,stateful",
        examples=200,
        chains=800,
    )
    assert count_v1(counts) >= 5000
    assert not [status for _, status in counts if status >= "500"]
    not_allowed = (
        {STREAM, ERASURE} if key_kind == "operator" else {STREAM, "GET /v1/system", *OPERATORS_ONLY}
    )
    assert set(RULES) - succeeded(counts) == not_allowed
    assert receiver.requests


@pytest.mark.long
async def test_a_short_schemathesis_run_finds_nothing(
    api: Api, ours: Tenant, receiver: Receiver, folder: Path
) -> None:
    counts = await run_schemathesis(
        folder,
        api,
        ADMIN_KEY,
        ours,
        receiver.url,
        phases="examples,fuzzing,stateful",
        examples=4,
        chains=4,
    )
    assert count_v1(counts) >= 200
