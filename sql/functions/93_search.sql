-- The text search of the list of deliveries.

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
