-- What a completion or a commit becomes: one event, and one outbox row for each linked webhook.

create or replace function rowhook.rfc3339(moment timestamptz) returns text
language sql stable parallel safe
return to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

-- Written as text: five rows made into JSON, one inside the other, took nearly twice as long.
create or replace function rowhook.commit_snapshot(
  commit_id text, committed_at timestamptz, goal_id text, template_id text, session_id text, interview_id text,
  organization_id uuid, organization_name text
) returns json
language sql stable
return format(
  '{"commit_id":%s,"committed_at":%s,"goal":{"id":%s},"template":{"id":%s},"session":{"id":%s},'
  '"interview":{"id":%s},"organization":{"id":"%s","name":%s}}',
  to_json(commit_id), coalesce('"' || rowhook.rfc3339(committed_at) || '"', 'null'), to_json(goal_id), coalesce(to_json(template_id)::text, 'null'),
  coalesce(to_json(session_id)::text, 'null'), coalesce(to_json(interview_id)::text, 'null'),
  organization_id, to_json(organization_name))::json;
comment on function rowhook.commit_snapshot(text, timestamptz, text, text, text, text, uuid, text) is
  'event.snapshot of a commit';

-- Called stable, so that the insert that asks it is planned without a subquery of its own.
create or replace function rowhook.first_attempt_at(schedule_s numeric[]) returns timestamptz
language plpgsql stable
as $$
begin
  return now() + make_interval(secs => rowhook.jittered(schedule_s[1]));
end
$$;

create or replace function rowhook.initial_state(state text, schedule_s numeric[])
returns table (status text, ready boolean, attempt_at timestamptz, finished_at timestamptz)
language sql stable
as $$
  select case when state = 'disabled' then 'skipped' else 'pending' end,
         state <> 'disabled' and schedule_s[1] = 0,
         case when state = 'disabled' then null
              when schedule_s[1] = 0 then now()
              else rowhook.first_attempt_at(schedule_s) end,
         case when state = 'disabled' then now() end
$$;
comment on function rowhook.initial_state(text, numeric[]) is
  'how a delivery begins, by its webhook; one row, part of the statement that asks';

-- Called by the capture and by heal alone, under their rights and settings. Their plans are kept for
-- the session: planning each time was five sixths of the cost (0.65 ms a commit, 0.12 without).
create or replace function rowhook.emit_jobs(
  job_ids uuid[], healing boolean default false, unless_after timestamptz default null
) returns bigint
language plpgsql
as $$
declare
  queued_rows bigint;
begin
  with completed as (
    select nextval('rowhook.event_id') as event_id, j.*,
           -- Not `exists`: over an event that is believed small the whole of it would be read and hashed.
           (select e.id from rowhook.event e where e.job_id = j.id limit 1) is not null as again
    -- Each by its id, whatever the statistics say: over a table that is believed small a join reads
    -- every finished job.
    from unnest(job_ids) as completed_id,
    lateral (select * from rowhook.job j where j.id = completed_id offset 0) as j
    where j.status in ('succeeded', 'failed')
      -- Looked at in this statement's snapshot: a capture that came meanwhile is not sent twice.
      and (unless_after is null or (
        select e.id from rowhook.event e
        where e.job_id = j.id and e.created_at >= unless_after
          and (unless_after = '-infinity' or e.type = 'job.' || j.status)
        limit 1) is null)
  ), inserted as (
    insert into rowhook.event
      (id, organization_id, type, key, job_id, agent_id, snapshot, data, context, occurred_at)
    select c.event_id, o.id, 'job.' || c.status,
           case when c.again then c.id || ':' || c.event_id else c.id::text end,
           c.id, a.id, row_to_json(shot),
           c.output, c.metadata, c.completed_at
    from completed c
    join rowhook.agent_version v on v.id = c.agent_version_id
    join rowhook.agent a on a.id = v.agent_id
    join rowhook.organization o on o.id = a.organization_id,
    lateral (select a.id, a.name) as agent,
    lateral (select v.id, v.name) as version,
    lateral (select c.id, c.status, c.status_code, c.cost, rowhook.rfc3339(c.created_at) as created_at,
                    rowhook.rfc3339(c.completed_at) as completed_at) as job,
    lateral (select o.id, o.name) as organization,
    lateral (select row_to_json(agent) as agent, row_to_json(version) as agent_version,
                    row_to_json(job) as job, row_to_json(organization) as organization) as shot
    returning id, type, organization_id, occurred_at, agent_id, xact
  )
  insert into rowhook.outbox
    (event_id, webhook_id, organization_id, status, ready, next_attempt_at, finished_at, ordered_by)
  select e.id, w.id, e.organization_id, first.status, first.ready, first.attempt_at, first.finished_at,
         case when w.ordered then e.xact end
  from inserted e
  join rowhook.link l on l.agent_id = e.agent_id
  join rowhook.webhook w on w.id = l.webhook_id
  cross join lateral rowhook.initial_state(w.state, w.retry_schedule_s) as first
  where (w.event_types = '{}' or e.type = any (w.event_types))
    -- A heal sends to the links of that time: a new link never gets the past.
    and (not healing or l.created_at <= e.occurred_at);
  get diagnostics queued_rows = row_count;
  return queued_rows;
end
$$;

create or replace function rowhook.heal_commits(commit_ids text[]) returns bigint
language plpgsql
as $$
declare
  queued_rows bigint;
begin
  with inserted as (
    insert into rowhook.event
      (organization_id, type, key, commit_id, goal_id, session_id, snapshot, data, context, occurred_at)
    select o.id, 'goal.committed', c.id, c.id, g.id, c.session_id,
           rowhook.commit_snapshot(
             c.id, c.committed_at, g.id, g.template_id, c.session_id, c.interview_id, o.id, o.name),
           c.data, s.context, c.committed_at
    -- Each by its id, as above.
    from unnest(commit_ids) as committed_id,
    lateral (select * from rowhook.commit c where c.id = committed_id offset 0) as c
    join rowhook.goal g on g.id = c.goal_id
    join rowhook.organization o on o.id = g.organization_id
    left join rowhook.session s on s.id = c.session_id
    returning id, type, organization_id, occurred_at, goal_id, xact
  )
  insert into rowhook.outbox
    (event_id, webhook_id, organization_id, status, ready, next_attempt_at, finished_at, ordered_by)
  select e.id, w.id, e.organization_id, first.status, first.ready, first.attempt_at, first.finished_at,
         case when w.ordered then e.xact end
  from inserted e
  join rowhook.link l on l.goal_id = e.goal_id
  join rowhook.webhook w on w.id = l.webhook_id
  cross join lateral rowhook.initial_state(w.state, w.retry_schedule_s) as first
  where (w.event_types = '{}' or e.type = any (w.event_types))
    -- A heal sends to the links of that time: a new link never gets the past.
    and l.created_at <= e.occurred_at;
  get diagnostics queued_rows = row_count;
  return queued_rows;
end
$$;
