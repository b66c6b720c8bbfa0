-- Adoption of a copy as the installation, and the epochs that keep events ordered across clusters.

-- Volatile, so that it sees the row that check_installation wrote in the same statement.
create or replace function rowhook.epoch_is_due() returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return exists (
    select from rowhook.installation i, rowhook.fingerprint() as actual
    where i.epoch_system_identifier <> actual.system_identifier
      or i.highest_xid > pg_snapshot_xmax(pg_current_snapshot()));
end
$$;
comment on function rowhook.epoch_is_due() is
  'whether transaction ids come from another cluster, so that new events would sort among old ones';

create or replace function rowhook.newest_restored_event(of_epoch int) returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
declare
  next_xid constant bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
begin
  return (
    select e.id from rowhook.event e
    where e.xact >= rowhook.place('0', of_epoch)
      -- xmin holds the lower 32 bits of the id of the transaction that wrote the row: for a capture
      -- that is the event's own transaction, or a subtransaction with a higher id.
      and rowhook.xid_of(e.xact) > next_xid - ((next_xid - e.xmin::text::bigint) & 4294967295)
    order by e.id desc
    limit 1);
end
$$;
comment on function rowhook.newest_restored_event(int) is
  'newest event of this epoch whose row was written by a lower transaction than it names, that is by a restore; later ones were captured in this cluster';

create or replace function rowhook.last_event_to_keep(of_epoch int) returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select coalesce(
    rowhook.newest_restored_event(of_epoch),
    -- Retention may have removed the events with higher ids, but readers still have cursors on them.
    -- Reading an event twice is better than missing it.
    (select 0 from rowhook.installation i where i.highest_xid > pg_snapshot_xmax(pg_current_snapshot())))
$$;
comment on function rowhook.last_event_to_keep(int) is
  'last event that keeps its epoch; later ones were captured in this cluster and move to the next epoch. null: no event moves';

create or replace function rowhook.move_events(after_id bigint, up_to_id bigint, old_epoch int) returns void
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with moved as (
    update rowhook.event e set xact = rowhook.place(rowhook.xid_of(e.xact)::text::xid8, old_epoch + 1)
    where e.id > after_id and e.id <= up_to_id
      and e.xact >= rowhook.place('0', old_epoch) and e.xact < rowhook.place('0', old_epoch + 1)
    returning e.id, e.xact
  )
  update rowhook.outbox o set token = nextval('rowhook.token'), ordered_by = m.xact
  from moved m
  where o.event_id = m.id and o.ordered_by is not null
$$;
comment on function rowhook.move_events(bigint, bigint, int) is
  'moves events that were captured in this cluster to the next epoch';

create or replace function rowhook.move_event_batch(after_id bigint default null) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  old_epoch int;
  last_id bigint;
begin
  if not rowhook.epoch_is_due() then
    return null;
  end if;
  perform rowhook.lock_installation();
  if not rowhook.epoch_is_due() then
    return null;
  end if;
  old_epoch := (select i.epoch from rowhook.installation i);
  after_id := coalesce(after_id, rowhook.last_event_to_keep(old_epoch));
  last_id := (
    select max(batch.id)
    from (select e.id from rowhook.event e where e.id > after_id order by e.id limit 1000) as batch);
  perform rowhook.move_events(after_id, last_id, old_epoch);
  return last_id;
end
$$;
comment on function rowhook.move_event_batch(bigint) is
  'prepares raise_epoch: moves those of the next 1000 events after this id (null: from the first) that belong to the next epoch, which readers do not see until it begins. Returns the last id, null if no event is left or no epoch is due';

create or replace function rowhook.require_event_lock() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '200ms'
as $$
begin
  -- The failed block releases the lock at once, so that nobody waits longer than this takes.
  lock table rowhook.event in access exclusive mode;
  raise exception using errcode = 'RH006';
exception when sqlstate 'RH006' then
  null;
end
$$;
comment on function rowhook.require_event_lock() is
  'raises 55P03 unless the table of events could be locked now; keeps no lock';

create or replace function rowhook.raise_epoch() returns int
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '200ms'
as $$
declare
  newest constant bigint := 9223372036854775807;
  old_epoch int;
  kept_id bigint;
begin
  if not rowhook.epoch_is_due() then
    return null;
  end if;
  perform rowhook.lock_installation();
  if not rowhook.epoch_is_due() then
    return null;
  end if;
  -- Before any row is written, so that a failure costs nothing.
  perform rowhook.require_event_lock();
  old_epoch := (select i.epoch from rowhook.installation i);
  kept_id := rowhook.last_event_to_keep(old_epoch);
  -- All of these refer to transactions of the other cluster.
  update rowhook.retention set next_id = settled_id, next_xact = pg_current_xact_id();
  update rowhook.source set next_settled_at = clock_timestamp(), next_xact = pg_current_xact_id();
  update rowhook.chore set until_xact = pg_current_xact_id() where until_xact is not null;
  perform rowhook.move_events(kept_id, newest, old_epoch);
  -- Captures wait from here to the end of the transaction. Most events are moved already.
  lock table rowhook.event in access exclusive mode;
  perform rowhook.move_events(kept_id, newest, old_epoch);
  update rowhook.installation i
  set epoch = old_epoch + 1, highest_xid = pg_snapshot_xmax(pg_current_snapshot()),
      epoch_system_identifier = (select f.system_identifier from rowhook.fingerprint() as f);
  execute format(
    'alter table rowhook.event alter column xact set default rowhook.place(pg_current_xact_id(), %s)', old_epoch + 1);
  return old_epoch + 1;
end
$$;
comment on function rowhook.raise_epoch() is
  'begins a new epoch if one is due, so that new events follow those of the other cluster; returns it, or null. Raises 55P03 before writing anything if the table of events is in use: call it again. With many events, call move_event_batch first';

create or replace function rowhook.adopt(cancel_waiting boolean default false) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  previous rowhook.installation;
  adopted rowhook.installation;
  cancelled bigint := 0;
begin
  if current_setting('role') = 'rowhook_api' and coalesce(current_setting('rowhook.operator', true), '') <> 'on' then
    raise insufficient_privilege using message = 'Only an operator may adopt the installation.';
  end if;
  perform rowhook.lock_installation();
  perform rowhook.check_installation();
  select * into previous from rowhook.installation;
  if cancel_waiting and previous.suspended_at is null then
    raise exception using errcode = 'RH005',
      message = 'This database is already the installation; nothing was cancelled.',
      hint = 'Check DATABASE_URL. To stop deliveries here, use rowhook.cancel or `rowhook cancel`.';
  end if;
  if rowhook.epoch_is_due() then
    -- Checked first, so that a failure does not undo the cancellation.
    perform rowhook.require_event_lock();
  end if;
  if cancel_waiting then
    with waiting as (
      select o.id from rowhook.outbox o where o.status in ('pending', 'held', 'sending') order by o.id for update
    )
    update rowhook.outbox o set status = 'cancelled' from waiting where o.id = waiting.id;
    get diagnostics cancelled = row_count;
  end if;
  -- Last, because captures wait from the lock on events to the end of the transaction.
  perform rowhook.record_installation();
  perform rowhook.raise_epoch();
  select * into adopted from rowhook.installation;
  perform rowhook.write_audit(
    null, 'installation.adopted', current_database(), to_json(previous),
    (to_jsonb(adopted) || jsonb_build_object('cancelled', cancelled))::json);
  perform rowhook.wake();
  return cancelled;
end
$$;
comment on function rowhook.adopt(boolean) is
  'makes this database the installation, so that it sends deliveries. With cancel_waiting, deliveries that are pending, held or sending are cancelled first; returns how many';
