"""The page of settings: names, flags and defaults from the code, meanings from here."""

from __future__ import annotations

from dataclasses import fields

from rowhook.settings import SECRET, Settings, environment_name

_HEAD = """\
# Settings

Every setting is an environment variable and a flag of every command. A flag takes precedence over
the variable. `X_FILE` names a file that holds the value of `X`, for example
`ROWHOOK_MASTER_KEYS_FILE=/run/secrets/master_keys`; it takes precedence over `X`.
`rowhook config` prints the effective settings with secrets masked.

| variable | flag | default | meaning |
|---|---|---|---|
"""
_FOOT = """
Settings marked *secret* are masked in `rowhook config`, in logs and in `GET /v1/system`.
"""
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
    "log_format": "`text` or `json`. Logs go to standard error.",
    "retention_days": "Days for which finished deliveries, events and attempts are kept. Applied"
    " when a worker starts with another value than the one applied last; an age set with"
    " `rowhook retain --set` stands. Not set: the ages of `rowhook.retention` stay, at first 30"
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


def settings_page() -> str:
    """The whole page. Raises KeyError for a setting without a meaning."""
    rows = [_row(field.name, field.default) for field in fields(Settings)]
    return _HEAD + "".join(rows) + _FOOT


def _row(name: str, default: object) -> str:
    meaning = MEANINGS[name] + (" *Secret.*" if name in SECRET else "")
    flag = "--" + name.replace("_", "-")
    return f"| `{environment_name(name)}` | `{flag}` | {_default(default)} | {meaning} |\n"


def _default(value: object) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value}`"
