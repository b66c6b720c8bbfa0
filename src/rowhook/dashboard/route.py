"""The shapes of our routes: what a page shows, what a form does, what stays live."""

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
TheStreams = NamedDependency[SkipValidation[Streams]]


def shows(path: str, *, scope: str = "read", **options: Any) -> Callable[[Handler], Any]:
    """GET of a page, or of a piece of one."""
    return get(path, scope=scope, media_type=MediaType.HTML, include_in_schema=False, **options)


def lives(path: str, *, scope: str = "read", **options: Any) -> Callable[[Handler], Any]:
    """GET of an event stream: a piece of a page, as it changes."""
    return get(
        path, scope=scope, media_type="text/event-stream", include_in_schema=False, **options
    )


def does(path: str, *, scope: str, **options: Any) -> Callable[[Handler], Any]:
    """POST of a form, which must carry the session's word."""
    return post(
        path,
        scope=scope,
        status_code=200,
        media_type=MediaType.HTML,
        include_in_schema=False,
        **options,
    )
