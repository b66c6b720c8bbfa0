-- Disk usage of the tables that grow.

create or replace function rowhook.storage_report()
returns table (name text, rows bigint, bytes bigint, bytes_per_day bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with part as (
    select listed.name, listed.place, c.relname, pg_total_relation_size(c.oid) as bytes,
           pg_relation_size(c.oid) as heap_bytes,
           -- Nothing analyzes a partition. The statistics count inserted rows, unless a crash reset them.
           case when pg_relation_size(c.oid) = 0 then 0
             else coalesce(nullif(c.reltuples, -1)::bigint, nullif(pg_stat_get_live_tuples(c.oid), 0)) end as rows
    from unnest(array['event', 'outbox', 'attempt_row', 'exchange', 'failed_exchange', 'attempt_archive', 'callback', 'audit'])
      with ordinality as listed (name, place),
    lateral (
      select to_regclass('rowhook.' || listed.name)::oid as oid
      union all
      select i.inhrelid from pg_inherits i where i.inhparent = to_regclass('rowhook.' || listed.name)
    ) as tree
    join pg_class c on c.oid = tree.oid
    where c.relkind = 'r'
  ), oldest as (
    select case listed.name
             when 'event' then (select e.created_at from rowhook.event e order by e.id limit 1)
             when 'outbox' then (select o.created_at from rowhook.outbox o order by o.id limit 1)
             when 'callback' then null
             when 'audit' then (select a.created_at from rowhook.audit a order by a.id limit 1)
           end as at, listed.name
    from unnest(array['event', 'outbox', 'callback', 'audit']) as listed (name)
  )
  -- A partition that is being dropped has no size.
  select part.name, sum(part.rows)::bigint, coalesce(sum(part.bytes), 0)::bigint,
         (case when bool_or(part.relname <> part.name)
            -- Only past days: today's partition still grows, and those of next week are empty.
            then avg(part.bytes) filter (where part.heap_bytes > 0 and rowhook.partition_day(part.relname) < (now() at time zone 'UTC')::date)
            else sum(part.bytes) / greatest(extract(epoch from now() - min(oldest.at)) / 86400, 1) end)::bigint
  from part
  left join oldest on oldest.name = part.name
  group by part.name, part.place
  order by part.place
$$;
comment on function rowhook.storage_report() is
  'per growing table: rows as estimated by the planner or the statistics, bytes including indexes, and bytes added per day; null if unknown';
