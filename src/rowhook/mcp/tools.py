"""The tools that an agent is given: what a commit needs, the commit, and what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from rowhook import operations, postgres
from rowhook.mcp.explain import explanation
from rowhook.mcp.proposal import proposal_of
from rowhook.operations import Caller, KeyringContext
from rowhook.operations.documents import Scope

T = TypeVar("T")
Calling = Context[Any, Any]
ContextOf = Callable[[Caller], KeyringContext]
Data = Annotated[Any, Field(description="The data to commit, as a JSON value.")]
# No union with None: the SDK would parse the text for us, and its digits were gone.
DataText = Annotated[
    str,
    Field(description="Instead of data: its JSON text, kept digit for digit (1.10 stays 1.10)."),
]
_KEEPABLE = r"^[^\x00]*$"  # PostgreSQL keeps no U+0000
Id = Annotated[str, Field(max_length=1000, pattern=_KEEPABLE)]
SessionId = Annotated[
    str | None,
    Field(max_length=1000, pattern=_KEEPABLE, description="The session that it belongs to."),
]
CommitId = Annotated[
    str | None,
    Field(
        max_length=1000,
        pattern=_KEEPABLE,
        description="An id of your own: the same again commits once.",
    ),
]
DeliveryId = Annotated[int, Field(ge=1, le=2**63 - 1)]
_INSTRUCTIONS = (
    "Ask get_commit_schema what a goal needs. Then commit: data that an output cannot be made from"
    " is refused with pointers and hints; correct it and commit again. explain_delivery says what"
    " became of each output."
)
_REFUSALS = (operations.NotFound, operations.Conflict, operations.Rejected, ValueError)


def tool_server(ctx_of: ContextOf) -> MCPServer[Any]:
    """The MCP server. Each call is its caller's: same key, same scopes, same organization."""
    server: MCPServer[Any] = MCPServer("rowhook", instructions=_INSTRUCTIONS, log_level="WARNING")
    contract, deliveries = _Contract(_Asking(ctx_of)), _Deliveries(_Asking(ctx_of))
    for tool in (
        contract.get_commit_schema,
        contract.validate_commit,
        contract.commit,
        deliveries.list_deliveries,
        deliveries.explain_delivery,
        deliveries.retry_delivery,
    ):
        server.add_tool(tool)
    return server


class _Asking:
    """From the request of a tool call to the service context of its caller."""

    def __init__(self, ctx_of: ContextOf) -> None:
        self._ctx_of = ctx_of

    async def __call__(
        self, context: Calling, scope: Scope, ask: Callable[[KeyringContext], Awaitable[T]]
    ) -> T:
        """What `ask` answers in the caller's context. Raises ToolError for every refusal."""
        request: Any = context.request_context.request
        caller: Caller = request.scope["user"]
        if scope not in caller.scopes:
            raise ToolError(f"this key may not do that: it needs the scope {scope}")
        try:
            return await ask(self._ctx_of(caller))
        except _REFUSALS as refused:
            raise ToolError(str(refused)) from refused
        except postgres.Unreachable as away:
            raise ToolError("the database is away: try again in a moment") from away


class _Contract:
    """What a commit needs, and the commit: a method a tool."""

    def __init__(self, asking: _Asking) -> None:
        self._asking = asking

    async def get_commit_schema(self, goal_id: Id, ctx: Calling) -> dict[str, Any]:
        """The JSON Schema of what must be committed for a goal, and which output asks for what."""
        return await self._asking(
            ctx, "read", lambda caller_ctx: operations.goal_schema(caller_ctx, goal_id)
        )

    async def validate_commit(
        self,
        goal_id: Id,
        ctx: Calling,
        data: Data = None,
        data_text: DataText = "",
        context: dict[str, Any] | None = None,
        session_id: SessionId = None,
    ) -> dict[str, Any]:
        """Whether every output of the goal could be made from this data; nothing is sent.

        Each fault has a JSON pointer into the data, a message, and a hint.
        """
        proposal = proposal_of(data, data_text, context, session_id)
        found = await self._asking(
            ctx,
            "write",
            lambda caller_ctx: operations.validate_commit(caller_ctx, goal_id, proposal),
        )
        return _document(found)

    async def commit(
        self,
        goal_id: Id,
        ctx: Calling,
        data: Data = None,
        data_text: DataText = "",
        session_id: SessionId = None,
        interview_id: SessionId = None,
        commit_id: CommitId = None,
        *,
        even_if_invalid: bool = False,
    ) -> dict[str, Any]:
        """Commits the data: it is validated, the row is inserted, and every output fires.

        Where an output could not be made, nothing is committed (`commit_id` is null) and `verdict`
        says what to change, unless `even_if_invalid` is set.
        """
        given = proposal_of(data, data_text, None, session_id)
        proposal = msgspec.structs.replace(given, interview_id=interview_id)
        found = await self._asking(
            ctx,
            "write",
            lambda caller_ctx: operations.make_commit(
                caller_ctx, goal_id, proposal, commit_id=commit_id, even_if_invalid=even_if_invalid
            ),
        )
        return _document(found)


class _Deliveries:
    """What became of commits: a method a tool."""

    def __init__(self, asking: _Asking) -> None:
        self._asking = asking

    async def list_deliveries(
        self, session_id: Id, ctx: Calling, limit: Annotated[int, Field(ge=1, le=200)] = 50
    ) -> dict[str, Any]:
        """The deliveries that a session's commits fired, newest first."""
        found = await self._asking(
            ctx,
            "read",
            lambda caller_ctx: operations.list_session_deliveries(
                caller_ctx, session_id, limit=limit
            ),
        )
        return _document(found)

    async def explain_delivery(self, delivery_id: DeliveryId, ctx: Calling) -> dict[str, Any]:
        """What became of a delivery, why, and what to do; with each attempt."""
        found = await self._asking(
            ctx, "read", lambda caller_ctx: operations.delivery_of(caller_ctx, delivery_id)
        )
        return {"explanation": explanation(found), "delivery": _document(found)}

    async def retry_delivery(self, delivery_id: DeliveryId, ctx: Calling) -> dict[str, Any]:
        """Sends a delivery again, with the same event and Idempotency-Key."""
        found = await self._asking(
            ctx, "replay", lambda caller_ctx: operations.retry_one(caller_ctx, delivery_id)
        )
        return _document(found)


def _document(found: msgspec.Struct) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(found)
    return document
