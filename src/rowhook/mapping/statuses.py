"""Which values of a status column complete a job, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rowhook.mapping.propose import Proposal

_COMPLETING = {
    **dict.fromkeys(
        ("done", "completed", "complete", "success", "successful", "succeeded", "ok", "finished"),
        "succeeded",
    ),
    **dict.fromkeys(("error", "errored", "failed", "failure"), "failed"),
}
# What completes a job where a mapping has no status_map.
_DEFAULT = {"succeeded": "succeeded", "failed": "failed"}


def with_status_map(
    proposal: Proposal,
    values: Sequence[str],
    current: Mapping[str, str] | None,
    wanted: Mapping[str, str | None],
) -> Proposal:
    """The proposal with a `status_map`, where it differs from what holds without one.

    `values` are those of the status column; `current` is the map so far, if it was read from the
    same column; `wanted` comes first, None leaves a value out.
    """
    known = _suggested(values) if current is None else current
    status_map = {
        value: status for value, status in {**known, **wanted}.items() if status is not None
    }
    if not wanted and status_map.items() <= _DEFAULT.items():
        return proposal
    reason = "--status-map" if wanted else "its values" if current is None else "so far"
    mapping: dict[str, Any] = {}
    for field, value in proposal.mapping.items():
        mapping |= {field: value, "status_map": status_map} if field == "status" else {field: value}
    return replace(proposal, mapping=mapping, reasons={**proposal.reasons, "status_map": reason})


def _suggested(values: Sequence[str]) -> dict[str, str]:
    return {value: _COMPLETING[value.lower()] for value in values if value.lower() in _COMPLETING}


def completing(proposal: Proposal) -> dict[str, str]:
    """The values that complete a job, each with succeeded or failed."""
    status_map = proposal.mapping.get("status_map", _DEFAULT)
    return {value: status for value, status in status_map.items() if status in _DEFAULT}
