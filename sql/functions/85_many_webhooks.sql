-- Reads over many webhooks, of one organization or of the installation. A look-up for each webhook and
-- status takes as long as reading tens of thousands of deliveries: half a second for ten thousand webhooks.
-- These functions read ranges of ids instead, or indexes that contain only the few deliveries concerned.
--
-- Ids rise with the time of creation, because an insert sets both: they differ by as much as a process waits
-- between the two, or a clock is set back. A range of time is read a minute further on both sides, and as
-- much as the clock was set back (84_clock_steps.sql).

create or replace function rowhook.last_id_before(moment timestamptz) returns bigint
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  -- Below are dead entries while an old transaction is open; each probe would read all of them.
  low bigint := coalesce((select min(o.id) - 1 from rowhook.outbox o), 0);
  high bigint := coalesce((select max(o.id) from rowhook.outbox o), 0);
  middle bigint;
  next_id bigint;
  next_at timestamptz;
begin
  if moment = 'infinity' then
    return high;
  end if;
  -- Every delivery up to `low` was created before, every one above `high` was not.
  while low < high and moment > '-infinity' loop
    middle := (low + high) / 2;
    select o.id, o.created_at into next_id, next_at
    from rowhook.outbox o where o.id > middle order by o.id limit 1;
    if next_at < moment then
      low := next_id;
    else
      high := middle;
    end if;
  end loop;
  return low;
end
$$;
comment on function rowhook.last_id_before(timestamptz) is
  'id of the last delivery created before a time, found by bisection; security definer, because it reads deliveries of all organizations';

create or replace function rowhook.creation_after(place bigint) returns timestamptz
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  return (select o.created_at from rowhook.outbox o where o.id > place order by o.id limit 1);
end
$$;
comment on function rowhook.creation_after(bigint) is
  'creation time of the first delivery with a higher id; security definer, because it reads deliveries of all organizations';

create or replace function rowhook.has_many_webhooks(organization uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  many constant int := 200;
begin
  return (
    select count(*) = many from (
      select from rowhook.webhook_revision v
      where v.revision = 1 and (organization is null or v.organization_id = organization) limit many) as v);
end
$$;
comment on function rowhook.has_many_webhooks(uuid) is
  'whether an organization, or with null all that this transaction can see, ever had so many webhooks that a look-up for each is slower than reading deliveries by id';

-- Events have nearly the same order as their deliveries, and a range of them takes less than a look-up for each.
create or replace function rowhook.events_of_type(events bigint[], event_type text) returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  -- An event that is much older or newer than the others was delivered again, or later.
  middle constant bigint := (select percentile_disc(0.5) within group (order by e.id) from unnest(events) as e (id));
  first_id constant bigint := greatest(middle - 2 * cardinality(events), (select min(e.id) from unnest(events) as e (id)));
  last_id constant bigint := least(middle + 2 * cardinality(events), (select max(e.id) from unnest(events) as e (id)));
begin
  return array(
    select e.id from rowhook.event e where e.id >= first_id and e.id <= last_id and e.type = event_type
    union all
    select e.id from unnest(events) as other (id) join rowhook.event e on e.id = other.id
    where (other.id < first_id or other.id > last_id) and e.type = event_type);
end
$$;
comment on function rowhook.events_of_type(bigint[], text) is
  'at least those of the named events that are of a type';

create or replace function rowhook.scan_ids(
  organization uuid, statuses text[], since timestamptz, until timestamptz, before_at timestamptz, before_id bigint,
  event_type text, code int, most int, most_rows int
) returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  margin constant interval := interval '1 minute' + rowhook.clock_set_back_by();
  first_id constant bigint := rowhook.last_id_before(since - margin);
  last_id constant bigint := rowhook.last_id_before(least(until, before_at) + margin);
  step bigint := 2000;
  read_to bigint := last_id;
  found_ids bigint[] := '{}';
  found_at timestamptz[] := '{}';
  more record;
  of_type bigint[];
  complete_since timestamptz;
begin
  loop
    step := least(step, most_rows - (last_id - read_to), read_to - first_id);
    if step > 0 then
      -- Of each range, no more than the newest can be among the newest of all.
      select coalesce(array_agg(n.id), '{}') as ids, coalesce(array_agg(n.created_at), '{}') as times,
             coalesce(array_agg(n.event_id), '{}') as events
      into more
      from (
        select o.id, o.created_at, o.event_id from rowhook.outbox o
        where o.id > read_to - step and o.id <= read_to and o.status = any (statuses)
          and (organization is null or o.organization_id = organization)
          and o.created_at >= since and o.created_at < until and (o.created_at, o.id) < (before_at, before_id)
          and (code is null or o.last_status_code = code)
        order by o.created_at desc, o.id desc
        limit case when event_type is null then most else step end) as n;
      if event_type is not null then
        of_type := rowhook.events_of_type(more.events, event_type);
        select coalesce(array_agg(n.id), '{}') as ids, coalesce(array_agg(n.created_at), '{}') as times into more
        from (
          select m.id, m.created_at from unnest(more.ids, more.times, more.events) as m (id, created_at, event_id)
          where m.event_id = any (of_type)
          order by m.created_at desc, m.id desc
          limit most) as n;
      end if;
      found_ids := found_ids || more.ids;
      found_at := found_at || more.times;
      read_to := read_to - step;
    end if;
    complete_since := case when read_to <= first_id then since else rowhook.creation_after(read_to) + margin end;
    if read_to <= first_id or (
      cardinality(found_ids) >= most
      and (select count(*) from unnest(found_at) as f (created_at) where f.created_at >= complete_since) >= most)
    then
      return array(
        select f.id from unnest(found_ids, found_at) as f (id, created_at)
        where f.created_at >= complete_since
        order by f.created_at desc, f.id desc limit most);
    end if;
    if last_id - read_to >= most_rows then
      return null;
    end if;
    step := least(2 * step, 16000);
  end loop;
end
$$;
comment on function rowhook.scan_ids(uuid, text[], timestamptz, timestamptz, timestamptz, bigint, text, int, int, int) is
  'like delivery_ids, read by id from the newest; null if `most_rows` ids have fewer than `most` deliveries';

create or replace function rowhook.ids_of_rare_events(
  organization uuid, statuses text[], since timestamptz, until timestamptz, before_at timestamptz, before_id bigint,
  event_type text, code int, most int, webhook uuid default null
) returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
as $$
declare
  few constant int := 5000;
  -- For a type without an index, the table of events is read once, which takes less than a look-up for each delivery.
  rare constant bigint[] := array(
    select e.id from rowhook.event e
    where e.type = event_type and (organization is null or e.organization_id = organization)
    limit few);
begin
  if cardinality(rare) = few then
    return null;
  end if;
  return array(
    select o.id from rowhook.outbox o
    where o.event_id = any (rare) and o.status = any (statuses)
      and (webhook is null or o.webhook_id = webhook)
      and o.created_at >= since and o.created_at < until and (o.created_at, o.id) < (before_at, before_id)
      and (code is null or o.last_status_code = code)
    order by o.created_at desc, o.id desc
    limit most);
end
$$;
comment on function rowhook.ids_of_rare_events(uuid, text[], timestamptz, timestamptz, timestamptz, bigint, text, int, int, uuid) is
  'like delivery_ids, of an event type with few events; null if there are many';

-- A waiting delivery has a time of its next attempt, and is in one of two indexes: of the ready
-- deliveries, or of those that are not yet due.
create or replace function rowhook.count_waiting(
  statuses text[], max_rows int, organization uuid default null,
  since timestamptz default '-infinity', until timestamptz default 'infinity'
) returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  return (
  with counted (status, n) as (
    -- The second index is read only as far as the first has too few.
    select 'pending', (
      select count(*) from (
        (select from rowhook.outbox o
         where o.ready and o.status = 'pending' and (organization is null or o.organization_id = organization)
           and o.created_at >= since and o.created_at < until
         limit max_rows)
        union all
        (select from rowhook.outbox o
         where not o.ready and o.next_attempt_at is not null and o.status = 'pending'
           and (organization is null or o.organization_id = organization)
           and o.created_at >= since and o.created_at < until
         limit max_rows)
        limit max_rows) as o)
    where 'pending' = any (statuses)
    union all
    select other.status, (
      select count(*) from (
        select from rowhook.outbox o
        where o.status = 'sending' and other.status = 'sending'
          and (organization is null or o.organization_id = organization)
          and o.created_at >= since and o.created_at < until
        limit max_rows) as o) + (
      select count(*) from (
        select from rowhook.outbox o
        where o.status = 'held' and other.status = 'held'
          and (organization is null or o.organization_id = organization)
          and o.created_at >= since and o.created_at < until
        limit max_rows) as o)
    from unnest(array['sending', 'held']) as other (status)
    where other.status = any (statuses)
  )
  select rowhook.status_counts(json_object_agg(c.status, c.n), bool_or(c.n = max_rows)) from counted c);
end
$$;
comment on function rowhook.count_waiting(text[], int, uuid, timestamptz, timestamptz) is
  'like count_by_status, for the pending, sending and held deliveries that this transaction can see: no webhook is looked up, but the waiting deliveries of all organizations are read';

-- Skips from webhook to webhook in an index that contains only failures, instead of a look-up for each.
create or replace function rowhook.failing_webhooks() returns setof uuid
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
  with recursive held (id) as (
    (select o.webhook_id from rowhook.outbox o where o.status = 'held' order by o.webhook_id limit 1)
    union all
    select later.id from held h
    cross join lateral (
      select o.webhook_id as id from rowhook.outbox o
      where o.status = 'held' and o.webhook_id > h.id order by o.webhook_id limit 1) as later
  ), dead (id) as (
    (select o.webhook_id from rowhook.outbox o where o.status = 'dead' order by o.webhook_id limit 1)
    union all
    select later.id from dead d
    cross join lateral (
      select o.webhook_id as id from rowhook.outbox o
      where o.status = 'dead' and o.webhook_id > d.id order by o.webhook_id limit 1) as later
  ), retrying (id) as (
    (select o.webhook_id from rowhook.outbox o
     where o.status = 'pending' and o.last_error is not null order by o.webhook_id limit 1)
    union all
    select later.id from retrying r
    cross join lateral (
      select o.webhook_id as id from rowhook.outbox o
      where o.status = 'pending' and o.last_error is not null and o.webhook_id > r.id
      order by o.webhook_id limit 1) as later
  )
  select h.id from held h union select d.id from dead d union select r.id from retrying r
$$;
comment on function rowhook.failing_webhooks() is
  'webhooks, deleted ones too, with deliveries that are held or dead, or wait after a failed attempt';

-- Reads by the time of the end: a delivery created since a time is unfinished, or ended since then.
create or replace function rowhook.newest_ids(
  statuses text[], since timestamptz, until timestamptz, before_at timestamptz, before_id bigint, event_type text, code int, most int,
  organization uuid default null
) returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  is_of_one constant boolean := organization is not null or current_setting('rowhook.operator', true) = 'off';
  -- More than `most`: late ends, and deliveries with other statuses, are read too. Few deliveries have a
  -- status code of failure.
  has_failed constant boolean := code is not null and 'delivered' <> all (statuses);
  read constant int := case when is_of_one or has_failed then 35000 else greatest(4 * most, 1000) end;
  waiting constant text[] := array(select unnest(statuses) intersect select unnest(array['pending', 'sending', 'held']));
  -- A delivery that is skipped or cancelled ends at the start of that transaction. If the same
  -- transaction created it, it may end before its creation, by up to the length of the transaction.
  set_back constant interval := rowhook.clock_set_back_by();
  longest_transaction constant interval := interval '1 minute' + set_back;
  complete_since timestamptz;
  found_ids bigint[];
begin
  -- One organization may have few of all deliveries: reading by time would read those of the others.
  if not rowhook.has_many_webhooks(organization)
    or (is_of_one and (
      'delivered' = any (statuses) or (code is null and statuses && array['dead', 'cancelled', 'skipped'])
      or (statuses && array['dead', 'cancelled', 'skipped'] and not rowhook.few_deliveries_ended())
      or not waiting <@ rowhook.rare_waiting_statuses()))
    or (has_failed and not rowhook.few_deliveries_failed(to_list => true))
    or (not has_failed and not waiting <@ rowhook.rare_waiting_statuses(of_all => true))
  then
    return null;
  end if;
  -- Both indexes are read back to this time; deliveries created since then are unfinished, or ended since.
  complete_since := greatest(
    (select o.finished_at + set_back from rowhook.outbox o
     where o.status = 'delivered' and o.finished_at is not null and 'delivered' = any (statuses)
     order by o.finished_at desc offset read limit 1),
    (select o.finished_at + longest_transaction from rowhook.undelivered_ends() as o (finished_at)
     where statuses && array['dead', 'cancelled', 'skipped']
     order by o.finished_at desc offset read limit 1),
    since);
  if before_at <= complete_since and complete_since > since then
    return null;
  end if;
  found_ids := array(
    select o.id
    from (
      select o.id, o.created_at, o.event_id, o.last_status_code, o.organization_id from rowhook.outbox o
      where o.status = 'delivered' and o.finished_at >= complete_since - set_back and 'delivered' = any (statuses)
      union all
      select o.id, o.created_at, o.event_id, o.last_status_code, o.organization_id from rowhook.outbox o
      where o.status in ('dead', 'cancelled', 'skipped') and o.finished_at >= complete_since - longest_transaction
        and o.status = any (statuses) and statuses && array['dead', 'cancelled', 'skipped']
      union all
      select o.id, o.created_at, o.event_id, o.last_status_code, o.organization_id from rowhook.outbox o
      where o.ready and o.status = 'pending' and 'pending' = any (statuses) and not has_failed
      union all
      select o.id, o.created_at, o.event_id, o.last_status_code, o.organization_id from rowhook.outbox o
      where not o.ready and o.next_attempt_at is not null and o.status = 'pending' and 'pending' = any (statuses)
        and not has_failed
      union all
      -- An attempt with a status code of failure has an error.
      select o.id, o.created_at, o.event_id, o.last_status_code, o.organization_id from rowhook.outbox o
      where o.status = 'pending' and o.last_error is not null and 'pending' = any (statuses) and has_failed
      union all
      select o.id, o.created_at, o.event_id, o.last_status_code, o.organization_id from rowhook.outbox o
      where o.status = 'sending' and 'sending' = any (statuses)
      union all
      select o.id, o.created_at, o.event_id, o.last_status_code, o.organization_id from rowhook.outbox o
      where o.status = 'held' and 'held' = any (statuses)) as o
    where o.created_at >= complete_since and o.created_at < until and (o.created_at, o.id) < (before_at, before_id)
      and (newest_ids.organization is null or o.organization_id = newest_ids.organization)
      and (code is null or o.last_status_code = code)
      and (newest_ids.event_type is null or exists (
        select from rowhook.event e where e.id = o.event_id and e.type = newest_ids.event_type))
    order by o.created_at desc, o.id desc
    limit most);
  if cardinality(found_ids) = most or complete_since = since then
    return found_ids;
  end if;
  return null;
end
$$;
comment on function rowhook.newest_ids(text[], timestamptz, timestamptz, timestamptz, bigint, text, int, int, uuid) is
  'like delivery_ids, read by the time at which deliveries ended: for the first pages of all organizations, and for pages of one organization that are of waiting deliveries or have a status code; null if there are few webhooks, if many deliveries wait, or the newest that ended are too few or, for one organization, too many';
