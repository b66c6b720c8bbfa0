"""`python -m bench.ha`, from a checkout: kill the leader of a Patroni cluster under load."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import rich_click as click

from bench.cached_install import NotInstalled
from bench.ha import failover_run, patroni_parts
from bench.ha.failover_run import Failover
from bench.ha.patroni_cluster import cluster
from rowhook.security.vault import generate_master_key
from rowhook.settings import Settings

_LONGEST_S = 5.0
_EXPECTED_ZERO = (
    "acknowledged_and_lost",
    "not_captured",
    "not_delivered",
    "not_committed_but_sent",
    "processes_ended",
)


@click.command()
@click.option("--kills", default=5, show_default=True, type=click.IntRange(1, 100))
@click.option("--rate", default=50.0, show_default=True, help="Commits per second.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON after the timeline.")
def ha(*, kills: int, rate: float, as_json: bool) -> None:
    """Kill the leader of two PostgreSQL 15 nodes under Patroni and etcd, with Rowhook beside it.

    Three workers and two APIs keep running. Exit 1 if anything is lost, or if a first delivery
    comes more than 5 seconds after a promotion. Patroni and etcd are installed into a cache.
    """
    begun = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"{time.monotonic() - begun:7.2f} s  {text}", err=True)

    try:
        figures = asyncio.run(_measure(kills, rate, say))
    except NotInstalled as error:
        raise click.ClickException(str(error)) from error
    failovers: list[Failover] = figures.pop("failovers")
    figures["failovers"] = [
        {name: round(value, 2) for name, value in asdict(failover).items()}
        for failover in failovers
    ]
    if as_json:
        click.echo(json.dumps(figures, indent=2))
    else:
        _print(figures)
    slow = any(failover.promote_to_delivery_s > _LONGEST_S for failover in failovers)
    sys.exit(1 if slow or any(figures["totals"][name] for name in _EXPECTED_ZERO) else 0)


async def _measure(kills: int, rate: float, say: failover_run.Say) -> dict[str, Any]:
    parts = await patroni_parts.install()
    settings = Settings(
        master_keys=generate_master_key(), allow_networks=(ipaddress.ip_network("127.0.0.0/8"),)
    )
    with tempfile.TemporaryDirectory(prefix="rowhook-ha-", ignore_cleanup_errors=True) as name:
        say("etcd and two nodes start")
        async with cluster(parts, failover_run.data_folder(Path(name))) as running:
            return await failover_run.measure(running, settings, kills=kills, rate=rate, say=say)


def _print(figures: dict[str, Any]) -> None:
    click.echo("kill to promotion  promotion to delivery  to both APIs ready")
    for failover in figures["failovers"]:
        values = [f"{value:.2f} s" for value in failover.values()]
        click.echo("{:>17}  {:>21}  {:>18}".format(*values))
    for name, value in figures["totals"].items():
        click.echo(f"{name.replace('_', ' ')}: {value:,}")


if __name__ == "__main__":
    ha(prog_name="python -m bench.ha")
