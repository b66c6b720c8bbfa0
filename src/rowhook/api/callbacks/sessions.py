"""Sessions: a token for their pages, and the stream that it opens."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from litestar import Request, Router
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter, SkipValidation
from litestar.response import Response
from litestar.response.base import ASGIResponse
from msgspec import Meta, Struct

from rowhook import operations
from rowhook.api.callbacks.bells import Bells
from rowhook.api.callbacks.stream import CallbackStream, place_in
from rowhook.api.examples import sessions as examples
from rowhook.api.parameters import TheCaller, TheOffice
from rowhook.api.route import creates, reads
from rowhook.operations import SessionToken


class TokenLife(Struct, frozen=True, forbid_unknown_fields=True):
    """The token's lifetime in seconds, from a minute to a day."""

    ttl_s: Annotated[int, Meta(ge=60, le=86400)] = 3600


class _Streamed(Response[None]):
    """An answer that is a stream of ours."""

    def __init__(self, stream: CallbackStream) -> None:
        super().__init__(None)
        self._stream = stream

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        """The stream itself."""
        return self._stream  # type: ignore[return-value]  # an ASGI application is all it must be


@creates(
    "/{session_id:str}/token",
    scope="write",
    body=TokenLife,
    may_be_empty=True,
    sends=examples.LIFE,
    gets=examples.TOKEN,
)
async def create_token(
    session_id: FromPath[str], office: TheOffice, data: JSONBody[TokenLife | None] = None
) -> SessionToken:
    """Create a token that can read the callbacks of this session and nothing else.

    Give it to the session's web pages. It cannot be revoked, so keep it short-lived.
    """
    life = timedelta(seconds=(data or TokenLife()).ttl_s)
    return await operations.create_session_token(office, session_id, life)


@reads(
    "/{session_id:str}/callbacks",
    of_session=True,
    gets=examples.STREAM,
    answers=ResponseSpec(
        str,
        description="An event stream (WHATWG HTML, 9.2).",
        media_type="text/event-stream",
        generate_examples=False,
    ),
)
async def stream_callbacks(
    session_id: FromPath[str],
    office: TheOffice,
    caller: TheCaller,
    bells: NamedDependency[SkipValidation[Bells]],
    last_event_id: Annotated[
        str | None,
        HeaderParameter(
            name="Last-Event-ID",
            max_length=100,
            description="The `id` of the last event that the page received.",
        ),
    ] = None,
    last_event: Annotated[
        str | None,
        QueryParameter(
            name="last_event_id",
            max_length=100,
            description="Like `Last-Event-ID`, for a new EventSource, which cannot set headers.",
        ),
    ] = None,
    token: Annotated[
        str | None,
        QueryParameter(
            max_length=4000,
            description="A session token, for EventSource, which cannot set headers.",
        ),
    ] = None,
) -> Response[None]:
    """Stream the session's outputs of kind `frontend` as server-sent events.

    `id` is the id of the delivery, `data` the rendered body. Without `Last-Event-ID` the stream
    begins with the oldest stored event. A session token is sufficient; when it expires, an
    `expired` event ends the stream.
    """
    del token
    return _Streamed(
        CallbackStream(
            pool=office.pool,
            bells=bells,
            session=session_id,
            last=place_in(last_event_id or last_event),
            until=caller.until,
        )
    )


def bells_of(request: Request[Any, Any, Any]) -> Bells:
    """The bells of this process."""
    found: Bells = request.app.state.bells
    return found


def router() -> Router:
    """All calls of this noun."""
    return Router(
        path="/sessions",
        tags=["Sessions"],
        route_handlers=[create_token, stream_callbacks],
        dependencies={"bells": Provide(bells_of, sync_to_thread=False)},
    )
