"""docker-compose.yml: its schema, and the rules for its services."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml

from tests.support.deployment import DRAIN_S, IMAGE, ROOT, SECRETS, check_command, secrets_of

FILE = ROOT / "docker-compose.yml"
ROWHOOK = ("migrate", "api", "worker")
RUNNING = ("postgres", "api", "worker")
SECONDS = re.compile(r"(\d+)s")


def services() -> dict[str, dict[str, Any]]:
    parsed = yaml.safe_load(FILE.read_text())
    return dict(parsed["services"])


def test_the_file_follows_the_compose_specification() -> None:
    command = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own
    assert result.returncode == 0, result.stdout + result.stderr


def test_it_has_postgres_and_three_services_of_rowhook() -> None:
    assert set(services()) == {"postgres", *ROWHOOK}


@pytest.mark.parametrize("name", ROWHOOK)
def test_every_command_exists_with_its_flags(name: str) -> None:
    check_command(*services()[name]["command"])
    assert services()[name]["image"] == IMAGE


@pytest.mark.parametrize("name", ROWHOOK)
def test_every_service_has_only_the_secrets_that_it_needs(name: str) -> None:
    environment = services()[name]["environment"]
    assert secrets_of(environment) == SECRETS[name]
    for secret in SECRETS[name]:
        assert ":?" in environment[secret], "a missing secret must be an error"
    for secret in ("OWNER_PASSWORD", "POSTGRES_PASSWORD"):
        assert name == "migrate" or not any(secret in str(value) for value in environment.values())


@pytest.mark.parametrize("name", ROWHOOK)
def test_every_service_waits_for_its_dependencies(name: str) -> None:
    for needed, how in services()[name]["depends_on"].items():
        healthy = how["condition"] == "service_healthy"
        assert how["condition"] == "service_completed_successfully" or healthy
        assert "healthcheck" in services()[needed] or not healthy


@pytest.mark.parametrize("name", RUNNING)
def test_every_running_service_has_a_health_check_and_is_restarted(name: str) -> None:
    service = services()[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", ["postgres", *ROWHOOK])
def test_every_service_is_confined_and_limited(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert any(mount.startswith("/tmp:") for mount in service["tmpfs"])  # noqa: S108  # in a container
    assert {"mem_limit", "cpus", "pids_limit"} <= service.keys()


@pytest.mark.parametrize("name", ["api", "worker"])
def test_a_stop_leaves_time_for_the_drain(name: str) -> None:
    match = SECONDS.fullmatch(services()[name]["stop_grace_period"])
    assert match is not None
    assert int(match[1]) > DRAIN_S


def test_published_ports_are_local() -> None:
    for service in services().values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
