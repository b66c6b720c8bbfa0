"""Checks that the address to listen on is available before anything else starts."""

from __future__ import annotations

import socket

from rowhook.settings import Settings, SettingsRejected


def require_port(settings: Settings) -> None:
    """Raises SettingsRejected if the configured port is not available."""
    probe_port(settings.host, settings.port, name="ROWHOOK_PORT", flag="--port")


def probe_port(host: str, port: int, *, name: str, flag: str) -> None:
    """Raises SettingsRejected, naming the setting, if the address cannot be bound."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise SettingsRejected(
            f"{name}: Cannot listen on {host}:{port} ({error.strerror}). Use another port with"
            f" {flag}."
        ) from error
