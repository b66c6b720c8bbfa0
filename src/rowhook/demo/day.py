"""The day of `rowhook demo --stay`: two more organizations, their webhooks and their endpoints."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

import msgspec

from rowhook.db import installation_queries
from rowhook.db.installation_queries import Gauges
from rowhook.demo import run_script
from rowhook.render.configuration import Configuration
from rowhook.services import links, webhooks
from rowhook.services.context import KeyringContext
from rowhook.services.webhook_documents import configuration_of
from rowhook.supervisor import is_set_within

BOREALIS = UUID("00000000-0000-4000-8000-00000000000b")
MERIDIAN = UUID("00000000-0000-4000-8000-00000000000c")
_TRIAGE = "00000000-0000-4000-8000-0000000000a3"
PREFIX = "/demo"
BROKEN, SLOW = "Carrier booking", "Data warehouse"
# Short while the day is written, so that refused deliveries become dead within a second.
_BRIEF_S = [0, 0.3, 0.6]
_USUAL_S = [0, 30, 300]
_DELAYS_S = {"warehouse": (1.2, 2.4), "help-desk": (0.06, 0.2), "chat": (0.03, 0.1)}
_USUAL_DELAY_S = (0.02, 0.08)
_DEADLINE_S = 60.0
_POLL_S = 0.1
_TRAFFIC_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer of an endpoint of the day, and its delay in seconds."""

    status: int
    delay_s: float
    body: bytes = b'{"ok": true}'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Output:
    organization: UUID
    configuration: Configuration
    agent: str | None = None
    goal: str | None = None


def _borealis(url: str) -> Iterator[_Output]:
    help_desk = Configuration(
        name="Help desk",
        url=f"{url}/help-desk/tickets/{{{{data.ticket}}}}",
        method="PUT",
        body_template='{"subject": "{{data.subject}}", "requester": "{{data.email}}",'
        ' "priority": "{{data.priority}}", "channel": "{{context.channel}}"}',
    )
    chat = Configuration(
        name="Chat alerts",
        url=f"{url}/chat/alerts",
        condition='job.status == "failed"',
        body_template='{"text": "{{agent.name}} failed: {{data.error | default("no reason")}}"}',
    )
    warehouse = Configuration(
        name=SLOW, url=f"{url}/warehouse/rows", max_in_flight=30, raw_payload=True
    )
    ledger = Configuration(
        name="Refund ledger",
        url=f"{url}/ledger/refunds",
        body_template='{"iban": "{{data.iban}}", "amount": {{data.amount}},'
        ' "holder": "{{data.customer}}"}',
    )
    yield _Output(organization=BOREALIS, configuration=help_desk, goal="goal_ticket")
    yield _Output(organization=BOREALIS, configuration=chat, agent=_TRIAGE)
    for configuration in (warehouse, ledger):
        yield _Output(organization=BOREALIS, configuration=configuration, goal="goal_refund")


def _meridian(url: str) -> Iterator[_Output]:
    carrier = Configuration(name=BROKEN, url=f"{url}/carrier/bookings")
    customs = Configuration(
        name="Customs declarations",
        url=f"{url}/customs/declarations",
        retry_schedule_s=_BRIEF_S,
        body_template='{"code": "{{data.hs_code}}", "weight_kg": {{data.weight_kg | tojson}}}',
        schema={
            "type": "object",
            "required": ["code", "weight_kg"],
            "properties": {"weight_kg": {"type": "number"}},
        },
    )
    yield _Output(organization=MERIDIAN, configuration=carrier, goal="goal_shipment")
    yield _Output(organization=MERIDIAN, configuration=customs, goal="goal_customs")


class Endpoints:
    """The customers' endpoints. `carrier_is_down` is set when the day comes to its outage."""

    def __init__(self) -> None:
        self.carrier_is_down = False
        self._dice = random.Random(7)  # noqa: S311  # delays, not secrets

    def answer(self, path: str, body: bytes) -> Answer:
        """Returns the answer of the endpoint at a path under `/demo`."""
        name = path.removeprefix(f"{PREFIX}/").partition("/")[0]
        delay_s = self._dice.uniform(*_DELAYS_S.get(name, _USUAL_DELAY_S))
        if name == "carrier" and self.carrier_is_down:
            return Answer(status=503, delay_s=delay_s, body=b'{"error": "down for maintenance"}')
        if name == "customs" and not _weight(body):
            return Answer(status=422, delay_s=delay_s, body=b'{"error": "weight_kg must be > 0"}')
        return Answer(status=200, delay_s=delay_s)


def _weight(body: bytes) -> object:
    document = json.loads(body)
    return document.get("weight_kg") if isinstance(document, Mapping) else None


async def _create_webhooks(ctx: KeyringContext, url: str) -> dict[str, UUID]:
    """Creates and links the webhooks; `url` is that of the receiver. Returns their ids by name."""
    ids: dict[str, UUID] = {}
    for output in (*_borealis(url + PREFIX), *_meridian(url + PREFIX)):
        webhook = await webhooks.create_webhook(ctx, output.organization, output.configuration)
        ids[output.configuration.name] = webhook.id
        if output.agent is not None:
            await links.link_agent(ctx, webhook.id, output.agent)
        if output.goal is not None:
            await links.link_goal(ctx, webhook.id, output.goal)
    return ids


async def _lengthen_schedule(ctx: KeyringContext, ids: Mapping[str, UUID]) -> None:
    """Gives the webhook that was retried briefly a usual schedule."""
    webhook = await webhooks.webhook_of(ctx, ids["Customs declarations"])
    usual = msgspec.structs.replace(configuration_of(webhook), retry_schedule_s=_USUAL_S)
    await webhooks.change_webhook(ctx, webhook.id, usual)


async def write_history(
    ctx: KeyringContext,
    dsn: str,
    receiver_url: str,
    endpoints: Endpoints,
    stop: asyncio.Event,
) -> None:
    """Delivers a day of commits of three organizations, and moves them into the last 24 hours.

    Everything is captured, rendered, signed and sent by the running worker. Then
    sql/demo/day_aging.sql moves the recorded rows to the times of the platform's rows.
    """
    await run_script(dsn, "day_platform")
    ids = await _create_webhooks(ctx, receiver_url)
    await run_script(dsn, "day_work")
    await _wait(ctx, lambda gauges: gauges.pending + gauges.sending == 0, stop)
    await _lengthen_schedule(ctx, ids)
    endpoints.carrier_is_down = True
    await run_script(dsn, "day_outage")
    await _wait(ctx, lambda gauges: gauges.circuits_open > 0 and gauges.sending == 0, stop)
    await run_script(dsn, "day_aging")


async def _wait(ctx: KeyringContext, is_met: Callable[[Gauges], bool], stop: asyncio.Event) -> None:
    async with asyncio.timeout(_DEADLINE_S):
        while not stop.is_set() and not is_met(await installation_queries.gauges(ctx.pool)):
            await asyncio.sleep(_POLL_S)


async def write_traffic(dsn: str, stop: asyncio.Event) -> None:
    """Writes a completion every two seconds until `stop` is set."""
    while not stop.is_set():
        await run_script(dsn, "traffic")
        await is_set_within(stop, _TRAFFIC_S)
