"""`rowhook listen`: a receiver that prints and verifies each request, and may hand it on."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import sys

import httpx
import rich_click as click

from rowhook.cli import entrance, ports
from rowhook.cli.forward import application, forward_until, where
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.receiver import Received, Reply, check, receiver
from rowhook.cli.serve import serving
from rowhook.settings import Settings, SettingsRejected
from rowhook.supervisor import Supervisor

_KEY = "idempotency-key"
_PORTS = {"http": 80, "https": 443}
_SHOWN = (_KEY, "content-type", "user-agent", "authorization", "webhook-timestamp")


@click.command()
@click.option(
    "--on",
    "listen_port",
    default=9000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port.",
)
@click.option(
    "--secret", default=None, help="The webhook's whsec_… signing secret, to verify with."
)
@click.option(
    "--answer",
    default=None,
    type=click.IntRange(200, 599),
    help="Status to answer, 204 where none is given.",
)
@click.option(
    "--forward-to",
    default=None,
    metavar="URL",
    help="Hand each request on to your application, as it came, and answer what it answers."
    " A URL with a path takes all of them there; without one each keeps its own.",
)
@with_settings
def listen(
    settings: Settings,
    *,
    listen_port: int,
    secret: str | None,
    answer: int | None,
    forward_to: str | None,
) -> None:
    """Print and verify what arrives, and say what the worker needs to be allowed to call it."""
    if secret is not None and not secret.startswith("whsec_"):
        raise SettingsRejected(
            "--secret: a signing secret starts with whsec_; it was shown at creation"
        )
    if forward_to is not None and answer is not None:
        raise SettingsRejected("--answer: with --forward-to the application answers; leave one out")
    url = None if forward_to is None else where(forward_to)
    if url is not None:
        _require_another(url, settings.host, listen_port)
    sys.exit(run_async(_listen(settings, listen_port, secret, answer or 204, url)))


def _require_another(url: httpx.URL, host: str, port: int) -> None:
    own = {host, "localhost", "127.0.0.1", "::1", "0.0.0.0"}  # noqa: S104  # compared, not bound
    if url.host in own and (url.port or _PORTS[url.scheme]) == port:
        raise SettingsRejected(f"--forward-to: {url} is this receiver itself; choose another --on")


async def _listen(
    settings: Settings, port: int, secret: str | None, answer: int, url: httpx.URL | None
) -> int:
    stop = asyncio.Event()
    entrance.on_signal(stop)
    tasks = Supervisor(stop)
    ports.probe_port(settings.host, port, name="--on", flag="--on")
    async with contextlib.AsyncExitStack() as stack:
        to = None if url is None else await stack.enter_async_context(application(url))

        async def take(received: Received) -> Reply:
            check(received, secret, settings.brand)
            _print(received)
            if to is None:
                return Reply(status=answer)
            forwarded = await forward_until(stop, received, to)
            click.echo(_plain(f"→ {forwarded.said}  {received.headers.get(_KEY, '')}") + "\n")
            return forwarded.reply

        serve = serving(receiver(take), host=settings.host, port=port, tasks=tasks)
        _greet(settings.host, await stack.enter_async_context(serve), url)
        await stop.wait()
    return tasks.exit_code


def _greet(host: str, port: int, url: httpx.URL | None) -> None:
    click.echo(f"listening on http://{host}:{port}")
    if url is not None:
        click.echo(f"forwarding to {url}")
    click.echo(f"the worker needs: ROWHOOK_ALLOW_NETWORKS={_network(host)}")


def _network(host: str) -> str:
    with contextlib.suppress(ValueError):
        network = ipaddress.ip_network(host)
        if not network.is_unspecified:
            return str(network)
    return "127.0.0.0/8"  # for localhost, and where it listens everywhere


def _verdict(received: Received) -> str:
    if received.verified is None:
        return "signatures not checked: give --secret"
    if received.verified:
        return click.style("✓ both signatures", fg="green")
    return click.style(f"✗ {received.fault}", fg="red")


def _print(received: Received) -> None:
    click.echo(f"{_plain(f'{received.method} {received.path}')}  {_verdict(received)}")
    for name in _SHOWN:
        if name in received.headers:
            click.echo(f"  {name}: {_plain(received.headers[name])}")
    click.echo(f"  {_plain(received.body.decode('utf-8', 'replace'))}\n")


def _plain(text: str) -> str:
    """Nothing in it steers the terminal."""
    return "".join(one if one.isprintable() else "·" for one in text)
