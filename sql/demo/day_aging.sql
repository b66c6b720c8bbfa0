-- Only for the demo, which has a database of its own. The demo has just delivered, within seconds, the
-- commits of a day; this moves the recorded times to the times of the platform's rows. Requests,
-- responses and decisions are unchanged.
set session_replication_role = replica;

do $$
begin
  perform rowhook.make_partition(parent, (now() at time zone 'UTC')::date - days)
  from unnest(array['attempt_row', 'exchange', 'failed_exchange']) as parent, generate_series(1, 2) as days;
end
$$;

create temporary table moved on commit drop as
select o.id as outbox_id, e.id as event_id, e.occurred_at,
       -- The first attempt begins a few milliseconds after the commit, as it does under little traffic.
       e.occurred_at + make_interval(secs => 0.003 + 0.004 * random()) - coalesce(first.started_at, o.created_at) as shift
from rowhook.event e
join rowhook.outbox o on o.event_id = e.id
left join lateral (select min(a.started_at) as started_at from rowhook.attempt_row a where a.outbox_id = o.id) as first on true
where e.occurred_at < now() - interval '1 minute';

update rowhook.attempt_row a set started_at = a.started_at + m.shift from moved m where m.outbox_id = a.outbox_id;
update rowhook.exchange x set started_at = x.started_at + m.shift from moved m where m.outbox_id = x.outbox_id;
update rowhook.failed_exchange x set started_at = x.started_at + m.shift from moved m where m.outbox_id = x.outbox_id;

update rowhook.outbox o
set created_at = m.occurred_at + interval '1 ms', finished_at = o.finished_at + m.shift
from moved m where m.outbox_id = o.id;

update rowhook.event e set created_at = e.occurred_at + interval '1 ms'
where e.occurred_at < now() - interval '1 minute';

-- The counts of attempts are computed again from the attempts, in one statement: results that a worker
-- records meanwhile are in neither.
with removed_delta as (
  delete from rowhook.attempt_delta
), removed_minute as (
  delete from rowhook.attempt_minute
), removed_quarter as (
  delete from rowhook.attempt_quarter
), removed_organization_minute as (
  delete from rowhook.organization_minute
), removed_organization_quarter as (
  delete from rowhook.organization_quarter
), attempt as (
  select rowhook.minute_of(r.started_at) as at, r.started_at, r.outbox_id, o.webhook_id, o.organization_id,
         rowhook.attempt_class(r.outcome, r.status_code) as class,
         o.status = 'dead' and r.number = o.attempts as is_dead
  from rowhook.attempt_row r
  join rowhook.outbox o on o.id = r.outbox_id
)
insert into rowhook.attempt_delta
  (at, webhook_id, organization_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held, dead,
   failed_at, failed_outbox_id)
select a.at, a.webhook_id, a.organization_id,
       count(*) filter (where a.class = '2xx'), count(*) filter (where a.class = '3xx'),
       count(*) filter (where a.class = '4xx'), count(*) filter (where a.class = '5xx'),
       count(*) filter (where a.class = 'timeout'), count(*) filter (where a.class = 'refused'),
       count(*) filter (where a.class = 'held'), count(*) filter (where a.is_dead),
       max(a.started_at) filter (where a.class <> '2xx'), max(a.outbox_id) filter (where a.class <> '2xx')
from attempt a
group by a.at, a.webhook_id, a.organization_id;
select rowhook.fold_attempts();

-- The webhooks are as old as the oldest delivery.
update rowhook.webhook_revision r set created_at = r.created_at - interval '1 day';
update rowhook.webhook w set created_at = w.created_at - interval '1 day', updated_at = w.updated_at - interval '1 day';
update rowhook.link l set created_at = l.created_at - interval '1 day';

update rowhook.lane_state s set failing_since = failed.since
from (
  select o.webhook_id, min(a.started_at) as since
  from rowhook.attempt_row a join rowhook.outbox o on o.id = a.outbox_id
  where a.outcome <> 'delivered' and a.started_at > now() - interval '3 hours' group by o.webhook_id
) as failed
where s.webhook_id = failed.webhook_id and s.failing_since is not null;
