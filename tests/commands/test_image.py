"""The Dockerfile, the files that it may copy, and the requirements that it installs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.deployment import PROJECT, ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
REQUIREMENTS = ROOT / "deploy/image/requirements.txt"
BUILD = ROOT / "deploy/image/build-requirements.txt"


def locked(path: Path) -> dict[str, str]:
    """Returns the version of each package."""
    lines = re.findall(r"^([\w.-]+)==([^\s;\\]+)", path.read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in lines}


def required() -> list[Requirement]:
    """Returns the requirements of the image's wheel."""
    texts = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["mcp"]]
    return [Requirement(text) for text in texts]


def test_hadolint_finds_nothing() -> None:
    command = ["hadolint", "--failure-threshold", "info", str(ROOT / "Dockerfile")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_image_runs_as_a_numeric_user_from_a_second_stage() -> None:
    assert re.findall(r"^USER (.+)", DOCKERFILE, re.MULTILINE) == ["10001:10001"]
    stages = DOCKERFILE.split("\nFROM ")[1:]
    assert len(stages) == 2
    assert "RUN" not in stages[1], "commands belong into the first stage"


def test_the_labels_name_this_release_and_its_license() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]+)"', DOCKERFILE))
    assert labels["version"] == PROJECT["version"]
    assert labels["licenses"] == PROJECT["license"]
    assert {"title", "description"} <= labels.keys()


def test_the_build_context_has_exactly_the_files_that_the_dockerfile_copies() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    sent = {line[1:] for line in lines if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    copied = {source for line in copies for source in line.split()}
    assert lines[1] == "*"
    assert all(
        any(source == name or source.startswith(f"{name}/") for name in sent) for source in copied
    )
    assert all((ROOT / name).exists() for name in sent)


@pytest.mark.parametrize("requirement", required(), ids=str)
def test_the_locked_version_satisfies_pyproject(requirement: Requirement) -> None:
    version = locked(REQUIREMENTS).get(canonicalize_name(requirement.name))
    assert version is not None, "run deploy/image/lock"
    assert requirement.specifier.contains(version), "run deploy/image/lock"


def test_the_locked_build_backend_satisfies_pyproject() -> None:
    assert "'hatchling>=1.27'" in (ROOT / "deploy/image/lock").read_text().replace("\\n", "")
    assert 'requires = ["hatchling>=1.27"]' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("path", [REQUIREMENTS, BUILD], ids=lambda path: path.name)
def test_every_locked_package_has_a_hash(path: Path) -> None:
    entries = re.split(r"\n(?=\S)", path.read_text().strip())
    assert len(entries) == len(locked(path))
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.long
@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")
def test_a_new_lock_is_the_committed_one(folder: Path) -> None:
    shutil.copytree(ROOT / "deploy/image", folder / "deploy/image")
    shutil.copy(ROOT / "pyproject.toml", folder)
    subprocess.run([str(folder / "deploy/image/lock")], check=True)  # noqa: S603  # our own
    for path in (REQUIREMENTS, BUILD):
        assert locked(folder / path.relative_to(ROOT)) == locked(path), "run deploy/image/lock"
