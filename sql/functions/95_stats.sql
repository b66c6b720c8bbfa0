-- Statistics for pages. Each reads index ranges, and no more rows than it counts.

create or replace function rowhook.oldest_waiting(organization uuid) returns timestamptz
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select min(oldest.created_at)
  from rowhook.webhook w
  cross join unnest(array['pending', 'sending']) as listed (status)
  cross join lateral (
    select o.created_at from rowhook.outbox o
    where o.webhook_id = w.id and o.status = listed.status
    order by o.created_at
    limit 1) as oldest
  where organization is null or w.organization_id = organization
$$;
comment on function rowhook.oldest_waiting(uuid) is
  'creation time of the oldest delivery that is pending or sending; null if there is none';

create or replace function rowhook.count_stuck(organization uuid) returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select count(*)
  from rowhook.webhook_revision v
  cross join lateral (
    select from rowhook.outbox o
    where o.webhook_id = v.webhook_id and o.status = 'sending' and o.stuck_at < now()
    offset 0) as stuck
  where v.revision = 1 and (organization is null or v.organization_id = organization)
$$;
comment on function rowhook.count_stuck(uuid) is
  'deliveries that have been sending for longer than three leases, which no worker took back';

create or replace function rowhook.stats(organization uuid, span interval) returns json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with created as (
    select o.status, o.attempts, extract(epoch from o.finished_at - o.created_at)::float8 * 1000 as took_ms
    from rowhook.webhook_revision v
    cross join lateral (
      select o.status, o.attempts, o.finished_at, o.created_at from rowhook.outbox o
      where o.webhook_id = v.webhook_id and o.created_at >= now() - span
        and o.status = any (array['pending', 'sending', 'held', 'delivered', 'dead', 'cancelled', 'skipped'])
      -- Index ranges, webhook by webhook.
      offset 0) as o
    where v.revision = 1 and (organization is null or v.organization_id = organization)
  )
  select json_build_object(
    'since', now() - span,
    'deliveries', count(*),
    'attempts', coalesce(sum(attempts), 0),
    'pending', count(*) filter (where status = 'pending'),
    'sending', count(*) filter (where status = 'sending'),
    'held', count(*) filter (where status = 'held'),
    'delivered', count(*) filter (where status = 'delivered'),
    'dead', count(*) filter (where status = 'dead'),
    'cancelled', count(*) filter (where status = 'cancelled'),
    'skipped', count(*) filter (where status = 'skipped'),
    'success_rate', round(count(*) filter (where status = 'delivered')::numeric
      / nullif(count(*) filter (where status in ('delivered', 'dead')), 0), 4),
    'p50_ms', round((percentile_cont(0.5) within group (order by took_ms)
      filter (where status = 'delivered'))::numeric, 3),
    'p95_ms', round((percentile_cont(0.95) within group (order by took_ms)
      filter (where status = 'delivered'))::numeric, 3),
    'delivered_per_s', (
      select count(*)::float8 / 10 from rowhook.outbox o
      where o.finished_at >= now() - interval '10 s' and o.status = 'delivered'
        and (organization is null or o.organization_id = organization)),
    'oldest_waiting_at', rowhook.oldest_waiting(organization),
    'stuck', rowhook.count_stuck(organization))
  from created
$$;
comment on function rowhook.stats(uuid, interval) is
  'outcome of the deliveries created in the last `span`; durations are from creation to the recorded delivery';

create or replace function rowhook.series(organization uuid, webhook uuid, span interval, points int) returns json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with step as (
    select step.number, now() - span + span / points * step.number as at
    from generate_series(0, points - 1) as step (number)
  ), begins as (
    select array_agg(step.at order by step.at) as at from step
  ), counted as (
    -- As a scalar subquery the array is computed once; joined, it would be computed for each row.
    select width_bucket(o.created_at, (select begins.at from begins)) - 1 as step, o.status, count(*) as n
    from rowhook.webhook_revision v
    cross join lateral (
      select o.status, o.created_at from rowhook.outbox o
      where o.webhook_id = v.webhook_id and o.created_at >= now() - span
        and o.status = any (array['pending', 'sending', 'held', 'delivered', 'dead', 'cancelled', 'skipped'])
      -- As in rowhook.stats.
      offset 0) as o
    where v.revision = 1 and (organization is null or v.organization_id = organization)
      and (webhook is null or v.webhook_id = webhook)
    group by 1, 2
  ), summed as (
    select step.at, coalesce(sum(c.n), 0) as created,
           coalesce(sum(c.n) filter (where c.status = 'delivered'), 0) as delivered,
           coalesce(sum(c.n) filter (where c.status = 'dead'), 0) as dead,
           coalesce(sum(c.n) filter (where c.status = 'held'), 0) as held
    from step
    left join counted c on c.step = step.number
    group by step.at
  )
  select json_build_object(
    'since', now() - span,
    'step_s', extract(epoch from span)::float8 / points,
    'points', (select json_agg(summed order by summed.at) from summed))
$$;
comment on function rowhook.series(uuid, uuid, interval, int) is
  'deliveries created in each of `points` equal steps of the last `span`, by current status; steps without any have zeros';

create or replace function rowhook.watermark() returns json
language sql volatile
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select json_build_object('token', case when is_called then last_value else 0 end, 'at', clock_timestamp()) from rowhook.token
$$;
comment on function rowhook.watermark() is
  'newest token and current time: deliveries that are resent or released from now on get a later token';

-- No row records by which replay it was reset, but each of them was written after the watermark, so
-- this is an upper bound for what is left of the replay.
create or replace function rowhook.replay_remaining(
  webhook uuid, since timestamptz, until timestamptz, watermark bigint, held_watermark bigint, max_rows int
) returns json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select json_build_object(
    'waiting', count(*) filter (where examined.is_later), 'capped', count(*) = max_rows)
  from (
    select o.token > case listed.status when 'held' then held_watermark else watermark end as is_later
    from unnest(array['pending', 'sending', 'held']) as listed (status)
    cross join lateral (
      select o.token from rowhook.outbox o
      where o.webhook_id = webhook and o.status = listed.status
        and o.created_at >= coalesce(since, '-infinity') and o.created_at < until) as o
    limit max_rows) as examined
$$;
comment on function rowhook.replay_remaining(uuid, timestamptz, timestamptz, bigint, bigint, int) is
  'deliveries of a range that wait, are being sent or are held, and were written after the watermark; if `capped`, only the first `most` were examined';

create or replace function rowhook.status_counts(by_status json, capped boolean) returns json
language sql immutable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select json_build_object('total', coalesce(sum(each.value::bigint), 0), 'by_status', by_status, 'capped', capped)
  from json_each_text(by_status) as each
$$;
comment on function rowhook.status_counts(json, boolean) is 'JSON document of rowhook.count_by_status';

create or replace function rowhook.count_by_status(
  organization uuid, webhook uuid, statuses text[], since timestamptz, until timestamptz,
  job text, commit_key text, event_type text, code int, max_rows int
) returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
as $$
declare
  found_ids bigint[];
begin
  if job is not null or commit_key is not null then
    found_ids := rowhook.delivery_ids(
      organization, webhook, statuses, coalesce(since, '-infinity'), coalesce(until, 'infinity'),
      'infinity', 0, job, commit_key, event_type, code, max_rows);
    return (
      select rowhook.status_counts(json_object_agg(listed.status, (
               select count(*) from rowhook.outbox o where o.id = any (found_ids) and o.status = listed.status)),
             cardinality(found_ids) = max_rows)
      from unnest(statuses) as listed (status));
  end if;
  return (
    select rowhook.status_counts(json_object_agg(listed.status, counted.matching), bool_or(counted.examined = max_rows))
    from unnest(statuses) as listed (status)
    cross join lateral (
      select count(*) filter (where o.matches) as matching, count(*) as examined
      from (
        select (code is null or o.last_status_code = code)
               and (count_by_status.event_type is null or exists (
                 select from rowhook.event e where e.id = o.event_id and e.type = count_by_status.event_type)) as matches
        from rowhook.webhook_revision v
        cross join lateral (
          select o.event_id, o.last_status_code from rowhook.outbox o
          where o.webhook_id = v.webhook_id and o.status = listed.status
            and o.created_at >= coalesce(since, '-infinity') and o.created_at < coalesce(until, 'infinity')) as o
        where v.revision = 1 and (organization is null or v.organization_id = organization)
          and (webhook is null or v.webhook_id = webhook)
        limit max_rows) as o) as counted);
end
$$;
comment on function rowhook.count_by_status(uuid, uuid, text[], timestamptz, timestamptz, text, text, text, int, int) is
  'number of deliveries per status; at most `most` per status are examined, and `capped` says that there may be more';
