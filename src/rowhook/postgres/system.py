"""The functions that show the installation itself."""

from __future__ import annotations

from rowhook.postgres.connection import Source, documents, value


async def worker_list(pool: Source) -> list[str]:
    """The worker processes, the oldest first."""
    return await documents(pool, "select one::text from rowhook.worker_list() as one")


async def system(pool: Source) -> str:
    """Versions, migrations, workers, capture, chores, partitions; for an operator's Entry alone."""
    found: str = await value(pool, "select rowhook.system()::text")
    return found
