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
  margin constant interval := interval '1 minute' + rowhook.clock_set_back_by();
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

create or replace function rowhook.rare_waiting_statuses(of_all boolean default false) returns text[]
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  few constant int := case when of_all then 20000 else 5000 end;
begin
  -- Only indexes are read. The first two also have held deliveries that are about to be tried again.
  return array(
    select counted.status
    from (
      select 'pending' as status, (
        select count(*) from (
          (select from rowhook.outbox o where o.ready limit few)
          union all
          (select from rowhook.outbox o where not o.ready and o.next_attempt_at is not null limit few)
          limit few) as o) as n
      union all
      select 'sending', (select count(*) from (select from rowhook.outbox o where o.status = 'sending' limit few) as o)
      union all
      select 'held', (select count(*) from (select from rowhook.outbox o where o.status = 'held' limit few) as o)) as counted
    where counted.n < few);
end
$$;
comment on function rowhook.rare_waiting_statuses(boolean) is
  'of pending, sending and held, those with so few deliveries in the whole installation that reading all of them, for one organization or for all, takes less than a look-up for each webhook; security definer, because it counts those of all organizations';

create or replace function rowhook.count_all_waiting(
  statuses text[], since timestamptz, until timestamptz, most_read int
) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  return (
    select coalesce(jsonb_object_agg(counted.status, counted.n) filter (where counted.read < most_read), '{}')
    from (
      select listed.status, count(o.created_at) as read,
             count(*) filter (where o.created_at >= since and o.created_at < until) as n
      from unnest(statuses) as listed (status)
      left join lateral (
        (select o.created_at from rowhook.outbox o
         where o.ready and o.status = 'pending' and listed.status = 'pending' limit most_read)
        union all
        (select o.created_at from rowhook.outbox o
         where not o.ready and o.next_attempt_at is not null and o.status = 'pending' and listed.status = 'pending'
         limit most_read)
        union all
        (select o.created_at from rowhook.outbox o where o.status = 'sending' and listed.status = 'sending' limit most_read)
        union all
        (select o.created_at from rowhook.outbox o where o.status = 'held' and listed.status = 'held' limit most_read)
        limit most_read) as o on true
      where listed.status in ('pending', 'sending', 'held')
      group by listed.status) as counted);
end
$$;
comment on function rowhook.count_all_waiting(text[], timestamptz, timestamptz, int) is
  'number of pending, sending and held deliveries of all organizations that were created in a range of time; without a status of which `most_read` or more wait at any time';

create or replace function rowhook.oldest_waiting(organization uuid) returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
-- Otherwise, if the statistics show few webhooks, the table would be read instead of one look-up each.
set enable_seqscan = off
as $$
declare
  oldest_pending timestamptz;
begin
  if organization is null and 'pending' = any (rowhook.rare_waiting_statuses(of_all => true)) then
    select min(o.created_at) into oldest_pending from (
      select o.created_at from rowhook.outbox o where o.ready and o.status = 'pending'
      union all
      select o.created_at from rowhook.outbox o
      where not o.ready and o.next_attempt_at is not null and o.status = 'pending') as o;
  else
    select min(oldest.created_at) into oldest_pending
    from rowhook.webhook w
    cross join lateral (
      select o.created_at from rowhook.outbox o
      where o.webhook_id = w.id and o.status = 'pending'
      order by o.created_at
      limit 1) as oldest
    where organization is null or w.organization_id = organization;
  end if;
  return least(oldest_pending, (
    -- Only the deliveries that workers have in flight.
    select min(o.created_at) from rowhook.outbox o
    where o.status = 'sending' and (organization is null or o.organization_id = organization)));
end
$$;
comment on function rowhook.oldest_waiting(uuid) is
  'creation time of the oldest delivery that is pending or sending; null if there is none';

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
  longest_transaction constant interval := interval '1 minute' + rowhook.clock_set_back_by();
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

-- Policies would be evaluated for each delivery, which takes longer than counting it.
create or replace function rowhook.count_many_since(organization uuid, statuses text[], since timestamptz) returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  if rowhook.can_see(organization) is not true then
    raise exception using errcode = 'insufficient_privilege',
      message = 'rowhook.count_many_since counts only deliveries that this transaction can see',
      hint = 'Call rowhook.set_tenant with this organization first.';
  end if;
  return (
    select coalesce(jsonb_object_agg(counted.status, counted.n), '{}')
    from (
      select listed.status, sum(o.n)::bigint as n
      from rowhook.webhook_revision v
      cross join unnest(statuses) as listed (status)
      -- A range of outbox_by_webhook, which is counted without reading the table.
      cross join lateral (
        select count(*) as n from rowhook.outbox o
        where o.webhook_id = v.webhook_id and o.status = listed.status and o.created_at >= since
        offset 0) as o
      where v.revision = 1 and (organization is null or v.organization_id = organization)
        and (organization is not null or listed.status <> 'held')
      group by listed.status
      union all
      -- Those of all webhooks have an index.
      select 'held', count(*) from rowhook.outbox o
      where o.status = 'held' and o.created_at >= since
      having organization is null and 'held' = any (statuses)) as counted);
end
$$;
comment on function rowhook.count_many_since(uuid, text[], timestamptz) is
  'like count_since, by look-ups for each webhook; security definer, so that the policies are evaluated once, for the organization, or for the operator';

create or replace function rowhook.pending_of_webhooks(
  organization uuid, since timestamptz, out pending bigint, out oldest_at timestamptz
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  if rowhook.can_see(organization) is not true then
    raise exception using errcode = 'insufficient_privilege',
      message = 'rowhook.pending_of_webhooks reads only deliveries that this transaction can see',
      hint = 'Call rowhook.set_tenant with this organization first.';
  end if;
  select coalesce(sum(o.n), 0)::bigint, min(o.oldest_at) into pending, oldest_at
  from rowhook.webhook_revision v
  cross join lateral (
    select count(*) filter (where o.created_at >= since) as n, min(o.created_at) as oldest_at from rowhook.outbox o
    where o.webhook_id = v.webhook_id and o.status = 'pending'
    offset 0) as o
  where v.revision = 1 and (organization is null or v.organization_id = organization);
end
$$;
comment on function rowhook.pending_of_webhooks(uuid, timestamptz) is
  'number of pending deliveries that were created since a time, and when the oldest at any time was created, by one look-up for each webhook; security definer, so that the policies are evaluated once';

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
  read text[];
  uncounted text[];
begin
  if rowhook.has_many_webhooks(organization) then
    if rowhook.last_id_before('infinity') - rowhook.last_id_before(since) < few_ids then
      return (select c.by_status from rowhook.scan_counts(organization, since, 'infinity', null, null, no_limit) as c);
    end if;
    if not sees_all then
      counts := coalesce(nullif((rowhook.count_waiting(
        array(select unnest(statuses) intersect select unnest(rowhook.rare_waiting_statuses())),
        no_limit, organization, since) -> 'by_status')::jsonb, 'null'), '{}');
    else
      read := rowhook.rare_waiting_statuses(of_all => true);
      counts := rowhook.count_all_waiting(
          array(select unnest(statuses) intersect select unnest(read)), since, 'infinity', no_limit)
        || rowhook.count_ended(array_remove(statuses, 'dead'), since, 'infinity', no_limit);
    end if;
  end if;
  uncounted := array(select unnest(statuses) except select jsonb_object_keys(counts));
  -- A role that has set neither an organization nor the operator flag reads as the policies let it.
  return counts || coalesce(
    case when rowhook.can_see(organization) then rowhook.count_many_since(organization, uncounted, since) end, (
    select jsonb_object_agg(counted.status, counted.n)
    from (
      select o.status, count(*) as n
      from rowhook.webhook_revision v
      -- Ranges of outbox_by_webhook, which are counted without reading the table.
      cross join lateral (
        select o.status from rowhook.outbox o
        where o.webhook_id = v.webhook_id and o.created_at >= since
          and o.status = any (uncounted)
        offset 0) as o
      where v.revision = 1 and (organization is null or v.organization_id = organization)
      group by o.status) as counted), '{}');
end
$$;
comment on function rowhook.count_since(uuid, text[], timestamptz) is
  'number of deliveries by status that were created since a time; statuses without any may be missing';

create or replace function rowhook.few_deliveries_failed(to_list boolean default false) returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  few constant int := case when to_list then 100000 else 30000 end;
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
comment on function rowhook.few_deliveries_failed(boolean) is
  'whether so few deliveries of the whole installation are dead, held or wait after a failed attempt that reading all of them, to count or to list them, takes less than look-ups for each webhook; security definer, because it counts those of all organizations';

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
      select from rowhook.outbox o
      where o.status in ('dead', 'cancelled', 'skipped') and o.finished_at is not null limit few) as o);
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
  -- More the second time, since the newest deliveries may all be waiting.
  most_rows constant int[] := array[20000, 80000];
  rows_read int;
  enough constant int := 1000;
  last_id constant bigint := rowhook.last_id_before('infinity');
  first_id constant bigint := rowhook.last_id_before(since);
  n int := 0;
begin
  if rowhook.has_many_webhooks(organization) then
    foreach rows_read in array most_rows loop
      select count(*), percentile_cont(0.5) within group (order by o.ms), percentile_cont(0.95) within group (order by o.ms)
      into n, p50_ms, p95_ms
      from (
        select extract(epoch from o.finished_at - o.created_at)::float8 * 1000 as ms
        from rowhook.outbox o
        where o.id > greatest(first_id, last_id - rows_read) and o.id <= last_id
          and o.status = 'delivered' and o.organization_id = organization and o.created_at >= since
        order by o.id desc
        limit sampled) as o;
      exit when n >= enough or last_id - first_id <= rows_read;
    end loop;
  end if;
  if n < enough and (n = 0 or last_id - first_id > rows_read) then
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
