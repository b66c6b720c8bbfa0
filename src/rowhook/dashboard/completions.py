"""Completions of the editor: names and filters of the language, paths of recent data, secrets."""

from __future__ import annotations

import json
from asyncio import to_thread
from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from rowhook.render.payload import variable_names
from rowhook.services import events
from rowhook.services.context import KeyringContext
from rowhook.services.secrets import list_secrets
from rowhook.template.filters import FILTERS

_MAX_DEPTH = 4
_MOST = 300
_RECENT_EVENTS = 3
_MAX_SECRETS = 200


async def completions(
    ctx: KeyringContext, organization: UUID | None, webhook: UUID | None
) -> dict[str, Any]:
    """Build `{names, filters}` for the editor, with the paths of recent events."""
    if organization is None:
        return {"names": sorted(variable_names()), "filters": sorted(FILTERS)}
    secrets = (await list_secrets(ctx, organization, limit=_MAX_SECRETS)).items
    names = [*variable_names(), *(f"secret:{secret.id}" for secret in secrets)]
    names += await _paths_of_recent(ctx, organization, webhook)
    return {"names": sorted(set(names))[: 2 * _MOST], "filters": sorted(FILTERS)}


async def _paths_of_recent(
    ctx: KeyringContext, organization: UUID, webhook: UUID | None
) -> list[str]:
    recent = (
        await events.recent_events(ctx, organization, webhook=webhook, limit=_RECENT_EVENTS)
    ).items
    paths: dict[str, None] = {}
    for recent_event in recent:
        event = await events.event_of(ctx, recent_event.id)
        for root, raw in (("data", event.data), ("context", event.context)):
            paths |= dict.fromkeys(await to_thread(_first_paths, root, bytes(raw)))
    return list(paths)[:_MOST]


def _first_paths(root: str, text: bytes) -> list[str]:
    try:
        return list(islice(_paths(root, json.loads(text)), _MOST))
    except (ValueError, RecursionError):
        return []


def _paths(prefix: str, value: object, depth: int = 0) -> Iterator[str]:
    """Yield every path below a value, except those with names that templates cannot write."""
    if depth > 0:
        yield prefix
    if not isinstance(value, dict) or depth == _MAX_DEPTH:
        return
    for name, inner in value.items():
        if name.isidentifier():
            yield from _paths(f"{prefix}.{name}", inner, depth + 1)
