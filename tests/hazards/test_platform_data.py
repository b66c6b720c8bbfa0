"""Hostile values in every column that a platform writes."""

from __future__ import annotations

import json
import random
from collections import Counter
from functools import partial
from typing import Any

import pytest

from rowhook.render.configuration import Configuration
from rowhook.services import links, webhooks
from tests.support.scoreboard import score
from tests.support.worker_rig import Rig, until

pytestmark = [pytest.mark.anyio, pytest.mark.hazards]
MIB = 1 << 20
SENT, HELD = "delivered", "held"
OUTPUTS: dict[str, dict[str, Any]] = {
    "default": {},
    "template": {"body_template": '{"data": {{data}}, "context": {{context}}}'},
    "raw": {"raw_payload": True},
    "schema": {"raw_payload": True, "schema": {"type": ["object", "array", "string", "number"]}},
}
# The final status of each output: default, template, raw, raw with a schema.
ALL_SENT = (SENT,) * 4
POISON: dict[str, tuple[str, tuple[str, ...]]] = {
    "an exponent of six digits": ('{"n": 1e100000}', ALL_SENT),
    "thirty digits": ('{"n": 123456789012345678901234567890}', ALL_SENT),
    "300,000 digits": (f'{{"n": {"9" * 300_000}}}', ALL_SENT),
    "minus zero and trailing zeros": ("[-0, -0.0, 1.10, 1E+2]", ALL_SENT),
    "lists 250 deep": ("[" * 250 + "]" * 250, ALL_SENT),
    "lists 400 deep": ("[" * 400 + "]" * 400, (SENT, HELD, SENT, HELD)),
    "lists 6,000 deep": ("[" * 6000 + "]" * 6000, (SENT, HELD, SENT, HELD)),
    "objects 3,000 deep": ('{"a":' * 3000 + "1" + "}" * 3000, (SENT, HELD, SENT, HELD)),
    "U+0000": (r'{"a": "x\u0000y", "\u0000": 1}', ALL_SENT),
    "a lone surrogate": (r'{"a": "\ud800", "\udfff": 1}', ALL_SENT),
    "the same key twice": ('{"a": 1, "a": 2}', ALL_SENT),
    "empty keys": ('{"": {"": 1}}', ALL_SENT),
    "keys of the language": ('{"items": 1, "__class__": 2, "get": 3}', ALL_SENT),
    "template text": ('{"a": "{{ data.a }}{% for %}{{secret:k}}"}', ALL_SENT),
    "closing quotes": (r'{"a": "\",\"admin\":true,\"x\":\""}', ALL_SENT),
    "a text of 200 KB": (json.dumps("x" * 200_000), ALL_SENT),
    "a text of nearly 1 MiB": (json.dumps("x" * (MIB - 200)), ALL_SENT),
    "more than 1 MiB": (json.dumps("x" * MIB), (HELD,) * 4),
    "100,000 numbers": (json.dumps(list(range(100_000))), ALL_SENT),
    "20,000 keys": (json.dumps({f"k{n}": n for n in range(20_000)}), ALL_SENT),
    "a key of 100 KB": (json.dumps({"k" * 100_000: 1}), ALL_SENT),
    "JSON null": ("null", (SENT, SENT, SENT, HELD)),
    "white space": (" \n\t\r {  } ", ALL_SENT),
}


async def outputs(rig: Rig) -> dict[str, str]:
    """The outputs of the goal and the agent, by webhook id."""
    named = {}
    for name, fields in OUTPUTS.items():
        saved = await rig.webhook(f"/{name}", **fields)
        await links.link_agent(rig.ctx, saved.id, rig.platform.agent)
        named[str(saved.id)] = name
    return named


async def nothing_waits(rig: Rig) -> bool:
    query = (
        "select count(*) from rowhook.outbox where status = 'sending'"
        " or status = 'pending' and attempts = 0"
    )
    return bool(await rig.platform.value(query) == 0)


async def poison(rig: Rig, where: str, text: str) -> str:
    """Writes a row with the value; returns the id of its event source."""
    if where == "commit.data":
        return await rig.platform.commit(text)
    if where == "session.context":
        session = f"s{random.getrandbits(40)}"  # any name
        await rig.platform.run(
            "insert into rowhook.session (id, organization_id, context) values (%s, %s, %s)",
            session,
            rig.platform.organization,
            text,
        )
        return await rig.platform.commit('{"n": 1}', session=session)
    column = where.partition(".")[2]
    job: Any = await rig.platform.value(
        f"insert into rowhook.job (agent_version_id, status, {column})"
        " values (%s, 'succeeded', %s) returning id",
        rig.platform.version,
        text,
    )
    return str(job)


@pytest.mark.long
@pytest.mark.parametrize("where", ["commit.data", "session.context", "job.output", "job.metadata"])
async def test_each_hostile_value_has_its_expected_result_and_a_good_row_is_delivered(
    rig: Rig, where: str
) -> None:
    named = await outputs(rig)
    async with rig.worker():
        rows = {await poison(rig, where, text): name for name, (text, _) in POISON.items()}
        await until(partial(nothing_waits, rig), description="each row has been tried")
        good = await rig.platform.commit('{"n": 1}')
        await rig.reaches(SENT, count=4)
    endings: dict[str, dict[str, str]] = {}
    for row in await rig.platform.rows("select * from rowhook.delivery"):
        source = str(row["commit_id"] or row["job_id"])
        if source != good:
            endings.setdefault(rows[source], {})[named[str(row["webhook_id"])]] = row["status"]
    stated = {name: dict(zip(OUTPUTS, ends, strict=True)) for name, (_, ends) in POISON.items()}
    if where in ("session.context", "job.metadata"):
        stated = {name: expected_endings(where, name, ends) for name, (_, ends) in POISON.items()}
    assert endings == stated
    ends = Counter(status for each in endings.values() for status in each.values())
    score(
        f"hostile values in {where}, {len(POISON)} kinds × {len(OUTPUTS)} outputs",
        required="the worker runs, expected results, a good row is delivered",
        measured=f"{sum(ends.values())} rows: {dict(ends)}",
        holds=set(ends) <= {SENT, HELD},
    )


def expected_endings(where: str, name: str, ends: tuple[str, ...]) -> dict[str, str]:
    """Only templates use the values outside of the data; the output of a job is null here."""
    if name == "more than 1 MiB":
        return dict.fromkeys(OUTPUTS, HELD)
    under_schema = HELD if where == "job.metadata" else SENT
    return {"default": SENT, "template": ends[1], "raw": SENT, "schema": under_schema}


def document(dice: random.Random, depth: int = 0) -> str:
    """JSON with unusual spaces, escapes and digits, all of which must arrive."""
    space = dice.choice(["", "", " ", "\n", "\t \r\n"])
    kind = dice.randrange(8 if depth < 4 else 4)
    if kind == 0:
        return space + dice.choice(["null", "true", "false"])
    if kind == 1:
        return space + dice.choice(["0", "-0", "1.10", "1e5", "1E+5", "0.000", "9" * 40])
    if kind < 4:
        parts = [
            "é",
            "\\u00e9",
            "\\ud83d\\ude00",
            "\\/",
            "\\u0000",
            "\\ud800",
            "{{ x }}",
            " ",
            "\\n",
        ]
        return f'{space}"{"".join(dice.choices(parts, k=dice.randrange(6)))}"'
    inner = [document(dice, depth + 1) for _ in range(dice.randrange(4))]
    if kind < 6:
        return f"{space}[{','.join(inner)}{space}]"
    members = [f'{space}"k{n % 2}"{space}:{value}' for n, value in enumerate(inner)]
    return f"{space}{{{','.join(members)}}}"


@pytest.mark.parametrize(
    "documents",
    [pytest.param(500, marks=pytest.mark.long), pytest.param(10_000, marks=pytest.mark.battery)],
)
async def test_raw_payloads_arrive_byte_for_byte(rig: Rig, documents: int) -> None:
    configuration = Configuration(
        name="raw",
        url=f"{rig.receiver.url}/raw",
        raw_payload=True,
        max_in_flight=200,
        retry_schedule_s=[0],
    )
    saved = await webhooks.create_webhook(rig.ctx, rig.platform.organization, configuration)
    await links.link_goal(rig.ctx, saved.id, rig.platform.goal)
    dice = random.Random(20261123)  # noqa: S311  # a repeatable sample
    texts = {f"c{n}": document(dice) for n in range(documents)}
    async with rig.worker():
        async with rig.platform.db.cursor() as cursor:
            await cursor.executemany(
                "insert into rowhook.commit (id, goal_id, data) values (%s, %s, %s)",
                [(name, rig.platform.goal, text) for name, text in texts.items()],
            )
        await rig.reaches(SENT, count=documents, within=120)
    arrived = {request.header("idempotency-key"): request.body for request in rig.receiver.requests}
    same = sum(arrived[name] == text.encode() for name, text in texts.items())
    score(
        "generated documents as raw payloads",
        required=f"≥ {documents:,}, byte for byte",
        measured=f"{same} of {len(texts)}",
        holds=same == len(texts) >= documents,
    )
