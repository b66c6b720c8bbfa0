"""`/v1/sessions`: tokens and callbacks for web pages, and the module that reads them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from litestar import Request, Router, get
from litestar.datastructures import CacheControlHeader
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter, SkipValidation
from litestar.response import Response
from litestar.response.base import ASGIResponse
from msgspec import Meta, Struct

from rowhook.api.callback_stream import CallbackStream, Subscriptions, parse_event_id
from rowhook.api.parameters import CallerDependency, ContextDependency
from rowhook.api.routing import EXAMPLES, create_route, get_route
from rowhook.server_sent_events import MEDIA_TYPE
from rowhook.services import sessions
from rowhook.services.sessions import SessionToken

_SOURCE = Path(__file__).parent / "assets" / "callbacks.js"
_HOUR_S = 3600
_LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID",
        max_length=100,
        description="The `id` of the last event that the page received.",
    ),
]
_LastEventInQuery = Annotated[
    str | None,
    QueryParameter(
        name="last_event_id",
        max_length=100,
        description="Like `Last-Event-ID`, for a new EventSource, which cannot set headers.",
    ),
]
_TokenInQuery = Annotated[
    str | None,
    QueryParameter(
        max_length=4000, description="A session token, for EventSource, which cannot set headers."
    ),
]


@get(
    "/callbacks.js",
    media_type="text/javascript; charset=utf-8",
    include_in_schema=False,
    cache_control=CacheControlHeader(max_age=_HOUR_S, public=True),
    sync_to_thread=False,
)
def module() -> str:
    """Return the module. Other origins can import it if ROWHOOK_CORS_ORIGINS names them."""
    return _SOURCE.read_text(encoding="utf-8")


class TokenOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """The token's lifetime in seconds, from a minute to a day."""

    ttl_s: Annotated[int, Meta(ge=60, le=86400)] = 3600


class _StreamResponse(Response[None]):
    """A response that is a CallbackStream."""

    def __init__(self, stream: CallbackStream) -> None:
        super().__init__(None)
        self._stream = stream

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        """Returns the stream."""
        return self._stream  # type: ignore[return-value]  # any ASGI application works


@create_route(
    "/{session_id:str}/token",
    scope="write",
    body=TokenOptions,
    optional_body=True,
    request_example=EXAMPLES["token_options"],
    response_example=EXAMPLES["token"],
)
async def create_token(
    session_id: FromPath[str], ctx: ContextDependency, data: JSONBody[TokenOptions | None] = None
) -> SessionToken:
    """Create a token that can read the callbacks of this session and nothing else.

    Give it to the session's web pages. It cannot be revoked, so keep it short-lived.
    """
    lifetime = timedelta(seconds=(data or TokenOptions()).ttl_s)
    return await sessions.create_session_token(ctx, session_id, lifetime)


@get_route(
    "/{session_id:str}/callbacks",
    allows_session_token=True,
    response_example=EXAMPLES["stream"],
    response_spec=ResponseSpec(
        str,
        description="An event stream (WHATWG HTML, 9.2).",
        media_type=MEDIA_TYPE,
        generate_examples=False,
    ),
)
async def stream_callbacks(
    session_id: FromPath[str],
    ctx: ContextDependency,
    caller: CallerDependency,
    subscriptions: NamedDependency[SkipValidation[Subscriptions]],
    last_event_id: _LastEventId = None,
    last_event: _LastEventInQuery = None,
    token: _TokenInQuery = None,
) -> Response[None]:
    """Stream the session's outputs of kind `frontend` as server-sent events.

    `id` is the id of the delivery, `data` the rendered body. Without `Last-Event-ID` the stream
    begins with the oldest stored event. A session token is sufficient; when it expires, an
    `expired` event ends the stream.
    """
    del token
    return _StreamResponse(
        CallbackStream(
            pool=ctx.pool,
            subscriptions=subscriptions,
            session=session_id,
            last=parse_event_id(last_event_id or last_event),
            until=caller.until,
        )
    )


def subscriptions_of(request: Request[Any, Any, Any]) -> Subscriptions:
    """The subscriptions of this process."""
    subscriptions: Subscriptions = request.app.state.subscriptions
    return subscriptions


def router() -> Router:
    """The router of this resource."""
    return Router(
        path="/sessions",
        tags=["Sessions"],
        route_handlers=[create_token, stream_callbacks],
        dependencies={"subscriptions": Provide(subscriptions_of, sync_to_thread=False)},
    )
