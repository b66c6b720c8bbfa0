"""Every screen of the dashboard, as an act on the stage that ends on it: most go to an address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal
from urllib.parse import quote
from uuid import UUID, uuid4

from playwright.async_api import Page

from rowhook.db import connection_pool, installation_queries
from rowhook.services import webhooks
from rowhook.services.webhook_checks import WebhookPatch
from tests.support import acts
from tests.support.database_copies import mark_as_copied
from tests.support.stage import Stage

Act = Callable[[Stage], Awaitable[None]]
Theme = Literal["light", "dark"]
FIRST = ("/", "/webhooks", "/links", "/goals", "/deliveries", "/held", "/failures", "/replay")
HOUSE = ("/organizations", "/secrets", "/keys", "/audit", "/system")
SINCE = "2026-05-23T12:00:00Z"
WIDTHS = {1440: 900, 390: 844}
THEMES: tuple[Theme, ...] = ("light", "dark")


def at(path: str, status: int = 200) -> Act:
    """Goes to an address, which answers so."""

    async def go(made: Stage) -> None:
        answered = await made.page.goto(made.url + path)
        assert answered is not None
        assert answered.status == status, (path, answered.status)

    return go


def every(_: str) -> bool:
    return True


async def each_screen(made: Stage, wanted: Callable[[str], bool] = every) -> AsyncIterator[str]:
    """Shows the screens whose names are wanted, one after the other, and yields their names.

    Needs a settled stage. The page stays on the screen until the next one is asked for.
    """
    for enter, screens in (
        (None, _OUTSIDE),
        (_operator, await _inside(made) | _DONE),
        (_reader, _READ),
        (_newcomer, _EMPTY),
        (_tenant_of_a_copy, {"copy's webhooks": at("/webhooks")}),
        (_operator_of_a_copy, {"copy's overview": at("/"), "adopt": at("/adopt")}),
    ):
        chosen = {name: show for name, show in screens.items() if wanted(name)}
        if chosen and enter is not None:
            await enter(made)
        for name, show in chosen.items():
            await show(made)
            yield name


async def each_look(page: Page) -> AsyncIterator[str]:
    """Puts the page that is shown into each theme and width, and says which."""
    for theme in THEMES:
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for width, height in WIDTHS.items():
            await page.set_viewport_size({"width": width, "height": height})
            yield f"{theme}-{width}"


async def _operator(made: Stage) -> None:
    await made.sign_in()
    await made.choose()


async def _reader(made: Stage) -> None:
    await made.sign_in(await made.api.key_of(made.rig.platform.organization, "read"))


async def _newcomer(made: Stage) -> None:
    """Somebody of an organization in which nothing is yet."""
    organization = uuid4()
    await made.rig.platform.run("insert into rowhook.organization values (%s, 'New')", organization)
    await made.sign_in(await made.api.key_of(organization))


async def _tenant_of_a_copy(made: Stage) -> None:
    await _suspend(made)
    await _reader(made)


async def _operator_of_a_copy(made: Stage) -> None:
    await _suspend(made)
    await made.sign_in()


async def _suspend(made: Stage) -> None:
    await mark_as_copied(made.rig.platform)
    async with connection_pool.open_pool(made.rig.dsn, size=1) as pool:
        await installation_queries.check_installation(pool)


async def _inside(made: Stage) -> dict[str, Act]:
    """What has an address."""
    webhook, held = made.webhooks["CRM"], made.webhooks["Billing"]
    await webhooks.patch_webhook(
        made.rig.ctx, webhook, WebhookPatch(description="new customers, and old ones")
    )
    deliveries = await made.rig.platform.rows(
        "select distinct on (status) status, id from rowhook.outbox order by status, id"
    )
    return {
        **{path.strip("/") or "overview": at(path) for path in (*FIRST, *HOUSE)},
        "links of goals": at("/links?kind=goal"),
        "deliveries filtered": at("/deliveries?status=dead&status=held"),
        "deliveries nothing": at("/deliveries?commit_id=nobody"),
        "deliveries live": at("/deliveries?live=1"),
        "deliveries refused": at("/deliveries?status_code=7&since=x", 422),
        **{f"delivery {one['status']}": at(f"/deliveries/{one['id']}") for one in deliveries},
        "webhook": at(f"/webhooks/{webhook}"),
        "webhook new": at("/webhooks/new?preset=slack"),
        "webhook edit": at(f"/webhooks/{held}/edit"),
        "webhook test": at(f"/webhooks/{webhook}/test"),
        "webhook revisions": at(f"/webhooks/{webhook}/revisions"),
        "webhook revisions compared": at(f"/webhooks/{webhook}/revisions?was=1&is_now=2"),
        "held of one webhook": at(f"/held/{held}"),
        "held released": at(f"/held/{held}/released?of=4&before=0"),
        **_replays(made.webhooks["Archive"], made.webhooks["Warehouse"]),
        "goal": at(f"/goals/{quote(made.rig.platform.goal, safe='')}"),
        "secrets replacing": at("/secrets?edit=crm-token"),
        "refused 404": at(f"/webhooks/{uuid4()}", 404),
        "refused 404 nowhere": at("/nowhere", 404),
        "refused 422": at("/organizations?cursor=x", 422),
    }


def _replays(dead: UUID, waiting: UUID) -> dict[str, Act]:
    of_dead = f"?webhook_id={dead}&since={SINCE}"
    of_waiting = f"?webhook_id={waiting}&since={SINCE}&before=0"
    return {
        "replay counted": at(f"/replay/count{of_dead}&status=dead&rate=2"),
        "replay refused": at("/replay/count?rate=fast", 422),
        "replay going on": at(f"/replay/progress{of_waiting}&of=4"),
        "replay ended": at(f"/replay/progress{of_dead}&of=4&before=0"),
    }


_OUTSIDE: dict[str, Act] = {
    "sign-in": at("/sign-in"),
    "sign-in by a link": at("/sign-in/link?token=x"),
    "sign-in refused": acts.refused_key,
}
_DONE: dict[str, Act] = {
    "webhook edit previewed": acts.previewed,
    "webhook created": acts.created,
    "webhook edit refused": acts.refused_save,
    "webhook edit overtaken": acts.overtaken_save,
    "webhook tested": acts.tested,
    "webhook tested in vain": acts.tested_in_vain,
    "webhook delete refused": acts.refused_delete,
    "webhook secret rotated": acts.rotated,
    "held mended badly": acts.mended_badly,
    "held mended": acts.mended_and_previewed,
    "goal judged": acts.judged,
    "keys made": acts.key_made,
    "secrets delete refused": acts.refused_secret,
    "keyboard": acts.keyboard,
}
_READ: dict[str, Act] = {
    "reader's deliveries": at("/deliveries"),
    "reader's links": at("/links"),
    "refused 403": at("/keys", 403),
}
_EMPTY: dict[str, Act] = {
    f"empty {path.strip('/') or 'overview'}": at(path)
    for path in (*FIRST, "/links?kind=goal", "/webhooks/new", "/secrets", "/keys", "/audit")
}
