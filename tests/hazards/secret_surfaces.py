"""All places where a secret could become visible: rows, dumps, processes, responses."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import httpx
import psycopg

from rowhook.embedded.server_binaries import binaries

_PAGES = (
    "/deliveries",
    "/webhooks",
    "/secrets",
    "/api-keys",
    "/audit",
    "/agents",
    "/goals",
    "/organizations",
    "/stats",
    "/stats/series",
    "/events",
    "/failures",
    "/webhooks/worst",
    "/deliveries/count",
    "/workers",
    "/system",
)
_UNVERSIONED = (
    "/livez",
    "/readyz",
    "/metrics",
    "/schema",
    "/schema/openapi.json",
    "/nowhere",
    "/callbacks.js",
)


async def every_row(db: psycopg.AsyncConnection) -> dict[str, str]:
    """All tables and views of the database, as written by COPY."""
    cursor = await db.execute(
        "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = relnamespace"
        " where nspname like 'rowhook%' and relkind = any ('{r,p,v,m}')"
    )
    rows_of = {}
    for (name,) in await cursor.fetchall():
        async with db.cursor().copy(f"copy (select * from {name}) to stdout".encode()) as rows:
            rows_of[f"rows of {name}"] = b"".join([bytes(part) async for part in rows]).decode()
    return rows_of


def dump(dsn: str) -> dict[str, str]:
    """The output of pg_dump."""
    command = [str(binaries() / "pg_dump"), "--inserts", dsn]
    dumped = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # our own program
    return {"pg_dump": dumped.stdout}


async def every_statement(db: psycopg.AsyncConnection) -> dict[str, str]:
    """Sessions, process titles and the log of the server."""
    cursor = await db.execute("select string_agg(a::text, e'\\n') from pg_stat_activity a")
    (activity,) = await cursor.fetchone() or ("",)
    (own,) = await (await db.execute("select pg_backend_pid()")).fetchone() or (0,)
    return {"pg_stat_activity": activity, **_server(own)}


def _server(backend: int) -> dict[str, str]:
    postmaster = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1]
    log = Path(f"/proc/{postmaster}/fd/2").readlink()
    backends = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    log_text = log.read_text(errors="replace") if log.is_file() else ""
    return {"the server's log": log_text, **every_process([int(pid) for pid in backends])}


def every_process(pids: Iterable[int]) -> dict[str, str]:
    """Titles and environments of processes, as displayed by `ps`."""
    return {
        f"{part} of {pid}": Path(f"/proc/{pid}/{part}").read_bytes().decode(errors="replace")
        for pid in pids
        for part in ("cmdline", "comm", "environ")
        if Path(f"/proc/{pid}").exists()
    }


class Reader:
    """Sends every GET request of the API and stores the responses."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.answers: dict[str, str] = {}

    async def get(self, path: str, **query: Any) -> Any:
        """Sends a request and stores the response with its headers; returns parsed JSON."""
        answer = await self._client.get(path, params=query)
        self.answers[f"GET {path} {query}"] = f"{answer.headers}\n{answer.text}"
        return answer.json() if "json" in answer.headers.get("content-type", "") else None

    async def items(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """Iterates over all items of a list."""
        query: dict[str, Any] = {"limit": 200}
        while True:
            page = await self.get(path, **query)
            for item in page.get("items", ()):
                yield item
            if not page.get("next_cursor"):
                return
            query["cursor"] = page["next_cursor"]

    async def read_all(self, organization: str) -> None:
        """Reads all lists, webhooks with links and revisions, and deliveries with attempts."""
        for path in _UNVERSIONED:
            await self.get(path)
        for path in _PAGES:
            await self.get(f"/v1{path}", organization_id=organization)
        async for webhook in self.items("/v1/webhooks"):
            for part in ("", "/links", "/revisions"):
                await self.get(f"/v1/webhooks/{webhook['id']}{part}")
        async for goal in self.items("/v1/goals"):
            for part in ("outputs", "schema", "commit-tool"):
                await self.get(f"/v1/goals/{goal['id']}/{part}")
        async for delivery in self.items("/v1/deliveries"):
            await self.get(f"/v1/deliveries/{delivery['id']}")
        async for _ in self.items("/v1/audit"):
            pass
