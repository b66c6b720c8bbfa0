-- What the engineer on call asks first.

create or replace function rowhook.delivery_counts()
returns table (status text, deliveries bigint, is_capped boolean, oldest interval, next_due interval)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
  -- Ranges of the index, a webhook's after another's; every webhook that there ever was has a first revision.
  with due as (
    select soonest.status, soonest.next_attempt_at
    from (
      select o.status, o.next_attempt_at from rowhook.outbox o
      where not o.ready and o.next_attempt_at is not null order by o.next_attempt_at limit 1000) as soonest
    union all
    select head.status, head.next_attempt_at
    from rowhook.webhook w cross join unnest(array[false, true]) as lane (late),
    lateral (
      select o.status, o.next_attempt_at from rowhook.outbox o
      where o.webhook_id = w.id and o.ready and o.late = lane.late order by o.next_attempt_at limit 1) as head
  )
  select known.status, least(counted.deliveries, 100000), counted.deliveries > 100000, now() - oldest.created_at,
         (select min(d.next_attempt_at) from due d where d.status = known.status) - now()
  from unnest(array['pending', 'sending', 'held', 'delivered', 'dead', 'cancelled', 'skipped'])
    with ordinality as known (status, place),
  lateral (
    select count(*) as deliveries
    from (
      select from rowhook.webhook_revision v,
      lateral (
        select from rowhook.outbox o where o.webhook_id = v.webhook_id and o.status = known.status offset 0) as o
      where v.revision = 1
      limit 100001) as counted) as counted,
  lateral (
    select min(head.created_at) as created_at
    from rowhook.webhook_revision v,
    lateral (
      select o.created_at from rowhook.outbox o
      where o.webhook_id = v.webhook_id and o.status = known.status order by o.created_at limit 1) as head
    where v.revision = 1) as oldest
  order by known.place
$$;
comment on function rowhook.delivery_counts() is
  'deliveries by status, each counted up to 100,000; next_due: of what is ready, and of the 1,000 that become due next';

create or replace function rowhook.status()
returns table (status text, deliveries bigint, oldest interval, next_due interval)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select c.status, c.deliveries, c.oldest, c.next_due from rowhook.delivery_counts() as c
$$;
comment on function rowhook.status() is 'deliveries by status, each counted up to 100,000';

create or replace function rowhook.workers()
returns table (id uuid, host text, pid int, in_flight int, up interval, silent interval)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select w.id, w.host, w.pid, w.in_flight, now() - w.started_at, now() - w.seen_at
  from rowhook.worker w order by w.started_at
$$;

create or replace function rowhook.diagnosis()
returns table (subject text, healthy boolean, finding text, advice text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select 'installation', copy.sign is null,
         case when copy.sign is null then 'this database, since ' || rowhook.rfc3339(i.adopted_at)
              else 'nothing is sent. ' || copy.sign end,
         rowhook.advice_for_copy()
  from rowhook.installation i,
  lateral (select coalesce(i.suspended_reason, rowhook.sign_of_copy(i)) as sign) as copy
  union all
  select 'epoch', not rowhook.epoch_is_due(),
         case when rowhook.epoch_is_due()
              then 'the transaction ids are those of another cluster: new events sort among the old ones'
              else 'epoch ' || i.epoch end,
         'a worker raises the epoch once no transaction that wrote events is open'
  from rowhook.installation i
  union all
  select 'sources', count(*) filter (where drift.reason is not null) = 0,
         coalesce(string_agg(s.name || ': ' || drift.reason, '; ') filter (where drift.reason is not null),
                  count(*) || ' captured'),
         'alter table … enable trigger …, or call rowhook.watch_… again, or select rowhook.unwatch(…)'
  from rowhook.source s, lateral (select rowhook.source_drift(s) as reason) as drift
  union all
  select 'other triggers', count(*) = 0,
         case when count(*) = 0 then 'all enabled' else string_agg(t.tgname || ' is disabled', ', ') end,
         string_agg(concat_ws(' ', 'alter table', t.tgrelid::regclass, 'enable',
                              case t.tgname when 'must_fit' then 'always' end, 'trigger', t.tgname), '; ')
  from pg_class c
  join pg_trigger t on t.tgrelid = c.oid
  join rowhook.migration m on m.name = format('triggers/%s.%s', c.relname, t.tgname)
  where c.relnamespace = 'rowhook'::regnamespace and t.tgenabled = 'D' and t.tgname not like 'capture\_%'
  union all
  select 'capture gaps', count(*) = 0, count(*) || ' completions without an event among the newest 10,000 of each source',
         'a worker heals them within 30 s; or: select rowhook.heal()'
  from rowhook.newest_gaps() as gap
  union all
  select 'capture errors', count(*) = 0, rowhook.count_text(count(*)) || ' open', coalesce(max(message), '')
  from (select e.message from rowhook.capture_error e where e.healed_at is null order by e.id limit 100001) as open
  union all
  select 'workers', count(*) > 0, count(*) || ' seen in the last minute', 'start one: rowhook worker'
  from rowhook.worker where seen_at > now() - interval '1 minute'
  union all
  select 'backlog', coalesce(now() - oldest.at, '0') < interval '1 minute',
         case when due.deliveries = 0 then 'nothing overdue'
              else rowhook.count_text(due.deliveries) || ' due now, the oldest for '
                || extract(epoch from now() - oldest.at)::int || ' s' end,
         'is a worker running? is a webhook paused, or its circuit open? select * from rowhook.webhook_health'
  from (select count(*) as deliveries from (select from rowhook.outbox o where o.ready limit 100001) as counted) as due,
  (select min(head.next_attempt_at) as at
   from rowhook.webhook w cross join unnest(array[false, true]) as lane (late),
   lateral (
     select o.next_attempt_at from rowhook.outbox o
     where o.webhook_id = w.id and o.ready and o.late = lane.late order by o.next_attempt_at limit 1) as head) as oldest
  union all
  select 'stuck', count(*) = 0,
         case when count(*) = 0 then 'nothing is being sent for long'
              else rowhook.count_text(count(*)) || ' deliveries are being sent since ' || rowhook.rfc3339(min(claimed_at)) end,
         'restart the workers: select * from rowhook.delivery where status = ''sending'' order by id'
  from (select o.claimed_at from rowhook.outbox o where o.status = 'sending' and o.stuck_at < now() limit 100001) as stuck
  union all
  select 'circuits', count(*) = 0,
         case when count(*) = 0 then 'all closed' else count(*) || ' webhooks get probes alone' end,
         'their receivers fail: select name, failing_since, next_probe_at, last_error from rowhook.webhook_health where circuit <> ''closed'''
  from rowhook.lane_state where circuit = 'open'
  union all
  select 'order', count(*) = 0,
         case when count(*) = 0 then 'no ordered webhook waits behind a held delivery'
              else count(*) || ' ordered webhooks wait behind a held delivery, the first ' || min(head.id) end,
         'mend the webhook, or skip it: update rowhook.outbox set status = ''cancelled'' where id = …'
  from rowhook.webhook w,
  lateral (
    select o.id, o.status from rowhook.outbox o
    where o.webhook_id = w.id and o.ordered_by is not null and o.finished_at is null
    order by o.ordered_by, o.id limit 1
  ) as head
  where w.ordered and head.status = 'held'
  union all
  select 'held', count(*) = 0, rowhook.count_text(count(*)) || ' deliveries',
         'select id, last_error from rowhook.delivery where status = ''held''; fix the webhook and they go'
  from (
    select from rowhook.webhook w, lateral (select from rowhook.outbox o where o.webhook_id = w.id and o.status = 'held' offset 0) as o
    limit 100001) as held
  union all
  select * from rowhook.retention_findings()
  union all
  select 'long transactions', count(*) = 0,
         case when count(*) = 0 then 'none over 5 minutes'
              else 'process ' || min(pid) || ' and ' || count(*) - 1 || ' others' end,
         'an open transaction delays ordered webhooks and keeps dead rows: end it'
  from pg_stat_activity
  where datname = current_database() and xact_start < now() - interval '5 minutes'
    and backend_type = 'client backend'
$$;
comment on function rowhook.diagnosis() is 'what rowhook doctor asks the database';
