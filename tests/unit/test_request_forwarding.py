"""A request forwarded to an application that responds normally, badly or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from rowhook.cli.local_receiver import Application, Received, application, forward, forward_url
from rowhook.settings import SettingsRejected
from tests.support.deadline import DEADLINE_S
from tests.support.receiver import Receiver, drip, flood, raw, reset, stall

pytestmark = pytest.mark.anyio


@pytest.fixture
async def app() -> AsyncIterator[Receiver]:
    """The application that requests are forwarded to."""
    async with Receiver() as receiver:
        yield receiver


async def forwarded(
    app: Receiver, *, at: str = "", path: str = "/in", deadline_s: float = DEADLINE_S
) -> tuple[int, bytes, str]:
    """Forwards one request: status, body and the printed text."""
    request = Received(method="POST", path=path, fields=(), headers={}, body=b"{}")
    async with application(forward_url(app.url + at)) as there:
        to = Application(client=there.client, url=there.url, deadline_s=deadline_s)
        result = await forward(request, to)
    return result.reply.status, result.reply.body, result.summary


@pytest.mark.parametrize(
    ("at", "requested", "reached"),
    [
        ("", "/in?a=1", "/in?a=1"),
        ("/", "/in", "/in"),
        ("/hook", "/", "/hook"),
        ("/hook", "/in?a=%41", "/hook?a=%41"),
        ("/hook/", "/in", "/hook/"),
    ],
)
async def test_a_forward_url_with_a_path_receives_all_requests_there(
    app: Receiver, at: str, requested: str, reached: str
) -> None:
    await forwarded(app, at=at, path=requested)
    assert [request.path for request in app.requests] == [reached]


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (stall(), "did not respond within 0.2 s"),
        (reset(), "closed the connection"),
        (stall(b"HTTP/1.1 200 OK\r\n"), "did not respond within 0.2 s"),
        (raw(b""), "closed the connection"),
        (raw(b"SSH-2.0-x\r\n\r\n"), "closed the connection"),
        (drip(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"), "did not respond within 0.2 s"),
        (flood(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 1000), "closed the connection"),
    ],
)
async def test_a_response_without_a_head_is_502(app: Receiver, behaviour: Any, why: str) -> None:
    app.script("/in", behaviour)
    deadline_s = 0.2 if "0.2 s" in why else DEADLINE_S
    status, body, message = await forwarded(app, deadline_s=deadline_s)
    assert (status, body.decode()) == (502, f"rowhook listen: {message.removeprefix('502: ')}.\n")
    assert why in message


async def test_an_endless_response_body_is_truncated_and_its_status_is_kept(app: Receiver) -> None:
    head = b"HTTP/1.1 201 Created\r\nContent-Length: 99999999\r\n\r\n"
    app.script("/in", flood(head, b"x" * 65536), raw(head + b"short"))
    assert (await forwarded(app))[:2] == (201, b"x" * 2**20)
    assert (await forwarded(app))[:2] == (201, b"short")


@pytest.mark.parametrize(
    "url",
    [
        "localhost:3000",
        "localhost",
        "ftp://localhost",
        "http://",
        "http://u:p@localhost",
        "http://localhost/?a=1",
        "http://localhost?",
        "http://localhost/#a",
        "http://localhost:99999",
        "http://[::1",
        "",
        "http://local host",
        "http://localhost:0",
        "http://a..b",
        "http://é",
        "http://localhost/\n",
        "http://" + "a" * 64,
    ],
)
def test_an_invalid_forward_url_is_rejected(url: str) -> None:
    with pytest.raises(
        SettingsRejected, match=r"^--forward-to: Use e\.g\. http://localhost:3000/hook"
    ):
        forward_url(url)
