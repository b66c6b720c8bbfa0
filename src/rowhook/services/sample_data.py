"""Samples for tests and previews: data generated from templates and schema, or a captured event."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from rowhook.db import preview_queries
from rowhook.model import MAX_EVENT_BYTES, Event
from rowhook.render.configuration import Fault
from rowhook.render.webhook_compiler import Webhook
from rowhook.services import fake_data
from rowhook.services.context import NotFound, Rejected, ServiceContext, UnknownId
from rowhook.services.lookups import agent_id
from rowhook.services.paging import LARGEST_ID
from rowhook.template.value_uses import ANY_KEY, Use, value_uses

_PATH = r"\b(?P<root>data|context)(?P<path>(?:\.\w+)+)"
_LITERAL = r"""(?P<literal>"[^"\\]*"|'[^'\\]*'|-?\d+(?:\.\d+)?|true|false)"""
_COMPARED = re.compile(rf"{_PATH}\s*(?P<by>==|>=|<=|>|<|in\s*\[)\s*{_LITERAL}")
_NEGATED = (
    re.compile(rf"\bnot\s+{_PATH}"),
    re.compile(rf"{_PATH}\s+is\s+(?:undefined|none|not\s+defined)"),
)
_NAME = rf"\{{\{{-?\s*(?:{_PATH}|secret:\s*(?P<secret>[A-Za-z0-9._-]+))"
_WHOLE_URL = re.compile(rf"\s*{_NAME}")
_WHOLE_HOST = re.compile(rf"https?://{_NAME}\s*-?\}}\}}(?:[:/?#]|$)")
_BEFORE_PATH = re.compile(r"https?://(?:\{\{.*?\}\}|[^/?#{])*")
_EXPRESSION = re.compile(_NAME)
_VALUES = {"number": 1, "index": 0, "time": fake_data.MOMENT}
_LAST_POSITION = 19
_Root = Literal["data", "context"]
_DataPath = tuple[str, tuple[str, ...]]


class Sample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sample event: a captured event, a job of an agent, or a commit of a goal.

    `agent_id` is the platform's id of the agent, or Rowhook's uuid. `data` is the data of the
    commit or the output of the job, `context` the context of the session or the metadata of the
    job; numbers keep their digits. Missing values are generated from the templates and the
    schema. With `event_id`, `data` and `context` replace those of the captured event.
    """

    event_id: int | None = None
    agent_id: str | None = None
    goal_id: str | None = None
    data: Raw | UnsetType = UNSET
    context: Raw | UnsetType = UNSET


def require_one(sample: Sample) -> None:
    """Raises Rejected if more than one of event, agent and goal is set."""
    if sample.event_id is not None and (sample.agent_id, sample.goal_id) != (None, None):
        message = "Cannot be combined with agent_id or goal_id."
        raise Rejected(Fault(pointer="/event_id", message=message))
    if sample.agent_id is not None and sample.goal_id is not None:
        message = "Cannot be combined with agent_id."
        raise Rejected(Fault(pointer="/goal_id", message=message))


def texts_of(sample: Sample, webhook: Webhook, schema: Any) -> tuple[str, str]:
    """Returns the JSON texts of data and context, generating missing ones."""
    if sample.data is not UNSET and sample.context is not UNSET:
        return _text(sample.data, None), _text(sample.context, None)
    generated = sample_data(webhook, schema, is_commit=sample.goal_id is not None)
    return _text(sample.data, generated["data"]), _text(sample.context, generated["context"])


def _text(value: Raw | UnsetType, default: Any) -> str:
    text = bytes(value) if isinstance(value, Raw) else msgspec.json.encode(default)
    return text.decode()


def sample_data(webhook: Webhook, schema: Any, *, is_commit: bool) -> dict[_Root, Any]:
    """Generates data and context with every path that the templates read, by the schema."""
    generator = fake_data.ValueGenerator(schema)
    data = _whole_data(webhook, generator, is_commit=is_commit)
    result: dict[_Root, Any] = {"data": data, "context": {}}
    hints, described = _hints(webhook), fake_data.properties_of(schema)
    paths = _paths(webhook) | {path for path in hints if path[1] == (ANY_KEY,)}
    for root, path in sorted(paths, key=lambda item: (-len(item[1]), item)):
        # A property often contains the field of the same name.
        value = generator.generate(described.get(path[-1]), path[-1])
        _put(result, (root, *path), hints.get((root, path), value))
    if data == {} and schema is None:
        data["sample"] = True
    return result


def placeholder_secrets(webhook: Webhook, secrets: Iterable[str]) -> dict[str, str]:
    """Returns placeholders for secrets, suitable for their position in the URL."""
    fitting = {
        match["secret"]: text for match, text in _in_url(webhook) if match["secret"] is not None
    }
    return {secret: fitting.get(secret, fake_data.LABEL) for secret in secrets}


def _paths(webhook: Webhook) -> set[_DataPath]:
    """Returns the paths that the templates read, and those that the condition requires."""
    parts = (webhook.url, webhook.body, *(value for _, value in webhook.headers))
    paths = {(use.root, use.path) for part in parts if part is not None for use in part.paths}
    if webhook.condition is not None:
        # A path that is only tested must be true as well, and absent if the test is negated.
        source = webhook.condition.source
        negated = {_data_path(match) for pattern in _NEGATED for match in pattern.finditer(source)}
        paths |= {(use.root, use.path) for use in webhook.condition.paths} - negated
    return {(root, path) for root, path in paths if path}


def _hints(webhook: Webhook) -> dict[_DataPath, Any]:
    """Infers the values of paths from filters, operators, loops and comparisons."""
    parts = (webhook.url, webhook.body, webhook.condition, *(value for _, value in webhook.headers))
    source = "\n".join(part.source for part in parts if part is not None)
    hints = _used_as(webhook)
    hints |= {
        _data_path(match): _satisfying(match["by"], match["literal"])
        for match in _COMPARED.finditer(source)
    }
    hints |= {
        _data_path(match): text for match, text in _in_url(webhook) if match["path"] is not None
    }
    return hints


def _used_as(webhook: Webhook) -> dict[_DataPath, Any]:
    """Returns the values of paths that are used as more than a text."""
    parts = (webhook.url, webhook.body, *(value for _, value in webhook.headers))
    condition = None if webhook.condition is None else webhook.condition.source
    roots = value_uses([part.source for part in parts if part is not None], condition)
    hints: dict[_DataPath, Any] = {}
    # A key that the render computes, as in data[context.key], is in no path.
    computed = {(root, (ANY_KEY,)) for root, use in roots.items() if ANY_KEY in use.fields}
    for root, path in _paths(webhook) | computed:
        use = roots[root].at(path)
        if use is not None and (use != Use() or (root, path) in computed):
            hints[root, path] = _value(use, path[-1])
    return hints


def _value(use: Use, name: str) -> Any:
    if use.equal is not None:
        return use.equal
    if use.kind in {"list", "pair"}:
        return [_value(use.item or Use(), "")] * (2 if use.kind == "pair" else 1)
    if use.fields or use.kind == "object":
        fields = use.fields or {ANY_KEY: use.item or Use()}
        return {key: _value(member, key) for key, member in fields.items()}
    if use.kind is None:
        return fake_data.value_for_name("" if name == ANY_KEY else name)
    return _VALUES[use.kind]


def _in_url(webhook: Webhook) -> Iterator[tuple[re.Match[str], str]]:
    """Yields the expressions before the path of the URL, each with a suitable value."""
    source = "" if webhook.url is None else webhook.url.source
    before = _BEFORE_PATH.match(source)
    if (whole := _WHOLE_URL.match(source)) is not None:
        yield whole, fake_data.URL.rstrip("/")
    elif (host := _WHOLE_HOST.match(source)) is not None:
        yield host, fake_data.HOST
    elif before is not None:
        yield from ((match, fake_data.LABEL) for match in _EXPRESSION.finditer(before[0]))


def _data_path(match: re.Match[str]) -> _DataPath:
    return match["root"], tuple(match["path"].split(".")[1:])


def _satisfying(operator: str, literal: str) -> Any:
    """Returns a value for which the comparison is true."""
    if literal in ("true", "false"):
        return literal == "true"
    if literal[0] in "\"'":
        return literal[1:-1]
    number = float(literal) if "." in literal else int(literal)
    return number + {">": 1, "<": -1}.get(operator, 0)


def _whole_data(webhook: Webhook, generator: fake_data.ValueGenerator, *, is_commit: bool) -> Any:
    """Generates data that is sent as is, or in the default payload, by the schema."""
    part = generator.root
    if part is None or webhook.body is not None:
        return {}
    for name in () if webhook.raw_payload else ("data",) if is_commit else ("job", "output"):
        properties = part.get("properties") if isinstance(part, dict) else None
        part = properties.get(name) if isinstance(properties, dict) else None
    return {} if part is None else generator.generate(part)


def _put(root: dict[Any, Any], steps: tuple[str, ...], value: Any) -> None:
    """Sets the value at a path; longer paths must be set before."""
    here: Any = root
    for step, following in zip(steps, (*steps[1:], None), strict=True):
        key = _key(here, step)
        if key is None:
            return
        if following is None:
            here[key] = _completed(here[key], value)
        elif not isinstance(here[key], (dict, list)):
            here[key] = [] if following.lstrip("-").isdecimal() else {}
        here = here[key]


def _completed(present: Any, value: Any) -> Any:
    """Returns the value set for longer paths, completed by the members of a default."""
    if isinstance(present, dict) and isinstance(value, dict):
        return value | {key: _completed(item, value.get(key)) for key, item in present.items()}
    if isinstance(present, list) and isinstance(value, list):
        return [_completed(item, value[0] if value else None) for item in present]
    return value if present is None else present


def _key(here: dict[str, Any] | list[Any], step: str) -> Any:
    """Returns the key or index of a step, extending the container; None if it is out of range."""
    if isinstance(here, dict):
        here.setdefault(step, None)
        return step
    position = abs(int(step)) if step.lstrip("-").isdecimal() else _LAST_POSITION + 1
    if position > _LAST_POSITION:
        return None
    here += [None] * (position + 1 - len(here))
    return position


class SampleEvent(NamedTuple):
    """An event with its agent or goal, and the database time of the send."""

    event: Event
    agent: UUID | None
    goal: str | None
    moment: datetime


async def sample_event(
    ctx: ServiceContext, sample: Sample, compiled: Webhook, schema: object
) -> SampleEvent:
    """Returns the event of a sample. Raises NotFound if event, agent or goal do not exist."""
    if sample.event_id is not None:
        return await _captured(ctx, sample, sample.event_id, compiled.organization_id)
    return await _generated(ctx, sample, compiled, schema)


async def _captured(ctx: ServiceContext, sample: Sample, event_id: int, owner: UUID) -> SampleEvent:
    is_valid = 0 < event_id <= LARGEST_ID
    row = await preview_queries.sample_event(ctx.pool, owner, event_id) if is_valid else None
    if row is None:
        raise NotFound(f"Event {event_id} does not exist.")
    data, context = _text_or(sample.data, row.data), _text_or(sample.context, row.context)
    is_replaced = sample.data is not UNSET and sample.context is not UNSET
    oversize = _oversize(data, context) if is_replaced else row.oversize_bytes
    event = Event(
        id=row.id,
        type=row.type,
        key=row.key,
        organization_id=owner,
        occurred_at=row.occurred_at,
        snapshot=row.snapshot,
        data=data,
        context=context,
        oversize_bytes=oversize or _oversize(data, context),
    )
    return SampleEvent(_without_oversize(event), row.agent_id, row.goal_id, row.moment)


def _text_or(value: Raw | UnsetType, default: str | None) -> str | None:
    return bytes(value).decode() if isinstance(value, Raw) else default


async def _generated(
    ctx: ServiceContext, sample: Sample, compiled: Webhook, schema: object
) -> SampleEvent:
    owner = compiled.organization_id
    agent = None if sample.agent_id is None else await agent_id(ctx, sample.agent_id, owner)
    if sample.goal_id is None:
        row = await preview_queries.sample_job(ctx.pool, owner, agent)
    else:
        row = await preview_queries.sample_commit(ctx.pool, owner, sample.goal_id)
    if row is None:
        if sample.goal_id is None:
            raise UnknownId("agent", sample.agent_id)
        raise UnknownId("goal", sample.goal_id)
    data, context = await asyncio.to_thread(texts_of, sample, compiled, schema)
    event = Event(
        id=0,
        type="webhook.test",
        key=f"test_{uuid4()}",
        organization_id=owner,
        occurred_at=row.moment,
        snapshot=row.snapshot,
        data=data,
        context=context,
        oversize_bytes=_oversize(data, context),
    )
    return SampleEvent(_without_oversize(event), agent, sample.goal_id, row.moment)


def _oversize(data: str | None, context: str | None) -> int | None:
    bytes_ = len((data or "").encode()) + len((context or "").encode())
    return bytes_ if bytes_ > MAX_EVENT_BYTES else None


def _without_oversize(event: Event) -> Event:
    """Drops data and context if they exceed the limit, as the capture does."""
    if event.oversize_bytes is None:
        return event
    return msgspec.structs.replace(event, data=None, context=None)
