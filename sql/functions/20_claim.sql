-- Claims due deliveries. A lane is a webhook with ready rows; claims rotate over the lanes and take a
-- few rows of each, so that the backlog of one endpoint does not delay the others.

create or replace function rowhook.promote() returns void
language sql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
  -- Rows are locked first and then addressed by ctid. A join, or an index that contains the id among
  -- other columns, would be read whole when the statistics say that the outbox is empty.
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
comment on function rowhook.promote() is 'marks due rows as ready';

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
  'ends the claims of these rows, which the caller has locked: they become ready again, or dead after five lost claims';

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
      -- Workers could not renew leases while PostgreSQL was down, so they get one lease to come back.
      and pg_postmaster_start_time() + lease < now()
    order by webhook_id, leased_until
    limit 1000
    for update skip locked
  ))
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
  marks timestamptz[] default '{}'
) returns table (
  kind text, webhook_id uuid, watermark timestamptz,
  token bigint, outbox_id bigint, number int, revision int, secrets_version int,
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
  max_lanes constant int := 256;
  visited uuid[];
  locked_lanes uuid[];
begin
  if not rowhook.may_send() then
    return;
  end if;
  perform rowhook.promote();
  if sweep then
    perform rowhook.reclaim_expired(worker, lease);
  end if;
  visited := rowhook.next_lanes(after, max_lanes, known, marks);
  -- Only one claim at a time examines a lane, in a statement that begins after it got the lane's lock.
  -- That makes in-flight and rate limits exact across all workers.
  locked_lanes := array(
    select lane from unnest(visited) as lane
    where pg_try_advisory_xact_lock(uuid_hash_extended(lane, 72365)));
  -- A few lanes share the whole batch; with many lanes each gets `per_lane` rows.
  per_lane := greatest(per_lane, batch / greatest(cardinality(visited), 1));
  return query
  -- `offset 0` keeps each look-up inside the loop, whatever the statistics say.
  with capacity as materialized (
    select g.webhook_id, g.head, g.tokens, least(g.room, per_lane) as share, g.late_room,
           coalesce(marks[array_position(known, g.webhook_id)], '-infinity') as mark
    from rowhook.lane_capacity(locked_lanes) as g
    where g.room > 0
  ), due as materialized (
    select lane_head.ctid, capacity.webhook_id, lane_head.due_at
    from capacity,
    lateral (
      select first.ctid, first.due_at from (
        select candidate.ctid, null::timestamptz as due_at from (
          select o.ctid from rowhook.outbox o
          where o.ctid = capacity.head and o.ready
          for update skip locked) as candidate
        union all
        -- A quarter of the share is reserved for late rows, so that neither kind starves the other.
        select candidate.ctid, null from (
          select o.ctid from rowhook.outbox o
          where capacity.head is null and o.ready and o.webhook_id = capacity.webhook_id and o.late
          order by o.next_attempt_at, o.id
          limit least(capacity.late_room, floor(capacity.share * 0.25 + random())::int)
          for update skip locked) as candidate
        union all
        select candidate.ctid, candidate.next_attempt_at from (
          select o.ctid, o.next_attempt_at from rowhook.outbox o
          where capacity.head is null and o.ready and o.webhook_id = capacity.webhook_id and not o.late
            and o.next_attempt_at >= capacity.mark
          order by o.next_attempt_at, o.id
          limit capacity.share
          for update skip locked) as candidate
        union all
        -- Late rows also fill what first attempts leave. Rows of the reserved quarter appear again
        -- here and count once.
        select candidate.ctid, null from (
          select o.ctid from rowhook.outbox o
          where capacity.head is null and o.ready and o.webhook_id = capacity.webhook_id and o.late
          order by o.next_attempt_at, o.id
          limit capacity.late_room
          for update skip locked) as candidate
      ) as first
      limit capacity.share
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
    from capacity g, lateral (select count(*) as rows from claimed c where c.webhook_id = g.webhook_id) as took
    where g.tokens is not null and took.rows > 0
    on conflict (webhook_id) do update
      set tokens = excluded.tokens, refilled_at = greatest(s.refilled_at, excluded.refilled_at)
  ), probing as (
    update rowhook.lane_state s set circuit = 'half_open', allowed = 1
    from (select distinct c.webhook_id from claimed c) as lane
    where s.webhook_id = any (array[lane.webhook_id]) and s.circuit = 'open'
  )
  -- A row whose event is missing is returned all the same; the worker gives it back as a lost claim.
  select case when e.id is null then 'unreadable' else 'delivery' end, c.webhook_id, null::timestamptz,
         c.token, c.id, c.attempts + 1, w.revision, w.secrets_version,
         e.id, e.type, e.key, e.organization_id, rowhook.readable_time(e.occurred_at),
         e.snapshot_text,
         case when not b.large then e.data::text end,
         case when not b.large then e.context::text end,
         e.oversize_bytes, b.large
  from claimed c,
  lateral (select * from rowhook.webhook w where w.id = c.webhook_id offset 0) as w
  left join lateral (
    select event_row.*, rowhook.event_snapshot(event_row) as snapshot_text
    from rowhook.event event_row where event_row.id = c.event_id offset 0) as e on true,
  -- 64 events of 1 MiB would take 64 MiB in a worker, so it reads large ones one at a time.
  lateral (select coalesce(pg_column_size(e.data), 0) + coalesce(pg_column_size(e.context), 0) > 16384) as b (large)
  union all
  -- Set back by two seconds, so that the watermark does not pass rows that an older transaction
  -- commits later.
  select 'watermark', due.webhook_id, max(due.due_at) - interval '2 s',
         null, null, null, null, null, null, null, null, null, null, null, null, null, null, null
  from due where due.due_at is not null group by due.webhook_id;
  if cardinality(visited) = max_lanes then
    kind := 'cursor';
    webhook_id := visited[max_lanes];
    return next;
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
comment on function rowhook.claim_batch(uuid, int, int, uuid, interval, boolean, uuid[], timestamptz[]) is
  'claims due deliveries. Rows by `kind`: delivery; unreadable, a claimed row whose event is missing; watermark, the time before which a lane has no ready rows; cursor, the last visited lane if there may be more. The last two fill only `webhook_id` and `watermark`';

create or replace function rowhook.event_body(event_id bigint) returns table (data text, context text)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select e.data::text, e.context::text from rowhook.event e where e.id = event_id
$$;
