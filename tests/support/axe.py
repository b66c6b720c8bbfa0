"""axe-core, a development dependency, asked about a page that forbids all scripts but its own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from playwright.async_api import CDPSession, Page

from tests.support.npm import packages

_RUN = """
axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => JSON.stringify(violations))
"""


async def serious_faults(page: Page) -> list[str]:
    """What axe finds serious or critical: a line each with rule, help, selector and HTML."""
    debugger = await page.context.new_cdp_session(page)
    try:
        if not await _evaluated(debugger, "'axe' in window"):
            source = await asyncio.to_thread(packages) / "axe-core" / "axe.min.js"
            await _evaluated(debugger, source.read_text())
        violations = json.loads(await _evaluated(debugger, _RUN))
    finally:
        await debugger.detach()
    return [
        f"{one['id']}: {one['help']}: {' '.join(map(str, node['target']))}: {node['html']}"
        for one in violations
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


async def _evaluated(debugger: CDPSession, expression: str) -> Any:
    """The value in the page; the debugger's own scripts are not bound by the page's policy."""
    said = await debugger.send(
        "Runtime.evaluate",
        {"expression": expression, "awaitPromise": True, "returnByValue": True},
    )
    if "exceptionDetails" in said:
        raise RuntimeError(said["exceptionDetails"])
    return said["result"].get("value")
