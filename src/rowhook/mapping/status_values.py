"""Maps the values of a status column to `succeeded` and `failed`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rowhook.mapping.proposal import Proposal

_COMPLETING = {
    **dict.fromkeys(
        ("done", "completed", "complete", "success", "successful", "succeeded", "ok", "finished"),
        "succeeded",
    ),
    **dict.fromkeys(("error", "errored", "failed", "failure"), "failed"),
}
# The effect of a mapping without a status_map.
_DEFAULT = {"succeeded": "succeeded", "failed": "failed"}


def with_status_map(
    proposal: Proposal,
    values: Sequence[str],
    current: Mapping[str, str] | None,
    requested: Mapping[str, str | None],
) -> Proposal:
    """Adds a `status_map` to the proposal if it differs from the default.

    `values` are those of the status column; `current` is the existing map of the same column;
    `requested` has precedence, and None leaves a value out.
    """
    known = _suggest(values) if current is None else current
    status_map = {
        value: status for value, status in {**known, **requested}.items() if status is not None
    }
    if not requested and status_map.items() <= _DEFAULT.items():
        return proposal
    reason = "--status-map" if requested else "its values" if current is None else "current"
    mapping: dict[str, Any] = {}
    for field, value in proposal.mapping.items():
        mapping |= {field: value, "status_map": status_map} if field == "status" else {field: value}
    return replace(proposal, mapping=mapping, reasons={**proposal.reasons, "status_map": reason})


def _suggest(values: Sequence[str]) -> dict[str, str]:
    return {value: _COMPLETING[value.lower()] for value in values if value.lower() in _COMPLETING}


def completing(proposal: Proposal) -> dict[str, str]:
    """Returns the values that complete a job, each with `succeeded` or `failed`."""
    status_map = proposal.mapping.get("status_map", _DEFAULT)
    return {value: status for value, status in status_map.items() if status in _DEFAULT}
