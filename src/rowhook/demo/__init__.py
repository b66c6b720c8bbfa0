"""The demo: its platform and webhooks, the requests that each must receive, and the verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from rowhook.db import connection_pool, statements
from rowhook.migrate import steps
from rowhook.render.configuration import Configuration
from rowhook.services import links, lookups, webhooks
from rowhook.services.context import KeyringContext
from rowhook.services.secrets import put_secret

TOKEN = "demo-token-1d2c3b4a"  # noqa: S105  # not a real secret

CUSTOMER = """{"name": "{{data.name}}", "email": "{{data.email}}", "source": "rowhook demo",
 "external_id": "{{context.external_id}}", "captured_at": "{{committed_at}}"}"""
INVOICE_SCHEMA = {
    "type": "object",
    "required": ["number", "recipient"],
    "properties": {"recipient": {"type": "string", "format": "email"}},
}
BROKEN_INVOICE = '{"number": "{{data.number}}", "recipient": "{{data.number}}"}'
FIXED_INVOICE = '{"number": "{{data.number}}", "recipient": "{{data.to}}"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The platform of a demo run: its scripts in sql/demo, its agent, goals, jobs and commits.

    `scripts` is the prefix of the script names. `jobs` and `commits` are the idempotency keys.
    `owner` holds the agent and organization in the payload of a job, `raw` the data of the first
    commit.
    """

    scripts: str
    agent: str
    onboarding: str
    invoicing: str
    jobs: tuple[str, str]
    commits: tuple[str, str]
    owner: Mapping[str, object]
    raw: bytes


ROWHOOK_TABLES = Platform(
    scripts="",
    agent="Researcher",
    onboarding="goal_onboarding",
    invoicing="goal_invoice",
    jobs=("00000000-0000-4000-8000-0000000000c1", "00000000-0000-4000-8000-0000000000c2"),
    commits=("commit_ada", "commit_invoice"),
    owner={
        "agent": {"id": "00000000-0000-4000-8000-0000000000a1", "name": "Researcher"},
        "organization": {"id": "00000000-0000-4000-8000-00000000000a", "name": "Acme"},
    },
    raw=b'{"name": "Ada \\"Countess\\" Lovelace", "email": "ada@example.com",'
    b' "customer_id": "c/1 \xc3\xbc", "score": 1.10}',
)
# Its data is jsonb, which sorts the keys by length.
OWN_TABLES = Platform(
    scripts="own_",
    agent="12",
    onboarding="501",
    invoicing="502",
    jobs=("9007199254740993", "9007199254740994"),
    commits=("capture-11", "capture-12"),
    owner={
        "agent": {"id": "12", "name": "12"},
        "organization": {"id": "acme", "name": "acme"},
    },
    raw=b'{"name": "Ada \\"Countess\\" Lovelace", "email": "ada@example.com",'
    b' "score": 1.10, "customer_id": "c/1 \xc3\xbc"}',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A delivery that must arrive: where, in how many requests, and with which body.

    `body` is the exact body, `contains` are fields of a JSON body; None accepts any.
    """

    webhook: str
    key: str
    path: str
    method: str = "POST"
    requests: int = 1
    attempts: int = 1
    body: bytes | None = None
    contains: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The prepared demo: signing secrets by webhook, the broken webhook, expected deliveries."""

    secrets: dict[str, str]
    broken: UUID
    broken_configuration: Configuration
    expected: tuple[Expected, ...]

    @property
    def fixed_configuration(self) -> Configuration:
        """The broken output with a template that satisfies its schema."""
        return invoice_output(self.broken_configuration.url or "", FIXED_INVOICE)


class Arrived(Protocol):
    """A received request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    verified: bool | None


def invoice_output(url: str, template: str) -> Configuration:
    """Returns an output whose schema requires an e-mail address as the recipient."""
    return Configuration(
        name="Invoice mailer",
        url=url,
        body_template=template,
        schema=INVOICE_SCHEMA,
        retry_schedule_s=[0, 600],
    )


def _outputs(url: str) -> list[Configuration]:
    return [
        Configuration(name="Job log", url=f"{url}/jobs"),
        Configuration(
            name="CRM",
            url=f"{url}/v1/customers",
            body_template=CUSTOMER,
            headers={"Authorization": "Bearer {{secret:abc-123}}"},
        ),
        Configuration(
            name="Directory",
            method="PUT",
            url=f"{url}/v1/people/{{{{data.customer_id}}}}",
            body_template='{"score": {{data.score}}}',
        ),
        Configuration(name="Archive", url=f"{url}/archive", raw_payload=True),
        Configuration(name="Flaky ledger", url=f"{url}/ledger", retry_schedule_s=[0, 0.2, 0.4]),
        invoice_output(f"{url}/invoices", BROKEN_INVOICE),
    ]


def _expected(platform: Platform) -> tuple[Expected, ...]:
    onboarding_commit, invoice_commit = platform.commits
    customer = {
        "name": 'Ada "Countess" Lovelace',
        "email": "ada@example.com",
        "source": "rowhook demo",
        "external_id": "ext-42",
    }
    invoice = {"number": "2026-001", "recipient": "ada@example.com"}
    return (
        *(
            Expected(webhook="Job log", key=job, path="/jobs", contains=platform.owner)
            for job in platform.jobs
        ),
        Expected(webhook="CRM", key=onboarding_commit, path="/v1/customers", contains=customer),
        Expected(
            webhook="Directory",
            key=onboarding_commit,
            path="/v1/people/c%2F1%20%C3%BC",
            method="PUT",
            body=b'{"score": 1.10}',
        ),
        Expected(webhook="Archive", key=onboarding_commit, path="/archive", body=platform.raw),
        Expected(
            webhook="Flaky ledger", key=invoice_commit, path="/ledger", requests=3, attempts=3
        ),
        Expected(
            webhook="Invoice mailer",
            key=invoice_commit,
            path="/invoices",
            attempts=2,
            contains=invoice,
        ),
    )


async def prepare(ctx: KeyringContext, url: str, platform: Platform) -> Story:
    """Creates the secret, the webhooks and their links; `url` is that of the receiver."""
    (organization,) = (await lookups.list_organizations(ctx)).items
    await put_secret(ctx, organization.id, "abc-123", TOKEN, ["127.0.0.1"])
    secrets: dict[str, str] = {}
    webhook = None
    for output in _outputs(url):
        webhook = await webhooks.create_webhook(ctx, organization.id, output)
        secrets[output.name] = webhook.signing_secret or ""
        await _link(ctx, output.name, webhook.id, platform)
    if webhook is None:
        raise LookupError("The demo has no outputs.")
    return Story(
        secrets=secrets,
        broken=webhook.id,
        expected=_expected(platform),
        broken_configuration=invoice_output(f"{url}/invoices", BROKEN_INVOICE),
    )


async def _link(ctx: KeyringContext, name: str, webhook: UUID, platform: Platform) -> None:
    if name == "Job log":
        agents = (await lookups.list_agents(ctx)).items
        agent = next(agent.id for agent in agents if agent.name == platform.agent)
        await links.link_agent(ctx, webhook, agent)
    elif name in {"Flaky ledger", "Invoice mailer"}:
        await links.link_goal(ctx, webhook, platform.invoicing)
    else:
        await links.link_goal(ctx, webhook, platform.onboarding)


async def run_script(dsn: str, name: str) -> None:
    """Executes a script of sql/demo in a separate connection."""
    script = (steps.sql_folder() / "demo" / f"{name}.sql").read_text("utf-8")
    async with await connection_pool.connect(dsn) as connection:
        await statements.run_script(connection, script)


def find_faults(
    expected: Sequence[Expected], arrived: Sequence[Arrived], deliveries: Sequence[dict[str, Any]]
) -> list[str]:
    """Returns a line for each difference; empty if everything is as expected."""
    faults = [fault for delivery in expected for fault in _faults(delivery, arrived, deliveries)]
    expected_requests = {(delivery.key, delivery.path) for delivery in expected}
    faults += [
        f"unexpected request {request.method} {request.path}"
        f" with key {request.headers.get('idempotency-key')}"
        for request in arrived
        if (request.headers.get("idempotency-key"), request.path) not in expected_requests
    ]
    if len(deliveries) != len(expected):
        faults.append(f"{len(deliveries)} deliveries, expected {len(expected)}")
    return faults


def _faults(
    expected: Expected, arrived: Sequence[Arrived], deliveries: Sequence[dict[str, Any]]
) -> Iterator[str]:
    label = f"{expected.webhook}, {expected.key}"
    requests = [
        request
        for request in arrived
        if request.headers.get("idempotency-key") == expected.key and request.path == expected.path
    ]
    if len(requests) != expected.requests:
        yield f"{label}: {len(requests)} requests, expected {expected.requests}"
    for request in requests:
        yield from (f"{label}: {fault}" for fault in _content_faults(expected, request))
    rows = [
        row
        for row in deliveries
        if row["webhook_name"] == expected.webhook and row["key"] == expected.key
    ]
    if [(row["status"], row["attempts"]) for row in rows] != [("delivered", expected.attempts)]:
        actual = [(row["status"], row["attempts"], row["last_error"]) for row in rows]
        yield f"{label}: {actual}, expected one delivery after {expected.attempts} attempts"


def _content_faults(expected: Expected, request: Arrived) -> Iterator[str]:
    if request.method != expected.method:
        yield f"method {request.method}, expected {expected.method}"
    if request.verified is not True:
        yield "a signature is invalid"
    if expected.body is not None and request.body != expected.body:
        yield f"the body is {request.body!r}, expected {expected.body!r}"
    if expected.contains is not None:
        body = json.loads(request.body)
        yield from (
            f"{name} is {body.get(name)!r}, expected {value!r}"
            for name, value in expected.contains.items()
            if body.get(name) != value
        )
    if expected.webhook == "CRM" and request.headers.get("authorization") != f"Bearer {TOKEN}":
        yield "the secret is missing in its header"
