"""The thread in which requests are rendered, and the time that they are given."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from rowhook.model import Outcome, Request, Verdict
from rowhook.render.renderer import MAX_INLINE_CHARACTERS, Renderer
from tests.support.rendering import EPOCH_S, EVENT, PUBLIC, compile_fields

pytestmark = pytest.mark.anyio
BRANCHES = {"anyOf": [{"type": "object"}, {"type": "array"}]}
LARGE = f'"{"x" * MAX_INLINE_CHARACTERS}"'


class Clock:
    """A clock at EPOCH_S that stores the threads that read it."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def __call__(self) -> float:
        self.threads.append(threading.current_thread())
        return EPOCH_S


@pytest.mark.parametrize(
    ("fields", "data", "inline"),
    [
        ({}, "{}", True),
        ({"schema": {"type": "object"}}, "{}", True),
        ({"schema": BRANCHES}, "{}", False),
        ({}, LARGE, False),
    ],
    ids=["small", "cheap schema", "schema with branches", "large event"],
)
async def test_a_worker_renders_only_small_requests_in_the_event_loop(
    fields: dict[str, Any], data: str, *, inline: bool
) -> None:
    clock = Clock()
    renderer = Renderer(PUBLIC, clock, inline=True)
    result = await renderer.render(compile_fields(**fields), replace(EVENT, data=data))
    assert isinstance(result, Request), result
    assert [thread is threading.current_thread() for thread in clock.threads] == [inline]


LONG = "{% for a in data.l %}" + "{% for b in data.l %}" * 2 + "{% endfor %}" * 3 + "1"
WIDE = '[{% for a in data.l %}{% for b in data.l %}"' + "x" * 200 + '",{% endfor %}{% endfor %}1]'


@pytest.mark.parametrize("body", [LONG, WIDE], ids=["many steps", "long body"])
async def test_a_small_event_that_takes_long_is_rendered_in_a_thread(body: str) -> None:
    clock = Clock()
    renderer = Renderer(PUBLIC, clock, inline=True)
    event = replace(EVENT, data=f'{{"l": {list(range(40))}}}')
    result = await renderer.render(compile_fields(body_template=body), event)
    assert isinstance(result, Request), result
    here = threading.current_thread()
    assert [thread is here for thread in clock.threads] == [True, False]


async def test_the_templates_of_a_request_share_their_steps() -> None:
    loops = LONG.replace("data.l", "data.l[:30]")
    headers = {f"X-{n}": f"{loops}" for n in range(20)}
    event = replace(EVENT, data=f'{{"l": {list(range(40))}}}')
    result = await Renderer(PUBLIC).render(compile_fields(headers=headers), event)
    assert isinstance(result, Outcome), result
    assert result.verdict is Verdict.RENDER_FAILED
    assert "more than 1,000,000 steps" in (result.error or "")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ('{"a": 1}\n{"a": {{ data.l }}}\n', None),
        ('{"a": 1}\n{"a": {{ data.l }},}\n', "Line 2 of the body is not valid JSON"),
    ],
)
async def test_ndjson_is_validated_line_by_line(body: str, error: str | None) -> None:
    webhook = compile_fields(body_template=body, headers={"Content-Type": "application/x-ndjson"})
    result = await Renderer(PUBLIC).render(webhook, replace(EVENT, data='{"l": [1]}'))
    if error is None:
        assert isinstance(result, Request), result
    else:
        assert isinstance(result, Outcome), result
        assert error in (result.error or "")


async def test_without_inline_a_costly_request_delays_neither_the_loop_nor_another_request() -> (
    None
):
    costly_is_running, other_is_rendered = threading.Event(), threading.Event()

    def clock() -> float:
        costly_is_running.set()
        assert other_is_rendered.wait(10)
        return EPOCH_S

    renderer, webhook = Renderer(PUBLIC, clock), compile_fields()
    costly = asyncio.create_task(renderer.render(webhook, EVENT))
    await asyncio.to_thread(costly_is_running.wait, 10)
    result = await renderer.render(webhook, EVENT, at=EVENT.occurred_at)
    assert isinstance(result, Request), result
    assert not costly.done()
    other_is_rendered.set()
    assert isinstance(await costly, Request)


@pytest.mark.parametrize("data", ["{}", LARGE], ids=["inline", "in a thread"])
async def test_a_given_time_replaces_the_clock(data: str) -> None:
    clock, webhook = Clock(), compile_fields(headers={"X-At": "{{timestamp}}"})
    renderer, event = Renderer(PUBLIC, clock, inline=True), replace(EVENT, data=data)
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    result = await renderer.render(webhook, event, at=moment)
    assert isinstance(result, Request), result
    assert dict(result.headers)["X-At"].startswith("2026-01-02T03:04:05")
    assert result.body is not None
    assert b'"2026-01-02T03:04:05' in result.body
    assert not clock.threads


@pytest.mark.parametrize("data", ["{}", LARGE], ids=["inline", "in a thread"])
async def test_a_partial_request_lacks_the_parts_that_fail(data: str) -> None:
    webhook = compile_fields(headers={"X-N": "{{data.n}}", "X-Id": "{{event.id}}"})
    renderer, event = Renderer(PUBLIC, inline=True), replace(EVENT, data=data)
    partial = await renderer.render_partial(webhook, event, at=EVENT.occurred_at)
    assert partial is not None
    names = [name for name, _ in partial.headers]
    assert "X-Id" in names
    assert "X-N" not in names
