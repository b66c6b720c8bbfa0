"""`rowhook listen`: a local receiver that prints, verifies and optionally forwards requests."""

from __future__ import annotations

import contextlib
import ipaddress
import sys
import time
from dataclasses import dataclass, field

import httpx
import rich_click as click

from rowhook.cli import error_messages, startup
from rowhook.cli.http_server import probe_port, serving
from rowhook.cli.local_receiver import (
    Received,
    Reply,
    application,
    check,
    forward_until,
    forward_url,
    receiver,
)
from rowhook.cli.options import run_async, with_settings
from rowhook.egress.policy import Network, network_to_allow
from rowhook.services.webhooks import signing_secrets
from rowhook.settings import Settings, SettingsRejected
from rowhook.supervisor import Supervisor, stop_on_signal

# After a failure, which may take seconds to be noticed.
_PAUSE_S = 3.0


@dataclass(slots=True, kw_only=True)
class LearnedSecrets:
    """Verifies requests with the secrets of all webhooks, and reads them when none matches.

    `reason` explains why there is no secret.
    """

    settings: Settings
    reason: str | None = None
    _secrets: list[tuple[str, str]] = field(default_factory=list)
    _next_read: float = 0.0

    async def verify(self, received: Received) -> str | None:
        """Sets `verified` and `fault`. Returns the name of the webhook whose secret matches."""
        name = self._match(received)
        if name is None and time.monotonic() >= self._next_read:
            await self._read()
            name = self._match(received)
        return name

    def _match(self, received: Received) -> str | None:
        for name, secret in self._secrets:
            check(received, secret, self.settings.brand)
            if received.verified:
                return name
        if self._secrets:
            received.fault = f"No webhook's secret matches: {received.fault}"
        return None

    async def _read(self) -> None:
        try:
            async with (
                startup.existing_database(self.settings) as database,
                startup.keyring_context(self.settings, database) as ctx,
            ):
                self._secrets = await signing_secrets(ctx)
        except Exception as error:
            if error_messages.exit_code(error) is None:
                raise
            self.reason = error_messages.message_lines(error)[0]
            self._next_read = time.monotonic() + _PAUSE_S
            return
        self.reason = None if self._secrets else "The database has no webhooks."


_KEY = "idempotency-key"
_PORTS = {"http": 80, "https": 443}
_PRINTED_HEADERS = (_KEY, "content-type", "user-agent", "authorization", "webhook-timestamp")


@click.command()
@click.option(
    "--on",
    "listen_port",
    default=9000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on.",
)
@click.option(
    "--secret",
    default=None,
    help="Signing secret of the webhook (whsec_…), to verify signatures with. Default: those of the"
    " webhooks in the database.",
)
@click.option(
    "--answer",
    default=None,
    type=click.IntRange(200, 599),
    help="Status code of the response. Default: 204.",
)
@click.option(
    "--forward-to",
    default=None,
    metavar="URL",
    help="Forward each request unchanged to this URL and return its response. A path in the URL"
    " replaces the path of the request.",
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
    """Print and verify incoming requests on a local port.

    The signing secrets are read from the database of `rowhook up` or of DATABASE_URL. Also prints
    the ROWHOOK_ALLOW_NETWORKS setting that lets workers call this receiver.
    """
    if secret is not None and not secret.startswith("whsec_"):
        raise SettingsRejected(
            "--secret: A signing secret starts with whsec_, as shown at creation of the webhook."
        )
    if forward_to is not None and answer is not None:
        raise SettingsRejected("--answer: Cannot be combined with --forward-to.")
    url = None if forward_to is None else forward_url(forward_to)
    if url is not None:
        _refuse_loop(url, settings.host, listen_port)
    sys.exit(run_async(_listen(settings, listen_port, secret, answer or 204, url)))


def _refuse_loop(url: httpx.URL, host: str, port: int) -> None:
    own = {host, "localhost", "127.0.0.1", "::1", "0.0.0.0"}  # noqa: S104  # compared, not bound
    if url.host in own and (url.port or _PORTS[url.scheme]) == port:
        raise SettingsRejected(f"--forward-to: {url} is this receiver. Use another port with --on.")


async def _listen(
    settings: Settings, port: int, secret: str | None, answer: int, url: httpx.URL | None
) -> int:
    stop = stop_on_signal()
    tasks = Supervisor(stop)
    probe_port(settings.host, port, name="--on", flag="--on")
    learned = LearnedSecrets(settings=settings) if secret is None else None
    async with contextlib.AsyncExitStack() as stack:
        to = None if url is None else await stack.enter_async_context(application(url))

        async def respond(received: Received) -> Reply:
            check(received, secret, settings.brand)
            name = None if learned is None else await learned.verify(received)
            _print(received, name, None if learned is None else learned.reason)
            if to is None:
                return Reply(status=answer)
            forwarded = await forward_until(stop, received, to)
            click.echo(_sanitize(f"→ {forwarded.summary}  {received.headers.get(_KEY, '')}") + "\n")
            return forwarded.reply

        serve = serving(receiver(respond), host=settings.host, port=port, tasks=tasks)
        _print_start(settings, await stack.enter_async_context(serve), url)
        await stop.wait()
    return tasks.exit_code


def _print_start(settings: Settings, port: int, url: httpx.URL | None) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    click.echo(f"Listening on http://{host}:{port}")
    if url is not None:
        click.echo(f"Forwarding to {url}")
    needed = ",".join(map(str, _needed_networks(settings)))
    click.echo("In the terminals of `rowhook up` and of `rowhook webhooks`, set:")
    click.echo(f"  export ROWHOOK_ALLOW_NETWORKS={needed}")


def _needed_networks(settings: Settings) -> tuple[Network, ...]:
    """Returns the networks that the settings allow, and that of this receiver."""
    address = _address(settings.host)
    if startup.policy(settings).permits(address):
        return settings.allow_networks
    network = ipaddress.ip_network(network_to_allow(address) or address)
    return (*settings.allow_networks, network)


def _address(host: str) -> str:
    with contextlib.suppress(ValueError):
        if not ipaddress.ip_address(host).is_unspecified:
            return host
    return "127.0.0.1"  # for localhost and for wildcard addresses


def _signature_status(received: Received, name: str | None, reason: str | None) -> str:
    if received.verified is None:
        return _sanitize(f"signatures not checked: {reason} Or pass --secret.")
    if received.verified:
        of_webhook = "" if name is None else f" of {name}"
        return click.style(_sanitize(f"✓ both signatures{of_webhook}"), fg="green")
    return click.style(_sanitize(f"✗ {received.fault}"), fg="red")


def _print(received: Received, webhook: str | None, reason: str | None) -> None:
    status = _signature_status(received, webhook, reason)
    click.echo(f"{_sanitize(f'{received.method} {received.path}')}  {status}")
    for name in _PRINTED_HEADERS:
        if name in received.headers:
            click.echo(f"  {name}: {_sanitize(received.headers[name])}")
    click.echo(f"  {_sanitize(received.body.decode('utf-8', 'replace'))}\n")


def _sanitize(text: str) -> str:
    """Replaces the characters that could control the terminal."""
    return "".join(character if character.isprintable() else "·" for character in text)
