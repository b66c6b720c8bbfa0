"""Compares the received requests and the deliveries with the expected ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from rowhook.demo.script import TOKEN, Expected


class Arrived(Protocol):
    """A received request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    verified: bool | None


def find_faults(
    expected: Sequence[Expected], arrived: Sequence[Arrived], deliveries: Sequence[dict[str, Any]]
) -> list[str]:
    """Returns a line for each difference; empty if everything is as expected."""
    faults = [fault for delivery in expected for fault in _faults(delivery, arrived, deliveries)]
    known = {(delivery.key, delivery.path) for delivery in expected}
    faults += [
        f"unexpected request {request.method} {request.path}"
        f" with key {request.headers.get('idempotency-key')}"
        for request in arrived
        if (request.headers.get("idempotency-key"), request.path) not in known
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
