-- Lanes: the webhooks that have ready rows, and how many deliveries each may send now.

-- Called under the settings of rowhook.claim_batch, as all functions of this file.
create or replace function rowhook.ready_lanes(
  after uuid, up_to uuid, max_lanes int, known uuid[] default '{}', marks timestamptz[] default '{}',
  mark_ids bigint[] default '{}', first uuid default null
) returns uuid[]
language plpgsql stable
as $$
declare
  lanes uuid[] := array_remove(array[first], null);
  lane uuid := coalesce(first, after);
  passed int := width_bucket(after, known);
  next_ready uuid;
  is_live boolean;
begin
  -- The complete order of the index is written out, so that the planner does not choose another index
  -- that begins with the webhook.
  while cardinality(lanes) < max_lanes loop
    select o.webhook_id into next_ready from rowhook.outbox o
    where o.ready and o.webhook_id > lane
      and o.webhook_id < coalesce(known[passed + 1], 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    order by o.webhook_id, o.late, o.next_attempt_at, o.id limit 1;
    is_live := found;
    lane := next_ready;
    if not is_live then
      passed := passed + 1;
      lane := known[passed];
      exit when lane is null;
      -- Rows before the watermark of a known lane are skipped: while an old transaction is open, they
      -- are dead index entries.
      perform from rowhook.outbox o
      where o.ready and o.webhook_id = lane and not o.late
        and (o.next_attempt_at, o.id) > (marks[passed], coalesce(mark_ids[passed], 0))
      order by o.next_attempt_at, o.id limit 1;
      is_live := found;
      if not is_live then
        perform from rowhook.outbox o
        where o.ready and o.webhook_id = lane and o.late
        order by o.next_attempt_at, o.id limit 1;
        is_live := found;
      end if;
    end if;
    exit when lane > up_to;
    if is_live then
      lanes := lanes || lane;
    end if;
  end loop;
  return lanes;
end
$$;
comment on function rowhook.ready_lanes(uuid, uuid, int, uuid[], timestamptz[], bigint[], uuid) is
  'webhooks with ready rows, by a skip scan with one index probe per lane; `known` is sorted, and `marks` and `mark_ids` have for each known lane the time and the id up to which it has no ready rows; `first` is the first one, if the caller has found it';

create or replace function rowhook.lane_capacity(
  lane uuid, since_token bigint default 0,
  out room int, out late_room int, out head tid, out is_probe boolean,
  out tokens double precision, out opens_at timestamptz, out first_token bigint
)
language plpgsql stable
as $$
declare
  w record;
  slots int;
  in_flight int;
  late_in_flight int;
begin
  select h.max_in_flight, h.rate_per_s, h.ordered, s.circuit, s.allowed, s.probe_at, s.tokens, s.refilled_at into w
  from rowhook.webhook h
  left join lateral (
    select s.circuit, s.allowed, s.probe_at, s.tokens, s.refilled_at from rowhook.lane_state s
    where s.webhook_id = h.id offset 0) as s on true
  where h.id = lane and h.state = 'active';
  if not found then
    return;
  end if;
  room := 0;
  late_room := 0;
  is_probe := coalesce(w.circuit = 'open', false);
  slots := least(
    case w.circuit when 'open' then (w.probe_at <= now())::int when 'half_open' then w.allowed end,
    w.max_in_flight, case when w.ordered then 1 end);
  if slots = 0 then
    opens_at := w.probe_at;
    return;
  end if;
  if w.rate_per_s is not null then
    -- The bucket holds a tenth of a second's worth, and at least one token.
    tokens := least(
      greatest(w.rate_per_s / 10, 1),
      coalesce(w.tokens + extract(epoch from greatest(now() - w.refilled_at, '0')) * w.rate_per_s, 'infinity'));
    if tokens < 1 then
      opens_at := now() + make_interval(secs => (1 - tokens) / w.rate_per_s::float8);
      return;
    end if;
  end if;
  -- Tokens grow, and a claim assigns them while it has the lane's lock. So a lane never gets a row in flight
  -- with a lower token than those it had before.
  select count(*) filter (where sent.counts), count(*) filter (where sent.counts and sent.late), min(sent.token)
  into in_flight, late_in_flight, first_token
  from (
    select o.late, o.token, w.ordered or o.leased_until > now() as counts from rowhook.outbox o
    where o.webhook_id = lane and o.status = 'sending' and o.token >= since_token) as sent;
  room := least(slots - in_flight, floor(tokens));
  -- Late attempts may use at most half of the slots; the rest is reserved for first attempts.
  late_room := greatest(least(room, (slots + 1) / 2 - late_in_flight), 0);
  if w.ordered and room > 0 then
    head := rowhook.ordered_head(lane);
    room := (head is not null)::int;
  end if;
end
$$;
comment on function rowhook.lane_capacity(uuid, bigint) is
  'how many deliveries a lane may send now, by its limits, rate, circuit and order; null if its webhook is not active. A lane without capacity gets some at opens_at, or when a delivery in flight ends. `first_token` is the least token of its deliveries in flight, which have at least `since_token`';

create or replace function rowhook.ordered_head(lane uuid) returns tid
language plpgsql stable
as $$
declare
  head record;
begin
  select o.ctid, o.ready, o.ordered_by into head from rowhook.outbox o
  where o.webhook_id = lane and o.ordered_by is not null and o.finished_at is null
  order by o.ordered_by, o.id
  limit 1;
  if head.ready
    -- An older transaction that is still open may commit an earlier event.
    and head.ordered_by < rowhook.settled_before()
    and not exists (select from rowhook.chore c where c.webhook_id = lane)
  then
    return head.ctid;
  end if;
  return null;
end
$$;
comment on function rowhook.ordered_head(uuid) is
  'the first unfinished delivery of an ordered webhook, if it may be sent; while it waits for a retry or is held, the others wait too';

create or replace function rowhook.lock_late(lane uuid, most int) returns tid[]
language plpgsql
as $$
begin
  return array(
    select o.ctid from rowhook.outbox o
    where o.ready and o.webhook_id = lane and o.late
    order by o.next_attempt_at, o.id
    limit most
    for update skip locked);
end
$$;
comment on function rowhook.lock_late(uuid, int) is 'locks the first ready late rows of a lane';

create or replace function rowhook.lock_ready(
  lane uuid, share int, late_room int, since timestamptz, since_id bigint,
  out rows tid[], out last_due_at timestamptz, out last_id bigint, out is_late_full boolean
)
language plpgsql
as $$
declare
  -- A quarter of the share is reserved for late rows, so that neither kind starves the other.
  reserved constant int := least(late_room, floor(share * 0.25 + random())::int);
  late_rows tid[] := rowhook.lock_late(lane, reserved);
begin
  select coalesce(array_agg(first.ctid), '{}'), max(first.next_attempt_at), (array_agg(first.id))[count(*)]
  into rows, last_due_at, last_id from (
    select o.ctid, o.next_attempt_at, o.id from rowhook.outbox o
    where o.ready and o.webhook_id = lane and not o.late and (o.next_attempt_at, o.id) > (since, since_id)
    order by o.next_attempt_at, o.id
    limit share - cardinality(late_rows)
    for update skip locked) as first;
  if cardinality(late_rows) = reserved and reserved < late_room and cardinality(rows) + reserved < share then
    -- Late rows also get the slots that first attempts leave. Those of the reserved quarter are
    -- locked again.
    late_rows := rowhook.lock_late(lane, least(late_room, share - cardinality(rows)));
  end if;
  rows := rows || late_rows;
  is_late_full := cardinality(late_rows) = late_room;
end
$$;
comment on function rowhook.lock_ready(uuid, int, int, timestamptz, bigint) is
  'locks up to `share` ready rows of a lane that come after a time and an id, at most `late_room` of them late';

create or replace function rowhook.visit_lane(
  lane uuid, most int, has_quota boolean, since timestamptz, since_id bigint, since_token bigint,
  out rows tid[], out last_due_at timestamptz, out last_id bigint, out first_token bigint,
  out outlook text, out due_in_s double precision
)
language plpgsql
as $$
declare
  capacity record;
  quota record;
  owner uuid;
  tokens double precision;
  ready record;
  share int;
begin
  rows := '{}';
  -- Only one claim at a time examines a lane, in statements that begin after it got the lane's lock.
  -- That makes in-flight and rate limits exact across all workers.
  if not pg_try_advisory_xact_lock(uuid_hash_extended(lane, 72365)) then
    outlook := 'unsettled';
    return;
  end if;
  capacity := rowhook.lane_capacity(lane, since_token);
  first_token := capacity.first_token;
  if capacity.room is null then
    return;
  end if;
  share := least(capacity.room, most);
  if share = 0 then
    outlook := case when capacity.opens_at is null then 'full' else 'due' end;
    due_in_s := extract(epoch from capacity.opens_at - now());
    return;
  end if;
  if has_quota then
    quota := rowhook.limit_to_quota(lane, share);
    share := quota.allowed;
    owner := quota.owner;
    tokens := quota.tokens;
    if share is null then
      outlook := 'unsettled';
      return;
    elsif share = 0 then
      outlook := 'due';
      due_in_s := extract(epoch from quota.opens_at - now());
      return;
    end if;
  end if;
  if capacity.head is not null then
    rows := array(
      select o.ctid from rowhook.outbox o where o.ctid = capacity.head and o.ready for update skip locked);
  else
    ready := rowhook.lock_ready(lane, share, capacity.late_room, since, since_id);
    rows := ready.rows;
    last_due_at := ready.last_due_at;
    last_id := ready.last_id;
    outlook := case when ready.is_late_full then 'full' end;
  end if;
  if cardinality(rows) = share then
    outlook := 'more';
  end if;
  if owner is not null and rows <> '{}' then
    perform rowhook.spend_quota(owner, tokens - cardinality(rows), rows);
  end if;
  if rows <> '{}' and (capacity.tokens is not null or capacity.is_probe) then
    perform rowhook.spend(lane, capacity.tokens - cardinality(rows), capacity.is_probe);
  end if;
end
$$;
comment on function rowhook.visit_lane(uuid, int, boolean, timestamptz, bigint, bigint) is
  'locks up to `most` rows that a lane may send now; with `has_quota`, no more than the quotas of its organization allow; `outlook` is a kind of row of claim_batch, null if the lane has no more ready rows';

create or replace function rowhook.spend(lane uuid, remaining double precision, is_probe boolean) returns void
language plpgsql
as $$
begin
  if remaining is not null then
    insert into rowhook.lane_state as s (webhook_id, tokens, refilled_at) values (lane, remaining, now())
    on conflict (webhook_id) do update
      set tokens = excluded.tokens, refilled_at = greatest(s.refilled_at, excluded.refilled_at);
  end if;
  if is_probe then
    update rowhook.lane_state s set circuit = 'half_open', allowed = 1
    where s.webhook_id = lane and s.circuit = 'open';
  end if;
end
$$;
comment on function rowhook.spend(uuid, double precision, boolean) is
  'records the tokens that a claim leaves in the bucket of a lane, and that it probes an open circuit';
