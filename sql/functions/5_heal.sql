-- What the capture missed is made up for. A gap is a completed row without an event, never a
-- missing pair of event and link: or a new link would send the past.

create or replace function rowhook.heal_since(source text, retention interval) returns timestamptz
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select greatest(now() - least('7 days'::interval, retention / 2), s.installed_at)
  from rowhook.capture_source s where s.name = source
$$;
comment on function rowhook.heal_since(text, interval) is 'older rows are not looked at: retention may have taken their events';

create or replace function rowhook.job_gaps(retention interval default '30 days') returns setof uuid
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select j.id from rowhook.job j
  where j.status in ('succeeded', 'failed')
    and j.completed_at >= rowhook.heal_since('job', retention)
    and not exists (select from rowhook.event e where e.job_id = j.id)
$$;

create or replace function rowhook.commit_gaps(retention interval default '30 days') returns setof text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select c.id from rowhook.commit c
  where c.committed_at >= rowhook.heal_since('commit', retention)
    and not exists (select from rowhook.event e where e.commit_id = c.id)
$$;

create or replace function rowhook.retry_captures() returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  failed rowhook.capture_error;
  healed bigint := 0;
begin
  for failed in select * from rowhook.capture_error where healed_at is null order by id limit 100 for update loop
    begin
      -- What was made up for since then is not sent twice.
      if failed.source = 'job' then
        perform rowhook.emit_jobs(failed.source_ids::uuid[], true, failed.created_at);
      else
        perform rowhook.emit_commits(array(
          select c.id from rowhook.commit c
          where c.id = any (failed.source_ids)
            and not exists (select from rowhook.event e where e.commit_id = c.id)), true);
      end if;
      update rowhook.capture_error set healed_at = now() where id = failed.id;
      healed := healed + cardinality(failed.source_ids);
    exception when others then
      -- It stays open, and visible, with what stopped it last.
      failed.sqlstate := sqlstate;
      failed.message := sqlerrm;
      update rowhook.capture_error e set sqlstate = failed.sqlstate, message = failed.message
      where e.id = failed.id;
    end;
  end loop;
  return healed;
end
$$;

create or replace function rowhook.heal(retention interval default '30 days') returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  healed bigint;
  jobs uuid[];
  commits text[];
begin
  if not pg_try_advisory_xact_lock(hashtext('rowhook.heal')) then
    return 0;
  end if;
  healed := rowhook.retry_captures();
  jobs := array(select rowhook.job_gaps(retention) limit 10000);
  commits := array(select rowhook.commit_gaps(retention) limit 10000);
  begin
    perform rowhook.emit_jobs(jobs, true, '-infinity') where jobs <> '{}';
    perform rowhook.emit_commits(commits, true) where commits <> '{}';
  exception when unique_violation then
    -- A capture came first. The next heal, 30 s later, sees what is left.
    jobs := '{}';
    commits := '{}';
  end;
  healed := healed + cardinality(jobs) + cardinality(commits);
  if healed > 0 then
    perform rowhook.wake();
  end if;
  return healed;
end
$$;
comment on function rowhook.heal(interval) is
  'makes the events that the capture missed, for the links of that time; how many completions were made up for';
