"""`ROWHOOK_DATABASES`: names, connection strings, and settings of one database."""

from __future__ import annotations

from pathlib import Path

import pytest

from rowhook.cli.options import child_environment, masked_settings
from rowhook.settings import SettingsRejected, load

TWO = """\
eu: postgresql://rowhook:hunter2@eu/rowhook
us:
  url: postgresql://rowhook@us/rowhook
  read_url: postgresql://rowhook@us-standby/rowhook
  role_prefix: acme
"""


def test_each_database_has_its_own_settings_and_the_common_ones() -> None:
    settings = load({"ROWHOOK_DATABASES": TWO, "ROWHOOK_BRAND": "Acme"})
    eu, us = settings.by_database().values()
    assert [*settings.by_database()] == ["eu", "us"]
    assert (eu.database_url, eu.database_read_url, eu.role_prefix, eu.brand, eu.databases) == (
        "postgresql://rowhook:hunter2@eu/rowhook",
        None,
        "rowhook",
        "Acme",
        None,
    )
    assert (us.database_read_url, us.role_prefix) == (
        "postgresql://rowhook@us-standby/rowhook",
        "acme",
    )
    assert load({"DATABASE_URL": "postgresql://a"}).by_database() == {}


def test_the_value_is_a_path_or_the_yaml_itself_and_secrets_may_be_files(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://rowhook@eu/rowhook\n")
    path = tmp_path / "databases.yaml"
    path.write_text(f"eu:\n  url_file: {secret}\n")
    settings = load({"ROWHOOK_DATABASES": str(path)})
    assert settings.by_database()["eu"].database_url == "postgresql://rowhook@eu/rowhook"


def test_a_chosen_database_is_as_if_it_were_the_only_one() -> None:
    chosen = load({"ROWHOOK_DATABASES": TWO}, {"database": "us"})
    assert (chosen.databases, chosen.database_url) == (None, "postgresql://rowhook@us/rowhook")
    child = child_environment("postgresql://rowhook@us/rowhook", chosen)
    assert (child["DATABASE_READ_URL"], "ROWHOOK_DATABASE" in child) == (
        "postgresql://rowhook@us-standby/rowhook",
        False,
    )


def test_passwords_are_not_shown_and_children_get_the_same_databases() -> None:
    settings = load({"ROWHOOK_DATABASES": TWO})
    assert masked_settings(settings)["databases"] == "eu,us"
    assert "hunter2" not in repr(settings)
    child = child_environment(None, settings)
    assert (child["ROWHOOK_DATABASES"], "DATABASE_URL" in child) == (TWO, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/nowhere.yaml", "Cannot read the file that it names: No such file"),
        ("a: [\n", r"Invalid YAML \(line 2\)\. Write a name and a URL"),
        ("- postgresql://a\n", "Write a name and a URL"),
        ("A: postgresql://a", "'A' is not a name"),
        ("a: postgresql://x\n../b: postgresql://y", "'../b' is not a name"),
        ("a:\n  direct_url: postgresql://a\n", "a: The url is missing"),
        ("a: nonsense", "a: url: Use postgresql://"),
        ("a:\n  url: postgresql://a\n  host: b\n", "a: host: Unknown or not a text. Use url,"),
        ("a:\n  url_file: /nowhere\n", r"a: url_file: Cannot read /nowhere: No such file"),
        ("a: postgresql://x\nb: postgresql://y\na: postgresql://z", "a occurs twice"),
        ("a:\n  url: postgresql://x\n  url: postgresql://y", "url occurs twice"),
    ],
)
def test_a_mistake_is_named(text: str, message: str) -> None:
    with pytest.raises(SettingsRejected, match=f"(?s)ROWHOOK_DATABASES: {message}"):
        load({"ROWHOOK_DATABASES": text})


def test_contradictions_are_refused() -> None:
    with pytest.raises(SettingsRejected, match="DATABASE_URL is set as well"):
        load({"ROWHOOK_DATABASES": TWO, "DATABASE_URL": "postgresql://a"})
    with pytest.raises(SettingsRejected, match="Use a name of: eu, us"):
        load({"ROWHOOK_DATABASES": TWO, "ROWHOOK_DATABASE": "asia"})
    with pytest.raises(SettingsRejected, match="which is not set"):
        load({"ROWHOOK_DATABASE": "eu"})
