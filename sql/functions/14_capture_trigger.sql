-- The trigger function of a source. It never fails the platform's statement, unless the source is
-- strict.

create or replace function rowhook.capture_settings(source rowhook.source) returns text
language sql stable
set search_path = pg_catalog, pg_temp
-- Only index look-ups: a join that was planned while a table was small would read the whole table
-- after it has grown. A bitmap of the one or two links of a goal costs more than it saves. JIT is off
-- because before PostgreSQL 18 a disabled planner method adds 10^10 to the cost, which triggers JIT
-- compilation.
as $body$
  select $sql$language plpgsql security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '250ms'
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
$sql$
  -- Each setting costs about a microsecond per statement. The capture of commits has no parameters, so
  -- its plans are generic anyway.
  || case source.kind when 'commits' then '' else 'set plan_cache_mode = force_generic_plan' end || case when source.relation in ('rowhook.job'::regclass, 'rowhook.commit'::regclass) then '' else $sql$
set timezone = 'UTC'
set datestyle = 'ISO'
set intervalstyle = 'postgres'
set bytea_output = 'hex'
set extra_float_digits = 1
$sql$ end
$body$;
comment on function rowhook.capture_settings(rowhook.source) is
  'settings of a capture, including those that affect how an id is written as text: the same in the platform''s session and in rowhook.heal';

create or replace function rowhook.commit_capture_body() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return replace($sql$
#variable_conflict use_column
<<capture>>
declare
  -- The first insert does not look whether an event exists, because that costs each row a search. If
  -- one does, which is rare, it fails and is done again with the search.
  had_conflict boolean := false;
  queued bigint := 0;
  moved_ids text[];
  moved_types text[];
  moved_to timestamptz[];
  searched timestamptz[];
  searched_before timestamptz[];
begin
{moved}  loop
    begin{add_unseen}
      if had_conflict then{insert_unless_known};
      else{insert};
      end if;
      get diagnostics queued = row_count;
      if queued > 0 and rowhook.is_anyone_asleep() then
        perform rowhook.wake();
      end if;
      return null;
    exception when others then
      if sqlstate = '23505' and not had_conflict then
        had_conflict := true;
        continue;
      end if;
      begin
        perform rowhook.note_capture_error({source}, array(select {id} from new_rows r), sqlstate, sqlerrm);
      exception when others then
        -- The ids cannot be read, or the source is strict.
        perform rowhook.note_capture_error({source}, '{}', sqlstate, sqlerrm);
      end;
      return null;
    end;
  end loop;
end
$sql$, '{moved}', rowhook.moved_commits_sql());

create or replace function rowhook.merged_jobs_sql(source rowhook.source, parts jsonb) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
-- A MERGE that updates and inserts rows of a partitioned table gives its update triggers the inserted
-- rows in place of the updated ones (PostgreSQL 15 to 18). The updated rows are then read from the
-- table.
return case when (select c.relkind from pg_class c where c.oid = source.relation) = 'p' then rowhook.fill_template($sql$
    if tg_op = 'UPDATE' then
      replaced := array(select {id} from old_rows r except all select {id} from new_rows r);
      if replaced <> '{}' and exists (select from {relation} r where {was_replaced}) then
        replaced := array(select {id} from old_rows r);
        complete := array(
          select after.id
          from (select {id} as id, {status} as status from {relation} r where {was_replaced} and {is_complete}) as after
          where after.status is distinct from (
            select max(case when {is_complete} then {status} end) from old_rows r where {id} = after.id));
        perform rowhook.recapture(s, complete, clock_timestamp()),
                rowhook.recapture_times(s, array(select unnest(replaced) except all select unnest(complete)))
        from rowhook.source s where s.name = {source};
        perform rowhook.wake();
        return null;
      end if;
    end if;$sql$, parts || jsonb_build_object('was_replaced', replace(parts ->> 'has_id', '$1', 'capture.replaced')))
  else '' end;
comment on function rowhook.merged_jobs_sql(rowhook.source, jsonb) is
  'part of the capture of a partitioned table of jobs that handles MERGE; empty for other tables';

create or replace function rowhook.job_capture_body() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
-- In statements that read rows, variables are written with the name of the block, because columns of the
-- platform may have the same names.
return $sql$
#variable_conflict use_column
<<capture>>
declare
  -- The time of all rows that have none; a constant, because clock_timestamp() is volatile.
  captured_at constant timestamptz := clock_timestamp();
  progress text;
  -- Whether no row of the statement completed before.
  is_first boolean := false;
  complete text[];
  replaced text[];
  remaining text[];
  unmoved text[];
  moved_ids text[];
  moved_types text[];
  moved_to timestamptz[];
  searched timestamptz[];
  searched_before timestamptz[];
  removed text[] := '{}';
  captured text[];
  was_complete boolean := false;
  is_repeated boolean := false;
  -- As in the capture of commits.
  had_conflict boolean := false;
  -- If rowhook.removed_event cannot be read, the ids must be known, to be healed.
  reads_ids_first boolean := false;
  queued bigint := 0;
  added bigint;
begin
  loop
    begin{merged}
      -- In a statement of its own, because most updates complete nothing.
      if not exists (select from new_rows r where {is_complete}) then
        return null;
      end if;
      progress := 'first';
      if tg_op = 'UPDATE' and reads_ids_first then
        progress := case when exists (select from old_rows r where {is_complete}) then 'again' else 'removed' end;
      elsif tg_op = 'UPDATE' then
        progress := 'unknown';
        progress := case
          when exists (select from old_rows r where {is_complete}) then 'again'
          when exists (select from rowhook.removed_event t where t.source = {source}) then 'unknown'
          else 'first' end;
      end if;
      if progress = 'unknown' then
        -- Retention may have removed the event of an earlier completion.
        progress := case when exists (
          select from new_rows r
          where {is_complete}
            and (select true from rowhook.removed_event t where t.source = {source} and t.row_id = {id} limit 1))
          then 'removed' else 'first' end;
      end if;
      was_complete := progress = 'again';
      is_first := progress = 'first';
      if is_first and not had_conflict then{add_unseen}{insert};
        get diagnostics queued = row_count;
        if queued > 0 and rowhook.is_anyone_asleep() then
          perform rowhook.wake();
        end if;
        return null;
      end if;
      if not was_complete then
        complete := array(select {id} from new_rows r where {is_complete});
      else
        -- Grouped instead of joined: the cached plan of a join would be a nested loop over a bulk
        -- update.
        with image as (
          select {id} as id, true as is_new, case when {is_complete} then {status} end as status, {time} as moment,
                 {searched} as searched_at
          from new_rows r
          union all
          select {id}, false, case when {is_complete} then {status} end, {time}, {searched} from old_rows r
        ), change as (
          select i.id,
                 max(i.status) filter (where i.is_new) as status, max(i.status) filter (where not i.is_new) as old_status,
                 max(i.moment) filter (where i.is_new) as moment, max(i.moment) filter (where not i.is_new) as old_moment,
                 max(i.searched_at) filter (where i.is_new) as searched_at,
                 max(i.searched_at) filter (where not i.is_new) as searched_before,
                 count(*) > 1 as keeps_id, bool_and(i.is_new) as is_new
          from image i group by i.id
        ), renamed as (
          -- A row whose id was changed has one image for each id. Its completion was sent under the old
          -- id, unless it was completed in the same statement, or its capture had failed.
          select count(*) filter (where c.old_status is not null) >= count(*) filter (where c.status is not null) as were_complete
          from change c where not c.keeps_id
        )
        select coalesce(array_agg(c.id) filter (where c.keeps_id and c.status is distinct from c.old_status), '{}'),
               array_agg(c.id) filter (where is_moved), array_agg('job.' || c.status) filter (where is_moved),
               array_agg(c.moment) filter (where is_moved), array_agg(c.searched_at) filter (where is_moved),
               array_agg(c.searched_before) filter (where is_moved)
        into complete, moved_ids, moved_types, moved_to, searched, searched_before
        from change c, renamed,
        lateral (select case when c.keeps_id then c.status = c.old_status
          and (c.moment, c.searched_at) is distinct from (c.old_moment, c.searched_before)
          else renamed.were_complete and not {had_failed} end as is_moved) as compared
        where c.status is not null;
      end if;
      if complete <> '{}' then{add_unseen}
        if tg_op = 'UPDATE' then
          -- A repeated completion, after retention removed the event of the first one.
          removed := array(
            select done.id from unnest(complete) as done (id)
            where (select true from rowhook.removed_event t where t.source = {source} and t.row_id = done.id limit 1));
        end if;
        remaining := complete;
        loop
          if tg_op = 'UPDATE' and unmoved is null and (is_repeated or removed <> '{}') then
            unmoved := array(
              select i.id
              from (select {id} as id, {time} as moment from new_rows r union all select {id}, {time} from old_rows r) as i
              -- `is true`: hashed, not a nested loop.
              where (i.id in (select unnest(capture.remaining))) is true
              group by i.id having count(*) > 1 and count(i.moment) <> 1 and min(i.moment) is not distinct from max(i.moment));
          end if;
          {insert_unless_known} into captured, added;
          queued := queued + added;
          remaining := case when cardinality(captured) = cardinality(remaining) then '{}'
            else array(select unnest(remaining) except all select unnest(captured)) end;
          exit when remaining = '{}' or is_repeated;
          -- A row that already has an event is a repeated completion, with a key of its own.
          is_repeated := true;
        end loop;
      end if;
      if queued > 0 and rowhook.is_anyone_asleep() then
        perform rowhook.wake();
      end if;
      exit;
    exception when others then
      if sqlstate = '23505' and not had_conflict then
        had_conflict := true;
        is_repeated := false;
        unmoved := null;
        queued := 0;
        continue;
      elsif progress = 'unknown' and not reads_ids_first then
        reads_ids_first := true;
        continue;
      end if;
      begin
        if complete is null and is_first then
          complete := array(select {id} from new_rows r where {is_complete});
        end if;
      exception when others then
        complete := '{}';
      end;
      -- If the ids of an update could not be read, rowhook.heal finds the missed rows by their times.
      perform rowhook.note_capture_error({source}, coalesce(complete, '{}'), sqlstate, sqlerrm);
      exit;
    end;
  end loop;
  if moved_ids is not null then
    begin
      perform rowhook.move_completions({source}, moved_ids, moved_types, moved_to, searched, searched_before);
    exception when others then
      perform rowhook.note_capture_error({source}, moved_ids, 'RH007', sqlerrm);
    end;
  end if;
  return null;
end
$sql$;

create or replace function rowhook.had_failed_sql() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return $sql$exists (
        select from rowhook.capture_error e
        where e.healed_at is null and e.source = {source}
          -- MERGE may give other new rows: see merged_jobs_sql.
          and (e.source_ids = '{}' or e.source_ids && array(select {id} from old_rows r union all select {id} from new_rows r)))$sql$;
comment on function rowhook.had_failed_sql() is
  'condition for an update of rows of which one may not have been captured yet';

create or replace function rowhook.capture_sql(source rowhook.source) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  parts constant jsonb := rowhook.source_parts(source);
  is_complete constant text := coalesce(parts ->> 'is_complete', (parts ->> 'goal_id') || ' is not null');
  -- Hashed: `= any (…)` with a parameter would compare each row with each id.
  remains constant text := '(' || (parts ->> 'id') || ' in (select unnest(capture.remaining))) is true and ';
  repeated constant text := '(capture.is_repeated or (' || (parts ->> 'id') || ' in (select unnest(capture.removed))) is true)';
  first_parts constant jsonb := jsonb_build_object(
    'rows', 'new_rows', 'condition', is_complete, 'links_of_that_time', '', 'failed_at', 'null', 'unless_known', '',
    'completed_at', 'coalesce(' || (parts ->> 'time') || ', capture.captured_at)');
  repeated_parts constant jsonb := (first_parts - 'unless_known') || case source.kind when 'jobs' then jsonb_build_object(
    'condition', remains || is_complete, 'is_repeated', repeated,
    -- A repeated completion that kept the time of the previous one gets a time of its own.
    'completed_at', 'case when ' || repeated || ' and (' || (parts ->> 'id') || ' in (select unnest(capture.unmoved))) is true then clock_timestamp()'
      || ' else coalesce(' || (parts ->> 'time') || ', capture.captured_at) end') else '{}' end;
  unseen constant text := rowhook.add_unseen_sql(source, 'new_rows', is_complete);
begin
  return rowhook.fill_template(
    case source.kind when 'jobs' then rowhook.job_capture_body() else rowhook.commit_capture_body() end,
    parts || jsonb_build_object('add_unseen', unseen, 'merged', rowhook.merged_jobs_sql(source, parts),
      'insert', rowhook.insert_sql(source, first_parts, false),
      'insert_unless_known', rowhook.insert_sql(source, repeated_parts, source.kind = 'jobs'),
      'searched', rowhook.fill_template(rowhook.search_time_sql(source), parts),
      'had_failed', rowhook.fill_template(rowhook.had_failed_sql(), parts)));
end
$$;
comment on function rowhook.capture_sql(rowhook.source) is
  'body of the trigger function for a source of jobs or commits';

create or replace function rowhook.capture_name(source_name text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case when octet_length(source_name) <= 50 then 'capture_' || source_name else 'capture_' || md5(source_name) end;
comment on function rowhook.capture_name(text) is
  'name of a generated function, limited to the 63 bytes of an identifier';

create or replace function rowhook.capture_definition(source rowhook.source) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return format('create or replace function rowhook.%I() returns trigger %s as %L',
    rowhook.capture_name(source.name), rowhook.capture_settings(source),
    case when source.kind in ('jobs', 'commits') then rowhook.capture_sql(source) else rowhook.entity_capture_sql(source) end);
end
$$;
comment on function rowhook.capture_definition(rowhook.source) is
  'statement that creates the trigger function of a source';

create or replace function rowhook.is_capture_current(source rowhook.source) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select coalesce(obj_description(to_regprocedure(format('rowhook.%I()', rowhook.capture_name(source.name))), 'pg_proc'), '')
    = 'generated: ' || md5(rowhook.capture_definition(source))
$$;
comment on function rowhook.is_capture_current(rowhook.source) is
  'whether the installed trigger function matches the current mapping and columns; its comment stores the checksum';

create or replace function rowhook.install_capture(source rowhook.source) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  signature constant text := format('rowhook.%I()', rowhook.capture_name(source.name));
  definition constant text := rowhook.capture_definition(source);
begin
  if rowhook.is_capture_current(source) then
    return;
  end if;
  execute definition;
  execute format('comment on function %s is %L', signature, 'generated: ' || md5(definition));
  execute format('revoke execute on function %s from public', signature);
  execute format('alter function %s owner to %I', signature,
    (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = 'rowhook.event'::regclass));
end
$$;
comment on function rowhook.install_capture(rowhook.source) is
  'creates the trigger function of a source if it is not current';
