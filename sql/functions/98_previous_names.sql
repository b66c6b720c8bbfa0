-- Functions under the names that the previous release called them by.
--
-- During a deploy, workers and APIs of the previous release still call these names. Each function here
-- only calls its successor, with the caller's rights, and returns the previous result. One release
-- later its definition is removed and its drop is added to 99_obsolete.sql.

create or replace function rowhook.admit(key_hash bytea)
returns table (id uuid, name text, organization_id uuid, scopes text[], expires_at timestamptz, hash bytea)
language sql
set search_path = pg_catalog, pg_temp
as $$
  select * from rowhook.authenticate(key_hash)
$$;
comment on function rowhook.admit(bytea) is 'previous name of rowhook.authenticate';

-- Without a `set` clause, as set_tenant: settings must outlast the call.
create or replace function rowhook.enter(organization uuid, acting text) returns void
language plpgsql
as $$
begin
  perform rowhook.set_tenant(organization, acting);
end
$$;
comment on function rowhook.enter(uuid, text) is 'previous name of rowhook.set_tenant';

create or replace function rowhook.unknown(
  webhook uuid default null, agent uuid default null, goal text default null,
  delivery bigint default null, key uuid default null, organization uuid default null,
  session text default null
) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.first_missing(webhook, agent, goal, delivery, key, organization, session)
$$;
comment on function rowhook.unknown(uuid, uuid, text, bigint, uuid, uuid, text) is
  'previous name of rowhook.first_missing';

create or replace function rowhook.note(
  organization uuid, action text, subject text, before json default null, after json default null
) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.write_audit(organization, action, subject, before, after)
$$;
comment on function rowhook.note(uuid, text, text, json, json) is 'previous name of rowhook.write_audit';

create or replace function rowhook.mark() returns json
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.watermark()
$$;
comment on function rowhook.mark() is 'previous name of rowhook.watermark';

create or replace function rowhook.left_of(
  webhook uuid, since timestamptz, until timestamptz, mark bigint, held_mark bigint, most int
) returns json
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.replay_remaining(webhook, since, until, mark, held_mark, most)
$$;
comment on function rowhook.left_of(uuid, timestamptz, timestamptz, bigint, bigint, int) is
  'previous name of rowhook.replay_remaining';

create or replace function rowhook.tally(
  organization uuid, webhook uuid, wanted text[], since timestamptz, until timestamptz,
  job text, commit_key text, event_type text, code int, most int
) returns json
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.count_by_status(
    organization, webhook, wanted, since, until, job, commit_key, event_type, code, most)
$$;
comment on function rowhook.tally(uuid, uuid, text[], timestamptz, timestamptz, text, text, text, int, int) is
  'previous name of rowhook.count_by_status';

create or replace function rowhook.standing_of(webhook uuid) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.sending_state(webhook)
$$;
comment on function rowhook.standing_of(uuid) is 'previous name of rowhook.sending_state';

create or replace function rowhook.sealed_elsewhere(newest bytea) returns table (kind text, remaining bigint)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select * from rowhook.count_older_seals(newest)
$$;
comment on function rowhook.sealed_elsewhere(bytea) is 'previous name of rowhook.count_older_seals';

create or replace function rowhook.beat(worker uuid, host text, pid int, in_flight int) returns timestamptz
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.heartbeat(worker, host, pid, in_flight)
$$;
comment on function rowhook.beat(uuid, text, int, int) is 'previous name of rowhook.heartbeat';

create or replace function rowhook.leave(worker uuid) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.deregister(worker)
$$;
comment on function rowhook.leave(uuid) is 'previous name of rowhook.deregister';

create or replace function rowhook.lose(outbox_ids bigint[], tokens bigint[]) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.abandon(outbox_ids, tokens)
$$;
comment on function rowhook.lose(bigint[], bigint[]) is 'previous name of rowhook.abandon';

create or replace function rowhook.disown(worker uuid, held bigint[]) returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.reclaim_lost(worker, held)
$$;
comment on function rowhook.disown(uuid, bigint[]) is 'previous name of rowhook.reclaim_lost';

create or replace function rowhook.judge() returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.warn_or_disable()
$$;
comment on function rowhook.judge() is 'previous name of rowhook.warn_or_disable';

create or replace function rowhook.advice_for_copy() returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.copy_advice()
$$;
comment on function rowhook.advice_for_copy() is 'previous name of rowhook.copy_advice';

-- It told its rows apart by nulls: without a token, a row was the watermark of a lane (with a time) or
-- the last visited lane (without).
create or replace function rowhook.claim(
  worker uuid,
  batch int,
  per_lane int,
  after uuid default null,
  lease interval default '20 s',
  sweep boolean default false,
  known uuid[] default '{}',
  marks timestamptz[] default '{}'
) returns table (
  token bigint, outbox_id bigint, number int, webhook_id uuid, revision int, secrets_version int,
  event_id bigint, event_type text, key text, organization_id uuid, occurred_at timestamptz,
  snapshot text, data text, context text, oversize_bytes bigint, large boolean
)
language sql
set search_path = pg_catalog, pg_temp
as $$
  -- That release tells a watermark by its nulls.
  select case when c.kind <> 'watermark' then c.token end, case when c.kind <> 'watermark' then c.outbox_id end,
         c.number, c.webhook_id, c.revision, c.secrets_version,
         c.event_id, c.event_type, c.key, c.organization_id, coalesce(c.watermark, c.occurred_at),
         c.snapshot, c.data, c.context, c.oversize_bytes, c.large
  from rowhook.claim_batch(worker, batch, per_lane, after, lease, sweep, known, marks) as c
  where c.kind in ('delivery', 'unreadable', 'watermark', 'cursor')
$$;
comment on function rowhook.claim(uuid, int, int, uuid, interval, boolean, uuid[], timestamptz[]) is
  'previous form of rowhook.claim_batch';

-- A claim registers its worker as asleep now; see claim_batch.
create or replace function rowhook.fall_asleep(
  known uuid[] default '{}', marks timestamptz[] default '{}',
  out register bigint, out has_work boolean, out due_in_s double precision
)
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
  lane uuid;
  capacity record;
  due_at timestamptz;
begin
  register := nextval('rowhook.asleep');
  has_work := exists (select from rowhook.chore c where c.due_at <= now());
  if not rowhook.may_send() then
    return;
  end if;
  due_at := rowhook.next_due_at();
  foreach lane in array rowhook.ready_lanes('00000000-0000-0000-0000-000000000000', null, 1000, known, marks) loop
    capacity := rowhook.lane_capacity(lane);
    has_work := has_work or coalesce(capacity.room > 0, false);
    due_at := least(due_at, capacity.opens_at);
  end loop;
  due_in_s := extract(epoch from due_at - now());
  has_work := has_work or coalesce(due_in_s <= 0, false);
end
$$;
comment on function rowhook.fall_asleep(uuid[], timestamptz[]) is
  'registers as asleep, then checks once more whether claim or sweep would find work, and when the next delivery is due';

-- A notification ends all registrations; a worker that wakes up by itself leaves its own.
create or replace function rowhook.wake_up(register bigint) returns void
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select setval('rowhook.awake', greatest(register, last_value)) from rowhook.awake
$$;

create or replace function rowhook.gauges()
returns table (
  pending bigint, sending bigint, held bigint, due bigint, oldest_due_s double precision,
  workers bigint, capture_errors bigint, circuits_open bigint
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select m.pending, m.sending, m.held,
         (select coalesce(sum((b ->> 'due')::bigint), 0)::bigint from json_array_elements(m.backlog) b),
         (select coalesce(max((b ->> 'oldest_due_s')::float8), 0) from json_array_elements(m.backlog) b),
         m.workers, m.capture_errors, m.circuits_open
  from rowhook.metrics() m
$$;
comment on function rowhook.gauges() is 'rowhook.metrics, with the backlog of all kinds of outputs together';

-- Its points had other fields than those of rowhook.attempt_series.
create or replace function rowhook.series(organization uuid, webhook uuid, span interval, points int) returns json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with step as (
    select step.number, now() - span + span / points * step.number as at
    from generate_series(0, points - 1) as step (number)
  ), begins as (
    select array_agg(step.at order by step.at) as at from step
  ), counted as (
    -- As a scalar subquery the array is computed once; joined, it would be computed for each row.
    select width_bucket(o.created_at, (select begins.at from begins)) - 1 as step, o.status, count(*) as n
    from rowhook.webhook_revision v
    cross join lateral (
      select o.status, o.created_at from rowhook.outbox o
      where o.webhook_id = v.webhook_id and o.created_at >= now() - span
        and o.status = any (array['pending', 'sending', 'held', 'delivered', 'dead', 'cancelled', 'skipped'])
      -- As in rowhook.stats.
      offset 0) as o
    where v.revision = 1 and (organization is null or v.organization_id = organization)
      and (webhook is null or v.webhook_id = webhook)
    group by 1, 2
  ), summed as (
    select step.at, coalesce(sum(c.n), 0) as created,
           coalesce(sum(c.n) filter (where c.status = 'delivered'), 0) as delivered,
           coalesce(sum(c.n) filter (where c.status = 'dead'), 0) as dead,
           coalesce(sum(c.n) filter (where c.status = 'held'), 0) as held
    from step
    left join counted c on c.step = step.number
    group by step.at
  )
  select json_build_object(
    'since', now() - span,
    'step_s', extract(epoch from span)::float8 / points,
    'points', (select json_agg(summed order by summed.at) from summed))
$$;
comment on function rowhook.series(uuid, uuid, interval, int) is
  'deliveries created in each of `points` equal steps of the last `span`, by current status; steps without any have zeros';
