-- Ages of the retention, changed by SQL, by rowhook.set_retention, or by settings when a worker starts;
-- and reports of the rows that it will delete and of the storage that they take.

create or replace function rowhook.reject_kind(kind text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  raise exception using errcode = 'RH008', message = format('Unknown kind %s.', quote_literal(kind)),
    hint = (select 'Kinds: ' || string_agg(r.kind, ', ' order by r.place) || '.' from rowhook.retention r);
end
$$;
comment on function rowhook.reject_kind(text) is 'raises RH008: unknown kind of rows';

create or replace function rowhook.retention_kinds() returns setof text
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select r.kind from rowhook.retention r order by r.place
$$;
comment on function rowhook.retention_kinds() is
  'kinds of rows that retention removes, in the order of a run';

create or replace function rowhook.check_retention(kind text, keep interval) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  if extract(year from keep) <> 0 or extract(month from keep) <> 0 or not (keep >= '0' and keep <= '36500 days') then
    raise exception using errcode = 'RH008', message = format('Cannot keep %s for %s.', kind, keep),
      hint = 'Use days and hours, from 0 to 36500 days, such as ''30 days'' or ''12 hours''; null keeps rows forever.';
  end if;
end
$$;
comment on function rowhook.check_retention(text, interval) is
  'raises RH008 for an age that is negative, has months or exceeds 100 years';

create or replace function rowhook.check_retention_change() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  perform rowhook.check_retention(new.kind, new.keep);
  -- Starts from the beginning: a shorter age applies to rows that were already passed.
  new.passed_at := null;
  new.passed_id := null;
  new.passed_webhook := null;
  perform rowhook.write_audit(null, 'retention.changed', new.kind, json_build_object('keep', old.keep), json_build_object('keep', new.keep));
  return new;
end
$$;

create or replace function rowhook.set_retention(kind text, keep interval) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '5s'
as $$
begin
  if not exists (select from rowhook.retention r where r.kind = set_retention.kind) then
    perform rowhook.reject_kind(kind);
  end if;
  perform rowhook.check_retention(kind, keep);
  update rowhook.retention r set keep = set_retention.keep where r.kind = set_retention.kind and r.keep is distinct from set_retention.keep;
end
$$;
comment on function rowhook.set_retention(text, interval) is
  'sets how long a kind of rows is kept; null: forever. Raises RH008 for an unknown kind or invalid age';

create or replace function rowhook.apply_retention_settings(days int default null, bodies text default null) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  age constant interval := make_interval(days => days);
begin
  update rowhook.retention r
  set keep = target.keep, applied_setting = target.setting
  from (
    select kind, age as keep, days || ' days' as setting from unnest(array['delivered', 'failed', 'events', 'attempts']) as kind
    where days is not null
    union all
    select 'bodies', case when bodies <> 'all' then interval '0' end, bodies where bodies is not null
    union all
    select 'failed_bodies', case bodies when 'none' then interval '0' when 'failed' then age end, concat_ws(', ', bodies, days || ' days')
    where bodies is not null
    union all
    select 'failed_bodies', age, days || ' days' where bodies is null and days is not null
  ) as target (kind, keep, setting)
  where r.kind = target.kind and r.applied_setting is distinct from target.setting;
end
$$;
comment on function rowhook.apply_retention_settings(int, text) is
  'applies ROWHOOK_RETENTION_DAYS and ROWHOOK_KEEP_BODIES (all, failed or none) if they are set and differ from the values applied last';

create or replace function rowhook.stored_bodies(out accepted boolean, out failed boolean)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select coalesce(bool_and(r.keep is distinct from '0') filter (where r.kind = 'bodies'), true),
         coalesce(bool_and(r.keep is distinct from '0') filter (where r.kind = 'failed_bodies'), true)
  from rowhook.retention r
$$;
comment on function rowhook.stored_bodies() is
  'whether workers store request and response of accepted attempts, and of others; false if they are kept for no time';

-- Report of the retention and of the rows that it would remove.

create or replace function rowhook.count_capped(query text, before timestamptz, since timestamptz, cap int, out total bigint, out oldest timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
begin
  execute format('select count(*), min(counted.at) from (%s limit %s) as counted (at)', query, cap + 1) into total, oldest using before, since;
end
$$;
comment on function rowhook.count_capped(text, timestamptz, timestamptz, int) is
  'number of rows of a query over $1 and $2, capped at one more than the cap, and the oldest';

create or replace function rowhook.count_events(before timestamptz, after_id bigint, cap int, out total bigint, out oldest timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
declare
  event record;
  examined int := 0;
begin
  total := 0;
  for event in select e.id, e.created_at from rowhook.event e where e.id > coalesce(after_id, 0) order by e.id loop
    exit when event.created_at >= before or total > cap;
    examined := examined + 1;
    if examined > cap then
      total := cap + 1;
    elsif not exists (select from rowhook.outbox o where o.event_id = event.id) then
      total := total + 1;
      oldest := coalesce(oldest, event.created_at);
    end if;
  end loop;
end
$$;
comment on function rowhook.count_events(timestamptz, bigint, int) is
  'events without a delivery that are old enough; more than the cap if more than that have to be examined';

create or replace function rowhook.count_audit(before timestamptz, after_id bigint, cap int, out total bigint, out oldest timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
as $$
declare
  written_at timestamptz;
begin
  total := 0;
  for written_at in select a.created_at from rowhook.audit a where a.id > coalesce(after_id, 0) order by a.id loop
    exit when written_at >= before or total > cap;
    total := total + 1;
    oldest := coalesce(oldest, written_at);
  end loop;
end
$$;
comment on function rowhook.count_audit(timestamptz, bigint, int) is
  'rows of the audit log that are old enough';

-- Inlined into its callers, which then merge three index ranges.
create or replace function rowhook.undelivered_ends() returns setof timestamptz
language sql stable
as $$
  select o.finished_at from rowhook.outbox o where o.status = 'dead' and o.finished_at is not null
  union all
  select o.finished_at from rowhook.outbox o where o.status = 'cancelled' and o.finished_at is not null
  union all
  select o.finished_at from rowhook.outbox o where o.status = 'skipped' and o.finished_at is not null
$$;
comment on function rowhook.undelivered_ends() is
  'when deliveries ended as dead, cancelled or skipped';

create or replace function rowhook.retention_query(kind text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case kind
  when 'delivered' then $sql$select o.finished_at from rowhook.outbox o
    where o.status = 'delivered' and o.finished_at < $1 and o.finished_at >= $2 order by o.finished_at$sql$
  when 'failed' then $sql$select o.finished_at from rowhook.undelivered_ends() as o (finished_at)
    where o.finished_at < $1 and o.finished_at >= $2 order by o.finished_at$sql$
  when 'held' then $sql$select held.created_at from rowhook.webhook w, lateral (
      select o.created_at from rowhook.outbox o
      where o.webhook_id = w.id and o.status = 'held' and o.created_at < $1 and o.next_attempt_at is null offset 0) as held$sql$
  when 'signing_secrets' then $sql$select s.expires_at from rowhook.signing_secret s
    where s.expires_at is not null and s.expires_at < $1 order by s.expires_at$sql$
  when 'capture_errors' then $sql$select e.healed_at from rowhook.capture_error e
    where e.healed_at is not null and e.healed_at < $1 order by e.healed_at$sql$
  when 'open_capture_errors' then $sql$select e.created_at from rowhook.capture_error e
    where e.healed_at is null and e.created_at < $1 order by e.created_at$sql$
  when 'revisions' then $sql$select known.replaced_at from (
      select v.revision, lead(v.created_at) over (partition by v.webhook_id order by v.revision) as replaced_at
      from rowhook.webhook_revision v) as known where known.revision > 1 and known.replaced_at < $1$sql$ end;
comment on function rowhook.retention_query(text) is
  'query for the times of rows of a kind that are older than $1, oldest first if an index provides that';

create or replace function rowhook.retention_plan()
returns table (kind text, removable bigint, is_capped boolean, oldest timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  cap constant int := 100000;
  progress rowhook.retention;
  counted record;
  before timestamptz;
begin
  for progress in select * from rowhook.retention r order by r.place loop
    before := case progress.kind when 'revisions' then rowhook.revisions_before() else now() - progress.keep end;
    if progress.kind in ('attempts', 'bodies', 'failed_bodies') then
      select count(*) as total, min(p.began_at) as oldest into counted from rowhook.expired_days(progress.kind) as p;
    elsif before is null then
      select 0::bigint as total, null::timestamptz as oldest into counted;
    elsif progress.kind = 'events' then
      select * into counted from rowhook.count_events(before, progress.passed_id, cap);
    elsif progress.kind = 'audit' then
      select * into counted from rowhook.count_audit(before, progress.passed_id, cap);
    else
      select * into counted
      from rowhook.count_capped(rowhook.retention_query(progress.kind), before, coalesce(progress.passed_at, '-infinity'), cap);
    end if;
    return query select progress.kind,
      least(counted.total, cap), counted.total > cap, counted.oldest;
  end loop;
end
$$;
comment on function rowhook.retention_plan() is
  'per kind, the rows that a run would remove now, counted up to 100,000; for attempts and bodies the partitions, one per day';

create or replace function rowhook.retention_report()
returns table (
  kind text, concerns text, keep interval, last_run_at timestamptz, last_finished_at timestamptz, removed bigint, oldest timestamptz)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
  select r.kind, r.concerns, r.keep, r.last_run_at, r.last_finished_at, r.removed,
         case r.kind
           when 'delivered' then (
             select o.finished_at from rowhook.outbox o
             where o.status = 'delivered' and o.finished_at >= coalesce(r.passed_at, '-infinity') order by o.finished_at limit 1)
           when 'failed' then (
             select o.finished_at from rowhook.undelivered_ends() as o (finished_at)
             where o.finished_at >= coalesce(r.passed_at, '-infinity') order by o.finished_at limit 1)
           when 'held' then (
             select min(head.created_at) from rowhook.webhook w,
             lateral (select o.created_at from rowhook.outbox o where o.webhook_id = w.id and o.status = 'held' order by o.created_at limit 1) as head)
           when 'events' then (select e.created_at from rowhook.event e order by e.id limit 1)
           when 'attempts' then rowhook.oldest_day('attempt_row')
           when 'bodies' then rowhook.oldest_day('exchange')
           when 'failed_bodies' then rowhook.oldest_day('failed_exchange')
           when 'audit' then (select a.created_at from rowhook.audit a where a.id > coalesce(r.passed_id, 0) order by a.id limit 1)
           when 'signing_secrets' then (
             select s.expires_at from rowhook.signing_secret s where s.expires_at is not null order by s.expires_at limit 1)
           when 'capture_errors' then (
             select e.healed_at from rowhook.capture_error e where e.healed_at is not null order by e.healed_at limit 1)
           when 'open_capture_errors' then (
             select e.created_at from rowhook.capture_error e where e.healed_at is null order by e.created_at limit 1)
         end
  from rowhook.retention r order by r.place
$$;
comment on function rowhook.retention_report() is
  'per kind, how long it is kept, its last run, and the time of the oldest row if an index provides it';

create or replace function rowhook.paused_deliveries(
  out webhooks bigint, out deliveries bigint, out is_capped boolean, out oldest timestamptz
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
  with paused as materialized (
    select w.id, (
      select o.created_at from rowhook.outbox o
      where o.webhook_id = w.id and o.status = 'pending' order by o.created_at limit 1) as oldest
    from rowhook.webhook w where w.state = 'paused'
  ), counted as (
    select count(*) as deliveries
    from (
      select from paused p,
      lateral (select from rowhook.outbox o where o.webhook_id = p.id and o.status = 'pending' offset 0) as o
      where p.oldest is not null
      limit 100001) as waiting
  )
  select (select count(p.oldest) from paused p), least(c.deliveries, 100000), c.deliveries > 100000,
         (select min(p.oldest) from paused p)
  from counted c
$$;
comment on function rowhook.paused_deliveries() is
  'deliveries that no retention removes because their webhook is paused: webhooks that have any, how many, counted up to 100,000, and when the oldest was created';

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
