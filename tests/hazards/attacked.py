"""An installation in which every foreign text is one that attacks pages, and each of its pages."""

from __future__ import annotations

import json
from asyncio import StreamWriter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import msgspec

from rowhook.dashboard.editor_form import fields_of
from rowhook.render.configuration import Configuration
from rowhook.services import access, links, secrets, webhook_checks, webhooks
from rowhook.services.access import SCOPES
from rowhook.services.webhook_documents import Webhook
from tests.hazards.page_attacks import PAYLOADS
from tests.support.dashboard_session import DashboardSession
from tests.support.receiver import Received, answer
from tests.support.rig import Rig
from tests.support.screens import MAIN_PATHS, SETTINGS_PATHS, SINCE

Pairs = list[tuple[str, str]]


class Form(NamedTuple):
    """What is sent to a path, and what the page that answers may have as its status."""

    path: str
    fields: Pairs
    statuses: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One text, with a goal, a secret, a webhook that fails and one that holds, named by it."""

    number: int
    payload: str
    goal: str
    failing: Webhook
    holding: Webhook

    @property
    def secret(self) -> str:
        return f"s{self.number}"

    @property
    def data(self) -> str:
        return json.dumps({self.payload: [self.payload]})


def draft(rig: Rig, number: int, payload: str) -> Configuration:
    """A webhook that shows the payload wherever one can be written."""
    return Configuration(
        name=payload,
        description=payload,
        metadata={payload: payload},
        url=f"{rig.receiver.url}/{number}?q={quote(payload)}",
        raw_payload=True,
        headers={"X-RedactedRequest": _ascii(payload), "X-Token": f"{{{{secret:s{number}}}}}"},
        retry_schedule_s=[0],
    )


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


async def fill(made: DashboardSession, payloads: Sequence[str]) -> list[Attack]:
    """For each payload whatever can be named by it, and a commit that fails, and one held."""
    rig, platform = made.rig, made.rig.platform
    await platform.run("update rowhook.organization set name = %s", payloads[0])
    rig.receiver.default = _attack_back
    filled = [await _one(made, number, payload) for number, payload in enumerate(payloads)]
    await rig.reaches("dead", count=len(payloads))
    await rig.reaches("held", count=len(payloads))
    return filled


async def _one(made: DashboardSession, number: int, payload: str) -> Attack:
    rig, owner = made.rig, made.rig.platform.organization
    goal = f"{payload} {number}"
    await rig.platform.run(
        "insert into rowhook.goal (id, organization_id, template_id, name) values (%s, %s, %s, %s)",
        goal,
        owner,
        payload,
        payload,
    )
    await rig.platform.run(
        "insert into rowhook.agent (organization_id, name) values (%s, %s)", owner, payload
    )
    await secrets.put_secret(rig.ctx, owner, f"s{number}", f"value-{number}", None)
    given = draft(rig, number, payload)
    failing, held = [
        await webhooks.create_webhook(rig.ctx, owner, one)
        for one in (given, holding(payload, given))
    ]
    made_up = Attack(number=number, payload=payload, goal=goal, failing=failing, holding=held)
    await _commit(rig, made_up)
    scopes = list(SCOPES)
    key = await access.create_key(rig.ctx, owner, payload.strip(), scopes)
    for act in ("pause", "resume"):
        await made.api.call("POST", f"/webhooks/{held.id}/{act}", key=key.key)
    return made_up


async def _commit(rig: Rig, attack: Attack) -> None:
    session = f"{attack.payload} s{attack.number}"
    for webhook in (attack.failing, attack.holding):
        await links.link_goal(rig.ctx, webhook.id, attack.goal)
    await rig.platform.run(
        "insert into rowhook.session (id, organization_id, context) values (%s, %s, %s)",
        session,
        rig.platform.organization,
        json.dumps({attack.payload: attack.payload}),
    )
    await rig.platform.run(
        "insert into rowhook.commit (id, goal_id, session_id, interview_id, data)"
        " values (%s, %s, %s, %s, %s)",
        f"{attack.payload} c{attack.number}",
        attack.goal,
        session,
        attack.payload,
        attack.data,
    )


def lists(one: Attack) -> Iterator[str]:
    """What shows all of them, page by page; and what says of one no more than of any other."""
    yield from (
        *MAIN_PATHS,
        *SETTINGS_PATHS,
        "/links?kind=goal",
        "/deliveries?live=1",
        "/failures?window=30d",
    )
    yield f"/replay?webhook_id={one.failing.id}"
    yield f"/replay/progress?webhook_id={one.failing.id}&since={SINCE}&of=1&before=0"


def addresses(attack: Attack, deliveries: dict[UUID, int]) -> Iterator[str]:
    """The pages of one, and those whose address says it; but for what the answers below show."""
    text, goal = quote(attack.payload, safe=""), quote(attack.goal, safe="")
    of_failing = f"webhook_id={attack.failing.id}&since={SINCE}"
    for webhook in (attack.failing, attack.holding):
        yield f"/deliveries/{deliveries[webhook.id]}"
    yield f"/webhooks/{attack.holding.id}"
    yield f"/webhooks/{attack.holding.id}/edit"
    yield f"/webhooks/{attack.failing.id}/revisions"
    yield f"/held/{attack.holding.id}"
    yield f"/held/{attack.holding.id}/released?of=1&before=0"
    yield f"/failures?{of_failing}"
    yield f"/replay/count?{of_failing}&status=dead"
    yield f"/replay/count?{of_failing}&rate={text}&status={text}"
    yield f"/goals?goal_id={goal}&format=mcp"
    yield f"/goals?search={text}"
    for kind in ("agent", "goal"):
        yield f"/links?kind={kind}&search={text}&webhook_id={attack.failing.id}"
    yield f"/webhooks?search={text}"
    yield f"/deliveries?commit_id={text}%20c{attack.number}"
    yield f"/deliveries?commit_id={text}&status={text}&event_type={text}"
    yield f"/audit?actor={text}&action={text}&subject={text}"
    yield f"/failures?since={text}&webhook_id={text}"
    yield f"/secrets?edit={text}&done={text}"
    yield f"/webhooks/new?preset={text}&done={text}"
    yield f"/organizations?next=/{text}"
    yield f"/sign-in?next=/{text}"
    yield f"/sign-in/link?token={text}"


def forms(attack: Attack) -> Iterator[Form]:
    """What is sent, and shows the text in the page that answers alone."""
    text, whole = attack.payload, _fields(attack.failing)
    of_failing = f"/webhooks/{attack.failing.id}"
    sample = {"sample": f"goal:{attack.goal}", "sample_data": attack.data}
    wrong = dict.fromkeys(
        ("headers", "schema", "metadata", "condition", "retry_schedule_s", "timeout_s", "url"), text
    )
    template = {"body": "template", "body_template": f'{{"a": "{text}"}}'}
    yield _form("/webhooks/new", whole, 200)
    yield _form(f"{of_failing}/edit", whole | wrong | {"revision": "1"}, 422)
    preview = whole | template | sample | {"webhook_id": str(attack.failing.id)}
    yield _form("/webhooks/preview", preview, 200)
    yield _form(f"{of_failing}/test", sample | {"sample_context": attack.data}, 200)
    yield _form(f"{of_failing}/delete", {}, 409)
    yield _form("/secrets/delete", {"secret_id": attack.secret}, 409)
    mended = {"url": attack.holding.url or "", **template}
    yield _form(f"/held/{attack.holding.id}/preview", mended, 200, 422)
    yield _form("/goals", {"goal_id": attack.goal, "data": attack.data, "context": "{}"}, 200)
    yield _form("/keys", {"name": text, "scopes": "read"}, 200)


def _form(path: str, fields: dict[str, str], *statuses: int) -> Form:
    return Form(path, list(fields.items()), statuses)


def _fields(webhook: Webhook) -> dict[str, Any]:
    """Its form as the editor fills it."""
    fields = fields_of(webhook_checks.configuration_of(webhook))
    return {name: value for name, value in fields.items() if isinstance(value, str)}
