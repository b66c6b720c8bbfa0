"""The page of alerts: created from presets, tested, paused, deleted, and each alert sent once."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from rowhook.dashboard.presets import ALERT_DESTINATIONS
from rowhook.db import engine
from rowhook.db.connection_pool import Pool
from rowhook.model import OPERATIONAL_TYPES
from rowhook.services import alerts, previews, secrets
from rowhook.services.sample_data import Sample
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.calls import Api, running_api
from tests.support.certificates import trust
from tests.support.receiver import answer
from tests.support.service_rules import check
from tests.support.worker_rig import Rig, until

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio


def form(rig: Rig, csrf: str, **fields: Any) -> dict[str, Any]:
    """Returns the fields of the form of a new alert."""
    return {
        "csrf": csrf,
        "destination": "webhook",
        "url": f"{rig.receiver.url}/alerts",
        "event_types": list(OPERATIONAL_TYPES),
        "name": "",
    } | fields


async def alerts_of(rig: Rig) -> list[alerts.Alert]:
    return await alerts.list_alerts(rig.ctx, rig.platform.organization)


async def test_each_of_the_five_alerts_arrives_once(rig: Rig, pool: Pool) -> None:
    # The worker needs the master key with which the API has encrypted the URL.
    async with (
        running_api(rig.dsn, size=4, keyring=rig.keyring) as api,
        httpx.AsyncClient(verify=trust(), base_url=api.url) as browser,
    ):
        csrf = await sign_in(browser, await api.key_of(rig.platform.organization))
        response = await browser.post("/alerts", data=form(rig, csrf))
        assert response.headers["location"] == "/alerts?done=created"
    rig.receiver.script("/gone", answer(410, b""))
    names = {
        "webhook.failing": (await rig.webhook("/works")).id,
        "webhook.disabled": (await rig.webhook("/gone")).id,
        "webhook.held": (await rig.webhook("/held", body_template="{{data.missing}}")).id,
        "webhook.backlog": (await rig.webhook("/waits")).id,
    }
    names["webhook.recovered"] = names["webhook.failing"]
    await _fail_for_days(rig, names["webhook.failing"])
    await _keep_circuit_open(rig, names["webhook.backlog"])
    await engine.warn_or_disable(pool)
    await rig.platform.commit()
    await rig.platform.run("set session_replication_role = replica")
    await rig.platform.run(
        "update rowhook.outbox set next_attempt_at = now() - interval '1 hour'"
        " where webhook_id = %s",
        names["webhook.backlog"],
    )
    await rig.platform.run("set session_replication_role = origin")

    async def have_arrived() -> bool:
        await _evaluate(pool)
        return len(_received(rig)) >= len(OPERATIONAL_TYPES)

    async with rig.worker():
        await until(have_arrived, description="five alerts")
        for _ in range(3):
            await _evaluate(pool)
        await until(lambda: _is_idle(rig), description="the end of the alerts' deliveries")
    arrived = {body["type"]: body["webhook"]["id"] for body in _received(rig)}
    assert arrived == {type_: str(webhook) for type_, webhook in names.items()}
    assert len(_received(rig)) == len(OPERATIONAL_TYPES)
    assert all(
        list(body) == ["type", "timestamp", "organization", "webhook", "reason"]
        for body in _received(rig)
    )


async def _evaluate(pool: Pool) -> None:
    await engine.warn_or_disable(pool)
    await engine.announce_waiting(pool)


def _received(rig: Rig) -> list[dict[str, Any]]:
    requests = [request for request in rig.receiver.requests if request.path == "/alerts"]
    return [json.loads(request.body) for request in requests]


async def _is_idle(rig: Rig) -> bool:
    waiting = await rig.platform.value(
        "select count(*) from rowhook.outbox o join rowhook.event e on e.id = o.event_id"
        " where e.type like 'webhook.%%' and o.finished_at is null"
    )
    return bool(waiting == 0)


async def _fail_for_days(rig: Rig, webhook: UUID) -> None:
    await rig.platform.run(
        "insert into rowhook.lane_state (webhook_id, failures, failing_since)"
        " values (%s, 20, now() - interval '3 days')",
        webhook,
    )


async def _keep_circuit_open(rig: Rig, webhook: UUID) -> None:
    await rig.platform.run(
        "insert into rowhook.lane_state (webhook_id, circuit, failures, failing_since, probe_at)"
        " values (%s, 'open', 10, now(), now() + interval '1 hour')",
        webhook,
    )


async def test_an_alert_is_tested_paused_resumed_and_deleted_with_its_url(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    csrf = await sign_in(visitor, await api.key_of(rig.platform.organization))
    await visitor.post("/alerts", data=form(rig, csrf, name="On call"))
    (alert,) = await alerts_of(rig)
    stored = await secrets.list_secrets(rig.ctx, rig.platform.organization)
    assert [(item.id, item.allowed_hosts) for item in stored.items] == [
        (alert.alert.secret, ["127.0.0.1"])
    ]
    page = (await visitor.post(f"/alerts/{alert.id}/test", data={"csrf": csrf})).text
    assert "The receiver answered 200." in page
    assert f"{rig.receiver.url}/alerts" not in page
    assert [body["type"] for body in _received(rig)] == ["webhook.test"]
    for to, state in (("paused", "paused"), ("active", "active")):
        await visitor.post(f"/alerts/{alert.id}/state", data={"csrf": csrf, "to": to})
        assert [stored.state for stored in await alerts_of(rig)] == [state]
    await visitor.post(f"/alerts/{alert.id}/delete", data={"csrf": csrf})
    assert await alerts_of(rig) == []
    assert (await secrets.list_secrets(rig.ctx, rig.platform.organization)).items == []


async def test_a_refused_alert_is_explained_without_its_url_and_stores_nothing(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    csrf = await sign_in(visitor, await api.key_of(rig.platform.organization))
    for fields, message in (
        ({"url": "hooks.example.com/T0"}, "must begin with https://"),
        ({"event_types": []}, "Choose at least one alert."),
        ({"event_types": ["job.failed"]}, "job.failed is not an alert."),
        ({"destination": "fax"}, "Must be one of: slack, teams, webhook."),
    ):
        response = await visitor.post("/alerts", data=form(rig, csrf, **fields))
        assert (response.status_code, message in response.text) == (422, True), message
        assert "/T0" not in response.text
        assert rig.receiver.url not in response.text
    assert await alerts_of(rig) == []
    assert (await secrets.list_secrets(rig.ctx, rig.platform.organization)).items == []


async def test_alerts_need_the_scopes_write_and_secrets(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    for scopes in (("read",), ("read", "write"), ("read", "secrets")):
        csrf = await sign_in(visitor, await api.key_of(rig.platform.organization, *scopes))
        page = await visitor.get("/alerts")
        assert (page.status_code, "Create alert" in page.text) == (200, False)
        assert (await visitor.post("/alerts", data=form(rig, csrf))).status_code == 403
    assert await alerts_of(rig) == []


async def test_other_webhooks_and_alerts_of_other_organizations_are_not_found(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    csrf = await sign_in(visitor, await api.key_of(rig.platform.organization))
    webhook = await rig.webhook()
    for action in ("test", "state", "delete"):
        response = await visitor.post(f"/alerts/{webhook.id}/{action}", data={"csrf": csrf})
        assert response.status_code == 404


async def test_thresholds_are_saved_and_refused_out_of_range(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    csrf = await sign_in(visitor, await api.key_of(rig.platform.organization))
    saved = {"csrf": csrf, "held": "5", "backlog": "300", "backlog_age_min": "20"}
    response = await visitor.post("/alerts/thresholds", data=saved)
    assert response.headers["location"] == "/alerts?done=thresholds"
    response = await visitor.post("/alerts/thresholds", data=saved | {"backlog_age_min": "0"})
    assert (response.status_code, "Use 1 to 43,200 minutes." in response.text) == (422, True)
    page = (await visitor.get("/alerts")).text
    assert f"/v1/organizations/{rig.platform.organization}/alert-thresholds" in page
    stored = await alerts.alert_thresholds(rig.ctx, rig.platform.organization)
    assert stored == alerts.AlertThresholds(held=5, backlog=300, backlog_age_s=1200)
    actions = await rig.platform.rows("select action from rowhook.audit order by id desc limit 1")
    assert actions[0]["action"] == "alert_threshold.changed"


async def test_each_destination_renders_a_body_that_its_service_accepts(
    rig: Rig, pool: Pool
) -> None:
    for destination, (_, _, body) in ALERT_DESTINATIONS.items():
        alert = await rig.webhook(
            f"/{destination}", body_template=body, event_types=["webhook.held"]
        )
        preview = await previews.preview_webhook(rig.ctx, alert.id, Sample())
        assert (preview.outcome, preview.error) == ("rendered", None)
        assert preview.request is not None
        assert preview.request.body is not None
        assert "Test of this alert" in preview.request.body
        if destination != "webhook":
            check(destination, preview.request.body)
        event = await _held_event(rig, pool)
        preview = await previews.preview_webhook(rig.ctx, alert.id, Sample(event_id=event))
        assert preview.request is not None
        assert "because: <!channel>" not in str(preview.request.body) or destination != "slack"
        assert "CRM" in str(msgspec.json.decode(preview.request.body or ""))


async def _held_event(rig: Rig, pool: Pool) -> int:
    """Creates an event about a webhook whose error contains markup; returns its id."""
    about = await rig.platform.webhook(name="CRM")
    async with pool.connection() as connection:
        await connection.execute(
            "select rowhook.notify_webhooks(%s, 'webhook.held', 'because: <!channel>')", (about,)
        )
    event: int = await rig.platform.value("select max(id) from rowhook.event")
    return event
