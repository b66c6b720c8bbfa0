-- The health of a few webhooks, read from their own rows alone.

create or replace function rowhook.last_error_of(webhook uuid) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  -- As in webhook_health, but it looks no further than it says.
  select newest.last_error
  from unnest(array['pending', 'sending', 'held', 'dead']) as one (status)
  cross join lateral (
    select o.id, o.created_at, o.last_error
    from (
      select o.id, o.created_at, o.last_error from rowhook.outbox o
      where o.webhook_id = webhook and o.status = one.status
      order by o.created_at desc
      limit 10000) as o
    where o.last_error is not null
    order by o.created_at desc
    limit 1) as newest
  order by newest.created_at desc, newest.id desc
  limit 1
$$;
comment on function rowhook.last_error_of(uuid) is
  'what the newest delivery that has an error says, among the newest 10,000 of each status';

create or replace function rowhook.day_of(webhook uuid) returns json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with ended as (
    select one.status, o.finished_at - o.created_at as took,
           width_bucket(o.created_at, array(
             select now() - make_interval(hours => 24 - n) from generate_series(0, 23) as n order by n)) as hour
    from unnest(array['delivered', 'dead']) as one (status)
    cross join lateral (
      select o.created_at, o.finished_at from rowhook.outbox o
      where o.webhook_id = webhook and o.status = one.status and o.created_at >= now() - interval '24 hours') as o
  ), hourly as (
    select n as hour,
           count(*) filter (where e.status = 'delivered') as delivered,
           count(*) filter (where e.status = 'dead') as dead
    from generate_series(1, 24) as n
    left join ended e on e.hour = n
    group by n
  ), total as (
    select count(*) as finished, count(*) filter (where e.status = 'delivered') as delivered,
           percentile_cont(array[0.5, 0.95]) within group (order by e.took) filter (where e.status = 'delivered') as took
    from ended e
  )
  select json_build_object(
    'finished', t.finished, 'delivered', t.delivered,
    'p50_ms', extract(epoch from t.took[1])::float8 * 1000,
    'p95_ms', extract(epoch from t.took[2])::float8 * 1000,
    'series', (select json_agg(json_build_object('delivered', h.delivered, 'dead', h.dead) order by h.hour) from hourly h))
  from total t
$$;
comment on function rowhook.day_of(uuid) is
  'what came of the deliveries to a webhook that were created in the last 24 hours, in all and by the hour, the oldest hour first';

create or replace function rowhook.health_of(webhooks uuid[]) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(shown) from (
    select w.id as webhook_id, rowhook.organization_platform_id(w.organization_id) as organization_id, w.name, w.state, w.disabled_reason,
           waiting.backlog,
           extract(epoch from now() - waiting.oldest)::float8 as oldest_age_s,
           waiting.held,
           (day.found ->> 'finished')::bigint as finished_24h,
           (day.found ->> 'delivered')::bigint as delivered_24h,
           round((day.found ->> 'delivered')::numeric / nullif((day.found ->> 'finished')::bigint, 0), 4)
             as success_rate_24h,
           (day.found ->> 'p50_ms')::float8 as p50_ms,
           (day.found ->> 'p95_ms')::float8 as p95_ms,
           coalesce(lane.circuit, 'closed') as circuit,
           lane.failing_since,
           case when lane.circuit = 'open' then lane.probe_at end as next_probe_at,
           rowhook.last_error_of(w.id) as last_error,
           day.found -> 'series' as series
    from rowhook.webhook w
    left join rowhook.lane_state lane on lane.webhook_id = w.id
    cross join lateral (
      select count(*) filter (where o.status <> 'held') as backlog,
             min(o.created_at) filter (where o.status <> 'held') as oldest,
             count(*) filter (where o.status = 'held') as held
      from rowhook.outbox o
      where o.webhook_id = w.id and o.status in ('pending', 'sending', 'held')) as waiting
    cross join lateral (select rowhook.day_of(w.id) as found offset 0) as day
    where w.id = any (webhooks)
    order by array_position(webhooks, w.id)) as shown
$$;
comment on function rowhook.health_of(uuid[]) is
  'as webhook_health, of these webhooks alone and of what was created in the last 24 hours, with that by the hour';

create or replace function rowhook.standing_of(webhook uuid) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(shown) from (
    select w.state, w.disabled_reason, coalesce(lane.circuit, 'closed') as circuit, lane.failing_since,
           case when lane.circuit = 'open' then lane.probe_at end as next_probe_at
    from rowhook.webhook w
    left join rowhook.lane_state lane on lane.webhook_id = w.id
    where w.id = webhook) as shown
$$;
comment on function rowhook.standing_of(uuid) is 'what decides whether a webhook is called now: nothing is counted for it';
