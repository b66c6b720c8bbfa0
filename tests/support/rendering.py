"""A webhook and an event to render."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from rowhook.egress.policy import EgressPolicy
from rowhook.model import Event, Outcome, Request
from rowhook.render.configuration import Configuration, ConfigurationRejected
from rowhook.render.request import render_request
from rowhook.render.webhook_compiler import Webhook, compile_webhook

PUBLIC = EgressPolicy()
LOCAL = EgressPolicy(allow_networks=(ipaddress.ip_network("127.0.0.0/8"),))
EPOCH_S = 1779539696.789
IDENTITY = {"id": UUID(int=1), "organization_id": UUID(int=2), "revision": 3, "secrets_version": 4}
EVENT = Event(
    id=42,
    type="goal.committed",
    key="commit_1",
    organization_id=UUID(int=2),
    occurred_at=datetime(2026, 5, 23, tzinfo=UTC),
    snapshot='{"commit_id":"commit_1","committed_at":"2026-05-23T12:00:00.000000Z"}',
    data='{"n": 1.10, "name": "Ada", "host": "evil.internal"}',
    context='{"tenant": "acme"}',
)


def configuration(**fields: Any) -> Configuration:
    return Configuration(**({"name": "hook", "url": "https://example.com/hook"} | fields))


def compile_fields(
    *, policy: EgressPolicy | None = PUBLIC, brand: str = "Roxels", **fields: Any
) -> Webhook:
    options = {name: fields.pop(name) for name in ("secrets", "allowed_hosts") if name in fields}
    return compile_webhook(
        configuration(**fields), identity=IDENTITY, brand=brand, policy=policy, **options
    )


def configuration_faults(**fields: Any) -> dict[str, str]:
    with pytest.raises(ConfigurationRejected) as refused:
        compile_fields(**fields)
    return {fault.pointer: fault.message for fault in refused.value.faults}


def rendered_request(event: Event = EVENT, policy: EgressPolicy = PUBLIC, **fields: Any) -> Request:
    request = render_request(
        compile_fields(policy=None, **fields), event, epoch_s=EPOCH_S, policy=policy
    )
    assert isinstance(request, Request), request
    return request


def render_outcome(event: Event = EVENT, policy: EgressPolicy = PUBLIC, **fields: Any) -> Outcome:
    request = render_request(
        compile_fields(policy=None, **fields), event, epoch_s=EPOCH_S, policy=policy
    )
    assert isinstance(request, Outcome), request
    return request
