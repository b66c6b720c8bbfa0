"""axe-core, a development dependency, on pages whose policy allows only their own scripts."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from playwright.async_api import CDPSession, Page

from tests.support.npm import packages

_RUN = """
axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => JSON.stringify(violations))
"""


async def serious_violations(page: Page) -> list[str]:
    """Returns each serious or critical violation as a line of rule, help, selector and HTML."""
    debugger = await page.context.new_cdp_session(page)
    try:
        if not await _evaluate(debugger, "'axe' in window"):
            source = await asyncio.to_thread(packages) / "axe-core" / "axe.min.js"
            await _evaluate(debugger, source.read_text())
        violations = json.loads(await _evaluate(debugger, _RUN))
    finally:
        await debugger.detach()
    return [
        f"{violation['id']}: {violation['help']}:"
        f" {' '.join(map(str, node['target']))}: {node['html']}"
        for violation in violations
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]


async def _evaluate(debugger: CDPSession, expression: str) -> Any:
    """Evaluates an expression with the debugger, which is exempt from the policy of the page."""
    reply = await debugger.send(
        "Runtime.evaluate",
        {"expression": expression, "awaitPromise": True, "returnByValue": True},
    )
    if "exceptionDetails" in reply:
        raise RuntimeError(reply["exceptionDetails"])
    return reply["result"].get("value")
