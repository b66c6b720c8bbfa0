"""Names to addresses, once an attempt: all answers must be permitted, or the name is refused.

Never caches: an answer is good for the dial it was asked for.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from aiohttp.abc import AbstractResolver, ResolveResult

from rowhook.egress.marks import current
from rowhook.egress.refusal import TargetForbidden

if TYPE_CHECKING:
    from rowhook.egress.addresses import DialPolicy

# A name's addresses, as literals.
Lookup = Callable[[str], Awaitable[Sequence[str]]]
# getaddrinfo cannot be cancelled: a name whose servers are silent holds a thread for 10 s or more.
MAX_LOOKUPS = 64
# Of each family. The dialler tries every address again after each failure, so the list is short.
MAX_ADDRESSES = 2


class GuardedResolver(AbstractResolver):
    """Asks `lookup` for a name's addresses and lets them through only if `policy` admits them."""

    def __init__(self, policy: DialPolicy, lookup: Lookup | None = None) -> None:
        self._policy = policy
        self._lookup = lookup or ThreadedLookup()

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,
    ) -> list[ResolveResult]:
        """Return the addresses to dial. Raises TargetForbidden, or OSError when there is none."""
        timer = current.get()
        if timer is not None:
            timer.resolving = monotonic()
        addresses = await self._addresses(host)
        if timer is not None:
            timer.resolved = monotonic()
        if not self._policy.admits(host, addresses):
            raise TargetForbidden
        return [_result(host, address, port) for address in _shorten(addresses)]

    async def _addresses(self, host: str) -> Sequence[str]:
        # RFC 6761 section 6.3: localhost is loopback by definition, it is not asked for.
        found = self._policy.loopback() if host == "localhost" else await self._lookup(host)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        return found

    async def close(self) -> None:
        """Forget the lookups that still run; their threads end by themselves."""
        if isinstance(self._lookup, ThreadedLookup):
            await self._lookup.close()


class ThreadedLookup:
    """The system's resolver, in daemon threads of its own that no exit waits for.

    Attempts that ask for a name while it is being looked up share that lookup, so one name with
    silent servers holds one thread, whatever the number of deliveries to it.
    """

    def __init__(self, ask: Callable[[str], list[str]] | None = None) -> None:
        self._ask = ask or _ask_system
        self._free = asyncio.Semaphore(MAX_LOOKUPS)
        self._running: dict[str, asyncio.Task[list[str]]] = {}

    async def __call__(self, host: str) -> list[str]:
        """Return the addresses of `host`. Raises OSError (gaierror) as the system does."""
        task = self._running.get(host)
        if task is None:
            task = self._running[host] = asyncio.create_task(self._look_up(host))
            task.add_done_callback(lambda done: self._forget(host, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Cancel the lookups that still run."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _forget(self, host: str, task: asyncio.Task[list[str]]) -> None:
        del self._running[host]
        if not task.cancelled():
            task.exception()  # whoever asked may be gone; an error nobody awaits is no news

    async def _look_up(self, host: str) -> list[str]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[str]] = loop.create_future()
        async with self._free:
            threading.Thread(
                target=_work, args=(self._ask, host, loop, answer), name="resolve", daemon=True
            ).start()
            return await answer


def _work(
    ask: Callable[[str], list[str]],
    host: str,
    loop: asyncio.AbstractEventLoop,
    answer: asyncio.Future[list[str]],
) -> None:
    with suppress(RuntimeError):  # the loop was closed while we asked
        try:
            found = ask(host)
        except Exception as error:  # noqa: BLE001  # a thread's error reaches nobody by itself
            loop.call_soon_threadsafe(_settle, answer, None, error)
        else:
            loop.call_soon_threadsafe(_settle, answer, found, None)


def _settle(
    answer: asyncio.Future[list[str]], found: list[str] | None, error: Exception | None
) -> None:
    if answer.cancelled():
        return
    if isinstance(error, UnicodeError):
        answer.set_exception(socket.gaierror(socket.EAI_NONAME, "not a name"))
    elif error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(found or [])


def _ask_system(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _shorten(addresses: Sequence[str]) -> list[str]:
    # The first answer's family stays first: the system has sorted them (RFC 6724).
    first_is_ipv6 = ":" in addresses[0]
    same = [address for address in addresses if (":" in address) == first_is_ipv6]
    other = [address for address in addresses if (":" in address) != first_is_ipv6]
    return same[:MAX_ADDRESSES] + other[:MAX_ADDRESSES]


def _result(host: str, address: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST,
    )
