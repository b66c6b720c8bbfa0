"""Decorators for the dashboard's routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import MediaType, get, post
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from rowhook.dashboard.live import Streams
from rowhook.operations import KeyringContext

Handler = Callable[..., Any]
ContextDependency = NamedDependency[SkipValidation[KeyringContext]]
StreamsDependency = NamedDependency[SkipValidation[Streams]]


def page_route(path: str, *, scope: str = "read", **options: Any) -> Callable[[Handler], Any]:
    """Route a GET that returns a page."""
    return get(path, scope=scope, media_type=MediaType.HTML, include_in_schema=False, **options)


def stream_route(path: str, *, scope: str = "read", **options: Any) -> Callable[[Handler], Any]:
    """Route a GET that returns an event stream of page fragments."""
    return get(
        path, scope=scope, media_type="text/event-stream", include_in_schema=False, **options
    )


def form_route(path: str, *, scope: str, **options: Any) -> Callable[[Handler], Any]:
    """Route the POST of a form, which must carry the session's CSRF token."""
    return post(
        path,
        scope=scope,
        status_code=200,
        media_type=MediaType.HTML,
        include_in_schema=False,
        **options,
    )
