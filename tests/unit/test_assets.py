"""The checked-in browser files: built from the lock file, with versions and licences."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.npm import ASSETS, run

ROOT = ASSETS.parent
VENDOR = ROOT / "src/rowhook/dashboard/static/vendor"
ABOUT = {"VERSIONS.json", "LICENSES.txt"}
FREE = {"MIT", "0BSD", "OFL-1.1"}


def versions() -> dict[str, Any]:
    return dict(json.loads((VENDOR / "VERSIONS.json").read_text()))


def locked() -> dict[str, Any]:
    return dict(json.loads((ASSETS / "package-lock.json").read_text())["packages"])


def used() -> dict[str, dict[str, str]]:
    """Returns the version and licence of the packages of all files."""
    return {name: entry for file in versions().values() for name, entry in file["packages"].items()}


def test_every_file_is_listed_with_its_digest_and_its_packages() -> None:
    file_names = {path.name for path in VENDOR.iterdir()} - ABOUT
    assert set(versions()) == file_names
    for name, listed in versions().items():
        assert listed["sha256"] == hashlib.sha256((VENDOR / name).read_bytes()).hexdigest()
        assert listed["packages"]


def test_every_package_has_the_version_of_the_lock_file_and_a_free_licence() -> None:
    for name, entry in used().items():
        assert entry["version"] == locked()[f"node_modules/{name}"]["version"]
        assert entry["licence"] in FREE


def test_every_package_has_the_whole_text_of_its_licence() -> None:
    text = (VENDOR / "LICENSES.txt").read_text()
    parts = {part.split(" (")[0].strip(): part for part in text.split("-" * 80)}
    assert set(parts) == {f"{name} {entry['version']}" for name, entry in used().items()}
    for part in parts.values():
        assert "permission" in part.lower()
        assert "provided" in part.lower()


def test_htmx_and_its_extension_have_major_version_2_and_uplot_1() -> None:
    assert used()["htmx.org"]["version"].startswith("2.0.")
    assert used()["htmx-ext-sse"]["version"].startswith("2.")
    assert used()["uplot"]["version"].startswith("1.6.")
    assert "codemirror" not in used()


def test_development_packages_are_not_shipped() -> None:
    development = {name for name, entry in locked().items() if entry.get("dev")}
    assert "node_modules/axe-core" in development
    assert not development & {f"node_modules/{name}" for name in used()}


@pytest.mark.long
def test_the_checked_in_files_are_those_of_the_lock_file(folder: Path) -> None:
    run(str(ROOT / "bin/assets"), str(folder), folder=ROOT)
    built = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert built == {path.name: path.read_bytes() for path in VENDOR.iterdir()}
