-- rowhook.watch_… makes a table of the platform a source. Each call checks its mapping, generates the
-- capture and records a row in rowhook.source. It can be repeated to change the mapping.

create or replace function rowhook.trigger_events(source_kind text) returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
return case when source_kind in ('commits', 'jobs') then array['insert', 'update']
  else array['insert', 'update', 'delete'] end;
comment on function rowhook.trigger_events(text) is
  'statements that fire the triggers of a source of this kind';

create or replace function rowhook.install_triggers(source rowhook.source, is_forced boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  event text;
begin
  foreach event in array rowhook.trigger_events(source.kind) loop
    continue when not is_forced and exists (
      select from pg_trigger t
      where t.tgrelid = source.relation and t.tgname = format('rowhook_%s_%s', source.kind, event)
        and t.tgfoid = to_regprocedure(format('rowhook.%I()', rowhook.capture_name(source.name)))
        and t.tgenabled in ('O', 'A'));
    execute format('create or replace trigger rowhook_%s_%s after %s on %s referencing %s for each statement execute function rowhook.%I()',
      source.kind, event, event, source.relation,
      case event when 'insert' then 'new table as new_rows' when 'delete' then 'old table as old_rows'
                 else 'old table as old_rows new table as new_rows' end,
      rowhook.capture_name(source.name));
  end loop;
end
$$;

create or replace function rowhook.find_history(source rowhook.source, out latest timestamptz, out future text[])
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  parts constant jsonb := rowhook.source_parts(source);
  -- Without a time zone, the clock of the table may be hours ahead.
  soon constant timestamptz := now() + case when parts ->> 'cast' = ')' then interval '1 minute' else interval '15 hours' end;
begin
  if source.mapping ? rowhook.time_field(source.kind) then
    execute rowhook.fill_template(
      'select max({time}), (select array(select {id} from {relation} r where {is_history} and {time} > $1 limit 10001))'
      ' from {relation} r where {is_history} and {time} <= $1',
      parts || jsonb_build_object('is_history', coalesce(parts ->> 'is_complete', 'true')))
      into latest, future using soon;
  end if;
  if cardinality(future) > 10000 then
    perform rowhook.reject_mapping(format('More than 10,000 rows of %s have a completion time in the future.', source.relation),
      'Check the mapped column and time_zone.');
  end if;
end
$$;
comment on function rowhook.find_history(rowhook.source) is
  'latest completion in a table by its own times, and the ids of rows with a future completion time';

create or replace function rowhook.record_history(source rowhook.source, latest timestamptz, future text[], found_at timestamptz) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  update rowhook.source s
  set history_until = case
        when not s.mapping ? rowhook.time_field(s.kind) then clock_timestamp()
        when rowhook.source_parts(source) ->> 'cast' = ')' then greatest(latest, clock_timestamp())
        else coalesce(latest + (clock_timestamp() - found_at), '-infinity') end,
      future_ids = coalesce(future, '{}'),
      installed_at = clock_timestamp(), settled_at = now(), next_settled_at = now(), next_xact = pg_current_xact_id(),
      passed_until = null, passes_to = null, looked_again_until = '-infinity', heal_error = null
  where s.name = source.name
$$;
comment on function rowhook.record_history(rowhook.source, timestamptz, text[], timestamptz) is
  'marks everything that was complete before the triggers existed as history, which is never sent';

create or replace function rowhook.watch(watched regclass, source_kind text, mapping jsonb, required text[], optional text[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '5s'
set jit = off
as $$
declare
  source rowhook.source;
  changed rowhook.source;
  is_new boolean;
  is_changed boolean;
  -- Fields that only payloads use: changing them cannot make further rows complete.
  payload constant text[] := '{name,status_code,cost,output,metadata,data,context,interview_id,session_id,template_id,agent_version_name,key_prefix,traceparent}';
  unchanged text[];
  moves_history boolean;
  history record;
  history_found_at timestamptz;
begin
  perform rowhook.reject_mapping('The table is null.', 'Name a table, such as ''public.runs''.') where watched is null;
  perform rowhook.reject_mapping(format('The mapping of %s is not a JSON object.', watched),
    'Map each field to a column, such as {"id": "run_id"}.') where jsonb_typeof(mapping) <> 'object';
  select * into source from rowhook.source s where s.relation = watched and s.kind = source_kind for update;
  is_new := source.name is null;
  mapping := coalesce((select jsonb_object_agg(m.key, m.value) from jsonb_each(mapping) as m where m.value <> 'null'), '{}');
  is_changed := source.mapping is distinct from mapping;
  -- A field whose column was renamed is repaired, not changed: rows completed since then are gaps.
  changed := source;
  changed.mapping := mapping;
  unchanged := payload || case when rowhook.has_its_events(changed) then rowhook.missing_columns(source) else '{}' end;
  moves_history := is_new or source.mapping - unchanged is distinct from mapping - unchanged;
  if moves_history and not is_new and source.kind in ('jobs', 'commits') then
    -- Healed under the previous mapping, because rows complete now become history.
    perform rowhook.heal_source(source.name, 10000);
  end if;
  source.relation := watched;
  source.kind := source_kind;
  source.mapping := mapping;
  source.name := coalesce(source.name, (
    select candidate from unnest(array[watched::text, watched::text || ' ' || source_kind, watched::text || ' ' || watched::oid]) with ordinality as free (candidate, place)
    where not exists (select from rowhook.source s where s.name = candidate) order by place limit 1));
  perform rowhook.check_table(source);
  perform rowhook.check_fields(source, required, optional);
  perform rowhook.check_status_map(source.mapping);
  insert into rowhook.source as s (name, kind, relation, mapping)
  values (source.name, source.kind, source.relation, source.mapping)
  on conflict (relation, kind) do update set mapping = excluded.mapping;
  perform rowhook.install_capture(source);
  -- Searched before locking, because it may take long.
  history_found_at := clock_timestamp();
  select * into history from rowhook.find_history(source);
  -- From here on no writer is between two states: creating the triggers waits for their locks.
  perform rowhook.install_triggers(source, is_forced => is_changed);
  if source.kind in ('jobs', 'commits') then
    if not rowhook.has_unique_id(source) then
      raise warning '% has no unique index on %: rows with the same id count as one job or commit.', watched, source.mapping ->> 'id';
    end if;
    perform rowhook.record_history(source, history.latest, history.future, history_found_at) where moves_history;
    -- Planned once, so that an unreadable table is rejected here instead of in the platform's commit.
    perform rowhook.recapture(source, array[]::text[]);
    perform rowhook.missed_ids(source, 'infinity', 'infinity', 1);
  else
    perform rowhook.sync_entities(source);
  end if;
end
$$;
comment on function rowhook.watch(regclass, text, jsonb, text[], text[]) is
  'makes a table a source or changes its mapping; rows of entity tables are imported, history is never sent';

create or replace function rowhook.watch_jobs(watched regclass, mapping jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.watch(watched, 'jobs', mapping, '{id,status}',
    '{agent_id,agent_version_id,status_map,organization_id,agent_version_name,status_code,cost,output,metadata,created_at,completed_at,traceparent,key_prefix,time_zone}')
$$;
comment on function rowhook.watch_jobs(regclass, jsonb) is
  'makes a table of jobs a source of job.succeeded and job.failed';

create or replace function rowhook.watch_commits(watched regclass, mapping jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.watch(watched, 'commits', mapping, '{id,goal_id,data}',
    '{organization_id,session_id,interview_id,template_id,context,committed_at,traceparent,key_prefix,time_zone}')
$$;
comment on function rowhook.watch_commits(regclass, jsonb) is
  'makes a table of commits a source of goal.committed';

create or replace function rowhook.watch_organizations(watched regclass, mapping jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.watch(watched, 'organizations', mapping, '{id}', '{name}')
$$;
comment on function rowhook.watch_organizations(regclass, jsonb) is
  'synchronizes rowhook.organization with the platform''s table';

create or replace function rowhook.watch_agents(watched regclass, mapping jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.watch(watched, 'agents', mapping, '{id}', '{name,organization_id}')
$$;
comment on function rowhook.watch_agents(regclass, jsonb) is
  'synchronizes rowhook.agent with the platform''s table';

create or replace function rowhook.watch_goals(watched regclass, mapping jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.watch(watched, 'goals', mapping, '{id}', '{name,organization_id,template_id}')
$$;
comment on function rowhook.watch_goals(regclass, jsonb) is
  'synchronizes rowhook.goal with the platform''s table';

create or replace function rowhook.watch_sessions(watched regclass, mapping jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.watch(watched, 'sessions', mapping, '{id}', '{organization_id,context}')
$$;
comment on function rowhook.watch_sessions(regclass, jsonb) is
  'synchronizes rowhook.session with the platform''s table';

create or replace function rowhook.unwatch(watched text) returns bigint
language plpgsql
set lock_timeout = '5s'
set jit = off
as $$
declare
  source rowhook.source;
  trigger record;
  removed bigint := 0;
  place constant regclass := rowhook.table_named(watched);
begin
  if place in ('rowhook.job'::regclass, 'rowhook.commit'::regclass) then
    perform rowhook.reject_mapping(format('%s is a built-in source.', watched),
      'It cannot be removed. Rows without a link, or without a final status, fire nothing.');
  end if;
  -- A dropped table can still be named as it was recorded, also if another one has its name now.
  for source in delete from rowhook.source s
    where s.relation = place
      or (not exists (select from pg_class c where c.oid = s.relation)
          and s.name in (watched, watched || ' ' || s.kind, 'public.' || watched, 'public.' || watched || ' ' || s.kind))
    returning * loop
    removed := removed + 1;
    for trigger in select t.tgname from pg_trigger t where t.tgrelid = source.relation and t.tgname ~ format('^rowhook_%s_', source.kind) loop
      begin
        execute format('drop trigger %I on %s', trigger.tgname, source.relation);
      exception when insufficient_privilege then
        perform rowhook.reject_mapping(format('%s may not drop the triggers of %s.', current_user, source.relation),
          'Run as the owner of the table, then remove the source again: ' || string_agg(format('drop trigger %I on %s;', t.tgname, source.relation), ' '))
        from pg_trigger t where t.tgrelid = source.relation and t.tgname ~ format('^rowhook_%s_', source.kind);
      end;
    end loop;
    execute format('drop function if exists rowhook.%I()', rowhook.capture_name(source.name));
  end loop;
  return removed;
end
$$;
comment on function rowhook.unwatch(text) is
  'removes a table from the sources, with its triggers, its capture and its row in rowhook.source; keeps events. Returns how many sources were removed';

create or replace function rowhook.unwatch(watched regclass) returns bigint
language sql
return rowhook.unwatch(watched::text);

-- Checks of a mapping, when it is installed and later.

create or replace function rowhook.reject_mapping(problem text, remedy text) returns void
language plpgsql
as $$
begin
  raise exception using errcode = 'RH004', message = problem, hint = remedy;
end
$$;

create or replace function rowhook.check_fields(source rowhook.source, required text[], optional text[]) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  known constant text[] := required || optional;
  unknown constant text := (select min(key) from jsonb_object_keys(source.mapping) as key where key <> all (known));
  missing constant text := (select field from unnest(required) as field where not source.mapping ? field limit 1);
  invalid constant text := (
    select min(m.key) from jsonb_each(source.mapping) as m
    where m.key <> 'status_map' and not (
      jsonb_typeof(m.value) = 'string' or (jsonb_typeof(m.value) = 'object' and m.value ? 'value')));
begin
  perform rowhook.reject_mapping(format('The mapping of %s has an unknown field %s.', source.relation, unknown),
    format('Fields of %s: %s.', source.kind, array_to_string(known, ', '))) where unknown is not null;
  perform rowhook.reject_mapping(format('The mapping of %s lacks the field %s.', source.relation, missing),
    format('Required fields: %s. Map each of them to a column.', array_to_string(required, ', '))) where missing is not null;
  perform rowhook.reject_mapping(format('The mapping of %s has an invalid value for %s.', source.relation, invalid),
    'A value is the name of a column, a dotted path into a json column, or {"value": "a constant"}.') where invalid is not null;
  perform rowhook.reject_mapping(format('The mapping of %s lacks agent_id or agent_version_id.', source.relation),
    'One of them is required to find the webhooks of a job.')
  where source.kind = 'jobs' and not source.mapping ?| array['agent_id', 'agent_version_id'];
end
$$;
comment on function rowhook.check_fields(rowhook.source, text[], text[]) is
  'raises RH004 if a mapping has unknown or missing fields';

create or replace function rowhook.check_status_map(mapping jsonb) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  invalid text;
begin
  if not mapping ? 'status_map' then
    return;
  end if;
  if jsonb_typeof(mapping -> 'status_map') <> 'object' then
    perform rowhook.reject_mapping('status_map is not an object.', 'For example {"done": "succeeded", "error": "failed"}.');
  end if;
  invalid := (select min(m.key) from jsonb_each_text(mapping -> 'status_map') as m 
         where m.value not in ('pending', 'running', 'succeeded', 'failed', 'cancelled'));
  perform rowhook.reject_mapping(format('status_map maps %s to %s.', invalid, mapping -> 'status_map' ->> invalid),
    'Map final statuses to succeeded or failed. Unmapped statuses fire nothing.') where invalid is not null;
  perform rowhook.reject_mapping('status_map maps no value to succeeded or failed.', 'For example {"done": "succeeded", "error": "failed"}.')
  where not exists (select from jsonb_each_text(mapping -> 'status_map') as m where m.value in ('succeeded', 'failed'));
end
$$;

create or replace function rowhook.check_table(source rowhook.source) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  owner constant text := (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = 'rowhook.event'::regclass);
  class constant pg_class := (select c from pg_class c where c.oid = source.relation);
  zone constant text := rowhook.constant_value(source.mapping, 'time_zone');
begin
  perform rowhook.reject_mapping(format('%s is not a table.', source.relation), 'Watch the table that the platform inserts into.')
  where class.relkind not in ('r', 'p');
  perform rowhook.reject_mapping(format('%s is a temporary table.', source.relation), 'Watch a permanent table.')
  where class.relpersistence = 't';
  perform rowhook.reject_mapping(format('%s has child tables (inheritance), whose rows do not fire its triggers.', source.relation),
    'Watch each child table, or use a partitioned table.')
  where class.relkind = 'r' and exists (select from pg_inherits i where i.inhparent = source.relation)
    and source.kind in ('jobs', 'commits') and rowhook.heal_column(source) is null;
  perform rowhook.reject_mapping(format('%s is a partition.', source.relation), 'Watch the partitioned table.')
  where class.relispartition;
  perform rowhook.reject_mapping(format('%s is a table of Rowhook.', source.relation),
    'rowhook.job and rowhook.commit are sources already; watch a table of the platform.')
  where class.relnamespace = 'rowhook'::regnamespace;
  perform rowhook.reject_mapping(format('Unknown time zone %s.', zone), 'Use a name from pg_timezone_names, such as Europe/Berlin.')
  where zone is not null and not exists (select from pg_timezone_names n where lower(n.name) = lower(zone));
  perform rowhook.reject_mapping(format('The owner of Rowhook''s tables, %s, may not read %s.', owner, source.relation),
    format('Run: grant usage on schema %I to %I; grant select on %s to %I;', class.relnamespace::regnamespace, owner, source.relation, owner))
  where not has_table_privilege(owner, source.relation, 'select')
    or not has_schema_privilege(owner, class.relnamespace, 'usage');
  perform rowhook.reject_mapping(format('%s may not create triggers on %s.', current_user, source.relation),
    format('Run: grant trigger on %s to %I;', source.relation, current_user))
  where not has_table_privilege(source.relation, 'trigger');
end
$$;
comment on function rowhook.check_table(rowhook.source) is 'raises RH004 if a table cannot be a source';

create or replace function rowhook.has_unique_id(source rowhook.source) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select exists (
    select from pg_index i
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    -- The key of a partitioned table includes its partition key.
    join pg_class c on c.oid = i.indrelid
    where i.indrelid = source.relation and i.indisunique and a.attname = source.mapping ->> 'id'
      and (i.indnkeyatts = 1 or c.relkind = 'p'))
$$;

create or replace function rowhook.hides_rows(relation regclass) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select class.relrowsecurity and not (owner.rolsuper or owner.rolbypassrls)
    and (class.relforcerowsecurity or class.relowner <> owner.oid)
    and not exists (
      select from pg_policy p
      where p.polrelid = class.oid and p.polpermissive and p.polcmd in ('r', '*') and p.polroles && array[0::oid, owner.oid]
        and pg_get_expr(p.polqual, p.polrelid) = 'true')
  from pg_class class, pg_class event
  join pg_roles owner on owner.oid = event.relowner
  where class.oid = relation and event.oid = 'rowhook.event'::regclass
$$;
comment on function rowhook.hides_rows(regclass) is
  'whether row-level security hides rows of a watched table from the owner of Rowhook''s tables';

create or replace function rowhook.source_drift(source rowhook.source) returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  enabled constant text[] := array(
    select t.tgname from pg_trigger t
    where t.tgrelid = source.relation and t.tgenabled in ('O', 'A')
      and t.tgfoid = to_regprocedure(format('rowhook.%I()', rowhook.capture_name(source.name))));
  missing constant text := (
    select string_agg(event, ' and ') from unnest(rowhook.trigger_events(source.kind)) as event
    where format('rowhook_%s_%s', source.kind, event) <> all (enabled)
      and format('capture_%sed_%s', trim(trailing 'e' from event), source.name) <> all (enabled));
begin
  return coalesce(
    rowhook.mapping_fault(source),
    'Its trigger on ' || missing || ' is missing or disabled.',
    case when not rowhook.is_capture_current(source) then 'The type of a mapped column changed: call rowhook.watch_' || source.kind || ' again.' end,
    'rowhook.heal could not read the table: ' || source.heal_error,
    case when rowhook.hides_rows(source.relation) then 'Row-level security hides its rows from rowhook.heal: give the owner of Rowhook''s tables BYPASSRLS or a policy.' end,
    case when not rowhook.can_heal(source) then format(
      'rowhook.heal does not search this table, because it would read all of it each time: create index concurrently on %s (%I).',
      source.relation, rowhook.heal_column(source)) end);
end
$$;
comment on function rowhook.source_drift(rowhook.source) is
  'why a source is no longer captured as its mapping says; null if it is';
