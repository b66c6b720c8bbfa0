-- The days of attempts: each table has a partition for every UTC day, made a week ahead and dropped
-- as a whole.

create or replace function rowhook.partition_name(parent text, day date) returns text
language sql immutable
return parent || to_char(day, '_YYYYMMDD');

create or replace function rowhook.partition_day(partition text) returns date
language sql immutable
return to_date(substring(partition from '_([0-9]{8})$'), 'YYYYMMDD');
comment on function rowhook.partition_day(text) is 'the UTC day that a partition holds; null for one that is not named after a day';

create or replace function rowhook.day_begin(day date) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00';
comment on function rowhook.day_begin(date) is
  'the first moment of a UTC day, as text that every DateStyle reads alike: an abbreviated zone (IST, CST) would be taken for another';

-- Not `language sql`: before PostgreSQL 18 that is planned anew at each call, and each result asks.
create or replace function rowhook.has_partitions(day date) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  suffix constant text := to_char(day, '_YYYYMMDD');
begin
  return to_regclass('rowhook.attempt_row' || suffix) is not null
    and to_regclass('rowhook.exchange' || suffix) is not null
    and to_regclass('rowhook.failed_exchange' || suffix) is not null;
end
$$;
comment on function rowhook.has_partitions(date) is 'whether an attempt of this UTC day can be recorded';

create or replace function rowhook.make_partition(parent text, day date) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  partition constant text := rowhook.partition_name(parent, day);
begin
  if to_regclass('rowhook.' || partition) is not null then
    return false;
  end if;
  -- Attached, not made in place: that locks out no reader and no writer of the parent.
  execute format(
    'create table rowhook.%I (like rowhook.%I including storage including compression)'
    ' with (autovacuum_enabled = off)', partition, parent);
  execute format('comment on table rowhook.%I is %L', partition, 'generated: one day');
  execute format('grant select on rowhook.%I to rowhook_worker', partition);
  execute format(
    'alter table rowhook.%I attach partition rowhook.%I for values from (%L) to (%L)', parent, partition,
    rowhook.day_begin(day), rowhook.day_begin(day + 1));
  return true;
end
$$;
-- Nothing in it is ever changed or deleted, so there is nothing to vacuum.
comment on function rowhook.make_partition(text, date) is 'one partition of one table; false if it is there';

create or replace function rowhook.make_partitions() returns int
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  today constant date := (now() at time zone 'UTC')::date;
  made int := 0;
begin
  -- Serialized: later callers find the partitions.
  perform pg_advisory_xact_lock(hashtext('rowhook.make_partitions'));
  for i in 0..7 loop
    made := made + rowhook.make_partition('attempt_row', today + i)::int
      + rowhook.make_partition('exchange', today + i)::int
      + rowhook.make_partition('failed_exchange', today + i)::int;
  end loop;
  return made;
end
$$;
comment on function rowhook.make_partitions() is 'the partitions of today and of the next seven days; how many were missing';

create or replace function rowhook.require_partitions() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  today constant date := (now() at time zone 'UTC')::date;
begin
  if not (rowhook.has_partitions(today) and rowhook.has_partitions(today + 1)) then
    perform rowhook.make_partitions();
  end if;
end
$$;
comment on function rowhook.require_partitions() is
  'makes what the schedule should have made: no worker ran for a week, or the clock was set';

create or replace function rowhook.recordable_time(started_at timestamptz) returns timestamptz
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select case
    when started_at between '0001-01-01 UTC' and '9999-01-01 UTC'
      and rowhook.has_partitions((started_at at time zone 'UTC')::date) then started_at
    else now() end
$$;
comment on function rowhook.recordable_time(timestamptz) is
  'the time itself; now, where there is no partition for it: too old, or a clock that is ahead by more than a week';
