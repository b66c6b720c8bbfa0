"""What the editor offers: the language's own names and filters, real paths of data, secrets."""

from __future__ import annotations

import json
from asyncio import to_thread
from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from rowhook import operations
from rowhook.compose import variable_names
from rowhook.operations import KeyringContext
from rowhook.template import FILTERS

_DEEPEST = 4
_MOST = 300
_LOOKED_AT = 3
_MOST_SECRETS = 200


async def completions(
    ctx: KeyringContext, organization: UUID | None, webhook: UUID | None
) -> dict[str, Any]:
    """`{names, filters}` for the editor: paths as recent events have them."""
    if organization is None:
        return {"names": sorted(variable_names()), "filters": sorted(FILTERS)}
    secrets = (await operations.list_secrets(ctx, organization, limit=_MOST_SECRETS)).items
    names = [*variable_names(), *(f"secret:{one.id}" for one in secrets)]
    names += await _paths_of_recent(ctx, organization, webhook)
    return {"names": sorted(set(names))[: 2 * _MOST], "filters": sorted(FILTERS)}


async def _paths_of_recent(
    ctx: KeyringContext, organization: UUID, webhook: UUID | None
) -> list[str]:
    recent = (
        await operations.recent_events(ctx, organization, webhook=webhook, limit=_LOOKED_AT)
    ).items
    found: dict[str, None] = {}
    for one in recent:
        event = await operations.event_of(ctx, one.id)
        for root, raw in (("data", event.data), ("context", event.context)):
            found |= dict.fromkeys(await to_thread(_first_paths, root, bytes(raw)))
    return list(found)[:_MOST]


def _first_paths(root: str, text: bytes) -> list[str]:
    try:
        return list(islice(_paths(root, json.loads(text)), _MOST))
    except (ValueError, RecursionError):
        return []


def _paths(begin: str, value: object, depth: int = 0) -> Iterator[str]:
    """Every path below, as a template writes it; names that it could not write are left out."""
    if depth > 0:
        yield begin
    if not isinstance(value, dict) or depth == _DEEPEST:
        return
    for name, inner in value.items():
        if name.isidentifier():
            yield from _paths(f"{begin}.{name}", inner, depth + 1)
