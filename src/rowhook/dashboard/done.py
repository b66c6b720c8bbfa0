"""Where a form goes on to, and what the page there says that it did: a word in the address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from litestar.response import Redirect

from rowhook.dashboard.page import go
from rowhook.dashboard.visit import Visitor, place_to_go

_WORD = re.compile(r"(?P<word>[a-z_]+)(?:-(?P<count>\d{1,9})(?:-of-(?P<of>\d{1,9}))?)?")


def here(request: Visitor) -> str:
    """The address of this page, for the forms on it to come back to."""
    query = urlencode([(name, value) for name, value in _kept(request.url.query)])
    return f"{request.url.path}?{query}" if query else request.url.path


def back(place: str | None, word: str, count: int | None = None, of: int | None = None) -> Redirect:
    """To the page that showed the form. `word` says what was done, `count` to how many of `of`.

    Where it was not all of them the word is the one with `_some`: that sentence says why.
    """
    parts = urlsplit(place_to_go(place))
    done = word if count is None else f"{word}-{count}"
    if of is not None:
        done = f"{word}{'' if count == of else '_some'}-{count}-of-{of}"
    return go(f"{parts.path}?{urlencode([*_kept(parts.query), ('done', done)])}")


def said(code: str | None, sentences: Mapping[str, str]) -> str | None:
    """The sentence for such a word, with its numbers for each `{}`; None for any other text."""
    found = _WORD.fullmatch(code or "")
    if found is None or found["word"] not in sentences:
        return None
    numbers = (f"{int(one):,}" if one else "" for one in found.group("count", "of"))
    return sentences[found["word"]].format(*numbers)


def _kept(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in parse_qsl(query) if name != "done"]
