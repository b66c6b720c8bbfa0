"""A connection for LISTEN that reconnects when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from psycopg import AsyncConnection, sql

from rowhook.db.connection_errors import reason
from rowhook.db.connection_pool import connect, deadline
from rowhook.db.statements import PostgresError

log = structlog.get_logger()
_PROBE_S = 10.0
_BACKOFF_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


class Listener:
    """Calls `notify` with each payload, and with None when payloads may have been missed.

    `lost` is set while it is not connected; only polling finds work then.
    """

    def __init__(self, dsn: str, channel: str, notify: Callable[[str | None], None]) -> None:
        self.lost = asyncio.Event()
        self.lost.set()
        self._dsn = dsn
        self._channel = channel
        self._notify = notify

    @property
    def listening(self) -> bool:
        """Whether it is connected."""
        return not self.lost.is_set()

    async def run(self) -> None:
        """Listens until it is cancelled."""
        failures = 0
        while True:
            try:
                async with await connect(self._dsn) as connection:
                    failures = 0
                    await self._listen(connection)
            except PostgresError as error:
                log.warning(
                    "listener.lost",
                    channel=self._channel,
                    error=type(error).__name__,
                    reason=reason(error),
                )
            finally:
                self.lost.set()
            await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
            failures += 1

    async def _listen(self, connection: AsyncConnection) -> None:
        with deadline(connection, _PROBE_S):
            await connection.execute(sql.SQL("listen {}").format(sql.Identifier(self._channel)))
        # Notifications that arrive with the response of a probe.
        connection.add_notify_handler(lambda notice: self._notify(notice.payload))
        self.lost.clear()
        self._notify(None)
        while True:
            await self._receive(connection)
            with deadline(connection, _PROBE_S):
                await connection.execute("select 1")

    async def _receive(self, connection: AsyncConnection) -> None:
        """Receives notifications until the next probe is due.

        `AsyncConnection.notifies` would wake up ten times a second.
        """
        loop = asyncio.get_running_loop()
        failed: asyncio.Future[None] = loop.create_future()

        def read() -> None:
            try:
                connection.pgconn.consume_input()
            except PostgresError as error:
                # At once and only once: libpq has closed the socket, and another connection may get
                # its number.
                loop.remove_reader(descriptor)
                failed.set_exception(error)
            while (notice := connection.pgconn.notifies()) is not None:
                self._notify(notice.extra.decode())

        descriptor = connection.fileno()
        loop.add_reader(descriptor, read)
        try:
            async with asyncio.timeout(_PROBE_S):
                await failed
        except TimeoutError:
            return
        finally:
            if not failed.done() or failed.cancelled():
                loop.remove_reader(descriptor)
