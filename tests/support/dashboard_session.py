"""A complete installation with a browser session, for tests of the dashboard."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from playwright.async_api import Browser, ConsoleMessage, Page

from rowhook.render.configuration import Configuration
from rowhook.services import links, secrets, webhooks
from rowhook.services.webhook_documents import Webhook
from tests.support.browser import tab
from tests.support.calls import ADMIN_KEY, Api, running_api
from tests.support.receiver import answer
from tests.support.worker_rig import Rig, until

HTTP_ERROR_MESSAGE = "the server responded with a status of 4"
CUSTOMER = """{
  "name": "{{data.name}}",
  "email": "{{data.email}}",
  "token": "{{secret:crm-token}}",
  "captured_at": "{{committed_at}}"
}"""
INVOICE = {
    "type": "object",
    "required": ["number", "recipient"],
    "properties": {"recipient": {"type": "string", "format": "email"}},
}
SAMPLE_DATA = {"name": "Ada Lovelace", "email": "ada@example.com", "number": 7}


@dataclass(slots=True, kw_only=True)
class DashboardSession:
    """A browser page and the installation it uses.

    `webhooks` by name: deliveries of CRM succeed, those of Billing are held, those of Archive fail.
    """

    rig: Rig
    api: Api
    page: Page
    webhooks: dict[str, UUID] = field(default_factory=dict)
    console_errors: list[str] = field(default_factory=list)
    requested_urls: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.api.url

    async def sign_in(self, key: str = ADMIN_KEY) -> None:
        """Signs in with the form."""
        await self.page.goto(f"{self.url}/sign-in")
        await self.page.get_by_label("API key").fill(key)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.wait_for_url(f"{self.url}/")

    async def choose_organization(self) -> None:
        """Selects the organization of the operator's session."""
        await self.open("/organizations")
        await self.page.get_by_role("button", name="Choose").click()
        await self.page.wait_for_url(f"{self.url}/")

    async def open(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def webhook(self, name: str, path: str, **fields: Any) -> Webhook:
        """Creates a webhook to the receiver, linked to the goal and to the agent."""
        configuration = Configuration(name=name, url=self.rig.receiver.url + path, **fields)
        ctx, platform = self.rig.ctx, self.rig.platform
        created = await webhooks.create_webhook(ctx, platform.organization, configuration)
        await links.link_goal(ctx, created.id, platform.goal)
        await links.link_agent(ctx, created.id, platform.agent)
        self.webhooks[name] = created.id
        return created

    async def commit(self, **data: Any) -> str:
        return await self.rig.platform.commit(json.dumps(SAMPLE_DATA | data))

    def record_events(self) -> None:
        """Records errors, warnings and requested URLs of the pages."""
        context = self.page.context
        # Playwright sets an attribute on the handler, which a bound method does not allow.
        context.on("console", lambda message: self._record_message(message))  # noqa: PLW0108
        context.on("weberror", lambda error: self._record_error("error", str(error.error)))
        context.on("request", lambda request: self.requested_urls.append(request.url))

    def _record_message(self, message: ConsoleMessage) -> None:
        # A page with a status of 4xx is expected; a missing static file is an error.
        if HTTP_ERROR_MESSAGE in message.text and "/static/" not in message.location["url"]:
            return
        # Leaving a page aborts its open requests.
        if message.text.startswith(("htmx:sendAbort", "htmx:afterRequest")):
            return
        self._record_error(message.type, message.text)

    def _record_error(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.console_errors.append(text)

    @property
    def external_requests(self) -> list[str]:
        """The requested URLs of other origins."""
        own = (self.url, "data:", "blob:")
        return [url for url in self.requested_urls if not url.startswith(own)]


@asynccontextmanager
async def open_dashboard(
    rig: Rig, chromium: Browser, *, with_data: bool = True, scripts: bool = True
) -> AsyncIterator[DashboardSession]:
    """Opens a session; `with_data` creates webhooks, and deliveries in most states."""
    async with (
        running_api(rig.dsn, size=8, keyring=rig.keyring) as api,
        rig.worker(),
        tab(chromium, scripts=scripts) as page,
    ):
        dashboard = DashboardSession(rig=rig, api=api, page=page)
        dashboard.record_events()
        if with_data:
            await _create_data(dashboard)
        yield dashboard


async def _create_data(dashboard: DashboardSession) -> None:
    """Creates deliveries that are delivered, held, dead, waiting for a retry and skipped."""
    rig = dashboard.rig
    rig.receiver.script("/archive", answer(500, b'{"error": "the archive is full"}'))
    rig.receiver.script("/slow", answer(503, b"come back later"))
    await secrets.put_secret(
        rig.ctx, rig.platform.organization, "crm-token", "s3cret-value", ["127.0.0.1"]
    )
    await dashboard.webhook("CRM", "/crm", body_template=CUSTOMER, description="new customers")
    await dashboard.webhook(
        "Billing",
        "/billing",
        schema=INVOICE,
        body_template='{"number": {{data.number}}, "recipient": "{{data.name}}"}',
        # A held delivery is not held while it is tried again.
        retry_schedule_s=[0, 3600],
    )
    await dashboard.webhook("Archive", "/archive", raw_payload=True, retry_schedule_s=[0])
    await dashboard.webhook("Warehouse", "/slow", retry_schedule_s=[0, 3600])
    await dashboard.webhook("Nobody", "/nobody", condition="data.name == 'nobody'")
    for number in range(3):
        await dashboard.commit(number=number)
    await rig.platform.job("succeeded", output=json.dumps(SAMPLE_DATA), cost=0.0042)
    for status, count in (("delivered", 4), ("held", 4), ("dead", 4), ("skipped", 4)):
        await rig.reaches(status, count=count)
    await until(
        partial(_retries_are_waiting, rig), description="the retries of the Warehouse's deliveries"
    )


async def _retries_are_waiting(rig: Rig) -> bool:
    waiting = "select count(*) from rowhook.outbox where status = 'pending' and attempts = 1"
    return bool(await rig.platform.value(waiting) == 4)
