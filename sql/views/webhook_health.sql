create or replace view rowhook.webhook_health as
select w.id as webhook_id, w.organization_id, w.name, w.state, w.disabled_reason,
       coalesce(waiting.backlog, 0) as backlog,
       now() - waiting.oldest as oldest_age,
       coalesce(waiting.held, 0) as held,
       coalesce(day.finished, 0) as finished_24h,
       coalesce(day.delivered, 0) as delivered_24h,
       round(day.delivered::numeric / nullif(day.finished, 0), 4) as success_rate_24h,
       day.p50_ms, day.p95_ms,
       coalesce(lane.circuit, 'closed') as circuit,
       lane.failing_since,
       case when lane.circuit = 'open' then lane.probe_at end as next_probe_at,
       failure.last_error
from rowhook.webhook w
left join rowhook.lane_state lane on lane.webhook_id = w.id
left join lateral (
  select count(*) filter (where o.status in ('pending', 'sending')) as backlog,
         min(o.created_at) filter (where o.status in ('pending', 'sending')) as oldest,
         count(*) filter (where o.status = 'held') as held
  from rowhook.outbox o
  where o.webhook_id = w.id and o.status in ('pending', 'sending', 'held')
) waiting on true
left join lateral (
  select count(*) filter (where o.status in ('delivered', 'dead')) as finished,
         count(*) filter (where o.status = 'delivered') as delivered,
         percentile_cont(0.5) within group (order by extract(epoch from o.finished_at - e.created_at) * 1000)
           filter (where o.status = 'delivered') as p50_ms,
         percentile_cont(0.95) within group (order by extract(epoch from o.finished_at - e.created_at) * 1000)
           filter (where o.status = 'delivered') as p95_ms
  -- Each status has an index of its own.
  from (
    select o.event_id, o.status, o.finished_at from rowhook.outbox o
    where o.webhook_id = w.id and o.status = 'delivered' and o.finished_at > now() - interval '24 hours'
    union all
    select o.event_id, o.status, o.finished_at from rowhook.outbox o
    where o.webhook_id = w.id and o.status in ('dead', 'cancelled', 'skipped') and o.status = 'dead'
      and o.finished_at > now() - interval '24 hours'
  ) as o
  join rowhook.event e on e.id = o.event_id
) day on true
left join lateral (
  -- The newest delivery of each status, because each status is an index range. Delivered rows have no
  -- error; for skipped and cancelled rows last_error gives the reason, which is no error.
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
  'one row per webhook: backlog, outcome of the last 24 hours, and circuit';
