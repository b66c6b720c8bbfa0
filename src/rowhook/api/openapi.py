"""The OpenAPI 3.1 document, its examples, and the page that shows it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, Router
from litestar.datastructures import CacheControlHeader
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.static_files import create_static_files_router
from litestar.types import Method

from rowhook.api.problems import problem
from rowhook.render.configuration import Configuration

_ASSETS = Path(__file__).parent / "assets"
_DAY_S = 86400
_NOT_FOUND = 404
_DESCRIPTION = """\
Manage webhooks, their links and secrets, and inspect, retry, cancel and replay deliveries.

Authenticate with `Authorization: Bearer rhk_…`. An API key belongs to one organization, or is an \
operator key, which sees all organizations and passes `organization_id` to create something. Ids \
of other organizations return 404. Ids of agents, organizations and jobs are returned as the \
platform writes them; refer to an agent or an organization by that id (percent-encoded in a path) \
or by Rowhook's uuid. Errors are `application/problem+json` (RFC 9457), with `errors` for each \
invalid field. Lists take `limit` and `cursor` and return `items` and `next_cursor`. A POST with \
an `Idempotency-Key` is executed once; repetitions get the same response for 24 hours."""


class _Page(OpenAPIRenderPlugin):
    """The page at `/schema`, which loads only files from `assets`."""

    def __init__(self) -> None:
        super().__init__(path="/")
        self._html = (_ASSETS / "index.html").read_bytes()

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the static page, which fetches the document."""
        return self._html


def openapi_config() -> OpenAPIConfig:
    """Configure the document at `/schema/openapi.json` and the page at `/schema`."""
    return OpenAPIConfig(
        title="Rowhook",
        version="1",
        summary="Insert a row, get a webhook.",
        description=_DESCRIPTION,
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
        render_plugins=[_Page(), JsonRenderPlugin()],
        openapi_router=Router(
            path="/schema", route_handlers=[], include_in_schema=False, after_request=_as_problem
        ),
        components=Components(
            security_schemes={
                "key": SecurityScheme(
                    type="http", scheme="bearer", description="`Authorization: Bearer rhk_…`"
                )
            }
        ),
    )


def assets() -> Router:
    """Route the page's files, cached for a day."""
    return create_static_files_router(
        path="/schema/assets",
        directories=[_ASSETS],
        name="assets",
        cache_control=CacheControlHeader(max_age=_DAY_S, public=True),
    )


def _operation_id(handler: HTTPRouteHandler, _: Method, __: list[Any]) -> str:
    # `list_webhooks` becomes listWebhooks, the method name in generated clients.
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), handler.handler_name)


def _as_problem(response: Response[Any]) -> Response[Any]:
    # Litestar answers an unknown path below /schema with an HTML page.
    return problem(_NOT_FOUND) if response.status_code == _NOT_FOUND else response


def _read_examples() -> dict[str, Any]:
    """Read examples.json; webhooks have the default of each field that they do not name."""
    examples: dict[str, Any] = json.loads(
        Path(__file__).with_name("examples.json").read_text("utf-8")
    )
    defaults = msgspec.to_builtins(Configuration(name=""))
    named = examples["webhook"]
    order = ("id", "organization_id", *defaults, *named)
    webhook = {name: (defaults | named)[name] for name in order}
    examples["webhook"] = webhook
    examples["new_webhook"] = webhook | examples["new_webhook"]
    examples["webhooks"]["items"] = [webhook]
    return examples


EXAMPLES = _read_examples()
