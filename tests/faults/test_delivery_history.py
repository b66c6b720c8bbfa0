from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.faults.delivery_history import Arrival, History, violations

COMMITTED = ("a", "b", "c")


def history(
    *arrivals: tuple[str, str], ends: Mapping[str, str] | None = None, allowed_duplicates: int = 0
) -> History:
    """A history of three commits to an ordered webhook; `arrivals` are (event, key)."""
    return History(
        committed=COMMITTED,
        rolled_back=frozenset({"undone"}),
        ordered=frozenset({"/hook"}),
        arrivals=tuple(
            Arrival(path="/hook", key=key, event=event, at=float(place))
            for place, (event, key) in enumerate(arrivals)
        ),
        ends={**dict.fromkeys(COMMITTED, "delivered"), **(ends or {})},
        allowed_duplicates=allowed_duplicates,
    )


GOOD = (("a", "a"), ("b", "b"), ("c", "c"))


def test_a_history_in_which_everything_arrived_once_has_no_violation() -> None:
    assert violations(history(*GOOD)) == []


@pytest.mark.parametrize("end", ["dead", "held", "cancelled", "skipped"])
def test_a_visible_final_status_without_arrival_is_not_a_violation(end: str) -> None:
    assert violations(history(*GOOD[:2], ends={"c": end})) == []


def test_an_allowed_duplicate_is_not_a_violation() -> None:
    again = (*GOOD[:2], GOOD[1], GOOD[2])
    assert violations(history(*again, allowed_duplicates=1)) == []


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (history(*GOOD[:2]), "c is delivered, and never arrived"),
        (history(*GOOD[:2], ends={"c": "pending"}), "c was committed, and is pending"),
        (history(*GOOD, ends={"c": "sending"}), "c was committed, and is sending"),
        (history(*GOOD, ("undone", "undone")), "undone was rolled back, and sent"),
        (history(*GOOD, ("made up", "x")), "made up was never committed, and sent"),
        (
            history(*GOOD, ("c", "other"), allowed_duplicates=1),
            "c arrived with the keys c and other",
        ),
        (history(*GOOD[:2], ("c", "b")), "b is the key of b and of c"),
        (history(*GOOD, GOOD[2]), "1 duplicates, and at most 0 were in flight"),
        (
            history(*GOOD, GOOD[2], GOOD[2], allowed_duplicates=1),
            "2 duplicates, and at most 1 were in flight",
        ),
        (
            history(GOOD[0], GOOD[2], GOOD[1]),
            "b arrived at /hook after c, which was committed later",
        ),
    ],
)
def test_each_violation_is_detected(result: History, message: str) -> None:
    assert violations(result) == [message]


def test_an_event_without_a_delivery_is_a_violation() -> None:
    history = History(
        committed=("a",), rolled_back=frozenset(), ordered=frozenset(), arrivals=(), ends={}
    )
    assert violations(history) == ["a was committed, and is without a delivery"]


def test_one_event_at_two_webhooks_is_not_a_duplicate() -> None:
    both = tuple(Arrival(path=path, key="a", event="a", at=0) for path in ("/one", "/other"))
    history = History(
        committed=("a",), rolled_back=frozenset(), arrivals=both, ends={"a": "delivered"}
    )
    assert violations(history) == []


def test_an_unordered_webhook_may_receive_in_any_order() -> None:
    swapped = tuple(Arrival(path="/any", key=event, event=event, at=0) for event in "ba")
    history = History(
        committed=("a", "b"),
        rolled_back=frozenset(),
        arrivals=swapped,
        ends=dict.fromkeys("ab", "delivered"),
    )
    assert violations(history) == []
