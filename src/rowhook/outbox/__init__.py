"""pgqueuer's repository and driver over our outbox: one row is the queue, the state and the truth.

It never renders, signs or sends, and never talks to pgqueuer's own queue table.
"""

from rowhook.outbox.driver import PoolDriver
from rowhook.outbox.flight import Flight
from rowhook.outbox.installation import plan_pgqueuer, queries_over, upgrade_pgqueuer
from rowhook.outbox.recorder import Recorder
from rowhook.outbox.repository import ENTRYPOINT, OutboxQueries
from rowhook.outbox.result import Result

__all__ = [
    "ENTRYPOINT",
    "Flight",
    "OutboxQueries",
    "PoolDriver",
    "Recorder",
    "Result",
    "plan_pgqueuer",
    "queries_over",
    "upgrade_pgqueuer",
]
