"""Resolves host names, once per attempt and without a cache.

A name is rejected unless all its addresses are allowed.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from rowhook.egress.errors import TargetForbidden

if TYPE_CHECKING:
    from rowhook.egress.policy import DialPolicy


# A name's addresses, as literals.
Lookup = Callable[[str], Awaitable[Sequence[str]]]
# getaddrinfo cannot be cancelled; with unresponsive servers it blocks a thread for 10 s or more.
MAX_LOOKUPS = 64
# Per address family: a name with many dead addresses must not use up the time for connecting.
MAX_ADDRESSES = 2


class GuardedResolver:
    """Resolves names with `lookup`, and rejects those that `policy` does not allow."""

    def __init__(self, policy: DialPolicy, lookup: Lookup | None = None) -> None:
        self._policy = policy
        self._lookup = lookup or ThreadedLookup()

    async def resolve(self, host: str) -> list[str]:
        """Return a few addresses of a name. Raises TargetForbidden, or OSError if there is none."""
        # RFC 6761 section 6.3: localhost is not resolved.
        addresses = self._policy.loopback() if host == "localhost" else await self._lookup(host)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        if not self._policy.admits(host, addresses):
            raise TargetForbidden
        return _shorten(addresses)

    async def close(self) -> None:
        """Cancel the running lookups; their threads end by themselves."""
        if isinstance(self._lookup, ThreadedLookup):
            await self._lookup.close()


class ThreadedLookup:
    """The system's resolver, in daemon threads that do not delay the exit.

    Concurrent lookups of a name share one thread, so a name with unresponsive servers blocks only
    one thread.
    """

    def __init__(self, resolve: Callable[[str], list[str]] | None = None) -> None:
        self._resolve = resolve or _resolve_with_system
        self._free = asyncio.Semaphore(MAX_LOOKUPS)
        self._running: dict[str, asyncio.Task[list[str]]] = {}

    async def __call__(self, host: str) -> list[str]:
        """Return the addresses of `host`. Raises OSError (gaierror)."""
        task = self._running.get(host)
        if task is None:
            task = self._running[host] = asyncio.create_task(self._look_up(host))
            task.add_done_callback(lambda finished: self._forget(host, finished))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is None or current.cancelling() or not task.cancelled():
                raise
        raise socket.gaierror(socket.EAI_FAIL, "the resolver was closed")

    async def close(self) -> None:
        """Cancel the running lookups."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _forget(self, host: str, task: asyncio.Task[list[str]]) -> None:
        del self._running[host]
        if not task.cancelled():
            task.exception()  # marks the error as retrieved, because the caller may be gone

    async def _look_up(self, host: str) -> list[str]:
        loop = asyncio.get_running_loop()
        result: asyncio.Future[list[str]] = loop.create_future()
        async with self._free:
            threading.Thread(
                target=_work, args=(self._resolve, host, loop, result), name="resolve", daemon=True
            ).start()
            return await result


def _work(
    resolve: Callable[[str], list[str]],
    host: str,
    loop: asyncio.AbstractEventLoop,
    result: asyncio.Future[list[str]],
) -> None:
    with suppress(RuntimeError):  # the loop was closed during the lookup
        try:
            addresses = resolve(host)
        except Exception as error:  # noqa: BLE001  # errors of a thread are not reported otherwise
            loop.call_soon_threadsafe(_settle, result, None, error)
        else:
            loop.call_soon_threadsafe(_settle, result, addresses, None)


def _settle(
    result: asyncio.Future[list[str]], addresses: list[str] | None, error: Exception | None
) -> None:
    if result.cancelled():
        return
    if isinstance(error, UnicodeError):
        result.set_exception(socket.gaierror(socket.EAI_NONAME, "not a name"))
    elif error is not None:
        result.set_exception(error)
    else:
        result.set_result(addresses or [])


def _resolve_with_system(host: str) -> list[str]:
    entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


def _shorten(addresses: Sequence[str]) -> list[str]:
    # Keeps the family of the first address first; the system has sorted them (RFC 6724).
    first_is_ipv6 = ":" in addresses[0]
    same = [address for address in addresses if (":" in address) == first_is_ipv6]
    other = [address for address in addresses if (":" in address) != first_is_ipv6]
    return same[:MAX_ADDRESSES] + other[:MAX_ADDRESSES]
