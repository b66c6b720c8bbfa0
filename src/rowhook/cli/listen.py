"""`rowhook listen`: a receiver on this machine that prints each request and verifies it."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import sys

import rich_click as click

from rowhook.cli import entrance, ports
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.receiver import Received, check, receiver
from rowhook.cli.serve import serving
from rowhook.settings import Settings, SettingsRejected

_SHOWN = ("idempotency-key", "content-type", "user-agent", "authorization", "webhook-timestamp")


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
    default=204,
    show_default=True,
    type=click.IntRange(200, 599),
    help="Status to answer.",
)
@with_settings
def listen(settings: Settings, *, listen_port: int, secret: str | None, answer: int) -> None:
    """Print and verify what arrives, and say what the worker needs to be allowed to call it."""
    if secret is not None and not secret.startswith("whsec_"):
        raise SettingsRejected(
            "--secret: a signing secret starts with whsec_; it was shown at creation"
        )
    sys.exit(run_async(_listen(settings, listen_port, secret, answer)))


async def _listen(settings: Settings, port: int, secret: str | None, answer: int) -> int:
    stop = asyncio.Event()
    entrance.on_signal(stop)

    def take(received: Received) -> int:
        check(received, secret, settings.brand)
        _print(received)
        return answer

    ports.probe_port(settings.host, port, name="--on", flag="--on")
    async with serving(receiver(take), host=settings.host, port=port) as bound:
        click.echo(f"listening on http://{settings.host}:{bound}")
        click.echo(f"the worker needs: ROWHOOK_ALLOW_NETWORKS={_network(settings.host)}")
        await stop.wait()
    return 0


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
