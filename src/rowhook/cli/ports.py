"""Whether a command may listen where it is told to, before anything else starts."""

from __future__ import annotations

import socket

from rowhook.settings import Settings, SettingsRejected


def require_port(settings: Settings) -> None:
    """A port that is taken is said before anything starts."""
    probe_port(settings.host, settings.port, name="ROWHOOK_PORT", flag="--port")


def probe_port(host: str, port: int, *, name: str, flag: str) -> None:
    """Raises SettingsRejected, which names the setting, if nothing can listen there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise SettingsRejected(
            f"{name}: cannot listen on {host}:{port} ({error.strerror}); choose another with {flag}"
        ) from error
