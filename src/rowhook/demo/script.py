"""The webhooks of the demo and the requests that each must receive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from rowhook import operations
from rowhook.compose import Configuration
from rowhook.operations import KeyringContext

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
    (organization,) = (await operations.list_organizations(ctx)).items
    await operations.put_secret(ctx, organization.id, "abc-123", TOKEN, ["127.0.0.1"])
    secrets: dict[str, str] = {}
    webhook = None
    for output in _outputs(url):
        webhook = await operations.create_webhook(ctx, organization.id, output)
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
        agents = (await operations.list_agents(ctx)).items
        agent = next(agent.id for agent in agents if agent.name == platform.agent)
        await operations.link_agent(ctx, webhook, agent)
    elif name in {"Flaky ledger", "Invoice mailer"}:
        await operations.link_goal(ctx, webhook, platform.invoicing)
    else:
        await operations.link_goal(ctx, webhook, platform.onboarding)
