-- Lanes: the webhooks that have ready rows, and how many deliveries each may send now.

create or replace function rowhook.ready_lanes(
  after uuid, up_to uuid, max_lanes int, known uuid[] default '{}', marks timestamptz[] default '{}'
) returns uuid[]
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_incremental_sort = off
set enable_bitmapscan = off
as $$
  -- The complete order of the index is written out, so that the planner does not choose another index
  -- that begins with the webhook. Rows before the watermark of a known lane are skipped: while an old
  -- transaction is open, they are dead index entries.
  with recursive lane as (
    select after as webhook_id, false as is_live, 0 as place,
           (select count(*)::int from unnest(known) as known_lane where known_lane <= after) as passed
    union all
    select coalesce(gap.webhook_id, next_known.webhook_id),
           gap.webhook_id is not null or first.id is not null,
           place + (gap.webhook_id is not null or first.id is not null)::int,
           passed + (gap.webhook_id is null)::int
    from lane
    cross join lateral (select known[passed + 1] as webhook_id, marks[passed + 1] as mark) as next_known
    cross join lateral (
      select (
        select o.webhook_id from rowhook.outbox o
        where o.ready and o.webhook_id > lane.webhook_id
          and o.webhook_id < coalesce(next_known.webhook_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
        order by o.webhook_id, o.late, o.next_attempt_at, o.id limit 1) as webhook_id
    ) as gap
    cross join lateral (
      select coalesce(
        (select o.id from rowhook.outbox o
         where gap.webhook_id is null and o.ready and o.webhook_id = next_known.webhook_id
           and not o.late and o.next_attempt_at >= next_known.mark
         order by o.next_attempt_at, o.id limit 1),
        (select o.id from rowhook.outbox o
         where gap.webhook_id is null and o.ready and o.webhook_id = next_known.webhook_id and o.late
         order by o.next_attempt_at, o.id limit 1)) as id
    ) as first
    where place < max_lanes and coalesce(gap.webhook_id, next_known.webhook_id) is not null
  )
  select coalesce(array_agg(webhook_id order by place), '{}')
  from lane
  where is_live and (up_to is null or webhook_id <= up_to)
$$;
comment on function rowhook.ready_lanes(uuid, uuid, int, uuid[], timestamptz[]) is
  'webhooks with ready rows, by a skip scan with one index probe per lane; `known` is sorted, and `marks` has for each known lane the time before which it has no ready rows';

create or replace function rowhook.next_lanes(
  after uuid, max_lanes int, known uuid[] default '{}', marks timestamptz[] default '{}'
) returns uuid[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  nil constant uuid := '00000000-0000-0000-0000-000000000000';
  visited uuid[] := rowhook.ready_lanes(coalesce(after, nil), null, max_lanes, known, marks);
begin
  if after is not null and cardinality(visited) < max_lanes then
    visited := visited || rowhook.ready_lanes(nil, after, max_lanes - cardinality(visited), known, marks);
  end if;
  return visited;
end
$$;
comment on function rowhook.next_lanes(uuid, int, uuid[], timestamptz[]) is
  'lanes after a cursor, wrapping around once';

create or replace function rowhook.lane_capacity(lanes uuid[]) returns table (
  webhook_id uuid, room int, late_room int, head tid, tokens double precision, opens_at timestamptz
)
language plpgsql stable
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
begin
  -- Each look-up writes out the complete order of its index, so that the planner does not choose
  -- another one.
  return query
  select w.id,
         case when w.ordered and head.place is null then 0
              -- Scalar subqueries, because `exists` might be hashed over all ready rows.
              when room.late < room.any and not w.ordered and (
                select o.id from rowhook.outbox o where o.ready and o.webhook_id = w.id and o.late
                order by o.next_attempt_at, o.id limit 1) is not null and (
                select o.id from rowhook.outbox o where o.ready and o.webhook_id = w.id and not o.late
                order by o.next_attempt_at, o.id limit 1) is null then room.late
              else room.any end,
         room.late,
         head.place,
         bucket.tokens,
         case when cap.deliveries = 0 then s.probe_at
              when bucket.tokens < 1 then now() + make_interval(secs => (1 - bucket.tokens) / w.rate_per_s::float8) end
  from unnest(lanes) as lane (webhook_id),
  lateral (
    select w.id, w.max_in_flight, w.rate_per_s, w.ordered from rowhook.webhook w
    where w.id = lane.webhook_id and w.state = 'active'
    offset 0
  ) as w
  left join lateral (select * from rowhook.lane_state s where s.webhook_id = w.id offset 0) as s on true
  cross join lateral (
    select least(
      case s.circuit when 'open' then (s.probe_at <= now())::int
                     when 'half_open' then s.allowed end,
      w.max_in_flight, case when w.ordered then 1 end) as deliveries
  ) as cap
  cross join lateral (
    select count(*)::int as rows, count(*) filter (where sent.late)::int as late
    from (
      select o.late from rowhook.outbox o
      where o.webhook_id = w.id and o.status = 'sending'
        and o.leased_until > case when w.ordered then '-infinity' else now() end
      order by o.leased_until
      limit cap.deliveries
    ) as sent
  ) as in_flight
  cross join lateral (
    -- The bucket holds a tenth of a second's worth, and at least one token.
    select least(
      greatest(w.rate_per_s / 10, 1),
      coalesce(s.tokens + extract(epoch from greatest(now() - s.refilled_at, '0')) * w.rate_per_s, 'infinity')
    )::float8 as tokens
    where w.rate_per_s is not null
    union all
    select null where w.rate_per_s is null
  ) as bucket
  cross join lateral (
    -- Late attempts may use at most half of the slots; the rest is reserved for first attempts.
    select greatest(least(cap.deliveries - in_flight.rows, floor(bucket.tokens)), 0)::int as any,
           greatest(least((cap.deliveries + 1) / 2 - in_flight.late, cap.deliveries - in_flight.rows, floor(bucket.tokens)), 0)::int as late
  ) as room
  left join lateral (
    -- The first unfinished delivery, if it may be sent. While it waits for a retry or is held, the
    -- others wait too.
    select first.ctid as place
    from (
      select o.ctid, o.ready, o.ordered_by from rowhook.outbox o
      where o.webhook_id = w.id and o.ordered_by is not null and o.finished_at is null
      order by o.ordered_by, o.id
      limit 1
    ) as first
    where w.ordered and first.ready
      -- An older transaction that is still open may commit an earlier event.
      and first.ordered_by < (select rowhook.settled_before())
      and not exists (select from rowhook.chore c where c.webhook_id = w.id)
    offset 0
  ) as head on true;
end
$$;
comment on function rowhook.lane_capacity(uuid[]) is
  'how many deliveries each active lane may send now, by its limits, rate, circuit and order; a lane without capacity gets some at opens_at, or when a delivery in flight ends';
