"""The peers: how each is started, and the data that it records for a delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A queue. `program` is a script of `bench/peers/node` or a module of `bench.peers`.

    `script` is the file of `bench/peers/sql` with its `bench_enqueue` and `bench_unfinished`.
    """

    name: str
    runtime: Literal["node", "python"]
    program: str
    script: str
    records: str
    settings: str
    variables: tuple[tuple[str, str], ...] = ()


ROWHOOK = "Rowhook"
ROWHOOK_RECORDS = "a row with times, status, request and response, and the state of the delivery"
PEERS = (
    Peer(
        name="graphile-worker",
        runtime="node",
        program="graphile_worker.mjs",
        script="graphile_worker.sql",
        records="a separate row with the status, in batches; the job is deleted",
        settings="128 jobs at once, local queue of 500, completion in batches, LISTEN",
    ),
    Peer(
        name="pg-boss",
        runtime="node",
        program="pg_boss.mjs",
        script="pg_boss.sql",
        records="the status as output of each job, in batches",
        settings="two workers with batches of 500, 128 requests at once, LISTEN",
        variables=(("BENCH_NOTIFY", "1"),),
    ),
    Peer(
        name="pg-boss, polling",
        runtime="node",
        program="pg_boss.mjs",
        script="pg_boss.sql",
        records="the status as output of each job, in batches",
        settings="the same, but it polls every 0.5 s, its shortest interval",
    ),
    Peer(
        name="pgqueuer",
        runtime="python",
        program="bench.peers.pgqueuer_peer",
        script="pgqueuer.sql",
        records="a separate row with the status, and a row of its log, both in batches",
        settings="asyncpg, uvloop, batches of 64, at most 128 jobs at once, LISTEN",
    ),
    Peer(
        name="procrastinate",
        runtime="python",
        program="bench.peers.procrastinate_peer",
        script="procrastinate.sql",
        records="a separate row with the status, in batches; the state and events of the job",
        settings="psycopg, uvloop, 64 jobs at once, LISTEN",
    ),
)
