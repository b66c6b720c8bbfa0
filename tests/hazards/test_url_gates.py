"""Every spelling of a target at every gate: saved, tried and delivered; a recorder for sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rowhook.egress.policy import EgressPolicy
from rowhook.render.configuration import Configuration
from rowhook.services import links, secrets, webhooks
from tests.support.calls import Api, running_api
from tests.support.recorded_connections import (
    ConnectionRecorder,
    ScriptedResolver,
    recording_transport,
)
from tests.support.sample_platform import Platform
from tests.support.scoreboard import score
from tests.support.url_spellings import ALLOWED, REFUSED
from tests.support.worker_rig import Rig, until

pytestmark = [pytest.mark.anyio, pytest.mark.long, pytest.mark.hazards]
PUBLIC = EgressPolicy()
LEAST = 160
SOMEWHERE = "93.184.216.34"
STOPPED = {"target_forbidden", "render_failed"}
STOPS = "target_forbidden or render_failed, no socket"
# A lone surrogate is no JSON text: the API refuses the whole body before anything reads a URL.
SENDABLE = [url for url in REFUSED if not any("\ud800" <= char <= "\udfff" for char in url)]
# What a template refuses where the whole URL is written out: a segment of two dots.
CLIMBING = {"https://example.com/a//b/../c/./d", "https://example.com/%2e%2e/%2F"}


class Phone:
    """A resolver that gives each host an address of its own, and knows whose it was."""

    def __init__(self) -> None:
        self.hosts: dict[str, str] = {}

    async def __call__(self, host: str) -> list[str]:
        address = f"93.184.{len(self.hosts) // 200}.{len(self.hosts) % 200 + 1}"
        self.hosts[address] = host
        return [address]


@asynccontextmanager
async def watched(dsn: str, recorder: ConnectionRecorder) -> AsyncIterator[Api]:
    """The API with the guard of an installation that allows nothing besides."""
    transport = recording_transport(PUBLIC, recorder, ScriptedResolver([SOMEWHERE]))
    async with running_api(dsn, policy=PUBLIC, transport=transport) as api:
        yield api


async def posted(api: Api, path: str, document: Any) -> Any:
    """Sent with every character escaped, so that it arrives as it is here."""
    return await api.call(
        "POST", path, content=json.dumps(document), headers={"Content-Type": "application/json"}
    )


@pytest.mark.parametrize("ending", ["", "/{{event.id}}"])
async def test_no_refused_spelling_can_be_saved(ending: str, dsn: str, platform: Platform) -> None:
    recorder = ConnectionRecorder()
    wrong: list[object] = []
    async with watched(dsn, recorder) as api:
        for url in SENDABLE:
            draft = {"organization_id": str(platform.organization), "name": "a"}
            response = await posted(api, "/webhooks", draft | {"url": url + ending})
            pointers = {error["pointer"] for error in response.json().get("errors", ())}
            if (response.status_code, pointers) != (422, {"/url"}):
                wrong.append((url, response.status_code, response.text))
    how = "saved with an expression behind" if ending else "saved"
    count(wrong, len(SENDABLE), recorder, how, "422 at /url, no socket")
    assert await platform.value("select count(*) from rowhook.webhook") == 0


@pytest.mark.parametrize("call", ["test", "preview"])
async def test_no_refused_spelling_gets_through_a_test_send_or_a_preview(
    call: str, dsn: str, platform: Platform
) -> None:
    recorder = ConnectionRecorder()
    wrong: list[object] = []
    async with watched(dsn, recorder) as api:
        for number, url in enumerate(SENDABLE):
            # Ten a minute are what one webhook is granted.
            if number % 10 == 0:
                webhook = await api.webhook(platform.organization, url="{{context.callback_url}}")
            sample = {"context": {"callback_url": url}}
            response = (await posted(api, f"/webhooks/{webhook['id']}/{call}", sample)).json()
            if response.get("outcome") not in STOPPED:
                wrong.append((url, response))
    count(wrong, len(SENDABLE), recorder, f"in a {call}", STOPS)


async def test_no_refused_spelling_gets_through_a_delivery(rig: Rig) -> None:
    recorder = ConnectionRecorder()
    # A webhook each: after ten failures in a row its circuit would hold the others back.
    for number in range(len(SENDABLE)):
        await link(rig, f"{{{{context.u{number}}}}}")
    await commit_in(rig.platform, {f"u{number}": url for number, url in enumerate(SENDABLE)})
    wrong = await delivered(rig, recorder, len(SENDABLE))
    count(wrong, len(SENDABLE), recorder, "delivered to", STOPS)


@pytest.mark.parametrize("url", sorted({*REFUSED} - {*SENDABLE}), ids=ascii)
async def test_a_url_that_is_no_text_stops_at_every_gate(url: str, rig: Rig, dsn: str) -> None:
    recorder = ConnectionRecorder()
    async with watched(dsn, recorder) as api:
        draft = {"organization_id": str(rig.platform.organization), "name": "a", "url": url}
        assert (await posted(api, "/webhooks", draft)).status_code == 400
    await link(rig, "{{context.callback_url}}")
    await commit_in(rig.platform, {"callback_url": url})
    assert await delivered(rig, recorder, 1) == []
    assert recorder.dialled == []


async def test_no_refused_spelling_gets_out_of_a_secret(rig: Rig) -> None:
    recorder = ConnectionRecorder()
    spelled = [url for url in SENDABLE if url]
    for number, url in enumerate(spelled):
        name = f"s{number}"
        await secrets.put_secret(rig.ctx, rig.platform.organization, name, url)
        await link(rig, f"{{{{secret:{name}}}}}")
    await rig.platform.commit()
    wrong = await delivered(rig, recorder, len(spelled))
    count(wrong, len(spelled), recorder, "kept as a secret and delivered to", STOPS)


async def test_every_allowed_spelling_is_dialled_where_it_says(rig: Rig) -> None:
    recorder, phone = ConnectionRecorder(), Phone()
    spelled = [allowed for allowed in ALLOWED if allowed[0] not in CLIMBING]
    for url, *_ in spelled:
        await link(rig, url)
    await rig.platform.commit()
    transport = recording_transport(PUBLIC, recorder, phone)
    async with rig.worker(policy=PUBLIC, transport=transport):
        await tried(rig, len(spelled))
    dialled = sorted((phone.hosts.get(where, where), port) for where, port in recorder.dialled)
    expected = sorted((host, port) for _, host, port, _ in spelled)
    right = len(expected) if dialled == expected else 0
    score(
        "legitimate spellings of a URL, delivered to",
        asked=f"{len(expected)}, host and port",
        measured=f"{right} of {len(expected)} dialled as written",
        holds=dialled == expected,
    )


async def link(rig: Rig, url: str) -> None:
    configuration = Configuration(name="a", url=url, retry_schedule_s=[0])
    saved = await webhooks.create_webhook(rig.ctx, rig.platform.organization, configuration)
    await links.link_goal(rig.ctx, saved.id, rig.platform.goal)


async def commit_in(platform: Platform, context: dict[str, str]) -> None:
    """One commit, in a session of this context."""
    await platform.run(
        "insert into rowhook.session (id, organization_id, context) values ('s', %s, %s)",
        platform.organization,
        json.dumps(context),
    )
    await platform.commit(session="s")


async def tried(rig: Rig, count: int) -> None:
    """Waits until so many attempts are written down."""

    async def there() -> bool:
        attempt_count: int = await rig.platform.value("select count(*) from rowhook.attempt")
        return attempt_count >= count

    await until(there, what=f"{count} attempts")


async def delivered(rig: Rig, recorder: ConnectionRecorder, count: int) -> list[object]:
    """Lets a worker try all of them; the attempts that did not stop before a socket."""
    transport = recording_transport(PUBLIC, recorder, ScriptedResolver([SOMEWHERE]))
    async with rig.worker(policy=PUBLIC, transport=transport):
        await tried(rig, count)
    rows = await rig.platform.rows("select outcome, error from rowhook.attempt")
    assert len(rows) == count
    return [row for row in rows if row["outcome"] not in STOPPED]


def count(
    wrong: list[object], cases: int, recorder: ConnectionRecorder, how: str, query: str
) -> None:
    passed = cases - len(wrong)
    worst = f"; {wrong[0]}" if wrong else ""
    score(
        f"refused spellings of a URL, {how}",
        asked=f"{cases}: {query}",
        measured=f"{passed} of {cases}, {len(recorder.dialled)} sockets{worst}",
        holds=not wrong and not recorder.dialled and cases >= LEAST,
    )
