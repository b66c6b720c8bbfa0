"""A retry schedule as people write it: `0, 5 s, 5 min, 2 h`, or plain seconds."""

from __future__ import annotations

import re
from decimal import Decimal

_DELAY = re.compile(r"(?P<count>\d+(?:\.\d+)?)\s*(?P<unit>s|sec|m|min|h|d)?")
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def written(delays_s: list[float]) -> str:
    """The delays, each with its largest whole unit."""
    return ", ".join(map(_one, delays_s))


def _one(delay_s: float) -> str:
    if delay_s == 0:
        return "0"
    for size, unit in _UNITS:
        if delay_s % size == 0:
            return f"{plain(delay_s / size)} {unit}"
    return f"{plain(delay_s)} s"


def plain(number: float) -> str:
    """A number with all its digits and without an exponent, to be read as the same again."""
    return f"{int(number)}" if number == int(number) else f"{Decimal(repr(number)):f}"


def read(text: str) -> list[float]:
    """Seconds. Raises ValueError, which names what cannot be read."""
    return [_read_one(part.strip()) for part in text.replace(";", ",").split(",") if part.strip()]


def _read_one(text: str) -> float:
    found = _DELAY.fullmatch(text)
    if found is None:
        raise ValueError(f"Invalid delay '{text}'. Enter seconds, or e.g. 5 s, 30 min, 2 h, 1 d.")
    seconds = float(found["count"]) * _SECONDS[found["unit"] or "s"]
    return int(seconds) if seconds.is_integer() else seconds
