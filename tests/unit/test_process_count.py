"""`rowhook worker --processes`: a number, or one for each core that may be used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import rich_click as click

from rowhook.cli import worker_command
from rowhook.cli.worker_command import process_count


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        (None, 6),
        ("max 100000", 6),
        ("250000 100000", 2),
        ("50000 100000", 1),
        ("9900000 100000", 6),
        ("", 6),
    ],
)
def test_auto_is_the_number_of_cores_within_the_limit_of_the_container(
    quota: str | None, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cpu.max"
    if quota is not None:
        path.write_text(quota)
    monkeypatch.setattr(worker_command, "_QUOTA", path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    assert process_count("auto") == expected


def test_there_are_at_most_64_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(96)))
    assert process_count("auto") == 64
    assert process_count("64") == 64
    for value in ("0", "65", "many"):
        with pytest.raises(click.BadParameter):
            process_count(value)
