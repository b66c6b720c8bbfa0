-- Figures of /metrics: of the whole installation, without names and ids. Finished deliveries are not
-- read; the others are counted up to 100,000 for each webhook.

create or replace function rowhook.queue_metrics(top int default 5) returns json
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
  -- `offset 0` keeps each look-up inside its loop, independent of the statistics.
  with of_webhook as materialized (
    select w.id as webhook_id, w.kind, w.organization_id, w.ordered, figures.*
    from rowhook.webhook w,
    lateral (
      select
        (select count(*) from (
          select from rowhook.outbox o where o.webhook_id = w.id and o.status = 'pending' limit 100000) as counted) as pending,
        (select count(*) from (
          select from rowhook.outbox o where o.webhook_id = w.id and o.status = 'sending' limit 100000) as counted) as sending,
        (select count(*) from (
          select from rowhook.outbox o where o.webhook_id = w.id and o.status = 'held' limit 100000) as counted) as held,
        (select count(*) from (
          select from rowhook.outbox o where w.state = 'active' and o.webhook_id = w.id and o.ready limit 100000) as counted) as due,
        (select min(head.next_attempt_at)
         from unnest(array[false, true]) as lane (late),
         lateral (
           select o.next_attempt_at from rowhook.outbox o
           where w.state = 'active' and o.webhook_id = w.id and o.ready and o.late = lane.late
           order by o.next_attempt_at limit 1) as head) as oldest_at
      offset 0
    ) as figures
  ), due_of_webhook as (
    select o.webhook_id, o.kind, o.organization_id, o.ordered, o.due, o.oldest_at from of_webhook o where o.due > 0
    union all
    -- Due but not yet marked as ready, because no worker has claimed since.
    select waiting.webhook_id, open.kind, open.organization_id, open.ordered, waiting.due, waiting.oldest_at
    from (
      select oldest.webhook_id, count(*) as due, min(oldest.next_attempt_at) as oldest_at
      from (
        select o.webhook_id, o.next_attempt_at from rowhook.outbox o
        where not o.ready and o.next_attempt_at is not null and o.next_attempt_at <= now()
        order by o.next_attempt_at limit 100000) as oldest
      group by oldest.webhook_id) as waiting,
    lateral (
      select w.kind, w.organization_id, w.ordered from rowhook.webhook w where w.id = waiting.webhook_id and w.state = 'active'
      offset 0
    ) as open
  ), due as materialized (
    -- A delivery behind an open circuit, a full lane, a rate or an order waits for its receiver, not for workers.
    select d.kind, d.organization_id, d.due,
           case when lane.room > 0 or (d.ordered and lane.opens_at is null and awaits_worker.is_true) then d.oldest_at end as oldest_at
    from due_of_webhook d
    left join lateral (select * from rowhook.lane_capacity(d.webhook_id) offset 0) as lane on true,
    -- A lane with an order has no room until a worker marks its first delivery as ready, sweeps its changed
    -- webhook, or takes back an expired claim.
    lateral (
      select exists (
        select from (
          select o.next_attempt_at, o.leased_until, o.ordered_by from rowhook.outbox o
          where d.ordered and o.webhook_id = d.webhook_id and o.ordered_by is not null and o.finished_at is null
          order by o.ordered_by, o.id limit 1) as head
        where coalesce(head.next_attempt_at, head.leased_until) <= now() and head.ordered_by < rowhook.settled_before()
      ) as is_true
    ) as awaits_worker
  ), ranked as (
    select sum(d.due)::bigint as due, min(d.oldest_at) as oldest_at,
           row_number() over (order by sum(d.due) desc, d.organization_id) as rank
    from due d group by d.organization_id
  )
  select json_build_object(
    'pending', coalesce((select sum(o.pending) from of_webhook o), 0)::bigint,
    'sending', coalesce((select sum(o.sending) from of_webhook o), 0)::bigint,
    'held', coalesce((select sum(o.held) from of_webhook o), 0)::bigint,
    'kinds', (
      select coalesce(json_object_agg(k.kind, json_build_object('due', k.due, 'oldest_due_s', k.oldest_due_s)), '{}')
      from (
        select d.kind, sum(d.due)::bigint as due, coalesce(date_part('epoch', now() - min(d.oldest_at)), 0) as oldest_due_s
        from due d group by d.kind) as k),
    'organizations', (
      select coalesce(json_object_agg(o.place, json_build_object('due', o.due, 'oldest_due_s', o.oldest_due_s)), '{}')
      from (
        select case when r.rank <= top then r.rank::text else 'other' end as place, sum(r.due)::bigint as due,
               coalesce(date_part('epoch', now() - min(r.oldest_at)), 0) as oldest_due_s
        from ranked r group by 1) as o))
$$;
comment on function rowhook.queue_metrics(int) is
  'unfinished deliveries by status, and those that are due for active webhooks by kind of output and by organization: the `top` organizations with the most by their rank, and all others together. `oldest_due_s` is that of the deliveries that a worker could send now: not of those that wait for their receiver, its rate or its order';

create or replace function rowhook.oldest_xmin_age() returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  -- Sessions of other logins show their xmin only to pg_monitor; the oldest transaction that has
  -- written is known in any case.
  select greatest(
    (pg_snapshot_xmax(pg_current_snapshot())::text::numeric - pg_snapshot_xmin(pg_current_snapshot())::text::numeric)::bigint,
    (select max(age(a.backend_xmin)) from pg_stat_activity a where a.pid <> pg_backend_pid()),
    (select max(greatest(age(s.xmin), age(s.catalog_xmin))) from pg_replication_slots s),
    (select max(age(p.transaction)) from pg_prepared_xacts p where p.database = current_database()))
$$;
comment on function rowhook.oldest_xmin_age() is
  'transactions since the oldest one that keeps vacuum from removing dead rows: a session, a replication slot or a prepared transaction';

create or replace function rowhook.upkeep_metrics() returns json
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select json_build_object(
    'workers', (select count(*) from rowhook.worker w where w.seen_at > now() - interval '30 seconds'),
    'is_suspended', (select i.suspended_at is not null from rowhook.installation i),
    'webhooks', (
      select coalesce(json_object_agg(w.state, w.webhooks), '{}')
      from (select w.state, count(*) as webhooks from rowhook.webhook w group by w.state) as w),
    'circuits_open', (select count(*) from rowhook.lane_state s where s.circuit = 'open'),
    'circuits_half_open', (select count(*) from rowhook.lane_state s where s.circuit = 'half_open'),
    'longest_open_s', (
      select coalesce(date_part('epoch', now() - min(s.failing_since)), 0) from rowhook.lane_state s where s.circuit = 'open'),
    'capture_errors', coalesce(pg_sequence_last_value('rowhook.capture_error_id_seq'), 0),
    'capture_errors_open', (
      select count(*) from (select from rowhook.capture_error e where e.healed_at is null limit 100000) as open),
    'capture_gaps', (select count(*) from rowhook.newest_gaps()),
    'partitions_ahead', (
      select count(*) from generate_series(1, 7) as ahead (days)
      where rowhook.has_partitions((now() at time zone 'UTC')::date + ahead.days)),
    'oldest_xmin_age', rowhook.oldest_xmin_age(),
    'oldest_transaction_s', (
      select coalesce(max(date_part('epoch', now() - a.xact_start)), 0) from pg_stat_activity a
      where a.datname = current_database() and a.backend_type = 'client backend' and a.pid <> pg_backend_pid()),
    'postgres_version', current_setting('server_version'),
    'retention', (
      select coalesce(json_agg(json_build_object(
        'kind', r.kind, 'keep_s', date_part('epoch', r.keep), 'age_s', date_part('epoch', now() - r.oldest),
        'finished_s', date_part('epoch', r.last_finished_at), 'removed', r.removed)), '[]')
      from rowhook.retention_report() r))
$$;
comment on function rowhook.upkeep_metrics() is
  'workers seen in the last 30 s, webhooks by state, circuits, capture, retention, partitions, and the age of transactions that delay vacuum';
