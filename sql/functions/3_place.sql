-- The places of callbacks in their session: in the order of its commits, each once no earlier output
-- for pages can come any more.

create or replace function rowhook.last_place(session text) returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select coalesce(max(c.place), 0) from rowhook.callback c where c.session_id = session
$$;
comment on function rowhook.last_place(text) is 'the highest place in a session; 0: none is kept';

create or replace function rowhook.last_placed(session text, out xact xid8, out event_id bigint)
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
  -- Here and below each look-up names the whole order of its index, that no other index is taken for
  -- it. Of first stagings: what is sent again has its place at the end, behind later commits.
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
comment on function rowhook.last_placed(text) is
  'the commit whose first callback has the last place of its session: from it on places are given in order. (0, 0): none has';

create or replace function rowhook.goes_to_the_end(session text, delivery bigint) returns boolean
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
      rowhook.last_placed(session) as last
      where o.id = delivery and event.session_id = session
        and (event.xact, event.id) >= (last.xact, last.event_id));
end
$$;
comment on function rowhook.goes_to_the_end(text, bigint) is
  'whether a callback waits for no other: it had a place before, later commits of the session have theirs, or it is of a test send';

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
  -- An older transaction that is still open may yet commit what comes before.
  settled constant xid8 := rowhook.settled_before();
  last record;
  unstaged record;
  placed bigint;
begin
  select * into last from rowhook.last_placed(session);
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
  'gives places to the waiting callbacks of a session that no earlier commit may precede; how many. The caller holds the session''s lock';

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
    -- Who has it places what waits there.
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
  'places what waits in the next sessions after one, for what they waited for may have ended; the last session, an empty text after the last of all, null if nothing waits';
