"""Pages and API calls that display committed data and responses of any content."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest

from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.hazards.test_platform_data import POISON, nothing_waits, outputs, poison
from tests.support.calls import Api
from tests.support.receiver import answer
from tests.support.scoreboard import score
from tests.support.worker_rig import Rig, until

__all__ = ["visitor"]
pytestmark = [pytest.mark.anyio, pytest.mark.hazards]
_ANSWERS = (b"[" * 4096, b'{"a":' * 800, rb'"\ud800"', b"\xff\xfe\0", b"\x1b[2J<b>", b"")


@pytest.mark.battery
async def test_pages_render_for_any_committed_data(
    visitor: httpx.AsyncClient, rig: Rig, api: Api
) -> None:
    await outputs(rig)
    for name, body in zip(("default", "template", "raw", "schema"), _ANSWERS, strict=False):
        rig.receiver.script(f"/{name}", answer(200, body))
    async with rig.worker():
        for text, _ in POISON.values():
            await poison(rig, "commit.data", text)
            await poison(rig, "session.context", text)
        await until(partial(nothing_waits, rig), description="each row has been tried")
    await sign_in(visitor)
    paths = [path async for path in _paths(rig)]
    statuses = {path: (await visitor.get(path)).status_code for path in paths}
    read = await _feed(api)
    broken = {path: status for path, status in statuses.items() if status != httpx.codes.OK}
    score(
        f"pages of {2 * len(POISON)} hostile events, and the feed",
        required="each page renders",
        measured=f"{len(statuses)} pages, {read} events in the feed",
        holds=not broken and read == 2 * len(POISON),
    )


@pytest.mark.long
async def test_pages_render_for_any_response(visitor: httpx.AsyncClient, rig: Rig) -> None:
    webhook = await rig.webhook(raw_payload=True, retry_schedule_s=[0])
    csrf_token = await sign_in(visitor)
    for number, body in enumerate(_ANSWERS):
        rig.receiver.script("/hook", answer(500, body))
        async with rig.worker():
            await rig.platform.commit()
            await rig.reaches("dead", count=number + 1)
        newest = await rig.platform.value("select max(id) from rowhook.outbox")
        assert (await visitor.get(f"/deliveries/{newest}")).status_code == 200, body
        response = await visitor.post(f"/webhooks/{webhook.id}/test", data={"csrf": csrf_token})
        assert response.status_code == 200, body


async def _paths(rig: Rig) -> AsyncIterator[str]:
    """The pages that display an event, its request and its response."""
    for row in await rig.platform.rows("select id from rowhook.outbox"):
        yield f"/deliveries/{row['id']}"
    for row in await rig.platform.rows("select id from rowhook.webhook"):
        for page in ("webhooks/{}/edit", "webhooks/{}/test", "held/{}"):
            yield "/" + page.format(row["id"])
    yield f"/goals/{rig.platform.goal}"


async def _feed(api: Api) -> int:
    """Counts the events of the feed."""
    read, after = 0, None
    while True:
        response = await api.call("GET", "/events", params={"after": after} if after else {})
        assert response.status_code == httpx.codes.OK, response.text
        # The texts may contain JSON that Python's parser rejects.
        read += response.content.count(b'"occurred_at":')
        following = response.content.rpartition(b'"next_cursor":"')[2].rstrip(b'"}').decode()
        if following == after:
            return read
        after = following
