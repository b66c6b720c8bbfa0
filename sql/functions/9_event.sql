-- Events one by one, and the newest of them: for people who try a webhook out.

create or replace function rowhook.event_of(wanted bigint) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
set timezone = 'UTC'
as $$
  select row_to_json(shown) from (
    select e.id, rowhook.organization_platform_id(e.organization_id) as organization_id, e.type, e.key, e.job_id, e.commit_id,
           coalesce(e.agent_external_id, rowhook.agent_platform_id(e.agent_id)) as agent_id, e.goal_id,
           e.session_id, e.occurred_at, e.oversize_bytes,
           -- As texts: what the platform commits may be no JSON to whoever reads the rest.
           rowhook.event_snapshot(e) as snapshot, e.data::text as data, e.context::text as context
    from rowhook.event e where e.id = wanted) as shown
$$;
comment on function rowhook.event_of(bigint) is 'one event; its snapshot, data and context are texts of JSON, digit for digit';

create or replace function rowhook.recent_events(
  organization uuid, webhook uuid, wanted_agent uuid, wanted_goal text, most int
) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
set timezone = 'UTC'
set plan_cache_mode = force_custom_plan
as $$
  select row_to_json(shown) from (
    select e.id, rowhook.organization_platform_id(e.organization_id) as organization_id, e.type, e.key,
           coalesce(e.agent_external_id, rowhook.agent_platform_id(e.agent_id)) as agent_id, e.goal_id, e.occurred_at,
           coalesce(a.name, g.name, e.goal_id) as name
    from rowhook.organization o
    cross join lateral (
      -- What is asked for is among the newest, or it is not recent.
      select newest.* from (
        select n.id, n.organization_id, n.type, n.key, n.agent_id, n.agent_external_id, n.goal_id, n.occurred_at, n.xact
        from rowhook.event n
        where n.organization_id = o.id
        order by n.xact desc, n.id desc
        limit 2000) as newest
      where newest.type in ('job.succeeded', 'job.failed', 'goal.committed')
        and (wanted_agent is null or newest.agent_id = wanted_agent)
        and (wanted_goal is null or newest.goal_id = wanted_goal)
        and (webhook is null or exists (
          select from rowhook.link l
          where l.webhook_id = webhook and (l.agent_id = newest.agent_id or l.goal_id = newest.goal_id)))
      order by newest.xact desc, newest.id desc
      limit most) as e
    left join rowhook.agent a on a.id = e.agent_id
    left join rowhook.goal g on g.id = e.goal_id
    where rowhook.sees(o.id) and (organization is null or o.id = organization)
      -- What is asked for is of one organization: no other's events are looked through.
      and (webhook is null or o.id = (select w.organization_id from rowhook.webhook w where w.id = webhook))
      and (wanted_agent is null or o.id = (select a.organization_id from rowhook.agent a where a.id = wanted_agent))
      and (wanted_goal is null or o.id = (select g.organization_id from rowhook.goal g where g.id = wanted_goal))
    order by e.occurred_at desc, e.id desc
    limit most) as shown
$$;
comment on function rowhook.recent_events(uuid, uuid, uuid, text, int) is
  'jobs and commits among the newest 2,000 events of each organization, newest first; with a webhook those that its links bring to it';
