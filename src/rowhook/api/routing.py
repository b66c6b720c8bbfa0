"""Declares routes, with their scope, body, problems and examples, and their OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast, get_args, get_origin

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post, put
from litestar._openapi.schema_generation import SchemaCreator
from litestar.datastructures import CacheControlHeader
from litestar.dto import AbstractDTO, DTOFieldDefinition
from litestar.dto._backend import DTOBackend
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, Operation, Reference, Schema, SecurityScheme
from litestar.openapi.spec.enums import OpenAPIType
from litestar.openapi.spec.example import Example
from litestar.openapi.spec.parameter import Parameter
from litestar.openapi.spec.request_body import RequestBody
from litestar.openapi.spec.response import OpenAPIResponse
from litestar.static_files import create_static_files_router
from litestar.types import Method
from litestar.typing import FieldDefinition
from msgspec import Struct

from rowhook.api.problems import problem, problem_responses
from rowhook.render.configuration import Configuration
from rowhook.services.json_reader import ReadResult, read_document, read_with_faults

T = TypeVar("T")
Handler = Callable[..., Any]
_ALWAYS = (400, 401, 403, 404, 422, 503)
_HANDLER = re.compile(r"(?:[A-Z][a-z]*)+")
REPEATABLE = Parameter(
    name="Idempotency-Key",
    param_in="header",
    required=False,
    description="A unique text of up to 255 visible ASCII characters. A request with the same key"
    " is executed once; for 24 hours, repetitions get the first response.",
    schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=255, pattern="^[!-~]+$"),
)
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


class BodyReader(AbstractDTO[T], Generic[T]):
    """`BodyReader[S]` decodes a JSON object to a Struct S. Raises InvalidDocument, Rejected.

    `BodyReader[ReadResult[S]]` returns the valid fields and the faults, which the operation reports
    together with its own.
    """

    def decode_bytes(self, value: bytes) -> Any:
        """Decodes a body."""
        read = read_with_faults if get_origin(self.model_type) is ReadResult else read_document
        return read(value, self._struct())

    @classmethod
    def _struct(cls) -> type[Struct]:
        struct: Any = next(iter(get_args(cls.model_type)), cls.model_type)
        return cast("type[Struct]", struct)

    @classmethod
    def create_for_field_definition(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,
        backend_cls: type[DTOBackend] | None = None,
    ) -> None:
        """Generates no transfer model: the Struct itself is used."""

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: SchemaCreator
    ) -> Reference | Schema:
        """Returns the schema of the Struct."""
        return schema_creator.for_field_definition(FieldDefinition.from_annotation(cls._struct()))

    @classmethod
    def generate_field_definitions(
        cls, model_type: type[Any]
    ) -> Generator[DTOFieldDefinition, None, None]:
        """Yields nothing: no fields are needed."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """Returns False: Structs handle nesting."""
        return False


@dataclass
class _Example(Example):
    """An example with its null values, which Litestar would omit."""

    def to_schema(self) -> dict[str, Any]:
        return {"value": self.value}


def _operation(
    *, request_example: Any, response_example: Any, repeatable: bool, optional_body: bool = False
) -> type[Operation]:
    @dataclass
    class DocumentedOperation(Operation):
        def __post_init__(self) -> None:
            if _HANDLER.fullmatch(self.summary or ""):
                # Derived from the handler's name, as in `ListWebhooks`.
                words = re.findall(r"[A-Z][a-z]*", self.summary or "")
                self.summary = " ".join(words).capitalize()
            if repeatable:
                self.parameters = [*(self.parameters or []), REPEATABLE]
            if optional_body and isinstance(self.request_body, RequestBody):
                self.request_body.required = False
            if request_example is not None and isinstance(self.request_body, RequestBody):
                for media in self.request_body.content.values():
                    media.examples = {"example": _Example(value=request_example)}
            for status, response in (self.responses or {}).items():
                if response_example is not None and status.startswith("2"):
                    _show(response, response_example)

    return DocumentedOperation


def _show(response: OpenAPIResponse | Reference, example: Any) -> None:
    if isinstance(response, OpenAPIResponse):
        for media in (response.content or {}).values():
            media.examples = {"example": _Example(value=example)}


def _settings(
    scope: str,
    errors: tuple[int, ...],
    request_example: Any,
    response_example: Any,
    body: Any,
    *,
    repeatable: bool = False,
    optional_body: bool = False,
) -> dict[str, Any]:
    statuses = {*_ALWAYS, *errors, *((413, 422) if body is not None else ())}
    if repeatable:
        statuses |= {409, 413, 422}
    return {
        "responses": problem_responses(*sorted(statuses)),
        "operation_class": _operation(
            request_example=request_example,
            response_example=response_example,
            repeatable=repeatable,
            optional_body=optional_body,
        ),
        "dto": BodyReader.__class_getitem__(body) if body is not None else None,
        "return_dto": None,
        "scope": scope,
    }


def public_route(
    path: str, *, errors: tuple[int, ...] = (), response_example: Any = None, **options: Any
) -> Callable[[Handler], Any]:
    """Routes a GET without authentication, which must not return data of organizations."""
    operation = _operation(
        request_example=None, response_example=response_example, repeatable=False
    )
    return get(path, responses=problem_responses(*errors), operation_class=operation, **options)


def get_route(
    path: str,
    *,
    scope: str = "read",
    errors: tuple[int, ...] = (),
    response_example: Any = None,
    response_spec: ResponseSpec | None = None,
    **options: Any,
) -> Callable[[Handler], Any]:
    """Routes a GET. `response_spec` describes a response that is not JSON."""
    settings = _settings(scope, errors, None, response_example, None)
    if response_spec is not None:
        settings["responses"] = {**settings["responses"], 200: response_spec}
    return get(path, **settings, **options)


def action_route(
    path: str,
    *,
    scope: str,
    body: Any = None,
    errors: tuple[int, ...] = (),
    request_example: Any = None,
    response_example: Any = None,
    optional_body: bool = False,
    status_code: int = 200,
    **options: Any,
) -> Callable[[Handler], Any]:
    """Routes a POST, repeatable under an Idempotency-Key. An empty body may stand for `{}`."""
    settings = _settings(
        scope,
        errors,
        request_example,
        response_example,
        body,
        repeatable=True,
        optional_body=optional_body,
    )
    return post(path, status_code=status_code, **settings, **options)


def create_route(path: str, *, scope: str, body: Any, **options: Any) -> Callable[[Handler], Any]:
    """Routes a POST that creates an object and returns 201; options as of `action_route`."""
    return action_route(path, scope=scope, body=body, status_code=201, **options)


def patch_route(
    path: str,
    *,
    scope: str,
    body: Any,
    errors: tuple[int, ...] = (),
    request_example: Any = None,
    response_example: Any = None,
    **options: Any,
) -> Callable[[Handler], Any]:
    """Routes a PATCH that returns 200."""
    return patch(
        path, **_settings(scope, errors, request_example, response_example, body), **options
    )


def put_route(
    path: str,
    *,
    scope: str,
    body: Any = None,
    errors: tuple[int, ...] = (),
    request_example: Any = None,
    **options: Any,
) -> Callable[[Handler], Any]:
    """Routes a PUT that returns 204."""
    return put(
        path, status_code=204, **_settings(scope, errors, request_example, None, body), **options
    )


def delete_route(
    path: str, *, scope: str, errors: tuple[int, ...] = (), **options: Any
) -> Callable[[Handler], Any]:
    """Routes a DELETE that returns 204."""
    return delete(path, status_code=204, **_settings(scope, errors, None, None, None), **options)


class _Page(OpenAPIRenderPlugin):
    """The page at `/schema`, which loads only files from `assets`."""

    def __init__(self) -> None:
        super().__init__(path="/")
        self._html = (_ASSETS / "index.html").read_bytes()

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Returns the static page, which fetches the document."""
        return self._html


def openapi_config() -> OpenAPIConfig:
    """Configures the document at `/schema/openapi.json` and the page at `/schema`."""
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
    """Routes the page's files, cached for a day."""
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
    """Reads examples.json; webhooks have the default of each field that they do not name."""
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
