"""`rowhook config`: the effective settings, secrets masked. Starts nothing."""

from __future__ import annotations

import json

import rich_click as click

from rowhook.cli.masked import lines, masked
from rowhook.cli.options import with_settings
from rowhook.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="JSON alone, for programs.")
@with_settings
def config(settings: Settings, *, as_json: bool) -> None:
    """Print every setting as it is in force, with the usable database_url."""
    if as_json:
        click.echo(json.dumps(masked(settings), indent=2))
        return
    for name, value in lines(settings).items():
        click.echo(f"{name}={value}")
