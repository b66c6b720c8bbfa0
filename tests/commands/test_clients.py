"""The packages for receivers, built from a clone, installed and used as their README shows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import venv
from base64 import b64encode
from pathlib import Path

import pytest

from rowhook.security.sign import Signer, new_signing_secret

ROOT = Path(__file__).parents[2]
SECRET, OTHER = new_signing_secret(bytes(range(32))), new_signing_secret(b"x" * 32)
BODY = '{"city": "Zürich"}'.encode()
PYTHON_MAIN = """
import base64, json, sys
for line in sys.stdin:
    case = json.loads(line)
    print("status", handle(case["headers"], base64.b64decode(case["body"])))
"""
NODE_MAIN = """
import { readFileSync } from "node:fs";
for (const line of readFileSync(0, "utf8").trim().split("\\n")) {
  const { headers, body } = JSON.parse(line);
  console.log("status", await handle(headers, Buffer.from(body, "base64")));
}
"""


def signed(*secrets: str, ago: int = 0) -> dict[str, str]:
    signer = Signer(brand="Roxels", secrets=secrets)
    return dict(signer.headers(key="commit_1", timestamp=int(time.time()) - ago, body=BODY))


def requests() -> list[tuple[dict[str, str], bytes, int]]:
    """Returns headers, body and expected status of requests that are signed now."""
    return [
        (signed(SECRET), BODY, 204),
        (signed(OTHER, SECRET), BODY, 204),
        (signed(SECRET, OTHER), BODY, 204),
        (signed(SECRET), BODY + b" ", 400),
        (signed(SECRET, ago=400), BODY, 400),
        (signed(OTHER), BODY, 400),
        ({}, BODY, 400),
    ]


def expected_and_received(folder: Path, *command: str | Path) -> tuple[list[int], list[int]]:
    """Passes the requests to a receiver; returns the expected statuses and its own."""
    cases = requests()
    lines = "\n".join(
        json.dumps({"headers": headers, "body": b64encode(body).decode()})
        for headers, body, _ in cases
    )
    return [status for *_, status in cases], statuses(run(*command, folder=folder, stdin=lines))


@pytest.fixture
def clone(folder: Path) -> Path:
    """Returns a copy of the sources of the packages."""
    shutil.copytree(ROOT / "clients", folder / "clients")
    (folder / "src/rowhook").mkdir(parents=True)
    for name in ("verify.py", "verify.mjs"):
        shutil.copy(ROOT / "src/rowhook" / name, folder / "src/rowhook")
    return folder


def run(*command: str | Path, folder: Path, stdin: str = "") -> str:
    """Returns the output of a program; a failure contains its errors."""
    completed = subprocess.run(  # noqa: S603  # our own
        command,
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | {"SECRET": SECRET},
    )
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


def build(folder: Path, target: str, output: Path) -> Path:
    """Builds a distribution from a folder and returns its file."""
    run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", output, folder=folder)
    (built,) = output.iterdir()
    return built


def example(language: str) -> str:
    """Returns the code of the README of a package."""
    readme = (ROOT / "clients" / language / "README.md").read_text()
    blocks = re.findall(r"```(?:python|js)\n(.*?)```", readme, re.DOTALL)
    return "".join(blocks)


def statuses(output: str) -> list[int]:
    return [int(status) for status in re.findall(r"^status (\d+)$", output, re.MULTILINE)]


@pytest.mark.long
def test_the_python_package_verifies_requests_in_a_new_environment(clone: Path) -> None:
    sources = build(clone / "clients/python", "sdist", clone / "sdist")
    shutil.unpack_archive(sources, clone / "unpacked", filter="data")
    (unpacked,) = (clone / "unpacked").iterdir()
    wheel = build(unpacked, "wheel", clone / "wheel")
    venv.create(clone / "environment", with_pip=True)
    python = clone / "environment/bin/python"
    run(python, "-m", "pip", "install", "--no-index", "--no-deps", wheel, folder=clone)
    (clone / "receiver.py").write_text(example("python") + PYTHON_MAIN)
    expected, received = expected_and_received(clone, python, "-I", "receiver.py")
    assert received == expected


def test_the_wheel_of_a_clone_and_of_the_source_distribution_contain_the_module(
    clone: Path,
) -> None:
    wheel = build(clone / "clients/python", "wheel", clone / "wheel")
    shutil.unpack_archive(wheel, clone / "unpacked", "zip")
    module = clone / "unpacked/rowhook_verify.py"
    assert module.read_bytes() == (ROOT / "src/rowhook/verify.py").read_bytes()
    assert list((clone / "unpacked").glob("*.dist-info/licenses/LICENSE"))


@pytest.mark.long
def test_the_npm_package_verifies_requests_in_node(clone: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: apt-get install npm")
    package, receiver = clone / "clients/js", clone / "receiver"
    receiver.mkdir()
    run("npm", "pack", "--pack-destination", receiver, folder=package)
    (packed,) = receiver.glob("*.tgz")
    (receiver / "package.json").write_text('{"private": true, "type": "module"}')
    flags = ("--offline", "--no-audit", "--no-fund")
    run("npm", "install", *flags, f"./{packed.name}", folder=receiver)
    (receiver / "main.js").write_text(example("js") + NODE_MAIN)
    expected, received = expected_and_received(receiver, "node", "main.js")
    assert received == expected
    assert not (package / "verify.mjs").exists()


def test_the_packages_have_the_version_and_license_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    python = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())["project"]
    npm = json.loads((ROOT / "clients/js/package.json").read_text())
    assert (python["version"], npm["version"]) == (version, version)
    for name in ("python", "js"):
        copied = (ROOT / "clients" / name / "LICENSE").read_bytes()
        assert copied == (ROOT / "LICENSE").read_bytes()
