"""Query parameters and headers that several calls take."""

from __future__ import annotations

from typing import Annotated

from litestar.di import NamedDependency
from litestar.params import HeaderParameter, QueryParameter, SkipValidation

from rowhook.compose import Fault
from rowhook.operations import Caller, KeyringContext, Rejected

ContextDependency = NamedDependency[SkipValidation[KeyringContext]]
TheCaller = NamedDependency[SkipValidation[Caller]]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[
    str | None, QueryParameter(max_length=4000, description="`next_cursor` of the page before.")
]
OrganizationId = Annotated[
    str | None,
    QueryParameter(
        max_length=1000,
        description="With an operator key: only what is this organization's."
        " Its id as the platform writes it, or Rowhook's uuid.",
    ),
]
AgentId = Annotated[
    str | None,
    QueryParameter(
        max_length=1000,
        description="Only what is this agent's. Its id as the platform writes it, or Rowhook's"
        " uuid. 422 if several organizations have such an agent: name `organization_id`.",
    ),
]
Search = Annotated[
    str | None,
    QueryParameter(max_length=1000, description="Only what mentions this, in any case."),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        max_length=100,
        description="The revision that the change is meant for, as the `ETag` shows it;"
        " 412 if the webhook is at another one by now.",
    ),
]


def revision_in(if_match: str | None) -> int | None:
    """The revision that `"3"`, `W/"3"` or `3` names; None for nothing and `*`. Raises Rejected."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):  # noqa: PLR2004  # an int4
        message = 'write the revision as the ETag shows it: If-Match: "3"'
        raise Rejected(Fault(pointer="/If-Match", message=message))
    return int(text)
