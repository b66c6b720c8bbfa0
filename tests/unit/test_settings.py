"""Every setting: its sources, its values, and the errors of invalid ones."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import pytest

from rowhook.settings import (
    NAMES,
    SECRET,
    Databases,
    Settings,
    SettingsRejected,
    environment_name,
    load,
)

ADMIN = "rhk_" + "a" * 32
DSN = "postgresql://rowhook:pw@db:5432/app"
OF_ONE = {"database_direct_url": None, "database_read_url": None, "database_url": DSN}

GOOD: list[tuple[str, str, Any]] = [
    ("database_url", DSN, DSN),
    ("database_url", "host=db dbname=app", "host=db dbname=app"),
    ("database_direct_url", "postgres://db", "postgres://db"),
    ("database_read_url", DSN, DSN),
    ("databases", f"a: {DSN}", Databases(text=f"a: {DSN}", named={"a": OF_ONE})),
    ("role_prefix", "acme_2", "acme_2"),
    ("host", "0.0.0.0", "0.0.0.0"),  # noqa: S104  # a value to read, not to bind
    ("port", "0", 0),
    ("port", "65535", 65535),
    ("metrics_port", "9108", 9108),
    ("master_keys", "k1:AAAA", "k1:AAAA"),
    ("admin_key", ADMIN, ADMIN),
    ("brand", "Acme-2", "Acme-2"),
    ("allow_networks", "127.0.0.0/8", (ipaddress.ip_network("127.0.0.0/8"),)),
    (
        "allow_networks",
        "10.1.0.0/16, ::1/128",
        (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("::1/128")),
    ),
    ("allow_http", "TRUE", True),
    ("allow_http", "0", False),
    ("egress_proxy", "http://proxy:3128", "http://proxy:3128"),
    ("egress_proxy", "http://10.0.0.5:3128/", "http://10.0.0.5:3128/"),
    ("egress_proxy", "http://[fd00::5]:3128", "http://[fd00::5]:3128"),
    ("egress_proxy", "http://user:p%40ss@proxy.internal", "http://user:p%40ss@proxy.internal"),
    (
        "cors_origins",
        "https://a.example,https://b.example",
        ("https://a.example", "https://b.example"),
    ),
    (
        "portal_origins",
        "https://app.example.com https://*.example.com:8443,http://localhost:3000",
        ("https://app.example.com", "https://*.example.com:8443", "http://localhost:3000"),
    ),
    ("log_format", "json", "json"),
    ("retention_days", "7", 7),
    ("keep_bodies", "failed", "failed"),
    ("lease_s", "2.5", 2.5),
    ("callback_ttl_s", "3600", 3600.0),
    ("data_dir", "/srv/rowhook", Path("/srv/rowhook")),
]

BAD = [
    ("database_url", "nonsense", "postgresql://user@host:5432/database"),
    ("database_url", "postgresql://", "postgresql://user@host:5432/database"),
    ("database_direct_url", "http://db", "postgresql://user@host:5432/database"),
    *(
        ("role_prefix", text, "up to 40 lower-case letters, digits and underscores")
        for text in ("Acme", "2acme", "a-b", "pg_acme", "a" * 41)
    ),
    ("port", "http", "'http' is not a number"),
    ("port", "65536", "65536 is out of range. Use a value from 0 to 65535"),
    ("port", "-1", "-1 is out of range. Use a value from 0 to 65535"),
    ("admin_key", "rhk_short", "at least 32 URL-safe characters"),
    ("brand", "Two Words", "letters, digits and hyphens"),
    ("brand", "1st", "letters, digits and hyphens"),
    ("allow_networks", "loopback", "Use CIDRs"),
    ("allow_networks", "10.0.0.1/8", "has host bits set"),
    ("allow_http", "perhaps", "is not a boolean"),
    *(
        ("egress_proxy", text, "Use http://host:3128 or http://user:password@host:3128")
        for text in (
            "proxy:3128",
            "https://proxy:3128",
            "socks5://proxy",
            "http://",
            "http://proxy:0",
            "http://proxy:65536",
            "http://proxy/path",
            "http://proxy?x",
            "http://proxy#x",
            "http://a@b@proxy",
            "http://u:p\u00e4ss@proxy",
            "http://u:%e4@proxy",
            "http://a%3Ab:c@proxy",
            "http://[proxy]",
            "http://[:::]",
            "http://a..b",
        )
    ),
    *(
        ("portal_origins", text, "is not an origin. Use https://app.example.com")
        for text in (
            "*",
            "'self'",
            "null",
            "https:",
            "https://*",
            "https://a.example/",
            "http://a.example",
            "https://a.example;script-src",
            "https://*.*.example",
            "javascript://localhost",
        )
    ),
    ("log_format", "xml", "Use json or text"),
    ("retention_days", "0", "0 is out of range. Use a value from 1 to 3650"),
    ("retention_days", "1.5", "'1.5' is not a number"),
    ("keep_bodies", "some", "Use all, failed or none"),
    ("lease_s", "nan", "nan is out of range. Use a value from 1 to 3600"),
    ("lease_s", "0.5", "0.5 is out of range. Use a value from 1 to 3600"),
    ("data_dir", "~nobody-has-this-name/x", "The home directory is unknown"),
]


def test_the_setting_tables_list_every_setting() -> None:
    # `database` needs `databases`: tests/unit/test_settings_databases.py.
    assert {name for name, _, _ in GOOD} == set(NAMES) - {"database"}


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_a_setting_is_read_from_the_environment_a_file_or_a_flag(
    name: str, text: str, value: Any, tmp_path: Path
) -> None:
    variable = environment_name(name)
    file = tmp_path / "value"
    file.write_text(f"{text}\n")
    assert getattr(load({variable: text}), name) == value
    assert getattr(load({f"{variable}_FILE": str(file)}), name) == value
    assert getattr(load({}, {name: text}), name) == value


@pytest.mark.parametrize(("name", "text", "message"), BAD)
def test_an_invalid_value_raises_an_error_with_the_expected_format(
    name: str, text: str, message: str
) -> None:
    with pytest.raises(SettingsRejected) as refused:
        load({environment_name(name): text})
    assert str(refused.value).startswith(f"{environment_name(name)}: ")
    assert message in str(refused.value)


@pytest.mark.parametrize("text", ["postgresql:/hunter2@db", "hunter2"])
def test_a_rejected_secret_is_not_repeated(text: str) -> None:
    for name in sorted(SECRET - {"master_keys"}):
        with pytest.raises(SettingsRejected) as refused:
            load({environment_name(name): text})
        assert "hunter2" not in str(refused.value)


def test_a_flag_overrides_a_file_and_a_file_overrides_a_variable(tmp_path: Path) -> None:
    file = tmp_path / "brand"
    file.write_text("FromFile")
    environ = {"ROWHOOK_BRAND": "FromVariable"}
    assert load(environ).brand == "FromVariable"
    environ["ROWHOOK_BRAND_FILE"] = str(file)
    assert load(environ).brand == "FromFile"
    assert load(environ, {"brand": None}).brand == "FromFile"
    assert load(environ, {"brand": "FromFlag"}).brand == "FromFlag"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_an_unreadable_file_is_reported_with_its_variable(
    content: bytes | None, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsRejected, match=r"ROWHOOK_MASTER_KEYS_FILE: Cannot read .*keys"):
        load({"ROWHOOK_MASTER_KEYS_FILE": str(file)})


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    variables = {environment_name(name): "" for name in NAMES}
    read = load(variables | {"DATABASE_URL_FILE": str(empty), "XDG_DATA_HOME": "/data"})
    assert read == Settings(data_dir=Path("/data/rowhook"))


def test_the_defaults_are_the_documented_ones() -> None:
    read = load({"XDG_DATA_HOME": "/data"})
    assert (read.host, read.port, read.brand) == ("127.0.0.1", 8080, "Roxels")
    assert (read.retention_days, read.keep_bodies) == (None, None)
    assert (read.lease_s, read.log_format) == (20, "text")
    assert (read.allow_networks, read.allow_http, read.cors_origins) == ((), False, ())
    assert read.egress_proxy is None
    assert load({}).data_dir == Path("~/.local/share/rowhook").expanduser()


def test_the_repr_of_settings_contains_no_secrets() -> None:
    keys = load({"DATABASE_URL": DSN, "ROWHOOK_MASTER_KEYS": "k1:xyz", "ROWHOOK_ADMIN_KEY": ADMIN})
    for text in (DSN, "k1:xyz", ADMIN):
        assert text not in repr(keys)
