"""Settings from flags and environment variables, read once when a command starts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsRejected(ValueError):
    """A setting is invalid; the message names it and an example of a valid value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Databases:
    """The databases of one fleet, by name: the settings of each that differ from the common ones.

    `text` is the setting as it is written.
    """

    text: str
    named: Mapping[str, Mapping[str, Any]]

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. None means that a setting is not set."""

    database_url: str | None = field(default=None, repr=False)
    database_direct_url: str | None = field(default=None, repr=False)
    database_read_url: str | None = field(default=None, repr=False)
    databases: Databases | None = field(default=None, repr=False)
    database: str | None = None
    role_prefix: str = "rowhook"
    host: str = "127.0.0.1"
    port: int = 8080
    metrics_port: int | None = None
    master_keys: str | None = field(default=None, repr=False)
    admin_key: str | None = field(default=None, repr=False)
    brand: str = "Roxels"
    allow_networks: tuple[Network, ...] = ()
    allow_http: bool = False
    egress_proxy: str | None = field(default=None, repr=False)
    cors_origins: tuple[str, ...] = ()
    portal_origins: tuple[str, ...] = ()
    log_format: str = "text"
    retention_days: int | None = None
    keep_bodies: str | None = None
    lease_s: float = 20.0
    callback_ttl_s: float = 86400.0
    data_dir: Path = Path("~/.local/share/rowhook")

    def role(self, service: Literal["worker", "api"]) -> str:
        """Returns the name of a database role of this installation."""
        return f"{self.role_prefix}_{service}"

    def by_database(self) -> dict[str, Settings]:
        """Returns the settings of each of several databases by name; empty for a single one."""
        named = {} if self.databases is None else self.databases.named
        return {
            name: replace(self, databases=None, database=name, **values)
            for name, values in named.items()
        }


def _number(convert: type[int | float], low: float, high: float) -> Callable[[str], Any]:
    def read(text: str) -> int | float:
        try:
            value = convert(text)
        except ValueError:
            raise SettingsRejected(
                f"{text!r} is not a number. Use a value from {low:g} to {high:g}."
            ) from None
        if not low <= value <= high:
            raise SettingsRejected(f"{text} is out of range. Use a value from {low:g} to {high:g}.")
        return value

    return read


def _boolean(text: str) -> bool:
    values = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in values:
        raise SettingsRejected(f"{text!r} is not a boolean. Use true or false.")
    return values[text.lower()]


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part) for part in _words(text))
    except ValueError as error:
        raise SettingsRejected(f"{error}. Use CIDRs, e.g. 127.0.0.0/8,10.1.0.0/16.") from None


def _words(text: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[,\s]+", text) if part)


def _frame_origins(text: str) -> tuple[str, ...]:
    origins = _words(text)
    for origin in origins:
        if _FRAME_ORIGIN.fullmatch(origin) is None:
            raise SettingsRejected(
                f"{origin!r} is not an origin. Use https://app.example.com or"
                " https://*.example.com, without a path; http is accepted for localhost only."
            )
    return origins


def _matching(pattern: str, message: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise SettingsRejected(message)
        return text

    return read


def _proxy(text: str) -> str:
    match = _PROXY.fullmatch(text)
    if match is None or not (_is_port(match["port"] or "80") and _is_ipv6(match["ipv6"])):
        raise SettingsRejected("Use http://host:3128 or http://user:password@host:3128.")
    return text


def _is_port(text: str) -> bool:
    return 1 <= int(text) <= 65535  # noqa: PLR2004  # the highest port


def _is_ipv6(text: str | None) -> bool:
    try:
        return text is None or bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


def _expand_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise SettingsRejected(
            f"{path}: The home directory is unknown. Use an absolute path."
        ) from None


# User and password: printable ASCII or escapes of it, which all proxies accept (RFC 7617).
_PROXY = re.compile(
    r"http://(?:(?:[\w.~!$&'()*+,;=-]|%(?!3[Aa])[2-7][\dA-Fa-f])*"
    r"(?::(?:[\w.~!$&'()*+,;=:-]|%[2-7][\dA-Fa-f])*)?@)?"
    r"(?:[\w-]+(?:\.[\w-]+)*|\[(?P<ipv6>[\dA-Fa-f:.]+)\])(?::(?P<port>\d{1,5}))?/?",
    re.ASCII,
)
# Sources of the directive frame-ancestors.
_FRAME_ORIGIN = re.compile(
    r"(?:https://(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*|http://(?:localhost|127\.0\.0\.1))(?::\d{1,5})?"
)
_DSN = _matching(r"(?s)postgres(ql)?://.+|.*=.*", "Use postgresql://user@host:5432/database.")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
# The settings of a database of a fleet, by their names in the YAML.
_OWN = {
    "url": "database_url",
    "direct_url": "database_direct_url",
    "read_url": "database_read_url",
    "role_prefix": "role_prefix",
    "master_keys": "master_keys",
    "admin_key": "admin_key",
}


def _databases(text: str) -> Databases:
    import yaml  # noqa: PLC0415  # only needed for several databases

    is_inline = "\n" in text or ": " in text
    written = text if is_inline else _read(text, "the file that it names")
    try:
        _refuse_repeated_keys(yaml.compose(written, Loader=yaml.SafeLoader))
        document = yaml.safe_load(written)
    except yaml.YAMLError as error:
        # Without its message, which quotes the text with passwords.
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f" (line {mark.line + 1})"
        raise SettingsRejected(f"Invalid YAML{line}. {_EXAMPLE}") from None
    if not isinstance(document, dict) or not document:
        raise SettingsRejected(_EXAMPLE)
    return Databases(
        text=text, named={str(name): _own(str(name), own) for name, own in document.items()}
    )


def _read(path: str, label: str | None = None) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.reason
        raise SettingsRejected(f"Cannot read {label or path}: {reason}.") from None


def _refuse_repeated_keys(node: Any) -> None:
    keys = set[str]()
    for key, value in node.value if str(getattr(node, "tag", None)).endswith(":map") else ():
        if str(key.value) in keys:
            raise SettingsRejected(f"{key.value} occurs twice. Remove one of them.")
        keys.add(str(key.value))
        _refuse_repeated_keys(value)


_EXAMPLE = "Write a name and a URL for each database, e.g. eu: postgresql://user@host/rowhook."


def _own(name: str, entry: Any) -> dict[str, Any]:
    """Returns the settings of one database of a fleet."""
    if _NAME.fullmatch(name) is None:
        raise SettingsRejected(
            f"{name!r} is not a name. Use up to 40 lower-case letters, digits and hyphens."
        )
    declared = {"url": entry} if isinstance(entry, str) else entry
    if not isinstance(declared, dict) or not {"url", "url_file"} & set(declared):
        raise SettingsRejected(f"{name}: The url is missing. {_EXAMPLE}")
    values: dict[str, Any] = {"database_direct_url": None, "database_read_url": None}
    for key, value in declared.items():
        own = str(key).removesuffix("_file")
        if own not in _OWN or not isinstance(value, str):
            raise SettingsRejected(
                f"{name}: {key}: Unknown or not a text. Use {', '.join(_OWN)}, or one of them with"
                " _file."
            )
        try:
            values[_OWN[own]] = _PARSERS[_OWN[own]](value if own == key else _read(value))
        except SettingsRejected as error:
            raise SettingsRejected(f"{name}: {key}: {error}") from None
    return values


_PARSERS: dict[str, Callable[[str], Any]] = {
    "database_url": _DSN,
    "database_direct_url": _DSN,
    "database_read_url": _DSN,
    "databases": _databases,
    "database": str,
    "role_prefix": _matching(
        r"(?!pg_)[a-z][a-z0-9_]{0,39}",
        "Use up to 40 lower-case letters, digits and underscores, starting with a letter but not"
        " with pg_.",
    ),
    "host": str,
    "port": _number(int, 0, 65535),
    "metrics_port": _number(int, 1, 65535),
    "master_keys": str,
    "admin_key": _matching(
        r"rhk_[A-Za-z0-9_-]{32,}", "Use rhk_ and at least 32 URL-safe characters."
    ),
    "brand": _matching(
        r"[A-Za-z][A-Za-z0-9-]{0,39}",
        "Use up to 40 letters, digits and hyphens, starting with a letter.",
    ),
    "allow_networks": _networks,
    "allow_http": _boolean,
    "egress_proxy": _proxy,
    "cors_origins": _words,
    "portal_origins": _frame_origins,
    "log_format": _matching("json|text", "Use json or text."),
    "retention_days": _number(int, 1, 3650),
    "keep_bodies": _matching("all|failed|none", "Use all, failed or none."),
    "lease_s": _number(float, 1, 3600),
    "callback_ttl_s": _number(float, 1, 30 * 86400),
    "data_dir": lambda text: _expand_home(Path(text)),
}
SECRET = frozenset(
    {
        "database_url",
        "database_direct_url",
        "database_read_url",
        "databases",
        "master_keys",
        "admin_key",
        "egress_proxy",
    }
)
NAMES = tuple(setting.name for setting in fields(Settings))
# The purpose of each setting, in Markdown: for `rowhook config --help` and the page of settings.
MEANINGS = {
    "database_url": "PostgreSQL connection string. The login must be a member of `rowhook_worker`"
    " and `rowhook_api`; `rowhook migrate` needs the owner. Without it, commands use the embedded"
    " PostgreSQL.",
    "database_direct_url": "Connection string that bypasses a transaction pooler. Used for LISTEN"
    " and for `rowhook migrate`.",
    "database_read_url": "Connection string of a streaming standby of the same database. The API"
    " and the dashboard read lists, searches, statistics and the feed there while it is at most"
    " 10 s behind, otherwise from `DATABASE_URL`.",
    "databases": "Several databases for one fleet: the path of a YAML file of names and connection"
    " strings, or the YAML itself. Instead of `DATABASE_URL`. See"
    " [several databases](../how-to/several-databases.md).",
    "database": "The one of `ROWHOOK_DATABASES` that a command uses. Not set: `worker`, `api`,"
    " `migrate`, `status` and `doctor` use all of them; other commands need it.",
    "role_prefix": "Prefix of the five roles `<prefix>_producer`, `_reader`, `_operator`,"
    " `_worker`, `_api`. Change it for a second installation in the same cluster.",
    "host": "Address that the HTTP server listens on.",
    "port": "Port that the HTTP server listens on.",
    "metrics_port": "Port at which a worker serves `/metrics`, `/livez` and `/readyz`, on the"
    " address of `ROWHOOK_HOST`. With `worker --processes`, the first process uses this port and"
    " each further one the next. Not set: the worker listens on no port.",
    "master_keys": "Keyring that encrypts secrets: `id:base64,…`, newest first, 32 random bytes"
    " each. Generated for the embedded database only.",
    "admin_key": "An operator API key with all scopes: `rhk_` and at least 32 URL-safe characters.",
    "brand": "Brand in `X-<Brand>-Signature` and in the user agent `<Brand>-Webhook/1`.",
    "allow_networks": "CIDRs that may be called although they are not public, for example"
    " `127.0.0.0/8,10.1.0.0/16`. Plain HTTP is allowed to literal addresses inside them, and to"
    " `localhost` if loopback is among them.",
    "allow_http": "Allow plain HTTP to any host that passes the egress guard.",
    "egress_proxy": "HTTP proxy for all deliveries and test sends: `http://proxy:3128` or"
    " `http://user:password@proxy:3128`.",
    "cors_origins": "Origins of the web pages that may call the API from a browser.",
    "portal_origins": "Origins of the pages that may show a [portal](../how-to/portal.md)"
    " in a frame, for example `https://app.example.com,https://*.example.com`.",
    "log_format": "`text` or `json`. Logs go to standard error.",
    "retention_days": "Days for which finished deliveries, events and attempts are kept. Applied"
    " when a worker starts with another value than the one applied last; an age set with"
    " `rowhook retain --set` is kept. Not set: the ages of `rowhook.retention` apply, initially 30"
    " days.",
    "keep_bodies": "Which requests and responses are kept: `all` as long as their attempts,"
    " `failed` those of failed attempts, `none`. Not set: all for 3 days, then those of failed"
    " attempts.",
    "lease_s": "Seconds after which the deliveries of a worker that stopped responding are"
    " reclaimed.",
    "callback_ttl_s": "Seconds that an output of kind `frontend` waits for a page before it is"
    " `dead`.",
    "data_dir": "Folder of the embedded PostgreSQL. `$XDG_DATA_HOME/rowhook` if that variable is"
    " set.",
}


def default_text(value: object) -> str | None:
    """Returns a default as it would be written in the environment; None if there is none."""
    if value is None or value == ():
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def environment_name(name: str) -> str:
    """Returns the environment variable of a setting, e.g. `ROWHOOK_PORT`."""
    return name.upper() if name.startswith("database_") else f"ROWHOOK_{name.upper()}"


def _from_environment(name: str, environ: Mapping[str, str]) -> str | None:
    variable = environment_name(name)
    path = environ.get(f"{variable}_FILE")
    if not path:
        return environ.get(variable) or None
    try:
        return _read(path) or None
    except SettingsRejected as error:
        raise SettingsRejected(f"{variable}_FILE: {error}") from error


def _default_data_dir(environ: Mapping[str, str]) -> Path:
    home = environ.get("XDG_DATA_HOME")
    return (Path(home) if home else _expand_home(Path("~/.local/share"))) / "rowhook"


def load(environ: Mapping[str, str], flags: Mapping[str, str | None] | None = None) -> Settings:
    """Returns the effective settings: a flag overrides `X_FILE`, which overrides `X`.

    Raises SettingsRejected for the first invalid value.
    """
    values: dict[str, Any] = {}
    for name in NAMES:
        text = (flags or {}).get(name) or _from_environment(name, environ)
        if text is None:
            continue
        try:
            values[name] = _PARSERS[name](text)
        except SettingsRejected as error:
            raise SettingsRejected(f"{environment_name(name)}: {error}") from None
    if not {"data_dir", "database_url", "databases"} & set(values):
        # With DATABASE_URL, an account without a home directory needs no data folder.
        values["data_dir"] = _default_data_dir(environ)
    return _chosen(Settings(**values))


def _chosen(settings: Settings) -> Settings:
    """Returns the settings of the chosen database if there are several and one is chosen."""
    by_database = settings.by_database()
    if by_database and settings.database_url is not None:
        raise SettingsRejected("ROWHOOK_DATABASES: DATABASE_URL is set as well. Set one of them.")
    if settings.database is None:
        return settings
    if settings.database not in by_database:
        names = ", ".join(by_database) or "ROWHOOK_DATABASES, which is not set"
        raise SettingsRejected(f"ROWHOOK_DATABASE: Unknown. Use a name of: {names}.")
    return by_database[settings.database]
