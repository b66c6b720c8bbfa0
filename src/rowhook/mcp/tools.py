"""The MCP tools of an agent: requirements of a commit, the commit, and its deliveries."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from rowhook.db.statements import Unreachable
from rowhook.model import DeliveryStatus
from rowhook.services import commits
from rowhook.services.access import Caller, Scope
from rowhook.services.commits import Proposal
from rowhook.services.context import Conflict, KeyringContext, NotFound, Rejected
from rowhook.services.deliveries import DeliveryWithAttempts, delivery_of, retry_one

_STATUS_DESCRIPTIONS: dict[DeliveryStatus, str] = {
    "pending": "It is waiting and will be sent {when}.",
    "sending": "A worker is sending it now.",
    "held": "It was not sent: the output could not be rendered, or does not match its schema."
    " It is retried automatically when the webhook or a secret that it uses is changed.",
    "delivered": "The receiver accepted it.",
    "dead": "It is not retried any more: every attempt failed, or the receiver answered 410 Gone.",
    "cancelled": "It was cancelled by an operator, or its webhook was deleted.",
    "skipped": "It was not sent: the webhook's condition was false, or the webhook is disabled.",
}
_RETRY_HINT = "Call retry_delivery to send it again with the same Idempotency-Key."
T = TypeVar("T")
ToolContext = Context[Any, Any]
ContextOf = Callable[[Caller], KeyringContext]
Data = Annotated[Any, Field(description="The data to commit, as a JSON value.")]
# Not a union with None: the SDK would parse the text, and numbers would lose their digits.
DataText = Annotated[
    str,
    Field(
        description="The data as JSON text, instead of data. Numbers keep their digits:"
        " 1.10 stays 1.10."
    ),
]
_WITHOUT_NUL = r"^[^\x00]*$"  # PostgreSQL cannot store U+0000
Id = Annotated[str, Field(max_length=1000, pattern=_WITHOUT_NUL)]
SessionId = Annotated[
    str | None,
    Field(
        max_length=1000,
        pattern=_WITHOUT_NUL,
        description="The id of the session or interview that the commit belongs to.",
    ),
]
CommitId = Annotated[
    str | None,
    Field(
        max_length=1000,
        pattern=_WITHOUT_NUL,
        description="An id that you choose. Repeating a commit with the same id has no effect.",
    ),
]
DeliveryId = Annotated[int, Field(ge=1, le=2**63 - 1)]
_INSTRUCTIONS = (
    "Call get_commit_schema to get the JSON Schema of a commit to a goal. Then call commit. If an"
    " output cannot be rendered from the data, the commit is refused with pointers and hints:"
    " correct the data and commit again. Call explain_delivery to see the result of each output."
)
_REFUSALS = (NotFound, Conflict, Rejected, ValueError)


def explanation(delivery: DeliveryWithAttempts) -> str:
    """Describes a delivery in a few sentences: its state, its attempts, and the next step."""
    when = "now" if delivery.next_attempt_at is None else f"at {delivery.next_attempt_at}"
    name = delivery.webhook_name or delivery.webhook_id
    sentences = [
        f"Delivery {delivery.id} to {name} is {delivery.status}.",
        _STATUS_DESCRIPTIONS[delivery.status].format(when=when),
        f"Attempts so far: {delivery.attempts}.",
    ]
    if delivery.last_error is not None:
        sentences.append(f"Last error: {delivery.last_error.rstrip('.')}.")
    if delivery.status in ("held", "dead", "cancelled", "skipped"):
        sentences.append(_RETRY_HINT)
    return " ".join(sentences)


def proposal_of(data: Any, data_text: str, context: Any, session: str | None) -> Proposal:
    """Builds the proposal. `data_text` keeps its digits. Raises ToolError for invalid JSON."""
    fields: dict[str, Any] = {
        "data": _validated_text("data_text", data_text) if data_text else _encoded("data", data),
        "session_id": session,
    }
    if context is not None:
        fields["context"] = _encoded("context", context)
    return Proposal(**fields)


def _encoded(name: str, value: Any) -> msgspec.Raw:
    try:
        return msgspec.Raw(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, RecursionError) as error:
        raise _invalid_json(name, error) from error


def _validated_text(name: str, text: str) -> msgspec.Raw:
    try:
        json.loads(text)
        return msgspec.Raw(text.encode())
    except (ValueError, RecursionError) as error:
        raise _invalid_json(name, error) from error


def _invalid_json(name: str, error: Exception) -> ToolError:
    return ToolError(f"Invalid JSON in {name}: {error}")


def tool_server(ctx_of: ContextOf) -> MCPServer[Any]:
    """Builds the MCP server. Each call has the scopes and the organization of its API key."""
    server: MCPServer[Any] = MCPServer("rowhook", instructions=_INSTRUCTIONS, log_level="WARNING")
    contract, deliveries = (
        _CommitTools(_ContextCall(ctx_of)),
        _DeliveryTools(_ContextCall(ctx_of)),
    )
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


class _ContextCall:
    """Runs operations in the KeyringContext of a tool call's caller."""

    def __init__(self, ctx_of: ContextOf) -> None:
        self._ctx_of = ctx_of

    async def __call__(
        self,
        context: ToolContext,
        scope: Scope,
        operation: Callable[[KeyringContext], Awaitable[T]],
    ) -> T:
        """Runs an operation for the caller. Raises ToolError if it is refused."""
        request: Any = context.request_context.request
        caller: Caller = request.scope["user"]
        if scope not in caller.scopes:
            raise ToolError(f"This key lacks the scope {scope}.")
        try:
            return await operation(self._ctx_of(caller))
        except _REFUSALS as error:
            raise ToolError(str(error)) from error
        except Unreachable as error:
            raise ToolError("The database cannot be reached. Retry in a moment.") from error


class _CommitTools:
    """The tools for commits."""

    def __init__(self, call: _ContextCall) -> None:
        self._call = call

    async def get_commit_schema(self, goal_id: Id, ctx: ToolContext) -> dict[str, Any]:
        """Get the JSON Schema of a commit to a goal, with the requirements of each output."""
        return await self._call(ctx, "read", lambda ctx: commits.goal_schema(ctx, goal_id))

    async def validate_commit(
        self,
        goal_id: Id,
        ctx: ToolContext,
        data: Data = None,
        data_text: DataText = "",
        context: dict[str, Any] | None = None,
        session_id: SessionId = None,
    ) -> dict[str, Any]:
        """Check whether every output of the goal can be rendered from this data. Sends nothing.

        Each error has a JSON pointer into the data, a message and a hint.
        """
        proposal = proposal_of(data, data_text, context, session_id)
        result = await self._call(
            ctx,
            "write",
            lambda ctx: commits.validate_commit(ctx, goal_id, proposal),
        )
        return _document(result)

    async def commit(
        self,
        goal_id: Id,
        ctx: ToolContext,
        data: Data = None,
        data_text: DataText = "",
        session_id: SessionId = None,
        interview_id: SessionId = None,
        commit_id: CommitId = None,
        *,
        even_if_invalid: bool = False,
    ) -> dict[str, Any]:
        """Validate the data and commit it to the goal, which triggers every output.

        If an output cannot be rendered, nothing is committed (`commit_id` is null) and `verdict`
        lists the errors, unless `even_if_invalid` is true.
        """
        base = proposal_of(data, data_text, None, session_id)
        proposal = msgspec.structs.replace(base, interview_id=interview_id)
        result = await self._call(
            ctx,
            "write",
            lambda ctx: commits.make_commit(
                ctx, goal_id, proposal, commit_id=commit_id, even_if_invalid=even_if_invalid
            ),
        )
        return _document(result)


class _DeliveryTools:
    """The tools for deliveries."""

    def __init__(self, call: _ContextCall) -> None:
        self._call = call

    async def list_deliveries(
        self, session_id: Id, ctx: ToolContext, limit: Annotated[int, Field(ge=1, le=200)] = 50
    ) -> dict[str, Any]:
        """List the deliveries of a session's commits, newest first."""
        result = await self._call(
            ctx,
            "read",
            lambda ctx: commits.list_session_deliveries(ctx, session_id, limit=limit),
        )
        return _document(result)

    async def explain_delivery(self, delivery_id: DeliveryId, ctx: ToolContext) -> dict[str, Any]:
        """Explain the state of a delivery and what to do about it, with all its attempts."""
        result = await self._call(ctx, "read", lambda ctx: delivery_of(ctx, delivery_id))
        return {"explanation": explanation(result), "delivery": _document(result)}

    async def retry_delivery(self, delivery_id: DeliveryId, ctx: ToolContext) -> dict[str, Any]:
        """Send a delivery again with the same event and Idempotency-Key."""
        result = await self._call(ctx, "replay", lambda ctx: retry_one(ctx, delivery_id))
        return _document(result)


def _document(result: msgspec.Struct) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(result)
    return document
