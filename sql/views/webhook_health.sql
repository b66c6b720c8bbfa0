create or replace view rowhook.webhook_health as
select w.id as webhook_id, w.organization_id, w.name, w.state, w.disabled_reason,
       coalesce(waiting.backlog, 0) as backlog,
       now() - waiting.oldest as oldest_age,
       coalesce(waiting.held, 0) as held,
       day.accepted + day.dead as finished_24h,
       day.accepted as delivered_24h,
       round(day.accepted::numeric / nullif(day.attempts, 0), 4) as success_rate_24h,
       took.p50_ms, took.p95_ms,
       coalesce(lane.circuit, 'closed') as circuit,
       lane.failing_since,
       case when lane.circuit = 'open' then lane.probe_at end as next_probe_at,
       failure.last_error,
       rowhook.health_word(
         w.state, coalesce(lane.circuit, 'closed'), coalesce(lane.failures, 0), recent.attempts, recent.accepted,
         coalesce(waiting.held, 0)) as health,
       day.attempts as attempts_24h
from rowhook.webhook w
left join rowhook.lane_state lane on lane.webhook_id = w.id
left join lateral (
  select count(*) filter (where o.status in ('pending', 'sending')) as backlog,
         min(o.created_at) filter (where o.status in ('pending', 'sending')) as oldest,
         count(*) filter (where o.status = 'held') as held
  from rowhook.outbox o
  where o.webhook_id = w.id and o.status in ('pending', 'sending', 'held')
) waiting on true
-- Not calls of functions, nor attempts_by_minute and attempts_by_quarter: those would read with the rights
-- of the view's reader.
cross join lateral (
  select coalesce(sum(m.status_2xx + m.status_3xx + m.status_4xx + m.status_5xx + m.timeout + m.refused + m.held), 0)::bigint
           as attempts,
         coalesce(sum(m.status_2xx), 0)::bigint as accepted
  from (
    select at, webhook_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held
    from rowhook.attempt_minute
    union all
    select at, webhook_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held
    from rowhook.attempt_delta
  ) as m
  where m.webhook_id = w.id and m.at >= rowhook.recent_start()
) recent
cross join lateral (
  select coalesce(sum(q.status_2xx + q.status_3xx + q.status_4xx + q.status_5xx + q.timeout + q.refused + q.held), 0)::bigint
           as attempts,
         coalesce(sum(q.status_2xx), 0)::bigint as accepted,
         coalesce(sum(q.dead), 0)::bigint as dead
  from (
    select at, webhook_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held, dead
    from rowhook.attempt_quarter
    union all
    select rowhook.quarter_of(at), webhook_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held, dead
    from rowhook.attempt_delta
  ) as q
  where q.webhook_id = w.id and q.at >= rowhook.last_day_start()
) day
cross join lateral (
  select percentile_cont(0.5) within group (order by newest.ms) as p50_ms,
         percentile_cont(0.95) within group (order by newest.ms) as p95_ms
  from (
    select (extract(epoch from o.finished_at - o.created_at) * 1000)::double precision as ms
    from rowhook.outbox o
    where o.webhook_id = w.id and o.status = 'delivered' and o.created_at >= now() - interval '24 hours'
    order by o.created_at desc
    limit 500
  ) as newest
) took
left join lateral (
  -- The newest delivery of each status, because each status is an index range. Delivered rows have no
  -- error; for skipped and cancelled rows last_error gives the reason, which is not an error.
  select newest.last_error
  from (
    (select o.id, o.created_at, o.last_error from rowhook.outbox o
     where o.webhook_id = w.id and o.status = 'pending' and o.last_error is not null
     order by o.created_at desc limit 1)
    union all
    (select o.id, o.created_at, o.last_error from rowhook.outbox o
     where o.webhook_id = w.id and o.status = 'sending' and o.last_error is not null
     order by o.created_at desc limit 1)
    union all
    (select o.id, o.created_at, o.last_error from rowhook.outbox o
     where o.webhook_id = w.id and o.status = 'held' and o.last_error is not null
     order by o.created_at desc limit 1)
    union all
    (select o.id, o.created_at, o.last_error from rowhook.outbox o
     where o.webhook_id = w.id and o.status = 'dead' and o.last_error is not null
     order by o.created_at desc limit 1)
  ) as newest
  order by newest.created_at desc, newest.id desc
  limit 1
) failure on true;
comment on view rowhook.webhook_health is
  'one row per webhook: health, backlog, attempts of the last 24 hours, and circuit';
