-- Objects that `rowhook bench --size` uses. sql/bench/remove.sql removes them.

-- Finished jobs of the linked agent with these outputs, in one statement.
create function rowhook.bench_finish_jobs(outputs text[]) returns void
language sql
as $$
  insert into rowhook.job (agent_version_id, status, status_code, cost, output, completed_at)
  select rowhook.bench_agent(true), 'succeeded', 200, 0.0042, output::json, clock_timestamp()
  from unnest(outputs) as output
$$;

-- Bytes of each table that a delivery is written to: rows, TOAST, and each index. Partitions count
-- towards their table.
create function rowhook.bench_sizes() returns table (owner text, part text, bytes bigint)
language sql stable
as $$
  with recursive ancestor as (
    select i.inhrelid as oid, i.inhparent as root from pg_inherits i
    union all
    select a.oid, i.inhparent from ancestor a join pg_inherits i on i.inhrelid = a.root
  ), top as (
    select a.oid, a.root from ancestor a
    where not exists (select from pg_inherits i where i.inhrelid = a.root)
  ), stored as (
    select c.oid, c.reltoastrelid, coalesce(t.root, c.oid) as root
    from pg_class c left join top t on t.oid = c.oid
    where c.relkind = 'r' and c.relnamespace = 'rowhook'::regnamespace
  ), named as (
    select s.*, r.relname as name from stored s join pg_class r on r.oid = s.root
    where r.relname = any ('{event, outbox, attempt, attempt_row, exchange, failed_exchange, request_head}')
  )
  select n.name, 'rows', sum(pg_relation_size(n.oid)) from named n group by 1
  union all
  select n.name, 'out of line', sum(pg_total_relation_size(n.reltoastrelid))
  from named n where n.reltoastrelid <> 0 group by 1
  union all
  select n.name, coalesce(top_index.relname, own_index.relname), sum(pg_relation_size(i.indexrelid))
  from named n
  join pg_index i on i.indrelid = n.oid
  join pg_class own_index on own_index.oid = i.indexrelid
  left join top t on t.oid = i.indexrelid
  left join pg_class top_index on top_index.oid = t.root
  group by 1, 2
$$;

-- Updates of the outbox, and how many of them were HOT.
create function rowhook.bench_hot_updates(out updates bigint, out hot bigint)
language sql stable
as $$
  select pg_stat_get_tuples_updated('rowhook.outbox'::regclass),
         pg_stat_get_tuples_hot_updated('rowhook.outbox'::regclass)
$$;

-- How the server compresses values larger than 2 KB.
create function rowhook.bench_compression() returns text
language sql stable
as $$
  select coalesce(
    (select case a.attcompression when 'l' then 'lz4' when 'p' then 'pglz' end
     from pg_attribute a
     where a.attrelid = 'rowhook.event'::regclass and a.attname = 'data' and a.attcompression <> ''),
    current_setting('default_toast_compression'))
$$;
