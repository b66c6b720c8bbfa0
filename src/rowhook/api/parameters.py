"""Query parameters and headers shared by several endpoints."""

from __future__ import annotations

from typing import Annotated

from litestar.di import NamedDependency
from litestar.params import HeaderParameter, QueryParameter, SkipValidation

from rowhook.compose import Fault
from rowhook.operations import Caller, KeyringContext, Rejected

ContextDependency = NamedDependency[SkipValidation[KeyringContext]]
CallerDependency = NamedDependency[SkipValidation[Caller]]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="The maximum number of items.")]
Cursor = Annotated[
    str | None, QueryParameter(max_length=4000, description="`next_cursor` of the previous page.")
]
OrganizationId = Annotated[
    str | None,
    QueryParameter(
        max_length=1000,
        description="With an operator key: only items of this organization."
        " Its id as the platform writes it, or Rowhook's uuid.",
    ),
]
AgentId = Annotated[
    str | None,
    QueryParameter(
        max_length=1000,
        description="Only items of this agent. Its id as the platform writes it, or Rowhook's"
        " uuid. 422 if several organizations have an agent with this id: pass `organization_id`.",
    ),
]
Search = Annotated[
    str | None,
    QueryParameter(
        max_length=1000, description="Only items that contain this text, ignoring case."
    ),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        max_length=100,
        description="The revision to change, as in the `ETag`."
        " 412 if the webhook is at another revision.",
    ),
]


def revision_in(if_match: str | None) -> int | None:
    """Parse `"3"`, `W/"3"` or `3`; None for a missing header or `*`. Raises Rejected."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):  # noqa: PLR2004  # an int4
        message = 'Write the revision as in the ETag, e.g. If-Match: "3".'
        raise Rejected(Fault(pointer="/If-Match", message=message))
    return int(text)
