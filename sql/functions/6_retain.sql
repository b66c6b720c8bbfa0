-- What is old enough goes, in batches: each of rowhook.retain_batch is a transaction of its own. What a
-- batch reads is what it removes. It locks rows that nobody else has locked, and nothing but these.

create or replace function rowhook.remove_events(doomed bigint[]) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  has_open_errors constant boolean := exists (select from rowhook.capture_error c where c.healed_at is null);
  gone bigint;
begin
  with removed as (
    delete from rowhook.event e
    where e.ctid = any (array(select d.ctid from rowhook.event d where d.id = any (doomed) order by d.id))
    returning e.source, coalesce(e.job_id, e.commit_id) as row_id, e.type, e.created_at, e.job_created_at,
              case when e.is_untimed or e.snapshot is not null then 'infinity' else coalesce(e.row_time, e.occurred_at) end as moment,
              coalesce(e.row_time, e.occurred_at) as ordered_at, e.is_untimed
  ), traced as (
    -- By which time heal looks for the row: its own, and where that cannot be ordered, or is not there,
    -- that of its creation.
    select r.source, r.row_id, r.type, r.moment, r.created_at,
           rowhook.trace_until(greatest(
             case when r.is_untimed is not true and r.ordered_at >= '0001-01-01 UTC' and r.ordered_at < '10000-01-01 UTC'
               then r.ordered_at end,
             r.job_created_at::timestamptz)) as expires_at,
           has_open_errors and exists (
             select from rowhook.capture_error c
             where c.healed_at is null and c.source = r.source and c.source_ids @> array[r.row_id]) as has_open_error
    from removed r where r.source is not null
  ), kept as (
    insert into rowhook.removed_event as t (source, row_id, type, moment, captured_at, expires_at)
    select r.source, r.row_id, r.type, max(r.moment), max(r.created_at), coalesce(max(r.expires_at), now())
    from traced r
    where r.expires_at > now() or r.has_open_error
    group by r.source, r.row_id, r.type
    on conflict on constraint removed_event_pkey do update
      set moment = greatest(t.moment, excluded.moment), captured_at = greatest(t.captured_at, excluded.captured_at),
          expires_at = greatest(t.expires_at, excluded.expires_at)
  )
  select count(*) into gone from removed;
  return gone;
end
$$;
comment on function rowhook.remove_events(bigint[]) is
  'removes events that the caller has locked; of those that heal could take for missed, or a failed capture names, a trace stays in rowhook.removed_event';

create or replace function rowhook.remove_deliveries(doomed bigint[], events_before timestamptz, events_until bigint) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  event_ids constant bigint[] := array(select o.event_id from rowhook.outbox o where o.id = any (doomed));
  -- Ordered: else another index that has the id might be read whole, where the table was believed small.
  old_events constant bigint[] := array(
    select e.id from rowhook.event e
    where e.id = any (event_ids) and (e.created_at < events_before or e.id <= events_until) order by e.id);
  locked constant bigint[] := array(
    select e.id from rowhook.event e where e.id = any (old_events) order by e.id for update skip locked);
  busy constant bigint[] := case when cardinality(locked) = cardinality(old_events) then '{}'
    else array(select unnest(old_events) except select unnest(locked)) end;
  removed bigint;
begin
  if busy <> '{}' then
    -- An event that cannot go with its last delivery keeps it until the next pass from the beginning.
    doomed := array(select o.id from rowhook.outbox o where o.id = any (doomed) and not o.event_id = any (busy));
  end if;
  delete from rowhook.callback c where c.outbox_id = any (doomed);
  delete from rowhook.outbox o where o.id = any (doomed);
  get diagnostics removed = row_count;
  return removed + rowhook.remove_events(array(
    select e.id from unnest(locked) as e (id)
    -- Not `exists`: over an outbox that was believed small the whole of it would be read.
    where (select true from rowhook.outbox o where o.event_id = e.id limit 1) is null));
end
$$;
comment on function rowhook.remove_deliveries(bigint[], timestamptz, bigint) is
  'removes deliveries that the caller has locked, with their callbacks, and with the last delivery of an event that is old enough the event; how many rows of both';

create or replace function rowhook.retain_finished(
  wanted_kind text, before timestamptz, events_before timestamptz, events_until bigint, most int, inout passed_at timestamptz,
  out removed bigint, out is_finished boolean
)
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  since constant timestamptz := coalesce(passed_at, '-infinity');
  ids bigint[];
begin
  if wanted_kind = 'delivered' then
    ids := array(
      select o.id from rowhook.outbox o
      where o.status = 'delivered' and o.finished_at >= since and o.finished_at < before
      order by o.finished_at limit most for update skip locked);
  else
    ids := array(
      select o.id from rowhook.outbox o
      where o.status in ('dead', 'cancelled', 'skipped') and o.finished_at >= since and o.finished_at < before
      order by o.finished_at limit most for update skip locked);
  end if;
  passed_at := coalesce((select max(o.finished_at) from rowhook.outbox o where o.id = any (ids)), passed_at);
  removed := rowhook.remove_deliveries(ids, events_before, events_until);
  is_finished := cardinality(ids) < most or removed = 0;
end
$$;
comment on function rowhook.retain_finished(text, timestamptz, timestamptz, bigint, int, timestamptz) is
  'removes the oldest finished deliveries of a kind, from passed_at on';

create or replace function rowhook.retain_events(
  before timestamptz, until bigint, most int, inout passed_id bigint, out removed bigint, out is_finished boolean
)
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  ids bigint[];
  young bigint;
  without_delivery bigint[];
  locked bigint[];
begin
  removed := 0;
  is_finished := true;
  -- Ids grow with time: if the next one is young, so are all that come after it.
  if (select e.created_at < before from rowhook.event e
      where e.id > coalesce(passed_id, 0) and e.id <= until order by e.id limit 1) is not true then
    return;
  end if;
  -- Those that are old enough are looked at once: what has a delivery goes with it.
  select array_agg(page.id), min(page.id) filter (where page.created_at >= before)
  into ids, young
  from (
    select e.id, e.created_at from rowhook.event e
    where e.id > coalesce(passed_id, 0) and e.id <= until
    order by e.id limit most) as page;
  is_finished := coalesce(cardinality(ids), 0) < most or young is not null;
  ids := array(select old.id from unnest(ids) as old (id) where young is null or old.id < young);
  without_delivery := array(
    select old.id from unnest(ids) as old (id)
    where (select true from rowhook.outbox o where o.event_id = old.id limit 1) is null);
  locked := array(select e.id from rowhook.event e where e.id = any (without_delivery) order by e.id for update skip locked);
  removed := rowhook.remove_events(locked);
  passed_id := coalesce((select max(old.id) from unnest(ids) as old (id)), passed_id);
  if cardinality(locked) < cardinality(without_delivery) then
    -- The next run begins at the first locked event. This one ends there: else it would look at the same
    -- page until the lock is released.
    is_finished := is_finished or removed = 0;
    passed_id := (select min(busy.id) - 1 from unnest(without_delivery) as busy (id) where busy.id not in (select unnest(locked)));
  end if;
end
$$;
comment on function rowhook.retain_events(timestamptz, bigint, int, bigint) is
  'looks at the next events after passed_id, and removes those that are old enough and have no delivery';
