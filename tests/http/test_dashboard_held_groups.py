"""Held deliveries by fault: groups, previews of one, suggested changes, release of one."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from rowhook.services import held_deliveries
from rowhook.services.webhook_documents import Webhook
from tests.browser.test_dashboard_sign_in import sign_in
from tests.support.calls import running_api
from tests.support.certificates import trust
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio
BODY = '{"name": "{{data.nmae}}", "mail": "{{data.mail}}"}'
FAULTS = ("data.nmae is not defined; did you mean data.name?", "data.mail is not defined.")


@pytest.fixture
async def visitor(rig: Rig) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a dashboard that can decrypt the signing secrets of the webhooks."""
    async with (
        running_api(rig.dsn, keyring=rig.keyring) as api,
        httpx.AsyncClient(verify=trust(), base_url=api.url) as client,
    ):
        yield client


async def hold_two_faults(rig: Rig) -> Webhook:
    """Holds two deliveries for a wrong name, and one for a value that is missing."""
    webhook = await rig.webhook(body_template=BODY)
    async with rig.worker():
        for data in ('{"name": "Ada", "mail": "a"}', '{"name": "Bo"}', '{"nmae": "Cy"}'):
            await rig.platform.commit(data)
        await rig.reaches("held", count=3)
    return webhook


def group_keys(page: str) -> list[str]:
    return re.findall(r"\?fault=([0-9a-f]{12})\"", page)


def suggestions(page: str) -> dict[str, str]:
    """The keys of the suggested changes by their text."""
    items = re.findall(r"<li><code>(.*?)</code> <button name=\"apply\" value=\"(\w+)\"", page)
    return {html.unescape(summary): key for summary, key in items}


def draft(page: str, name: str = "body_template") -> str:
    """The text of a field of the form."""
    match = re.search(rf'<textarea id="{name}".*?>\n(.*?)</textarea>', page, re.DOTALL)
    assert match is not None
    return html.unescape(match[1])


@pytest.mark.parametrize(
    ("one", "other", "are_alike"),
    [
        ("data.a is not defined.", "data.b is not defined.", False),
        ("/a/1: Must be an email.", "/a/20: Must be an email.", True),
        ("/a: Must be an email.", "/b: Must be an email.", False),
        ("/a: Must be an email. /b: Is x.", "/b: Is x. /a: Must be an email.", True),
        ("/: Required property 'a' is missing.", "/: Required property 'b' is missing.", False),
        ("/a: Must be an email.", "/a: Must be at least 3.", False),
        (
            "data.a[3] is not defined: data.a is a list of 3 items.",
            "data.a[3] is not defined: data.a is a list of 1 items.",
            True,
        ),
        ("The event has 1 bytes", "The event has 22,000 bytes", True),
        ("data.a2 is not defined.", "data.a3 is not defined.", False),
        (None, "", True),
    ],
)
def test_errors_are_grouped_by_pointer_and_keyword(
    *, one: str | None, other: str, are_alike: bool
) -> None:
    assert (held_deliveries.group_key(one) == held_deliveries.group_key(other)) is are_alike


async def test_held_deliveries_are_listed_by_fault_with_an_example(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook = await hold_two_faults(rig)
    await sign_in(visitor)
    for path in ("/held", f"/held/{webhook.id}"):
        page = (await visitor.get(path)).text
        assert all(fault in page for fault in FAULTS)
        assert len(set(group_keys(page))) == 2
        assert len(re.findall(r'<td class="tight[^"]*"><a href="/deliveries/\d+">', page)) == 2
    assert "All held deliveries are grouped (3)." in page


async def test_a_preview_renders_only_the_selected_group(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook = await hold_two_faults(rig)
    form = {"csrf": await sign_in(visitor), "revision": "1"}
    first, second = dict.fromkeys(group_keys((await visitor.get(f"/held/{webhook.id}")).text))
    page = (await visitor.get(f"/held/{webhook.id}?fault={first}")).text
    assert "0 of 2 would be sent" in page
    fixed = form | {"fault": first, "body_template": '{"name": "{{data.name}}"}'}
    page = (await visitor.post(f"/held/{webhook.id}/preview", data=fixed)).text
    assert "2 of 2 would be sent" in page
    page = (await visitor.post(f"/held/{webhook.id}/preview", data=fixed | {"fault": second})).text
    assert "0 of 1 would be sent" in page


async def test_a_draft_with_errors_is_not_shown_beside_previews_of_another(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook = await hold_two_faults(rig)
    form = {"csrf": await sign_in(visitor), "revision": "1", "body_template": "{{data.x | upcase}}"}
    for action in ("preview", "save"):
        response = await visitor.post(f"/held/{webhook.id}/{action}", data=form)
        assert response.status_code == 422
        preview = response.text.split('id="preview"')[1]
        assert ("Unknown filter upcase" in preview, "Delivery " in preview) == (True, False)
        assert "would be sent" not in preview
    live = await visitor.post(
        f"/held/{webhook.id}/preview", data=form, headers={"HX-Request": "true"}
    )
    assert live.status_code == 200


async def test_suggested_changes_are_applied_to_the_draft_only(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook = await hold_two_faults(rig)
    path = f"/held/{webhook.id}/preview"
    form = {"csrf": await sign_in(visitor), "revision": "1", "body_template": BODY}
    offered = suggestions((await visitor.get(f"/held/{webhook.id}")).text)
    name = "Line 1, column 13 of the body template: data.nmae becomes data.name"
    assert name in offered
    page = (await visitor.post(path, data=form | {"apply": offered[name]})).text
    assert draft(page) == BODY.replace("nmae", "name")
    assert f"Applied to the draft: {name}" in html.unescape(page)
    form["body_template"] = draft(page)
    for summary in (
        'data.mail becomes data.mail | default("")',
        'data.name becomes data.name | default("")',
    ):
        changes = suggestions((await visitor.post(path, data=form)).text)
        (key,) = (key for text, key in changes.items() if text.endswith(summary))
        page = (await visitor.post(path, data=form | {"apply": key})).text
        form["body_template"] = draft(page)
    assert "3 of 3 would be sent with this draft" in page
    assert suggestions(page) == {}
    assert await rig.platform.value("select max(revision) from rowhook.webhook_revision") == 1


async def test_a_schema_is_relaxed_for_the_content_of_the_deliveries(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook = await rig.webhook(
        raw_payload=True,
        schema={
            "required": ["name", "mail"],
            "properties": {
                "age": {"type": "integer"},
                "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
            },
            "$defs": {"tag": {"type": "string", "format": "email", "minLength": 2}},
        },
    )
    async with rig.worker():
        await rig.platform.commit('{"name": "Ada", "age": null, "tags": ["a"]}')
        await rig.reaches("held")
    path = f"/held/{webhook.id}/preview"
    form = {"csrf": await sign_in(visitor), "revision": "1"}
    page = (await visitor.get(f"/held/{webhook.id}")).text
    offered = suggestions(page)
    assert list(offered) == [
        "JSON Schema, the whole schema: mail is no longer required",
        "JSON Schema, /properties/age: type also allows null",
        "JSON Schema, /$defs/tag: format is removed",
        "JSON Schema, /$defs/tag: minLength is removed",
    ]
    while offered := suggestions(page):
        form["schema"] = draft(page, "schema")
        page = (await visitor.post(path, data=form | {"apply": next(iter(offered.values()))})).text
    assert "1 of 1 would be sent with this draft" in page
    assert '"type": ["integer", "null"]' in draft(page, "schema")
    assert '"required": ["name"]' in draft(page, "schema")


async def test_a_group_is_released_and_the_others_stay_held(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook = await hold_two_faults(rig)
    form = {"csrf": await sign_in(visitor)}
    first, second = dict.fromkeys(group_keys((await visitor.get(f"/held/{webhook.id}")).text))
    answer = await visitor.post(f"/held/{webhook.id}/release", data=form | {"fault": first})
    assert answer.headers["location"] == f"/held/{webhook.id}?done=released-2"
    page = (await visitor.get(answer.headers["location"])).text
    assert "2 of the group released." in page
    assert group_keys(page) == [second]
    released = "select count(*) from rowhook.outbox where status = 'pending'"
    assert await rig.platform.value(released) == 2
    again = await visitor.post(f"/held/{webhook.id}/release", data=form | {"fault": first})
    assert again.headers["location"].endswith("done=released-0")
