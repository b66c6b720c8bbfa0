"""Text of an author, quoted for the prompt of a model."""

from __future__ import annotations

import json
from collections.abc import Sequence

_CHARACTERS = 80
_LIST_CHARACTERS = 400


def quoted(text: str, characters: int = _CHARACTERS) -> str:
    """Return a text in double quotes, on one line and bounded."""
    one_line = " ".join(text.split())
    printable = "".join(char for char in one_line if char.isprintable())
    if len(printable) > characters:
        printable = printable[: characters - 1] + "…"
    return json.dumps(printable, ensure_ascii=False)


def quoted_list(names: Sequence[str]) -> str:
    """Return quoted names, as many as fit."""
    listed: list[str] = []
    for name in map(quoted, names):
        if sum(map(len, listed)) + len(name) > _LIST_CHARACTERS:
            return f"{', '.join(listed)} and {len(names) - len(listed)} more"
        listed.append(name)
    return ", ".join(listed)
