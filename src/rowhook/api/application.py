"""The application factory: routes and their shared state, nothing at import."""

from __future__ import annotations

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from rowhook.api import webhooks
from rowhook.api.admission import Admission, Desk, caller_of, exists, office_of, permits
from rowhook.api.health import livez, readyz
from rowhook.api.problem import HANDLERS

_MOST_BYTES = 1 << 20


def application(desk: Desk) -> Litestar:
    """The API over an open desk."""
    return Litestar(
        route_handlers=[livez, readyz, _versioned()],
        state=State({"desk": desk}),
        exception_handlers=HANDLERS,
        request_max_body_size=_MOST_BYTES,
        openapi_config=_openapi(),
        logging_config=None,
    )


def _versioned() -> Router:
    return Router(
        path="/v1",
        route_handlers=[webhooks.router()],
        middleware=[Admission()],
        guards=[exists, permits],
        dependencies={
            "office": Provide(office_of, sync_to_thread=False),
            "caller": Provide(caller_of, sync_to_thread=False),
        },
        security=[{"key": []}],
    )


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Rowhook",
        version="1",
        summary="Insert a row, get a webhook.",
        path="/schema",
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                "key": SecurityScheme(
                    type="http", scheme="bearer", description="`Authorization: Bearer rhk_…`"
                )
            }
        ),
    )
