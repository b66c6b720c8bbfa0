-- Claims due deliveries. A lane is a webhook with ready rows; claims rotate over the lanes and take a
-- few rows of each, so that the backlog of one endpoint does not delay the others.

-- Functions that only claim_batch calls have no settings of their own: each setting costs a call 1 µs.
-- They are written in plpgsql, which keeps its plans; before PostgreSQL 18, a function in SQL is
-- planned again at each call.
create or replace function rowhook.promote(since timestamptz default '-infinity') returns void
language plpgsql
as $$
begin
  -- Rows are locked first and then addressed by ctid. A join, or an index that contains the id among
  -- other columns, would be read whole when the statistics say that the outbox is empty.
  update rowhook.outbox o
  set ready = true, token = nextval('rowhook.token')
  where o.ctid = any (array(
    select ctid from rowhook.outbox
    where not ready and next_attempt_at is not null and next_attempt_at between since and now()
    order by next_attempt_at
    limit 1000
    for update skip locked
  ));
end
$$;
comment on function rowhook.promote(timestamptz) is 'marks rows as ready that became due since a time';

create or replace function rowhook.next_due_at(since timestamptz default '-infinity') returns timestamptz
language plpgsql stable
as $$
begin
  return (
    select o.next_attempt_at from rowhook.outbox o
    where not o.ready and o.next_attempt_at is not null and o.next_attempt_at >= since
    order by o.next_attempt_at limit 1);
end
$$;
comment on function rowhook.next_due_at(timestamptz) is
  'when the first delivery that is not ready is due, of those that are due since a time';

-- Also called under the settings of rowhook.abandon.
create or replace function rowhook.count_lost_claims(rows tid[]) returns void
language plpgsql
as $$
begin
  with ended as (
    update rowhook.outbox o
    set token = nextval('rowhook.token'),
        worker_id = null,
        leased_until = null,
        lost_claims = lost_claims + 1,
        status = case when lost_claims < 4 then 'pending' else 'dead' end,
        ready = lost_claims < 4,
        next_attempt_at = case when lost_claims < 4 then now() end,
        finished_at = case when lost_claims >= 4 then now() end,
        last_error = case when lost_claims < 4 then last_error
          else '5 claims ended without a result: the worker stopped or hung, or could not read or record the delivery' end
    where o.ctid = any (rows)
    returning o.webhook_id, o.organization_id, o.status
  )
  insert into rowhook.attempt_delta (at, webhook_id, organization_id, dead)
  select rowhook.minute_of(now()), e.webhook_id, e.organization_id, count(*)
  from ended e
  where e.status = 'dead'
  group by e.webhook_id, e.organization_id;
end
$$;
comment on function rowhook.count_lost_claims(tid[]) is
  'ends the claims of these rows, which the caller has locked: they become ready again, or dead after five lost claims';

create or replace function rowhook.reclaim_expired(worker uuid, lease interval) returns void
language plpgsql
as $$
declare
  expired tid[] := array(
    select ctid from rowhook.outbox
    where status = 'sending'
      and leased_until < now()
      and worker_id <> worker
      -- Workers could not renew leases while PostgreSQL was down, so they get one lease to come back.
      and pg_postmaster_start_time() + lease < now()
    order by webhook_id, token
    limit 1000
    for update skip locked);
begin
  if expired <> '{}' then
    perform rowhook.count_lost_claims(expired);
  end if;
end
$$;
comment on function rowhook.reclaim_expired(uuid, interval) is
  'takes back deliveries whose lease another worker let expire';

create or replace function rowhook.claim_batch(
  worker uuid,
  batch int,
  per_lane int,
  after uuid default null,
  lease interval default '20 s',
  sweep boolean default false,
  known uuid[] default '{}',
  marks timestamptz[] default '{}',
  held bigint[] default null,
  falls_asleep boolean default false,
  mark_ids bigint[] default '{}',
  mark_tokens bigint[] default '{}',
  due_since timestamptz default '-infinity'
) returns table (
  kind text, webhook_id uuid, watermark timestamptz,
  token bigint, outbox_id bigint, number int, revision int, secrets_version int,
  event_id bigint, event_type text, key text, organization_id uuid, occurred_at timestamptz,
  snapshot text, data text, context text, oversize_bytes bigint, large boolean,
  due_in_s double precision
)
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_sort = off
set enable_incremental_sort = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  max_lanes constant int := 256;
  -- How long a transaction may take to be seen by the claims that use watermarks. The claims that sweep see it
  -- in any case.
  settled_before constant timestamptz := now() - interval '2 s';
  before_all constant uuid := '00000000-0000-0000-0000-000000000000';
  -- As many lanes as a full batch needs are looked up at a time.
  lanes_at_once constant int := greatest(batch / greatest(per_lane, 1), 16);
  has_ready boolean;
  has_quota boolean := false;
  lanes uuid[];
  last_lane uuid := coalesce(after, before_all);
  up_to uuid;
  has_all_lanes boolean;
  visited uuid[] := '{}';
  lane uuid;
  share int;
  place int;
  visit record;
  state record;
  picked tid[] := '{}';
  registered_at pg_snapshot;
  -- Assigned to and not read: an assignment is evaluated without an executor run, `perform` is not.
  asleep bigint;
  setting text;
begin
  if falls_asleep then
    if not rowhook.is_anyone_asleep() then
      asleep := nextval('rowhook.asleep');
    end if;
    -- Later commits notify this worker; the claim sees all earlier ones.
    registered_at := pg_current_snapshot();
  end if;
  -- One statement, because most polls find nothing and end with it.
  select
    (select i.suspended_at is null from rowhook.installation i
     where i.singleton and i.checked_server = pg_postmaster_start_time()
       and i.checked_file = pg_relation_filepath('rowhook.installation')) as may_send,
    (select o.next_attempt_at from rowhook.outbox o
     where not o.ready and o.next_attempt_at is not null and o.next_attempt_at >= due_since
     order by o.next_attempt_at limit 1) as next_due_at,
    (select true from rowhook.chore c where c.due_at <= now() order by c.due_at limit 1) as has_chore,
    (select o.webhook_id from rowhook.outbox o
     where known = '{}' and o.ready
     order by o.webhook_id, o.late, o.next_attempt_at, o.id limit 1) as first_lane,
    (select o.webhook_id from rowhook.outbox o
     where sweep and o.status = 'sending'
     order by o.webhook_id, o.token limit 1) as sending_lane
  into state;
  if not coalesce(state.may_send, rowhook.may_send()) then
    return;
  end if;
  has_ready := known <> '{}' or state.first_lane is not null;
  if state.next_due_at <= now() then
    perform rowhook.promote(due_since);
    state.next_due_at := rowhook.next_due_at(due_since);
    has_ready := true;
    -- A lane before it may have become ready.
    state.first_lane := null;
  end if;
  if state.sending_lane is not null then
    has_ready := true;
    state.first_lane := null;
    perform rowhook.reclaim_expired(worker, lease);
    -- The response to a claim may be lost although the claim was committed.
    number := rowhook.reclaim_lost(worker, held);
    kind := 'reclaimed';
    return next;
    number := null;
  end if;
  has_all_lanes := not has_ready;
  -- A table without a block has no rows; reading its size costs a tenth of a query.
  if has_ready and pg_relation_size('rowhook.organization_quota'::regclass) > 0 then
    has_quota := coalesce((
      select true from rowhook.organization_quota q
      where q.deliveries_per_s is not null or q.bytes_per_day is not null
      order by q.organization_id limit 1), false);
  end if;
  while not has_all_lanes and cardinality(picked) < batch and cardinality(visited) < max_lanes loop
    lanes := rowhook.ready_lanes(
      last_lane, up_to, lanes_at_once, known, marks, mark_ids,
      case when last_lane = before_all and visited = '{}' then state.first_lane end);
    if cardinality(lanes) < lanes_at_once and up_to is null and after is not null then
      -- The lanes up to the cursor follow.
      up_to := after;
      lanes := lanes || rowhook.ready_lanes(
        before_all, up_to, lanes_at_once - cardinality(lanes), known, marks, mark_ids);
    end if;
    has_all_lanes := cardinality(lanes) < lanes_at_once;
    visited := visited || lanes;
    last_lane := visited[cardinality(visited)];
    -- A few lanes share the whole batch; with many lanes each gets `per_lane` rows.
    share := greatest(per_lane, batch / greatest(cardinality(lanes), 1));
    foreach lane in array lanes loop
      exit when cardinality(picked) = batch;
      webhook_id := lane;
      place := array_position(known, lane);
      visit := rowhook.visit_lane(
        lane, least(share, batch - cardinality(picked)), has_quota,
        coalesce(marks[place], '-infinity'), coalesce(mark_ids[place], 0), coalesce(mark_tokens[place], 0));
      picked := picked || visit.rows;
      if visit.last_due_at is not null then
        kind := 'watermark';
        watermark := least(visit.last_due_at, settled_before);
        outbox_id := case when visit.last_due_at <= settled_before then visit.last_id else 0 end;
        token := visit.first_token;
        return next;
        watermark := null;
        outbox_id := null;
        token := null;
      end if;
      if visit.outlook is not null then
        kind := visit.outlook;
        due_in_s := visit.due_in_s;
        return next;
        due_in_s := null;
      end if;
    end loop;
  end loop;
  if not has_all_lanes or webhook_id <> last_lane then
    kind := 'cursor';
    return next;
  end if;
  webhook_id := null;
  if state.next_due_at is not null then
    kind := 'due';
    due_in_s := extract(epoch from state.next_due_at - now());
    return next;
  end if;
  if sweep then
    kind := 'waiting';
    watermark := least(state.next_due_at, settled_before);
    due_in_s := extract(epoch from clock_timestamp() - now());
    return next;
    watermark := null;
    due_in_s := null;
  end if;
  if state.has_chore then
    kind := 'chore';
    return next;
  end if;
  if sweep then
    insert into rowhook.chore (webhook_id)
    select lane_id from unnest(visited) as lane_id
    where not exists (
      select from rowhook.webhook w where w.id = lane_id and w.state <> 'disabled' offset 0)
    on conflict do nothing;
  end if;
  if picked <> '{}' then
    -- Not waiting for the disk saves an eighth of the CPU and most of the time of a claim. If the server
    -- crashes within a second, the claim may be lost; its deliveries are then sent twice, as they are if a
    -- worker crashes.
    setting := set_config('synchronous_commit', 'off', true);
    return query
    with claimed as (
      update rowhook.outbox o
      set status = 'sending',
          ready = false,
          token = nextval('rowhook.token'),
          claimed_at = now(),
          stuck_at = now() + 3 * lease,
          worker_id = worker,
          leased_until = now() + lease,
          next_attempt_at = null
      where o.ctid = any (picked)
      returning o.token, o.id, o.attempts, o.webhook_id, o.event_id, o.created_at
    )
    -- A row whose event is missing is returned too; the worker gives it back as a lost claim.
    select case when e.id is null then 'unreadable' else 'delivery' end, c.webhook_id, null::timestamptz,
           c.token, c.id, c.attempts + 1, w.revision, w.secrets_version,
           e.id, e.type, e.key, e.organization_id, rowhook.readable_time(e.occurred_at),
           e.snapshot_text,
           case when not b.large then e.data::text end,
           case when not b.large then e.context::text end,
           e.oversize_bytes, b.large,
           case when c.attempts = 0 and w.retry_schedule_s[1] = 0 then date_part('epoch', c.created_at - now()) end
    from claimed c,
    -- `offset 0` keeps each look-up inside the loop, independent of the statistics. It also keeps all columns of a
    -- `select *`, each of which costs a claim 300 ns.
    lateral (
      select w.revision, w.secrets_version, w.retry_schedule_s from rowhook.webhook w where w.id = c.webhook_id offset 0) as w
    left join lateral (
      select e.id, e.type, e.key, e.organization_id, e.occurred_at, e.data, e.context, e.oversize_bytes,
             rowhook.event_snapshot(e) as snapshot_text
      from rowhook.event e where e.id = c.event_id offset 0) as e on true,
    -- 64 events of 1 MiB would take 64 MiB in a worker, so it reads large ones one at a time.
    lateral (select coalesce(pg_column_size(e.data), 0) + coalesce(pg_column_size(e.context), 0) > 16384) as b (large);
  end if;
  -- A transaction that was open then may have seen that nobody sleeps. Its id is in the snapshot, or
  -- between the end of the snapshot and the id that this transaction got later by claiming.
  if right(registered_at::text, 1) <> ':' or pg_current_xact_id_if_assigned() > pg_snapshot_xmax(registered_at) then
    kind := 'unsettled';
    return next;
  end if;
end
$$;
comment on function rowhook.claim_batch(uuid, int, int, uuid, interval, boolean, uuid[], timestamptz[], bigint[], boolean, bigint[], bigint[], timestamptz) is
  'claims due deliveries; with `falls_asleep` it registers the worker as asleep first. Rows by `kind`: delivery, whose due_in_s is minus the seconds since it was captured, if this is its first attempt and its webhook has no first delay; unreadable, a claimed row whose event is missing; watermark, the time and the id up to which a lane has no ready rows, and the least token of its rows in flight before this claim, null if there were none; waiting, the time before which no row waits that is not ready, with the seconds that a claim which sweeps took to look; cursor, the last visited lane if there are more; reclaimed, how many expired claims that are not in `held` were given back; and what the worker may wait for: more, a lane that may have further ready rows; full, one that waits for a result; due, when a lane or a delivery is due; chore, rowhook.sweep has work; unsettled, an open transaction may commit without a notification';

create or replace function rowhook.work_due_in() returns double precision
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
begin
  -- Without a registration, captures do not notify; a claim registers the worker again.
  if not rowhook.is_anyone_asleep() then
    return 0;
  end if;
  return (select coalesce(
    (select 0::double precision from rowhook.outbox o where o.ready
     order by o.webhook_id, o.late, o.next_attempt_at, o.id limit 1),
    (select 0::double precision from rowhook.chore c where c.due_at <= now() order by c.due_at limit 1),
    least(
      (select date_part('epoch', o.next_attempt_at - now()) from rowhook.outbox o
       where not o.ready and o.next_attempt_at is not null
       order by o.next_attempt_at limit 1),
      -- Its lease may expire.
      (select 1::double precision from rowhook.outbox o where o.status = 'sending'
       order by o.webhook_id, o.token limit 1))));
end
$$;
comment on function rowhook.work_due_in() is
  'in how many seconds, at the earliest, claim_batch may find something to do; null if there is nothing yet. Also 0 if the register says that no worker is asleep';

create or replace function rowhook.event_body(event_id bigint) returns table (data text, context text)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select e.data::text, e.context::text from rowhook.event e where e.id = event_id
$$;
