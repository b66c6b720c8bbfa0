"""What a webhook is tried out with where nobody says it: data that its templates probably take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from rowhook.compose import Fault, Webhook
from rowhook.operations import plausible
from rowhook.operations.ctx import Rejected

_PATH = r"\b(?P<root>data|context)(?P<path>(?:\.\w+)+)"
_LITERAL = r"""(?P<literal>"[^"\\]*"|'[^'\\]*'|-?\d+(?:\.\d+)?|true|false)"""
_COMPARED = re.compile(rf"{_PATH}\s*(?P<by>==|>=|<=|>|<|in\s*\[)\s*{_LITERAL}")
_LOOPED = re.compile(rf"\bfor\s+(?P<item>\w+)\s+in\s+{_PATH}")
_FILTERED = re.compile(rf"{_PATH}\s*\|\s*(?P<filter>\w+)")
_ADDED = re.compile(rf"{_PATH}\s*[+-]\s*[\w(]")
_NAME = rf"\{{\{{-?\s*(?:{_PATH}|secret:\s*(?P<secret>[A-Za-z0-9._-]+))"
_WHOLE_URL = re.compile(rf"\s*{_NAME}")
_WHOLE_HOST = re.compile(rf"https?://{_NAME}\s*-?\}}\}}(?:[:/?#]|$)")
_BEFORE_PATH = re.compile(r"https?://(?:\{\{.*?\}\}|[^/?#{])*")
_EXPRESSION = re.compile(_NAME)
_FILTERS = {
    "abs": 1,
    "date": plausible.MOMENT,
    "float": 1,
    "int": 1,
    "join": ["sample"],
    "round": 1,
}
_LAST_POSITION = 19
_Root = Literal["data", "context"]
_Place = tuple[str, tuple[str, ...]]


class Sample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a webhook is tried out with: a captured event, an agent's job, or a goal's commit.

    `agent_id` is the agent's id as the platform writes it, or Rowhook's uuid.
    `data` stands for the commit's data or the job's output, `context` for the session's context
    or the job's metadata: JSON, kept digit for digit. What is left out is made up, so that the
    templates probably find what they need. Of an event everything is as it was captured, but
    for `data` and `context` that are given beside it.
    """

    event_id: int | None = None
    agent_id: str | None = None
    goal_id: str | None = None
    data: Raw | UnsetType = UNSET
    context: Raw | UnsetType = UNSET


def require_one(sample: Sample) -> None:
    """Raises Rejected for more than one of event, agent and goal."""
    if sample.event_id is not None and (sample.agent_id, sample.goal_id) != (None, None):
        message = "an event is of its own agent or goal: leave agent_id and goal_id out"
        raise Rejected(Fault(pointer="/event_id", message=message))
    if sample.agent_id is not None and sample.goal_id is not None:
        message = "an agent's job or a goal's commit, not both: leave one out"
        raise Rejected(Fault(pointer="/goal_id", message=message))


def texts_of(sample: Sample, webhook: Webhook, schema: Any) -> tuple[str, str]:
    """The JSON texts of data and context: as they were given, or made up."""
    given = (sample.data, sample.context)
    if not any(one is UNSET for one in given):
        return _text(sample.data, None), _text(sample.context, None)
    made = made_up(webhook, schema, is_commit=sample.goal_id is not None)
    return _text(sample.data, made["data"]), _text(sample.context, made["context"])


def _text(given: Raw | UnsetType, otherwise: Any) -> str:
    text = bytes(given) if isinstance(given, Raw) else msgspec.json.encode(otherwise)
    return text.decode()


def made_up(webhook: Webhook, schema: Any, *, is_commit: bool) -> dict[_Root, Any]:
    """Data and context that hold every path that the templates read, and fit the schema."""
    maker = plausible.Maker(schema)
    data = _whole_data(webhook, maker, is_commit=is_commit)
    made: dict[_Root, Any] = {"data": data, "context": {}}
    hints, described = _hints(webhook), plausible.properties_of(schema)
    for root, path in sorted(_paths(webhook), key=lambda one: (-len(one[1]), one)):
        # A property is often made of the field that has its name.
        made_of = maker.make(described.get(path[-1]), path[-1])
        _put(made, (root, *path), hints.get((root, path), made_of))
    if data == {} and schema is None:
        data["sample"] = True
    return made


def stand_ins(webhook: Webhook, secrets: Iterable[str]) -> dict[str, str]:
    """What stands for secrets that are not opened: each fits where the URL has it."""
    fitting = {
        found["secret"]: text for found, text in _in_url(webhook) if found["secret"] is not None
    }
    return {one: fitting.get(one, plausible.LABEL) for one in secrets}


def _paths(webhook: Webhook) -> set[_Place]:
    """What the templates read, in whatever branch; of the condition what it cannot do without."""
    parts = (webhook.url, webhook.body, *(one for _, one in webhook.headers))
    read = {(use.root, use.path) for part in parts if part is not None for use in part.paths}
    if webhook.condition is not None:
        read |= {(use.root, use.path) for use in webhook.condition.paths if use.required}
        # The second part of an `and` is not always read, but it must hold too.
        read |= {_place(one) for one in _COMPARED.finditer(webhook.condition.source)}
    return {(root, path) for root, path in read if path}


def _hints(webhook: Webhook) -> dict[_Place, Any]:
    """What the templates do with a path says what it may hold."""
    parts = (webhook.url, webhook.body, webhook.condition, *(one for _, one in webhook.headers))
    source = "\n".join(part.source for part in parts if part is not None)
    found: dict[_Place, Any] = {}
    found |= {
        _place(one): _FILTERS[one["filter"]]
        for one in _FILTERED.finditer(source)
        if one["filter"] in _FILTERS
    }
    found |= {_place(one): 1 for one in _ADDED.finditer(source)}
    for one in _LOOPED.finditer(source):
        item = re.escape(one["item"])
        fields = dict.fromkeys(re.findall(rf"(?<![\w.]){item}\.(\w+)", source))
        found[_place(one)] = [{name: plausible.named(name) for name in fields} or "sample"]
    found |= {
        _place(one): _holding(one["by"], one["literal"]) for one in _COMPARED.finditer(source)
    }
    found |= {_place(one): text for one, text in _in_url(webhook) if one["path"] is not None}
    return found


def _in_url(webhook: Webhook) -> Iterator[tuple[re.Match[str], str]]:
    """The expressions before the path of the URL, and what would fit there."""
    source = "" if webhook.url is None else webhook.url.source
    before = _BEFORE_PATH.match(source)
    if (whole := _WHOLE_URL.match(source)) is not None:
        yield whole, plausible.URL.rstrip("/")
    elif (host := _WHOLE_HOST.match(source)) is not None:
        yield host, plausible.HOST
    elif before is not None:
        yield from ((one, plausible.LABEL) for one in _EXPRESSION.finditer(before[0]))


def _place(found: re.Match[str]) -> _Place:
    return found["root"], tuple(found["path"].split(".")[1:])


def _holding(by: str, literal: str) -> Any:
    """A value for which the comparison holds."""
    if literal in ("true", "false"):
        return literal == "true"
    if literal[0] in "\"'":
        return literal[1:-1]
    number = float(literal) if "." in literal else int(literal)
    return number + {">": 1, "<": -1}.get(by, 0)


def _whole_data(webhook: Webhook, maker: plausible.Maker, *, is_commit: bool) -> Any:
    """Where the data itself is sent, or stands in the default payload: what the schema asks."""
    part = maker.root
    if part is None or webhook.body is not None:
        return {}
    for name in () if webhook.raw_payload else ("data",) if is_commit else ("job", "output"):
        known = part.get("properties") if isinstance(part, dict) else None
        part = known.get(name) if isinstance(known, dict) else None
    return {} if part is None else maker.make(part)


def _put(made: dict[Any, Any], steps: tuple[str, ...], value: Any) -> None:
    """Writes a value where a path leads; what leads deeper was written before."""
    here: Any = made
    for step, following in zip(steps, (*steps[1:], None), strict=True):
        key = _key(here, step)
        if key is None:
            return
        if following is None:
            if here[key] is None:
                here[key] = value
        elif not isinstance(here[key], (dict, list)):
            here[key] = [] if following.lstrip("-").isdecimal() else {}
        here = here[key]


def _key(here: dict[str, Any] | list[Any], step: str) -> Any:
    """The key or position of a step, with room made for it; None where there can be none."""
    if isinstance(here, dict):
        here.setdefault(step, None)
        return step
    position = abs(int(step)) if step.lstrip("-").isdecimal() else _LAST_POSITION + 1
    if position > _LAST_POSITION:
        return None
    here += [None] * (position + 1 - len(here))
    return position
