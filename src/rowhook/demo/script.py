"""The demo's webhooks and what each must receive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from rowhook import operations
from rowhook.compose import Configuration
from rowhook.operations import KeyringContext

TOKEN = "demo-token-1d2c3b4a"  # noqa: S105  # made up: it shows that secrets travel

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
class Ground:
    """A platform of the demo: its scripts in sql/demo, and what it calls its agent and its goals.

    `jobs` and `commits` are the keys of what it completes, `named` is whose jobs the payloads say
    they are, `raw` the first commit's data.
    """

    scripts: str
    agent: str
    onboarding: str
    invoicing: str
    jobs: tuple[str, str]
    commits: tuple[str, str]
    named: Mapping[str, object]
    raw: bytes


ROWHOOK_TABLES = Ground(
    scripts="",
    agent="Researcher",
    onboarding="goal_onboarding",
    invoicing="goal_invoice",
    jobs=("00000000-0000-4000-8000-0000000000c1", "00000000-0000-4000-8000-0000000000c2"),
    commits=("commit_ada", "commit_invoice"),
    named={
        "agent": {"id": "00000000-0000-4000-8000-0000000000a1", "name": "Researcher"},
        "organization": {"id": "00000000-0000-4000-8000-00000000000a", "name": "Acme"},
    },
    raw=b'{"name": "Ada \\"Countess\\" Lovelace", "email": "ada@example.com",'
    b' "customer_id": "c/1 \xc3\xbc", "score": 1.10}',
)
# Its data is jsonb, which orders the keys.
OWN_TABLES = Ground(
    scripts="own_",
    agent="12",
    onboarding="501",
    invoicing="502",
    jobs=("9007199254740993", "9007199254740994"),
    commits=("capture-11", "capture-12"),
    named={
        "agent": {"id": "12", "name": "12"},
        "organization": {"id": "acme", "name": "acme"},
    },
    raw=b'{"name": "Ada \\"Countess\\" Lovelace", "email": "ada@example.com",'
    b' "score": 1.10, "customer_id": "c/1 \xc3\xbc"}',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One delivery that must arrive: how often, where, and with which body (None: any)."""

    webhook: str
    key: str
    path: str
    method: str = "POST"
    requests: int = 1
    attempts: int = 1
    body: bytes | None = None
    holds: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What was set up: webhook → signing secret, the one to mend, and all that must arrive."""

    secrets: dict[str, str]
    broken: UUID
    broken_configuration: Configuration
    expected: tuple[Expected, ...]

    @property
    def fixed_configuration(self) -> Configuration:
        """The broken output with the template that its schema accepts."""
        return invoice_output(self.broken_configuration.url or "", FIXED_INVOICE)


def invoice_output(url: str, template: str) -> Configuration:
    """An output that must name a recipient who is an e-mail address."""
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


def _expected(ground: Ground) -> tuple[Expected, ...]:
    onboarded, invoiced = ground.commits
    customer = {
        "name": 'Ada "Countess" Lovelace',
        "email": "ada@example.com",
        "source": "rowhook demo",
        "external_id": "ext-42",
    }
    invoice = {"number": "2026-001", "recipient": "ada@example.com"}
    return (
        *(
            Expected(webhook="Job log", key=job, path="/jobs", holds=ground.named)
            for job in ground.jobs
        ),
        Expected(webhook="CRM", key=onboarded, path="/v1/customers", holds=customer),
        Expected(
            webhook="Directory",
            key=onboarded,
            path="/v1/people/c%2F1%20%C3%BC",
            method="PUT",
            body=b'{"score": 1.10}',
        ),
        Expected(webhook="Archive", key=onboarded, path="/archive", body=ground.raw),
        Expected(webhook="Flaky ledger", key=invoiced, path="/ledger", requests=3, attempts=3),
        Expected(
            webhook="Invoice mailer", key=invoiced, path="/invoices", attempts=2, holds=invoice
        ),
    )


async def prepare(ctx: KeyringContext, url: str, ground: Ground) -> Story:
    """Saves the secret and the webhooks and links them; `url` is the receiver's."""
    (organization,) = (await operations.list_organizations(ctx)).items
    await operations.put_secret(ctx, organization.id, "abc-123", TOKEN, ["127.0.0.1"])
    secrets: dict[str, str] = {}
    saved = None
    for output in _outputs(url):
        saved = await operations.create_webhook(ctx, organization.id, output)
        secrets[output.name] = saved.signing_secret or ""
        await _link(ctx, output.name, saved.id, ground)
    if saved is None:
        raise LookupError("the demo has no outputs")
    return Story(
        secrets=secrets,
        broken=saved.id,
        expected=_expected(ground),
        broken_configuration=invoice_output(f"{url}/invoices", BROKEN_INVOICE),
    )


async def _link(ctx: KeyringContext, name: str, webhook: UUID, ground: Ground) -> None:
    if name == "Job log":
        agents = (await operations.list_agents(ctx)).items
        agent = next(agent.id for agent in agents if agent.name == ground.agent)
        await operations.link_agent(ctx, webhook, agent)
    elif name in {"Flaky ledger", "Invoice mailer"}:
        await operations.link_goal(ctx, webhook, ground.invoicing)
    else:
        await operations.link_goal(ctx, webhook, ground.onboarding)
