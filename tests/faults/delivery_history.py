"""Checks whether the sent requests match the committed events, from recorded data only.

The receiver records every request, the producer every commit and rollback, and the outbox has the
final status of each delivery.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

VISIBLE_ENDS = frozenset({"delivered", "dead", "held", "cancelled", "skipped"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request as received; `event` is the event named in its body."""

    path: str
    key: str
    event: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A complete run. `ends` maps events to final statuses.

    `allowed_duplicates` is the maximum number of duplicates, `ordered` the paths of ordered
    webhooks. `committed` is in commit order.
    """

    committed: tuple[str, ...]
    rolled_back: frozenset[str]
    arrivals: tuple[Arrival, ...]
    ends: Mapping[str, str]
    allowed_duplicates: int = 0
    ordered: frozenset[str] = frozenset()


def violations(history: History) -> list[str]:
    """Returns a sentence for each violation."""
    return [
        *_phantoms(history),
        *_losses(history),
        *_keys(history),
        *_duplicates(history),
        *_disorder(history),
    ]


def _phantoms(history: History) -> Iterator[str]:
    committed = set(history.committed)
    for event in dict.fromkeys(arrival.event for arrival in history.arrivals):
        if event in history.rolled_back:
            yield f"{event} was rolled back, and sent"
        elif event not in committed:
            yield f"{event} was never committed, and sent"


def _losses(history: History) -> Iterator[str]:
    arrived = {arrival.event for arrival in history.arrivals}
    for event in history.committed:
        end = history.ends.get(event, "without a delivery")
        if end not in VISIBLE_ENDS:
            yield f"{event} was committed, and is {end}"
        elif end == "delivered" and event not in arrived:
            yield f"{event} is delivered, and never arrived"


def _keys(history: History) -> Iterator[str]:
    keys: dict[str, str] = {}
    for arrival in history.arrivals:
        if keys.setdefault(arrival.event, arrival.key) != arrival.key:
            yield f"{arrival.event} arrived with the keys {keys[arrival.event]} and {arrival.key}"
    owners: dict[str, str] = {}
    for event, key in keys.items():
        # A receiver that deduplicates by key would drop the second event.
        if owners.setdefault(key, event) != event:
            yield f"{key} is the key of {owners[key]} and of {event}"


def duplicates(arrivals: Iterable[Arrival]) -> int:
    """Counts the requests beyond the first per path and event."""
    return sum(
        count - 1
        for count in Counter((arrival.path, arrival.event) for arrival in arrivals).values()
    )


def _duplicates(history: History) -> Iterator[str]:
    count = duplicates(history.arrivals)
    if count > history.allowed_duplicates:
        yield f"{count} duplicates, and at most {history.allowed_duplicates} were in flight"


def _disorder(history: History) -> Iterator[str]:
    places = {event: place for place, event in enumerate(history.committed)}
    for path in history.ordered:
        last, latest = -1, ""
        for current in (arrival for arrival in history.arrivals if arrival.path == path):
            place = places.get(current.event, last)
            if place < last:
                yield f"{current.event} arrived at {path} after {latest}, which was committed later"
            last, latest = max(last, place), current.event if place >= last else latest
