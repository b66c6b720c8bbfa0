"""Every place of the dashboard where foreign text stands, filled with texts that attack pages."""

from __future__ import annotations

import json
from asyncio import StreamWriter
from collections.abc import Iterator
from urllib.parse import quote
from uuid import UUID

import msgspec
import pytest

from rowhook import operations
from rowhook.compose import Configuration
from rowhook.operations.documents import Webhook
from tests.browser import needs_chromium
from tests.commands import on_18
from tests.hazards.page_attacks import PAYLOADS
from tests.receiver import Received, answer
from tests.rig import Rig
from tests.scoreboard import score
from tests.screens import FIRST, HOUSE
from tests.stage import Stage, stage

pytestmark = [pytest.mark.anyio, pytest.mark.long, pytest.mark.hazards, on_18, needs_chromium]

_WATCH = """
  window.hits = []; window.reports = [];
  window.hit = () => { window.hits.push(location.pathname); };
  window.alert = window.hit;
  document.addEventListener("securitypolicyviolation",
    (event) => window.reports.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


def draft(rig: Rig, number: int, payload: str) -> Configuration:
    """A webhook that shows the payload wherever one can be written."""
    return Configuration(
        name=payload, description=payload, metadata={payload: payload},
        url=f"{rig.receiver.url}/{number}?q={quote(payload)}", headers={"X-Shown": _ascii(payload)},
        raw_payload=True, retry_schedule_s=[0],
    )  # fmt: skip


def _ascii(payload: str) -> str:
    """What a header may hold, and no template."""
    kept = "".join(one for one in payload if " " <= one <= "~")
    return kept.replace("{{", "{").replace("{%", "{").replace("{#", "{")


def holding(payload: str, given: Configuration) -> Configuration:
    """The same, with a schema that no data meets, which says the payload when it is not met."""
    asks = {"title": payload, "description": payload, "required": [payload + "!"]}
    return msgspec.structs.replace(given, schema=asks)


async def _attack_back(received: Received, writer: StreamWriter) -> None:
    """A receiver that fails, with the payload of the request in its answer."""
    number = int(received.path.split("?")[0].strip("/"))
    headers = (("Content-Type", "text/html"), ("X-Said", _ascii(PAYLOADS[number])))
    await answer(500, PAYLOADS[number].encode(), headers)(received, writer)


async def fill(made: Stage) -> list[tuple[str, Webhook, Webhook]]:
    """For each payload a goal, an agent, a webhook that fails and one that holds, and a commit."""
    rig, platform = made.rig, made.rig.platform
    await platform.run("update rowhook.organization set name = %s", PAYLOADS[0])
    rig.receiver.default = _attack_back
    filled = []
    for number, payload in enumerate(PAYLOADS):
        filled.append((payload, *await _one(made, number, payload)))
    await rig.reaches("dead", count=len(PAYLOADS))
    await rig.reaches("held", count=len(PAYLOADS))
    return filled


async def _one(made: Stage, number: int, payload: str) -> tuple[Webhook, Webhook]:
    rig, platform = made.rig, made.rig.platform
    goal, session = f"{payload} {number}", f"{payload} s{number}"
    await platform.run(
        "insert into rowhook.goal (id, organization_id, template_id, name) values (%s, %s, %s, %s)",
        goal, platform.organization, payload, payload,
    )  # fmt: skip
    await platform.run(
        "insert into rowhook.agent (organization_id, name) values (%s, %s)",
        platform.organization, payload,
    )  # fmt: skip
    given = draft(rig, number, payload)
    webhooks = []
    for one in (given, holding(payload, given)):
        saved = await operations.create_webhook(rig.office, platform.organization, one)
        await operations.link_goal(rig.office, saved.id, goal)
        webhooks.append(saved)
    await platform.run(
        "insert into rowhook.session (id, organization_id, context) values (%s, %s, %s)",
        session, platform.organization, json.dumps({payload: payload}),
    )  # fmt: skip
    await platform.run(
        "insert into rowhook.commit (id, goal_id, session_id, interview_id, data)"
        " values (%s, %s, %s, %s, %s)",
        f"{payload} c{number}", goal, session, payload, json.dumps({payload: [payload]}),
    )  # fmt: skip
    scopes = list(operations.SCOPES)
    key = await operations.create_key(rig.office, platform.organization, payload.strip(), scopes)
    await made.api.call("POST", f"/webhooks/{webhooks[1].id}/pause", key=key.key)
    await made.api.call("POST", f"/webhooks/{webhooks[1].id}/resume", key=key.key)
    return webhooks[0], webhooks[1]


def places(
    filled: list[tuple[str, Webhook, Webhook]], deliveries: dict[UUID, int]
) -> Iterator[str]:
    """The addresses of all of them: lists, details, and what an address itself says."""
    yield from (*FIRST, *HOUSE)
    for number, (payload, failing, held) in enumerate(filled):
        text = quote(payload, safe="")
        for webhook in (failing, held):
            yield f"/webhooks/{webhook.id}"
            yield f"/webhooks/{webhook.id}/edit"
            yield f"/deliveries/{deliveries[webhook.id]}"
        yield f"/webhooks/{failing.id}/test"
        yield f"/webhooks/{failing.id}/revisions"
        yield f"/goals/{quote(f'{payload} {number}', safe='')}"
        yield f"/webhooks?search={text}&state={text}"
        yield f"/deliveries?commit_id={text}&status={text}&event_type={text}"
        yield f"/links?search={text}"
        yield f"/audit?actor={text}&action={text}&subject={text}"
        yield f"/failures?since={text}&webhook_id={text}"
        yield f"/secrets?edit={text}&done={text}"
        yield f"/webhooks/new?preset={text}&done={text}"
        yield f"/organizations?next=/{text}"


async def test_no_text_is_ever_run(rig: Rig) -> None:
    async with stage(rig, settled=False) as made:
        filled = await fill(made)
        found = await rig.platform.rows(
            "select webhook_id, max(id) as id from rowhook.outbox group by 1"
        )
        deliveries = {one["webhook_id"]: one["id"] for one in found}
        await made.page.add_init_script(_WATCH)
        await made.sign_in()
        await made.choose()
        looked, hits, reports = await visit(made, list(places(filled, deliveries)))
        broken = [one for one in made.complaints if "Failed to load resource" not in one]
    score(
        f"{len(PAYLOADS)} texts that attack pages, on {looked} addresses of the dashboard",
        asked="0 executions, 0 reports of the policy, nothing asked of another machine",
        measured=f"{len(hits)} executions, {len(reports)} reports, {len(made.elsewhere)} elsewhere",
        holds=not (hits or reports or made.elsewhere or broken),
    )  # fmt: skip


async def visit(made: Stage, paths: list[str]) -> tuple[int, list[str], list[str]]:
    """Opens each, opens what is folded, and asks what was run."""
    hits: list[str] = []
    reports: list[str] = []
    for path in paths:
        answered = await made.page.goto(made.url + path, wait_until="load")
        assert answered is not None
        assert answered.status < 500, (path, answered.status)
        assert "text/html" in answered.headers["content-type"], path
        await made.page.evaluate(
            "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
        )
        hits += await made.page.evaluate("window.hits")
        reports += await made.page.evaluate("window.reports")
    return len(paths), hits, reports
