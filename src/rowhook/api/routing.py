"""Route decorators: scope, body, problems and examples of an endpoint; text ids in paths."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast, get_args, get_origin
from urllib.parse import unquote

from litestar import Litestar, Request, delete, get, patch, post, put
from litestar._openapi.schema_generation import SchemaCreator
from litestar.dto import AbstractDTO, DTOFieldDefinition
from litestar.dto._backend import DTOBackend
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Operation, Reference, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.openapi.spec.example import Example
from litestar.openapi.spec.parameter import Parameter
from litestar.openapi.spec.request_body import RequestBody
from litestar.openapi.spec.response import OpenAPIResponse
from litestar.types import Receive, Scope, Send
from litestar.typing import FieldDefinition
from msgspec import Struct

from rowhook.api.problems import problem_responses
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


class BodyReader(AbstractDTO[T], Generic[T]):
    """`BodyReader[S]` decodes a JSON object to a Struct S. Raises InvalidDocument, Rejected.

    `BodyReader[ReadResult[S]]` returns the valid fields and the faults, which the operation reports
    together with its own.
    """

    def decode_bytes(self, value: bytes) -> Any:
        """Decode a body."""
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
        """Generate no transfer model: the Struct itself is used."""

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: SchemaCreator
    ) -> Reference | Schema:
        """Return the schema of the Struct."""
        return schema_creator.for_field_definition(FieldDefinition.from_annotation(cls._struct()))

    @classmethod
    def generate_field_definitions(
        cls, model_type: type[Any]
    ) -> Generator[DTOFieldDefinition, None, None]:
        """Yield nothing: no fields are needed."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """Return False: Structs handle nesting."""
        return False


class EncodedPathLitestar(Litestar):
    """Routes by the encoded path: Litestar would split the segment `a%2Fb` in two."""

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # type: ignore[override]
        """Route by a path in which slashes and percent signs of the segments are still encoded."""
        raw_path = scope.get("raw_path")
        if scope["type"] == "http" and raw_path is not None and b"%" in raw_path:
            scope["path"] = "/".join(
                _encode_delimiters(segment) for segment in raw_path.split(b"/")
            )
        await super().__call__(scope, receive, send)


def _encode_delimiters(segment: bytes) -> str:
    # Only the slash, and the percent sign itself, would be ambiguous.
    return unquote(segment.decode("latin-1")).replace("%", "%25").replace("/", "%2F")


def decoded_path_params(scope: Scope) -> dict[str, Any]:
    """Decode the path parameters."""
    return {
        name: unquote(value) if isinstance(value, str) else value
        for name, value in scope["path_params"].items()
    }


def site_url(request: Request[Any, Any, Any]) -> str:
    """Return the address of the root page, with the prefix of one of several databases."""
    return f"{str(request.base_url).rstrip('/')}{request.scope.get('rowhook_prefix', '')}/"


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
    """Route a GET without authentication, which must not return data of organizations."""
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
    """Route a GET. `response_spec` describes a response that is not JSON."""
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
    """Route a POST, repeatable under an Idempotency-Key. An empty body may stand for `{}`."""
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
    """Route a POST that creates an object and returns 201; options as of `action_route`."""
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
    """Route a PATCH that returns 200."""
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
    """Route a PUT that returns 204."""
    return put(
        path, status_code=204, **_settings(scope, errors, request_example, None, body), **options
    )


def delete_route(
    path: str, *, scope: str, errors: tuple[int, ...] = (), **options: Any
) -> Callable[[Handler], Any]:
    """Route a DELETE that returns 204."""
    return delete(path, status_code=204, **_settings(scope, errors, None, None, None), **options)
