"""deploy/kubernetes: the schema of each object, and the rules for pods."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
import yaml

from tests.support.deployment import DRAIN_S, IMAGE, ROOT, SECRETS, check_command, secrets_of

FOLDER = ROOT / "deploy/kubernetes"
FILES = sorted(path for path in FOLDER.glob("*.yaml") if path.stem != "kustomization")
Object = dict[str, Any]
KINDS = ("Job", "Deployment")
OLDEST_AND_NEWEST = ("1.30", "1.37")


def objects() -> list[Object]:
    return [part for path in FILES for part in yaml.safe_load_all(path.read_text())]


def component(workload: Object) -> str:
    return str(workload["metadata"]["labels"]["app.kubernetes.io/component"])


WORKLOADS = {component(part): part for part in objects() if part["kind"] in KINDS}
RUNNING = ("api", "worker")


def pod(name: str) -> Object:
    spec: Object = WORKLOADS[name]["spec"]["template"]["spec"]
    return spec


def container(name: str) -> Object:
    (only,) = pod(name)["containers"]
    return dict(only)


@pytest.mark.parametrize("version", OLDEST_AND_NEWEST)
def test_every_object_has_the_schema_of_kubernetes(version: str) -> None:
    command = ["kubernetes-validate", "--strict", "-k", version, *map(str, FILES)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own
    assert result.returncode == 0, result.stdout + result.stderr
    assert (result.stdout + result.stderr).count(" passed for ") == len(objects())


def test_the_kustomization_has_every_file_but_the_migration() -> None:
    resources = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    assert sorted(resources) == [path.name for path in FILES if path.stem != "migrate"]


def test_the_name_of_the_job_has_the_release() -> None:
    version = IMAGE.split(":")[1].replace(".", "-")
    assert WORKLOADS["migrate"]["metadata"]["name"] == f"rowhook-migrate-{version}"


@pytest.mark.parametrize("name", ["migrate", *RUNNING])
def test_every_pod_runs_an_existing_command_of_this_release(name: str) -> None:
    assert container(name)["image"] == IMAGE
    check_command(*container(name)["args"])


@pytest.mark.parametrize("name", ["migrate", *RUNNING])
def test_every_pod_reads_only_the_secrets_that_it_needs(name: str) -> None:
    secret = {part["name"] for part in container(name)["env"] if "valueFrom" in part}
    assert secret == SECRETS[name]
    assert secrets_of([part["name"] for part in container(name)["env"]]) == secret


@pytest.mark.parametrize("name", ["migrate", *RUNNING])
def test_every_pod_satisfies_the_restricted_profile(name: str) -> None:
    context = pod(name)["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] == 10001
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod(name)["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", ["migrate", *RUNNING])
def test_every_container_has_resources(name: str) -> None:
    resources = container(name)["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert "memory" in resources["limits"]


@pytest.mark.parametrize("name", RUNNING)
def test_probes_use_livez_and_readyz_of_a_named_port(name: str) -> None:
    ports = {port["name"] for port in container(name)["ports"]}
    for probe, path in (("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
        request = container(name)[probe]["httpGet"]
        assert request["path"] == path
        assert request["port"] in ports


@pytest.mark.parametrize("name", RUNNING)
def test_a_stop_leaves_time_for_the_drain(name: str) -> None:
    assert pod(name)["terminationGracePeriodSeconds"] > DRAIN_S + 5


@pytest.mark.parametrize("name", RUNNING)
def test_a_disruption_budget_selects_the_pods(name: str) -> None:
    labels = WORKLOADS[name]["spec"]["template"]["metadata"]["labels"]
    budgets = [part for part in objects() if part["kind"] == "PodDisruptionBudget"]
    assert labels in [budget["spec"]["selector"]["matchLabels"] for budget in budgets]


def test_workers_scale_with_the_age_of_the_queue() -> None:
    (scaler,) = [part for part in objects() if part["kind"] == "HorizontalPodAutoscaler"]
    target = scaler["spec"]["scaleTargetRef"]
    assert target["name"] == WORKLOADS["worker"]["metadata"]["name"]
    assert "replicas" not in WORKLOADS["worker"]["spec"]
    external = [metric["external"] for metric in scaler["spec"]["metrics"] if "external" in metric]
    assert external[0]["metric"]["name"] == "rowhook_oldest_due_seconds"
