"""Secrets with every outcome, echoed in every encoding, appear on no surface."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import httpx
import pytest

from rowhook.db.connection_pool import Pool
from rowhook.render.configuration import Configuration
from rowhook.security.vault import Keyring, generate_master_key
from rowhook.services import links, secrets, webhooks
from rowhook.services.webhook_documents import Webhook
from tests.hazards.canary import ENCODINGS, find_canaries
from tests.hazards.delivery_endings import CORES, ENDINGS, FIELDS, SECRETS
from tests.hazards.secret_surfaces import Reader, dump, every_process, every_row, every_statement
from tests.support.calls import ADMIN_KEY
from tests.support.commands import NEW_INTERPRETER, CommandResult, run_command, running_command
from tests.support.deadline import DEADLINE_S
from tests.support.receiver import Behaviour, Received, Receiver, answer, raw, stall
from tests.support.sample_platform import Platform
from tests.support.scoreboard import score
from tests.support.worker_rig import Rig, until

pytestmark = [pytest.mark.anyio, pytest.mark.hazards]
COMMANDS = (
    "status",
    "doctor",
    "deliveries --limit 200",
    "deliveries --json",
    "deliveries show 1",
    "webhooks",
    "secrets",
    "config",
    "config --json",
)


@dataclass(slots=True, kw_only=True)
class CanaryInstallation:
    """A rig with a webhook for each ending, and the processes that deliver and serve."""

    rig: Rig
    folder: Path
    environment: dict[str, str]
    port: int
    silent: str
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    surfaces: dict[str, str] = field(default_factory=dict)

    @property
    def signing(self) -> list[str]:
        """The signing secrets without their prefix."""
        signing_secrets = [webhook.signing_secret or "" for webhook in self.webhooks.values()]
        return [secret.removeprefix("whsec_") for secret in signing_secrets]

    def echo(self, name: str) -> list[bytes]:
        """Echoes the received secrets and the signing secret in one encoding after another."""
        encode = list(ENCODINGS.values())[len(self.rig.receiver.requests) % len(ENCODINGS)]
        secrets = [SECRETS[name] for name in ("url", "header", "body")]
        signing = self.webhooks[name].signing_secret or ""
        return [encode(value) for value in (*secrets, signing, signing.removeprefix("whsec_"))]

    @asynccontextmanager
    async def process(self, *arguments: str) -> AsyncIterator[int]:
        """Runs a command until the exit, and records its output as a surface."""
        async with running_command(
            self.folder, *arguments, before=NEW_INTERPRETER, **self.environment
        ) as process:
            output_task = asyncio.create_task(process.communicate())
            try:
                yield process.pid
            finally:
                process.send_signal(signal.SIGTERM)
                out, err = await output_task
        assert err
        self.surfaces[f"the log of {arguments[0]}"] = (out + err).decode()

    async def command(self, *arguments: str) -> CommandResult:
        """Runs a command to its end and records its output as a surface."""
        result = await run_command(self.folder, *arguments, before=(), **self.environment)
        self.surfaces[f"rowhook {' '.join(arguments)}"] = result.out + result.err
        return result

    def found(self) -> list[str]:
        """Returns every canary found on a surface."""
        return find_canaries(self.surfaces, [*CORES.values(), *self.signing])

    async def save(self) -> None:
        """Creates a webhook for each ending, linked to the goal."""
        organization = self.rig.platform.organization
        for name, value in SECRETS.items():
            await secrets.put_secret(self.rig.ctx, organization, name, value)
        for name, ending in ENDINGS.items():
            url = ending.url.format(http=self.rig.receiver.url, https=self.silent, name=name)
            configuration = Configuration(name=name, url=url, **{**FIELDS, **ending.fields})
            saved = await webhooks.create_webhook(self.rig.ctx, organization, configuration)
            await links.link_goal(self.rig.ctx, saved.id, self.rig.platform.goal)
            self.webhooks[name] = saved
            self.rig.receiver.script(f"/{name}/{SECRETS['url']}", self.behaviour(name))
        await secrets.put_secret(
            self.rig.ctx, organization, "bound", SECRETS["bound"], ["other.example.com"]
        )

    def behaviour(self, name: str) -> Behaviour:
        """Responds as the ending requires, with all received secrets."""

        async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
            echo = self.echo(name)
            body = b" ".join(echo)
            line = echo[0].translate(None, b"\r\n\0")
            headers = ((f"X-{SECRETS['url']}", "v"), ("Location", f"/{line.decode('latin-1')}"))
            behaviours = {
                "failed": answer(500, body, headers),
                "unknown": answer(404, body, headers),
                "moved": answer(302, body, headers),
                "gone": answer(410, body, headers),
                "later": answer(429, body, (("Retry-After", line.decode("latin-1")),)),
                "odd-status": answer(999, body, headers),
                "garbage": raw(body),
                "bad-header": raw(b"HTTP/1.1 200 OK\r\n\0" + line + b": x\r\n\r\n"),
                "stalled": stall(b"HTTP/1.1 200 OK\r\nX-A: " + line),
            }
            await behaviours.get(name, answer(200, body, headers))(request, writer)

        return behave


@pytest.fixture
async def canaries(
    dsn: str, pool: Pool, platform: Platform, folder: Path
) -> AsyncIterator[CanaryInstallation]:
    key = generate_master_key()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "DATABASE_URL": dsn,
        "ROWHOOK_MASTER_KEYS": key,
        "ROWHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "ROWHOOK_PORT": str(port),
        "ROWHOOK_ADMIN_KEY": ADMIN_KEY,
    }
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    async with Receiver() as receiver, Receiver(on_connect=close_connection) as silent:
        rig = Rig(dsn, pool, platform, receiver)
        rig.ctx = replace(rig.ctx, keyring=Keyring(key))
        installation = CanaryInstallation(
            rig=rig,
            folder=folder,
            environment=environment,
            port=port,
            silent=silent.url.replace("http", "https"),
        )
        await installation.save()
        yield installation


async def close_connection(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def client(canaries: CanaryInstallation) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{canaries.port}",
        timeout=DEADLINE_S,
        headers={"Authorization": f"Bearer {ADMIN_KEY}"},
    )


async def deliver(canaries: CanaryInstallation, commits: int) -> None:
    """Attempts every webhook `commits` times, which opens the circuits of failing ones."""
    for number in range(commits):
        await canaries.rig.platform.commit(f'{{"n": {number + 1}}}')

    async def attempts_done() -> bool:
        remaining: int = await canaries.rig.platform.value(
            "select count(*) from rowhook.outbox where attempts = 0 and status <> 'skipped'"
        )
        return remaining == 0

    await until(attempts_done, description="a try of every delivery")


async def cause_exceptions(canaries: CanaryInstallation, http: httpx.AsyncClient) -> None:
    """Causes exceptions in the worker and the API while they process secrets."""
    platform = canaries.rig.platform
    await platform.run(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    await platform.run("alter function rowhook.put_secret rename to put_secret_away")
    await platform.run("alter function rowhook.secrets_of rename to secrets_of_away")
    await platform.run("update rowhook.webhook set secrets_version = 99 where name = 'delivered'")
    await platform.commit('{"n": 99}')
    whose = {"organization_id": str(platform.organization)}

    async def refused() -> bool:
        response = await http.put("/v1/secrets/new", params=whose, json={"value": SECRETS["body"]})
        canaries.surfaces[f"a {response.status_code}"] = response.text
        return response.status_code == 500  # 503 until it is connected again

    await until(refused, description="an internal error")

    async def has_failed() -> bool:
        return bool(
            await platform.rows("select from rowhook.outbox where last_error ~ 'Internal error'")
        )

    await until(has_failed, description="a delivery that failed inside")


async def send_tests(canaries: CanaryInstallation, http: httpx.AsyncClient) -> None:
    """Test sends, previews, and validation errors that quote the input."""
    goal = {"goal_id": canaries.rig.platform.goal, "data": {"n": 1}}
    for name, webhook in canaries.webhooks.items():
        for verb in ("preview", "test"):
            response = await http.post(f"/v1/webhooks/{webhook.id}/{verb}", json=goal)
            assert response.status_code == 200, response.text
            canaries.surfaces[f"{verb} of {name}"] = f"{response.headers}\n{response.text}"
    path = f"/v1/goals/{canaries.rig.platform.goal}/validate"
    for data in ({"n": 1}, {}):
        response = await http.post(path, json={"data": data})
        assert response.status_code == 200, response.text
        canaries.surfaces[f"validate {data}"] = response.text
    whose = {"organization_id": str(canaries.rig.platform.organization)}
    for body in (
        {"value": SECRETS["body"], "allowed_hosts": ["no host"]},
        {"value": [CORES["url"]]},
    ):
        response = await http.put("/v1/secrets/a", params=whose, json=body)
        assert response.status_code == 422
        canaries.surfaces[f"refusal of {len(body)}"] = response.text


async def read(canaries: CanaryInstallation, http: httpx.AsyncClient) -> None:
    platform = canaries.rig.platform
    reader = Reader(http)
    await reader.read_all(str(platform.organization))
    canaries.surfaces |= reader.answers
    canaries.surfaces |= await every_row(platform.db)
    canaries.surfaces |= await every_statement(platform.db)
    canaries.surfaces |= await asyncio.to_thread(dump, canaries.rig.dsn)
    for arguments in COMMANDS:
        await canaries.command(*arguments.split())


@pytest.mark.parametrize(
    ("commits", "least"),
    [pytest.param(1, 15, marks=pytest.mark.long), pytest.param(12, 200, marks=pytest.mark.battery)],
)
async def test_a_secret_is_found_on_no_surface_in_any_encoding(
    canaries: CanaryInstallation, commits: int, least: int
) -> None:
    async with (
        canaries.process("worker") as worker,
        canaries.process("api") as api,
        client(canaries) as http,
    ):
        await until(partial(ready, http), description="an API that is ready")
        await deliver(canaries, commits)
        await send_tests(canaries, http)
        canaries.surfaces |= every_process([worker, api])
        await read(canaries, http)
        await cause_exceptions(canaries, http)
        canaries.surfaces |= await every_row(canaries.rig.platform.db)
    endings = await canaries.rig.platform.rows(
        "select w.name, a.outcome, count(distinct o.id) from rowhook.attempt a"
        " join rowhook.outbox o on o.id = a.outbox_id join rowhook.webhook w on w.id = o.webhook_id"
        " where a.error is null or a.error !~ 'Internal error' group by 1, 2"
    )
    assert {(row["name"], row["outcome"]) for row in endings} == {
        (name, ending.verdict) for name, ending in ENDINGS.items()
    }
    deliveries, leaks = sum(row["count"] for row in endings), canaries.found()
    assert leaks == []
    score(
        f"a canary secret in URL, header, body and as signing key, {len(ENDINGS)} endings",
        required=f"≥ {least} deliveries, 0 hits",
        holds=deliveries >= least and not leaks,
        measured=f"{deliveries} deliveries, {len(canaries.surfaces)} surfaces,"
        f" {len(ENCODINGS)} encodings: {len(leaks)} hits",
    )


async def ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).is_success
    except httpx.TransportError:
        return False


@pytest.mark.long
def test_the_search_finds_every_encoding() -> None:
    for name, encode in ENCODINGS.items():
        assert find_canaries(
            {name: encode(SECRETS["body"]).decode("utf-8", "replace")}, [CORES["body"]]
        ), name
