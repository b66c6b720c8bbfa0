"""What a person writes of a webhook, and the faults of its plain fields."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

EVENT_TYPES = frozenset(
    (
        "job.succeeded",
        "job.failed",
        "goal.committed",
        "webhook.failing",
        "webhook.disabled",
        "webhook.recovered",
        "webhook.test",
    )
)
_SCHEDULE_S = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
_MOST_ATTEMPTS = 100
_MOST_TIMEOUT_S = 30
_LONGEST_DELAY_S = 30 * 86400
_MOST_IN_FLIGHT = 10_000
_MOST_RATE = 1_000_000


class RequiredPath(msgspec.Struct, frozen=True, order=True):
    """A path that a webhook's templates cannot do without: `data` or `context`, and its steps."""

    root: str
    path: tuple[str, ...]


class Configuration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person writes of a webhook: the fields of CONTRACT §6 that a revision keeps."""

    name: str
    description: str | None = None
    metadata: dict[str, Any] = {}
    kind: Literal["http", "frontend"] = "http"
    url: str | None = None
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    headers: dict[str, str] = {}
    body_template: str | None = None
    raw_payload: bool = False
    schema: Any = None
    condition: str | None = None
    event_types: list[str] = []
    timeout_s: float = 15
    max_in_flight: int = 10
    rate_per_s: float | None = None
    ordered: bool = False
    retry_schedule_s: list[float] = msgspec.field(default_factory=lambda: list(_SCHEDULE_S))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong: a JSON pointer into the configuration (RFC 6901) and why.

    `line` and `column`, both from 1, are those of a template at that pointer, where it has them.
    """

    pointer: str
    message: str
    line: int | None = None
    column: int | None = None


class ConfigurationRejected(ValueError):
    """A webhook cannot be saved or used; `faults` holds everything that is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(" ".join(f"{one.pointer}: {one.message}" for one in faults))
        self.faults = tuple(faults)


def read_configuration(text: str) -> Configuration:
    """The configuration of a stored revision, or of a request body."""
    return msgspec.json.decode(text, type=Configuration)


def to_json(given: Configuration, paths: Collection[RequiredPath] = ()) -> str:
    """The text that `rowhook.create_webhook` and `rowhook.change_webhook` take.

    A draft's own fields, such as `organization_id`, are left out: they are no columns to fill.
    """
    built = msgspec.to_builtins(given)
    kept = {name: built[name] for name in Configuration.__struct_encode_fields__}
    needed = {"required_paths": list(paths)} if paths else {}
    return msgspec.json.encode(kept | needed).decode()


def field_faults(given: Configuration) -> Iterator[Fault]:
    """The faults of names, numbers and choices; templates and schema have rooms of their own."""
    for pointer, message in (*_number_faults(given), *_choice_faults(given)):
        yield Fault(pointer=pointer, message=message)


def _number_faults(given: Configuration) -> Iterator[tuple[str, str]]:
    if not 1 <= given.timeout_s <= _MOST_TIMEOUT_S:
        yield "/timeout_s", f"Must be from 1 to {_MOST_TIMEOUT_S} seconds."
    if not 1 <= given.max_in_flight <= _MOST_IN_FLIGHT:
        yield "/max_in_flight", f"Must be from 1 to {_MOST_IN_FLIGHT}."
    if given.rate_per_s is not None and not 0 < given.rate_per_s <= _MOST_RATE:
        yield (
            "/rate_per_s",
            f"Must be greater than 0 and at most {_MOST_RATE}, or null for no limit.",
        )
    if not 1 <= len(given.retry_schedule_s) <= _MOST_ATTEMPTS:
        yield (
            "/retry_schedule_s",
            f"Must have from 1 to {_MOST_ATTEMPTS} delays, one for each attempt.",
        )
    for place, delay in enumerate(given.retry_schedule_s):
        if not 0 <= delay <= _LONGEST_DELAY_S:
            yield f"/retry_schedule_s/{place}", "Must be from 0 seconds to 30 days."


def _choice_faults(given: Configuration) -> Iterator[tuple[str, str]]:
    if not given.name.strip():
        yield "/name", "Must not be empty."
    if (given.kind == "http") != (given.url is not None):
        yield "/url", "Required for kind http, not allowed for kind frontend."
    if given.raw_payload and given.body_template is not None:
        yield (
            "/body_template",
            "Must not be combined with raw_payload, which sends the data itself.",
        )
    for place, kind in enumerate(given.event_types):
        if kind not in EVENT_TYPES:
            yield f"/event_types/{place}", f"Must be one of {', '.join(sorted(EVENT_TYPES))}."
