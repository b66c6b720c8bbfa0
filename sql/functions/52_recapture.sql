-- Captures rows by their ids: gaps, and rows whose capture failed.

create or replace function rowhook.recapture_sql(source rowhook.source) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  parts constant jsonb := rowhook.source_parts(source);
  missed constant text := case source.kind
    -- The time of a failed capture is known: a row captured since then is not sent again.
    when 'jobs' then 'case when $2 is null then (' || rowhook.missed_sql('jobs') || ') else {is_complete} and not exists (
      select from rowhook.event e where e.job_id = {id} and e.source = {source} and e.type = ''job.'' || {status} and e.created_at >= $2)
      and not exists (
      select from rowhook.removed_event t
      where t.row_id = {id} and t.source = {source} and t.type = ''job.'' || {status} and t.captured_at >= $2) end'
    else rowhook.missed_sql('commits') end;
begin
  return rowhook.insert_sql(source, parts || jsonb_build_object(
    'rows', parts ->> 'relation',
    'condition', (parts ->> 'has_id') || ' and ' || rowhook.fill_template(missed, parts),
    'is_repeated', rowhook.fill_template('(exists (select from rowhook.event e where e.job_id = {id} and e.source = {source})
      or exists (select from rowhook.removed_event t where t.row_id = {id} and t.source = {source}))', parts),
    'completed_at', 'coalesce(' || (parts ->> 'time') || ', $2, clock_timestamp())',
    -- Only links of that time: a new link never sends the past.
    'links_of_that_time', ' and l.created_at <= coalesce($2, e.occurred_at)',
    'failed_at', '$2'), true);
end
$$;
comment on function rowhook.recapture_sql(rowhook.source) is
  'statement that captures missed rows by the ids $1; $2 is the time when their capture failed, null if unknown';

create or replace function rowhook.recapture(source rowhook.source, ids text[], failed_at timestamptz default null) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set timezone = 'UTC'
set datestyle = 'ISO'
set intervalstyle = 'postgres'
set bytea_output = 'hex'
set extra_float_digits = 1
as $$
declare
  parts jsonb;
  unseen text;
  captured text[];
  queued bigint;
begin
  if ids = '{}' then
    -- Planning the statements would take 20 ms, at each heal.
    return 0;
  end if;
  parts := rowhook.source_parts(source);
  unseen := rowhook.add_unseen_sql(source, parts ->> 'relation', parts ->> 'has_id');
  if unseen <> '' then
    execute regexp_replace(unseen, '^[[:space:]]*perform', 'select') using ids;
  end if;
  execute rowhook.recapture_sql(source) into captured, queued using ids, failed_at;
  if source.name = 'job' then
    -- In rowhook.job, a completion without a time gets that of its event.
    update rowhook.job j set completed_at = e.occurred_at
    from rowhook.event e
    where j.id = any (captured::uuid[]) and j.completed_at is null and e.job_id = j.id::text and e.source = 'job';
  end if;
  return cardinality(captured);
end
$$;
comment on function rowhook.recapture(rowhook.source, text[], timestamptz) is
  'captures missed rows of a source by their ids; returns how many';

create or replace function rowhook.recapture_times(source rowhook.source, ids text[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  parts constant jsonb := rowhook.source_parts(source);
begin
  -- It is unknown by which times rowhook.heal could have found them before, so rows that have no event
  -- now are not sent.
  execute rowhook.fill_template(
    'select rowhook.move_completions({source}, array_agg({id}), array_agg({type}), array_agg({time}), array_agg({searched}), null)'
    ' from {relation} r where {has_id} and {is_complete}',
    parts || jsonb_build_object(
      'searched', rowhook.fill_template(rowhook.search_time_sql(source), parts),
      'type', case source.kind when 'jobs' then '''job.'' || ' || (parts ->> 'status') else '''goal.committed''::text' end,
      'is_complete', coalesce(parts ->> 'is_complete', (parts ->> 'goal_id') || ' is not null')))
    using ids;
end
$$;
comment on function rowhook.recapture_times(rowhook.source, text[]) is
  'follows changed times whose capture failed (RH007)';

create or replace function rowhook.retry_capture(failed rowhook.capture_error) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  watched rowhook.source;
  captured bigint := 0;
begin
  select * into watched from rowhook.source s where s.name = failed.source;
  if failed.sqlstate = 'RH006' then
    -- Recorded again if its organization is still unknown.
    delete from rowhook.capture_error e where e.id = failed.id;
  else
    update rowhook.capture_error e set healed_at = now() where e.id = failed.id;
  end if;
  if rowhook.hides_rows(watched.relation) then
    raise exception using errcode = 'RH004', message = format('Row-level security hides the rows of %s.', watched.relation);
  end if;
  if failed.sqlstate = 'RH007' then
    perform rowhook.recapture_times(watched, failed.source_ids);
  elsif watched.kind in ('jobs', 'commits') then
    captured := rowhook.recapture(watched, failed.source_ids, failed.created_at);
  elsif watched.name is not null then
    perform rowhook.sync_entities(watched, failed.source_ids);
    -- A row that was refused (RH006) has none here: one of this id belongs to another organization.
    perform rowhook.delete_gone_entities(watched, failed.source_ids) where failed.sqlstate <> 'RH006';
  end if;
  return captured;
exception when others then
  failed.sqlstate := sqlstate;
  failed.message := sqlerrm;
  if cardinality(failed.source_ids) > 1 then
    -- Each row is retried separately from now on, so that none blocks the others.
    insert into rowhook.capture_error (source, source_ids, sqlstate, message, created_at)
    select failed.source, array[id], failed.sqlstate, failed.message, failed.created_at from unnest(failed.source_ids) as id;
    update rowhook.capture_error e set healed_at = now() where e.id = failed.id;
  else
    -- Stays open, with its latest error.
    update rowhook.capture_error e set sqlstate = failed.sqlstate, message = failed.message, tried_at = clock_timestamp()
    where e.id = failed.id;
  end if;
  return 0;
end
$$;
comment on function rowhook.retry_capture(rowhook.capture_error) is
  'retries a failed capture; it is healed, split into its rows, or stays open';

create or replace function rowhook.retry_captures() returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  failed rowhook.capture_error;
  healed bigint := 0;
begin
  -- Captures that were never retried first, then those retried longest ago.
  for failed in select * from rowhook.capture_error where healed_at is null order by tried_at nulls first, id limit 200 for update skip locked loop
    healed := healed + rowhook.retry_capture(failed);
  end loop;
  return healed;
end
$$;
