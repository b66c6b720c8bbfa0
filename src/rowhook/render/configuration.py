"""The configuration of a webhook, and the validation of its plain fields."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from rowhook import json_pointer
from rowhook.model import EVENT_TYPES
from rowhook.output_kinds import OUTPUT_KINDS

# Checked by `field_faults`. Litestar puts "extra" into the OpenAPI document.
KindName = Annotated[str, msgspec.Meta(extra_json_schema={"extra": {"enum": sorted(OUTPUT_KINDS)}})]
_DEFAULT_SCHEDULE_S = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
_MAX_ATTEMPTS = 100
_MAX_TIMEOUT_S = 30
_MAX_DELAY_S = 30 * 86400
_MAX_IN_FLIGHT = 10_000
_MAX_RATE = 1_000_000
_MAX_EXTERNAL_ID = 255


class RequiredPath(msgspec.Struct, frozen=True, order=True):
    """A path that every render of a webhook needs, in `data` or `context`."""

    root: str
    path: tuple[str, ...]


class Configuration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The user-defined fields of a webhook. A revision stores all of them but `external_id`."""

    name: str
    description: str | None = None
    metadata: dict[str, Any] = {}
    kind: KindName = "http"
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
    retry_schedule_s: list[float] = msgspec.field(default_factory=lambda: list(_DEFAULT_SCHEDULE_S))
    external_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of a configuration: a JSON pointer (RFC 6901) and a message.

    `line` and `column`, both from 1, are the position in the template at the pointer. `setting`
    would allow the refused value; it is for operators only.
    """

    pointer: str
    message: str
    line: int | None = None
    column: int | None = None
    setting: str | None = None


class ConfigurationRejected(ValueError):
    """A configuration is not valid; `faults` lists every fault."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(" ".join(f"{fault.pointer}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)


def read_configuration(text: str) -> Configuration:
    """Parses the configuration of a stored revision.

    Fields that this release does not know are ignored: during an upgrade, the next release adds
    them to the revisions that workers of this one read.
    """
    stored = msgspec.json.decode(text, type=dict[str, Any])
    fields = {
        name: stored[name] for name in Configuration.__struct_encode_fields__ if name in stored
    }
    return msgspec.convert(fields, Configuration)


def to_json(configuration: Configuration, paths: Collection[RequiredPath] = ()) -> str:
    """Returns the JSON argument of `rowhook.create_webhook` and `rowhook.change_webhook`.

    Fields of subclasses, such as `organization_id` of a draft, are left out.
    """
    builtins = msgspec.to_builtins(configuration)
    fields = {name: builtins[name] for name in Configuration.__struct_encode_fields__}
    required = {"required_paths": list(paths)} if paths else {}
    return msgspec.json.encode(fields | required).decode()


def field_faults(configuration: Configuration) -> Iterator[Fault]:
    """Yields the faults of plain fields; templates and schema are validated when compiled."""
    for pointer, message in (*_number_faults(configuration), *_choice_faults(configuration)):
        yield Fault(pointer=pointer, message=message)


def _number_faults(configuration: Configuration) -> Iterator[tuple[str, str]]:
    if not 1 <= configuration.timeout_s <= _MAX_TIMEOUT_S:
        yield "/timeout_s", f"Must be from 1 to {_MAX_TIMEOUT_S} seconds."
    if not 1 <= configuration.max_in_flight <= _MAX_IN_FLIGHT:
        yield "/max_in_flight", f"Must be from 1 to {_MAX_IN_FLIGHT}."
    if configuration.rate_per_s is not None and not 0 < configuration.rate_per_s <= _MAX_RATE:
        yield (
            "/rate_per_s",
            f"Must be greater than 0 and at most {_MAX_RATE}, or null for no limit.",
        )
    if not 1 <= len(configuration.retry_schedule_s) <= _MAX_ATTEMPTS:
        yield (
            "/retry_schedule_s",
            f"Must have from 1 to {_MAX_ATTEMPTS} delays, one for each attempt.",
        )
    for index, delay in enumerate(configuration.retry_schedule_s):
        if not 0 <= delay <= _MAX_DELAY_S:
            yield f"/retry_schedule_s/{index}", "Must be from 0 seconds to 30 days."


def _choice_faults(configuration: Configuration) -> Iterator[tuple[str, str]]:
    if not configuration.name.strip():
        yield "/name", "Must not be empty."
    if configuration.external_id is not None and not (
        1 <= len(configuration.external_id) <= _MAX_EXTERNAL_ID
        and configuration.external_id.isprintable()
    ):
        yield "/external_id", f"Must have from 1 to {_MAX_EXTERNAL_ID} printable characters."
    kind = OUTPUT_KINDS.get(configuration.kind)
    if kind is None:
        yield "/kind", f"Must be one of {', '.join(sorted(OUTPUT_KINDS))}."
    elif kind.has_url and configuration.url is None:
        yield "/url", f"Required for kind {configuration.kind}."
    elif configuration.url is not None and not kind.has_url:
        yield "/url", f"Not allowed for kind {configuration.kind}."
    if configuration.raw_payload and configuration.body_template is not None:
        yield (
            "/body_template",
            "Must not be combined with raw_payload, which sends the data itself.",
        )
    for index, event_type in enumerate(configuration.event_types):
        if event_type not in EVENT_TYPES:
            yield f"/event_types/{index}", f"Must be one of {', '.join(sorted(EVENT_TYPES))}."


def added_headers(brand: str) -> tuple[str, ...]:
    """Returns the names of the headers that are added to every request, in the order sent."""
    standard = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return ("Idempotency-Key", f"X-{brand}-Signature", *standard)


def forced_headers(brand: str) -> frozenset[str]:
    """Returns the lower-case names of headers that a webhook cannot override."""
    return frozenset(name.lower() for name in (*added_headers(brand), "X-Roxels-Signature"))


def custom_header_names(names: Iterable[str], brand: str) -> list[str]:
    """Returns the lower-case names of the configured headers that are sent."""
    forced = forced_headers(brand)
    return [name.lower() for name in names if name.lower() not in forced]


def header_pointer(name: str) -> str:
    """Returns the JSON pointer of a header in a configuration."""
    return json_pointer.join(["headers", name])


def header_warnings(headers: Iterable[str], brand: str) -> list[tuple[str, str]]:
    """Returns each configured header that Rowhook sets itself, with a warning."""
    forced = forced_headers(brand)
    return [
        (name, f"{name} is set by Rowhook. The value configured here is not sent.")
        for name in headers
        if name.lower() in forced
    ]
