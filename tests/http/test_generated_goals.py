"""Validation of data for generated goals, compared with the result of the worker."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from msgspec import Raw

from rowhook.services.commits import Proposal, goal_schema, validate_commit
from rowhook.services.context import Rejected
from tests.support.generated_goals import data_of, goal_of
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio


async def test_the_worker_sends_data_that_validate_accepts(rig: Rig) -> None:
    rng = random.Random(20261130)  # noqa: S311  # reproducible
    while await _outputs(rig) < 8:
        for fields in goal_of(rng):
            await _link(rig, fields)
    predicted: dict[tuple[str, str], bool] = {}
    for _ in range(40):
        text = json.dumps(data_of(rng))
        commit = await rig.platform.commit(text)
        verdict = await validate_commit(
            rig.ctx, rig.platform.goal, Proposal(data=Raw(text.encode()))
        )
        predicted |= {(commit, str(output.webhook_id)): output.valid for output in verdict.outputs}
    async with rig.worker():
        await until(rig.nothing_waits, description="all deliveries finished")
    rows = await rig.platform.rows("select commit_id, webhook_id, status from rowhook.delivery")
    observed = {
        (row["commit_id"], str(row["webhook_id"])): row["status"] in {"delivered", "skipped"}
        for row in rows
    }
    assert observed == predicted
    assert set(observed.values()) == {True, False}


async def _link(rig: Rig, fields: dict[str, Any]) -> None:
    """Creates a webhook, unless a save refuses it because it can never work."""
    del fields["name"]
    try:
        await rig.webhook(retry_schedule_s=[0], **fields)
    except Rejected:
        return


async def _outputs(rig: Rig) -> int:
    schema = await goal_schema(rig.ctx, rig.platform.goal)
    return len(schema["x-rowhook"]["outputs"])
