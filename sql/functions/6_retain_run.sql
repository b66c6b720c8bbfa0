-- A run of the retention: kind by kind, batch by batch.

create or replace function rowhook.begin_retention(progress rowhook.retention, is_full boolean) returns rowhook.retention
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  -- Once a day from the beginning, for what another transaction held or committed late. Events are
  -- looked at again only where that is asked for.
  if is_full or progress.last_run_at is null or progress.last_run_at::date < now()::date then
    progress.passed_at := null;
    progress.passed_id := case when is_full or progress.kind = 'audit' then null else progress.passed_id end;
    progress.passed_webhook := case when is_full then null else progress.passed_webhook end;
  end if;
  if progress.kind = 'events' then
    -- An id is taken before its transaction commits: none is passed by that may still appear.
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
comment on function rowhook.begin_retention(rowhook.retention, boolean) is 'where the run of a kind begins';

create or replace function rowhook.revisions_before() returns timestamptz
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  -- A revision is named by attempts of its time, and by outputs that wait for a page (30 days at most).
  select case when bool_and(r.keep is not null) then now() - greatest(max(r.keep), '31 days') - interval '1 day' end
  from rowhook.retention r where r.kind in ('revisions', 'attempts', 'delivered', 'failed')
$$;
comment on function rowhook.revisions_before() is
  'revisions that were replaced before are named by nothing that is kept; null: all are kept';

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
    -- Somebody waits for this run: another one at work is told of (55P03), not taken for the end.
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
  'removes one batch of a kind: how many rows, and whether the kind is finished. `begins` begins a run; `is_full` looks at everything again, in all calls of a run';

create or replace function rowhook.retain(retention interval default null, most int default 5000) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '1s'
as $$
declare
  before constant timestamptz := now() - retention;
  progress rowhook.retention;
  batch record;
  passed_event bigint := 0;
  total bigint := 0;
begin
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
  'removes a batch of each kind that is older than rowhook.retention says: how many rows. An age replaces that of deliveries, events and attempts in this call';
