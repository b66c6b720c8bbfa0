"""Random URLs from a grammar, with mutations, reproducible by seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.support.url_spellings import ALLOWED, REFUSED

_SEEDS = [*REFUSED, *(url for url, *_ in ALLOWED)]
_SEEDS = [url for url in _SEEDS if len(url) < 400]
_SCHEMES = (
    ["https"] * 20 + ["http"] * 10 + ["HTTPS", "hTTp", "ftp", "ws", "file", "httpss", "", "h"]
)
_HOSTS = [
    "example.com",
    "api.example.com",
    "EXAMPLE.org",
    "xn--bcher-kva.example",
    "bücher.example",
    "例え.jp",
    "пример.рф",
    "localhost",
    "intranet",
    "127.0.0.1",
    "8.8.8.8",
    "8.8.8.08",
    "0x7f.1",
    "2130706433",
    "017700000001",
    "[::1]",
    "[2606:4700::1111]",
    "[::ffff:8.8.8.8]",
    "[2606:4700:0:0::1]",
    "[fe80::1%25eth0]",
    "1.2.3",
    "1.2.3.4.5",
    "a_b.example",
    "-a.example",
    "xn--a.example",
    "straße.example",
    "ﬀ.example",
    "a\u200db.example",
    "ex%61mple.com",
    "",
]
_USERS = [""] * 30 + ["user@", "a:b@", "@", "a@b@", "127.0.0.1@", "%40@"]
_PORTS = [""] * 12 + [":443", ":80", ":8443", ":65535", ":65536", ":0", ":", ":080", ":1e2", ":٤"]
_PATHS = ["", "/", "/hook", "/a/../b", "//x", "/@b", "/:80", "/%2f%40", "\\b", "/é", "/a b", ";x"]
_SUFFIXES = ["", "", "", "?x=1", "?@b:80", "#@evil.com", "?http://b/", "#", "?", "#/\\@b"]
_LETTERS = "abcdefxyz0123456789-_.~%:@/\\?#[]{}|^`\"'<>!$&()*+,;= \t\r\n\x00\x7f"
_LETTERS += "\u00ad\u200b\u200d\u2024\u3002\uff0e\uff0f\uff1a\uff20\u2100\u212aéßİ١１①😀\ufeff"


def random_urls(seed: int, count: int) -> Iterator[str]:
    """Generates `count` different URLs, by grammar or known spellings, many with mutations."""
    rng = random.Random(seed)  # noqa: S311  # a repeatable sample
    produced: set[str] = set()
    while len(produced) < count:
        url = _by_grammar(rng) if rng.random() < 0.7 else rng.choice(_SEEDS)
        for _ in range(rng.choice((0, 0, 0, 0, 0, 1, 1, 2, 3))):
            url = _mutate(rng, url)
        if url not in produced:
            produced.add(url)
            yield url


def _by_grammar(rng: random.Random) -> str:
    separator = rng.choice(("://",) * 50 + (":", ":/", ":///", ":\\\\", "//"))
    host = rng.choice(_HOSTS) if rng.random() < 0.4 else _host(rng)
    parts = (rng.choice(_SCHEMES), separator, rng.choice(_USERS), host, rng.choice(_PORTS))
    return "".join((*parts, rng.choice(_PATHS), rng.choice(_SUFFIXES)))


def _host(rng: random.Random) -> str:
    kind = rng.randrange(6)
    if kind == 0:
        return ".".join(str(rng.randrange(300)) for _ in range(rng.choice((1, 2, 3, 4, 4, 4, 5))))
    if kind == 1:
        groups = [f"{rng.getrandbits(rng.choice((1, 4, 16))):x}" for _ in range(rng.choice((7, 8)))]
        return "[" + ":".join(groups).replace(":0:", "::", 1) + "]"
    if kind == 2:
        number = rng.getrandbits(32)
        return rng.choice((str(number), f"0x{number:x}", f"0{number:o}"))
    letters = _LETTERS if rng.random() < 0.3 else _LETTERS[:19] + "éßж例"
    labels = ("".join(rng.choices(letters, k=rng.randint(1, 12))) for _ in range(rng.randint(1, 4)))
    return ".".join(labels)


def _mutate(rng: random.Random, url: str) -> str:
    # Mostly within the host.
    position = min(len(url), rng.randrange(40))
    mutation = rng.randrange(4)
    if mutation == 0:
        return url[:position] + rng.choice(_LETTERS) + url[position:]
    if mutation == 1:
        return url[:position] + url[position + 1 :]
    if mutation == 2:
        return url[:position] + rng.choice(_LETTERS) + url[position + 1 :]
    return url[:position] + url[position : position + 4] + url[position:]
