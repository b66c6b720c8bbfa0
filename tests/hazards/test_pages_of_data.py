"""Pages and calls that show what a platform committed and a receiver answered, whatever that is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest

from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.hazards.test_data import POISON, nothing_waits, outputs, poison
from tests.support.calls import Api
from tests.support.receiver import answer
from tests.support.rig import Rig, until
from tests.support.scoreboard import score

__all__ = ["visitor"]
pytestmark = [pytest.mark.anyio, pytest.mark.hazards]
_ANSWERS = (b"[" * 4096, b'{"a":' * 800, rb'"\ud800"', b"\xff\xfe\0", b"\x1b[2J<b>", b"")


@pytest.mark.battery
async def test_whatever_was_committed_its_pages_are_shown(
    visitor: httpx.AsyncClient, rig: Rig, api: Api
) -> None:
    await outputs(rig)
    for name, body in zip(("default", "template", "raw", "schema"), _ANSWERS, strict=False):
        rig.receiver.script(f"/{name}", answer(200, body))
    async with rig.worker():
        for text, _ in POISON.values():
            await poison(rig, "commit.data", text)
            await poison(rig, "session.context", text)
        await until(partial(nothing_waits, rig), what="each row has been tried")
    await sign_in(visitor)
    paths = [path async for path in _paths(rig)]
    found = {path: (await visitor.get(path)).status_code for path in paths}
    read = await _feed(api)
    broken = {path: status for path, status in found.items() if status != httpx.codes.OK}
    score(
        f"pages of {2 * len(POISON)} poisoned events, and the feed",
        asked="each is shown",
        measured=f"{len(found)} pages, {read} events in the feed",
        holds=not broken and read == 2 * len(POISON),
    )


@pytest.mark.long
async def test_any_answer_of_a_receiver_is_shown(visitor: httpx.AsyncClient, rig: Rig) -> None:
    webhook = await rig.webhook(raw_payload=True, retry_schedule_s=[0])
    word = await sign_in(visitor)
    for number, body in enumerate(_ANSWERS):
        rig.receiver.script("/hook", answer(500, body))
        async with rig.worker():
            await rig.platform.commit()
            await rig.reaches("dead", count=number + 1)
        newest = await rig.platform.value("select max(id) from rowhook.outbox")
        assert (await visitor.get(f"/deliveries/{newest}")).status_code == 200, body
        sent = await visitor.post(f"/webhooks/{webhook.id}/test", data={"csrf": word})
        assert sent.status_code == 200, body


async def _paths(rig: Rig) -> AsyncIterator[str]:
    """The pages that read an event, or what was sent and answered."""
    for one in await rig.platform.rows("select id from rowhook.outbox"):
        yield f"/deliveries/{one['id']}"
    for one in await rig.platform.rows("select id from rowhook.webhook"):
        for page in ("webhooks/{}/edit", "webhooks/{}/test", "held/{}"):
            yield "/" + page.format(one["id"])
    yield f"/goals/{rig.platform.goal}"


async def _feed(api: Api) -> int:
    """How many events it holds, read to its end."""
    read, after = 0, None
    while True:
        answered = await api.call("GET", "/events", params={"after": after} if after else {})
        assert answered.status_code == httpx.codes.OK, answered.text
        # The texts inside may be none that Python's own reader takes.
        read += answered.content.count(b'"occurred_at":')
        following = answered.content.rpartition(b'"next_cursor":"')[2].rstrip(b'"}').decode()
        if following == after:
            return read
        after = following
