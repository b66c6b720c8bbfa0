"""The page Quotas of the dashboard, and the messages of its forms when a quota is used up."""

from __future__ import annotations

import httpx
import pytest

from rowhook.dashboard.editor_form import fields_of
from rowhook.render.configuration import Configuration
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.calls import Api
from tests.support.sample_platform import Platform

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio


async def open_organization(visitor: httpx.AsyncClient, platform: Platform) -> str:
    """Signs in as an operator, selects the organization, and returns the CSRF token."""
    csrf = await sign_in(visitor)
    await visitor.post(
        "/organizations", data={"csrf": csrf, "organization": str(platform.organization)}
    )
    return csrf


async def test_an_operator_sets_quotas_and_the_organization_sees_its_usage(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    csrf = await open_organization(visitor, platform)
    form = {"webhooks": "2", "deliveries_per_s": "2.5", "megabytes_per_day": "0.5"}
    saved = await visitor.post("/quotas", data={"csrf": csrf} | form)
    assert (saved.status_code, saved.headers["location"]) == (303, "/quotas?done=saved")
    details = (await api.call("GET", f"/organizations/{platform.organization}")).json()
    assert details["quota"] == {
        "webhooks": 2,
        "deliveries_per_s": 2.5,
        "bytes_per_day": 500_000,
    }
    page = (await visitor.get("/quotas")).text
    for name, value in form.items():
        assert f'name="{name}"' in page
        assert f'value="{value}"' in page
    await platform.run(
        "update rowhook.organization_quota"
        " set bytes_used = 500000, bytes_used_on = rowhook.quota_day()"
    )
    visitor.cookies.clear()
    await sign_in(visitor, await api.key_of(platform.organization, "read"))
    own = (await visitor.get("/quotas")).text
    assert "of 500.0 kB in events" in own
    assert "Today's quota of bytes is used up." in own
    assert "the operator raises the quota" in own
    assert "Change quotas" not in own
    csrf = await sign_in(visitor, await api.key_of(platform.organization, "read", "admin"))
    assert (await visitor.post("/quotas", data={"csrf": csrf} | form)).status_code == 403


async def test_invalid_quotas_are_refused_at_their_fields_and_nothing_is_saved(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    csrf = await open_organization(visitor, platform)
    for webhooks, rate, megabytes in (
        ("-1", "0", "0"),
        ("1.5", "nan", "1e300"),
        ("x", "inf", "0.0000001"),
    ):
        refused = await visitor.post(
            "/quotas",
            data={
                "csrf": csrf,
                "webhooks": webhooks,
                "deliveries_per_s": rate,
                "megabytes_per_day": megabytes,
            },
        )
        assert refused.status_code == 422
        assert refused.text.count("or nothing for no limit.") == 3
        assert f'value="{rate}"' in refused.text
    details = (await api.call("GET", f"/organizations/{platform.organization}")).json()
    assert set(details["quota"].values()) == {None}


async def test_a_form_is_refused_after_another_organization_was_selected(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    csrf = await open_organization(visitor, platform)
    own = {"csrf": csrf, "selection": str(platform.organization)}
    for path in ("/quotas", "/alerts", "/keys", "/secrets", "/webhooks/new"):
        page = (await visitor.get(path)).text
        assert f'name="selection" value="{platform.organization}"' in page
    other = await platform.value(
        "insert into rowhook.organization (name) values (repeat('Other', 100)) returning id"
    )
    for selection in (str(other), "all"):
        # A choice is made from any page.
        chosen = await visitor.post("/organizations", data=own | {"organization": selection})
        assert chosen.status_code == 303
        # Without the check, the last one would create a key for all organizations.
        for path, fields in (
            ("/quotas", {"webhooks": "2"}),
            ("/alerts/thresholds", {"held": "5", "backlog": "5", "backlog_age_min": "5"}),
            ("/secrets", {"secret_id": "crm", "value": "x"}),
            ("/keys", {"name": "For Acme", "scopes": "read"}),
        ):
            refused = await visitor.post(path, data=own | fields)
            assert (path, refused.status_code) == (path, 409)
            assert "Nothing was changed. Select the previous one again" in refused.text
    for organization in (platform.organization, other):
        details = (await api.call("GET", f"/organizations/{organization}")).json()
        assert set(details["quota"].values()) == {None}
    for table in ("alert_threshold", "secret", "api_key"):
        assert await platform.rows(f"select from rowhook.{table}") == []
    await visitor.post("/organizations", data=own | {"organization": str(other)})
    assert "Other" * 40 not in (await visitor.get("/quotas")).text


async def test_forms_over_the_quota_of_webhooks_keep_the_draft_and_say_what_to_do(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    csrf = await open_organization(visitor, platform)
    await api.call("PATCH", f"/organizations/{platform.organization}", {"quota": {"webhooks": 0}})
    draft = Configuration(name="A draft", url="https://crm.example.com/in")
    fields = {name: value for name, value in fields_of(draft).items() if isinstance(value, str)}
    refused = await visitor.post("/webhooks/new", data=fields | {"csrf": csrf})
    assert refused.status_code == 409
    for text in ("quota of 0 webhooks is used up", "ask the operator", 'value="A draft"'):
        assert text in refused.text
    alert = await visitor.post(
        "/alerts",
        data={
            "csrf": csrf,
            "destination": "slack",
            "url": "https://hooks.slack.com/services/x",
            "event_types": "webhook.failing",
        },
    )
    assert alert.status_code == 409
    assert "quota of 0 webhooks is used up" in alert.text
    assert await platform.value("select count(*) from rowhook.secret") == 0


async def test_without_a_selected_organization_the_page_leads_to_the_choice(
    visitor: httpx.AsyncClient,
) -> None:
    await sign_in(visitor)
    answer = await visitor.get("/quotas")
    assert (answer.status_code, answer.headers["location"]) == (303, "/organizations?next=/quotas")
