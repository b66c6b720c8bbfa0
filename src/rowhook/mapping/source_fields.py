"""The fields of each kind of source, and the column names that suggest them."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("jobs", "commits", "organizations", "agents", "goals", "sessions")
_ID = ("number", "text", "other")
_NULL = "null in payloads"
_ONE_ORGANIZATION = "all belong to the only organization, or to one called default"
_UNNAMED = "the id is used as the name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a mapping.

    `names` are column names in snake case, the most specific first; a field without names is never
    proposed. `kinds` are the accepted kinds of columns. `without` describes the effect of an
    unmapped field.
    """

    name: str
    names: tuple[str, ...] = ()
    kinds: tuple[str, ...] = _ID
    without: str = ""
    is_required: bool = False
    is_key: bool = False
    takes_only_json: bool = False


def _id(*names: str) -> Field:
    return Field(name="id", names=("id", "uuid", *names), is_required=True, is_key=True)


def _organization(without: str) -> Field:
    names = (
        "organization_id",
        "organisation_id",
        "org_id",
        "tenant_id",
        "account_id",
        "customer_id",
        "workspace_id",
        "company_id",
        "team_id",
        "organization",
        "organisation",
        "org",
        "tenant",
        "account",
        "customer",
        "workspace",
        "company",
        "team",
    )
    return Field(name="organization_id", names=names, without=without)


def _name(without: str) -> Field:
    names = ("name", "title", "display_name", "label", "slug")
    return Field(name="name", names=names, kinds=("text",), without=without)


def _context(without: str) -> Field:
    names = ("context", "metadata", "meta", "variables", "attributes")
    return Field(name="context", names=names, kinds=("json",), without=without)


def _template(without: str) -> Field:
    return Field(name="template_id", names=("template_id", "template"), without=without)


_TRACE = Field(
    name="traceparent",
    names=("traceparent", "trace_parent"),
    kinds=("text",),
    without="the trace is the member traceparent of metadata or context, if there is one",
)
# Constants, never proposed.
_CONSTANTS = (Field(name="key_prefix"), Field(name="time_zone"))

_JOBS = (
    _id("job_id", "run_id", "task_id", "execution_id"),
    Field(
        name="status",
        names=("status", "state", "outcome", "phase"),
        kinds=("text", "number"),
        is_required=True,
    ),
    Field(
        name="agent_id",
        names=(
            "agent_id",
            "agent",
            "bot_id",
            "bot",
            "assistant_id",
            "assistant",
            "workflow_id",
            "workflow",
            "flow_id",
            "flow",
            "pipeline_id",
            "pipeline",
        ),
        without="the agent is that of the version, which must exist in rowhook.agent_version",
    ),
    _organization(_ONE_ORGANIZATION),
    Field(
        name="agent_version_id",
        names=("agent_version_id", "version_id"),
        without=f"agent_version.id is {_NULL}",
    ),
    Field(
        name="agent_version_name",
        names=("agent_version_name", "version_name", "agent_version"),
        kinds=("text",),
        without=f"agent_version.name is {_NULL}",
    ),
    Field(
        name="status_code",
        names=("status_code", "exit_code", "return_code", "result_code"),
        kinds=("number",),
        without=_NULL,
    ),
    Field(
        name="cost",
        names=("cost", "cost_usd", "usd_cost", "total_cost", "total_cost_usd"),
        kinds=("number",),
        without=_NULL,
    ),
    Field(
        name="metadata",
        names=("metadata", "meta", "context", "labels", "tags", "attributes"),
        kinds=("json",),
        without="null in payloads, and templates have no {{context.…}}",
    ),
    Field(
        name="output",
        names=("output", "outputs", "result", "results", "response", "answer", "payload", "data"),
        kinds=("json", "text"),
        takes_only_json=True,
        without="null in payloads, and templates have no {{data.…}}",
    ),
    Field(
        name="completed_at",
        names=(
            "completed_at",
            "finished_at",
            "ended_at",
            "done_at",
            "completed_on",
            "finished_on",
            "completion_time",
            "finish_time",
            "end_time",
            "completed",
            "finished",
            "stopped_at",
        ),
        kinds=("time",),
        without="completions get the time of capture; missed ones are recovered by created_at, if"
        " that is mapped",
    ),
    Field(
        name="created_at",
        names=(
            "created_at",
            "started_at",
            "inserted_at",
            "queued_at",
            "enqueued_at",
            "submitted_at",
            "created_on",
            "start_time",
            "creation_time",
            "created",
            "started",
        ),
        kinds=("time",),
        without=_NULL,
    ),
    _TRACE,
    *_CONSTANTS,
)

_COMMITS = (
    _id("commit_id", "capture_id", "submission_id"),
    Field(
        name="goal_id",
        names=("goal_id", "goal", "objective_id", "objective", "form_id", "form", "aim_id", "aim"),
        is_required=True,
    ),
    _organization("the organization is that of the goal"),
    Field(
        name="session_id",
        names=(
            "session_id",
            "session",
            "conversation_id",
            "conversation",
            "thread_id",
            "thread",
            "chat_id",
            "chat",
        ),
        without=f"session.id is {_NULL}",
    ),
    Field(
        name="interview_id",
        names=("interview_id", "interview", "call_id"),
        without=f"interview.id is {_NULL}",
    ),
    _template("template.id is that of the goal"),
    _context("{{context.…}} is the session's"),
    Field(
        name="data",
        names=(
            "data",
            "payload",
            "fields",
            "values",
            "captured",
            "answers",
            "output",
            "result",
            "body",
            "content",
        ),
        kinds=("json",),
        is_required=True,
        takes_only_json=True,
    ),
    Field(
        name="committed_at",
        names=(
            "committed_at",
            "captured_at",
            "submitted_at",
            "created_at",
            "inserted_at",
            "completed_at",
            "created_on",
            "created",
            "at",
        ),
        kinds=("time",),
        without="commits get the time of capture; missed ones are not recovered",
    ),
    _TRACE,
    *_CONSTANTS,
)
FIELDS: dict[str, tuple[Field, ...]] = {
    "jobs": _JOBS,
    "commits": _COMMITS,
    "organizations": (_id("organization_id", "org_id", "tenant_id"), _name(_UNNAMED)),
    "agents": (_id("agent_id", "bot_id"), _name(_UNNAMED), _organization(_ONE_ORGANIZATION)),
    "goals": (
        _id("goal_id"),
        _name(_UNNAMED),
        _organization(_ONE_ORGANIZATION),
        _template("template.id is that of the commit"),
    ),
    "sessions": (
        _id("session_id", "conversation_id", "thread_id"),
        _organization(_ONE_ORGANIZATION),
        _context("templates have no {{context.…}} unless a commit has its own"),
    ),
}
