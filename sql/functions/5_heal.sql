-- What the capture missed is made up for. A gap is a completed row without an event, never a
-- missing pair of event and link: or a new link would send the past.

create or replace function rowhook.heal_since(source text, retention interval) returns timestamptz
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select greatest(now() - least('7 days'::interval, retention / 2), s.installed_at)
  from rowhook.capture_source s where s.name = source
$$;
comment on function rowhook.heal_since(text, interval) is 'older rows are not looked at: retention may have taken their events';

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
    and not exists (select from rowhook.event e where e.job_id = j.id)
$$;

create or replace function rowhook.commit_gaps(
  retention interval default '30 days', since timestamptz default '-infinity', until timestamptz default 'infinity'
) returns setof text
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select c.id from rowhook.commit c
  where c.committed_at >= greatest(rowhook.heal_since('commit', retention), since) and c.committed_at < until
    and not exists (select from rowhook.event e where e.commit_id = c.id)
$$;

create or replace function rowhook.end_of_slice(source text, since timestamptz, most int) returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
declare
  found_at timestamptz;
begin
  if source = 'job' then
    select j.completed_at into found_at from rowhook.job j
    where j.status in ('succeeded', 'failed') and j.completed_at >= since
    order by j.completed_at offset most limit 1;
    -- A bulk has one moment: it is looked at whole, or the looking would never come past it.
    if found_at = since then
      select min(j.completed_at) into found_at from rowhook.job j
      where j.status in ('succeeded', 'failed') and j.completed_at > since;
    end if;
  else
    select c.committed_at into found_at from rowhook.commit c
    where c.committed_at >= since order by c.committed_at offset most limit 1;
    if found_at = since then
      select min(c.committed_at) into found_at from rowhook.commit c where c.committed_at > since;
    end if;
  end if;
  return found_at;
end
$$;
comment on function rowhook.end_of_slice(text, timestamptz, int) is
  'so many completions later, and later than `since`; null if there are fewer';

create or replace function rowhook.begin_pass(progress rowhook.capture_source) returns rowhook.capture_source
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  -- All transactions of that time have ended: what they wrote is seen by every look of the pass.
  moves constant boolean := progress.next_xact < pg_snapshot_xmin(pg_current_snapshot());
begin
  -- A completion's time may lie some moments before its transaction's first write.
  progress.passed_until := progress.settled_at - interval '1 minute';
  progress.passes_to := case when moves then progress.next_settled_at else progress.settled_at end;
  if moves then
    progress.next_settled_at := clock_timestamp();
    progress.next_xact := pg_current_xact_id();
  end if;
  return progress;
end
$$;
comment on function rowhook.begin_pass(rowhook.capture_source) is
  'a pass over what is not settled; at its end it is settled up to the last moment whose transactions had all ended';

create or replace function rowhook.latest_since(source text, most int) returns timestamptz
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
  select case source
    when 'job' then (
      select j.completed_at from rowhook.job j where j.status in ('succeeded', 'failed')
      order by j.completed_at desc offset most limit 1)
    else (select c.committed_at from rowhook.commit c order by c.committed_at desc offset most limit 1) end
$$;
comment on function rowhook.latest_since(text, int) is 'since when there were so many completions; null if there are fewer';

create or replace function rowhook.heal_source(source text, retention interval, most int) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
-- One look-up a completion, never both tables whole: a slice is small beside them.
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
declare
  -- Five million are looked at again within a day.
  slice constant int := 2000;
  progress rowhook.capture_source;
  since timestamptz;
  until timestamptz;
  again_until timestamptz;
  latest timestamptz;
  gaps text[];
begin
  select * into progress from rowhook.capture_source s where s.name = source for update;
  if progress.passed_until is null then
    progress := rowhook.begin_pass(progress);
  end if;
  since := greatest(progress.passed_until, rowhook.heal_since(source, retention));
  until := rowhook.end_of_slice(source, since, slice);
  -- What is new need not wait until the pass has come there, however far behind that is.
  latest := case when until is null then 'infinity' else rowhook.latest_since(source, slice / 2) end;
  progress.looked_again_until := greatest(progress.looked_again_until, rowhook.heal_since(source, retention));
  again_until := rowhook.end_of_slice(source, progress.looked_again_until, slice);
  gaps := case source when 'job' then array(
    select rowhook.job_gaps(retention, since, coalesce(until, 'infinity'))
    union select rowhook.job_gaps(retention, latest)
    union select rowhook.job_gaps(retention, progress.looked_again_until, coalesce(again_until, progress.settled_at))
    limit most)::text[]
  else array(
    select rowhook.commit_gaps(retention, since, coalesce(until, 'infinity'))
    union select rowhook.commit_gaps(retention, latest)
    union select rowhook.commit_gaps(retention, progress.looked_again_until, coalesce(again_until, progress.settled_at))
    limit most)
  end;
  if source = 'job' then
    perform rowhook.emit_jobs(gaps::uuid[], true, '-infinity') where gaps <> '{}';
  else
    perform rowhook.heal_commits(gaps) where gaps <> '{}';
  end if;
  if cardinality(gaps) < most then
    progress.passed_until := until;
    progress.looked_again_until := coalesce(again_until, '-infinity');
    progress.settled_at := case when until is null then progress.passes_to else progress.settled_at end;
  end if;
  update rowhook.capture_source s
  set passed_until = progress.passed_until, passes_to = progress.passes_to,
      settled_at = progress.settled_at, looked_again_until = progress.looked_again_until,
      next_settled_at = progress.next_settled_at, next_xact = progress.next_xact
  where s.name = source;
  return cardinality(gaps);
end
$$;
comment on function rowhook.heal_source(text, interval, int) is
  'looks at a slice of what was completed since all was settled, at the latest, and at a slice of what was before; how many events it made';

create or replace function rowhook.is_healing() returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select exists (select from rowhook.capture_source where passed_until is not null)
$$;
comment on function rowhook.is_healing() is 'whether there is more for heal to look at now';

create or replace function rowhook.retry_captures() returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_generic_plan
-- The plans of the capture, for a small table and a grown one.
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
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
        perform rowhook.heal_commits(array(
          select c.id from rowhook.commit c
          where c.id = any (failed.source_ids)
            and not exists (select from rowhook.event e where e.commit_id = c.id)));
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
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  most constant int := 10000;
  healed bigint;
begin
  if not pg_try_advisory_xact_lock(hashtext('rowhook.heal')) then
    return 0;
  end if;
  healed := rowhook.retry_captures();
  begin
    healed := healed + rowhook.heal_source('job', retention, most) + rowhook.heal_source('commit', retention, most);
  exception when unique_violation then
    -- A capture came first. The next heal, 30 s later, sees what is left.
    null;
  end;
  if healed > 0 then
    perform rowhook.wake();
  end if;
  return healed;
end
$$;
comment on function rowhook.heal(interval) is
  'makes the events that the capture missed, for the links of that time; how many completions were made up for';
