"""A new kind of output: one transport, here in this module, and one entry in OUTPUT_KINDS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from rowhook.model import Claim, Outcome, Request, Verdict
from rowhook.output_kinds import OUTPUT_KINDS, OutputKind
from rowhook.render.configuration import Configuration, ConfigurationRejected
from rowhook.render.webhook_compiler import compile_webhook
from rowhook.services import links, previews, webhooks
from rowhook.services.context import Rejected
from rowhook.services.sample_data import Sample
from rowhook.transports.registry import Resources
from tests.support.calls import ADMIN_KEY, Api
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio


class QueueTransport:
    """Puts each output into a queue; fails for a body that says so."""

    queue: list[tuple[str, bytes]]

    def __init__(self, resources: Resources) -> None:
        self.resources = resources

    async def deliver(
        self, claim: Claim, request: Request, redact: Callable[[str], str]
    ) -> Outcome:
        body = request.body or b""
        if b"refuse" in body:
            return Outcome(verdict=Verdict.CONNECT_FAILED, error=redact("The queue is full."))
        self.queue.append((claim.event.key, body))
        return Outcome(verdict=Verdict.DELIVERED)

    def background_work(self) -> Coroutine[Any, Any, None]:
        return asyncio.sleep(3600)


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, bytes]]]:
    kind = OutputKind(
        description="a queue in memory",
        transport=f"{__name__}:QueueTransport",
        has_url=False,
        has_headers=False,
        is_public=False,
        is_always_ordered=False,
    )
    monkeypatch.setitem(OUTPUT_KINDS, "queue", kind)
    QueueTransport.queue = []
    yield QueueTransport.queue
    del QueueTransport.queue


async def put_test(
    _http: httpx.AsyncBaseTransport,
    request: Request,
    /,
    *,
    redact: Callable[[str], str],
    timed: bool,
) -> Outcome:
    """The test send of the kind: puts the body into the queue."""
    QueueTransport.queue.append(("test", request.body or b""))
    return Outcome(verdict=Verdict.DELIVERED, error=redact(f"timed: {timed}"))


async def queue_webhook(rig: Rig) -> None:
    configuration = Configuration(
        name="queue", kind="queue", body_template='{"word": "{{data.word}}"}'
    )
    saved = await webhooks.create_webhook(rig.ctx, rig.platform.organization, configuration)
    await links.link_goal(rig.ctx, saved.id, rig.platform.goal)


async def test_an_output_of_a_new_kind_is_rendered_delivered_and_recorded(
    rig: Rig, queue: list[tuple[str, bytes]]
) -> None:
    await queue_webhook(rig)
    async with rig.worker():
        commit = await rig.platform.commit('{"word": "ä"}')
        await rig.reaches("delivered")
    assert queue == [(commit, '{"word": "ä"}'.encode())]
    assert rig.receiver.requests == []
    (attempt,) = await rig.platform.rows("select outcome, status_code from rowhook.attempt")
    assert attempt == {"outcome": "delivered", "status_code": None}


async def test_a_failed_output_of_a_new_kind_is_retried(
    rig: Rig, queue: list[tuple[str, bytes]]
) -> None:
    await queue_webhook(rig)
    async with rig.worker():
        await rig.platform.commit('{"word": "refuse"}')
        (delivery,) = await rig.reaches("pending")
        while delivery["attempts"] == 0:
            (delivery,) = await rig.platform.deliveries()
    assert delivery["last_error"] == "The queue is full."
    assert queue == []


@pytest.mark.usefixtures("queue")
async def test_the_api_takes_a_new_kind_and_refuses_the_fields_that_it_does_not_have(
    api: Api, platform: Platform
) -> None:
    organization = platform.organization
    created = await api.webhook(organization, kind="queue", url=None, headers={})
    assert created["kind"] == "queue"
    draft = {
        "organization_id": str(organization),
        "name": "q",
        "kind": "queue",
        "url": "https://example.com",
        "headers": {"X-A": "1"},
    }
    answer = await api.call("POST", "/webhooks", json=draft)
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/url", "/headers"}


async def test_a_test_send_uses_the_function_of_the_kind_or_is_refused(
    rig: Rig, queue: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = replace(OUTPUT_KINDS["queue"], has_url=True)
    monkeypatch.setitem(OUTPUT_KINDS, "queue", kind)
    url = f"{rig.receiver.url}/queue"
    configuration = Configuration(name="q", kind="queue", url=url, body_template='{"a": 1}')
    saved = await webhooks.create_webhook(rig.ctx, rig.platform.organization, configuration)
    ctx = replace(rig.ctx, transport=httpx.AsyncHTTPTransport())
    with pytest.raises(Rejected) as refused:
        await previews.test_webhook(ctx, saved.id, Sample())
    (fault,) = refused.value.faults
    message = "A queue webhook has no test send. Preview it instead."
    assert (fault.pointer, fault.message) == ("/kind", message)
    monkeypatch.setitem(OUTPUT_KINDS, "queue", replace(kind, send_test=f"{__name__}:put_test"))
    trial = await previews.test_webhook(ctx, saved.id, Sample())
    assert (trial.outcome, trial.error) == (Verdict.DELIVERED, "timed: True")
    assert queue == [("test", b'{"a": 1}')]
    assert rig.receiver.requests == []


async def test_a_kind_that_is_not_known_is_refused_with_the_known_ones(rig: Rig) -> None:
    configuration = Configuration(name="x", kind="pigeon", url=None)
    with pytest.raises(Rejected) as refused:
        await webhooks.create_webhook(rig.ctx, rig.platform.organization, configuration)
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.message) == ("/kind", "Must be one of frontend, http.")


async def test_a_webhook_of_a_kind_that_a_newer_version_has_is_displayed_and_not_sent(
    api: Api, platform: Platform, queue: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    created = await api.webhook(platform.organization, kind="queue", url=None)
    monkeypatch.delitem(OUTPUT_KINDS, "queue")
    read = await api.call("GET", f"/webhooks/{created['id']}")
    assert read.json()["kind"] == "queue"
    answer = await api.call("POST", f"/webhooks/{created['id']}/test", json={})
    assert answer.status_code == 200, answer.text
    assert answer.json()["outcome"] == "config_rejected"
    assert "Must be one of frontend, http." in answer.json()["error"]
    async with httpx.AsyncClient(base_url=api.url, follow_redirects=True) as visitor:
        await visitor.post("/sign-in", data={"key": ADMIN_KEY})
        for path in ("", "/test", "/edit"):
            page = await visitor.get(f"/webhooks/{created['id']}{path}")
            assert page.status_code == 200, path
        assert (await visitor.get(f"/held/{created['id']}")).status_code == 200
    assert queue == []


def test_a_webhook_of_a_kind_that_was_removed_does_not_compile() -> None:
    configuration = Configuration(name="x", kind="pigeon")
    with pytest.raises(ConfigurationRejected, match="Must be one of"):
        compile_webhook(configuration, identity={}, brand="Roxels")
