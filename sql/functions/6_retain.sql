-- What is old enough goes, in batches; attempts go by the day.

create or replace function rowhook.keep_attempt_days(retention interval) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  today constant date := (now() at time zone 'UTC')::date;
  part text;
begin
  for i in 0..2 loop
    part := 'attempt_' || to_char(today + i, 'YYYYMMDD');
    if to_regclass('rowhook.' || part) is null then
      -- A day whose first attempts are in the default partition already stays there.
      if not exists (
        select from rowhook.attempt_default
        where started_at >= (today + i)::timestamp at time zone 'UTC'
          and started_at < (today + i + 1)::timestamp at time zone 'UTC')
      then
        execute format(
          'create table rowhook.%I partition of rowhook.attempt for values from (%L) to (%L)'
          ' with (toast_tuple_target = 8160)', part, (today + i)::timestamp at time zone 'UTC', (today + i + 1)::timestamp at time zone 'UTC');
      end if;
    end if;
  end loop;
  for part in
    select c.relname from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'rowhook.attempt'::regclass
      and c.relname ~ '^attempt_[0-9]{8}$'
      and to_date(right(c.relname, 8), 'YYYYMMDD') < today - retention
  loop
    execute format('drop table rowhook.%I', part);
  end loop;
  delete from rowhook.attempt_default where started_at < now() - retention - interval '1 day';
end
$$;

create or replace function rowhook.retain(retention interval default '30 days', most int default 5000) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '1s'
as $$
declare
  removed bigint;
  removed_events bigint;
begin
  if not pg_try_advisory_xact_lock(hashtext('rowhook.retain')) then
    return 0;
  end if;
  perform rowhook.keep_attempt_days(retention);
  with old as (
    select id from rowhook.outbox
    where finished_at < now() - retention
    order by finished_at limit most for update skip locked
  ), unasked as (
    delete from rowhook.callback c using old where c.outbox_id = old.id
  )
  delete from rowhook.outbox o using old where o.id = old.id;
  get diagnostics removed = row_count;
  with old as (
    -- Ids grow with time: the primary key finds the oldest.
    select e.id from rowhook.event e
    where e.created_at < now() - retention
      and not exists (select from rowhook.outbox o where o.event_id = e.id)
    order by e.id limit most
  )
  delete from rowhook.event e using old where e.id = old.id;
  get diagnostics removed_events = row_count;
  delete from rowhook.worker where seen_at < now() - interval '1 day';
  delete from rowhook.capture_error where healed_at < now() - retention;
  delete from rowhook.idempotent_request where created_at < now() - interval '24 hours';
  update rowhook.installation set highest_xid = pg_snapshot_xmax(pg_current_snapshot())
  where suspended_at is null and highest_xid < pg_snapshot_xmax(pg_current_snapshot());
  delete from rowhook.test_allowance where refilled_at < now() - interval '1 day';
  return removed + removed_events;
end
$$;
comment on function rowhook.retain(interval, int) is
  'removes one batch of finished deliveries and their events; how many rows. Waiting and held ones stay';
