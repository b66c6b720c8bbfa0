"""Starts an embedded PostgreSQL on a folder, prints its DSN, and waits to be killed."""

import asyncio
import sys
from pathlib import Path

from rowhook.embedded.cluster import embedded_postgres


async def _main() -> None:
    async with embedded_postgres(Path(sys.argv[1])) as dsn:
        print(dsn, flush=True)  # noqa: T201  # the test reads it
        await asyncio.Event().wait()


asyncio.run(_main())
