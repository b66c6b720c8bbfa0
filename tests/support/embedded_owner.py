"""Starts an embedded Postgres on the folder that is named, says so, and waits to be ended."""

import asyncio
import sys
from pathlib import Path

from rowhook.embedded.cluster import embedded_postgres


async def _main() -> None:
    async with embedded_postgres(Path(sys.argv[1])) as dsn:
        print(dsn, flush=True)  # noqa: T201  # the test reads it
        await asyncio.Event().wait()


asyncio.run(_main())
