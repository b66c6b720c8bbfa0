"""`/metrics`, `/livez` and `/readyz` of a worker."""

from __future__ import annotations

import re

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from rowhook.migrate.runner import Readiness
from rowhook.model import Verdict
from rowhook.worker.pipeline import Worker
from rowhook.worker.status_app import StatusApp
from rowhook.worker.tally import STAGES
from tests.support.receiver import answer
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def client(rig: Rig, worker: Worker) -> httpx.AsyncClient:
    app = StatusApp(worker, Readiness(rig.dsn))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://worker")


async def scrape(rig: Rig, worker: Worker) -> Samples:
    async with client(rig, worker) as http:
        response = await http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def sample(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"rowhook_worker_{name}", frozenset(labels.items())]


async def test_every_series_exists_before_the_first_delivery(rig: Rig) -> None:
    async with rig.idle_worker() as worker:
        samples = await scrape(rig, worker)
    for verdict in Verdict:
        series = [
            value
            for (name, labels), value in samples.items()
            if name == "rowhook_worker_attempts_total" and ("outcome", verdict) in labels
        ]
        assert series
        assert not any(series)
    for status in ("delivered", "pending", "held", "dead", "skipped", "cancelled"):
        assert sample(samples, "deliveries_total", status=status) == 0
    for stage in STAGES:
        assert sample(samples, "stage_seconds_count", stage=stage) == 0
        assert sample(samples, "stage_seconds_bucket", stage=stage, le="+Inf") == 0
    counters = [name for name, labels in samples if name.endswith("_total") and not labels]
    assert {"rowhook_worker_lost_leases_total", "rowhook_worker_healed_total"} <= {*counters}
    assert sample(samples, "listening") == 0


async def test_deliveries_are_counted_by_outcome_class_and_status(rig: Rig) -> None:
    await rig.webhook("/good")
    await rig.webhook("/bad", retry_schedule_s=[0])
    await rig.webhook("/never", condition="data.price > 5")
    await rig.webhook("/broken", body_template='{"a": "{{ data.missing.price }}"}')
    rig.receiver.script("/bad", answer(503))
    async with rig.worker() as worker:
        await rig.platform.commit('{"price": 1}')
        for status in ("delivered", "dead", "skipped", "held"):
            await rig.reaches(status)
        await until_recorded(worker, 4)
        samples = await scrape(rig, worker)
    for outcome, status_class in (
        ("delivered", "2xx"),
        ("http_status", "5xx"),
        ("skipped", "none"),
        ("render_failed", "none"),
    ):
        assert sample(samples, "attempts_total", outcome=outcome, status_class=status_class) == 1
    for status in ("delivered", "dead", "skipped", "held"):
        assert sample(samples, "deliveries_total", status=status) == 1
    counts = [sample(samples, "stage_seconds_count", stage=stage) for stage in STAGES]
    assert counts == [4, 4, 4, 2, 4]
    assert sample(samples, "claimed_total") == 4
    assert sample(samples, "claims_total") >= 1
    assert sample(samples, "in_flight") == sample(samples, "results_waiting") == 0


async def until_recorded(worker: Worker, count: int) -> None:
    async def are_recorded() -> bool:
        return sum(worker.tally.deliveries.values()) >= count

    await until(are_recorded, description=f"{count} results counted")


async def test_a_retry_is_neither_captured_nor_queued(rig: Rig) -> None:
    await rig.webhook(retry_schedule_s=[0, 0.01])
    rig.receiver.script("/hook", answer(500), answer(200))
    async with rig.worker() as worker:
        await rig.platform.commit()
        await rig.reaches("delivered")
        await until_recorded(worker, 2)
        samples = await scrape(rig, worker)
    assert sample(samples, "deliveries_total", status="pending") == 1
    assert sample(samples, "stage_seconds_count", stage="queue") == 1
    assert sample(samples, "stage_seconds_count", stage="network") == 2


async def test_a_result_whose_delivery_was_taken_away_is_late(rig: Rig) -> None:
    await rig.webhook()

    async def take_away(request: object, writer: object) -> None:
        await rig.platform.run("alter table rowhook.outbox disable trigger user")
        await rig.platform.run("update rowhook.outbox set token = token + 1000000")
        await answer(200)(request, writer)  # type: ignore[arg-type]  # passed on

    rig.receiver.script("/hook", take_away)
    async with rig.worker() as worker:
        await rig.platform.commit()

        async def is_late() -> bool:
            return worker.tally.late_results == 1

        await until(is_late, description="a late result")
        samples = await scrape(rig, worker)
    assert sample(samples, "late_results_total") == 1
    assert sample(samples, "attempts_total", outcome="delivered", status_class="2xx") == 0


async def test_a_worker_is_ready_once_it_listens_and_until_it_stops(rig: Rig) -> None:
    async with rig.worker() as worker, client(rig, worker) as http:

        async def is_ready() -> bool:
            return (await http.get("/readyz")).status_code == 200

        await until(is_ready, description="the worker is ready")
        assert (await http.get("/livez")).json() == {"status": "alive"}
        assert sample(await scrape(rig, worker), "listening") == 1
        worker.stop()
        response = await http.get("/readyz")
        assert response.status_code == 503
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["detail"] == "The worker is stopping."
        assert (await http.get("/livez")).status_code == 200


async def test_a_worker_without_its_listen_connection_is_not_ready(rig: Rig) -> None:
    async with rig.idle_worker() as worker, client(rig, worker) as http:
        response = await http.get("/readyz")
    assert response.status_code == 503
    assert "LISTEN" in response.json()["detail"]


async def test_a_worker_that_only_polls_is_ready(rig: Rig) -> None:
    async with rig.idle_worker(listen=False) as worker, client(rig, worker) as http:
        assert (await http.get("/readyz")).status_code == 200


@pytest.mark.parametrize("part", ["queue", "heartbeat"])
async def test_a_worker_whose_parts_stand_still_is_not_alive(rig: Rig, part: str) -> None:
    async with rig.idle_worker() as worker, client(rig, worker) as http:
        setattr(worker.tally, f"{part}_turned_at", float("-inf"))
        response = await http.get("/livez")
    assert response.status_code == 503
    assert re.match(f"The {part} of the worker has been silent", response.json()["detail"])


async def test_other_paths_and_methods_are_refused(rig: Rig) -> None:
    async with rig.idle_worker() as worker, client(rig, worker) as http:
        assert (await http.get("/")).status_code == 404
        assert (await http.post("/metrics")).status_code == 405
        assert (await http.head("/livez")).content == b""
