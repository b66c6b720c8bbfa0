"""Every screen of the dashboard, as an action that opens it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal
from urllib.parse import quote
from uuid import UUID, uuid4

from playwright.async_api import Page

from rowhook.db import connection_pool, installation_queries
from rowhook.services import webhooks
from rowhook.services.webhook_documents import WebhookPatch
from tests.support import screen_actions
from tests.support.dashboard_session import DashboardSession
from tests.support.database_copies import mark_as_copied

Action = Callable[[DashboardSession], Awaitable[None]]
Theme = Literal["light", "dark"]
MAIN_PATHS = (
    "/",
    "/webhooks",
    "/links",
    "/goals",
    "/deliveries",
    "/held",
    "/failures",
    "/replay",
    "/alerts",
)
SETTINGS_PATHS = ("/organizations", "/secrets", "/keys", "/audit", "/quotas", "/system")
SINCE = "2026-05-23T12:00:00Z"
WIDTHS = {1440: 900, 390: 844}
THEMES: tuple[Theme, ...] = ("light", "dark")


def visit(path: str, status: int = 200) -> Action:
    """Returns an action that opens an address with the expected status."""

    async def go(dashboard: DashboardSession) -> None:
        response = await dashboard.page.goto(dashboard.url + path)
        assert response is not None
        assert response.status == status, (path, response.status)

    return go


def any_screen(_: str) -> bool:
    return True


async def each_screen(
    dashboard: DashboardSession, matches: Callable[[str], bool] = any_screen
) -> AsyncIterator[str]:
    """Opens the screens with matching names one by one, and yields their names.

    Needs a session with data. The page stays on the screen until the next iteration.
    """
    for sign_in, screens in (
        (None, _SIGNED_OUT),
        (_operator, await _addressable_screens(dashboard) | _AFTER_ACTIONS),
        (_reader, _READ_ONLY),
        (screen_actions.open_portal, _PORTAL),
        (_new_organization, _EMPTY),
        (_reader_of_a_copy, {"webhooks of a copy": visit("/webhooks")}),
        (_operator_of_a_copy, {"overview of a copy": visit("/"), "adopt": visit("/adopt")}),
    ):
        selected = {name: action for name, action in screens.items() if matches(name)}
        if selected and sign_in is not None:
            await sign_in(dashboard)
        for name, action in selected.items():
            await action(dashboard)
            # The answer to a form is shown before its scripts have run.
            await dashboard.page.wait_for_load_state()
            yield name


async def each_appearance(page: Page) -> AsyncIterator[str]:
    """Applies each theme and width to the page, and yields their names."""
    for theme in THEMES:
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for width, height in WIDTHS.items():
            await page.set_viewport_size({"width": width, "height": height})
            yield f"{theme}-{width}"


async def _operator(dashboard: DashboardSession) -> None:
    await dashboard.sign_in()
    await dashboard.choose_organization()


async def _reader(dashboard: DashboardSession) -> None:
    await dashboard.sign_in(await dashboard.api.key_of(dashboard.rig.platform.organization, "read"))


async def _new_organization(dashboard: DashboardSession) -> None:
    """Signs in with a key of an empty organization."""
    organization = uuid4()
    await dashboard.rig.platform.run(
        "insert into rowhook.organization values (%s, 'New')", organization
    )
    await dashboard.sign_in(await dashboard.api.key_of(organization))


async def _reader_of_a_copy(dashboard: DashboardSession) -> None:
    await _suspend(dashboard)
    await _reader(dashboard)


async def _operator_of_a_copy(dashboard: DashboardSession) -> None:
    await _suspend(dashboard)
    await dashboard.sign_in()


async def _suspend(dashboard: DashboardSession) -> None:
    await mark_as_copied(dashboard.rig.platform)
    async with connection_pool.open_pool(dashboard.rig.dsn, size=1) as pool:
        await installation_queries.check_installation(pool)


async def _addressable_screens(dashboard: DashboardSession) -> dict[str, Action]:
    """The screens that have an address."""
    webhook, held = dashboard.webhooks["CRM"], dashboard.webhooks["Billing"]
    await webhooks.patch_webhook(
        dashboard.rig.ctx, webhook, WebhookPatch(description="new customers, and old ones")
    )
    deliveries = await dashboard.rig.platform.rows(
        "select distinct on (status) status, id from rowhook.outbox order by status, id"
    )
    return {
        **{path.strip("/") or "overview": visit(path) for path in (*MAIN_PATHS, *SETTINGS_PATHS)},
        "links of goals": visit("/links?kind=goal"),
        "deliveries filtered": visit("/deliveries?status=dead&status=held"),
        "deliveries empty": visit("/deliveries?commit_id=nobody"),
        "deliveries live": visit("/deliveries?live=1"),
        "deliveries searched": visit("/deliveries?q=ada"),
        "deliveries beside one": visit(f"/deliveries?open={deliveries[0]['id']}"),
        "deliveries beside none": visit("/deliveries?status=dead&open=999999"),
        "deliveries refused": visit("/deliveries?status_code=7&since=x", 422),
        **{
            f"delivery {delivery['status']}": visit(f"/deliveries/{delivery['id']}")
            for delivery in deliveries
        },
        "webhook": visit(f"/webhooks/{webhook}"),
        "webhook new": visit("/webhooks/new?preset=slack"),
        "webhook edit": visit(f"/webhooks/{held}/edit"),
        "webhook test": visit(f"/webhooks/{webhook}/test"),
        "webhook revisions": visit(f"/webhooks/{webhook}/revisions"),
        "webhook revisions compared": visit(f"/webhooks/{webhook}/revisions?was=1&is_now=2"),
        "held of one webhook": visit(f"/held/{held}"),
        "held released": visit(f"/held/{held}/released?of=4&before=0"),
        **_replays(dashboard.webhooks["Archive"], dashboard.webhooks["Warehouse"]),
        "goal": visit(f"/goals/{quote(dashboard.rig.platform.goal, safe='')}"),
        "secrets replacing": visit("/secrets?edit=crm-token"),
        "refused 404": visit(f"/webhooks/{uuid4()}", 404),
        "refused 404 nowhere": visit("/nowhere", 404),
        "refused 422": visit("/organizations?cursor=x", 422),
    }


def _replays(dead: UUID, waiting: UUID) -> dict[str, Action]:
    dead_query = f"?webhook_id={dead}&since={SINCE}"
    waiting_query = f"?webhook_id={waiting}&since={SINCE}&before=0"
    return {
        "replay counted": visit(f"/replay/count{dead_query}&status=dead&rate=2"),
        "replay refused": visit("/replay/count?rate=fast", 422),
        "replay in progress": visit(f"/replay/progress{waiting_query}&of=4"),
        "replay ended": visit(f"/replay/progress{dead_query}&of=4&before=0"),
    }


_SIGNED_OUT: dict[str, Action] = {
    "sign-in": visit("/sign-in"),
    "sign-in by a link": visit("/sign-in/link?token=x"),
    "portal link": screen_actions.show_portal_link,
    "portal link refused": visit("/portal?token=x", 401),
    "sign-in refused": screen_actions.sign_in_with_unknown_key,
}
_AFTER_ACTIONS: dict[str, Action] = {
    "webhook edit previewed": screen_actions.preview_saved_webhook,
    "webhook created": screen_actions.create_webhook,
    "webhook edit refused": screen_actions.save_invalid_webhook,
    "webhook edit conflict": screen_actions.save_outdated_revision,
    "webhook tested": screen_actions.send_test,
    "webhook test failed": screen_actions.send_failing_test,
    "webhook delete refused": screen_actions.delete_linked_webhook,
    "webhook secret rotated": screen_actions.rotate_secret,
    "held fix rejected": screen_actions.preview_invalid_fix,
    "held fixed": screen_actions.preview_fix,
    "goal validated": screen_actions.validate_commit,
    "keys created": screen_actions.create_key,
    "secrets delete refused": screen_actions.delete_used_secret,
    "keyboard": screen_actions.open_keyboard_help,
    "refused 409": screen_actions.submit_for_another_organization,
    "refused 500": screen_actions.open_failing_page,
    "refused 401": screen_actions.submit_signed_out,
}
_READ_ONLY: dict[str, Action] = {
    "deliveries of a reader": visit("/deliveries"),
    "links of a reader": visit("/links"),
    "quotas used up": screen_actions.use_up_quotas,
    "refused 403": visit("/keys", 403),
}
_PORTAL: dict[str, Action] = {
    "portal": visit("/"),
    "portal webhooks": visit("/webhooks"),
    "portal deliveries": visit("/deliveries"),
    "portal refused": visit("/keys", 403),
    "portal signed out": screen_actions.sign_out,
}
_EMPTY: dict[str, Action] = {
    f"empty {path.strip('/') or 'overview'}": visit(path)
    for path in (*MAIN_PATHS, "/links?kind=goal", "/webhooks/new", "/secrets", "/keys", "/audit")
}
