"""A month of deliveries, inserted in bulk."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from rowhook.db import connection_pool
from tests.soak.soak_databases import PAUSED, WEBHOOKS, Installation

DAYS = 31
# 3.3 rows per delivery: 20 million in total.
DELIVERIES = int(os.environ.get("ROWHOOK_SOAK_DELIVERIES", "6200000"))
# No rows in the hour before the oldest retained row, so that the expiring rows are known.
_GAP = "interval '1 hour'"

_DELIVERY = f"""
  select n, w.webhook_id, w.organization_id, w.goal_id, s.status,
         case when s.status = 'dead' then 5 when s.status = 'held' then 1
              when s.status = 'delivered' then 1 + (fate < 5)::int else 0 end as attempts,
         'commit_' || md5(n::text) as commit_id,
         json_build_object('n', 'past-' || n, 'name', 'Contact ' || n, 'email', n || '@example.com',
                           'note', 'Asked to be called back on Monday.') as data,
         p.began_at + n * p.step + case when n > p.day then {_GAP} else interval '0' end as made_at,
         n > (p.days - 4) * p.day as has_bodies,
         n <= p.day or n > (p.days - 8) * p.day as has_commit
  from (select %(began_at)s::timestamptz as began_at, %(days)s as days, %(count)s / %(days)s as day,
               (%(days)s * interval '1 day' - {_GAP}) / %(count)s as step) as p,
  generate_series(1, %(count)s) as n,
  lateral (select (n / {WEBHOOKS}) %% 100 as fate, n %% {WEBHOOKS} as place) as f,
  lateral (select case
    when place = {PAUSED} and n > (p.days - 7) * p.day then 'pending'
    when fate < 97 then 'delivered' when fate = 97 then 'dead' when fate = 99 then 'cancelled'
    when n / (100 * {WEBHOOKS}) %% 2 = 0 then 'held' else 'skipped' end as status) as s,
  lateral (select w.* from public.past_webhook w where w.place = f.place) as w
"""
_EVENTS = f"""
insert into rowhook.event (id, organization_id, type, key, source, commit_id, goal_id, data,
                           organization_name, occurred_at, created_at)
select n, organization_id, 'goal.committed', commit_id, 'commit', commit_id, goal_id, data,
       'Organization', made_at, made_at
from ({_DELIVERY}) as past
"""
_OUTBOX = f"""
insert into rowhook.outbox (id, event_id, webhook_id, organization_id, status, ready, attempts,
                            token, schedule_step, next_attempt_at, created_at, finished_at,
                            last_status_code, last_error)
overriding system value
select n, n, webhook_id, organization_id, status, status = 'pending', attempts, n, attempts,
       case when status = 'pending' then made_at end, made_at,
       case when status not in ('pending', 'held') then made_at + interval '90 ms' end,
       case status when 'delivered' then 200 when 'dead' then 503 end,
       case status when 'dead' then 'The receiver responded with status 503.'
                   when 'held' then 'The body is not valid JSON.' end
from ({_DELIVERY}) as past
"""
_ATTEMPT = f"""
  select past.*, number, made_at + interval '40 ms' + (number - 1) * interval '5 s' as started_at,
         case when status = 'held' then 'render_failed' when status = 'dead' or number < attempts
              then 'http_error' else 'delivered' end as outcome
  from ({_DELIVERY}) as past, generate_series(1, attempts) as number
"""
_ATTEMPTS = f"""
insert into rowhook.attempt_row (outbox_id, started_at, number, revision, duration_ms, rendered_ms,
                                 status_code, outcome, error)
select n, started_at, number, 1, 20 + n %% 50, 0.4,
       case outcome when 'delivered' then 200 when 'http_error' then 503 end, outcome,
       case outcome when 'http_error' then 'The receiver responded with status 503.' end
from ({_ATTEMPT}) as try
"""
_EXCHANGES = f"""
insert into rowhook.{{table}}
  (outbox_id, started_at, number, request, response_headers, response_body)
select n, started_at, number,
       json_build_object('method', 'POST', 'url', 'https://example.com/hook', 'body', data::text),
       '{{{{"content-type": "application/json", "date": "Mon, 02 Nov 2026 10:00:00 GMT"}}}}',
       '{{{{"ok":true}}}}'
from ({_ATTEMPT}) as try where {{condition}}
"""
_COMMITS = f"""
insert into rowhook.commit (id, goal_id, data, committed_at)
select commit_id, goal_id, data, made_at from ({_DELIVERY}) as past where has_commit
"""
_EXCHANGED = [
    _EXCHANGES.format(table="exchange", condition="outcome = 'delivered' and has_bodies"),
    _EXCHANGES.format(table="failed_exchange", condition="outcome <> 'delivered'"),
]
_WEBHOOKS = """
create table public.past_webhook as
select (place - 1)::int as place, w.id as webhook_id, w.organization_id, g.goal_id
from unnest(%s::uuid[]) with ordinality as o (id, place)
join rowhook.webhook w using (id) join rowhook.link g on g.webhook_id = w.id
"""
_PARTITIONS = """
select rowhook.make_partition(parent, (%s::timestamptz at time zone 'UTC')::date + i)
from generate_series(0, 31) as i,
  unnest(array['attempt_row', 'exchange', 'failed_exchange']) as parent
where parent <> 'exchange' or i >= 27
"""
_SECONDARY = """
select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i
where i.indrelid = %s::text::regclass
  and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
"""
_SEQUENCES = """
select setval('rowhook.event_id', %s), setval('rowhook.outbox_id_seq', %s),
       setval('rowhook.token', %s)
"""
_COUNT = """
select (select count(*) from rowhook.event) + (select count(*) from rowhook.outbox)
  + (select count(*) from rowhook.attempt_row) + (select count(*) from rowhook.exchange)
  + (select count(*) from rowhook.failed_exchange)
"""
_EXPIRING = f"""
select count(*) from ({_DELIVERY}) as past
where n <= %(count)s / %(days)s and status not in ('pending', 'held')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The inserted data. `expiring` deliveries are finished and older than 30 days."""

    deliveries: int
    rows: int
    expiring: int


async def fill(installation: Installation) -> Past:
    """Inserts the deliveries of 31 days, up to now, with their events, attempts and bodies."""
    (began_at,) = (await installation.rows(f"select now() - interval '{DAYS} days'"))[0]
    past = {"began_at": began_at, "days": DAYS, "count": DELIVERIES}
    await installation.rows(_WEBHOOKS, installation.webhooks)
    await installation.rows(_PARTITIONS, began_at)
    await asyncio.gather(
        _load(installation, past, _EVENTS, indexed="rowhook.event"),
        _load(installation, past, _OUTBOX, indexed="rowhook.outbox"),
        _load(installation, past, _ATTEMPTS, *_EXCHANGED, _COMMITS),
    )
    await installation.rows(_SEQUENCES, *[DELIVERIES] * 3)
    tables = "rowhook.event", "rowhook.outbox", "rowhook.commit"
    await asyncio.gather(*(installation.rows(f"vacuum (analyze) {table}") for table in tables))
    await installation.rows(
        "analyze rowhook.attempt_row, rowhook.exchange, rowhook.failed_exchange"
    )
    async with await connection_pool.connect(installation.dsn) as connection:
        (expiring,) = await (await connection.execute(_EXPIRING.encode(), past)).fetchone() or (0,)
    rows = await installation.value(_COUNT)
    return Past(deliveries=DELIVERIES, rows=rows, expiring=expiring)


async def _load(
    installation: Installation,
    past: dict[str, object],
    *statements: str,
    indexed: str | None = None,
) -> None:
    """Runs inserts without triggers. Secondary indexes of `indexed` are recreated afterwards."""
    async with await connection_pool.connect(installation.dsn) as connection:
        await connection.execute("set session_replication_role = replica")
        await connection.execute("set maintenance_work_mem = '512MB'")
        indexes = await (await connection.execute(_SECONDARY, (indexed,))).fetchall()
        for name, _ in indexes:
            await connection.execute(f"drop index {name}".encode())
        for statement in statements:
            await connection.execute(statement.encode(), past)
        for _, definition in indexes:
            await connection.execute(definition.encode())
