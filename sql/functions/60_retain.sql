-- Runs of the retention: kind by kind, in batches.

create or replace function rowhook.begin_retention(progress rowhook.retention, is_full boolean) returns rowhook.retention
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  -- Once a day from the beginning, for rows that another transaction locked or committed late. Events
  -- are examined again only on request.
  if is_full or progress.last_run_at is null or progress.last_run_at::date < now()::date then
    progress.passed_at := null;
    progress.passed_id := case when is_full or progress.kind = 'audit' then null else progress.passed_id end;
    progress.passed_webhook := case when is_full then null else progress.passed_webhook end;
  end if;
  if progress.kind = 'events' then
    -- An id is assigned before its transaction commits, so only settled ids may be passed.
    if progress.next_xact < pg_snapshot_xmin(pg_current_snapshot()) then
      progress.settled_id := progress.next_id;
      progress.next_id := coalesce(pg_sequence_last_value('rowhook.event_id'), 0);
      progress.next_xact := pg_current_xact_id();
    end if;
    if progress.next_xact = pg_snapshot_xmin(pg_current_snapshot()) then
      progress.settled_id := progress.next_id;
    end if;
  end if;
  progress.last_run_at := clock_timestamp();
  progress.removed := 0;
  return progress;
end
$$;
comment on function rowhook.begin_retention(rowhook.retention, boolean) is 'starts the run of a kind';

create or replace function rowhook.revisions_before() returns timestamptz
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  -- Revisions are referenced by attempts of their time, and by outputs that wait for a page (30 days
  -- at most).
  select case when bool_and(r.keep is not null) then now() - greatest(max(r.keep), '31 days') - interval '1 day' end
  from rowhook.retention r where r.kind in ('revisions', 'attempts', 'delivered', 'failed')
$$;
comment on function rowhook.revisions_before() is
  'revisions replaced before this time are referenced by no stored row; null: all are kept';

create or replace function rowhook.retain_batch(
  wanted_kind text, most int default 5000, begins boolean default false, is_full boolean default false,
  out removed bigint, out is_finished boolean
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '1s'
as $$
declare
  progress rowhook.retention;
  before timestamptz;
  events rowhook.retention;
  events_before timestamptz;
begin
  removed := 0;
  is_finished := true;
  if is_full then
    -- The caller waits for this run: if another one is active, it gets 55P03 instead of an empty
    -- result.
    perform pg_advisory_xact_lock(hashtext('rowhook.retain'));
  elsif not pg_try_advisory_xact_lock(hashtext('rowhook.retain')) then
    return;
  end if;
  select * into progress from rowhook.retention r where r.kind = wanted_kind for update;
  if progress.kind is null then
    perform rowhook.reject_kind(wanted_kind);
  end if;
  if begins then
    progress := rowhook.begin_retention(progress, is_full);
  end if;
  before := now() - progress.keep;
  select * into events from rowhook.retention r where r.kind = 'events';
  events_before := now() - events.keep;
  if wanted_kind = 'revisions' then
    before := rowhook.revisions_before();
  end if;
  if before is null then
    null;
  elsif wanted_kind in ('delivered', 'failed') then
    select * into progress.passed_at, removed, is_finished
    from rowhook.retain_finished(wanted_kind, before, events_before, coalesce(events.passed_id, 0), most, progress.passed_at);
  elsif wanted_kind = 'held' then
    select * into progress.passed_webhook, removed
    from rowhook.retain_held(before, events_before, coalesce(events.passed_id, 0), most, progress.passed_webhook);
    is_finished := removed < most and (progress.passed_webhook is null or not is_full);
  elsif wanted_kind = 'events' then
    select * into progress.passed_id, removed, is_finished
    from rowhook.retain_events(before, progress.settled_id, most, progress.passed_id);
  elsif wanted_kind = 'audit' then
    select * into progress.passed_id, removed from rowhook.retain_audit(before, most, progress.passed_id);
    is_finished := removed < most;
  elsif wanted_kind = 'revisions' then
    select * into progress.passed_webhook, removed from rowhook.retain_revisions(before, most, progress.passed_webhook);
    is_finished := removed < most and (progress.passed_webhook is null or not is_full);
  elsif wanted_kind = 'signing_secrets' then
    removed := rowhook.retain_secrets(before, most);
    is_finished := removed < most;
  elsif wanted_kind in ('capture_errors', 'open_capture_errors') then
    removed := rowhook.retain_errors(wanted_kind, before, most);
    is_finished := removed < most;
  end if;
  update rowhook.retention r
  set passed_at = progress.passed_at, passed_id = progress.passed_id, passed_webhook = progress.passed_webhook,
      settled_id = progress.settled_id, next_id = progress.next_id, next_xact = progress.next_xact,
      last_run_at = progress.last_run_at, removed = progress.removed + retain_batch.removed,
      last_finished_at = case when retain_batch.is_finished then clock_timestamp() else r.last_finished_at end
  where r.kind = wanted_kind;
end
$$;
comment on function rowhook.retain_batch(text, int, boolean, boolean) is
  'removes one batch of a kind; returns how many rows, and whether the kind is finished. `begins` starts a run; `is_full` examines everything again, in all calls of a run';

create or replace function rowhook.retain(retention interval default null, most int default 5000) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '1s'
as $$
declare
  before constant timestamptz := case when retention <= '36500 days' then now() - retention end;
  progress rowhook.retention;
  batch record;
  passed_event bigint := 0;
  total bigint := 0;
begin
  perform rowhook.check_retention('events', retention) where retention < '0' or retention > '36500 days';
  if not pg_try_advisory_xact_lock(hashtext('rowhook.retain')) then
    return 0;
  end if;
  for progress in select * from rowhook.retention r order by r.place loop
    if before is not null and progress.kind in ('delivered', 'failed') then
      total := total + (select f.removed from rowhook.retain_finished(progress.kind, before, before, 0, most, null) as f);
    elsif before is not null and progress.kind = 'events' then
      loop
        select * into batch from rowhook.retain_events(before, 9223372036854775807, most, passed_event);
        passed_event := batch.passed_id;
        total := total + batch.removed;
        exit when batch.is_finished or batch.removed > 0;
      end loop;
    else
      total := total + (
        select b.removed from rowhook.retain_batch(progress.kind, most, progress.last_run_at is null or progress.last_finished_at >= progress.last_run_at) as b);
    end if;
  end loop;
  return total + rowhook.remove_leftovers(most);
end
$$;
comment on function rowhook.retain(interval, int) is
  'removes one batch of each kind that is older than rowhook.retention says, and returns how many rows. An age overrides those of deliveries and events in this call';

-- Removal in batches, each in a transaction of its own. A batch reads only the rows that it removes,
-- and skips those that another transaction has locked.

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
    -- The time by which rowhook.heal finds the row: its own, or that of its creation if it is missing
    -- or cannot be ordered.
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
  'removes events that the caller has locked; records in rowhook.removed_event those that rowhook.heal could take for gaps or that a failed capture names';

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
  -- Ordered: otherwise, if the table is believed small, another index that contains the id might be
  -- read whole.
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
    -- An event that cannot be removed keeps its last delivery until the next pass from the beginning.
    doomed := array(select o.id from rowhook.outbox o where o.id = any (doomed) and not o.event_id = any (busy));
  end if;
  delete from rowhook.callback c where c.outbox_id = any (doomed);
  delete from rowhook.outbox o where o.id = any (doomed);
  get diagnostics removed = row_count;
  return removed + rowhook.remove_events(array(
    select e.id from unnest(locked) as e (id)
    -- Not `exists`: over an outbox that is believed small it would be read whole.
    where (select true from rowhook.outbox o where o.event_id = e.id limit 1) is null));
end
$$;
comment on function rowhook.remove_deliveries(bigint[], timestamptz, bigint) is
  'removes deliveries that the caller has locked, with their callbacks, and events that are old enough and have no other delivery; returns how many rows of both';

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
  -- Each status is read in the order of its index range.
  ids := array(
    select o.id
    from unnest(case wanted_kind when 'delivered' then array['delivered'] else array['dead', 'cancelled', 'skipped'] end) as listed (status)
    cross join lateral (
      select o.id, o.finished_at from rowhook.outbox o
      where o.status = listed.status and o.finished_at >= since and o.finished_at < before
      order by o.finished_at limit most for update skip locked) as o
    order by o.finished_at limit most);
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
  -- Ids grow with time: if the next event is too young, so are all later ones.
  if (select e.created_at < before from rowhook.event e
      where e.id > coalesce(passed_id, 0) and e.id <= until order by e.id limit 1) is not true then
    return;
  end if;
  -- Each event is examined once: those with a delivery are removed together with it.
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
    -- The next run starts at the first locked event. This run ends here; otherwise it would examine
    -- the same page until the lock is released.
    is_finished := is_finished or removed = 0;
    passed_id := (select min(busy.id) - 1 from unnest(without_delivery) as busy (id) where busy.id not in (select unnest(locked)));
  end if;
end
$$;
comment on function rowhook.retain_events(timestamptz, bigint, int, bigint) is
  'examines the next events after passed_id and removes those that are old enough and have no delivery';
