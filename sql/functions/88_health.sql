-- Health of webhooks and failures, read only from the rows concerned.

create or replace function rowhook.last_error_of(webhook uuid) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  -- As in webhook_health, but limited to the newest 10,000 rows per status.
  select newest.last_error
  from (
    select failed.id, failed.created_at, failed.last_error
    from unnest(array['held', 'dead']) as listed (status)
    cross join lateral (
      select o.id, o.created_at, o.last_error
      from (
        select o.id, o.created_at, o.last_error from rowhook.outbox o
        where o.webhook_id = webhook and o.status = listed.status
        order by o.created_at desc
        limit 10000) as o
      where o.last_error is not null
      order by o.created_at desc
      limit 1) as failed
    union all
    -- A partial index skips those that were never tried.
    (select o.id, o.created_at, o.last_error from rowhook.outbox o
     where o.webhook_id = webhook and o.status = 'pending' and o.last_error is not null
     order by o.created_at desc
     limit 1)
  ) as newest
  order by newest.created_at desc, newest.id desc
  limit 1
$$;
comment on function rowhook.last_error_of(uuid) is
  'error of the newest delivery that has one, among the newest 10,000 of each status';

create or replace function rowhook.last_day_start() returns timestamptz
language sql stable
return rowhook.quarter_of(now()) - interval '23 hours 45 minutes';
comment on function rowhook.last_day_start() is
  'start of the last 24 hours in whole quarters of an hour, with the current one';

create or replace function rowhook.health_of(webhooks uuid[]) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with recent as materialized (
    select m.webhook_id, sum(m.status_2xx) as accepted,
           sum(m.status_2xx + m.status_3xx + m.status_4xx + m.status_5xx + m.timeout + m.refused + m.held) as attempts
    from rowhook.attempts_by_minute m
    where m.webhook_id = any (webhooks) and m.at >= rowhook.recent_start()
    group by m.webhook_id
  ), hourly as materialized (
    select q.webhook_id, date_bin('1 hour', q.at, rowhook.last_day_start()) as at,
           sum(q.status_2xx) as accepted, sum(q.dead) as dead,
           sum(q.status_2xx + q.status_3xx + q.status_4xx + q.status_5xx + q.timeout + q.refused + q.held) as attempts
    from rowhook.attempts_by_quarter q
    where q.webhook_id = any (webhooks) and q.at >= rowhook.last_day_start()
    group by 1, 2
  ), day as materialized (
    select w.id as webhook_id, coalesce(sum(h.attempts), 0) as attempts,
           coalesce(sum(h.accepted), 0) as accepted, coalesce(sum(h.dead), 0) as dead,
           json_agg(json_build_object(
             'delivered', coalesce(h.accepted, 0), 'failed', coalesce(h.attempts - h.accepted, 0), 'dead', coalesce(h.dead, 0))
             order by n) as series
    from unnest(webhooks) as w (id)
    cross join generate_series(0, 23) as n
    left join hourly h on h.webhook_id = w.id and h.at = rowhook.last_day_start() + make_interval(hours => n)
    group by w.id
  )
  select row_to_json(document) from (
    select w.id as webhook_id, rowhook.organization_platform_id(w.organization_id) as organization_id, w.name, w.state, w.disabled_reason,
           rowhook.health_word(
             w.state, coalesce(lane.circuit, 'closed'), coalesce(lane.failures, 0),
             coalesce(recent.attempts, 0), coalesce(recent.accepted, 0), waiting.held) as health,
           waiting.backlog,
           extract(epoch from now() - waiting.oldest)::float8 as oldest_age_s,
           waiting.held,
           day.accepted + day.dead as finished_24h,
           day.accepted as delivered_24h,
           day.attempts as attempts_24h,
           round(day.accepted / nullif(day.attempts, 0), 4) as success_rate_24h,
           took.p50_ms, took.p95_ms,
           coalesce(lane.circuit, 'closed') as circuit,
           lane.failing_since,
           case when lane.circuit = 'open' then lane.probe_at end as next_probe_at,
           rowhook.last_error_of(w.id) as last_error,
           day.series
    from rowhook.webhook w
    join day on day.webhook_id = w.id
    left join recent on recent.webhook_id = w.id
    left join rowhook.lane_state lane on lane.webhook_id = w.id
    cross join lateral (
      select count(*) filter (where o.status <> 'held') as backlog,
             min(o.created_at) filter (where o.status <> 'held') as oldest,
             count(*) filter (where o.status = 'held') as held
      from rowhook.outbox o
      where o.webhook_id = w.id and o.status in ('pending', 'sending', 'held')) as waiting
    cross join lateral rowhook.latency_percentiles(array[w.id], now() - interval '24 hours', 500) as took
    where w.id = any (webhooks)
    order by array_position(webhooks, w.id)) as document
$$;
comment on function rowhook.health_of(uuid[]) is
  'like webhook_health, for these webhooks, with hourly figures';

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
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  if webhook is null and rowhook.has_many_webhooks(organization) and rowhook.few_deliveries_failed() then
    return query
      select o.webhook_id, o.id, o.status, o.last_error, o.last_status_code, o.created_at, o.place = max_rows
      from (
        select o.*, row_number() over (partition by o.webhook_id, o.status order by o.created_at desc) as place
        from (
          select o.webhook_id, o.id, o.status, o.last_error, o.last_status_code, o.created_at
          from rowhook.outbox o
          where o.status = 'dead' and o.created_at >= since
            and (organization is null or o.organization_id = organization)
          union all
          select o.webhook_id, o.id, o.status, o.last_error, o.last_status_code, o.created_at
          from rowhook.outbox o
          where o.status = 'held' and o.created_at >= since
            and (organization is null or o.organization_id = organization)
          union all
          select o.webhook_id, o.id, o.status, o.last_error, o.last_status_code, o.created_at
          from rowhook.outbox o
          where o.status = 'pending' and o.last_error is not null and o.created_at >= since
            and (organization is null or o.organization_id = organization)) as o
        where o.status = any (statuses)) as o
      where o.place <= max_rows;
    return;
  end if;
  return query
    select v.webhook_id, o.id, o.status, o.last_error, o.last_status_code, o.created_at, o.place = max_rows
      from (
        select r.webhook_id from rowhook.webhook_revision r
        where r.revision = 1 and (organization is null or r.organization_id = organization)
          and (webhook is null or r.webhook_id = webhook)
          and (organization is not null or webhook is not null or r.webhook_id in (select rowhook.failing_webhooks()))
      ) as v
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
           limit max_rows)) as newest) as o;
end
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

create or replace function rowhook.newest_failure(webhook uuid, statuses text[], out last_error text, out last_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select f.error, f.created_at
  from unnest(statuses) as listed (status)
  cross join lateral (
    (select o.id, o.last_error as error, o.created_at from rowhook.outbox o
     where o.webhook_id = webhook and o.status = listed.status and listed.status <> 'pending'
     order by o.created_at desc limit 1)
    union all
    (select o.id, o.last_error, o.created_at from rowhook.outbox o
     where o.webhook_id = webhook and o.status = 'pending' and o.last_error is not null and listed.status = 'pending'
     order by o.created_at desc limit 1)) as f
  order by f.created_at desc, f.id desc
  limit 1
$$;
comment on function rowhook.newest_failure(uuid, text[]) is
  'error and creation of the newest delivery of a webhook with one of these statuses; of those that are pending, only those that failed before';

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

create or replace function rowhook.worst_webhooks(
  organization uuid, wanted text[], span interval, worst int, most int
) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
-- Otherwise, if the statistics show few webhooks, the table would be read instead of one look-up each.
set enable_bitmapscan = off
as $$
  with recent as materialized (
    select m.webhook_id, sum(m.status_2xx) as accepted,
           sum(m.status_2xx + m.status_3xx + m.status_4xx + m.status_5xx + m.timeout + m.refused + m.held) as attempts
    from rowhook.attempts_by_minute m
    where m.at >= rowhook.recent_start() and (organization is null or m.organization_id = organization)
    group by m.webhook_id
  ), listed as materialized (
    select w.id from rowhook.webhook w where w.organization_id = organization
    union
    -- Of all organizations, only webhooks that have a problem are looked up.
    select troubled.id
    from (
      select l.webhook_id as id from rowhook.lane_state l where l.circuit <> 'closed' or l.failures > 0
      union all
      select r.webhook_id from recent r where 2 * r.accepted < r.attempts
      union all
      select rowhook.failing_webhooks()) as troubled
    where organization is null
  ), candidate as materialized (
    select w.id, w.name, w.state, lane.circuit, lane.failures, lane.failing_since, lane.probe_at,
           coalesce(recent.attempts, 0) as attempts, coalesce(recent.accepted, 0) as accepted
    from listed
    join rowhook.webhook w on w.id = listed.id
    left join recent on recent.webhook_id = w.id
    left join rowhook.lane_state lane on lane.webhook_id = w.id
  ), standing as materialized (
    select c.id, c.name, c.state, c.failing_since,
           case when c.circuit = 'open' then c.probe_at end as next_probe_at,
           rowhook.health_word(
             c.state, coalesce(c.circuit, 'closed'), coalesce(c.failures, 0), c.attempts, c.accepted,
             coalesce(failed.held, 0)) as health,
           case when 'held' = any (wanted) then coalesce(failed.held, 0) else 0 end as held,
           coalesce(failed.dead, 0) as dead, coalesce(failed.retrying, 0) as retrying
    from candidate c
    left join rowhook.failed_counts(array(select k.id from candidate k), wanted, now() - span, most) as failed
      on failed.webhook_id = c.id
  ), ranked as materialized (
    select s.*, row_number() over (
        order by array_position(array['circuit_open', 'failing', 'disabled', 'degraded', 'paused', 'healthy'], s.health),
                 s.held + s.dead + s.retrying desc, s.failing_since, s.id) as place
    from standing s
    where s.held + s.dead + s.retrying > 0 or ('pending' = any (wanted) and s.health in ('circuit_open', 'failing'))
    order by place
    limit worst
  )
  select row_to_json(document) from (
    select r.id as webhook_id, r.name, r.state, r.health, r.failing_since, r.next_probe_at,
           waiting.backlog, r.held, r.dead, r.retrying, newest.last_error, newest.last_at
    from ranked r
    cross join lateral (
      select count(*) as backlog from rowhook.outbox o
      where o.webhook_id = r.id and o.status in ('pending', 'sending')) as waiting
    left join lateral rowhook.newest_failure(r.id, wanted) as newest on true
    order by r.place) as document
$$;
comment on function rowhook.worst_webhooks(uuid, text[], interval, int, int) is
  'webhooks that fail, or have deliveries that are held, wait after a failed attempt, or were created in the last `span` and are dead; open circuits and failing webhooks first, then those with the most such deliveries; at most `most` are counted of each status';
