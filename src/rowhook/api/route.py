"""The shapes of our calls, a function a verb: scope, refusals that OpenAPI names, examples."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from litestar import delete, get, patch, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Operation
from litestar.openapi.spec.enums import OpenAPIType
from litestar.openapi.spec.example import Example
from litestar.openapi.spec.parameter import Parameter
from litestar.openapi.spec.reference import Reference
from litestar.openapi.spec.request_body import RequestBody
from litestar.openapi.spec.response import OpenAPIResponse
from litestar.openapi.spec.schema import Schema

from rowhook.api.document import Document
from rowhook.api.problem import documented

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


@dataclass
class _Shown(Example):
    """An example as it is: Litestar leaves out what is null."""

    def to_schema(self) -> dict[str, Any]:
        return {"value": self.value}


def _operation(
    *, sends: Any, gets: Any, repeatable: bool, may_be_empty: bool = False
) -> type[Operation]:
    @dataclass
    class Explained(Operation):
        def __post_init__(self) -> None:
            if _HANDLER.fullmatch(self.summary or ""):
                # Made of the handler's name: `ListWebhooks`.
                words = re.findall(r"[A-Z][a-z]*", self.summary or "")
                self.summary = " ".join(words).capitalize()
            if repeatable:
                self.parameters = [*(self.parameters or []), REPEATABLE]
            if may_be_empty and isinstance(self.request_body, RequestBody):
                self.request_body.required = False
            if sends is not None and isinstance(self.request_body, RequestBody):
                for media in self.request_body.content.values():
                    media.examples = {"example": _Shown(value=sends)}
            for status, response in (self.responses or {}).items():
                if gets is not None and status.startswith("2"):
                    _show(response, gets)

    return Explained


def _show(response: OpenAPIResponse | Reference, example: Any) -> None:
    if isinstance(response, OpenAPIResponse):
        for media in (response.content or {}).values():
            media.examples = {"example": _Shown(value=example)}


def _settings(
    scope: str,
    refuses: tuple[int, ...],
    sends: Any,
    gets: Any,
    body: Any,
    *,
    repeatable: bool = False,
    may_be_empty: bool = False,
) -> dict[str, Any]:
    statuses = {*_ALWAYS, *refuses, *((413, 422) if body is not None else ())}
    if repeatable:
        statuses |= {409, 413, 422}
    return {
        "responses": documented(*sorted(statuses)),
        "operation_class": _operation(
            sends=sends, gets=gets, repeatable=repeatable, may_be_empty=may_be_empty
        ),
        "dto": Document.__class_getitem__(body) if body is not None else None,
        "return_dto": None,
        "scope": scope,
    }


def public(
    path: str, *, refuses: tuple[int, ...] = (), gets: Any = None, **options: Any
) -> Callable[[Handler], Any]:
    """GET without a key, 200; no organization's data is in the answer."""
    operation = _operation(sends=None, gets=gets, repeatable=False)
    return get(path, responses=documented(*refuses), operation_class=operation, **options)


def reads(
    path: str,
    *,
    scope: str = "read",
    refuses: tuple[int, ...] = (),
    gets: Any = None,
    answers: ResponseSpec | None = None,
    **options: Any,
) -> Callable[[Handler], Any]:
    """GET, 200. `answers` describes what is no JSON document."""
    settings = _settings(scope, refuses, None, gets, None)
    if answers is not None:
        settings["responses"] = {**settings["responses"], 200: answers}
    return get(path, **settings, **options)


def creates(
    path: str,
    *,
    scope: str,
    body: Any,
    refuses: tuple[int, ...] = (),
    sends: Any = None,
    gets: Any = None,
    may_be_empty: bool = False,
    **options: Any,
) -> Callable[[Handler], Any]:
    """POST, 201; repeatable under an Idempotency-Key. An empty body may stand for `{}`."""
    settings = _settings(
        scope, refuses, sends, gets, body, repeatable=True, may_be_empty=may_be_empty
    )
    return post(path, status_code=201, **settings, **options)


def acts(
    path: str,
    *,
    scope: str,
    body: Any = None,
    refuses: tuple[int, ...] = (),
    sends: Any = None,
    gets: Any = None,
    may_be_empty: bool = False,
    **options: Any,
) -> Callable[[Handler], Any]:
    """POST, 200; repeatable under an Idempotency-Key. An empty body may stand for `{}`."""
    settings = _settings(
        scope, refuses, sends, gets, body, repeatable=True, may_be_empty=may_be_empty
    )
    return post(path, status_code=200, **settings, **options)


def changes(
    path: str,
    *,
    scope: str,
    body: Any,
    refuses: tuple[int, ...] = (),
    sends: Any = None,
    gets: Any = None,
    **options: Any,
) -> Callable[[Handler], Any]:
    """PATCH, 200."""
    return patch(path, **_settings(scope, refuses, sends, gets, body), **options)


def puts(
    path: str,
    *,
    scope: str,
    body: Any = None,
    refuses: tuple[int, ...] = (),
    sends: Any = None,
    **options: Any,
) -> Callable[[Handler], Any]:
    """PUT, 204."""
    return put(path, status_code=204, **_settings(scope, refuses, sends, None, body), **options)


def removes(
    path: str, *, scope: str, refuses: tuple[int, ...] = (), **options: Any
) -> Callable[[Handler], Any]:
    """DELETE, 204."""
    return delete(path, status_code=204, **_settings(scope, refuses, None, None, None), **options)
