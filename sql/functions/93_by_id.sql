-- Lists and counts of organizations with many webhooks, read by id. A look-up for each webhook and status takes
-- as long as reading tens of thousands of deliveries.
--
-- Ids rise with the time of creation, because an insert sets both: they differ by as much as a process waits
-- between the two, or a clock is set back. A range of time is read a minute further on both sides.

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
  margin constant interval := '1 minute';
  first_id constant bigint := rowhook.last_id_before(since - margin);
  last_id constant bigint := rowhook.last_id_before(least(until, before_at) + margin);
  step bigint := 2000;
  read_to bigint := last_id;
  found_ids bigint[] := '{}';
  found_at timestamptz[] := '{}';
  more record;
  complete_since timestamptz;
begin
  loop
    step := least(step, most_rows - (last_id - read_to), read_to - first_id);
    if step > 0 then
      select coalesce(array_agg(o.id), '{}') as ids, coalesce(array_agg(o.created_at), '{}') as times into more
      from rowhook.outbox o
      where o.id > read_to - step and o.id <= read_to and o.status = any (statuses)
        and (organization is null or o.organization_id = organization)
        and o.created_at >= since and o.created_at < until and (o.created_at, o.id) < (before_at, before_id)
        and (code is null or o.last_status_code = code)
        and (scan_ids.event_type is null or exists (
          select from rowhook.event e where e.id = o.event_id and e.type = scan_ids.event_type));
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
    step := 2 * step;
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
  -- Of the types that have no index, reads the table of events once. Takes less than a look-up for each delivery.
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
