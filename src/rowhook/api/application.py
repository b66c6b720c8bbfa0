"""The application factory: routes and their shared state, nothing at import."""

from __future__ import annotations

from litestar import Litestar
from litestar.datastructures import State

from rowhook.api.health import livez, readyz


def application(*, direct_dsn: str) -> Litestar:
    """`direct_dsn` reaches Postgres past any transaction pooler."""
    return Litestar(
        route_handlers=[livez, readyz],
        state=State({"direct_dsn": direct_dsn}),
        openapi_config=None,
        logging_config=None,
    )
