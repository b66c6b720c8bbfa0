"""A page with the scripts and styles of the dashboard, under its content security policy."""

from __future__ import annotations

import mimetypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from tests.support.api_server import serve_asgi
from tests.support.browser import tab

STATIC = Path(__file__).parents[2] / "src/rowhook/dashboard/static"
NONCE = "bm9uY2Ugb2YgYSB0ZXN0"
POLICY = (
    f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{NONCE}';"
    " connect-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
HTMX = '{"allowEval": false, "includeIndicatorStyles": false}'
FRAME = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Bare</title>
<meta name="csp-nonce" content="{NONCE}">
<meta name="htmx-config" content='{HTMX}'>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/base.css"><link rel="stylesheet" href="/vendor/uplot.css">
<script src="/vendor/htmx.min.js" defer></script><script src="/vendor/sse.js" defer></script>
<script src="/vendor/charts.js" defer></script><script src="/vendor/editor.js" defer></script>
</head><body><main><h1>Bare</h1>%s</main></body></html>"""
_REPORTS = """
document.addEventListener("securitypolicyviolation",
  (event) => console.error(`policy: ${event.violatedDirective} ${event.sourceFile}`))
"""


@dataclass(slots=True, kw_only=True)
class BarePage:
    """An open page with its errors, warnings and violations and the policy violations."""

    page: Page
    console_errors: list[str] = field(default_factory=list)

    def record_events(self) -> None:
        self.page.on("console", lambda message: self._record(message.type, message.text))
        self.page.on("pageerror", lambda error: self.console_errors.append(str(error)))

    def _record(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.console_errors.append(text)


def static_site(main: str, fragment: str) -> Any:
    """Serves the page at /, the fragment of a swap at /fragment, and the static files."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        del receive
        if scope["type"] != "http":
            return
        body, kind = _answer(scope["path"], main, fragment)
        headers = [
            (b"content-type", kind.encode()),
            (b"content-security-policy", POLICY.encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return serve


def _answer(path: str, main: str, fragment: str) -> tuple[bytes, str]:
    html = {"/": FRAME % main, "/fragment": fragment}.get(path)
    if html is not None:
        return html.encode(), "text/html; charset=utf-8"
    return (STATIC / path[1:]).read_bytes(), mimetypes.guess_type(path)[0] or "text/plain"


@asynccontextmanager
async def open_bare_page(
    chromium: Browser, main: str, *, fragment: str = ""
) -> AsyncIterator[BarePage]:
    """Opens the page, and fails at the exit if it reported an error."""
    async with serve_asgi(static_site(main, fragment)) as port, tab(chromium) as page:
        bare_page = BarePage(page=page)
        bare_page.record_events()
        await page.add_init_script(_REPORTS)
        await page.goto(f"http://127.0.0.1:{port}/")
        yield bare_page
        assert not bare_page.console_errors, bare_page.console_errors
