"""Retry schedules as text: `0, 5 s, 5 min, 2 h`, or plain seconds."""

from __future__ import annotations

import re
from decimal import Decimal

_DELAY = re.compile(r"(?P<count>\d+(?:\.\d+)?)\s*(?P<unit>s|sec|m|min|h|d)?")
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def format_schedule(delays_s: list[float]) -> str:
    """Format delays, each in its largest whole unit."""
    return ", ".join(map(_format_delay, delays_s))


def _format_delay(delay_s: float) -> str:
    if delay_s == 0:
        return "0"
    for size, unit in _UNITS:
        if delay_s % size == 0:
            return f"{format_number(delay_s / size)} {unit}"
    return f"{format_number(delay_s)} s"


def format_number(number: float) -> str:
    """Format a number exactly and without an exponent."""
    return f"{int(number)}" if number == int(number) else f"{Decimal(repr(number)):f}"


def parse_schedule(text: str) -> list[float]:
    """Parse delays into seconds. Raises ValueError naming the invalid delay."""
    parts = text.replace(";", ",").split(",")
    return [_parse_delay(part.strip()) for part in parts if part.strip()]


def _parse_delay(text: str) -> float:
    match = _DELAY.fullmatch(text)
    if match is None:
        raise ValueError(f"Invalid delay '{text}'. Enter seconds, or e.g. 5 s, 30 min, 2 h, 1 d.")
    seconds = float(match["count"]) * _SECONDS[match["unit"] or "s"]
    return int(seconds) if seconds.is_integer() else seconds
