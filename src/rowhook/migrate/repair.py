"""Repair of objects that were dropped or changed by hand or by a restore."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rowhook.migrate.steps import BOOTSTRAP, FUNCTIONS, GRANTS, Step
from rowhook.postgres import Difference

_FINDINGS = ("missing", "changed", "not ours")
_PLURAL = {"policy": "policies"}


def to_apply(
    steps: Iterable[Step], pending: Iterable[Step], differences: Iterable[Difference]
) -> list[Step]:
    """Returns the pending steps and those that repair differences, in the order of `steps`.

    Grants are applied after functions and views, because everybody may execute a new function. The
    bootstrap creates functions too.
    """
    names = {step.name for step in pending} | {difference.step for difference in differences}
    if FUNCTIONS in names:
        names |= {BOOTSTRAP, *(step.name for step in steps if step.kind == "release")}
    if any(step.name in names for step in steps if step.kind == "release") or BOOTSTRAP in names:
        names.add(GRANTS)
    return [step for step in steps if step.name in names]


def described(differences: Sequence[Difference]) -> list[str]:
    """Returns at most one line, `repair: 14 grants, 2 roles are missing; 1 grant is not ours`."""
    parts = [
        _counted(
            [difference for difference in differences if difference.finding == finding], finding
        )
        for finding in _FINDINGS
    ]
    text = "; ".join(part for part in parts if part)
    return [f"repair: {text}"] if text else []


def _counted(differences: Sequence[Difference], finding: str) -> str:
    if not differences:
        return ""
    kinds = Counter(difference.kind for difference in differences)
    counts = [
        f"{number} {kind if number == 1 else _PLURAL.get(kind, kind + 's')}"
        for kind, number in sorted(kinds.items())
    ]
    return f"{', '.join(counts)} {'is' if len(differences) == 1 else 'are'} {finding}"
