-- Health of webhooks and failures, read only from the rows concerned.

create or replace function rowhook.last_error_of(webhook uuid) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  -- As in webhook_health, but limited to the newest 10,000 rows per status.
  select newest.last_error
  from unnest(array['pending', 'sending', 'held', 'dead']) as listed (status)
  cross join lateral (
    select o.id, o.created_at, o.last_error
    from (
      select o.id, o.created_at, o.last_error from rowhook.outbox o
      where o.webhook_id = webhook and o.status = listed.status
      order by o.created_at desc
      limit 10000) as o
    where o.last_error is not null
    order by o.created_at desc
    limit 1) as newest
  order by newest.created_at desc, newest.id desc
  limit 1
$$;
comment on function rowhook.last_error_of(uuid) is
  'error of the newest delivery that has one, among the newest 10,000 of each status';

create or replace function rowhook.last_day_stats(webhook uuid) returns json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with ended as (
    select listed.status, o.finished_at - o.created_at as took,
           width_bucket(o.created_at, array(
             select now() - make_interval(hours => 24 - n) from generate_series(0, 23) as n order by n)) as hour
    from unnest(array['delivered', 'dead']) as listed (status)
    cross join lateral (
      select o.created_at, o.finished_at from rowhook.outbox o
      where o.webhook_id = webhook and o.status = listed.status and o.created_at >= now() - interval '24 hours') as o
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
comment on function rowhook.last_day_stats(uuid) is
  'outcome of a webhook''s deliveries that were created in the last 24 hours, in total and per hour, oldest hour first';

create or replace function rowhook.health_of(webhooks uuid[]) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(document) from (
    select w.id as webhook_id, rowhook.organization_platform_id(w.organization_id) as organization_id, w.name, w.state, w.disabled_reason,
           waiting.backlog,
           extract(epoch from now() - waiting.oldest)::float8 as oldest_age_s,
           waiting.held,
           (day.stats ->> 'finished')::bigint as finished_24h,
           (day.stats ->> 'delivered')::bigint as delivered_24h,
           round((day.stats ->> 'delivered')::numeric / nullif((day.stats ->> 'finished')::bigint, 0), 4)
             as success_rate_24h,
           (day.stats ->> 'p50_ms')::float8 as p50_ms,
           (day.stats ->> 'p95_ms')::float8 as p95_ms,
           coalesce(lane.circuit, 'closed') as circuit,
           lane.failing_since,
           case when lane.circuit = 'open' then lane.probe_at end as next_probe_at,
           rowhook.last_error_of(w.id) as last_error,
           day.stats -> 'series' as series
    from rowhook.webhook w
    left join rowhook.lane_state lane on lane.webhook_id = w.id
    cross join lateral (
      select count(*) filter (where o.status <> 'held') as backlog,
             min(o.created_at) filter (where o.status <> 'held') as oldest,
             count(*) filter (where o.status = 'held') as held
      from rowhook.outbox o
      where o.webhook_id = w.id and o.status in ('pending', 'sending', 'held')) as waiting
    cross join lateral (select rowhook.last_day_stats(w.id) as stats offset 0) as day
    where w.id = any (webhooks)
    order by array_position(webhooks, w.id)) as document
$$;
comment on function rowhook.health_of(uuid[]) is
  'as webhook_health, for these webhooks and for deliveries created in the last 24 hours, with hourly figures';

create or replace function rowhook.sending_state(webhook uuid) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(document) from (
    select w.state, w.disabled_reason, coalesce(lane.circuit, 'closed') as circuit, lane.failing_since,
           case when lane.circuit = 'open' then lane.probe_at end as next_probe_at
    from rowhook.webhook w
    left join rowhook.lane_state lane on lane.webhook_id = w.id
    where w.id = webhook) as document
$$;
comment on function rowhook.sending_state(uuid) is
  'state and circuit of a webhook, which decide whether it is called now; counts nothing';

-- Failures: deliveries that are dead, held, or wait to be tried again.

create or replace function rowhook.webhook_name(webhook uuid) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select coalesce(
    (select w.name from rowhook.webhook w where w.id = webhook),
    (select r.name from rowhook.webhook_revision r where r.webhook_id = webhook order by r.revision desc limit 1))
$$;
comment on function rowhook.webhook_name(uuid) is 'name of a webhook; of a deleted one its last name';

create or replace function rowhook.failed_deliveries(organization uuid, webhook uuid, statuses text[], since timestamptz, max_rows int)
returns table (
  webhook_id uuid, id bigint, status text, error text, status_code int, created_at timestamptz, beyond boolean
)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select v.webhook_id, o.id, o.status, o.last_error, o.last_status_code, o.created_at, o.place = max_rows
  from rowhook.webhook_revision v
  cross join unnest(statuses) as listed (status)
  cross join lateral (
    select newest.*, row_number() over (order by newest.created_at desc) as place
    from (
      (select o.id, o.status, o.last_error, o.last_status_code, o.created_at
       from rowhook.outbox o
       where o.webhook_id = v.webhook_id and o.status = listed.status and o.created_at >= since
         and listed.status <> 'pending'
       order by o.created_at desc
       limit max_rows)
      union all
      -- Waiting deliveries without an error were never tried. A partial index skips them.
      (select o.id, o.status, o.last_error, o.last_status_code, o.created_at
       from rowhook.outbox o
       where o.webhook_id = v.webhook_id and o.status = 'pending' and o.last_error is not null
         and o.created_at >= since and listed.status = 'pending'
       order by o.created_at desc
       limit max_rows)) as newest) as o
  where v.revision = 1 and (organization is null or v.organization_id = organization)
    and (webhook is null or v.webhook_id = webhook)
$$;
comment on function rowhook.failed_deliveries(uuid, uuid, text[], timestamptz, int) is
  'newest `most` failed deliveries per webhook and status; `beyond`: there may be more';

create or replace function rowhook.failures(organization uuid, webhook uuid, since timestamptz, groups int, most int)
returns json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with failed as materialized (
    select * from rowhook.failed_deliveries(organization, webhook, array['dead', 'held', 'pending'], since, most)
  ), grouped as (
    select f.webhook_id, f.error, f.status_code, count(*) as deliveries,
           count(*) filter (where f.status = 'held') as held,
           count(*) filter (where f.status = 'dead') as dead,
           count(*) filter (where f.status = 'pending') as retrying,
           min(f.created_at) as first_at, max(f.created_at) as last_at,
           (array_agg(f.id order by f.created_at desc, f.id desc))[1] as newest_delivery
    from failed f
    group by f.webhook_id, f.error, f.status_code
  ), listed_group as (
    select * from grouped order by last_at desc, newest_delivery desc limit groups
  )
  select json_build_object(
    'since', since,
    'items', coalesce(
      (select json_agg(json_build_object(
         'webhook_id', g.webhook_id, 'webhook_name', rowhook.webhook_name(g.webhook_id),
         'webhook_exists', exists (select from rowhook.webhook w where w.id = g.webhook_id),
         'error', g.error, 'status_code', g.status_code, 'deliveries', g.deliveries,
         'held', g.held, 'dead', g.dead, 'retrying', g.retrying,
         'first_at', g.first_at, 'last_at', g.last_at, 'newest_delivery', g.newest_delivery)
         order by g.last_at desc, g.newest_delivery desc)
       from listed_group g), '[]'),
    'capped', coalesce((select bool_or(f.beyond) from failed f), false) or (select count(*) > groups from grouped))
$$;
comment on function rowhook.failures(uuid, uuid, timestamptz, int, int) is
  'failed deliveries created since a time, by webhook, error and status code, latest first';

create or replace function rowhook.worst_webhooks(
  organization uuid, wanted text[], span interval, worst int, most int
) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with failed as (
    select * from rowhook.failed_deliveries(
      organization, null, array(select s from unnest(wanted) as s where s = 'dead'), now() - span, most)
    union all
    -- Waiting deliveries count whatever their age.
    select * from rowhook.failed_deliveries(
      organization, null, array(select s from unnest(wanted) as s where s <> 'dead'), '-infinity', most)
  ), summed as (
    select f.webhook_id,
           count(*) filter (where f.status = 'held') as held,
           count(*) filter (where f.status = 'dead') as dead,
           count(*) filter (where f.status = 'pending') as retrying,
           (array_agg(f.error order by f.created_at desc, f.id desc))[1] as last_error,
           max(f.created_at) as last_at
    from failed f
    group by f.webhook_id
  )
  select row_to_json(document) from (
    select s.webhook_id, w.name, w.state, s.held, s.dead, s.retrying, s.last_error, s.last_at
    from summed s
    join rowhook.webhook w on w.id = s.webhook_id
    order by s.held + s.dead + s.retrying desc, s.last_at desc, s.webhook_id
    limit worst) as document
$$;
comment on function rowhook.worst_webhooks(uuid, text[], interval, int, int) is
  'webhooks with deliveries that are held, wait after a failed attempt, or were created in the last `span` and are dead; those with the most first';
