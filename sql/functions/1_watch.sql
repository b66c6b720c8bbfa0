-- rowhook.watch_…: a table that the platform already has becomes a source. Each call checks its
-- mapping, generates what it needs, records a row in rowhook.source, and can be repeated.

create or replace function rowhook.trigger_events(source_kind text) returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
return case when source_kind in ('commits', 'jobs') then array['insert', 'update']
  else array['insert', 'update', 'delete'] end;
comment on function rowhook.trigger_events(text) is 'the statements that fire the triggers of a source of this kind';

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
  -- Without a zone, the table's clock may be hours ahead.
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
    perform rowhook.reject_mapping(format('More than 10,000 rows of %s are complete in the future.', source.relation),
      'Is it the right column, and the right time_zone?');
  end if;
end
$$;
comment on function rowhook.find_history(rowhook.source) is
  'the latest completion of a table by its own times, and the ids of those dated in the future';

create or replace function rowhook.note_history(source rowhook.source, latest timestamptz, future text[], found_at timestamptz) returns void
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
comment on function rowhook.note_history(rowhook.source, timestamptz, text[], timestamptz) is
  'what was complete before the triggers were there is history: it is never sent';

create or replace function rowhook.watch(watched regclass, source_kind text, mapping jsonb, required text[], optional text[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '5s'
set jit = off
as $$
declare
  source rowhook.source;
  is_new boolean;
  is_changed boolean;
  -- What only payloads hold: to map it otherwise makes no row complete that was not.
  payload constant text[] := '{name,status_code,cost,output,metadata,data,context,interview_id,session_id,template_id,agent_version_name,key_prefix}';
  moves_history boolean;
  history record;
  history_found_at timestamptz;
begin
  select * into source from rowhook.source s where s.relation = watched and s.kind = source_kind for update;
  is_new := source.name is null;
  mapping := coalesce((select jsonb_object_agg(m.key, m.value) from jsonb_each(mapping) as m where m.value <> 'null'), '{}');
  is_changed := source.mapping is distinct from mapping;
  moves_history := is_new or source.mapping - payload is distinct from mapping - payload;
  if moves_history and not is_new and source.kind in ('jobs', 'commits') then
    -- By the mapping that it had: from now on what is complete is history.
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
  -- Read before the lock, for it may take long.
  history_found_at := clock_timestamp();
  select * into history from rowhook.find_history(source);
  -- From here on no writer is between two states: the lock that a trigger takes waits for them.
  perform rowhook.install_triggers(source, is_forced => is_changed);
  if source.kind in ('jobs', 'commits') then
    if not rowhook.has_unique_id(source) then
      raise warning 'No unique index of % is on %: rows that share an id are one job or one commit.', watched, source.mapping ->> 'id';
    end if;
    perform rowhook.note_history(source, history.latest, history.future, history_found_at) where moves_history;
    -- Planned once, so that what cannot be read is refused here and not in a commit.
    perform rowhook.recapture(source, array[]::text[]);
    perform rowhook.missed_ids(source, 'infinity', 'infinity', 1);
  else
    perform rowhook.take_over(source);
  end if;
end
$$;
comment on function rowhook.watch(regclass, text, jsonb, text[], text[]) is
  'makes a table a source, or changes its mapping; existing rows of entity tables are taken over, history is never sent';

create or replace function rowhook.watch_jobs(watched regclass, mapping jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.watch(watched, 'jobs', mapping, '{id,status}',
    '{agent_id,agent_version_id,status_map,organization_id,agent_version_name,status_code,cost,output,metadata,created_at,completed_at,key_prefix,time_zone}')
$$;
comment on function rowhook.watch_jobs(regclass, jsonb) is 'a table whose rows complete becomes a source of job.succeeded and job.failed';

create or replace function rowhook.watch_commits(watched regclass, mapping jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.watch(watched, 'commits', mapping, '{id,goal_id,data}',
    '{organization_id,session_id,interview_id,template_id,context,committed_at,key_prefix,time_zone}')
$$;
comment on function rowhook.watch_commits(regclass, jsonb) is 'a table whose inserted rows are goal.committed events';

create or replace function rowhook.watch_organizations(watched regclass, mapping jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.watch(watched, 'organizations', mapping, '{id}', '{name}')
$$;
comment on function rowhook.watch_organizations(regclass, jsonb) is 'keeps rowhook.organization in step with the platform''s table';

create or replace function rowhook.watch_agents(watched regclass, mapping jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.watch(watched, 'agents', mapping, '{id}', '{name,organization_id}')
$$;
comment on function rowhook.watch_agents(regclass, jsonb) is 'keeps rowhook.agent in step with the platform''s table';

create or replace function rowhook.watch_goals(watched regclass, mapping jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.watch(watched, 'goals', mapping, '{id}', '{name,organization_id,template_id}')
$$;
comment on function rowhook.watch_goals(regclass, jsonb) is 'keeps rowhook.goal in step with the platform''s table';

create or replace function rowhook.watch_sessions(watched regclass, mapping jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.watch(watched, 'sessions', mapping, '{id}', '{organization_id,context}')
$$;
comment on function rowhook.watch_sessions(regclass, jsonb) is 'keeps rowhook.session in step with the platform''s table';

create or replace function rowhook.unwatch(watched text) returns bigint
language plpgsql
set lock_timeout = '5s'
set jit = off
as $$
declare
  source rowhook.source;
  trigger record;
  removed bigint := 0;
begin
  if to_regclass(watched) in ('rowhook.job'::regclass, 'rowhook.commit'::regclass) then
    perform rowhook.reject_mapping(format('%s is a built-in source.', watched),
      'Rows that should not fire need no link, or a status that does not complete.');
  end if;
  -- A table that was dropped is still known by the name that it had.
  for source in delete from rowhook.source s
    where s.relation = to_regclass(watched)
      or (to_regclass(watched) is null and not exists (select from pg_class c where c.oid = s.relation)
          and s.name in (watched, watched || ' ' || s.kind, 'public.' || watched, 'public.' || watched || ' ' || s.kind))
    returning * loop
    removed := removed + 1;
    for trigger in select t.tgname from pg_trigger t where t.tgrelid = source.relation and t.tgname like format('rowhook\_%s\_%%', source.kind) loop
      execute format('drop trigger %I on %s', trigger.tgname, source.relation);
    end loop;
    execute format('drop function if exists rowhook.%I()', rowhook.capture_name(source.name));
  end loop;
  return removed;
end
$$;
comment on function rowhook.unwatch(text) is
  'ends a source: its triggers, its function and its row in rowhook.source go, events stay; how many sources it was';

create or replace function rowhook.unwatch(watched regclass) returns bigint
language sql
return rowhook.unwatch(watched::text);
