"""The environment and the flags, read once at the entrances into one frozen record."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsRejected(ValueError):
    """A setting cannot be used; the message names it and says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting of CONTRACT §7. `None` for a URL or key means that it is not set."""

    database_url: str | None = field(default=None, repr=False)
    database_direct_url: str | None = field(default=None, repr=False)
    role_prefix: str = "rowhook"
    host: str = "127.0.0.1"
    port: int = 8080
    master_keys: str | None = field(default=None, repr=False)
    admin_key: str | None = field(default=None, repr=False)
    brand: str = "Roxels"
    allow_networks: tuple[Network, ...] = ()
    allow_http: bool = False
    egress_proxy: str | None = field(default=None, repr=False)
    cors_origins: tuple[str, ...] = ()
    log_format: str = "text"
    retention_days: int | None = None
    keep_bodies: str | None = None
    lease_s: float = 20.0
    callback_ttl_s: float = 86400.0
    data_dir: Path = Path("~/.local/share/rowhook")

    def role(self, duty: Literal["worker", "api"]) -> str:
        """The name of one of this installation's roles."""
        return f"{self.role_prefix}_{duty}"


def _number(convert: type[int | float], low: float, high: float) -> Callable[[str], Any]:
    def read(text: str) -> int | float:
        try:
            value = convert(text)
        except ValueError:
            raise SettingsRejected(f"{text!r} is not a number") from None
        if not low <= value <= high:
            raise SettingsRejected(f"{text} is not between {low:g} and {high:g}")
        return value

    return read


def _boolean(text: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in known:
        raise SettingsRejected(f"{text!r} is neither true nor false")
    return known[text.lower()]


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part) for part in _words(text))
    except ValueError as error:
        raise SettingsRejected(f"{error}; write CIDRs such as 127.0.0.0/8,10.1.0.0/16") from None


def _words(text: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[,\s]+", text) if part)


def _matching(pattern: str, meaning: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise SettingsRejected(meaning)
        return text

    return read


def _proxy(text: str) -> str:
    found = _PROXY.fullmatch(text)
    if found is None or not (_is_port(found["port"] or "80") and _is_ipv6(found["inside"])):
        raise SettingsRejected("write http://host:3128 or http://user:password@host:3128")
    return text


def _is_port(text: str) -> bool:
    return 1 <= int(text) <= 65535  # noqa: PLR2004  # the last port


def _is_ipv6(text: str | None) -> bool:
    try:
        return text is None or bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


def _home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise SettingsRejected(f"{path}: there is no such home; write an absolute path") from None


# User and password as printable ASCII or its escapes: what every proxy reads alike (RFC 7617).
_PROXY = re.compile(
    r"http://(?:(?:[\w.~!$&'()*+,;=-]|%(?!3[Aa])[2-7][\dA-Fa-f])*"
    r"(?::(?:[\w.~!$&'()*+,;=:-]|%[2-7][\dA-Fa-f])*)?@)?"
    r"(?:[\w-]+(?:\.[\w-]+)*|\[(?P<inside>[\dA-Fa-f:.]+)\])(?::(?P<port>\d{1,5}))?/?",
    re.ASCII,
)
_DSN = _matching(r"(?s)postgres(ql)?://.+|.*=.*", "write postgresql://user@host:5432/database")
_READ: dict[str, Callable[[str], Any]] = {
    "database_url": _DSN,
    "database_direct_url": _DSN,
    "role_prefix": _matching(
        r"(?!pg_)[a-z][a-z0-9_]{0,39}",
        "write at most 40 lower-case letters, digits and underscores, the first a letter,"
        " not beginning with pg_",
    ),
    "host": str,
    "port": _number(int, 0, 65535),
    "master_keys": str,
    "admin_key": _matching(
        r"rhk_[A-Za-z0-9_-]{32,}", "write rhk_ and at least 32 URL-safe characters"
    ),
    "brand": _matching(
        r"[A-Za-z][A-Za-z0-9-]{0,39}", "write a word of letters, digits and hyphens"
    ),
    "allow_networks": _networks,
    "allow_http": _boolean,
    "egress_proxy": _proxy,
    "cors_origins": _words,
    "log_format": _matching("json|text", "write json or text"),
    "retention_days": _number(int, 1, 3650),
    "keep_bodies": _matching("all|failed|none", "write all, failed or none"),
    "lease_s": _number(float, 1, 3600),
    "callback_ttl_s": _number(float, 1, 30 * 86400),
    "data_dir": lambda text: _home(Path(text)),
}
SECRET = frozenset(
    {"database_url", "database_direct_url", "master_keys", "admin_key", "egress_proxy"}
)
NAMES = tuple(one.name for one in fields(Settings))


def environment_name(name: str) -> str:
    """The environment variable of a setting: `DATABASE_URL`, `ROWHOOK_PORT`, …."""
    return name.upper() if name.startswith("database") else f"ROWHOOK_{name.upper()}"


def _from_environment(name: str, environ: Mapping[str, str]) -> str | None:
    variable = environment_name(name)
    path = environ.get(f"{variable}_FILE")
    if not path:
        return environ.get(variable) or None
    try:
        return Path(path).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsRejected(f"{variable}_FILE: cannot read {path}: {error}") from error


def _default_data_dir(environ: Mapping[str, str]) -> Path:
    home = environ.get("XDG_DATA_HOME")
    return (Path(home) if home else _home(Path("~/.local/share"))) / "rowhook"


def load(environ: Mapping[str, str], flags: Mapping[str, str | None] | None = None) -> Settings:
    """The effective settings: a flag wins over `X_FILE`, which wins over `X`.

    Raises SettingsRejected for the first value that cannot be used.
    """
    given: dict[str, Any] = {}
    for name in NAMES:
        text = (flags or {}).get(name) or _from_environment(name, environ)
        if text is None:
            continue
        try:
            given[name] = _READ[name](text)
        except SettingsRejected as error:
            raise SettingsRejected(f"{environment_name(name)}: {error}") from None
    if "data_dir" not in given and "database_url" not in given:
        # An account without a home, as in many containers, needs no data folder of ours.
        given["data_dir"] = _default_data_dir(environ)
    return Settings(**given)
