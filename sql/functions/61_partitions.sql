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

-- Old days go as a whole. Until its transaction ends a drop locks out who reads or writes its table,
-- and while it waits for a lock they wait behind it: so it is tried only where it need not wait.

create or replace function rowhook.expired_partitions(
  attempts timestamptz, bodies timestamptz, failed_bodies timestamptz
) returns table (parent regclass, partition regclass)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select i.inhparent::regclass, i.inhrelid::regclass
  from (values
    ('rowhook.attempt_row'::regclass, attempts),
    ('rowhook.attempt_archive'::regclass, attempts),
    ('rowhook.exchange'::regclass, bodies),
    ('rowhook.failed_exchange'::regclass, failed_bodies)
  ) as kind (parent, cutoff)
  join pg_inherits i on i.inhparent = kind.parent
  join pg_class c on c.oid = i.inhrelid,
  lateral (
    select coalesce(
      (rowhook.partition_day(c.relname) + 1)::timestamp at time zone 'UTC',
      -- The default partition of what was recorded before 0018.
      (select m.applied_at from rowhook.migration m where m.name = '0018_exchange')) as ends_at
  ) as day
  -- A result of yesterday may still be on its way.
  where day.ends_at <= kind.cutoff and day.ends_at <= now() - interval '1 day'
  order by day.ends_at, c.relname
$$;
comment on function rowhook.expired_partitions(timestamptz, timestamptz, timestamptz) is
  'the partitions whose last moment is before the cutoff of their kind, the oldest first; a cutoff that is null keeps all';

create or replace function rowhook.lock_holders_of(relations oid[]) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select array(
    select distinct l.virtualtransaction from pg_locks l
    where l.locktype = 'relation' and l.relation = any (relations)
      and l.database = (select d.oid from pg_database d where d.datname = current_database())
      and l.pid is distinct from pg_backend_pid())
$$;
comment on function rowhook.lock_holders_of(oid[]) is
  'the transactions of other sessions, prepared ones too, that hold or want a lock on one of these relations';

create or replace function rowhook.drop_expired_partition(
  attempts timestamptz, bodies timestamptz, failed_bodies timestamptz
) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '50ms'
as $$
declare
  expired record;
  name text;
  holders text[];
  has_waited boolean := false;
begin
  for expired in select * from rowhook.expired_partitions(attempts, bodies, failed_bodies) loop
    holders := rowhook.lock_holders_of(array[expired.parent::oid, expired.partition::oid]);
    -- One wait for all of them: a backup reads every day.
    continue when holders <> '{}' and has_waited;
    if holders <> '{}' then
      has_waited := true;
      -- Short transactions have ended a second later. Only a superuser could read when they started.
      perform pg_sleep(1);
      continue when holders && rowhook.lock_holders_of(array[expired.parent::oid, expired.partition::oid]);
    end if;
    begin
      name := expired.partition::text;
      execute format('drop table %s', name);
      return name;
    exception when lock_not_available then
      continue;
    end;
  end loop;
  return null;
end
$$;
comment on function rowhook.drop_expired_partition(timestamptz, timestamptz, timestamptz) is
  'drops one expired partition and answers its name; null if there is none, or while a transaction older than a second uses its table. Call it in a transaction of its own, until it answers null';

create or replace function rowhook.partition_cutoffs(out attempts timestamptz, out bodies timestamptz, out failed_bodies timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  -- Bodies are not kept longer than the attempts that they belong to.
  select max(now() - r.keep) filter (where r.kind = 'attempts'),
         max(now() - r.keep) filter (where r.kind in ('attempts', 'bodies')),
         max(now() - r.keep) filter (where r.kind in ('attempts', 'failed_bodies'))
  from rowhook.retention r
$$;
comment on function rowhook.partition_cutoffs() is
  'what is older is dropped, by the ages of rowhook.retention; null: nothing is';

create or replace function rowhook.expired_days(kind text) returns table (partition regclass, began_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select p.partition, coalesce(rowhook.partition_day(c.relname), '-infinity')::timestamp at time zone 'UTC'
  from rowhook.partition_cutoffs() as cutoff,
  lateral rowhook.expired_partitions(
    case when kind = 'attempts' then cutoff.attempts end,
    case when kind = 'bodies' then cutoff.bodies end,
    case when kind = 'failed_bodies' then cutoff.failed_bodies end) as p
  join pg_class c on c.oid = p.partition
$$;
comment on function rowhook.expired_days(text) is 'the partitions of a kind that the next run drops, and when they begin';

create or replace function rowhook.oldest_day(parent text) returns timestamptz
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select min(rowhook.partition_day(c.relname))::timestamp at time zone 'UTC'
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  where i.inhparent = to_regclass('rowhook.' || parent) and pg_relation_size(c.oid) > 0
$$;
comment on function rowhook.oldest_day(text) is 'the oldest UTC day of which there is anything';

create or replace function rowhook.drop_next_partition() returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  cutoff constant record := rowhook.partition_cutoffs();
begin
  return rowhook.drop_expired_partition(cutoff.attempts, cutoff.bodies, cutoff.failed_bodies);
end
$$;
comment on function rowhook.drop_next_partition() is
  'rowhook.drop_expired_partition by the ages of rowhook.retention';
