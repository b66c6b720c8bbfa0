"""Opens pages in concurrent browser tabs and records executed scripts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Page, Response

from tests.hazards.attacked_dashboard import Form
from tests.support.dashboard_session import DashboardSession
from tests.support.deadline import DEADLINE_MS

_TABS = 3
# Records executed scripts, policy reports and dynamic updates of the page.
OBSERVER = """
  window.hits = []; window.reports = []; window.messages = new Set(); window.settled = 0;
  window.hit = () => { window.hits.push(location.pathname); };
  window.alert = window.hit;
  document.addEventListener("securitypolicyviolation",
    (event) => window.reports.push(`${event.violatedDirective} ${event.blockedURI}`));
  document.addEventListener("htmx:sseMessage", (event) => window.messages.add(event.detail.type));
  document.addEventListener("htmx:afterSettle", () => { window.settled += 1; });
"""
# Opens collapsed elements, waits for live updates and htmx requests, and returns the records. An
# element that no template contains is an injection, even if the policy blocked it.
_INSPECT = """async (deadline) => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const open = () => all("details:not(.menu)").forEach((one) => { one.open = true; });
  open();
  const lives = all("[sse-connect] [sse-swap], [sse-connect][sse-swap]");
  const verdict = document.querySelector("form[hx-post='/goals']");
  const loads = document.querySelector("form[hx-trigger^=load]") ?? verdict;
  verdict?.requestSubmit();
  const ends = Date.now() + deadline;
  while (lives.some((one) => !messages.has(one.getAttribute("sse-swap"))) || (loads && !settled)) {
    if (Date.now() > ends) throw new Error(`nothing came to ${location.href}`);
    await new Promise((then) => setTimeout(then, 5));
  }
  open();
  await new Promise((then) => setTimeout(then, 0));
  const planted = all(`script:not([src]), iframe, object, embed, base, marquee, xss, math, video,
    audio, form[action^="javascript" i], a[href^="javascript" i], [srcdoc],
    [hx-get]:not(.menu > .sheet, #palette-text)`);
  const handler = document.evaluate("//@*[starts-with(name(), 'on')]", document).iterateNext();
  return {
    hits, reports, came: messages.size + settled,
    planted: [...planted, ...(handler ? [handler.ownerElement] : [])].map((one) => one.outerHTML),
    older: document.querySelector("a[rel=next]")?.getAttribute("href") ?? null,
  };
}"""
_SEND = """([path, fields]) => {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: path });
  for (const [name, value] of fields) {
    form.append(Object.assign(document.createElement("textarea"), { name, value }));
  }
  document.body.append(form);
  form.submit();
}"""


@dataclass(slots=True, kw_only=True)
class Inspection:
    """The results of all pages; `updates` counts SSE messages and htmx swaps."""

    addresses: int = 0
    answers: int = 0
    updates: int = 0
    hits: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    planted: list[str] = field(default_factory=list)

    def add(self, other: Inspection) -> None:
        """Adds the results of other pages."""
        for name in ("addresses", "answers", "updates", "hits", "reports", "planted"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


async def inspect_pages(
    stage: DashboardSession, paths: Iterable[str], forms: Iterable[Form]
) -> Inspection:
    """Opens each address and its older pages, then submit each form."""
    context = stage.page.context
    csrf_token = await stage.page.locator("input[name=csrf]").first.get_attribute("value")
    assert csrf_token is not None
    tabs = [stage.page, *[await context.new_page() for _ in range(1, _TABS)]]
    inspection, steps = Inspection(), deque[str | Form]((*paths, *forms))
    async with asyncio.TaskGroup() as group:
        for page in tabs:
            group.create_task(_all_of(page, stage.url, csrf_token, steps, inspection))
    for page in tabs[1:]:
        await page.close()
    return inspection


async def _all_of(
    page: Page, url: str, csrf_token: str, steps: deque[str | Form], inspection: Inspection
) -> None:
    while steps:
        step = steps.popleft()
        if isinstance(step, Form):
            inspection.answers += 1
            await _send(page, step, csrf_token)
            await _inspect(page, inspection)
            continue
        path: str | None = step
        while path is not None:
            inspection.addresses += 1
            await _open(page, url + path)
            path = await _inspect(page, inspection)


async def _open(page: Page, address: str) -> None:
    response = await page.goto(address, wait_until="load")
    assert response is not None
    assert response.status < 500, (address, response.status)
    _is_a_page(response)


async def _send(page: Page, form: Form, csrf_token: str) -> None:
    async with page.expect_navigation(wait_until="load") as going:
        await page.evaluate(_SEND, [form.path, [["csrf", csrf_token], *form.fields]])
    response = await going.value
    assert response.status in form.statuses, (form, response.status)
    _is_a_page(response)


def _is_a_page(response: Response) -> None:
    assert "text/html" in response.headers["content-type"], response.url


async def _inspect(page: Page, inspection: Inspection) -> str | None:
    """Records the results of a page and returns the address of the older page."""
    report: dict[str, Any] = await page.evaluate(_INSPECT, DEADLINE_MS)
    inspection.updates += report["came"]
    inspection.hits += report["hits"]
    inspection.reports += report["reports"]
    inspection.planted += [f"{page.url} {element}" for element in report["planted"]]
    older: str | None = report["older"]
    return older
