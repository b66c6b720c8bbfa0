-- Diagnostics for operators.

create or replace function rowhook.delivery_counts()
returns table (status text, deliveries bigint, is_capped boolean, oldest interval, next_due interval)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
  -- Index ranges, webhook by webhook; every webhook that ever existed has a first revision.
  with due as (
    select soonest.webhook_id, soonest.status, soonest.next_attempt_at
    from (
      select o.webhook_id, o.status, o.next_attempt_at from rowhook.outbox o
      where not o.ready and o.next_attempt_at is not null order by o.next_attempt_at limit 1000) as soonest
    union all
    select w.id, head.status, head.next_attempt_at
    from rowhook.webhook w cross join unnest(array[false, true]) as lane (late),
    lateral (
      select o.status, o.next_attempt_at from rowhook.outbox o
      where o.webhook_id = w.id and o.ready and o.late = lane.late order by o.next_attempt_at limit 1) as head
  ), sent as (
    -- An open circuit admits nothing before its next probe; a paused or disabled webhook sends nothing.
    select due.status, greatest(due.next_attempt_at, circuit.probe_at) as at
    from due
    join rowhook.webhook w on w.id = due.webhook_id and w.state = 'active'
    left join rowhook.lane_state circuit on circuit.webhook_id = w.id and circuit.circuit = 'open'
  )
  select known.status, least(counted.deliveries, 100000), counted.deliveries > 100000, now() - oldest.created_at,
         (select min(sent.at) from sent where sent.status = known.status) - now()
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
  'deliveries by status, each counted up to 100,000; next_due considers ready deliveries and the 1,000 that become due next, and waits for the probe of an open circuit';

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
         case when copy.sign is null then 'this database since ' || rowhook.rfc3339(i.adopted_at)
              else 'deliveries are suspended. ' || copy.sign end,
         rowhook.copy_advice()
  from rowhook.installation i,
  lateral (select coalesce(i.suspended_reason, rowhook.copy_evidence(i)) as sign) as copy
  union all
  select 'epoch', not rowhook.epoch_is_due(),
         case when rowhook.epoch_is_due()
              then 'transaction ids come from another cluster, so new events sort among old ones'
              else 'epoch ' || i.epoch end,
         'a worker begins a new epoch once no transaction that wrote events is open'
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
  where c.relnamespace = 'rowhook'::regnamespace and t.tgenabled = 'D' and t.tgname !~ '^capture_'
  union all
  select 'capture gaps', count(*) = 0,
         rowhook.count_text(count(*), 'completion', 'completions') || ' without an event among the newest 10,000 of each source',
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
         case when count(*) = 0 then 'no delivery has been sending for long'
              else rowhook.count_text(count(*), 'delivery has', 'deliveries have') || ' been sending since '
                || rowhook.rfc3339(min(claimed_at)) end,
         'restart the workers: select * from rowhook.delivery where status = ''sending'' order by id'
  from (select o.claimed_at from rowhook.outbox o where o.status = 'sending' and o.stuck_at < now() limit 100001) as stuck
  union all
  select 'circuits', count(*) = 0,
         case when count(*) = 0 then 'all closed'
              else rowhook.count_text(count(*), 'webhook receives', 'webhooks receive') || ' only probes' end,
         'their receivers fail: select name, failing_since, next_probe_at, last_error from rowhook.webhook_health where circuit <> ''closed'''
  from rowhook.lane_state where circuit = 'open'
  union all
  select 'order', count(*) = 0,
         case when count(*) = 0 then 'no ordered webhook waits behind a held delivery'
              else rowhook.count_text(count(*), 'ordered webhook waits', 'ordered webhooks wait')
                || ' behind a held delivery, the first ' || min(head.id) end,
         'fix the webhook, or skip the delivery: update rowhook.outbox set status = ''cancelled'' where id = …'
  from rowhook.webhook w,
  lateral (
    select o.id, o.status from rowhook.outbox o
    where o.webhook_id = w.id and o.ordered_by is not null and o.finished_at is null
    order by o.ordered_by, o.id limit 1
  ) as head
  where w.ordered and head.status = 'held'
  union all
  select 'held', count(*) = 0, rowhook.count_text(count(*), 'delivery', 'deliveries'),
         'select id, last_error from rowhook.delivery where status = ''held''; fix the webhook and they are sent'
  from (
    select from rowhook.webhook w, lateral (select from rowhook.outbox o where o.webhook_id = w.id and o.status = 'held' offset 0) as o
    limit 100001) as held
  union all
  select * from rowhook.retention_findings()
  union all
  select 'long transactions', count(*) = 0,
         case when count(*) = 0 then 'none over 5 minutes'
              else 'process ' || min(pid) || ' and ' || count(*) - 1 || ' others' end,
         'end it: an open transaction delays ordered webhooks and keeps vacuum from removing dead rows'
  from pg_stat_activity
  where datname = current_database() and xact_start < now() - interval '5 minutes'
    and backend_type = 'client backend'
$$;
comment on function rowhook.diagnosis() is 'findings of rowhook doctor';

-- Metrics: cheap even with millions of finished rows, which are not counted.

create or replace function rowhook.backlog()
returns table (kind text, due bigint, oldest_due_s double precision)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
  -- `offset 0` keeps each look-up inside its loop, independent of the statistics.
  with due as (
    select w.kind, o.next_attempt_at
    from rowhook.webhook w,
    lateral (
      select o.next_attempt_at from rowhook.outbox o where o.ready and o.webhook_id = w.id
      offset 0
    ) as o
    where w.state = 'active'
    union all
    -- Due but not yet marked as ready, because no worker has claimed since.
    select open.kind, o.next_attempt_at
    from rowhook.outbox o,
    lateral (
      select w.kind from rowhook.webhook w where w.id = o.webhook_id and w.state = 'active'
      offset 0
    ) as open
    where not o.ready and o.next_attempt_at is not null and o.next_attempt_at <= now()
  )
  select d.kind, count(*), extract(epoch from now() - min(d.next_attempt_at))::double precision
  from due d
  group by d.kind
$$;
comment on function rowhook.backlog() is
  'deliveries that are due for active webhooks, by kind of output; a kind without any has no row';

create or replace function rowhook.metrics()
returns table (
  pending bigint, sending bigint, held bigint, workers bigint, capture_errors bigint, circuits_open bigint, backlog json
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
  select coalesce(sum(of_webhook.pending), 0)::bigint, coalesce(sum(of_webhook.sending), 0)::bigint,
         coalesce(sum(of_webhook.held), 0)::bigint,
         (select count(*) from rowhook.worker w where w.seen_at > now() - interval '30 seconds'),
         (select count(*) from rowhook.capture_error where healed_at is null),
         (select count(*) from rowhook.lane_state where circuit = 'open'),
         (select coalesce(json_agg(b), '[]') from rowhook.backlog() b)
  from rowhook.webhook w,
  lateral (
    select
      (select count(*) from rowhook.outbox o where o.webhook_id = w.id and o.status = 'pending') as pending,
      (select count(*) from rowhook.outbox o where o.webhook_id = w.id and o.status = 'sending') as sending,
      (select count(*) from rowhook.outbox o where o.webhook_id = w.id and o.status = 'held') as held
    offset 0
  ) as of_webhook
$$;
comment on function rowhook.metrics() is
  'unfinished deliveries by status; workers seen in the last 30 s; open capture errors; webhooks with an open circuit; rowhook.backlog() as JSON';

-- State of the installation.

create or replace function rowhook.worker_list() returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(document) from (
    select w.id,
           -- Host and process are visible to operators only.
           case when mine.operator then w.host end as host,
           case when mine.operator then w.pid end as pid,
           w.in_flight, w.started_at, w.seen_at,
           w.seen_at > now() - interval '30 seconds' as alive
    from rowhook.worker w,
      lateral (select coalesce(current_setting('rowhook.operator', true) = 'on', false) as operator) as mine
    order by w.started_at, w.id) as document
$$;
comment on function rowhook.worker_list() is
  'worker processes, oldest first; host and pid for operators only; alive: seen in the last 30 s';

create or replace function rowhook.system() returns json
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  -- Security definer, so policies do not apply.
  if coalesce(current_setting('rowhook.operator', true), '') <> 'on' then
    raise insufficient_privilege using message = 'The state of the installation is available to operators only.';
  end if;
  return json_build_object(
    'postgres_version', current_setting('server_version'),
    'migrations', (
      select coalesce(json_agg(json_build_object('name', m.name, 'applied_at', m.applied_at)
                               order by m.applied_at, m.name), '[]')
      from rowhook.migration m),
    'identity', (
      select json_build_object(
        'adopted_at', i.adopted_at, 'epoch', i.epoch,
        'suspended_at', i.suspended_at, 'suspended_reason', i.suspended_reason)
      from rowhook.installation i),
    'workers', array_to_json(array(select rowhook.worker_list())),
    'capture_gaps', (
      select json_build_object('count', count(*), 'oldest_at', min(g.occurred_at)) from rowhook.newest_gaps() g),
    'capture_errors', (
      select coalesce(json_agg(document order by document.id desc), '[]')
      from (
        select e.id, e.source, cardinality(e.source_ids) as captures, e.sqlstate, e.message, e.created_at
        from rowhook.capture_error e
        where e.healed_at is null
        order by e.id desc
        limit 100) as document),
    'chores', (
      select json_build_object('count', count(*), 'oldest_at', min(c.created_at)) from rowhook.chore c),
    'partitions', (
      select coalesce(json_agg(json_build_object('name', p.name, 'bytes', p.bytes) order by p.name), '[]')
      from (
        -- Null for a partition that is being dropped.
        select c.relname as name, pg_total_relation_size(c.oid) as bytes
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent in ('rowhook.attempt_row'::regclass, 'rowhook.exchange'::regclass,
                              'rowhook.failed_exchange'::regclass, 'rowhook.attempt_archive'::regclass)
        offset 0) as p
      where p.bytes is not null),
    'retention', (
      select json_agg(json_build_object(
        'kind', r.kind, 'concerns', r.concerns, 'keep_s', extract(epoch from r.keep)::float8, 'oldest_at', r.oldest,
        'last_run_at', r.last_run_at, 'last_finished_at', r.last_finished_at, 'removed', r.removed))
      from rowhook.retention_report() r),
    'paused', (
      select json_build_object('webhooks', p.webhooks, 'deliveries', p.deliveries, 'is_capped', p.is_capped, 'oldest_at', p.oldest)
      from rowhook.paused_deliveries() p),
    'storage', (select json_agg(t) from rowhook.storage_report() t));
end
$$;
comment on function rowhook.system() is
  'state of the installation, for operators: versions, workers, gaps, the newest 100 open capture errors, partitions, retention and storage';
