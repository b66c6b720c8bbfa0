"""An installation in which every platform text attacks pages, and all pages that display them."""

from __future__ import annotations

import json
from asyncio import StreamWriter
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import msgspec

from rowhook.dashboard.editor_form import fields_of
from rowhook.render.configuration import Configuration
from rowhook.services import access, links, secrets, webhook_documents, webhooks
from rowhook.services.access import SCOPES
from rowhook.services.webhook_documents import Webhook
from tests.hazards.page_attacks import PAYLOADS
from tests.support.dashboard_session import DashboardSession
from tests.support.receiver import Received, answer
from tests.support.screens import MAIN_PATHS, SETTINGS_PATHS, SINCE
from tests.support.worker_rig import Rig

Pairs = list[tuple[str, str]]


class Form(NamedTuple):
    """A form: its path, its fields and the allowed statuses of the response."""

    path: str
    fields: Pairs
    statuses: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A payload with a goal, a secret, a failing webhook, one that holds, and a disabled alert."""

    number: int
    payload: str
    goal: str
    failing: Webhook
    holding_configuration: Webhook
    alert: Webhook

    @property
    def secret(self) -> str:
        return f"s{self.number}"

    @property
    def data(self) -> str:
        return json.dumps({self.payload: [self.payload]})


def attack_configuration(rig: Rig, number: int, payload: str) -> Configuration:
    """A webhook with the payload in every text field."""
    return Configuration(
        name=payload,
        description=payload,
        metadata={payload: payload},
        url=f"{rig.receiver.url}/{number}?q={quote(payload)}",
        raw_payload=True,
        headers={"X-RedactedRequest": _ascii(payload), "X-Token": f"{{{{secret:s{number}}}}}"},
        retry_schedule_s=[0],
    )


def _alert_configuration(rig: Rig, number: int, payload: str) -> Configuration:
    """An alert whose destination, which its owner may write as metadata, is the payload."""
    return msgspec.structs.replace(
        attack_configuration(rig, number, payload),
        metadata={"alert": {"destination": payload, "secret": payload}},
        event_types=["webhook.failing"],
        external_id=f"{number} {''.join(filter(str.isprintable, payload))}",
    )


def _ascii(payload: str) -> str:
    """The printable ASCII of the payload, without template syntax."""
    printable = "".join(character for character in payload if " " <= character <= "~")
    return printable.replace("{{", "{").replace("{%", "{").replace("{#", "{")


def holding_configuration(payload: str, configuration: Configuration) -> Configuration:
    """A configuration with a schema that contains the payload and that no data satisfies."""
    asks = {"title": payload, "description": payload, "required": [payload + "!"]}
    return msgspec.structs.replace(configuration, schema=asks)


async def _attacking_receiver(received: Received, writer: StreamWriter) -> None:
    """A receiver that fails with the payload of the request in its response."""
    number = int(received.path.split("?")[0].strip("/"))
    headers = (("Content-Type", "text/html"), ("X-Said", _ascii(PAYLOADS[number])))
    await answer(500, PAYLOADS[number].encode(), headers)(received, writer)


async def create_attacks(stage: DashboardSession, payloads: Sequence[str]) -> list[Attack]:
    """Creates all objects for each payload, with a dead and a held delivery."""
    rig, platform = stage.rig, stage.rig.platform
    await platform.run("update rowhook.organization set name = %s", payloads[0])
    rig.receiver.default = _attacking_receiver
    filled = [
        await _create_attack(stage, number, payload) for number, payload in enumerate(payloads)
    ]
    await rig.reaches("dead", count=len(payloads))
    await rig.reaches("held", count=len(payloads))
    return filled


async def _create_attack(stage: DashboardSession, number: int, payload: str) -> Attack:
    rig, owner = stage.rig, stage.rig.platform.organization
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
    configuration = attack_configuration(rig, number, payload)
    failing, holding_webhook, alert = [
        await webhooks.create_webhook(rig.ctx, owner, configuration_)
        for configuration_ in (
            configuration,
            holding_configuration(payload, configuration),
            _alert_configuration(rig, number, payload),
        )
    ]
    await _plant_in_rows(rig, alert.id, f"{payload} {number}")
    made_up = Attack(
        number=number,
        payload=payload,
        goal=goal,
        failing=failing,
        holding_configuration=holding_webhook,
        alert=alert,
    )
    await _commit(rig, made_up)
    scopes = list(SCOPES)
    key = await access.create_key(rig.ctx, owner, payload.strip(), scopes)
    for act in ("pause", "resume"):
        await stage.api.call("POST", f"/webhooks/{holding_webhook.id}/{act}", key=key.key)
    return made_up


async def _plant_in_rows(rig: Rig, alert: UUID, text: str) -> None:
    """Writes the text where the engine writes texts of other programs: errors, reasons, hosts."""
    run = rig.platform.run
    await run(
        "update rowhook.webhook set state = 'disabled', disabled_reason = %s where id = %s",
        text,
        alert,
    )
    await run(
        "insert into rowhook.agent (organization_id, name, external_id) values (%s, %s, %s)",
        rig.platform.organization,
        text,
        text,
    )
    await run(
        "insert into rowhook.capture_error (source, source_ids, sqlstate, message)"
        " values (%s, array[%s], 'XX000', %s)",
        text,
        text,
        text,
    )
    await run("insert into rowhook.worker (id, host, pid) values (gen_random_uuid(), %s, 1)", text)


async def _commit(rig: Rig, attack: Attack) -> None:
    session = f"{attack.payload} s{attack.number}"
    for webhook in (attack.failing, attack.holding_configuration):
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


def list_pages(attack: Attack) -> Iterator[str]:
    """Pages that list all attacks, and pages that do not depend on the payload."""
    yield from (
        *MAIN_PATHS,
        *SETTINGS_PATHS,
        "/links?kind=goal",
        "/deliveries?live=1",
        "/failures?window=30d",
    )
    yield f"/replay?webhook_id={attack.failing.id}"
    yield "/adopt"
    yield "/search"
    yield f"/replay/progress?webhook_id={attack.failing.id}&since={SINCE}&of=1&before=0"


def attack_pages(attack: Attack, deliveries: dict[UUID, int]) -> Iterator[str]:
    """Pages of one attack, and pages with the payload in their URL."""
    text, goal = quote(attack.payload, safe=""), quote(attack.goal, safe="")
    of_failing = f"webhook_id={attack.failing.id}&since={SINCE}"
    for webhook in (attack.failing, attack.holding_configuration):
        yield f"/deliveries/{deliveries[webhook.id]}"
    yield f"/webhooks/{attack.alert.id}"
    yield f"/webhooks/{attack.failing.id}/test"
    yield f"/webhooks/{attack.holding_configuration.id}"
    yield f"/webhooks/{attack.holding_configuration.id}/edit"
    yield f"/webhooks/{attack.failing.id}/revisions"
    yield f"/held/{attack.holding_configuration.id}"
    yield f"/held/{attack.holding_configuration.id}/released?of=1&before=0"
    yield f"/failures?{of_failing}"
    yield f"/replay/count?{of_failing}&status=dead"
    yield f"/replay/count?{of_failing}&rate={text}&status={text}"
    yield f"/goals?goal_id={goal}&format=mcp"
    yield f"/goals/{goal}"
    yield f"/goals?search={text}"
    for kind in ("agent", "goal"):
        yield f"/links?kind={kind}&search={text}&webhook_id={attack.failing.id}"
    yield f"/webhooks?search={text}"
    yield f"/deliveries?commit_id={text}%20c{attack.number}"
    yield f"/deliveries?commit_id={text}&status={text}&event_type={text}"
    yield f"/deliveries?q={text}&open={deliveries[attack.failing.id]}"
    yield f"/deliveries/{deliveries[attack.failing.id]}/pane?list={text}"
    yield f"/audit?actor={text}&action={text}&subject={text}"
    yield f"/failures?since={text}&webhook_id={text}"
    yield f"/secrets?edit={text}&done={text}"
    yield f"/webhooks/new?preset={text}&done={text}"
    yield f"/organizations?next=/{text}&search={text}"
    yield f"/search?q={text}"
    yield f"/portal?token={text}"
    yield f"/search?q={text}%20c{attack.number}"
    yield f"/sign-in?next=/{text}"
    yield f"/sign-in/link?token={text}"


def portal_draft(attack: Attack, organization: UUID) -> dict[str, Any]:
    """A portal whose name, logo and way back contain the payload."""
    name = "".join(filter(str.isprintable, attack.payload))[:80]
    return {
        "organization_id": str(organization),
        "scopes": ["read", "write", "secrets", "replay"],
        "return_url": f"https://app.example.com/?{quote(attack.payload)}#{quote(attack.payload)}",
        "brand": {"name": name, "logo": f"data:image/svg+xml;base64,{_svg(attack.payload)}"},
    }


def _svg(payload: str) -> str:
    image = f"<svg xmlns='http://www.w3.org/2000/svg' onload='parent.hit()'>{payload}</svg>"
    return b64encode(image.encode()).decode()


def portal_pages(attack: Attack) -> Iterator[str]:
    """Pages that a customer sees, with the brand."""
    yield from ("/", "/webhooks", "/nowhere", "/keys")
    yield f"/webhooks/{attack.failing.id}"


def attack_forms(attack: Attack) -> Iterator[Form]:
    """Forms whose response contains the payload."""
    text, all_fields = attack.payload, _fields(attack.failing)
    of_failing = f"/webhooks/{attack.failing.id}"
    sample = {"sample": f"goal:{attack.goal}", "sample_data": attack.data}
    wrong = dict.fromkeys(
        ("headers", "schema", "metadata", "condition", "retry_schedule_s", "timeout_s", "url"), text
    )
    template = {"body": "template", "body_template": f'{{"a": "{text}"}}'}
    yield _form("/webhooks/new", all_fields, 200)
    yield _form(f"{of_failing}/edit", all_fields | wrong | {"revision": "1"}, 422)
    preview = all_fields | template | sample | {"webhook_id": str(attack.failing.id)}
    yield _form("/webhooks/preview", preview, 200)
    yield _form(f"{of_failing}/test", sample | {"sample_context": attack.data}, 200)
    yield _form(f"{of_failing}/delete", {}, 409)
    yield _form("/secrets/delete", {"secret_id": attack.secret}, 409)
    fixed = {"url": attack.holding_configuration.url or "", **template}
    yield _form(f"/held/{attack.holding_configuration.id}/preview", fixed, 200, 422)
    yield _form("/goals", {"goal_id": attack.goal, "data": attack.data, "context": "{}"}, 200)
    yield _form("/keys", {"name": text, "scopes": "read"}, 200)


def _form(path: str, fields: dict[str, str], *statuses: int) -> Form:
    return Form(path, list(fields.items()), statuses)


def _fields(webhook: Webhook) -> dict[str, Any]:
    """The form fields as the editor fills them."""
    fields = fields_of(webhook_documents.configuration_of(webhook))
    return {name: value for name, value in fields.items() if isinstance(value, str)}
