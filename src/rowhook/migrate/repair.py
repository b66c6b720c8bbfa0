"""What a person or a restore took from the schema or changed, and which steps bring it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rowhook.migrate.steps import BOOTSTRAP, FUNCTIONS, GRANTS, Step
from rowhook.postgres import Difference

_FINDINGS = ("missing", "changed", "not ours")
_PLURAL = {"policy": "policies"}


def to_apply(
    wanted: Iterable[Step], pending: Iterable[Step], differences: Iterable[Difference]
) -> list[Step]:
    """The pending steps and the repairing ones, in the order of `wanted`.

    Grants follow functions and views, for a new function is open to everybody. The bootstrap makes
    functions too.
    """
    names = {step.name for step in pending} | {found.step for found in differences}
    if FUNCTIONS in names:
        names |= {BOOTSTRAP, *(step.name for step in wanted if step.kind == "release")}
    if any(step.name in names for step in wanted if step.kind == "release") or BOOTSTRAP in names:
        names.add(GRANTS)
    return [step for step in wanted if step.name in names]


def described(differences: Sequence[Difference]) -> list[str]:
    """One line, such as `repair: 14 grants, 2 roles are missing; 1 grant is not ours`; or none."""
    parts = [
        _counted([found for found in differences if found.finding == finding], finding)
        for finding in _FINDINGS
    ]
    text = "; ".join(part for part in parts if part)
    return [f"repair: {text}"] if text else []


def _counted(differences: Sequence[Difference], what: str) -> str:
    if not differences:
        return ""
    kinds = Counter(found.kind for found in differences)
    counts = [
        f"{number} {kind if number == 1 else _PLURAL.get(kind, kind + 's')}"
        for kind, number in sorted(kinds.items())
    ]
    return f"{', '.join(counts)} {'is' if len(differences) == 1 else 'are'} {what}"
