-- Daily partitions of attempts: created a week ahead and dropped whole.

create or replace function rowhook.partition_name(parent text, day date) returns text
language sql immutable
return parent || to_char(day, '_YYYYMMDD');

create or replace function rowhook.partition_day(partition text) returns date
language sql immutable
return to_date(substring(partition from '_([0-9]{8})$'), 'YYYYMMDD');
comment on function rowhook.partition_day(text) is
  'UTC day of a partition; null if it is not named after a day';

create or replace function rowhook.day_begin(day date) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00';
comment on function rowhook.day_begin(date) is
  'start of a UTC day as text that is independent of DateStyle; abbreviated time zones (IST, CST) would be ambiguous';

-- Not `language sql`: before PostgreSQL 18 that would be planned again in each call, that is for each
-- result.
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
  taken regclass;
begin
  taken := to_regclass('rowhook.' || partition);
  if (select c.relispartition from pg_class c where c.oid = taken) then
    return false;
  elsif taken is not null then
    -- Detached, or not ours: results could not be recorded.
    execute format('alter table %s rename to %I', taken, partition || '_' || taken::oid);
  end if;
  -- Attached instead of created in place, which would lock out readers and writers of the parent.
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
-- Rows are never updated or deleted, so there is nothing to vacuum.
comment on function rowhook.make_partition(text, date) is
  'creates one partition of one table; false if it exists. Another relation with its name is renamed';

create or replace function rowhook.make_partitions() returns int
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  today constant date := (now() at time zone 'UTC')::date;
  created int := 0;
begin
  -- Serialized: later callers find the partitions.
  perform pg_advisory_xact_lock(hashtext('rowhook.make_partitions'));
  for i in 0..7 loop
    created := created + rowhook.make_partition('attempt_row', today + i)::int
      + rowhook.make_partition('exchange', today + i)::int
      + rowhook.make_partition('failed_exchange', today + i)::int;
  end loop;
  return created;
end
$$;
comment on function rowhook.make_partitions() is
  'creates the partitions of today and the next seven days; returns how many were missing';

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
  'creates missing partitions, if no worker ran for a week or the clock was changed';

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
  'the time itself, or now if there is no partition for it: too old, or from a clock that is more than a week ahead';

-- Expired days are dropped whole. A drop locks out readers and writers of the table until its
-- transaction ends, and everybody queues behind a drop that waits for its lock; so it is attempted
-- only if the table is unused.

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
      -- The default partition, with rows recorded before migration 0018.
      (select m.applied_at from rowhook.migration m where m.name = '0018_exchange')) as ends_at
  ) as day
  -- A result of yesterday may still arrive.
  where day.ends_at <= kind.cutoff and day.ends_at <= now() - interval '1 day'
  order by day.ends_at, c.relname
$$;
comment on function rowhook.expired_partitions(timestamptz, timestamptz, timestamptz) is
  'partitions that end before the cutoff of their kind, oldest first; a null cutoff keeps all';

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
  'transactions of other sessions, including prepared ones, that hold or await a lock on one of these relations';

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
    -- One wait for all of them: a backup reads every partition.
    continue when holders <> '{}' and has_waited;
    if holders <> '{}' then
      has_waited := true;
      -- Short transactions have ended after a second. Only a superuser could see when they started.
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
  'drops one expired partition and returns its name; null if there is none, or while a transaction older than a second uses its table. Call it in separate transactions until it returns null';

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
  'older partitions are dropped, by the ages of rowhook.retention; null: none';

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
comment on function rowhook.expired_days(text) is
  'partitions of a kind that the next run drops, and when they begin';

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
comment on function rowhook.oldest_day(text) is 'oldest UTC day that has rows';

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
  'calls rowhook.drop_expired_partition with the ages of rowhook.retention';
