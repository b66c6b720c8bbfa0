-- What /metrics shows, cheap beside a million finished rows: they are not counted.

create or replace function rowhook.gauges()
returns table (
  pending bigint, sending bigint, held bigint, due bigint, oldest_due_s double precision,
  workers bigint, capture_errors bigint, circuits_open bigint
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
  -- `offset 0` keeps each look-up inside the loop over the webhooks, whatever the statistics say.
  with waiting as (
    select sum(of_webhook.pending) as pending, sum(of_webhook.sending) as sending, sum(of_webhook.held) as held
    from rowhook.webhook w,
    lateral (
      select
        (select count(*) from rowhook.outbox o where o.webhook_id = w.id and o.status = 'pending') as pending,
        (select count(*) from rowhook.outbox o where o.webhook_id = w.id and o.status = 'sending') as sending,
        (select count(*) from rowhook.outbox o where o.webhook_id = w.id and o.status = 'held') as held
      offset 0
    ) as of_webhook
  ), due as (
    select count(*) as rows, min(o.next_attempt_at) as oldest
    from rowhook.webhook w,
    lateral (
      select o.next_attempt_at from rowhook.outbox o where o.ready and o.webhook_id = w.id
      offset 0
    ) as o
    where w.state = 'active' and w.kind = 'http'
    union all
    -- Due, and not yet made ready: no worker has claimed since.
    select count(*), min(o.next_attempt_at)
    from rowhook.outbox o,
    lateral (
      select from rowhook.webhook w
      where w.id = o.webhook_id and w.state = 'active' and w.kind = 'http'
      offset 0
    ) as open
    where not o.ready and o.next_attempt_at is not null and o.next_attempt_at <= now()
  )
  select coalesce(waiting.pending, 0)::bigint, coalesce(waiting.sending, 0)::bigint,
         coalesce(waiting.held, 0)::bigint, sum(due.rows)::bigint,
         coalesce(extract(epoch from now() - min(due.oldest)), 0)::double precision,
         (select count(*) from rowhook.worker w where w.seen_at > now() - interval '30 seconds'),
         (select count(*) from rowhook.capture_error where healed_at is null),
         (select count(*) from rowhook.lane_state where circuit = 'open')
  from waiting, due
  group by waiting.pending, waiting.sending, waiting.held
$$;
comment on function rowhook.gauges() is
  'deliveries that are not finished, by status; what is due for active webhooks; workers seen in the last 30 s; webhooks whose circuit is open';
