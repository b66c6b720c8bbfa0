-- Lists of the API, and their text search: one JSON document per row, newest first if there is a time.
-- Pages use keyset pagination.

create or replace function rowhook.delivery_ids(
  organization uuid, webhook uuid, wanted text[], since timestamptz, until timestamptz,
  before_at timestamptz, before_id bigint, job text, commit_key text, event_type text, code int, most int
) returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
-- The policies of the API let through all rows or nearly none, but the planner estimates one in a
-- hundred: to find the first few rows of a range, it would read and sort all of it.
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  -- Only a status code of 2xx is a delivery.
  statuses constant text[] := case when code not between 200 and 299 then array_remove(wanted, 'delivered') else wanted end;
  -- Of one organization, most of the newest ids may be of others.
  most_scanned constant int := case when organization is null then 120000 when event_type is null then 60000 else 80000 end;
  every_id constant int := 2147483647;
  has_many constant boolean := webhook is null and rowhook.has_many_webhooks(organization);
  -- Most ids are of such deliveries.
  is_of_most constant boolean := code is null and statuses @> array['pending', 'delivered'];
  newest bigint[];
begin
  if statuses = '{}' then
    return '{}';
  end if;
  if job is not null or commit_key is not null then
    -- A job or commit has few deliveries, which are found through its event.
    return array(
      select o.id
      from rowhook.event e
      join rowhook.outbox o on o.event_id = e.id
      where (job is null or e.job_id = job) and (commit_key is null or e.commit_id = commit_key)
        and (webhook is null or o.webhook_id = webhook)
        and (organization is null or o.organization_id = organization)
        and o.status = any (statuses)
        and o.created_at >= since and o.created_at < until
        and (o.created_at, o.id) < (before_at, before_id)
        and (delivery_ids.event_type is null or e.type = delivery_ids.event_type)
        and (code is null or o.last_status_code = code)
      order by o.created_at desc, o.id desc
      limit most);
  end if;
  if event_type not in ('job.succeeded', 'goal.committed') then
    -- An index has the events of these types.
    newest := rowhook.ids_of_rare_events(
      organization, statuses, since, until, before_at, before_id, event_type, code, most, webhook);
  end if;
  if newest is null and has_many and not is_of_most then
    newest := rowhook.newest_ids(statuses, since, until, before_at, before_id, event_type, code, most, organization);
  end if;
  if newest is null and has_many then
    newest := rowhook.scan_ids(
      organization, statuses, since, until, before_at, before_id, event_type, code, most, most_scanned);
  elsif newest is null and webhook is not null and event_type is not null then
    newest := rowhook.newest_of_type(
      organization, webhook, statuses, since, until, before_at, before_id, event_type, code, most);
  end if;
  if newest is null and event_type in ('job.succeeded', 'goal.committed') then
    newest := rowhook.ids_of_rare_events(
      organization, statuses, since, until, before_at, before_id, event_type, code, most, webhook);
  end if;
  if newest is null and has_many and event_type is not null then
    -- There are many events of the type, but few among the newest. Look-ups by webhook would read deliveries of other types.
    newest := rowhook.scan_ids(
      organization, statuses, since, until, before_at, before_id, event_type, code, most, every_id);
  end if;
  if newest is not null then
    return newest;
  end if;
  return array(
    -- The newest rows are in the ranges whose first rows are the newest.
    with newest_range as (
      select v.webhook_id, listed.status, head.created_at
      from rowhook.webhook_revision v
      -- One look-up for each webhook without deliveries, instead of one for each status.
      cross join lateral (
        select 1 where cardinality(statuses) = 1
        union all
        (select 1 from rowhook.outbox o where o.webhook_id = v.webhook_id order by o.status limit 1)
        limit 1) as used
      cross join unnest(statuses) as listed (status)
      cross join lateral (
        select o.id, o.created_at from rowhook.outbox o
        where o.webhook_id = v.webhook_id and o.status = listed.status
          and o.created_at >= since and o.created_at < until
          and (o.created_at, o.id) < (before_at, before_id)
          and (code is null or o.last_status_code = code)
          and (delivery_ids.event_type is null or exists (
            select from rowhook.event e where e.id = o.event_id and e.type = delivery_ids.event_type))
        order by o.created_at desc, o.id desc
        limit 1) as head
      -- Every webhook that ever existed has a first revision.
      where v.revision = 1 and (organization is null or v.organization_id = organization)
        and (webhook is null or v.webhook_id = webhook)
      order by head.created_at desc, head.id desc
      limit most
    ), complete as (
      -- The first rows alone fill the page; no older row is on it.
      select case when count(*) = most then min(n.created_at) else since end as since from newest_range n
    )
    select newest.id
    from complete
    cross join newest_range
    cross join lateral (
      select o.id, o.created_at from rowhook.outbox o
      where o.webhook_id = newest_range.webhook_id and o.status = newest_range.status
        and o.created_at >= complete.since and o.created_at < until
        and (o.created_at, o.id) < (before_at, before_id)
        and (code is null or o.last_status_code = code)
        and (delivery_ids.event_type is null or exists (
          select from rowhook.event e where e.id = o.event_id and e.type = delivery_ids.event_type))
      order by o.created_at desc, o.id desc
      limit most) as newest
    order by newest.created_at desc, newest.id desc
    limit most);
end
$$;
comment on function rowhook.delivery_ids(
  uuid, uuid, text[], timestamptz, timestamptz, timestamptz, bigint, text, text, text, int, int) is
  'ids, newest first; each status is an index range of its own, so that only the filters code and event_type read rows that they do not return';

create or replace function rowhook.newest_of_type(
  organization uuid, webhook uuid, wanted text[], since timestamptz, until timestamptz,
  before_at timestamptz, before_id bigint, event_type text, code int, most int
) returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
as $$
declare
  most_read int;
  read_ids bigint[];
  found_ids bigint[];
begin
  foreach most_read in array array[4 * most, greatest(4 * most, 5000)] loop
    read_ids := rowhook.delivery_ids(
      organization, webhook, wanted, since, until, before_at, before_id, null, null, null, code, most_read);
    found_ids := array(
      select o.id
      from unnest(read_ids) with ordinality as listed (id, place)
      join rowhook.outbox o on o.id = listed.id
      join rowhook.event e on e.id = o.event_id and e.type = newest_of_type.event_type
      order by listed.place
      limit most);
    if cardinality(found_ids) = most or cardinality(read_ids) < most_read then
      return found_ids;
    end if;
  end loop;
  return null;
end
$$;
comment on function rowhook.newest_of_type(
  uuid, uuid, text[], timestamptz, timestamptz, timestamptz, bigint, text, int, int) is
  'like delivery_ids, among the newest deliveries of a webhook; null if too few of them are of the event type';

create or replace function rowhook.delivery_page(
  organization uuid, webhook uuid, wanted text[], since timestamptz, until timestamptz,
  before_at timestamptz, before_id bigint, job text, commit_key text, event_type text, code int, most int
) returns setof json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  -- Evaluated once; inside the statement below it might be evaluated per row.
  found_ids bigint[] := rowhook.delivery_ids(
    organization, webhook, wanted, coalesce(since, '-infinity'), coalesce(until, 'infinity'),
    coalesce(before_at, 'infinity'), coalesce(before_id, 0), job, commit_key, event_type, code, most);
begin
  return query
    select row_to_json(d) from rowhook.shown_delivery d
    where d.id = any (found_ids)
    order by d.created_at desc, d.id desc;
end
$$;
comment on function rowhook.delivery_page(
  uuid, uuid, text[], timestamptz, timestamptz, timestamptz, bigint, text, text, text, int, int) is
  'deliveries, newest first, after the one created at `before_at` with the id `before_id`';

create or replace function rowhook.session_page(wanted_session text, before_id bigint, most int) returns setof json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return query
    select row_to_json(d)
    from rowhook.event e
    join rowhook.shown_delivery d on d.event_id = e.id
    where e.session_id = wanted_session and (before_id is null or d.id < before_id)
    order by d.id desc
    limit most;
end
$$;
comment on function rowhook.session_page(text, bigint, int) is
  'deliveries of a session''s commits, newest first';

create or replace function rowhook.attempts_of(delivery bigint) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select row_to_json(document) from (
    select a.number, a.started_at, a.rendered_ms, a.validated_ms, a.duration_ms, a.outcome, a.status_code, a.error, a.revision,
           a.request, a.response_headers, a.response_body
    from rowhook.attempt a
    where a.outbox_id = delivery
    order by a.number) as document
$$;
comment on function rowhook.attempts_of(bigint) is 'attempts of a delivery, in order';

create or replace function rowhook.delivery_of(delivery bigint) returns setof json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return query
    select row_to_json(document) from (
      select d.*, e.occurred_at, e.created_at as captured_at,
             array(select rowhook.attempts_of(d.id)) as tries
      from rowhook.shown_delivery d
      left join rowhook.event e on e.id = d.event_id
      where d.id = delivery) as document;
end
$$;
comment on function rowhook.delivery_of(bigint) is
  'a delivery with its attempts as `tries`, from one snapshot';

create or replace function rowhook.webhook_names(organization uuid, first uuid, most int) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(document) from (
    select w.id, w.name from rowhook.webhook w
    where organization is null or w.organization_id = organization
    order by w.id is not distinct from first desc, lower(w.name), w.id
    limit most) as document
$$;
comment on function rowhook.webhook_names(uuid, uuid, int) is
  'webhooks by name, `first` before all others, for a form';

create or replace function rowhook.organization_page(after_id uuid, most int, search text default null) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(document) from (
    select o.id, o.external_id, o.name from rowhook.organization o
    where rowhook.can_see(o.id) and (after_id is null or o.id > after_id)
      and (search is null or rowhook.contains_text(search, array[o.name, o.id::text, o.external_id]))
    order by o.id
    limit most) as document
$$;

create or replace function rowhook.agent_page(organization uuid, after_id uuid, most int, search text default null) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(document) from (
    select a.id, a.external_id, rowhook.organization_platform_id(a.organization_id) as organization_id, a.name,
           array(select json_build_object('id', w.id, 'name', w.name)
                 from rowhook.link l join rowhook.webhook w on w.id = l.webhook_id
                 where l.agent_id = a.id order by l.id) as webhooks
    from rowhook.agent a
    where (organization is null or a.organization_id = organization) and rowhook.can_see(a.organization_id)
      and (after_id is null or a.id > after_id)
      and (search is null or rowhook.contains_text(search, array[a.name, a.id::text, a.external_id]))
    order by a.id
    limit most) as document
$$;

create or replace function rowhook.goal_page(organization uuid, after_id text, most int, search text default null) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(document) from (
    select g.id, rowhook.organization_platform_id(g.organization_id) as organization_id, g.template_id, g.name,
           array(select json_build_object('id', w.id, 'name', w.name)
                 from rowhook.link l join rowhook.webhook w on w.id = l.webhook_id
                 where l.goal_id = g.id order by l.id) as webhooks
    from rowhook.goal g
    where (organization is null or g.organization_id = organization) and rowhook.can_see(g.organization_id)
      and (after_id is null or g.id > after_id)
      and (search is null or rowhook.contains_text(search, array[g.name, g.id]))
    order by g.id
    limit most) as document
$$;

create or replace function rowhook.search_deliveries(
  organization uuid, webhook uuid, wanted text[], since timestamptz, until timestamptz,
  before_at timestamptz, before_id bigint, job text, commit_key text, event_type text, code int,
  search text, most int, most_rows int, most_text bigint
) returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  -- One more than is searched, which tells whether older ones are left.
  candidates constant bigint[] := rowhook.delivery_ids(
    organization, webhook, wanted, coalesce(since, '-infinity'), coalesce(until, 'infinity'),
    coalesce(before_at, 'infinity'), coalesce(before_id, 0), job, commit_key, event_type, code, most_rows + 1);
  needle constant text := lower(search);
  -- A value that contains quotes or backslashes, which JSON escapes. A piece of JSON is found without that.
  json_needle constant text := lower(substr(to_json(search)::text, 2, length(to_json(search)::text) - 2));
  row_searched record;
  last_at timestamptz;
  last_id bigint;
  payload text;
  text_left bigint := most_text;
  searched int := 0;
  found_ids bigint[] := '{}';
begin
  for row_searched in
    select o.id, o.created_at, o.last_error, e.key, e.job_id, e.commit_id, e.goal_id, e.session_id, e.agent_id,
           e.agent_external_id, coalesce(e.agent_name, a.name) as agent_name, e.data, e.context
    from unnest(candidates[1:most_rows]) with ordinality as listed (id, place)
    join rowhook.outbox o on o.id = listed.id
    left join rowhook.event e on e.id = o.event_id
    left join rowhook.agent a on a.id = e.agent_id
    order by listed.place
  loop
    payload := lower(concat(row_searched.data::text, e' \n', row_searched.context::text));
    text_left := text_left - length(payload);
    if cardinality(found_ids) = most or (text_left < 0 and searched > 0) then
      exit;
    end if;
    searched := searched + 1;
    last_at := row_searched.created_at;
    last_id := row_searched.id;
    if strpos(lower(concat_ws(
         e'\n', row_searched.id, row_searched.key, row_searched.job_id, row_searched.commit_id, row_searched.goal_id,
         row_searched.session_id, row_searched.agent_id, row_searched.agent_external_id, row_searched.agent_name,
         row_searched.last_error)), needle) > 0
      or strpos(payload, needle) > 0 or strpos(payload, json_needle) > 0
    then
      found_ids := found_ids || row_searched.id;
    end if;
  end loop;
  return json_build_object(
    'items', coalesce((
      select json_agg(row_to_json(d) order by d.created_at desc, d.id desc)
      from rowhook.shown_delivery d where d.id = any (found_ids)), '[]'),
    'searched', searched,
    'since', last_at,
    'last_id', case when searched < cardinality(candidates) then last_id end);
end
$$;
comment on function rowhook.search_deliveries(
  uuid, uuid, text[], timestamptz, timestamptz, timestamptz, bigint, text, text, text, int, text, int, int, bigint) is
  'deliveries that contain a text in an id, goal, agent, session, error or payload, newest first: among at most most_rows deliveries with most_text characters of payload; searched says how many were, since the creation time of the oldest, last_id its id if older ones are left';

create or replace function rowhook.deliveries_with_id(organization uuid, id text, most int) returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
as $$
declare
  found_ids constant bigint[] := array(
    select o.id from rowhook.outbox o
    where $2 ~ '^[0-9]{1,18}$' and o.id = (case when $2 ~ '^[0-9]{1,18}$' then $2 end)::bigint
    union
    (select o.id from rowhook.event e join rowhook.outbox o on o.event_id = e.id where e.commit_id = $2 limit most)
    union
    (select o.id from rowhook.event e join rowhook.outbox o on o.event_id = e.id where e.job_id = $2 limit most)
    union
    (select o.id from (
       select e.id from rowhook.event e where e.session_id = $2 order by e.xact desc, e.id desc limit most) as newest
     join rowhook.outbox o on o.event_id = newest.id limit most));
begin
  return coalesce((
    select json_agg(row_to_json(d) order by d.created_at desc, d.id desc)
    from rowhook.shown_delivery d
    join rowhook.outbox o on o.id = d.id
    where d.id = any (found_ids) and ($1 is null or o.organization_id = $1)), '[]');
end
$$;
comment on function rowhook.deliveries_with_id(uuid, text, int) is
  'deliveries of any age with this id, or of the commit, job or session with this id, newest first';
