-- Test sends, previews and proposed commits. Nothing is queued.

create or replace function rowhook.sample_job(organization uuid, wanted_agent uuid)
returns table (snapshot text, moment timestamptz)
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(shot)::text, clock_timestamp()
  from rowhook.organization o
  left join rowhook.agent a on a.id = wanted_agent and a.organization_id = o.id
  left join lateral (
    -- The table has no time column: the newest version is the one written last.
    select v.id, v.name from rowhook.agent_version v
    where v.agent_id = a.id order by v.ctid desc limit 1) as newest on true,
  lateral (select coalesce(a.external_id, a.id::text, gen_random_uuid()::text) as id, coalesce(a.name, 'Sample agent') as name) as agent,
  lateral (select coalesce(newest.id, gen_random_uuid()) as id, coalesce(newest.name, 'v1') as name) as version,
  lateral (select gen_random_uuid() as id, 'succeeded' as status, 1 as status_code, 0.0042 as cost,
                  rowhook.rfc3339(clock_timestamp() - interval '7 seconds') as created_at,
                  rowhook.rfc3339(clock_timestamp()) as completed_at) as job,
  lateral (select coalesce(o.external_id, o.id::text) as id, o.name) as owner,
  lateral (select row_to_json(agent) as agent, row_to_json(version) as agent_version,
                  row_to_json(job) as job, row_to_json(owner) as organization) as shot
  where o.id = sample_job.organization and rowhook.can_see(o.id)
    and (wanted_agent is null or a.id is not null)
$$;
comment on function rowhook.sample_job(uuid, uuid) is
  'snapshot of a sample job of this agent, or of none; no row if the agent does not belong to the organization';

create or replace function rowhook.sample_commit(organization uuid, wanted_goal text)
returns table (snapshot text, moment timestamptz)
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(shot)::text, clock_timestamp()
  from rowhook.goal g
  join rowhook.organization o on o.id = g.organization_id,
  lateral (select g.id) as goal,
  lateral (select g.template_id as id) as template,
  lateral (select 'session_sample' as id) as session,
  lateral (select 'interview_sample' as id) as interview,
  lateral (select coalesce(o.external_id, o.id::text) as id, o.name) as owner,
  lateral (select 'commit_' || replace(gen_random_uuid()::text, '-', '') as commit_id,
                  rowhook.rfc3339(clock_timestamp()) as committed_at,
                  row_to_json(goal) as goal, row_to_json(template) as template,
                  row_to_json(session) as session, row_to_json(interview) as interview,
                  row_to_json(owner) as organization) as shot
  where g.id = wanted_goal and o.id = sample_commit.organization and rowhook.can_see(o.id)
$$;
comment on function rowhook.sample_commit(uuid, text) is
  'snapshot of a sample commit to this goal; no row if the goal does not belong to the organization';

create or replace function rowhook.sample_event(organization uuid, wanted bigint)
returns table (
  id bigint, type text, key text, occurred_at timestamptz, snapshot text, data text, context text,
  oversize_bytes bigint, agent_id uuid, goal_id text, moment timestamptz
)
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select e.id, e.type, e.key, rowhook.readable_time(e.occurred_at), rowhook.event_snapshot(e), e.data::text, e.context::text,
         e.oversize_bytes, e.agent_id, e.goal_id, clock_timestamp()
  from rowhook.event e
  where e.id = wanted and e.organization_id = sample_event.organization
$$;
comment on function rowhook.sample_event(uuid, bigint) is
  'an event as captured, digit for digit; no row if it does not belong to the organization';

create or replace function rowhook.begin_test(
  webhook uuid, event_key text, agent uuid, goal text, snapshot json, data json, context json, oversize bigint
) returns table (event_id bigint, moment timestamptz)
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  organization uuid;
begin
  select w.organization_id into organization from rowhook.webhook w where w.id = webhook;
  if not found then
    return;
  end if;
  event_id := nextval('rowhook.event_id');
  moment := clock_timestamp();
  insert into rowhook.event
    (id, organization_id, type, key, agent_id, goal_id, snapshot, data, context, oversize_bytes, occurred_at)
  values
    (event_id, organization, 'webhook.test', event_key, agent, goal, snapshot, data, context, oversize, moment);
  perform rowhook.write_audit(organization, 'webhook.tested', webhook::text, null,
    json_build_object('event_id', event_id, 'key', event_key, 'agent_id', agent, 'goal_id', goal));
  return next;
end
$$;
comment on function rowhook.begin_test(uuid, text, uuid, text, json, json, json, bigint) is
  'writes the event and the audit row of a test send; no row if there is no such webhook';

-- Checks before a commit. Nothing is written.

create or replace function rowhook.proposed_commit(wanted_goal text, wanted_session text, wanted_interview text)
returns table (organization_id uuid, snapshot text, context text, moment timestamptz)
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select g.organization_id, row_to_json(shot)::text, s.context::text, clock_timestamp()
  from rowhook.goal g
  join rowhook.organization o on o.id = g.organization_id
  left join rowhook.session s on s.id = wanted_session and s.organization_id = g.organization_id,
  lateral (select g.id) as goal,
  lateral (select g.template_id as id) as template,
  lateral (select s.id) as session,
  lateral (select wanted_interview as id) as interview,
  lateral (select coalesce(o.external_id, o.id::text) as id, o.name) as owner,
  lateral (select 'commit_' || replace(gen_random_uuid()::text, '-', '') as commit_id,
                  rowhook.rfc3339(clock_timestamp()) as committed_at,
                  row_to_json(goal) as goal, row_to_json(template) as template,
                  row_to_json(session) as session, row_to_json(interview) as interview,
                  row_to_json(owner) as organization) as shot
  where g.id = wanted_goal and rowhook.can_see(g.organization_id)
    and (wanted_session is null or s.id is not null)
$$;
comment on function rowhook.proposed_commit(text, text, text) is
  'snapshot of a proposed commit, with the context of its session; no row if this transaction cannot see the goal or session';

create or replace function rowhook.has_path(document json, path text[]) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return (document #> path) is not null;
exception when untranslatable_character or invalid_text_representation then
  -- The json contains text that PostgreSQL cannot represent, but that does not make it invalid.
  return null;
end
$$;
comment on function rowhook.has_path(json, text[]) is
  'whether a path exists, even as null; null if that cannot be determined';

create or replace function rowhook.validate_commit(goal_id text, data json, context json default '{}')
returns table (webhook_id uuid, pointer text, message text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with output as (
    select w.id, w.state, w.required_paths
    from rowhook.link l
    join rowhook.webhook w on w.id = l.webhook_id
    where l.goal_id = validate_commit.goal_id
      and (w.event_types = '{}' or 'goal.committed' = any (w.event_types))
  ), missing as (
    select o.id, use.root, use.path
    from output o
    cross join lateral json_to_recordset(o.required_paths) as use (root text, path text[])
    where o.state <> 'disabled'
      and not rowhook.has_path(
        case use.root
          when 'data' then coalesce(validate_commit.data, 'null')
          else coalesce(validate_commit.context, '{}')
        end, use.path)
  )
  select m.id,
         case m.root when 'data'
           then (select string_agg('/' || replace(replace(step, '~', '~0'), '/', '~1'), '' order by place)
                 from unnest(m.path) with ordinality as one (step, place))
           else '' end,
         format('%s.%s is missing', m.root, array_to_string(m.path, '.'))
  from missing m
  union all
  select o.id, null,
         case o.state when 'disabled' then 'webhook is disabled; the delivery would be skipped'
           else 'paths present; schema not checked in SQL' end
  from output o
  where not exists (select from missing m where m.id = o.id)
$$;
comment on function rowhook.validate_commit(text, json, json) is
  'checks which paths required by the outputs of a goal are missing in proposed data: one row per fault, and one with a null pointer for an output without any';

-- Security definer: the API may write a table of the platform only here.
create or replace function rowhook.make_commit(
  wanted_goal text, wanted_session text, wanted_interview text, proposed json, wanted_id text
) returns table (commit_id text, is_new boolean)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  organization uuid;
  chosen text := coalesce(wanted_id, 'commit_' || replace(gen_random_uuid()::text, '-', ''));
begin
  select g.organization_id into organization
  from rowhook.goal g
  left join rowhook.session s on s.id = wanted_session and s.organization_id = g.organization_id
  where g.id = wanted_goal and rowhook.can_see(g.organization_id)
    and (wanted_session is null or s.id is not null);
  if not found then
    return;
  end if;
  insert into rowhook.commit (id, goal_id, session_id, interview_id, data)
  values (chosen, wanted_goal, wanted_session, wanted_interview, proposed)
  on conflict do nothing;
  is_new := found;
  if is_new then
    perform rowhook.write_audit(organization, 'commit.made', chosen, null, json_build_object('goal_id', wanted_goal));
  else
    -- The same id again is the same commit, for a client that did not receive the response.
    perform from rowhook.commit c where c.id = chosen and c.goal_id = wanted_goal;
    if not found then
      raise exception using errcode = 'RH003', message = 'The commit_id belongs to a commit of another goal.',
        hint = 'Use another commit_id, or omit it.';
    end if;
  end if;
  commit_id := chosen;
  return next;
end
$$;
comment on function rowhook.make_commit(text, text, text, json, text) is
  'inserts a commit for an agent; no row if this transaction cannot see the goal or session. Raises RH003 if the id belongs to a commit of another goal';
