"""`rowhook deliveries`, `retry`, `cancel` and `replay`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

import rich_click as click

from rowhook.cli.error_messages import CommandFailed
from rowhook.cli.operator_session import organization_filter, with_context, with_reader
from rowhook.cli.options import (
    WEBHOOK,
    Command,
    as_json,
    list_group,
    paging,
    timestamp,
    webhook_argument,
)
from rowhook.cli.output import (
    confirm,
    format_time,
    format_value,
    print_json,
    program,
    sanitize,
    show,
    show_page,
    show_record,
    show_request,
    show_response,
)
from rowhook.db.list_queries import DeliveryFilter
from rowhook.durations import format_duration, format_relative
from rowhook.model import FINAL_STATUSES, STATUSES, Verdict
from rowhook.services import deliveries as operations
from rowhook.services import lookups
from rowhook.services.context import NotFound, ServiceContext
from rowhook.services.deliveries import (
    REPLAYED,
    Attempt,
    Delivery,
    DeliveryWithAttempts,
    Replayable,
    delivery_of,
    list_deliveries,
)

# The error of a delivery has no advice, because customers read it too.
_ALLOW = (
    "To allow the address, set ROWHOOK_ALLOW_NETWORKS for `rowhook up`, or for worker and api, and"
    " restart them."
)


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
@click.option("--webhook", type=WEBHOOK, metavar="WEBHOOK", help="To this webhook, by id or name.")
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
        f"No matching deliveries. List all of them with: {program()} deliveries"
        if is_filtered
        else "No deliveries yet. A finished job or a commit creates one for each webhook that is"
        f" linked to its agent or goal. To link one: {program()} link"
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
    if result.tries and result.tries[-1].outcome == Verdict.TARGET_FORBIDDEN:
        show("", _ALLOW)
    if result.status in (*FINAL_STATUSES, "held"):
        show("", f"To send it again: {program()} retry {result.id}")


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


def delivery_ids(command: Command) -> Command:
    """Adds an argument for one or more delivery ids."""
    ids = click.argument(
        "deliveries", type=click.IntRange(1, 2**63 - 1), nargs=-1, required=True, metavar="ID…"
    )
    return ids(command)


def count(number: int, adjective: str = "") -> str:
    """Formats a number of deliveries: `1 delivery`, `2 waiting deliveries`."""
    noun = "delivery" if number == 1 else "deliveries"
    return " ".join(word for word in (str(number), adjective, noun) if word)


async def require_all(
    ctx: ServiceContext, deliveries: list[int], changed: int, *, status: str, rule: str
) -> None:
    """Raises CommandFailed for the deliveries that do not have `status`, if any was not changed."""
    if changed == len(deliveries):
        return
    states = [await _state(ctx, delivery) for delivery in deliveries]
    unchanged = [line for current, line in states if current != status]
    if unchanged:
        raise CommandFailed(f"{count(len(unchanged))} not changed. {rule}", *unchanged)


async def _state(ctx: ServiceContext, delivery: int) -> tuple[str, str]:
    try:
        status = (await operations.delivery_of(ctx, delivery)).status
    except NotFound as error:
        return "", str(error)
    return status, f"Delivery {delivery} is {status}."


@click.command()
@delivery_ids
@as_json
@with_context
async def retry(ctx: ServiceContext, deliveries: tuple[int, ...], *, as_json: bool) -> None:
    """Send deliveries again at once, with a fresh schedule and the same Idempotency-Key."""
    ids = list(dict.fromkeys(deliveries))
    result = await operations.retry(ctx, ids)
    if as_json:
        print_json(result)
    else:
        show(f"{count(result.deliveries)} queued. A worker sends them as soon as it is free.")
    rule = "A delivery that is being sent cannot be retried."
    await require_all(ctx, ids, result.deliveries, status="pending", rule=rule)


@click.command()
@delivery_ids
@as_json
@with_context
async def cancel(ctx: ServiceContext, deliveries: tuple[int, ...], *, as_json: bool) -> None:
    """Cancel deliveries that are pending, held or being sent. `rowhook retry` resends them."""
    ids = list(dict.fromkeys(deliveries))
    result = await operations.cancel(ctx, ids)
    if as_json:
        print_json(result)
    else:
        show(f"{count(result.deliveries)} cancelled.")
    rule = "Only pending, held and sending deliveries can be cancelled."
    await require_all(ctx, ids, result.deliveries, status="cancelled", rule=rule)


@click.command()
@webhook_argument
@click.option(
    "--since",
    type=timestamp,
    required=True,
    help="Created at or after this time, or in the last 2h.",
)
@click.option("--until", type=timestamp, help="Created before this time. Default: now.")
@click.option(
    "--status",
    "statuses",
    type=click.Choice(get_args(Replayable)),
    multiple=True,
    default=REPLAYED,
    show_default=True,
    help="Deliveries with this status. May be repeated.",
)
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), help="Deliveries per second, at most."
)
@click.option("--dry-run", is_flag=True, help="Only count the deliveries.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@as_json
@with_context
async def replay(
    ctx: ServiceContext,
    webhook: UUID,
    since: datetime,
    until: datetime | None,
    statuses: tuple[str, ...],
    *,
    rate: float | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Send the deliveries of a webhook in a time range again.

    Prints how many, and asks for confirmation on a terminal.
    """
    result = await operations.replay(
        ctx, webhook, since, until=until, statuses=statuses, dry_run=True
    )
    name = (await lookups.names_of_webhooks(ctx, [webhook]))[webhook].name
    selection = f"{count(result.deliveries)} to {name}, {'/'.join(statuses)}, created since"
    selection = sanitize(f"{selection} {format_time(since)}")
    if not dry_run and result.deliveries:
        if not yes and sys.stdin.isatty():
            confirm(f"{selection}. Send again?", declined="Nothing was sent.")
        result = await operations.replay(
            ctx, webhook, since, until=until, statuses=statuses, rate=rate
        )
    if as_json:
        print_json(result)
    elif dry_run or not result.deliveries:
        show(f"{selection}. Nothing was sent.")
    else:
        show(f"{count(result.deliveries)} queued{f', {rate:g} per second' if rate else ''}.")
