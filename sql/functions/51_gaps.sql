-- Gaps: completed rows of a source without an event.

create or replace function rowhook.missed_sql(source_kind text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case source_kind
  when 'jobs' then $sql${is_complete} and not exists (
    select from rowhook.event e
    where e.job_id = {id} and e.source = {source} and e.type = 'job.' || {status}
      and ({time} is null or e.is_untimed or e.snapshot is not null or {time} <= coalesce(e.row_time, e.occurred_at)))
  and not exists (
    select from rowhook.removed_event t
    where t.row_id = {id} and t.source = {source} and t.type = 'job.' || {status} and ({time} is null or {time} <= t.moment))$sql$
  else $sql${goal_id} is not null
  and not exists (select from rowhook.event e where e.commit_id = {id} and e.source = {source})
  and not exists (select from rowhook.removed_event t where t.row_id = {id} and t.source = {source})$sql$ end;
-- An event with a snapshot was written by a version that did not follow changed times.
comment on function rowhook.missed_sql(text) is
  'condition for a row that has no event for its current completion, and none that retention removed; a job may complete repeatedly, each time with a later time';

create or replace function rowhook.gap_sql(source rowhook.source, timed boolean, untimed boolean) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  parts constant jsonb := rowhook.source_parts(source);
  missed constant text := rowhook.fill_template(rowhook.missed_sql(source.kind), parts);
  has_time constant boolean := source.mapping ? rowhook.time_field(source.kind);
  -- Rows whose time is missing or cannot be ordered are found by their creation time, if that is
  -- known.
  untimed_conditions constant text[] := case
    when not untimed or rowhook.creation_time_sql(source) is null then '{}'
    when has_time
      then array['{time} is null', '{time} >= ''10000-01-01 UTC''', '{time} < ''0001-01-01 UTC''']
    else array['true'] end;
  result text := case when timed and has_time
    then 'select {id} as id, {time} as moment from {relation} r where {moment} >= ($1{cast} and {moment} <= ($2{cast}'
      ' and {time} >= $1 and {time} < $2 and {missed}' end;
begin
  for i in 1..cardinality(untimed_conditions) loop
    result := concat_ws(' union all ', result,
      'select {id}, {created_at} from {relation} r where ' || untimed_conditions[i] || ' and {created_at} >= $3 and {created_at} < ''10000-01-01 UTC'' and {missed}');
  end loop;
  return rowhook.fill_template(result, parts || jsonb_build_object('missed', missed));
end
$$;
comment on function rowhook.gap_sql(rowhook.source, boolean, boolean) is
  'query for rows of a source without an event: if `timed`, those in the time range $1 to $2; if `untimed`, those without a time that were created since $3; null if the source has no such times';

create or replace function rowhook.gaps_of(source rowhook.source, since timestamptz, until timestamptz, untimed_since timestamptz)
returns table (source_id text, occurred_at timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set timezone = 'UTC'
set datestyle = 'ISO'
set intervalstyle = 'postgres'
set bytea_output = 'hex'
set extra_float_digits = 1
as $$
declare
  -- Planning a search that cannot find anything would take longer than the others take.
  query constant text := rowhook.gap_sql(
    source, (since < until) is not false, untimed_since is distinct from 'infinity');
begin
  if query is not null then
    return query execute 'select gap.id, gap.moment from (' || query || ') as gap (id, moment) where not gap.id = any ($4)'
      using since, least(until, '10000-01-01 UTC'), greatest(untimed_since, source.installed_at), source.future_ids;
  end if;
end
$$;
comment on function rowhook.gaps_of(rowhook.source, timestamptz, timestamptz, timestamptz) is
  'rows of one source without an event';

create or replace function rowhook.without_open_errors(source_name text, ids text[]) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select array(
    select unnest(ids)
    except select unnest(e.source_ids) from rowhook.capture_error e where e.healed_at is null and e.source = source_name)
$$;
comment on function rowhook.without_open_errors(text, text[]) is
  'ids without an open capture error; rows with one are retried only by rowhook.retry_captures';

create or replace function rowhook.missed_ids(source rowhook.source, since timestamptz, until timestamptz, most int) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select array(select gap.source_id from rowhook.gaps_of(source, since, until, 'infinity') as gap limit most)
$$;
comment on function rowhook.missed_ids(rowhook.source, timestamptz, timestamptz, int) is
  'rows of a source without an event in a time range';

create or replace function rowhook.gaps(
  retention interval default '30 days', since timestamptz default '-infinity', until timestamptz default 'infinity'
) returns table (source text, source_id text, occurred_at timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  watched rowhook.source;
begin
  for watched in select * from rowhook.source s where s.kind in ('jobs', 'commits') order by s.name loop
    continue when rowhook.mapping_fault(watched) is not null;
    begin
      return query
        select watched.name, gap.source_id, gap.occurred_at
        from rowhook.gaps_of(watched, greatest(rowhook.heal_since(watched), since), until,
                             greatest(rowhook.heal_since(watched), since)) as gap;
    exception when others then
      -- Also reported in rowhook.source.heal_error and by rowhook doctor.
      raise warning 'rowhook cannot search % for gaps: %', watched.name, sqlerrm;
    end;
  end loop;
end
$$;
comment on function rowhook.gaps(interval, timestamptz, timestamptz) is
  'completed rows of all sources without an event, within the time that rowhook.heal searches; the first argument has no effect';

-- Changed times: if the platform changes the time of a completed row, it is still the same completion,
-- whether its event is still stored or was removed by retention. It must not become a gap.

create or replace function rowhook.heal_window() returns interval
language sql immutable
set search_path = pg_catalog, pg_temp
return interval '7 days';
comment on function rowhook.heal_window() is 'how far back rowhook.heal searches';

create or replace function rowhook.heal_since(source rowhook.source) returns timestamptz
language sql stable
set search_path = pg_catalog, pg_temp
as $body$
  select greatest(
  clock_timestamp() - rowhook.heal_window(),
  source.heal_from,
  case when source.relation in ('rowhook.job'::regclass, 'rowhook.commit'::regclass) then source.installed_at
       else source.history_until + interval '1 microsecond' end)
$body$;
comment on function rowhook.heal_since(rowhook.source) is
  'rowhook.heal ignores older rows: they are history, or retention may have removed their events';

create or replace function rowhook.trace_until(searched_at timestamptz) returns timestamptz
language sql immutable
set search_path = pg_catalog, pg_temp
-- One day more than the window, because a search may have begun long ago.
return searched_at + rowhook.heal_window() + interval '1 day';
comment on function rowhook.trace_until(timestamptz) is
  'until when rowhook.removed_event keeps a row that rowhook.heal finds by this time';

create or replace function rowhook.move_completions(
  source text, ids text[], types text[], moments timestamptz[], searched timestamptz[], searched_before timestamptz[]
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  oldest constant timestamptz := (select rowhook.heal_since(s) from rowhook.source s where s.name = source);
begin
  update rowhook.event e set row_time = moved.moment
  from unnest(ids, types, moments) as moved (id, type, moment)
  where moved.moment is not null and e.id = coalesce(
    -- `offset 0`: takes the latest of these few instead of scanning the primary key from its end.
    (select max(job.id) from (
       select e.id from rowhook.event e
       where e.source = move_completions.source and e.job_id = moved.id and e.type = moved.type offset 0) as job),
    (select max(commit.id) from (
       select e.id from rowhook.event e
       where e.source = move_completions.source and e.commit_id = moved.id offset 0) as commit));
  -- Rows that rowhook.heal can find, and would either take for a gap that was none before, or find by
  -- another time than that of the event.
  insert into rowhook.removed_event as t (source, row_id, type, moment, captured_at, expires_at)
  select source, moved.id, moved.type, max(coalesce(moved.moment, '-infinity')),
         '-infinity', max(rowhook.trace_until(moved.searched_at))
  from unnest(ids, types, moments, searched, searched_before) as moved (id, type, moment, searched_at, searched_before),
  -- Not `exists`: over a table that is believed small it would be hashed whole.
  lateral (select coalesce(
    (select true from rowhook.event e
     where e.source = move_completions.source and e.job_id = moved.id and e.type = moved.type limit 1),
    (select true from rowhook.event e where e.source = move_completions.source and e.commit_id = moved.id limit 1),
    false) as has_event) as known
  where rowhook.trace_until(moved.searched_at) > clock_timestamp()
    and case when known.has_event then moved.searched_at is distinct from moved.moment
      else moved.searched_before is null or moved.searched_before < oldest or coalesce((
        select r.moment >= moved.searched_before from rowhook.removed_event r
        where r.source = move_completions.source and r.row_id = moved.id and r.type = moved.type), false) end
  group by moved.id, moved.type
  on conflict on constraint removed_event_pkey do update
    set moment = greatest(t.moment, excluded.moment), expires_at = greatest(t.expires_at, excluded.expires_at);
end
$$;
comment on function rowhook.move_completions(text, text[], text[], timestamptz[], timestamptz[], timestamptz[]) is
  'follows changed times of completed rows: captured rows and history stay so, and gaps stay gaps';

create or replace function rowhook.has_its_events(source rowhook.source) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  parts jsonb;
  ids text[];
  present int;
begin
  if rowhook.missing_columns(source) <> '{}' or source.kind not in ('jobs', 'commits') then
    return false;
  end if;
  ids := array(
    select coalesce(e.job_id, e.commit_id) from (
      select * from rowhook.event e order by e.id desc limit 10000) as e
    where e.source = source.name limit 100);
  parts := rowhook.source_parts(source);
  execute rowhook.fill_template(
    'select count(*) from {relation} r where {has_id} and {is_complete}',
    parts || jsonb_build_object('is_complete', coalesce(parts ->> 'is_complete', (parts ->> 'goal_id') || ' is not null')))
    into present using ids;
  return present * 2 > cardinality(ids);
exception when data_exception then
  -- The ids are not of the type of the column.
  return false;
end
$$;
comment on function rowhook.has_its_events(rowhook.source) is
  'whether most of the newest events of a source are those of rows that are complete under this mapping: then a column was renamed, not replaced by another one';
