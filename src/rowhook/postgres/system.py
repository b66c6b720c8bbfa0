"""The state of the installation: workers, versions, storage."""

from __future__ import annotations

from rowhook.postgres.connection import ConnectionSource, documents, value


async def worker_list(pool: ConnectionSource) -> list[str]:
    """Returns a JSON document for each worker process, oldest first."""
    return await documents(pool, "select worker::text from rowhook.worker_list() as worker")


async def system(pool: ConnectionSource) -> str:
    """Returns the state of the installation as JSON text. Requires an operator's TenantPool."""
    document: str = await value(pool, "select rowhook.system()::text")
    return document
