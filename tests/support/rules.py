"""The access rules of REST: one rule for each call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

import httpx

from rowhook.services.access import Scope
from tests.support.calls import Api
from tests.support.tenants import Tenant

# The result for a key of another organization: 404, only its own rows, an empty list, or 403.
Others = Literal["absent", "own rows", "none of them", "closed"]
FromTenant = Callable[[Tenant], dict[str, Any]]


def _empty(_: Tenant) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The rule of a call. `status` is that of the organization's own key with all scopes.

    `path_values` override the ids in the path.
    """

    scope: Scope
    status: int
    others: Others = "absent"
    body: FromTenant | None = None
    query: FromTenant = _empty
    path_values: dict[str, Callable[[Tenant], object]] = field(default_factory=dict)

    def path(self, template: str, tenant: Tenant) -> str:
        """Returns the path with the ids of a tenant."""
        values: dict[str, object] = {
            "webhook_id": tenant.webhook,
            "agent_id": tenant.platform.agent,
            "goal_id": tenant.platform.goal,
            "delivery_id": tenant.dead,
            "key_id": tenant.key_id,
            "secret_id": tenant.secret,
            "session_id": tenant.session,
            "event_id": tenant.event,
            "organization_id": tenant.organization,
            "revision": 1,
        }
        values |= {name: value_of(tenant) for name, value_of in self.path_values.items()}
        return template.removeprefix("/v1").format_map(values)


def _organization_of(tenant: Tenant) -> dict[str, Any]:
    return {"organization_id": str(tenant.organization)}


def _draft(tenant: Tenant) -> dict[str, Any]:
    return {"name": "new", "url": "http://127.0.0.1:9/"} | _organization_of(tenant)


_UNLINKED: dict[str, Callable[[Tenant], object]] = {
    "webhook_id": lambda tenant: tenant.unlinked_webhook
}
_WAITING: dict[str, Callable[[Tenant], object]] = {"delivery_id": lambda tenant: tenant.waiting}


def _list_rule(scope: Scope = "read") -> Rule:
    return Rule(scope=scope, status=200, others="own rows")


# The calls are made in this order: deletions come last.
RULES = {
    "GET /v1/webhooks": _list_rule(),
    "GET /v1/agents": _list_rule(),
    "GET /v1/goals": _list_rule(),
    "GET /v1/deliveries": _list_rule(),
    "GET /v1/events": _list_rule(),
    "GET /v1/events/recent": _list_rule(),
    "GET /v1/events/{event_id}": Rule(scope="read", status=200),
    "GET /v1/stats": _list_rule(),
    "GET /v1/stats/series": _list_rule(),
    "GET /v1/deliveries/count": _list_rule(),
    "GET /v1/failures": _list_rule(),
    "GET /v1/webhooks/worst": _list_rule(),
    "GET /v1/webhooks/health": Rule(
        scope="read",
        status=200,
        others="none of them",
        query=lambda tenant: {"webhook_id": str(tenant.webhook)},
    ),
    "GET /v1/secrets": _list_rule(),
    "GET /v1/api-keys": _list_rule("admin"),
    "GET /v1/audit": _list_rule("admin"),
    "GET /v1/workers": _list_rule(),
    "GET /v1/organizations": Rule(scope="read", status=403, others="closed"),
    "GET /v1/organizations/{organization_id}": Rule(scope="read", status=200),
    "PATCH /v1/organizations/{organization_id}": Rule(
        scope="admin", status=403, body=lambda _: {"quota": {"webhooks": 9}}
    ),
    "GET /v1/organizations/{organization_id}/alert-thresholds": Rule(scope="read", status=200),
    "PATCH /v1/organizations/{organization_id}/alert-thresholds": Rule(
        scope="write", status=200, body=lambda _: {"held": 3}
    ),
    "GET /v1/organizations/{organization_id}/export": Rule(scope="admin", status=403),
    "POST /v1/organizations/{organization_id}/erase": Rule(
        scope="admin", status=403, body=lambda tenant: {"confirm": str(tenant.organization)}
    ),
    "GET /v1/system": Rule(scope="admin", status=403, others="closed"),
    "GET /v1/webhooks/{webhook_id}": Rule(scope="read", status=200),
    "GET /v1/webhooks/{webhook_id}/links": Rule(scope="read", status=200),
    "GET /v1/webhooks/{webhook_id}/revisions": Rule(scope="read", status=200),
    "GET /v1/deliveries/{delivery_id}": Rule(scope="read", status=200),
    "GET /v1/goals/{goal_id}/outputs": Rule(scope="read", status=200),
    "GET /v1/goals/{goal_id}/schema": Rule(scope="read", status=200),
    "GET /v1/goals/{goal_id}/commit-tool": Rule(scope="read", status=200),
    "GET /v1/sessions/{session_id}/callbacks": Rule(scope="read", status=200),
    "POST /v1/sessions/{session_id}/token": Rule(scope="write", status=201, body=_empty),
    "POST /v1/goals/{goal_id}/validate": Rule(
        scope="write", status=200, body=lambda _: {"data": {"n": 1}}
    ),
    "POST /v1/webhooks": Rule(scope="write", status=201, body=_draft),
    "POST /v1/preview": Rule(scope="write", status=200, body=_draft),
    "PATCH /v1/webhooks/{webhook_id}": Rule(
        scope="write", status=200, body=lambda _: {"description": "changed"}
    ),
    "POST /v1/webhooks/{webhook_id}/preview": Rule(scope="write", status=200, body=_empty),
    "POST /v1/webhooks/{webhook_id}/preview-held": Rule(scope="write", status=200, body=_empty),
    "POST /v1/webhooks/{webhook_id}/test": Rule(scope="write", status=200, body=_empty),
    "POST /v1/webhooks/{webhook_id}/resume": Rule(scope="write", status=200),
    "POST /v1/webhooks/{webhook_id}/pause": Rule(scope="write", status=200),
    "POST /v1/webhooks/{webhook_id}/rotate-secret": Rule(scope="write", status=200, body=_empty),
    "POST /v1/webhooks/{webhook_id}/revisions/{revision}/restore": Rule(scope="write", status=200),
    "PUT /v1/webhooks/{webhook_id}/agents/{agent_id}": Rule(scope="write", status=204),
    "PUT /v1/webhooks/{webhook_id}/goals/{goal_id}": Rule(scope="write", status=204),
    "POST /v1/deliveries/replay": Rule(
        scope="replay",
        status=200,
        body=lambda tenant: {"webhook_id": str(tenant.webhook), "since": "2026-01-01T00:00:00Z"},
    ),
    "POST /v1/deliveries/{delivery_id}/retry": Rule(scope="replay", status=200),
    "POST /v1/deliveries/{delivery_id}/cancel": Rule(
        scope="replay", status=200, path_values=_WAITING
    ),
    "PUT /v1/secrets/{secret_id}": Rule(
        scope="secrets", status=204, query=_organization_of, body=lambda _: {"value": "changed"}
    ),
    "POST /v1/api-keys": Rule(
        scope="admin",
        status=201,
        body=lambda tenant: {"name": "new", "scopes": ["read"]} | _organization_of(tenant),
    ),
    "POST /v1/portal-links": Rule(scope="write", status=201, body=_organization_of),
    "DELETE /v1/api-keys/{key_id}": Rule(scope="admin", status=204),
    # A webhook uses the secret.
    "DELETE /v1/secrets/{secret_id}": Rule(scope="secrets", status=409),
    "DELETE /v1/webhooks/{webhook_id}/agents/{agent_id}": Rule(scope="write", status=204),
    "DELETE /v1/webhooks/{webhook_id}/goals/{goal_id}": Rule(scope="write", status=204),
    "DELETE /v1/webhooks/{webhook_id}": Rule(scope="write", status=204, path_values=_UNLINKED),
}


async def send_call(
    api: Api, call: str, tenant: Tenant, key: str, **options: Any
) -> httpx.Response:
    """Makes a call for resources of a tenant with any key."""
    method, template = call.split()
    rule = RULES[call]
    if template.endswith("/callbacks"):
        # The stream does not end, so only its headers are read.
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        path = f"/v1{rule.path(template, tenant)}"
        async with api.client.stream(method, path, headers=headers) as response:
            if response.status_code != 200:
                await response.aread()
            return response
    if method == "POST":
        options.setdefault("headers", {})["Idempotency-Key"] = str(uuid4())
    return await api.call(
        method,
        rule.path(template, tenant),
        rule.body(tenant) if rule.body else None,
        key=key,
        params=rule.query(tenant) | options.pop("params", {}),
        **options,
    )


async def statuses(
    api: Api, tenant: Tenant, key: str, calls: dict[str, Rule] = RULES
) -> dict[str, int]:
    """Makes the calls in order and returns the status of each."""
    return {call: (await send_call(api, call, tenant, key)).status_code for call in calls}
