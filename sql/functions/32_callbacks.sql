-- Outputs of kind `frontend`: they are staged until a page of the session reads them.

create or replace function rowhook.replace_unwritten(delivery bigint) returns void
language sql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
  -- The place is kept, because a page may have received it from a process that died before recording
  -- that. Ordered by the primary key: otherwise the index of all unwritten callbacks might be read.
  update rowhook.callback u set replaced = true, body = ''
  where u.ctid = any (array(
    select c.ctid from rowhook.callback c
    where c.outbox_id = delivery and c.written_at is null and not c.replaced
    order by c.outbox_id, c.staging
    for update))
$$;
comment on function rowhook.replace_unwritten(bigint) is
  'marks the staged output of a delivery as replaced, unless it was written to a page';

create or replace function rowhook.stage(
  delivery bigint, claim bigint, sent_revision int, session text, body text, ttl interval
) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  current_row rowhook.outbox;
  latest rowhook.callback;
  new_status text := 'pending';
  end_place bigint;
begin
  select * into current_row from rowhook.outbox o where o.id = delivery for update;
  if current_row.token is distinct from claim or current_row.status <> 'sending' then
    return current_row.status;
  end if;
  select * into latest from rowhook.callback c where c.outbox_id = delivery order by c.staging desc limit 1;
  if current_row.schedule_step > 0 and latest.written_at is not null then
    -- A page read it in the meantime.
    new_status := 'delivered';
  elsif current_row.schedule_step > 0 and latest.staged_at + ttl <= clock_timestamp() then
    new_status := 'dead';
    if latest.place is null then
      perform rowhook.replace_unwritten(delivery);
    end if;
  else
    perform pg_advisory_xact_lock(hashtextextended(session, 72366));
    if rowhook.is_placed_last(session, delivery) then
      end_place := rowhook.last_place(session) + 1;
    end if;
    perform rowhook.replace_unwritten(delivery);
    insert into rowhook.callback (outbox_id, staging, organization_id, session_id, place, revision, body)
    values (delivery, coalesce(latest.staging, 0) + 1, current_row.organization_id, session, end_place,
            sent_revision, body);
    if rowhook.place_callbacks(session) > 0 or end_place is not null then
      perform pg_notify('rowhook_callback', md5(session));
    end if;
  end if;
  update rowhook.outbox o
  set token = nextval('rowhook.token'), status = new_status, worker_id = null, leased_until = null,
      lost_claims = 0, ready = false, schedule_step = 1,
      next_attempt_at = case when new_status = 'pending' then clock_timestamp() + ttl end,
      finished_at = case when new_status <> 'pending' then now() end,
      last_error = case
        when new_status = 'dead' and latest.place is null then
          format('an earlier output of the session was neither staged nor finished within %s', ttl)
        when new_status = 'dead' then format('no page of the session requested it within %s', ttl) end
  where o.id = delivery;
  return new_status;
end
$$;
comment on function rowhook.stage(bigint, bigint, int, text, text, interval) is
  'stores a rendered output for the pages of the session and returns the new status of the delivery: `dead` if it has already waited for `ttl`. A superseded claim changes nothing';

create or replace function rowhook.callback_place(session text, delivery bigint, wanted int) returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select coalesce(max(c.place), 0) from rowhook.callback c
  where c.session_id = session and c.outbox_id = delivery and c.staging = wanted
$$;
comment on function rowhook.callback_place(text, bigint, int) is
  'place of a staged output in its session; 0, the beginning, if it is not stored';

create or replace function rowhook.callback_page(session text, after_place bigint, most int)
returns table (delivery bigint, staging int, place bigint, body text)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
as $$
  with page as (
    select c.outbox_id, c.staging, c.place, c.body,
           sum(octet_length(c.body)) over (order by c.place) as bytes
    from (
      select c.* from rowhook.callback c
      where c.session_id = session and c.place > after_place and not c.replaced
        and (c.written_at is not null or exists (
          select from rowhook.outbox o
          where o.id = c.outbox_id and o.status = 'pending' and not o.ready))
      order by c.place
      limit most) as c
  )
  select p.outbox_id, p.staging, p.place, p.body from page p
  where p.bytes <= 1048576 or p.place = (select min(f.place) from page f)
  order by p.place
$$;
comment on function rowhook.callback_page(text, bigint, int) is
  'callbacks of a session after a place; at most one megabyte, and at least one callback';

-- Security definer: the API may change a status only through rowhook.guard_outbox, which does not
-- allow this change.
create or replace function rowhook.callbacks_written(session text, through bigint) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  waiting bigint[] := array(
    select c.outbox_id from rowhook.callback c
    where c.session_id = session and c.place <= through and c.written_at is null and not c.replaced
      and rowhook.can_see(c.organization_id));
begin
  perform rowhook.require_partitions();
  perform from rowhook.outbox o where o.id = any (waiting) order by o.id for update;
  with written as (
    update rowhook.callback c
    set written_at = clock_timestamp()
    from rowhook.outbox o
    where c.outbox_id = any (waiting) and c.session_id = session and c.place <= through and c.written_at is null
      and not c.replaced and o.id = c.outbox_id and o.status = 'pending' and not o.ready
    returning c.*
  ), settled as (
    update rowhook.outbox o
    set token = nextval('rowhook.token'), status = 'delivered', next_attempt_at = null,
        attempts = o.attempts + 1, finished_at = clock_timestamp(), last_error = null, last_status_code = null
    from written w
    where o.id = w.outbox_id
    returning o.id, o.attempts, w.revision, w.staged_at, w.written_at, w.body
  ), attempt as (
    insert into rowhook.attempt_row (outbox_id, started_at, number, revision, duration_ms, outcome)
    select s.id, s.written_at, s.attempts, s.revision,
           extract(epoch from s.written_at - s.staged_at) * 1000, 'delivered'
    from settled s
  )
  insert into rowhook.exchange (outbox_id, started_at, number, request)
  select s.id, s.written_at, s.attempts,
         json_build_object('method', 'SSE', 'url', '', 'headers', '[]'::json, 'body', s.body)
  from settled s
  where (select stored.accepted from rowhook.stored_bodies() as stored);
end
$$;
comment on function rowhook.callbacks_written(text, bigint) is
  'records that a page has received all callbacks up to a place; the first time makes a delivery delivered';

-- Places of callbacks in their session: in commit order, each assigned when no earlier output of the
-- session can arrive any more.

create or replace function rowhook.last_place(session text) returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select coalesce(max(c.place), 0) from rowhook.callback c where c.session_id = session
$$;
comment on function rowhook.last_place(text) is 'highest place in a session; 0 if there is none';

create or replace function rowhook.last_placed_commit(session text, out xact xid8, out event_id bigint)
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
begin
  -- Each look-up here and below writes out the complete order of its index, so that the planner does
  -- not choose another one. Only first stagings count: a delivery that is sent again takes a place at
  -- the end, behind later commits.
  select event.xact, event.id into xact, event_id
  from rowhook.callback c,
  lateral (select o.event_id from rowhook.outbox o where o.id = c.outbox_id offset 0) as delivery,
  lateral (
    select e.xact, e.id from rowhook.event e where e.id = delivery.event_id and e.session_id = session offset 0
  ) as event
  where c.session_id = session and c.place is not null and c.staging = 1
  order by c.place desc
  limit 1;
  xact := coalesce(xact, '0');
  event_id := coalesce(event_id, 0);
end
$$;
comment on function rowhook.last_placed_commit(text) is
  'commit whose callback was placed last in a session; later places follow it in order. (0, 0) if there is none';

create or replace function rowhook.is_placed_last(session text, delivery bigint) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  return exists (select from rowhook.callback c where c.outbox_id = delivery and c.place is not null)
    or not exists (
      select from rowhook.outbox o,
      lateral (select e.xact, e.id, e.session_id from rowhook.event e where e.id = o.event_id offset 0) as event,
      rowhook.last_placed_commit(session) as last
      where o.id = delivery and event.session_id = session
        and (event.xact, event.id) >= (last.xact, last.event_id));
end
$$;
comment on function rowhook.is_placed_last(text, bigint) is
  'whether a callback waits for no other: it had a place before, later commits of the session have theirs, or it belongs to a test send';

create or replace function rowhook.place_callbacks(session text) returns bigint
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
declare
  -- An older transaction that is still open may commit an earlier event.
  settled constant xid8 := rowhook.settled_before();
  last record;
  unstaged record;
  placed bigint;
begin
  select * into last from rowhook.last_placed_commit(session);
  select e.xact, e.id into unstaged
  from rowhook.event e
  where e.session_id = session and (e.xact, e.id) >= (last.xact, last.event_id) and e.xact < settled
    and (
      select o.id from rowhook.outbox o,
      lateral (select from rowhook.webhook w where w.id = o.webhook_id and w.kind = 'frontend' and w.state <> 'paused' offset 0) as w
      where o.event_id = e.id and o.finished_at is null
        and (select c.staging from rowhook.callback c where c.outbox_id = o.id order by c.outbox_id, c.staging limit 1) is null
      limit 1) is not null
  order by e.session_id, e.xact, e.id
  limit 1;
  with next as materialized (
    select waiting.outbox_id, waiting.staging,
           row_number() over (order by e.xact, e.id, waiting.outbox_id) as nth
    from rowhook.event e,
    lateral (select o.id from rowhook.outbox o where o.event_id = e.id offset 0) as delivery,
    lateral (
      select c.outbox_id, c.staging from rowhook.callback c
      where c.outbox_id = delivery.id and c.place is null and not c.replaced
      order by c.outbox_id, c.staging
      offset 0
    ) as waiting
    where e.session_id = session and (e.xact, e.id) >= (last.xact, last.event_id) and e.xact < settled
      -- Other outputs of the same commit do not wait for it.
      and (e.xact, e.id) <= (coalesce(unstaged.xact, settled), coalesce(unstaged.id, 0))
  )
  update rowhook.callback c set place = next.nth + rowhook.last_place(session)
  from next
  where c.outbox_id = any (array[next.outbox_id]) and c.staging = next.staging;
  get diagnostics placed = row_count;
  return placed;
end
$$;
comment on function rowhook.place_callbacks(text) is
  'assigns places to the waiting callbacks of a session that no earlier commit can precede; returns how many. The caller holds the lock of the session';

create or replace function rowhook.place_waiting(after text, most int) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_sort = off
set enable_incremental_sort = off
set enable_bitmapscan = off
as $$
declare
  session text;
  looked_at int := 0;
  from_start constant boolean := after = '';
begin
  if not rowhook.may_send() then
    return null;
  end if;
  while looked_at < most loop
    select c.session_id into session from rowhook.callback c
    where c.place is null and not c.replaced and c.session_id > after
    order by c.session_id, c.outbox_id limit 1;
    if not found then
      return case when looked_at > 0 or not from_start then '' end;
    end if;
    -- Another session that holds the lock places the callbacks.
    if pg_try_advisory_xact_lock(hashtextextended(session, 72366)) and rowhook.place_callbacks(session) > 0 then
      perform pg_notify('rowhook_callback', md5(session));
    end if;
    after := session;
    looked_at := looked_at + 1;
  end loop;
  return after;
end
$$;
comment on function rowhook.place_waiting(text, int) is
  'assigns places in the next sessions with waiting callbacks, because what they waited for may have ended; returns the last session, an empty string after the last of all, null if no callback waits';
