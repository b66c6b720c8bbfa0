-- Counts and figures of organizations with many webhooks, by id (85_many_webhooks.sql) or from the indexes of the few
-- deliveries that wait, failed, or ended otherwise than delivered.

create or replace function rowhook.scan_counts(
  organization uuid, since timestamptz, until timestamptz, event_type text, code int, most_rows int,
  out by_status jsonb, out complete boolean
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  margin constant interval := '1 minute';
  last_id constant bigint := rowhook.last_id_before(until + margin);
  first_id bigint := rowhook.last_id_before(since - margin);
begin
  complete := last_id - first_id <= most_rows;
  first_id := greatest(first_id, last_id - most_rows);
  select coalesce(jsonb_object_agg(counted.status, counted.n), '{}') into by_status
  from (
    select o.status, count(*) as n
    from rowhook.outbox o
    where o.id > first_id and o.id <= last_id
      and (organization is null or o.organization_id = organization)
      and o.created_at >= since and o.created_at < until
      and (code is null or o.last_status_code = code)
      and (scan_counts.event_type is null or exists (
        select from rowhook.event e where e.id = o.event_id and e.type = scan_counts.event_type))
    group by o.status) as counted;
end
$$;
comment on function rowhook.scan_counts(uuid, timestamptz, timestamptz, text, int, int) is
  'number of deliveries by status among the newest `most_rows` ids of a range of time; complete: these are all';

create or replace function rowhook.few_deliveries_wait() returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  few constant int := 5000;
begin
  return (rowhook.count_waiting(array['pending', 'sending', 'held'], few) ->> 'total')::int < few;
end
$$;
comment on function rowhook.few_deliveries_wait() is
  'whether so few deliveries wait in the whole installation that reading all of them takes less than a look-up for each webhook; security definer, because it counts those of all organizations';

-- An index has those that ended otherwise than delivered, in the order of their ends.
create or replace function rowhook.count_ended(
  statuses text[], since timestamptz, until timestamptz, max_rows int
) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  longest_transaction constant interval := '1 minute';
  most_read constant int := 35000;
  by_status jsonb := '{}';
  read int;
  counted jsonb;
begin
  if 'dead' = any (statuses) then
    by_status := jsonb_build_object('dead', (
      select count(*) from (
        select from rowhook.outbox o
        where o.status = 'dead' and o.created_at >= since and o.created_at < until limit max_rows) as o));
  end if;
  if statuses && array['cancelled', 'skipped'] then
    select coalesce(jsonb_object_agg(each.status, each.n), '{}'), coalesce(sum(each.read), 0) into counted, read
    from (
      select o.status, count(*) as read,
             count(*) filter (where o.created_at >= since and o.created_at < until) as n
      from (
        select o.status, o.created_at from rowhook.outbox o
        where o.status in ('dead', 'cancelled', 'skipped') and o.finished_at >= since - longest_transaction
        limit most_read) as o
      group by o.status) as each;
    if read < most_read then
      by_status := by_status || (
        select jsonb_object_agg(listed.status, coalesce((counted ->> listed.status)::int, 0))
        from unnest(array['cancelled', 'skipped']) as listed (status));
    end if;
  end if;
  return by_status;
end
$$;
comment on function rowhook.count_ended(text[], timestamptz, timestamptz, int) is
  'number of dead, cancelled and skipped deliveries of all organizations that were created in a range of time, at most `max_rows` dead; without cancelled and skipped if too many have ended';

create or replace function rowhook.count_since(organization uuid, statuses text[], since timestamptz) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
as $$
declare
  few_ids constant int := 40000;
  no_limit constant int := 2147483647;
  sees_all constant boolean := organization is null and current_setting('rowhook.operator', true) is distinct from 'off';
  counts jsonb := '{}';
begin
  if rowhook.has_many_webhooks(organization) then
    if rowhook.last_id_before('infinity') - rowhook.last_id_before(since) < few_ids then
      return (select c.by_status from rowhook.scan_counts(organization, since, 'infinity', null, null, no_limit) as c);
    end if;
    if rowhook.few_deliveries_wait() then
      counts := (rowhook.count_waiting(statuses, no_limit, organization, since) -> 'by_status')::jsonb;
    end if;
    if sees_all then
      counts := counts || rowhook.count_ended(array_remove(statuses, 'dead'), since, 'infinity', no_limit);
    end if;
  end if;
  return counts || coalesce((
    select jsonb_object_agg(counted.status, counted.n)
    from (
      select o.status, count(*) as n
      from rowhook.webhook_revision v
      -- Ranges of outbox_by_webhook, which are counted without reading the table.
      cross join lateral (
        select o.status from rowhook.outbox o
        where o.webhook_id = v.webhook_id and o.created_at >= since
          and o.status = any (array(select unnest(statuses) except select jsonb_object_keys(counts)))
        offset 0) as o
      where v.revision = 1 and (organization is null or v.organization_id = organization)
      group by o.status) as counted), '{}');
end
$$;
comment on function rowhook.count_since(uuid, text[], timestamptz) is
  'number of deliveries by status that were created since a time; statuses without any may be missing';

create or replace function rowhook.few_deliveries_failed() returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  few constant int := 30000;
begin
  return few > (
    select count(*) from (
      (select from rowhook.outbox o where o.status = 'dead' limit few)
      union all
      (select from rowhook.outbox o where o.status = 'held' limit few)
      union all
      (select from rowhook.outbox o where o.status = 'pending' and o.last_error is not null limit few)) as o);
end
$$;
comment on function rowhook.few_deliveries_failed() is
  'whether so few deliveries of the whole installation are dead, held or wait after a failed attempt that reading all of them takes less than a look-up for each webhook; security definer, because it counts those of all organizations';

create or replace function rowhook.few_deliveries_ended() returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  few constant int := 35000;
begin
  return few > (
    select count(*) from (
      select o.finished_at from rowhook.outbox o where o.status in ('dead', 'cancelled', 'skipped') limit few) as o);
end
$$;
comment on function rowhook.few_deliveries_ended() is
  'whether so few deliveries of the whole installation are dead, cancelled or skipped that reading all of them takes less than a look-up for each webhook; security definer, because it counts those of all organizations';

create or replace function rowhook.organization_latency(
  organization uuid, since timestamptz, sampled int, out p50_ms float8, out p95_ms float8
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  most_rows constant int := 20000;
  enough constant int := 1000;
  last_id constant bigint := rowhook.last_id_before('infinity');
  first_id constant bigint := rowhook.last_id_before(since);
  n int := 0;
begin
  if rowhook.has_many_webhooks(organization) then
    select count(*), percentile_cont(0.5) within group (order by o.ms), percentile_cont(0.95) within group (order by o.ms)
    into n, p50_ms, p95_ms
    from (
      select extract(epoch from o.finished_at - o.created_at)::float8 * 1000 as ms
      from rowhook.outbox o
      where o.id > greatest(first_id, last_id - most_rows) and o.id <= last_id
        and o.status = 'delivered' and o.organization_id = organization and o.created_at >= since
      order by o.id desc
      limit sampled) as o;
  end if;
  if n < enough and (n = 0 or last_id - first_id > most_rows) then
    select p.p50_ms, p.p95_ms into p50_ms, p95_ms
    from rowhook.latency_percentiles(array(
      -- An equal sample of each webhook that has deliveries.
      select v.webhook_id
      from rowhook.webhook_revision v
      cross join lateral (select from rowhook.outbox o where o.webhook_id = v.webhook_id limit 1) as o
      where v.revision = 1 and v.organization_id = organization), since, sampled) as p;
  end if;
end
$$;
comment on function rowhook.organization_latency(uuid, timestamptz, int) is
  'like latency_percentiles, of an organization: of its newest delivered deliveries if it has many webhooks';

create or replace function rowhook.failed_counts(webhooks uuid[], statuses text[], since timestamptz, most int)
returns table (webhook_id uuid, held bigint, dead bigint, retrying bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  if cardinality(webhooks) >= 200 and rowhook.few_deliveries_failed() then
    return query
      select o.webhook_id, least(count(*) filter (where o.status = 'held'), most),
             least(count(*) filter (where o.status = 'dead'), most),
             least(count(*) filter (where o.status = 'pending'), most)
      from (
        select o.webhook_id, 'held' as status from rowhook.outbox o where o.status = 'held'
        union all
        select o.webhook_id, 'dead' from rowhook.outbox o
        where o.status = 'dead' and o.created_at >= since and 'dead' = any (statuses)
        union all
        select o.webhook_id, 'pending' from rowhook.outbox o
        where o.status = 'pending' and o.last_error is not null and 'pending' = any (statuses)) as o
      group by o.webhook_id;
  else
    return query
      select c.id, held.n, dead.n, retrying.n
      from unnest(webhooks) as c (id)
      cross join lateral (
        select count(*) as n from (
          select from rowhook.outbox o where o.webhook_id = c.id and o.status = 'held' limit most) as o) as held
      cross join lateral (
        select count(*) as n from (
          select from rowhook.outbox o
          where o.webhook_id = c.id and o.status = 'dead' and o.created_at >= since and 'dead' = any (statuses)
          limit most) as o) as dead
      -- Waiting deliveries count whatever their age.
      cross join lateral (
        select count(*) as n from (
          select from rowhook.outbox o
          where o.webhook_id = c.id and o.status = 'pending' and o.last_error is not null and 'pending' = any (statuses)
          limit most) as o) as retrying;
  end if;
end
$$;
comment on function rowhook.failed_counts(uuid[], text[], timestamptz, int) is
  'held deliveries of webhooks, and, for the statuses dead and pending, dead ones created since a time and those that wait after a failed attempt; at most `most` of each; a webhook without any may be missing, others may be there';
