"""`rowhook config`: prints the effective settings with secrets masked."""

from __future__ import annotations

import json

import rich_click as click

from rowhook.cli.masked import masked_settings, setting_lines
from rowhook.cli.options import with_settings
from rowhook.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def config(settings: Settings, *, as_json: bool) -> None:
    """Print the effective settings, with the usable database_url. Starts nothing."""
    if as_json:
        click.echo(json.dumps(masked_settings(settings), indent=2))
        return
    for name, value in setting_lines(settings).items():
        click.echo(f"{name}={value}")
