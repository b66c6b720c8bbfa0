"""`rowhook deliveries`: lists deliveries and shows their attempts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import rich_click as click

from rowhook.cli.exchange import show_request, show_response
from rowhook.cli.opened import organization_filter, with_reader
from rowhook.cli.options import as_json, list_group, paging, timestamp
from rowhook.cli.table import (
    format_duration,
    format_relative,
    format_time,
    format_value,
    print_json,
    show,
    show_page,
    show_record,
)
from rowhook.operations import ServiceContext
from rowhook.operations.deliveries import delivery_of, list_deliveries
from rowhook.operations.documents import Attempt, Delivery, DeliveryWithAttempts
from rowhook.postgres import STATUSES, DeliveryFilter

_FINAL = ("dead", "cancelled", "skipped", "delivered")


@list_group
def deliveries(**_: str | None) -> None:
    """List and show deliveries. Without a command: `deliveries list`."""


@deliveries.command("list")
@click.option(
    "--status",
    "statuses",
    type=click.Choice(STATUSES),
    multiple=True,
    help="With this status. May be repeated.",
)
@click.option("--webhook", type=click.UUID, metavar="ID", help="To this webhook.")
@click.option("--job", metavar="ID", help="Of this job. The id is the platform's.")
@click.option("--commit", metavar="ID", help="Of this commit.")
@click.option("--event-type", help="Of this type of event, e.g. job.failed.")
@click.option("--status-code", type=int, help="With this status code at the last attempt.")
@click.option("--since", type=timestamp, help="Created at or after this time, or in the last 2h.")
@click.option("--until", type=timestamp, help="Created before this time.")
@click.option("--organization", metavar="ID", help="Of this organization.")
@paging
@as_json
@with_reader
async def list_(
    ctx: ServiceContext,
    organization: str | None,
    statuses: tuple[str, ...],
    limit: int,
    cursor: str | None,
    *,
    as_json: bool,
    **filters: Any,
) -> None:
    """List deliveries, newest first."""
    owner = await organization_filter(ctx, organization)
    selection = DeliveryFilter(organization=owner, statuses=statuses or STATUSES, **filters)
    result = await list_deliveries(ctx, selection, cursor=cursor, limit=limit)
    if as_json:
        print_json(result)
        return
    is_filtered = owner or statuses or any(value is not None for value in filters.values())
    empty = (
        "No matching deliveries. List all of them with: rowhook deliveries"
        if is_filtered
        else "No deliveries yet. A finished job or a commit creates one for each webhook that is"
        " linked to its agent or goal. To link one: rowhook link"
    )
    show_page([_row(delivery) for delivery in result.items], result.next_cursor, empty)


def _row(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "status": _status(delivery),
        "attempts": delivery.attempts,
        "code": delivery.last_status_code,
        "created": delivery.created_at,
        "event": delivery.event_type,
        "key": delivery.key,
        "webhook": delivery.webhook_name or delivery.webhook_id,
        "error": delivery.last_error,
    }


def _status(delivery: Delivery) -> str:
    due = delivery.next_attempt_at
    if delivery.status not in ("pending", "held") or due is None or due <= datetime.now(UTC):
        return delivery.status
    return f"{delivery.status}, next {format_relative(due)}"


@deliveries.command("show")
@click.argument("delivery", type=click.IntRange(min=1))
@as_json
@with_reader
async def show_(ctx: ServiceContext, delivery: int, *, as_json: bool) -> None:
    """Show a delivery with the request and response of each attempt."""
    result = await delivery_of(ctx, delivery)
    if as_json:
        print_json(result)
        return
    show_record(_fields(result))
    for attempt in result.tries:
        _show_attempt(attempt)
    if result.status in (*_FINAL, "held"):
        show("", f"To send it again: rowhook retry {result.id}")


def _fields(delivery: DeliveryWithAttempts) -> dict[str, Any]:
    latency = delivery.latency_ms
    fields = {
        "delivery": delivery.id,
        "status": _status(delivery),
        "attempts": delivery.attempts,
        "webhook": f"{delivery.webhook_name or 'deleted'} ({delivery.webhook_id})",
        "event": f"{delivery.event_type or 'removed'} ({delivery.event_id})",
        "key": delivery.key,
        "job": delivery.job_id,
        "commit": delivery.commit_id,
        "created": format_time(delivery.created_at),
        "finished": format_time(delivery.finished_at),
        "latency": None if latency is None else format_duration(latency / 1000),
        "last error": delivery.last_error,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _show_attempt(attempt: Attempt) -> None:
    code = "" if attempt.status_code is None else f" {attempt.status_code}"
    duration = format_duration(attempt.duration_ms / 1000)
    show(
        "",
        f"Attempt {attempt.number}: {attempt.outcome}{code} after {duration},"
        f" {format_value(attempt.started_at)}, revision {attempt.revision}",
    )
    if attempt.error:
        show(f"  {attempt.error}")
    show_request(attempt.request)
    show_response(attempt.status_code, attempt.response_headers, attempt.response_body)
