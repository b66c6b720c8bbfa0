-- Objects that `rowhook bench --claims` uses. sql/bench/remove.sql removes them.

-- Webhooks that nothing is sent to: `lanes` of them in all.
create function rowhook.bench_add_lanes(lanes int) returns void
language sql
as $$
  insert into rowhook.webhook (organization_id, name, url, max_in_flight)
  select '00000000-0000-4000-8000-00000000000a', 'lane ' || n, 'http://127.0.0.1:9/', 1000
  from generate_series(
    (select count(*) + 1 from rowhook.webhook w
     where w.organization_id = '00000000-0000-4000-8000-00000000000a' and w.name ~ '^lane '),
    lanes) as n
$$;

-- Due deliveries: one for each of the first `lanes` lanes and each event.
create function rowhook.bench_add_waiting(lanes int, first_event bigint, last_event bigint) returns void
language sql
as $$
  with happened as (
    insert into rowhook.event (organization_id, type, key, commit_id, goal_id, snapshot, data, occurred_at)
    select '00000000-0000-4000-8000-00000000000a', 'goal.committed', 'waiting_' || n, 'waiting_' || n,
           'rowhook_bench_1', '{}', '{"text": "waits"}', now()
    from generate_series(first_event, last_event) as n
    returning id
  )
  insert into rowhook.outbox (event_id, webhook_id, organization_id)
  select e.id, w.id, w.organization_id
  from happened e, rowhook.webhook w
  where w.organization_id = '00000000-0000-4000-8000-00000000000a'
    and case when w.name ~ '^lane ' then substr(w.name, 6)::int <= lanes end
$$;

-- Blocks of tables and indexes that this transaction has read so far, in memory or not.
create function rowhook.bench_blocks() returns bigint
language sql volatile
as $$
  select coalesce(sum(pg_stat_get_xact_blocks_fetched(c.oid)), 0)::bigint
  from pg_class c where c.relnamespace = 'rowhook'::regnamespace
$$;
