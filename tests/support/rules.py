"""Who may do what over REST (CONTRACT.md, 6): one rule a call, for the tests of the matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

import httpx

from rowhook.services.access import Scope
from tests.support.calls import Api
from tests.support.tenants import Tenant

# What another organization's key finds: nothing there, its own rows alone, an answer without what
# it asked for, or a closed door.
Others = Literal["absent", "own rows", "none of them", "closed"]
Asked = Callable[[Tenant], dict[str, Any]]


def _nothing(_: Tenant) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One call. `does` is the answer to the organization's own key with all scopes.

    `names` stand for the ids in the path, in the tenant that is asked for.
    """

    scope: Scope
    does: int
    others: Others = "absent"
    body: Asked | None = None
    query: Asked = _nothing
    names: dict[str, Callable[[Tenant], object]] = field(default_factory=dict)

    def path(self, template: str, of: Tenant) -> str:
        """The path with the ids of a tenant."""
        named: dict[str, object] = {
            "webhook_id": of.webhook,
            "agent_id": of.platform.agent,
            "goal_id": of.platform.goal,
            "delivery_id": of.dead,
            "key_id": of.key_id,
            "secret_id": of.secret,
            "session_id": of.session,
            "event_id": of.event,
            "revision": 1,
        }
        named |= {name: find(of) for name, find in self.names.items()}
        return template.removeprefix("/v1").format_map(named)


def _whose(of: Tenant) -> dict[str, Any]:
    return {"organization_id": str(of.organization)}


def _draft(of: Tenant) -> dict[str, Any]:
    return {"name": "new", "url": "http://127.0.0.1:9/"} | _whose(of)


_LOOSE: dict[str, Callable[[Tenant], object]] = {"webhook_id": lambda of: of.loose}
_WAITING: dict[str, Callable[[Tenant], object]] = {"delivery_id": lambda of: of.waiting}


def _listed(scope: Scope = "read") -> Rule:
    return Rule(scope=scope, does=200, others="own rows")


# In this order each call finds what it needs: what deletes comes last.
RULES = {
    "GET /v1/webhooks": _listed(),
    "GET /v1/agents": _listed(),
    "GET /v1/goals": _listed(),
    "GET /v1/deliveries": _listed(),
    "GET /v1/events": _listed(),
    "GET /v1/events/recent": _listed(),
    "GET /v1/events/{event_id}": Rule(scope="read", does=200),
    "GET /v1/stats": _listed(),
    "GET /v1/stats/series": _listed(),
    "GET /v1/deliveries/count": _listed(),
    "GET /v1/failures": _listed(),
    "GET /v1/webhooks/worst": _listed(),
    "GET /v1/webhooks/health": Rule(
        scope="read",
        does=200,
        others="none of them",
        query=lambda of: {"webhook_id": str(of.webhook)},
    ),
    "GET /v1/secrets": _listed(),
    "GET /v1/api-keys": _listed("admin"),
    "GET /v1/audit": _listed("admin"),
    "GET /v1/workers": _listed(),
    "GET /v1/organizations": Rule(scope="read", does=403, others="closed"),
    "GET /v1/system": Rule(scope="admin", does=403, others="closed"),
    "GET /v1/webhooks/{webhook_id}": Rule(scope="read", does=200),
    "GET /v1/webhooks/{webhook_id}/links": Rule(scope="read", does=200),
    "GET /v1/webhooks/{webhook_id}/revisions": Rule(scope="read", does=200),
    "GET /v1/deliveries/{delivery_id}": Rule(scope="read", does=200),
    "GET /v1/goals/{goal_id}/outputs": Rule(scope="read", does=200),
    "GET /v1/goals/{goal_id}/schema": Rule(scope="read", does=200),
    "GET /v1/goals/{goal_id}/commit-tool": Rule(scope="read", does=200),
    "GET /v1/sessions/{session_id}/callbacks": Rule(scope="read", does=200),
    "POST /v1/sessions/{session_id}/token": Rule(scope="write", does=201, body=_nothing),
    "POST /v1/goals/{goal_id}/validate": Rule(
        scope="write", does=200, body=lambda _: {"data": {"n": 1}}
    ),
    "POST /v1/webhooks": Rule(scope="write", does=201, body=_draft),
    "POST /v1/preview": Rule(scope="write", does=200, body=_draft),
    "PATCH /v1/webhooks/{webhook_id}": Rule(
        scope="write", does=200, body=lambda _: {"description": "changed"}
    ),
    "POST /v1/webhooks/{webhook_id}/preview": Rule(scope="write", does=200, body=_nothing),
    "POST /v1/webhooks/{webhook_id}/preview-held": Rule(scope="write", does=200, body=_nothing),
    "POST /v1/webhooks/{webhook_id}/test": Rule(scope="write", does=200, body=_nothing),
    "POST /v1/webhooks/{webhook_id}/resume": Rule(scope="write", does=200),
    "POST /v1/webhooks/{webhook_id}/pause": Rule(scope="write", does=200),
    "POST /v1/webhooks/{webhook_id}/rotate-secret": Rule(scope="write", does=200, body=_nothing),
    "POST /v1/webhooks/{webhook_id}/revisions/{revision}/restore": Rule(scope="write", does=200),
    "PUT /v1/webhooks/{webhook_id}/agents/{agent_id}": Rule(scope="write", does=204),
    "PUT /v1/webhooks/{webhook_id}/goals/{goal_id}": Rule(scope="write", does=204),
    "POST /v1/deliveries/replay": Rule(
        scope="replay",
        does=200,
        body=lambda of: {"webhook_id": str(of.webhook), "since": "2026-01-01T00:00:00Z"},
    ),
    "POST /v1/deliveries/{delivery_id}/retry": Rule(scope="replay", does=200),
    "POST /v1/deliveries/{delivery_id}/cancel": Rule(scope="replay", does=200, names=_WAITING),
    "PUT /v1/secrets/{secret_id}": Rule(
        scope="secrets", does=204, query=_whose, body=lambda _: {"value": "changed"}
    ),
    "POST /v1/api-keys": Rule(
        scope="admin", does=201, body=lambda of: {"name": "new", "scopes": ["read"]} | _whose(of)
    ),
    "DELETE /v1/api-keys/{key_id}": Rule(scope="admin", does=204),
    # Its webhook uses it; another's names nothing.
    "DELETE /v1/secrets/{secret_id}": Rule(scope="secrets", does=409),
    "DELETE /v1/webhooks/{webhook_id}/agents/{agent_id}": Rule(scope="write", does=204),
    "DELETE /v1/webhooks/{webhook_id}/goals/{goal_id}": Rule(scope="write", does=204),
    "DELETE /v1/webhooks/{webhook_id}": Rule(scope="write", does=204, names=_LOOSE),
}


async def ask(api: Api, call: str, of: Tenant, key: str, **options: Any) -> httpx.Response:
    """One call about a tenant's things, with somebody's key."""
    method, template = call.split()
    rule = RULES[call]
    if template.endswith("/callbacks"):
        # A stream does not end: its head is the answer.
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        path = f"/v1{rule.path(template, of)}"
        async with api.client.stream(method, path, headers=headers) as answer:
            if answer.status_code != 200:  # else there is an end
                await answer.aread()
            return answer
    if method == "POST":
        options.setdefault("headers", {})["Idempotency-Key"] = str(uuid4())
    return await api.call(
        method,
        rule.path(template, of),
        rule.body(of) if rule.body else None,
        key=key,
        params=rule.query(of) | options.pop("params", {}),
        **options,
    )


async def statuses(
    api: Api, of: Tenant, key: str, calls: dict[str, Rule] = RULES
) -> dict[str, int]:
    """The call → the status of its answer, one after the other."""
    return {call: (await ask(api, call, of, key)).status_code for call in calls}
