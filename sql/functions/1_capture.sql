-- The platform's transaction: a completion or a commit becomes one event, with one outbox row for
-- each linked webhook. Small on purpose: no template, no `->>`, no lock on anything hot.

create or replace function rowhook.rfc3339(moment timestamptz) returns text
language sql stable parallel safe
return to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

create or replace function rowhook.wake() returns void
language plpgsql
as $$
declare
  register bigint;
begin
  select asleep.last_value into register
  from rowhook.asleep, rowhook.awake
  where asleep.last_value > awake.last_value;
  if found then
    perform pg_notify('rowhook', register::text);
  end if;
end
$$;
comment on function rowhook.wake() is 'NOTIFY, but only while a worker sleeps: it takes a lock of the whole database at commit';

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
           coalesce(octet_length(j.output::text), 0) + coalesce(octet_length(j.metadata::text), 0) as bytes,
           exists (select from rowhook.event e where e.job_id = j.id) as again
    from unnest(job_ids) as completed_id
    join rowhook.job j on j.id = completed_id
    where j.status in ('succeeded', 'failed')
      -- Looked at in this statement's snapshot: a capture that came meanwhile is not sent twice.
      and (unless_after is null or not exists (
        select from rowhook.event e
        where e.job_id = j.id and e.created_at >= unless_after
          and (unless_after = '-infinity' or e.type = 'job.' || j.status)))
  ), inserted as (
    insert into rowhook.event
      (id, organization_id, type, key, job_id, agent_id, snapshot, data, context, oversize_bytes, occurred_at)
    select c.event_id, o.id, 'job.' || c.status,
           case when c.again then c.id || ':' || c.event_id else c.id::text end,
           c.id, a.id, row_to_json(shot),
           case when c.bytes <= 1048576 then c.output end,
           case when c.bytes <= 1048576 then c.metadata end,
           case when c.bytes > 1048576 then c.bytes end,
           c.completed_at
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
    returning id, type, organization_id, occurred_at, agent_id
  ), queued as (
    insert into rowhook.outbox
      (event_id, webhook_id, organization_id, status, ready, next_attempt_at, finished_at, ordered_by)
    select e.id, w.id, e.organization_id,
           case when w.state = 'disabled' then 'skipped' else 'pending' end,
           w.state <> 'disabled' and w.retry_schedule_s[1] = 0,
           case when w.state <> 'disabled'
             then now() + make_interval(secs => rowhook.jittered(w.retry_schedule_s[1])) end,
           case when w.state = 'disabled' then now() end,
           case when w.ordered then pg_current_xact_id() end
    from inserted e
    join rowhook.link l on l.agent_id = e.agent_id
    join rowhook.webhook w on w.id = l.webhook_id
    where (w.event_types = '{}' or e.type = any (w.event_types))
      -- A heal sends to the links of that time: a new link never gets the past.
      and (not healing or l.created_at <= e.occurred_at)
    returning 1
  )
  select count(*) into queued_rows from queued;
  return queued_rows;
end
$$;

create or replace function rowhook.emit_commits(commit_ids text[], healing boolean default false) returns bigint
language plpgsql
as $$
declare
  queued_rows bigint;
begin
  with committed as (
    select c.*, s.context,
           coalesce(octet_length(c.data::text), 0) + coalesce(octet_length(s.context::text), 0) as bytes
    from unnest(commit_ids) as committed_id
    join rowhook.commit c on c.id = committed_id
    left join rowhook.session s on s.id = c.session_id
  ), inserted as (
    insert into rowhook.event
      (organization_id, type, key, commit_id, goal_id, session_id, snapshot, data, context, oversize_bytes, occurred_at)
    select o.id, 'goal.committed', c.id, c.id, g.id, c.session_id, row_to_json(shot),
           case when c.bytes <= 1048576 then c.data end,
           case when c.bytes <= 1048576 then c.context end,
           case when c.bytes > 1048576 then c.bytes end,
           c.committed_at
    from committed c
    join rowhook.goal g on g.id = c.goal_id
    join rowhook.organization o on o.id = g.organization_id,
    lateral (select g.id) as goal,
    lateral (select g.template_id as id) as template,
    lateral (select c.session_id as id) as session,
    lateral (select c.interview_id as id) as interview,
    lateral (select o.id, o.name) as organization,
    lateral (select c.id as commit_id, rowhook.rfc3339(c.committed_at) as committed_at,
                    row_to_json(goal) as goal, row_to_json(template) as template,
                    row_to_json(session) as session, row_to_json(interview) as interview,
                    row_to_json(organization) as organization) as shot
    returning id, type, organization_id, occurred_at, goal_id
  ), queued as (
    insert into rowhook.outbox
      (event_id, webhook_id, organization_id, status, ready, next_attempt_at, finished_at, ordered_by)
    select e.id, w.id, e.organization_id,
           case when w.state = 'disabled' then 'skipped' else 'pending' end,
           w.state <> 'disabled' and w.retry_schedule_s[1] = 0,
           case when w.state <> 'disabled'
             then now() + make_interval(secs => rowhook.jittered(w.retry_schedule_s[1])) end,
           case when w.state = 'disabled' then now() end,
           case when w.ordered then pg_current_xact_id() end
    from inserted e
    join rowhook.link l on l.goal_id = e.goal_id
    join rowhook.webhook w on w.id = l.webhook_id
    where (w.event_types = '{}' or e.type = any (w.event_types))
      -- A heal sends to the links of that time: a new link never gets the past.
      and (not healing or l.created_at <= e.occurred_at)
    returning 1
  )
  select count(*) into queued_rows from queued;
  return queued_rows;
end
$$;

create or replace function rowhook.note_capture_error(
  source text, source_ids text[], sqlstate text, message text
) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  is_strict boolean;
begin
  begin
    select s.strict into is_strict from rowhook.capture_source s where s.name = source;
    if is_strict is not true then
      insert into rowhook.capture_error (source, source_ids, sqlstate, message)
      values (source, source_ids, sqlstate, message);
    end if;
  exception when others then
    -- Not even that: a gap is healed all the same.
    raise warning 'rowhook could not note a failed capture (%): it will be healed', message;
  end;
  if is_strict then
    raise exception using errcode = sqlstate, message = message;
  end if;
end
$$;

create or replace function rowhook.capture_job() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set lock_timeout = '250ms'
as $$
declare
  completed uuid[];
  queued bigint;
begin
  if tg_op = 'INSERT' then
    completed := array(select id from new_rows where status in ('succeeded', 'failed'));
  else
    -- Grouped, never joined: a join's cached plan would be a nested loop over a bulk update.
    completed := array(
      select id from (
        select id, status as status_new, null as status_old from new_rows
        union all
        select id, null, status from old_rows) as change
      group by id
      having max(status_new) in ('succeeded', 'failed')
        and max(status_old) <> max(status_new));
  end if;
  if completed = '{}' then
    return null;
  end if;
  begin
    queued := rowhook.emit_jobs(completed);
  exception when others then
    perform rowhook.note_capture_error('job', completed::text[], sqlstate, sqlerrm);
  end;
  if queued > 0 then
    perform rowhook.wake();
  end if;
  return null;
end
$$;

create or replace function rowhook.capture_commit() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set lock_timeout = '250ms'
as $$
declare
  committed text[] := array(select id from new_rows);
  queued bigint;
begin
  if committed = '{}' then
    return null;
  end if;
  begin
    queued := rowhook.emit_commits(committed);
  exception when others then
    perform rowhook.note_capture_error('commit', committed, sqlstate, sqlerrm);
  end;
  if queued > 0 then
    perform rowhook.wake();
  end if;
  return null;
end
$$;

create or replace function rowhook.fill_completed_at() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.completed_at := clock_timestamp();
  return new;
end
$$;

create or replace trigger fill_completed_at
  before insert or update of status on rowhook.job
  for each row when (new.completed_at is null and new.status in ('succeeded', 'failed', 'cancelled'))
  execute function rowhook.fill_completed_at();

create or replace trigger capture_inserted_job
  after insert on rowhook.job
  referencing new table as new_rows
  for each statement execute function rowhook.capture_job();

create or replace trigger capture_updated_job
  after update on rowhook.job
  referencing old table as old_rows new table as new_rows
  for each statement execute function rowhook.capture_job();

create or replace trigger capture_inserted_commit
  after insert on rowhook.commit
  referencing new table as new_rows
  for each statement execute function rowhook.capture_commit();
