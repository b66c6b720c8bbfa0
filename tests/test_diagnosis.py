from __future__ import annotations

import pytest
from psycopg.conninfo import make_conninfo

from rowhook import postgres

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("read_only", "finding"),
    [("off", "writable"), ("on", "read-only: nothing is claimed or recorded")],
)
async def test_a_database_that_may_not_be_written_is_found(
    dsn: str, read_only: str, finding: str
) -> None:
    options = f"-c default_transaction_read_only={read_only}"
    async with postgres.open_pool(make_conninfo(dsn, options=options), size=1) as pool:
        (found,) = [one for one in await postgres.diagnosis(pool) if one["subject"] == "primary"]
    assert (found["healthy"], found["finding"]) == (read_only == "off", finding)
