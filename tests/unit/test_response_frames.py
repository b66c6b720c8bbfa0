"""Response headers are split into a frame and the values of one response."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import msgspec

from rowhook.model import Headers, RequestFrame
from rowhook.render import stored_frames
from rowhook.render.stored_frames import FramedHeaders, ResponseFrames, make_frame


def request_of(webhook: UUID) -> RequestFrame:
    return make_frame(webhook, UUID(int=1), "POST", ("https://example.com",), [], None)


def response(date: str, server: str = 'a "proxy"', length: str = "0") -> Headers:
    return (("Date", date), ("Server", server), ("X-Ä", length))


def joined(framed: FramedHeaders | None) -> Headers:
    """Returns the headers that the frame and the values stand for."""
    assert framed is not None
    text = "".join(
        piece if isinstance(piece, str) else json.dumps(framed.values[piece])[1:-1]
        for piece in msgspec.json.decode(framed.frame.pieces)
    )
    return tuple((name, value) for name, value in json.loads(text))


def test_the_first_response_is_stored_whole_and_the_second_as_its_differences() -> None:
    frames, request = ResponseFrames(), request_of(uuid4())
    assert frames.split(request, response("1")) is None
    framed = frames.split(request, response("2"))
    assert framed is not None
    assert (framed.values, joined(framed)) == (("2",), response("2"))
    assert framed.frame.webhook_id == request.webhook_id
    again = frames.split(request, response("1"))
    assert again is not None
    assert (again.values, again.frame) == (("1",), framed.frame)


def test_a_value_that_changes_later_is_no_longer_in_the_frame() -> None:
    frames, request = ResponseFrames(), request_of(uuid4())
    frames.split(request, response("1"))
    first = frames.split(request, response("2"))
    changed = frames.split(request, response("3", server="b"))
    assert joined(changed) == response("3", server="b")
    back = frames.split(request, response("4"))
    assert joined(back) == response("4")
    assert first is not None
    assert changed is not None
    assert back is not None
    assert changed.frame == back.frame != first.frame
    assert back.values == ("4", 'a "proxy"')


def test_equal_responses_have_a_frame_without_values() -> None:
    frames, request = ResponseFrames(), request_of(uuid4())
    frames.split(request, response("1"))
    framed = frames.split(request, response("1"))
    assert framed is not None
    assert (framed.values, joined(framed)) == ((), response("1"))


def test_two_workers_make_the_same_frame() -> None:
    request = request_of(uuid4())
    digests = set()
    for dates in (("1", "2"), ("3", "4")):
        frames = ResponseFrames()
        framed = [frames.split(request, response(date)) for date in dates][-1]
        assert framed is not None
        digests.add(framed.frame.digest)
    assert len(digests) == 1


def test_webhooks_and_other_header_names_have_frames_of_their_own() -> None:
    frames, request = ResponseFrames(), request_of(uuid4())
    frames.split(request, response("1"))
    assert frames.split(request_of(uuid4()), response("1")) is None
    assert frames.split(request, response("1")[:2]) is None
    assert frames.split(request, tuple(reversed(response("1")))) is None


def test_headers_that_are_empty_unprintable_or_very_long_are_stored_whole() -> None:
    frames, request = ResponseFrames(), request_of(uuid4())
    for headers in ((), (("X", "a\x00"),), (("X", "\ud83d"),), (("X", "a" * 5000),)):
        for _ in range(3):
            assert frames.split(request, headers) is None


def test_the_number_of_remembered_responses_is_limited() -> None:
    frames, request = ResponseFrames(), request_of(uuid4())
    for number in range(stored_frames.MAX_SHAPES + 1):
        frames.split(request, ((f"X-{number}", "1"),))
    assert frames.split(request, (("X-0", "1"),)) is None
    assert frames.split(request, ((f"X-{stored_frames.MAX_SHAPES}", "1"),)) is not None
