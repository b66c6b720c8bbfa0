"""Every URL spelling at every check: save, test, preview and delivery."""

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
# A lone surrogate is invalid JSON: the API rejects the body before it parses a URL.
SENDABLE = [url for url in REFUSED if not any("\ud800" <= char <= "\udfff" for char in url)]
# Rejected by templates in a literal URL: a segment of two dots.
CLIMBING = {"https://example.com/a//b/../c/./d", "https://example.com/%2e%2e/%2F"}


class HostResolver:
    """A resolver that gives each host its own address and remembers the host."""

    def __init__(self) -> None:
        self.hosts: dict[str, str] = {}

    async def __call__(self, host: str) -> list[str]:
        address = f"93.184.{len(self.hosts) // 200}.{len(self.hosts) % 200 + 1}"
        self.hosts[address] = host
        return [address]


@asynccontextmanager
async def watched_api(dsn: str, recorder: ConnectionRecorder) -> AsyncIterator[Api]:
    """The API with the egress policy of an installation that allows no networks."""
    transport = recording_transport(PUBLIC, recorder, ScriptedResolver([SOMEWHERE]))
    async with running_api(dsn, policy=PUBLIC, transport=transport) as api:
        yield api


async def posted(api: Api, path: str, document: Any) -> Any:
    """Sends a body with every character escaped, so that it arrives unchanged."""
    return await api.call(
        "POST", path, content=json.dumps(document), headers={"Content-Type": "application/json"}
    )


@pytest.mark.parametrize("ending", ["", "/{{event.id}}"])
async def test_no_rejected_url_can_be_saved(ending: str, dsn: str, platform: Platform) -> None:
    recorder = ConnectionRecorder()
    wrong: list[object] = []
    async with watched_api(dsn, recorder) as api:
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
async def test_no_rejected_url_passes_a_test_send_or_a_preview(
    call: str, dsn: str, platform: Platform
) -> None:
    recorder = ConnectionRecorder()
    wrong: list[object] = []
    async with watched_api(dsn, recorder) as api:
        for number, url in enumerate(SENDABLE):
            # The limit of test sends is ten a minute per webhook.
            if number % 10 == 0:
                webhook = await api.webhook(platform.organization, url="{{context.callback_url}}")
            sample = {"context": {"callback_url": url}}
            response = (await posted(api, f"/webhooks/{webhook['id']}/{call}", sample)).json()
            if response.get("outcome") not in STOPPED:
                wrong.append((url, response))
    count(wrong, len(SENDABLE), recorder, f"in a {call}", STOPS)


async def test_no_rejected_url_passes_a_delivery(rig: Rig) -> None:
    recorder = ConnectionRecorder()
    # A webhook each, since ten failures in a row open the circuit.
    for number in range(len(SENDABLE)):
        await link(rig, f"{{{{context.u{number}}}}}")
    await commit_in_session(
        rig.platform, {f"u{number}": url for number, url in enumerate(SENDABLE)}
    )
    wrong = await delivered(rig, recorder, len(SENDABLE))
    count(wrong, len(SENDABLE), recorder, "delivered to", STOPS)


@pytest.mark.parametrize("url", sorted({*REFUSED} - {*SENDABLE}), ids=ascii)
async def test_a_url_that_is_not_text_is_rejected_everywhere(url: str, rig: Rig, dsn: str) -> None:
    recorder = ConnectionRecorder()
    async with watched_api(dsn, recorder) as api:
        draft = {"organization_id": str(rig.platform.organization), "name": "a", "url": url}
        assert (await posted(api, "/webhooks", draft)).status_code == 400
    await link(rig, "{{context.callback_url}}")
    await commit_in_session(rig.platform, {"callback_url": url})
    assert await delivered(rig, recorder, 1) == []
    assert recorder.dialled == []


async def test_no_rejected_url_in_a_secret_is_requested(rig: Rig) -> None:
    recorder = ConnectionRecorder()
    spelled = [url for url in SENDABLE if url]
    for number, url in enumerate(spelled):
        name = f"s{number}"
        await secrets.put_secret(rig.ctx, rig.platform.organization, name, url)
        await link(rig, f"{{{{secret:{name}}}}}")
    await rig.platform.commit()
    wrong = await delivered(rig, recorder, len(spelled))
    count(wrong, len(spelled), recorder, "kept as a secret and delivered to", STOPS)


async def test_every_allowed_url_is_requested_at_its_host_and_port(rig: Rig) -> None:
    recorder, phone = ConnectionRecorder(), HostResolver()
    spelled = [allowed for allowed in ALLOWED if allowed[0] not in CLIMBING]
    for url, *_ in spelled:
        await link(rig, url)
    await rig.platform.commit()
    transport = recording_transport(PUBLIC, recorder, phone)
    async with rig.worker(policy=PUBLIC, transport=transport):
        await wait_for_attempts(rig, len(spelled))
    dialled = sorted((phone.hosts.get(where, where), port) for where, port in recorder.dialled)
    expected = sorted((host, port) for _, host, port, _ in spelled)
    right = len(expected) if dialled == expected else 0
    score(
        "valid URL spellings, delivered",
        required=f"{len(expected)}, host and port",
        measured=f"{right} of {len(expected)} connected to as written",
        holds=dialled == expected,
    )


async def link(rig: Rig, url: str) -> None:
    configuration = Configuration(name="a", url=url, retry_schedule_s=[0])
    saved = await webhooks.create_webhook(rig.ctx, rig.platform.organization, configuration)
    await links.link_goal(rig.ctx, saved.id, rig.platform.goal)


async def commit_in_session(platform: Platform, context: dict[str, str]) -> None:
    """Commits once in a session with this context."""
    await platform.run(
        "insert into rowhook.session (id, organization_id, context) values ('s', %s, %s)",
        platform.organization,
        json.dumps(context),
    )
    await platform.commit(session="s")


async def wait_for_attempts(rig: Rig, count: int) -> None:
    """Waits until this number of attempts is recorded."""

    async def are_recorded() -> bool:
        attempt_count: int = await rig.platform.value("select count(*) from rowhook.attempt")
        return attempt_count >= count

    await until(are_recorded, description=f"{count} attempts")


async def delivered(rig: Rig, recorder: ConnectionRecorder, count: int) -> list[object]:
    """Lets a worker attempt all deliveries; returns the attempts that reached a socket."""
    transport = recording_transport(PUBLIC, recorder, ScriptedResolver([SOMEWHERE]))
    async with rig.worker(policy=PUBLIC, transport=transport):
        await wait_for_attempts(rig, count)
    rows = await rig.platform.rows("select outcome, error from rowhook.attempt")
    assert len(rows) == count
    return [row for row in rows if row["outcome"] not in STOPPED]


def count(
    wrong: list[object], cases: int, recorder: ConnectionRecorder, how: str, query: str
) -> None:
    passed = cases - len(wrong)
    worst = f"; {wrong[0]}" if wrong else ""
    score(
        f"rejected URL spellings, {how}",
        required=f"{cases}: {query}",
        measured=f"{passed} of {cases}, {len(recorder.dialled)} connections{worst}",
        holds=not wrong and not recorder.dialled and cases >= LEAST,
    )
