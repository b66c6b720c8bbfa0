-- A worker takes what is due, lane by lane: a lane is a webhook with ready rows, and a rotation
-- gives each lane a few places, so no endpoint's backlog delays another.

create or replace function rowhook.promote() returns void
language sql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
  -- What is locked is found once and addressed by its place: a join, or an index that holds the id
  -- among others, would be read whole whenever the statistics say that the outbox is empty.
  update rowhook.outbox o
  set ready = true, token = nextval('rowhook.token')
  where o.ctid = any (array(
    select ctid from rowhook.outbox
    where not ready and next_attempt_at is not null and next_attempt_at <= now()
    order by next_attempt_at
    limit 1000
    for update skip locked
  ))
$$;
comment on function rowhook.promote() is 'rows whose time has come become ready';

create or replace function rowhook.count_lost_claims(rows tid[]) returns void
language sql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
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
$$;
comment on function rowhook.count_lost_claims(tid[]) is
  'ends the claims of these rows, which the caller has locked: they are claimed again, and set aside after five lost claims';

create or replace function rowhook.reclaim_expired(worker uuid, lease interval) returns void
language sql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_incremental_sort = off
set enable_bitmapscan = off
as $$
  select rowhook.count_lost_claims(array(
    select ctid from rowhook.outbox
    where status = 'sending'
      and leased_until < now()
      and worker_id <> worker
      -- A worker could not renew while Postgres was away: give it one lease to come back.
      and pg_postmaster_start_time() + lease < now()
    order by webhook_id, leased_until
    limit 1000
    for update skip locked
  ))
$$;
comment on function rowhook.reclaim_expired(uuid, interval) is 'takes back what dead workers held';

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
  -- Rows without a token are of lanes. With a time: its mark for the next claim. Without: there are
  -- more lanes than this, after it.
  most constant int := 256;
  visited uuid[];
  entered uuid[];
begin
  if not rowhook.may_send() then
    return;
  end if;
  perform rowhook.promote();
  if sweep then
    perform rowhook.reclaim_expired(worker, lease);
  end if;
  visited := rowhook.next_lanes(after, most, known, marks);
  -- One claim at a time looks at a lane, in a statement that begins once it is alone there: so what
  -- is in flight, and what a rate has left, hold across all workers.
  entered := array(
    select lane from unnest(visited) as lane
    where pg_try_advisory_xact_lock(uuid_hash_extended(lane, 72365)));
  -- Few lanes share the whole batch; many get `per_lane` places each.
  per_lane := greatest(per_lane, batch / greatest(cardinality(visited), 1));
  return query
  -- `offset 0` keeps each look-up inside the loop over what was found, whatever the statistics say.
  with gate as materialized (
    select g.webhook_id, g.head, g.tokens, least(g.room, per_lane) as share, g.late_room,
           coalesce(marks[array_position(known, g.webhook_id)], '-infinity') as mark
    from rowhook.lane_capacity(entered) as g
    where g.room > 0
  ), due as materialized (
    select lane_head.ctid, gate.webhook_id, lane_head.due_at
    from gate,
    lateral (
      select first.ctid, first.due_at from (
        select one.ctid, null::timestamptz as due_at from (
          select o.ctid from rowhook.outbox o
          where o.ctid = gate.head and o.ready
          for update skip locked) as one
        union all
        -- A quarter of the share is the late ones', if there are any: neither kind starves the other.
        select one.ctid, null from (
          select o.ctid from rowhook.outbox o
          where gate.head is null and o.ready and o.webhook_id = gate.webhook_id and o.late
          order by o.next_attempt_at, o.id
          limit least(gate.late_room, floor(gate.share * 0.25 + random())::int)
          for update skip locked) as one
        union all
        select one.ctid, one.next_attempt_at from (
          select o.ctid, o.next_attempt_at from rowhook.outbox o
          where gate.head is null and o.ready and o.webhook_id = gate.webhook_id and not o.late
            and o.next_attempt_at >= gate.mark
          order by o.next_attempt_at, o.id
          limit gate.share
          for update skip locked) as one
        union all
        -- And what first attempts leave; those of the quarter come up again, and count once.
        select one.ctid, null from (
          select o.ctid from rowhook.outbox o
          where gate.head is null and o.ready and o.webhook_id = gate.webhook_id and o.late
          order by o.next_attempt_at, o.id
          limit gate.late_room
          for update skip locked) as one
      ) as first
      limit gate.share
    ) as lane_head
    limit batch
  ), claimed as (
    update rowhook.outbox o
    set status = 'sending',
        ready = false,
        token = nextval('rowhook.token'),
        claimed_at = now(),
        stuck_at = now() + 3 * lease,
        worker_id = worker,
        leased_until = now() + lease,
        next_attempt_at = null
    where o.ctid = any (array(select due.ctid from due))
    returning o.token, o.id, o.attempts, o.webhook_id, o.event_id
  ), paced as (
    insert into rowhook.lane_state as s (webhook_id, tokens, refilled_at)
    select g.webhook_id, g.tokens - took.rows, now()
    from gate g, lateral (select count(*) as rows from claimed c where c.webhook_id = g.webhook_id) as took
    where g.tokens is not null and took.rows > 0
    on conflict (webhook_id) do update
      set tokens = excluded.tokens, refilled_at = greatest(s.refilled_at, excluded.refilled_at)
  ), probing as (
    update rowhook.lane_state s set circuit = 'half_open', allowed = 1
    from (select distinct c.webhook_id from claimed c) as lane
    where s.webhook_id = any (array[lane.webhook_id]) and s.circuit = 'open'
  )
  select c.token, c.id, c.attempts + 1, c.webhook_id, w.revision, w.secrets_version,
         e.id, e.type, e.key, e.organization_id, rowhook.readable_time(e.occurred_at),
         e.snapshot_text,
         case when not b.large then e.data::text end,
         case when not b.large then e.context::text end,
         e.oversize_bytes, b.large
  from claimed c,
  lateral (select * from rowhook.webhook w where w.id = c.webhook_id offset 0) as w
  -- Without its event a row is answered all the same: the worker gives it back as a lost claim.
  left join lateral (
    select found.*, rowhook.event_snapshot(found) as snapshot_text
    from rowhook.event found where found.id = c.event_id offset 0) as e on true,
  -- 64 events of 1 MiB would be 64 MiB in a worker: large ones are read one at a time.
  lateral (select coalesce(pg_column_size(e.data), 0) + coalesce(pg_column_size(e.context), 0) > 16384) as b (large)
  union all
  -- Not so late that it would pass by what another transaction, begun before, commits soon.
  select null, null, null, due.webhook_id, null, null, null, null, null, null,
         max(due.due_at) - interval '2 s', null, null, null, null, null
  from due where due.due_at is not null group by due.webhook_id;
  if cardinality(visited) = most then
    return query
    select null::bigint, null::bigint, null::int, visited[most], null::int, null::int, null::bigint,
           null, null, null::uuid, null::timestamptz, null, null, null, null::bigint, null::boolean;
  end if;
  if sweep then
    insert into rowhook.chore (webhook_id)
    select lane from unnest(visited) as lane
    where not exists (
      select from rowhook.webhook w where w.id = lane and w.state <> 'disabled' offset 0)
    on conflict do nothing;
  end if;
end
$$;

create or replace function rowhook.event_body(event_id bigint) returns table (data text, context text)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select e.data::text, e.context::text from rowhook.event e where e.id = event_id
$$;
