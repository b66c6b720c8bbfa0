-- Events for those who ask instead of being called: in the order of commits, none skipped.

create or replace function rowhook.event_feed(
  organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most int
) returns table (xact text, id bigint, event json)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
set timezone = 'UTC'
set plan_cache_mode = force_custom_plan
as $$
  with page as (
    select e.xact, e.id,
           sum(coalesce(octet_length(e.data::text), 0) + coalesce(octet_length(e.context::text), 0))
             over (order by e.xact, e.id) as bytes
    from (
      select next.*
      from rowhook.organization o
      cross join lateral (
        select e.xact, e.id, e.data, e.context from rowhook.event e
        where e.organization_id = o.id and (e.xact, e.id) > (after_xact, after_id)
          -- Whatever commits from now on comes after: nothing older is still open.
          and e.xact < (select rowhook.settled_before())
          and e.type = any (wanted)
          and (wanted_agent is null or e.agent_id = wanted_agent)
          and (wanted_goal is null or e.goal_id = wanted_goal)
        order by e.xact, e.id
        limit most) as next
      where rowhook.sees(o.id) and (organization is null or o.id = organization)
      order by next.xact, next.id
      limit most) as e
  )
  select p.xact::text, p.id, (
    select row_to_json(shown) from (
      select e.id, rowhook.organization_platform_id(e.organization_id) as organization_id, e.type, e.key, e.job_id, e.commit_id,
             coalesce(e.agent_external_id, rowhook.agent_platform_id(e.agent_id)) as agent_id, e.goal_id,
             e.session_id, e.occurred_at, e.oversize_bytes,
             rowhook.event_snapshot(e) as snapshot, e.data::text as data, e.context::text as context
      from rowhook.event e where e.id = p.id) as shown)
  from page p
  -- One answer holds some megabytes at most, and one event at least.
  where p.bytes <= 4194304 or p.id = (select f.id from page f order by f.xact, f.id limit 1)
  order by p.xact, p.id
$$;
comment on function rowhook.event_feed(uuid, uuid, text, text[], xid8, bigint, int) is
  'events after a place, in the order of (xact, id), up to rowhook.settled_before(); snapshot, data and context are texts of JSON';
