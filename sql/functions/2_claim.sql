-- A worker takes what is due, lane by lane: a lane is a webhook with ready rows, and a rotation
-- gives each lane a few places, so no endpoint's backlog delays another.

create or replace function rowhook.promote() returns void
language sql
set search_path = pg_catalog, pg_temp
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

create or replace function rowhook.reap(worker uuid, lease interval) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_sort = off
set enable_incremental_sort = off
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
        else '5 claims ended without a result: the worker died or hung each time' end
  where o.ctid = any (array(
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
comment on function rowhook.reap(uuid, interval) is 'takes back what dead workers held; a row that five workers lost is set aside';

create or replace function rowhook.lanes(after uuid, up_to uuid, most int) returns uuid[]
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_sort = off
set enable_incremental_sort = off
set enable_bitmapscan = off
as $$
  -- The whole order is named, that no other index which begins with the webhook has it.
  with recursive lane as (
    (select webhook_id, 1 as place from rowhook.outbox
     where ready and webhook_id > after
     order by webhook_id, next_attempt_at, id limit 1)
    union all
    select (select o.webhook_id from rowhook.outbox o
            where o.ready and o.webhook_id > lane.webhook_id
            order by o.webhook_id, o.next_attempt_at, o.id limit 1), place + 1
    from lane
    where lane.webhook_id is not null and place < most
  )
  select coalesce(array_agg(webhook_id order by place), '{}')
  from lane
  where webhook_id is not null and (up_to is null or webhook_id <= up_to)
$$;
comment on function rowhook.lanes(uuid, uuid, int) is 'a skip scan over the ready webhooks, one index probe a lane';

create or replace function rowhook.rotation(after uuid, most int) returns uuid[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  nil constant uuid := '00000000-0000-0000-0000-000000000000';
  visited uuid[] := rowhook.lanes(coalesce(after, nil), null, most);
begin
  if after is not null and cardinality(visited) < most then
    visited := visited || rowhook.lanes(nil, after, most - cardinality(visited));
  end if;
  return visited;
end
$$;
comment on function rowhook.rotation(uuid, int) is 'lanes after a cursor, wrapping once';

create or replace function rowhook.claim(
  worker uuid,
  batch int,
  per_lane int,
  after uuid default null,
  lease interval default '20 s',
  sweep boolean default false
) returns table (
  token bigint, outbox_id bigint, number int, webhook_id uuid, revision int, secrets_version int,
  event_id bigint, event_type text, key text, organization_id uuid, occurred_at timestamptz,
  snapshot text, data text, context text, oversize_bytes bigint, large boolean
)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_sort = off
set enable_incremental_sort = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  -- A last row without a token: the rotation is not over, go on after its webhook.
  most constant int := 256;
  visited uuid[];
  taken int;
begin
  perform rowhook.promote();
  if sweep then
    perform rowhook.reap(worker, lease);
  end if;
  visited := rowhook.rotation(after, most);
  -- Few lanes share the whole batch; many get `per_lane` places each.
  per_lane := greatest(per_lane, batch / greatest(cardinality(visited), 1));
  return query
  -- `offset 0` keeps each look-up inside the loop over what was found, whatever the statistics say.
  with due as (
    select head.ctid
    from unnest(visited) as lane (webhook_id),
    lateral (
      select from rowhook.webhook w
      where w.id = lane.webhook_id and w.state = 'active' and w.kind = 'http'
      offset 0
    ) as open,
    lateral (
      select o.ctid from rowhook.outbox o
      where o.ready and o.webhook_id = lane.webhook_id
      order by o.next_attempt_at, o.id
      limit per_lane
      for update skip locked
    ) as head
    limit batch
  ), claimed as (
    update rowhook.outbox o
    set status = 'sending',
        ready = false,
        token = nextval('rowhook.token'),
        worker_id = worker,
        leased_until = now() + lease,
        next_attempt_at = null
    where o.ctid = any (array(select due.ctid from due))
    returning o.token, o.id, o.attempts, o.webhook_id, o.event_id
  )
  select c.token, c.id, c.attempts + 1, c.webhook_id, w.revision, w.secrets_version,
         e.id, e.type, e.key, e.organization_id, e.occurred_at,
         e.snapshot::text,
         case when not b.large then e.data::text end,
         case when not b.large then e.context::text end,
         e.oversize_bytes, b.large
  from claimed c,
  lateral (select * from rowhook.webhook w where w.id = c.webhook_id offset 0) as w,
  lateral (select * from rowhook.event e where e.id = c.event_id offset 0) as e,
  -- 64 events of 1 MiB would be 64 MiB in a worker: large ones are read one at a time.
  lateral (select coalesce(pg_column_size(e.data), 0) + coalesce(pg_column_size(e.context), 0) > 16384) as b (large);
  get diagnostics taken = row_count;
  if taken < batch and cardinality(visited) = most then
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
as $$
  select e.data::text, e.context::text from rowhook.event e where e.id = event_id
$$;

create or replace function rowhook.has_work() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  select exists (select from rowhook.chore)
    or exists (
      select from rowhook.outbox
      where not ready and next_attempt_at is not null and next_attempt_at <= now())
    or exists (
      select from unnest(rowhook.lanes('00000000-0000-0000-0000-000000000000', null, 1000)) as lane
      join rowhook.webhook w on w.id = lane and w.state = 'active' and w.kind = 'http')
$$;
comment on function rowhook.has_work() is 'what claim or sweep would find';

create or replace function rowhook.fall_asleep(out register bigint, out has_work boolean, out due_in_s double precision)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  register := nextval('rowhook.asleep');
  -- From here the capture notifies; what it wrote before is seen by this look.
  has_work := rowhook.has_work();
  select extract(epoch from min(next_attempt_at) - now()) into due_in_s
  from rowhook.outbox where not ready and next_attempt_at is not null;
end
$$;

create or replace function rowhook.wake_up(register bigint) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select setval('rowhook.awake', greatest(register, last_value)) from rowhook.awake
$$;

create or replace function rowhook.held(outbox_ids bigint[], tokens bigint[]) returns setof bigint
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select o.id
  from (select * from unnest(outbox_ids, tokens) as m (id, token) order by m.id) as mine,
  lateral (
    select o.id from rowhook.outbox o
    where o.id = mine.id and o.token = mine.token and o.leased_until is not null
    for update of o
    offset 0) as o
$$;
comment on function rowhook.held(bigint[], bigint[]) is 'which of these are still held under their token; locked, in the order of their ids';

create or replace function rowhook.renew(
  worker uuid, outbox_ids bigint[], tokens bigint[], lease interval default '20 s'
) returns setof bigint
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  update rowhook.outbox o
  set leased_until = now() + lease
  where o.id = any (array(select * from rowhook.held(outbox_ids, tokens)))
  returning o.token
$$;
comment on function rowhook.renew(uuid, bigint[], bigint[], interval) is 'the tokens still held; the others were taken away';

create or replace function rowhook.release(outbox_ids bigint[], tokens bigint[]) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  update rowhook.outbox o
  set status = 'pending', ready = true, next_attempt_at = now(), token = nextval('rowhook.token'),
      worker_id = null, leased_until = null
  where o.id = any (array(select * from rowhook.held(outbox_ids, tokens)))
$$;
comment on function rowhook.release(bigint[], bigint[]) is 'gives back what was claimed and not begun; costs no attempt';

create or replace function rowhook.beat(worker uuid, host text, pid int, in_flight int) returns timestamptz
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into rowhook.worker as w (id, host, pid, in_flight) values (worker, host, pid, in_flight)
  on conflict (id) do update set in_flight = excluded.in_flight, seen_at = now();
  select clock_timestamp()
$$;
comment on function rowhook.beat(uuid, text, int, int) is 'a worker says that it lives; answers the database''s clock';

create or replace function rowhook.leave(worker uuid) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  delete from rowhook.worker w where w.id = leave.worker
$$;
