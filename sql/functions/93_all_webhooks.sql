-- Reads over all webhooks of an installation. A look-up for each webhook and status takes half a second
-- with ten thousand webhooks; these read indexes that contain only the few deliveries concerned.

-- A waiting delivery has a time of its next attempt, and is in one of two indexes: of the ready
-- deliveries, or of those that are not yet due.
create or replace function rowhook.count_waiting(
  statuses text[], max_rows int, organization uuid default null,
  since timestamptz default '-infinity', until timestamptz default 'infinity'
) returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
begin
  return (
  with counted (status, n) as (
    select 'pending', least((
      select count(*) from (
        select from rowhook.outbox o
        where o.ready and o.status = 'pending' and (organization is null or o.organization_id = organization)
          and o.created_at >= since and o.created_at < until
        limit max_rows) as o) + (
      select count(*) from (
        select from rowhook.outbox o
        where not o.ready and o.next_attempt_at is not null and o.status = 'pending'
          and (organization is null or o.organization_id = organization)
          and o.created_at >= since and o.created_at < until
        limit max_rows) as o), max_rows)
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
  read constant int := case
    when is_of_one or (code is not null and 'delivered' <> all (statuses)) then 35000 else greatest(4 * most, 1000) end;
  most_waiting constant int := 20000;
  waiting constant text[] := array(select unnest(statuses) intersect select unnest(array['pending', 'sending', 'held']));
  -- A delivery that is skipped or cancelled ends at the start of that transaction. If the same
  -- transaction created it, it may end before its creation, by up to the length of the transaction.
  longest_transaction constant interval := '1 minute';
  complete_since timestamptz;
  found_ids bigint[];
begin
  -- One organization may have few of all deliveries: reading by time would read those of the others.
  if not rowhook.has_many_webhooks(organization)
    or (is_of_one and (
      'delivered' = any (statuses) or (code is null and statuses && array['dead', 'cancelled', 'skipped'])
      or (statuses && array['dead', 'cancelled', 'skipped'] and not rowhook.few_deliveries_ended())
      or not waiting <@ rowhook.rare_waiting_statuses()))
    or (rowhook.count_waiting(waiting, most_waiting) ->> 'total')::int >= most_waiting
  then
    return null;
  end if;
  -- Both indexes are read back to this time; deliveries created since then are unfinished, or ended since.
  complete_since := greatest(
    (select o.finished_at from rowhook.outbox o
     where o.status = 'delivered' and 'delivered' = any (statuses) order by o.finished_at desc offset read limit 1),
    (select o.finished_at + longest_transaction from rowhook.outbox o
     where o.status in ('dead', 'cancelled', 'skipped') and statuses && array['dead', 'cancelled', 'skipped']
     order by o.finished_at desc offset read limit 1),
    since);
  if before_at <= complete_since and complete_since > since then
    return null;
  end if;
  found_ids := array(
    select o.id
    from (
      select o.id, o.created_at, o.event_id, o.last_status_code, o.organization_id from rowhook.outbox o
      where o.status = 'delivered' and o.finished_at >= complete_since and 'delivered' = any (statuses)
      union all
      select o.id, o.created_at, o.event_id, o.last_status_code, o.organization_id from rowhook.outbox o
      where o.status in ('dead', 'cancelled', 'skipped') and o.finished_at >= complete_since - longest_transaction
        and o.status = any (statuses) and statuses && array['dead', 'cancelled', 'skipped']
      union all
      select o.id, o.created_at, o.event_id, o.last_status_code, o.organization_id from rowhook.outbox o
      where o.ready and o.status = 'pending' and 'pending' = any (statuses)
      union all
      select o.id, o.created_at, o.event_id, o.last_status_code, o.organization_id from rowhook.outbox o
      where not o.ready and o.next_attempt_at is not null and o.status = 'pending' and 'pending' = any (statuses)
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
