-- The text is the id from here on: a change of names alone. job_uuid is empty in new rows and is
-- dropped by a later file, for the views of the version before still read it.

alter table rowhook.event rename column job_id to job_uuid;
alter table rowhook.event rename column job_text to job_id;
drop index rowhook.event_job_once, rowhook.event_commit_once;

create or replace function rowhook.fit_event() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  bytes constant bigint := coalesce(octet_length(new.data::text), 0) + coalesce(octet_length(new.context::text), 0);
begin
  if bytes > 1048576 then
    new.oversize_bytes := bytes;
    new.data := null;
    new.context := null;
  end if;
  if new.source is null and new.type not like 'webhook.%' then
    new.source := case when new.job_id is not null then 'job' when new.commit_id is not null then 'commit' end;
    if not (new.occurred_at >= '0001-01-01 UTC' and new.occurred_at < '10000-01-01 UTC') then
      new.occurred_at := new.created_at;
      new.is_untimed := true;
    end if;
  end if;
  return new;
end
$$;

-- Of the version before, for the moments until its functions are replaced and dropped.
do $replaced$
begin
  if to_regprocedure('rowhook.emit_jobs(uuid[], boolean, timestamptz)') is null then
    return;
  end if;
  execute $definition$
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
           (select e.id from rowhook.event e where e.job_id = j.id::text limit 1) is not null as again
    -- Each by its id, whatever the statistics say: over a table that is believed small a join reads
    -- every finished job.
    from unnest(job_ids) as completed_id,
    lateral (select * from rowhook.job j where j.id = completed_id offset 0) as j
    where j.status in ('succeeded', 'failed')
      -- Looked at in this statement's snapshot: a capture that came meanwhile is not sent twice.
      and (unless_after is null or (
        select e.id from rowhook.event e
        where e.job_id = j.id::text and e.created_at >= unless_after
          and (unless_after = '-infinity' or e.type = 'job.' || j.status)
        limit 1) is null)
  ), inserted as (
    insert into rowhook.event
      (id, organization_id, type, key, job_id, agent_id, snapshot, data, context, occurred_at)
    select c.event_id, o.id, 'job.' || c.status,
           case when c.again then c.id || ':' || c.event_id else c.id::text end,
           c.id::text, a.id, row_to_json(shot),
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
$definition$;
  execute $definition$
create or replace function rowhook.job_gaps(
  retention interval default '30 days', since timestamptz default '-infinity', until timestamptz default 'infinity'
) returns setof uuid
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select j.id from rowhook.job j
  where j.status in ('succeeded', 'failed')
    and j.completed_at >= greatest(rowhook.heal_since('job', retention), since) and j.completed_at < until
    and not exists (select from rowhook.event e where e.job_id = j.id::text)
$$;
$definition$;
end
$replaced$;
