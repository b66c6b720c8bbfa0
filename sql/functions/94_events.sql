-- Events: snapshots, lists and the polling feed.

create or replace function rowhook.readable_time(moment timestamptz) returns timestamptz
language sql immutable
return least(greatest(moment, '0001-01-03 UTC'), '9999-12-29 UTC');
comment on function rowhook.readable_time(timestamptz) is
  'time limited to the range that clients can read in every time zone: the local year must be between 1 and 9999. Payloads have the exact time, as text';

create or replace function rowhook.json_number(written text) returns text
language sql immutable
return case when written ~ '^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$' then written else 'null' end;
comment on function rowhook.json_number(text) is
  'number as it was written; null if JSON cannot represent it, such as NaN';

-- Stable like to_json; an immutable function that calls it would not be inlined.
create or replace function rowhook.json_text(written text) returns text
language sql stable
return coalesce(to_json(written)::text, 'null');

create or replace function rowhook.event_snapshot(e rowhook.event) returns text
language sql stable
return case
  when e.snapshot is not null then e.snapshot::text
  when e.commit_id is not null then format(
    '{"commit_id":%s,"committed_at":%s,"goal":{"id":%s},"template":{"id":%s},"session":{"id":%s},'
    '"interview":{"id":%s},"organization":{"id":%s,"name":%s}%s}',
    rowhook.json_text(e.commit_id),
    rowhook.json_text(case when e.is_untimed is null then rowhook.rfc3339(e.occurred_at) end),
    rowhook.json_text(e.goal_id), rowhook.json_text(e.template_id), rowhook.json_text(e.session_id),
    rowhook.json_text(e.interview_id),
    rowhook.json_text(coalesce(e.organization_external_id, e.organization_id::text)),
    rowhook.json_text(e.organization_name),
    ',"traceparent":"' || e.traceparent || '"')
  else format(
    '{"agent":{"id":%s,"name":%s},"agent_version":{"id":%s,"name":%s},'
    '"job":{"id":%s,"status":%s,"status_code":%s,"cost":%s,"created_at":%s,"completed_at":%s},'
    '"organization":{"id":%s,"name":%s}%s}',
    rowhook.json_text(coalesce(e.agent_external_id, e.agent_id::text)), rowhook.json_text(e.agent_name),
    rowhook.json_text(e.agent_version_id), rowhook.json_text(e.agent_version_name),
    rowhook.json_text(e.job_id), rowhook.json_text(e.job_status),
    rowhook.json_number(e.status_code), rowhook.json_number(e.cost), rowhook.json_text(e.job_created_at),
    rowhook.json_text(case when e.is_untimed is null then rowhook.rfc3339(e.occurred_at) end),
    rowhook.json_text(coalesce(e.organization_external_id, e.organization_id::text)),
    rowhook.json_text(e.organization_name),
    ',"traceparent":"' || e.traceparent || '"')
end;
comment on function rowhook.event_snapshot(rowhook.event) is
  'names, platform ids and times as they were at the moment of the event';

-- Single events, and the newest ones, for trying out a webhook.

create or replace function rowhook.event_of(wanted bigint) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
set timezone = 'UTC'
as $$
  select row_to_json(document) from (
    select e.id, rowhook.organization_platform_id(e.organization_id) as organization_id, e.type, e.key, e.job_id, e.commit_id,
           coalesce(e.agent_external_id, rowhook.agent_platform_id(e.agent_id)) as agent_id, e.goal_id,
           e.session_id, e.occurred_at, e.oversize_bytes,
           -- As text, because the platform's JSON may be unreadable to the client.
           rowhook.event_snapshot(e) as snapshot, e.data::text as data, e.context::text as context
    from rowhook.event e where e.id = wanted) as document
$$;
comment on function rowhook.event_of(bigint) is
  'one event; snapshot, data and context are JSON text, digit for digit';

create or replace function rowhook.recent_events(
  organization uuid, webhook uuid, wanted_agent uuid, wanted_goal text, most int
) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
set timezone = 'UTC'
set plan_cache_mode = force_custom_plan
-- As in rowhook.delivery_ids: otherwise all events of an organization would be read and sorted.
set enable_bitmapscan = off
set enable_sort = off
as $$
  select row_to_json(document) from (
    select e.id, rowhook.organization_platform_id(e.organization_id) as organization_id, e.type, e.key,
           coalesce(e.agent_external_id, rowhook.agent_platform_id(e.agent_id)) as agent_id, e.goal_id, e.occurred_at,
           coalesce(a.name, g.name, e.goal_id) as name
    from rowhook.organization o
    cross join lateral (
      -- Only the newest events are searched.
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
    where rowhook.can_see(o.id) and (organization is null or o.id = organization)
      -- These belong to one organization, so events of others are not searched.
      and (webhook is null or o.id = (select w.organization_id from rowhook.webhook w where w.id = webhook))
      and (wanted_agent is null or o.id = (select a.organization_id from rowhook.agent a where a.id = wanted_agent))
      and (wanted_goal is null or o.id = (select g.organization_id from rowhook.goal g where g.id = wanted_goal))
    order by e.occurred_at desc, e.id desc
    limit most) as document
$$;
comment on function rowhook.recent_events(uuid, uuid, uuid, text, int) is
  'jobs and commits among the newest 2,000 events of each organization, newest first; with a webhook, those that its links deliver to it';

-- Polling feed, in commit order, without gaps.

create or replace function rowhook.feed_end(
  organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most int,
  out xact xid8, out id bigint
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  settled constant xid8 := rowhook.settled_before();
  most_read int;
begin
  if wanted && array['job.succeeded', 'goal.committed'] then
    foreach most_read in array array[10, 100] loop
      select matching.xact, matching.id into xact, id
      from (
        select next.xact, next.id
        from rowhook.organization o
        cross join lateral (
          select e.xact, e.id, e.type, e.agent_id, e.goal_id from rowhook.event e
          where e.organization_id = o.id and (e.xact, e.id) > (after_xact, after_id) and e.xact < settled
          order by e.xact, e.id
          limit most_read) as next
        where rowhook.can_see(o.id) and (organization is null or o.id = organization)
          and next.type = any (wanted)
          and (wanted_agent is null or next.agent_id = wanted_agent)
          and (wanted_goal is null or next.goal_id = wanted_goal)) as matching
      order by matching.xact, matching.id
      offset most - 1 limit 1;
      if found then
        return;
      end if;
    end loop;
  end if;
  xact := '18446744073709551615';
  id := 9223372036854775807;
end
$$;
comment on function rowhook.feed_end(uuid, uuid, text, text[], xid8, bigint, int) is
  'a position up to which at least `most` events follow a position of the feed, among the first few of each organization, or the last possible position: an organization that lacks the type is not read further';

create or replace function rowhook.event_feed(
  organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most int
) returns table (xact text, id bigint, event json)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
set timezone = 'UTC'
set plan_cache_mode = force_custom_plan
-- As in rowhook.delivery_ids: otherwise all events of an organization would be read and sorted.
set enable_bitmapscan = off
set enable_sort = off
as $$
  with last as materialized (
    select l.xact, l.id
    from rowhook.feed_end(organization, wanted_agent, wanted_goal, wanted, after_xact, after_id, most) as l
  ), page as (
    select e.xact, e.id,
           sum(coalesce(octet_length(e.data::text), 0) + coalesce(octet_length(e.context::text), 0))
             over (order by e.xact, e.id) as bytes
    from (
      select next.*
      from last
      cross join rowhook.organization o
      cross join lateral (
        (select e.xact, e.id, e.data, e.context from rowhook.event e
         where e.organization_id = o.id and (e.xact, e.id) > (after_xact, after_id) and (e.xact, e.id) <= (last.xact, last.id)
           -- Everything that commits from now on sorts later: no older transaction is open.
           and e.xact < (select rowhook.settled_before())
           and e.type = any (wanted) and wanted && array['job.succeeded', 'goal.committed']
           and (wanted_agent is null or e.agent_id = wanted_agent)
           and (wanted_goal is null or e.goal_id = wanted_goal)
         order by e.xact, e.id
         limit most)
        union all
        -- The other types have an index, so that no events of these two types are read for them.
        (select e.xact, e.id, e.data, e.context
         -- A request may name a type twice.
         from (select distinct named.type from unnest(wanted) as named (type)) as rare
         cross join lateral (
           select e.xact, e.id, e.data, e.context from rowhook.event e
           where e.type = rare.type and e.type not in ('job.succeeded', 'goal.committed')
             and e.organization_id = o.id and (e.xact, e.id) > (after_xact, after_id)
             and e.xact < (select rowhook.settled_before())
             and (wanted_agent is null or e.agent_id = wanted_agent)
             and (wanted_goal is null or e.goal_id = wanted_goal)
           order by e.xact, e.id
           limit most) as e
         where not wanted && array['job.succeeded', 'goal.committed'])
        order by xact, id
        limit most) as next
      where rowhook.can_see(o.id) and (organization is null or o.id = organization)
      order by next.xact, next.id
      limit most) as e
  )
  select p.xact::text, p.id, (
    select row_to_json(document) from (
      select e.id, rowhook.organization_platform_id(e.organization_id) as organization_id, e.type, e.key, e.job_id, e.commit_id,
             coalesce(e.agent_external_id, rowhook.agent_platform_id(e.agent_id)) as agent_id, e.goal_id,
             e.session_id, e.occurred_at, e.oversize_bytes,
             rowhook.event_snapshot(e) as snapshot, e.data::text as data, e.context::text as context
      from rowhook.event e where e.id = p.id) as document)
  from page p
  -- A page contains a few megabytes at most, and at least one event.
  where p.bytes <= 4194304 or p.id = (select f.id from page f order by f.xact, f.id limit 1)
  order by p.xact, p.id
$$;
comment on function rowhook.event_feed(uuid, uuid, text, text[], xid8, bigint, int) is
  'events after a position, ordered by (xact, id), up to rowhook.settled_before(); snapshot, data and context are JSON text';
