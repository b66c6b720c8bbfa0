"""Whether every expected request arrived exactly as expected, and nothing else did."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from rowhook.demo.script import TOKEN, Expected


class Arrived(Protocol):
    """A request as the receiver kept it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    verified: bool | None


def judge(
    expected: Sequence[Expected], arrived: Sequence[Arrived], deliveries: Sequence[dict[str, Any]]
) -> list[str]:
    """Everything that is not as it must be, a sentence each; empty means that all is well."""
    faults = [fault for one in expected for fault in _faults(one, arrived, deliveries)]
    known = {(one.key, one.path) for one in expected}
    faults += [
        f"nobody expected {one.method} {one.path} with key {one.headers.get('idempotency-key')}"
        for one in arrived
        if (one.headers.get("idempotency-key"), one.path) not in known
    ]
    if len(deliveries) != len(expected):
        faults.append(f"{len(deliveries)} deliveries, expected {len(expected)}")
    return faults


def _faults(
    one: Expected, arrived: Sequence[Arrived], deliveries: Sequence[dict[str, Any]]
) -> Iterator[str]:
    where = f"{one.webhook}, {one.key}"
    mine = [
        got
        for got in arrived
        if got.headers.get("idempotency-key") == one.key and got.path == one.path
    ]
    if len(mine) != one.requests:
        yield f"{where}: {len(mine)} requests, expected {one.requests}"
    for got in mine:
        yield from (f"{where}: {said}" for said in _content_faults(one, got))
    rows = [
        row for row in deliveries if row["webhook_name"] == one.webhook and row["key"] == one.key
    ]
    if [(row["status"], row["attempts"]) for row in rows] != [("delivered", one.attempts)]:
        found = [(row["status"], row["attempts"], row["last_error"]) for row in rows]
        yield f"{where}: expected one delivery after {one.attempts} attempts, found {found}"


def _content_faults(one: Expected, got: Arrived) -> Iterator[str]:
    if got.method != one.method:
        yield f"{got.method}, expected {one.method}"
    if got.verified is not True:
        yield "a signature does not verify"
    if one.body is not None and got.body != one.body:
        yield f"the body is {got.body!r}, expected {one.body!r}"
    if one.holds is not None:
        body = json.loads(got.body)
        yield from (
            f"{name} is {body.get(name)!r}, expected {value!r}"
            for name, value in one.holds.items()
            if body.get(name) != value
        )
    if one.webhook == "CRM" and got.headers.get("authorization") != f"Bearer {TOKEN}":
        yield "the secret did not arrive in its header"
