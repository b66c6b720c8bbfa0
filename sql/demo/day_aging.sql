-- Only for the demo, whose database is its own: it has just delivered in a few seconds what an
-- organization commits in a day, and moves what was recorded to the times of the platform's rows. What
-- was sent, answered and decided stays as it happened.
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
