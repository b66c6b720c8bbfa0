"""Hostile receivers, and the expected verdict of each."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rowhook.model import Verdict
from tests.support.deadline import DEADLINE_S
from tests.support.receiver import answer, drip, flood, raw, reset, stall

if TYPE_CHECKING:
    from tests.support.receiver import Behaviour


OK = b"HTTP/1.1 200 OK\r\n"


@dataclass(frozen=True, slots=True)
class Case:
    behaviour: Behaviour
    verdict: Verdict
    status: int | None = None
    body: str | None = None

    @property
    def timeout_s(self) -> float:
        """Short if the timeout ends the request; otherwise longer than needed on any machine."""
        return 0.5 if self.verdict is Verdict.TIMEOUT else DEADLINE_S


def delivered(behaviour: Behaviour, body: str | None = None) -> Case:
    return Case(behaviour, Verdict.DELIVERED, 200, body)


def invalid(behaviour: Behaviour, status: int | None = None) -> Case:
    return Case(behaviour, Verdict.RESPONSE_INVALID, status)


def late(behaviour: Behaviour) -> Case:
    return Case(behaviour, Verdict.TIMEOUT)


# The body has 2 s after the head; these cases use them up.
SLOW_BODIES = {
    "drip of the body",
    "drip of a chunked body",
    "body that never comes",
    "body that stops",
    "no length, connection kept",
    "huge chunk",
}
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BOTH = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
BOMB = gzip.compress(b"\0" * 20_000_000)

HOSTILE = {
    # there is a status: the body does not matter
    "infinite body": delivered(flood(OK + b"\r\n", b"x" * 65_536), "x" * 4096),
    "infinite chunked body": delivered(flood(CHUNKED, b"10000\r\n" + b"x" * 65_536 + b"\r\n")),
    "drip of the body": delivered(drip(OK + b"Content-Length: 1000000\r\n\r\n", b"x")),
    "drip of a chunked body": delivered(drip(CHUNKED, b"1\r\nx\r\n")),
    "body that never comes": delivered(stall(OK + b"Content-Length: 10\r\n\r\n"), ""),
    "body that stops": delivered(stall(OK + b"Content-Length: 10\r\n\r\nabc"), "abc"),
    "no length, connection kept": delivered(stall(OK + b"\r\nabc"), "abc"),
    "no length, connection closed": delivered(raw(OK + b"\r\nabc"), "abc"),
    "body cut short": delivered(raw(OK + b"Content-Length: 10\r\n\r\nabc")),
    "reset mid-body": delivered(reset(OK + b"Content-Length: 10\r\n\r\nabc")),
    "reset after the head": delivered(reset(OK + b"Content-Length: 10\r\n\r\n")),
    "more body than its length": delivered(raw(OK + b"Content-Length: 2\r\n\r\nokGARBAGE"), "ok"),
    "two answers to one request": delivered(raw((OK + b"Content-Length: 2\r\n\r\nok") * 2), "ok"),
    "garbage for a chunk": delivered(raw(CHUNKED + b"ZZZ\r\nnot a chunk")),
    "garbage after a chunk": delivered(raw(CHUNKED + b"2\r\nokXX\r\n0\r\n\r\n")),
    "negative chunk": delivered(raw(CHUNKED + b"-1\r\nok")),
    "huge chunk": delivered(stall(CHUNKED + b"fffffffff\r\nok")),
    "both lengths": delivered(raw(OK + BOTH + b"\r\n5\r\nhello\r\n0\r\n\r\n")),
    "two lengths": delivered(raw(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")),
    "length that is not a number": delivered(raw(OK + b"Content-Length: many\r\n\r\nhello")),
    "negative length": delivered(raw(OK + b"Content-Length: -5\r\n\r\nhello")),
    "gzip that is not gzip": delivered(
        answer(body=b"plain", headers=(("Content-Encoding", "gzip"),)), "plain"
    ),
    "gzip bomb": delivered(answer(body=BOMB, headers=(("Content-Encoding", "gzip"),))),
    "one interim answer": delivered(raw(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"\r\n"), ""),
    "early hints": delivered(raw(b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" + OK + b"\r\nx"), "x"),
    "line feeds alone": delivered(raw(b"HTTP/1.1 200 OK\nX-A: b\nContent-Length: 2\n\nok"), "ok"),
    "no reason phrase": delivered(raw(b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"), "ok"),
    "HTTP/1.0": delivered(raw(b"HTTP/1.0 200 OK\r\n\r\nok"), "ok"),
    "ANSI, NUL and HTML": delivered(
        answer(body=b"\x1b[31m<b>\0\xff</b>"), "\x1b[31m<b>\ufffd\ufffd</b>"
    ),
    # another status
    "redirect": Case(
        answer(302, headers=(("Location", "http://169.254.169.254/"),)), Verdict.HTTP_STATUS, 302
    ),
    "gone": Case(answer(410), Verdict.HTTP_STATUS, 410),
    "500 with a body that never ends": Case(
        flood(b"HTTP/1.1 500 No\r\n\r\n", b"x" * 4096), Verdict.HTTP_STATUS, 500
    ),
    "no content, then garbage": Case(
        raw(b"HTTP/1.1 204 None\r\n\r\ngarbage"), Verdict.DELIVERED, 204, ""
    ),
    "status 000": invalid(raw(b"HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n")),
    "status 999": invalid(raw(b"HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n"), 999),
    "status 600": invalid(raw(b"HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n"), 600),
    "status of two digits": invalid(raw(b"HTTP/1.1 20 OK\r\n\r\n")),
    "status of four digits": invalid(raw(b"HTTP/1.1 2000 OK\r\n\r\n")),
    "unasked upgrade": invalid(
        raw(b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc"), 101
    ),
    # no status
    "HTTP/0.9": invalid(raw(b"hello\n")),
    "HTTP/2 preface": invalid(raw(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80")),
    "TLS on a plain port": invalid(raw(b"\x15\x03\x01\0\x02\x02\x16")),
    "another protocol": invalid(raw(b"SSH-2.0-OpenSSH_9.6\r\n")),
    "garbage": invalid(raw(bytes(range(256)) * 64)),
    "garbage for headers": delivered(raw(OK + b"\0\1\2: x\r\n\r\n")),
    "header of 2 MB": invalid(raw(OK + b"X: " + b"a" * 2_000_000 + b"\r\n\r\n")),
    "headers without end": invalid(flood(OK, b"X-A: b\r\n" * 1000)),
    "flood of interim answers": invalid(flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)),
    "flood of blank lines": invalid(flood(b"", b"\r\n" * 32_000)),
    "end without an answer": invalid(raw(b"")),
    "end inside the head": invalid(raw(OK + b"Content-Le")),
    "reset without an answer": invalid(reset()),
    # nothing arrives in time
    "stall after the request": late(stall()),
    "stall inside the status line": late(stall(b"HTTP/1.")),
    "drip of the status line": late(drip(b"", b"\r\n")),
    "drip of headers": late(drip(OK, b"X-A: b\r\n")),
    "drip of interim answers": late(drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
    # a complete head whose status line is valid
    "malformed header line": delivered(
        raw(OK + b"X-A: b\r\nno colon\r\nContent-Length: 2\r\n\r\nok")
    ),
    "space in a header name": delivered(raw(OK + b"X A: b\r\nContent-Length: 2\r\n\r\nok")),
    "header without a name": delivered(raw(OK + b": b\r\nContent-Length: 2\r\n\r\nok")),
    "folded header line": delivered(raw(OK + b"X-A: b\r\n c\r\nContent-Length: 2\r\n\r\nok")),
    "interim answer, then a malformed line": delivered(
        raw(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"no colon\r\n\r\n")
    ),
    "malformed line in pieces": delivered(drip(OK + b"no colon\r", b"\n")),
}
