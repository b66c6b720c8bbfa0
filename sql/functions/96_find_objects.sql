-- Search by id or name, and the counts and names that every page of the dashboard shows.

create or replace function rowhook.find_objects(search text, most int) returns setof json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  row_id constant bigint := case when search ~ '^[0-9]{1,18}$' then search::bigint end;
begin
  return query
    select row_to_json(document) from (
      select hit.kind, hit.id, hit.name, hit.detail, hit.commit_id, hit.job_id, hit.delivery_id, o.name as organization
      from (
        select 1 as place, d.* from (
          select 'delivery' as kind, d.id::text as id, null as name,
                 concat_ws(' · ', d.status, d.event_type, d.webhook_name) as detail,
                 null as commit_id, null as job_id, d.id as delivery_id, o.organization_id
          from rowhook.outbox o
          join rowhook.shown_delivery d on d.id = o.id
          where o.id = row_id) as d
        union all
        select 2, e.* from (
          select 'event', e.id::text, null, e.type, e.commit_id, e.job_id,
                 (select min(o.id) from rowhook.outbox o where o.event_id = e.id), e.organization_id
          from rowhook.event e where e.id = row_id) as e
        union all
        select 3, e.* from (
          select 'commit', e.commit_id, null, concat_ws(' · ', e.type, e.goal_id), e.commit_id, null, null::bigint, e.organization_id
          from rowhook.event e where e.commit_id = search limit 1) as e
        union all
        select 4, e.* from (
          select 'job', e.job_id, null, concat_ws(' · ', e.type, e.agent_name), null, e.job_id, null::bigint, e.organization_id
          from rowhook.event e where e.job_id = search limit 1) as e
        union all
        select 5, e.* from (
          select 'session', e.session_id, null, concat_ws(' · ', 'commit ' || e.commit_id, e.goal_id),
                 e.commit_id, null, (select min(o.id) from rowhook.outbox o where o.event_id = e.id), e.organization_id
          from rowhook.event e where e.session_id = search
          order by e.xact desc, e.id desc limit most) as e
        union all
        select 6, w.* from (
          select 'webhook', w.id::text, w.name, coalesce(w.url, w.kind), null, null, null::bigint, w.organization_id
          from rowhook.webhook w
          where rowhook.contains_text(search, array[w.name, w.id::text])
          order by rowhook.search_rank(search, array[w.name]), lower(w.name), w.id limit most) as w
        union all
        select 7, g.* from (
          select 'goal', g.id, g.name, null, null, null, null::bigint, g.organization_id
          from rowhook.goal g
          where rowhook.can_see(g.organization_id) and rowhook.contains_text(search, array[g.name, g.id])
          order by rowhook.search_rank(search, array[g.name, g.id]), g.id limit most) as g
        union all
        select 8, a.* from (
          select 'agent', coalesce(a.external_id, a.id::text), a.name, null, null, null, null::bigint, a.organization_id
          from rowhook.agent a
          where rowhook.can_see(a.organization_id)
            and rowhook.contains_text(search, array[a.name, a.id::text, a.external_id])
          order by rowhook.search_rank(search, array[a.name, a.external_id]), lower(a.name), a.id limit most) as a
        union all
        select 9, o.* from (
          select 'organization', o.id::text, o.name, o.external_id, null, null, null::bigint, o.id
          from rowhook.organization o
          where current_setting('rowhook.operator', true) = 'on'
            and rowhook.contains_text(search, array[o.name, o.id::text, o.external_id])
          order by rowhook.search_rank(search, array[o.name, o.external_id]), lower(o.name), o.id limit most) as o
      ) as hit
      left join rowhook.organization o on o.id = hit.organization_id
      order by hit.place) as document;
end
$$;
comment on function rowhook.find_objects(text, int) is
  'objects with this id that this transaction can see, and at most `most` of each kind whose name or id contains the text; ids of jobs, commits and sessions must be complete, and a session is listed with its newest commits';

create or replace function rowhook.search_rank(search text, names text[]) returns int
language sql immutable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  -- 0: equal, 1: begins with the text, 2: other.
  select coalesce(min(case strpos(lower(one), lower(search))
                        when 1 then (length(one) > length(search))::int else 2 end), 2)
  from unnest(names) as one
$$;

create or replace function rowhook.organization_names(ids text[]) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(document) from (
    select listed.id, o.name
    from unnest(ids) as listed (id)
    cross join lateral (
      select o.id, o.name from rowhook.organization o where o.external_id = listed.id
      union all
      select o.id, o.name from rowhook.organization o
      where o.id = rowhook.parse_uuid(listed.id) and o.external_id is null
      limit 1) as o
    where rowhook.can_see(o.id)) as document
$$;
comment on function rowhook.organization_names(text[]) is 'names of organizations, by their platform ids';

create or replace function rowhook.navigation_counts(most int) returns json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select json_build_object(
    'webhooks', (select count(*) from (select from rowhook.webhook limit most) as w),
    'deliveries', rowhook.count_by_status(
      null, null, array['pending', 'sending', 'held'], null, null, null, null, null, null, most))
$$;
comment on function rowhook.navigation_counts(int) is
  'how many webhooks and waiting deliveries this transaction can see, at most `most` of each';

create or replace function rowhook.names_of_webhooks(ids uuid[]) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(document) from (
    select listed.id, rowhook.webhook_name(listed.id) as name,
           exists (select from rowhook.webhook w where w.id = listed.id) as exists,
           (select o.name from rowhook.webhook_revision v join rowhook.organization o on o.id = v.organization_id
            where v.webhook_id = listed.id and v.revision = 1 and rowhook.can_see(o.id)) as organization
    from unnest(ids) as listed (id)) as document
$$;
comment on function rowhook.names_of_webhooks(uuid[]) is
  'names of webhooks, of deleted ones the last, and of their organizations; null for those that this transaction cannot see';
