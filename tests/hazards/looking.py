"""Pages opened in a browser, many beside each other, and what was run on them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Page, Response

from tests.hazards.attacked import Form
from tests.support.dashboard_session import DashboardSession
from tests.support.deadline import DEADLINE_MS

_TABS = 3
# What was run, what the policy reported, and what came to the page after it was loaded.
WATCH = """
  window.hits = []; window.reports = []; window.messages = new Set(); window.settled = 0;
  window.hit = () => { window.hits.push(location.pathname); };
  window.alert = window.hit;
  document.addEventListener("securitypolicyviolation",
    (event) => window.reports.push(`${event.violatedDirective} ${event.blockedURI}`));
  document.addEventListener("htmx:sseMessage", (event) => window.messages.add(event.detail.type));
  document.addEventListener("htmx:afterSettle", () => { window.settled += 1; });
"""
# Opens what is folded, waits for what is live and for what htmx loads, and tells all of it. An
# element that no template of ours has was planted, whether the policy let it run or not.
_LOOK = """async (deadline) => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const open = () => all("details").forEach((one) => { one.open = true; });
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
    audio, form[action^="javascript" i], a[href^="javascript" i], [hx-get], [srcdoc]`);
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
class Seen:
    """What came of all pages: `came` counts messages of streams and swaps of htmx."""

    addresses: int = 0
    answers: int = 0
    came: int = 0
    hits: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    planted: list[str] = field(default_factory=list)


async def look_at(made: DashboardSession, paths: Iterable[str], forms: Iterable[Form]) -> Seen:
    """Opens each address and the older pages behind it, then sends each form."""
    context = made.page.context
    word = await made.page.locator("input[name=csrf]").first.get_attribute("value")
    assert word is not None
    tabs = [made.page, *[await context.new_page() for _ in range(1, _TABS)]]
    seen, steps = Seen(), deque[str | Form]((*paths, *forms))
    async with asyncio.TaskGroup() as group:
        for page in tabs:
            group.create_task(_all_of(page, made.url, word, steps, seen))
    return seen


async def _all_of(page: Page, url: str, word: str, steps: deque[str | Form], seen: Seen) -> None:
    while steps:
        step = steps.popleft()
        if isinstance(step, Form):
            seen.answers += 1
            await _send(page, step, word)
            await _look(page, seen)
            continue
        path: str | None = step
        while path is not None:
            seen.addresses += 1
            await _open(page, url + path)
            path = await _look(page, seen)


async def _open(page: Page, address: str) -> None:
    answered = await page.goto(address, wait_until="load")
    assert answered is not None
    assert answered.status < 500, (address, answered.status)
    _is_a_page(answered)


async def _send(page: Page, form: Form, word: str) -> None:
    async with page.expect_navigation(wait_until="load") as going:
        await page.evaluate(_SEND, [form.path, [["csrf", word], *form.fields]])
    answered = await going.value
    assert answered.status in form.statuses, (form, answered.status)
    _is_a_page(answered)


def _is_a_page(answered: Response) -> None:
    assert "text/html" in answered.headers["content-type"], answered.url


async def _look(page: Page, seen: Seen) -> str | None:
    """Notes what was run; the address of the older page."""
    told: dict[str, Any] = await page.evaluate(_LOOK, DEADLINE_MS)
    seen.came += told["came"]
    seen.hits += told["hits"]
    seen.reports += told["reports"]
    seen.planted += [f"{page.url} {one}" for one in told["planted"]]
    older: str | None = told["older"]
    return older
