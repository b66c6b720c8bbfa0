"""Generates responses of HTTP/1.1: valid, broken and cut, in arbitrary segments.

Each response is made of a choice for each of its parts; the names of the choices that are not plain
are its `traits`, to which the rules of test_http_client.py refer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

SEED = 20_260_525
# One response in this number is sent once for each of its bytes, cut after it.
CUT_EVERYWHERE = 40
MAX_CUTS = 160
TEXT = b"hello, world"
CRLF = b"\r\n"
SECOND = b"HTTP/1.1 410 Gone\r\nX-Second: 1\r\nContent-Length: 6\r\n\r\nsecond"

# Name, bytes, weight. A plain choice has no name.
Choice = tuple[str, bytes, int]
STATUS_LINES: list[Choice] = [
    ("", b"HTTP/1.1 200 OK", 60),
    ("", b"HTTP/1.1 404 Not Found", 6),
    ("", b"HTTP/1.1 503 Busy", 6),
    ("", b"HTTP/1.1 302 Found", 3),
    ("no body", b"HTTP/1.1 204 No Content", 5),
    ("no body", b"HTTP/1.1 304 Not Modified", 3),
    ("", b"HTTP/1.1 200 ", 3),
    ("no reason", b"HTTP/1.1 200", 3),
    ("HTTP/1.0", b"HTTP/1.0 200 OK", 8),
    ("odd reason", b"HTTP/1.1 200 \xc3\xa9\xff", 2),
    ("control character", b"HTTP/1.1 200 a\x01b", 1),
    ("NUL in the reason", b"HTTP/1.1 200 a\0b", 1),
    ("odd status", b"HTTP/1.1 600 No", 1),
    ("odd status", b"HTTP/1.1 999 No", 1),
    ("odd status", b"HTTP/1.1 000 No", 1),
    ("odd status", b"HTTP/1.1 099 No", 1),
    ("odd version", b"HTTP/2.0 200 OK", 1),
    ("odd version", b"HTTP/0.9 200 OK", 1),
    ("odd version", b"HTTP/1.2 200 OK", 1),
    ("not a status line", b"HTTP/1.1 20 OK", 1),
    ("not a status line", b"HTTP/1.1 2000 OK", 1),
    ("not a status line", b"HTTP/1.1 +20 OK", 1),
    ("not a status line", b"HTTP/1.1  200 OK", 1),
    ("not a status line", b"HTTP/1.1\t200 OK", 1),
    ("not a status line", b"HTTP/1.1 200OK", 1),
    ("not a status line", b"http/1.1 200 OK", 1),
    ("not a status line", b"HTTP 200 OK", 1),
    ("not a status line", b"ICY 200 OK", 1),
    ("not a status line", b"garbage", 1),
]
INTERIM: list[Choice] = [
    ("", b"", 80),
    ("interim", b"HTTP/1.1 100 Continue\r\n\r\n", 6),
    ("interim", b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n", 4),
    ("interim", b"HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", 3),
    ("interim", b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n", 1),
    ("interim that closes", b"HTTP/1.1 103 Hints\r\nConnection: close\r\n\r\n", 1),
    ("interim that closes", b"HTTP/1.0 100 Continue\r\n\r\n", 1),
    ("interim with a body", b"HTTP/1.1 103 Hints\r\nContent-Length: 3\r\n\r\nabc", 1),
    ("interim with a malformed line", b"HTTP/1.1 100 Continue\r\nno colon\r\n\r\n", 1),
    ("upgrade", b"HTTP/1.1 101 Up\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 1),
    ("upgrade", b"HTTP/1.1 101 Up\r\n\r\n", 1),
    ("blank lines", b"\r\n", 1),
    ("blank lines", b"\n\r\n", 1),
]
HEADERS: list[Choice] = [
    ("", b"Content-Type: application/json", 10),
    ("", b"X-A: 1", 10),
    ("", b"X-Empty:", 3),
    ("", b"x-spaces: \t a b \t", 3),
    ("", b"X-Tight:a:b", 3),
    ("", b"Set-Cookie: a=1\r\nSet-Cookie: b=2", 3),
    ("", b"X-Long: " + b"v" * 3000, 1),
    ("", b"X-Latin: \xe9\xff", 2),
    ("", b"Retry-After: 7", 2),
    ("", b"Keep-Alive: timeout=9", 2),
    ("", b"Connection: keep-alive", 4),
    ("closes", b"Connection: close", 4),
    ("closes", b"Connection: x, CLOSE", 1),
    ("upgrade header", b"Upgrade: h2c\r\nConnection: upgrade", 1),
    ("malformed line", b"no colon", 1),
    ("malformed line", b": no name", 1),
    ("malformed line", b"X A: space in the name", 1),
    ("malformed line", b"X\0: NUL in the name", 1),
    ("malformed line", b"X(: b", 1),
    ("malformed line", b"X\xe9: b", 1),
    ("malformed line", b"X-Cr: a\rb", 1),
    ("space before the colon", b"X-A : b", 1),
    ("NUL in a value", b"X-Nul: a\0b", 1),
    ("control character", b"X-Control: a\x01\x7fb", 1),
    ("folded line", b"X-Fold: a\r\n b", 1),
    ("folded line", b"X-Fold: a\r\n\tb\r\n  c", 1),
]


def _chunks(*parts: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + end


CHUNKED = b"Transfer-Encoding: chunked"
LENGTH = b"Content-Length: %d" % len(TEXT)
# Name, header lines, body, whether the end of the response is certain, weight.
FRAMINGS: list[tuple[str, bytes, bytes, bool, int]] = [
    ("", LENGTH, TEXT, True, 40),
    ("", b"content-length:  12  ", TEXT, True, 4),
    ("", b"Content-Length: 0", b"", True, 6),
    ("", b"Content-Length: 012", TEXT, True, 2),
    ("", b"Content-Length: 256", bytes(range(256)), True, 3),
    ("", b"Content-Length: %d" % len(SECOND), SECOND, True, 3),
    ("", CHUNKED, _chunks(TEXT), True, 10),
    ("", CHUNKED, _chunks(b"hello", b", ", b"world"), True, 6),
    ("", CHUNKED, _chunks(*(b"%d" % n for n in range(40))), True, 2),
    ("", b"transfer-encoding:Chunked", _chunks(TEXT), True, 2),
    ("", CHUNKED, b"00C\r\n" + TEXT + b"\r\n000\r\n\r\n", True, 2),
    ("", CHUNKED, b'c;a=b;c="d"\r\n' + TEXT + b"\r\n0;x\r\n\r\n", True, 3),
    (
        "trailers",
        CHUNKED,
        _chunks(TEXT, end=b"0\r\nX-Trailer: t\r\nRetry-After: 9\r\n\r\n"),
        True,
        4,
    ),
    ("malformed trailer", CHUNKED, _chunks(TEXT, end=b"0\r\nno colon\r\n\r\n"), False, 1),
    ("malformed chunk", CHUNKED, b"ZZ\r\n" + TEXT, False, 1),
    ("malformed chunk", CHUNKED, b"-1\r\n" + TEXT, False, 1),
    ("malformed chunk", CHUNKED, b"0x5\r\nhello\r\n0\r\n\r\n", False, 1),
    ("malformed chunk", CHUNKED, b"5\r\nhelloXX\r\n0\r\n\r\n", False, 1),
    ("malformed chunk", CHUNKED, b"5\r\nhell\r\n0\r\n\r\n", False, 1),
    ("malformed chunk", CHUNKED, b"\r\n\r\n", False, 1),
    ("malformed chunk", CHUNKED, b"f" * 17 + b"\r\n" + TEXT, False, 1),
    ("malformed chunk", CHUNKED, b"5\r\nhello\r\n" + b"7" * 40 + b"\r\n" + TEXT, False, 1),
    ("line feeds between chunks", CHUNKED, b"5\nhello\n0\n\n", False, 2),
    ("space after a chunk size", CHUNKED, b"5 \r\nhello\r\n0\r\n\r\n", True, 1),
    ("space before a chunk size", CHUNKED, b" 5\r\nhello\r\n0\r\n\r\n", False, 1),
    ("no end of chunks", CHUNKED, b"c\r\n" + TEXT + b"\r\n", False, 2),
    ("body too short", b"Content-Length: 20", TEXT, False, 4),
    ("no length", b"", TEXT, False, 6),
    ("no length", b"", b"", False, 2),
    ("contradictory length", CHUNKED + CRLF + LENGTH, _chunks(TEXT), False, 2),
    ("contradictory length", LENGTH + CRLF + CHUNKED, _chunks(TEXT), False, 2),
    ("contradictory length", LENGTH + b"\r\nContent-Length: 5", TEXT, False, 2),
    ("repeated length", LENGTH + CRLF + LENGTH, TEXT, False, 2),
    ("repeated length", b"Content-Length: 12, 12", TEXT, False, 2),
    ("invalid length", b"Content-Length: +12", TEXT, False, 1),
    ("invalid length", b"Content-Length: -12", TEXT, False, 1),
    ("invalid length", b"Content-Length: 0xc", TEXT, False, 1),
    ("invalid length", b"Content-Length: 1 2", TEXT, False, 1),
    ("invalid length", b"Content-Length: 12;", TEXT, False, 1),
    ("invalid length", b"Content-Length:", TEXT, False, 1),
    ("invalid length", b"Content-Length: " + b"9" * 30, TEXT, False, 1),
    ("other coding", b"Transfer-Encoding: gzip", TEXT, False, 1),
    ("other coding", b"Transfer-Encoding: identity", TEXT, False, 1),
    ("other coding", b"Transfer-Encoding: gzip, chunked", _chunks(TEXT), False, 1),
    ("other coding", b"Transfer-Encoding: chunked, gzip", _chunks(TEXT), False, 1),
    ("other coding", b"Transfer-Encoding: chunked, chunked", _chunks(TEXT), False, 1),
    ("other coding", b"Transfer-Encoding: xchunked", _chunks(TEXT), False, 1),
]
AFTER: list[Choice] = [
    ("", b"", 70),
    ("more", b"GARBAGE \0\xff", 4),
    ("more", SECOND, 6),
    ("more", b"HTTP/1.1 2", 2),
    ("more", b"\r\n", 2),
    ("more", b"\r\n\r\n" + SECOND, 2),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """A response. `keeps`: the connection is not closed after it."""

    number: int
    segments: tuple[bytes, ...]
    keeps: bool
    traits: frozenset[str]

    @property
    def data(self) -> bytes:
        return b"".join(self.segments)


def generate(count: int) -> Iterator[Generated]:
    """Generates `count` responses, always the same."""
    dice = random.Random(SEED)  # noqa: S311  # a repeatable sample
    number = 0
    while number < count:
        response, after, traits, is_certain = _compose(dice)
        data = response + after
        cuts = _cuts(dice, len(data), small=count < 1000)
        for cut in cuts:
            is_whole = cut == len(data)
            yield Generated(
                number=number,
                segments=_join(_split(dice, response[:cut]), data[len(response) : cut]),
                keeps=is_certain and is_whole and "closes" not in traits,
                traits=traits if is_whole else traits | {"cut"},
            )
            number += 1
            if number == count:
                return


def _compose(dice: random.Random) -> tuple[bytes, bytes, frozenset[str], bool]:
    """Returns a response, the bytes after it, its traits, and whether its end is certain."""
    status = _choose(dice, STATUS_LINES)
    interim = _choose(dice, INTERIM)
    headers = [_choose(dice, HEADERS) for _ in range(dice.choice((0, 1, 1, 2, 3, 5)))]
    after = _choose(dice, AFTER)
    weights = [framing[-1] for framing in FRAMINGS]
    [(name, framing, body, is_certain, _)] = dice.choices(FRAMINGS, weights)
    if status[0] == "no body":
        body = b""
    lines = [status[1], *(header[1] for header in headers)]
    if framing:
        lines.insert(dice.randint(1, len(lines)), framing)
    head = CRLF.join([*lines, b"", b""])
    traits = {status[0], interim[0], name, after[0], *(header[0] for header in headers)}
    ending = dice.random()
    if ending > 0.85:
        head = head.replace(CRLF, b"\n", -1 if ending > 0.92 else dice.randint(1, 3))
        traits.add("line feeds")
    plain = traits <= {"", "no body", "trailers", "more", "interim", "no reason", "closes"}
    response = interim[1] + head + body
    return response, after[1], frozenset(traits - {""}), is_certain and plain


def _choose(dice: random.Random, choices: list[Choice]) -> Choice:
    return dice.choices(choices, [choice[2] for choice in choices])[0]


def _cuts(dice: random.Random, length: int, *, small: bool) -> list[int]:
    if not small and length <= MAX_CUTS and dice.randrange(CUT_EVERYWHERE) == 0:
        return list(range(length + 1))
    return [dice.randint(0, length)] if dice.random() < 0.15 else [length]


def _split(dice: random.Random, data: bytes) -> tuple[bytes, ...]:
    way = dice.random()
    if way < 0.5 or len(data) < 2:
        return (data,)
    if way < 0.6 and len(data) < 300:
        return tuple(data[n : n + 1] for n in range(len(data)))
    points = sorted(
        {0, len(data), *(dice.randint(1, len(data)) for _ in range(dice.randint(1, 5)))}
    )
    return tuple(data[a:b] for a, b in pairwise(points))


def _join(segments: tuple[bytes, ...], after: bytes) -> tuple[bytes, ...]:
    # Alone in a segment, it could arrive after the next request, as its response.
    return (*segments[:-1], b"".join(segments[-1:]) + after)
