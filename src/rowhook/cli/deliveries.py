"""`rowhook deliveries`: what was sent, what waits, what failed and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import rich_click as click

from rowhook.cli.exchange import show_request, show_response
from rowhook.cli.opened import known, with_reader
from rowhook.cli.options import as_json, noun, pages, time
from rowhook.cli.table import ago, exact, page, print_json, record, show, shown, span
from rowhook.operations import ServiceContext
from rowhook.operations.deliveries import delivery_of, list_deliveries
from rowhook.operations.documents import Attempt, Delivery, DeliveryWithAttempts
from rowhook.postgres import STATUSES, DeliveryFilter

_ENDED = ("dead", "cancelled", "skipped", "delivered")


@noun
def deliveries(**_: str | None) -> None:
    """What goes to webhooks. Alone: `deliveries list`."""


@deliveries.command("list")
@click.option(
    "--status", "statuses", type=click.Choice(STATUSES), multiple=True, help="May be repeated."
)
@click.option("--webhook", type=click.UUID, metavar="ID", help="To this webhook.")
@click.option("--job", metavar="ID", help="Of this job, as the platform writes its id.")
@click.option("--commit", metavar="ID", help="Of this commit.")
@click.option("--event-type", help="E.g. job.failed.")
@click.option("--status-code", type=int, help="What the last attempt was answered.")
@click.option("--since", type=time, help="Made in the last 2h, or since a time.")
@click.option("--until", type=time, help="Made before.")
@click.option("--organization", metavar="ID", help="Of this organization.")
@pages
@as_json
@with_reader
async def list_(
    registry: ServiceContext,
    organization: str | None,
    statuses: tuple[str, ...],
    limit: int,
    cursor: str | None,
    *,
    as_json: bool,
    **filters: Any,
) -> None:
    """Deliveries, newest first."""
    owner = await known(registry, organization)
    wanted = DeliveryFilter(organization=owner, statuses=statuses or STATUSES, **filters)
    found = await list_deliveries(registry, wanted, cursor=cursor, limit=limit)
    if as_json:
        print_json(found)
        return
    narrowed = owner or statuses or any(one is not None for one in filters.values())
    nothing = (
        "No delivery is like that. All of them: rowhook deliveries"
        if narrowed
        else "No deliveries yet. A finished job or a commit makes one for each webhook that its"
        " agent or goal is linked to: rowhook link"
    )
    page([_row(one) for one in found.items], found.next_cursor, nothing)


def _row(one: Delivery) -> dict[str, Any]:
    return {
        "id": one.id,
        "status": _status(one),
        "tries": one.attempts,
        "code": one.last_status_code,
        "created": one.created_at,
        "event": one.event_type,
        "key": one.key,
        "webhook": one.webhook_name or one.webhook_id,
        "error": one.last_error,
    }


def _status(one: Delivery) -> str:
    due = one.next_attempt_at
    if one.status not in ("pending", "held") or due is None or due <= datetime.now(UTC):
        return one.status
    return f"{one.status}, next {ago(due)}"


@deliveries.command("show")
@click.argument("delivery", type=click.IntRange(min=1))
@as_json
@with_reader
async def show_(registry: ServiceContext, delivery: int, *, as_json: bool) -> None:
    """One delivery, with each attempt: the request, and what answered it."""
    found = await delivery_of(registry, delivery)
    if as_json:
        print_json(found)
        return
    record(_fields(found))
    for attempt in found.tries:
        _show_attempt(attempt)
    if found.status in (*_ENDED, "held"):
        show("", f"Send it again: rowhook retry {found.id}")


def _fields(one: DeliveryWithAttempts) -> dict[str, Any]:
    fields = {
        "delivery": one.id,
        "status": _status(one),
        "tries": one.attempts,
        "webhook": f"{one.webhook_name or 'deleted'} ({one.webhook_id})",
        "event": f"{one.event_type or 'gone'} ({one.event_id})",
        "key": one.key,
        "job": one.job_id,
        "commit": one.commit_id,
        "created": exact(one.created_at),
        "finished": exact(one.finished_at),
        "latency": None if one.latency_ms is None else span(one.latency_ms / 1000),
        "last error": one.last_error,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _show_attempt(one: Attempt) -> None:
    code = "" if one.status_code is None else f" {one.status_code}"
    took = span(one.duration_ms / 1000)
    show(
        "",
        f"Attempt {one.number}: {one.outcome}{code} after {took}, {shown(one.started_at)},"
        f" revision {one.revision}",
    )
    if one.error:
        show(f"  {one.error}")
    show_request(one.request)
    show_response(one.status_code, one.response_headers, one.response_body)
