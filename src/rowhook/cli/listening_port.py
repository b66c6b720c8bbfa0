"""Checks that an address can be listened on, before anything is opened."""

from __future__ import annotations

import errno
import socket

from rowhook.settings import Settings, SettingsRejected


def require_port(settings: Settings) -> None:
    """Raises SettingsRejected if the configured port is not available."""
    probe_port(settings.host, settings.port, name="ROWHOOK_PORT", flag="--port")


def probe_port(host: str, port: int, *, name: str, flag: str) -> None:
    """Raises SettingsRejected, naming the setting at fault, if the address cannot be bound."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        problem = f"Cannot listen on {host}:{port} ({error.strerror})."
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise SettingsRejected(
                f"ROWHOOK_HOST: {problem} Use an address of this machine with --host, or 0.0.0.0"
                " for all of them."
            ) from error
        raise SettingsRejected(f"{name}: {problem} Use another port with {flag}.") from error
