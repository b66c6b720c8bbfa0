"""The alert rules, the dashboard and the runbooks fit the metrics that the processes serve."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from rowhook.migrate.runner import Readiness
from rowhook.worker.status_app import StatusApp
from tests.support.calls import Api
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
RULES: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "rowhook-rules.yml").read_text())[
    "groups"
][0]["rules"]
CASES = yaml.safe_load((PROMETHEUS / "rowhook-rules-test.yml").read_text())["tests"]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/rowhook.json").read_text())
NAME = re.compile(r"\b(?:rowhook|process)_\w+")


def queries() -> Iterator[str]:
    """Yields the expressions of the dashboard."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]


def provisioned(name: str) -> Any:
    """Returns the content of a file of deploy/grafana/provisioning."""
    return yaml.safe_load((ROOT / "deploy/grafana/provisioning" / name).read_text("utf-8"))


def sources(panel: dict[str, Any]) -> list[dict[str, str]]:
    """Returns the references of a panel to data sources."""
    if panel["type"] == "row":
        return []
    return [panel["datasource"], *(target["datasource"] for target in panel["targets"])]


async def served(api: Api, rig: Rig) -> dict[str, set[str]]:
    """Returns the labels of each metric that an API and a worker serve."""
    await api.call("GET", "/webhooks")
    text = (await api.client.get("/metrics")).text
    async with rig.idle_worker() as worker:
        transport = httpx.ASGITransport(StatusApp(worker, Readiness(rig.dsn)))
        async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
            text += (await client.get("/metrics")).text
    labels: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        for family in text_string_to_metric_families(line):
            for sample in family.samples:
                labels.setdefault(sample.name, set()).update(sample.labels)
    return labels


async def test_every_metric_of_rules_and_dashboard_is_served(api: Api, rig: Rig) -> None:
    labels = await served(api, rig)
    for expression in (*(rule["expr"] for rule in RULES), *queries()):
        names = NAME.findall(expression)
        assert names or "ALERTS" in expression, expression
        for name in names:
            assert name in labels, f"{name} in {expression}"
        created = re.findall(r'label_replace\([^"]+"(\w+)"', expression)
        permitted = {"instance", *created}.union(*(labels[name] for name in names))
        for listed in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression):
            assert set(re.split(r", *", listed)) <= permitted, expression
        for label in re.findall(r"[{,](\w+)(?:=|!~)", expression):
            assert label in permitted, expression


async def test_every_metric_of_rowhook_is_on_the_dashboard(api: Api, rig: Rig) -> None:
    displayed = {name for expression in queries() for name in NAME.findall(expression)}
    families = {re.sub("_(bucket|sum|count)$", "_bucket", name) for name in await served(api, rig)}
    hidden = {name for name in families - displayed if name.startswith("rowhook_")}
    assert {name for name in hidden if not name.endswith("_created")} <= {
        "rowhook_api_requests_total",
        "rowhook_database_up",
        "rowhook_database_requests_num_total",
    }


def test_every_alert_has_a_runbook_and_a_test() -> None:
    names = [rule["alert"] for rule in RULES]
    page = (ROOT / "docs/how-to/monitor.md").read_text("utf-8")
    alerts = page.split("\n## Alerts\n")[1].split("\n## ")[0]
    assert re.findall(r"^### (\w+)$", alerts, re.MULTILINE) == names
    for section in re.split(r"^### ", alerts, flags=re.MULTILINE)[1:]:
        for part in ("**Means**", "**Look**", "**Do**"):
            assert section.count(part) == 1, section
    assert [case["name"] for case in CASES[1:]] == [f"{name} fires" for name in names]
    for rule in RULES:
        annotations = rule["annotations"]
        assert annotations["runbook"] == f"docs/how-to/monitor.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert all(annotations[key].endswith(".") for key in ("summary", "description"))


def test_every_panel_has_a_title_a_description_and_its_own_place() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["title"]
        assert panel["type"] == "row" or panel["description"].endswith(".")
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (place["x"] + column, place["y"] + line)
            for column in range(place["w"])
            for line in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_graphs_of_counts_have_whole_numbers_on_their_axis() -> None:
    for panel in DASHBOARD["panels"]:
        if panel["type"] == "timeseries" and panel["title"] != "CPU":
            defaults = panel["fieldConfig"]["defaults"]
            assert (defaults["unit"] == "short") is (defaults.get("decimals") == 0), panel["title"]


def test_a_table_of_several_queries_merges_them() -> None:
    for panel in DASHBOARD["panels"]:
        if panel["type"] == "table" and len(panel["targets"]) > 1:
            ids = [transformation["id"] for transformation in panel["transformations"]]
            assert "merge" in ids, f"{panel['title']} shows one query, and a choice of it below"


def test_the_provisioning_of_grafana_fits_the_dashboard_and_the_scrapes() -> None:
    [source] = provisioned("datasources/rowhook.yml")["datasources"]
    [variable] = DASHBOARD["templating"]["list"]
    assert variable["type"] == "datasource"
    assert source["type"] == variable["query"]
    scrapes = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    assert source["jsonData"]["timeInterval"] == scrapes["global"]["scrape_interval"]
    used = [source for panel in DASHBOARD["panels"] for source in sources(panel)]
    assert used
    assert all(reference["uid"] == f"${{{variable['name']}}}" for reference in used)
    [provider] = provisioned("dashboards/rowhook.yml")["providers"]
    assert provider["type"] == "file"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "rowhook-rules.yml"),
        ("test", "rules", "rowhook-rules-test.yml"),
    ],
    ids=["configuration", "check", "test"],
)
def test_promtool_accepts_the_configuration_the_rules_and_their_tests(
    arguments: tuple[str, ...],
) -> None:
    result = subprocess.run(  # noqa: S603  # our own files
        ["promtool", *arguments],  # noqa: S607  # Debian's package is on the PATH
        cwd=PROMETHEUS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
