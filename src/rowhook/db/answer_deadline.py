"""Deadlines for answers of PostgreSQL, by shutting the connection down."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import psycopg


class AnswerLimits(NamedTuple):
    """Seconds that a connection of a pool waits for an answer before it counts as lost.

    `first_s` applies to the first statement after the connection was taken from the pool, which
    shows whether the server still answers, and `later_s` to the others.
    """

    first_s: float
    later_s: float


# The server ends statements of the API after 60 s.
API_LIMITS = AnswerLimits(first_s=15.0, later_s=75.0)
# Healing and retention may take long. The statements that deliver have a deadline of their own.
WORKER_LIMITS = AnswerLimits(first_s=600.0, later_s=600.0)


@contextmanager
def deadline(connection: psycopg.AsyncConnection, seconds: float) -> Iterator[None]:
    """Shuts the connection down after `seconds`; a pending statement raises OperationalError.

    Nothing else detects a network that drops all packets: cancelling the statement would wait for
    the same network.
    """
    descriptor = connection.fileno()
    timer = asyncio.get_running_loop().call_later(seconds, shut_down, descriptor)
    try:
        yield
    finally:
        timer.cancel()


def shut_down(descriptor: int) -> None:
    """Ends the connection of a socket, so that what waits for it fails at once."""
    with socket.socket(fileno=os.dup(descriptor)) as duplicate, suppress(OSError):
        duplicate.shutdown(socket.SHUT_RDWR)
