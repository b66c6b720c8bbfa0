"""A whole installation for the dashboard's tests: platform, worker, receiver, API, browser."""

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

REFUSED = "the server responded with a status of 4"
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
ADA = {"name": "Ada Lovelace", "email": "ada@example.com", "number": 7}


@dataclass(slots=True, kw_only=True)
class Stage:
    """What stands on the stage. `webhooks` by name: CRM delivers, Billing holds, Archive fails."""

    rig: Rig
    api: Api
    page: Page
    webhooks: dict[str, UUID] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.api.url

    async def sign_in(self, key: str = ADMIN_KEY) -> None:
        """Through the form, as a person does."""
        await self.page.goto(f"{self.url}/sign-in")
        await self.page.get_by_label("API key").fill(key)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.wait_for_url(f"{self.url}/")

    async def choose(self) -> None:
        """Goes on as an operator who looks at one organization."""
        await self.go("/organizations")
        await self.page.get_by_role("button", name="Choose").click()
        await self.page.wait_for_url(f"{self.url}/")

    async def go(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def webhook(self, name: str, path: str, **fields: Any) -> Webhook:
        """A webhook of the goal and of the agent that calls the receiver."""
        given = Configuration(name=name, url=self.rig.receiver.url + path, **fields)
        ctx, platform = self.rig.ctx, self.rig.platform
        made = await webhooks.create_webhook(ctx, platform.organization, given)
        await links.link_goal(ctx, made.id, platform.goal)
        await links.link_agent(ctx, made.id, platform.agent)
        self.webhooks[name] = made.id
        return made

    async def commit(self, **data: Any) -> str:
        return await self.rig.platform.commit(json.dumps(ADA | data))

    def listen(self) -> None:
        """Notes what its pages complain of, and which other machine they ask for anything."""
        context = self.page.context
        context.on("console", lambda said: self._said(said))  # noqa: PLW0108  # it marks the method
        context.on("weberror", lambda error: self._complain("error", str(error.error)))
        context.on("request", lambda request: self.asked.append(request.url))

    def _said(self, said: ConsoleMessage) -> None:
        # A page that says 409 is a page; a file of it that is not there is a complaint.
        if REFUSED in said.text and "/static/" not in said.location["url"]:
            return
        # Who goes on while something is asked for, asks for it no more.
        if said.text.startswith(("htmx:sendAbort", "htmx:afterRequest")):
            return
        self._complain(said.type, said.text)

    def _complain(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    @property
    def elsewhere(self) -> list[str]:
        """What was asked of anybody but us."""
        own = (self.url, "data:", "blob:")
        return [one for one in self.asked if not one.startswith(own)]


@asynccontextmanager
async def stage(
    rig: Rig, chromium: Browser, *, settled: bool = True, scripts: bool = True
) -> AsyncIterator[Stage]:
    """Opens it; with `settled` there are webhooks, and deliveries in most states."""
    async with (
        running_api(rig.dsn, size=8, keyring=rig.keyring) as api,
        rig.worker(),
        tab(chromium, scripts=scripts) as page,
    ):
        made = Stage(rig=rig, api=api, page=page)
        made.listen()
        if settled:
            await _settle(made)
        yield made


async def _settle(made: Stage) -> None:
    """Some of everything: delivered, held, dead, waiting for its next try, skipped."""
    rig = made.rig
    rig.receiver.script("/archive", answer(500, b'{"error": "the archive is full"}'))
    rig.receiver.script("/slow", answer(503, b"come back later"))
    await secrets.put_secret(
        rig.ctx, rig.platform.organization, "crm-token", "s3cret-value", ["127.0.0.1"]
    )
    await made.webhook("CRM", "/crm", body_template=CUSTOMER, description="new customers")
    await made.webhook(
        "Billing",
        "/billing",
        schema=INVOICE,
        body_template='{"number": {{data.number}}, "recipient": "{{data.name}}"}',
    )
    await made.webhook("Archive", "/archive", raw_payload=True, retry_schedule_s=[0])
    await made.webhook("Warehouse", "/slow", retry_schedule_s=[0, 3600])
    await made.webhook("Nobody", "/nobody", condition="data.name == 'nobody'")
    for number in range(3):
        await made.commit(number=number)
    await rig.platform.job("succeeded", output=json.dumps(ADA), cost=0.0042)
    for status, count in (("delivered", 4), ("held", 4), ("dead", 4), ("skipped", 4)):
        await rig.reaches(status, count=count)
    await until(partial(_rests, rig), what="the second try of the Warehouse's four")


async def _rests(rig: Rig) -> bool:
    waiting = "select count(*) from rowhook.outbox where status = 'pending' and attempts = 1"
    return bool(await rig.platform.value(waiting) == 4)
