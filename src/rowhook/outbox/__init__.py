"""pgqueuer's repository and driver on the outbox, which replaces pgqueuer's own queue table."""

from rowhook.outbox.driver import PoolDriver
from rowhook.outbox.flight import InFlight
from rowhook.outbox.installation import plan_pgqueuer, queries_over, upgrade_pgqueuer
from rowhook.outbox.recorder import Recorder
from rowhook.outbox.repository import ENTRYPOINT, OutboxQueries
from rowhook.outbox.result import Result

__all__ = [
    "ENTRYPOINT",
    "InFlight",
    "OutboxQueries",
    "PoolDriver",
    "Recorder",
    "Result",
    "plan_pgqueuer",
    "queries_over",
    "upgrade_pgqueuer",
]
