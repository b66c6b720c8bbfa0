-- The expressions of a whole source, and the templates that they go into.

create or replace function rowhook.final_statuses(mapping jsonb) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
return coalesce(
  (select jsonb_object_agg(m.key, m.value) from jsonb_each_text(mapping -> 'status_map') as m
   where m.value in ('succeeded', 'failed')),
  '{"succeeded": "succeeded", "failed": "failed"}');
comment on function rowhook.final_statuses(jsonb) is 'the values of the status column that complete a job, each with succeeded or failed';

create or replace function rowhook.job_conditions(relation regclass, mapping jsonb) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  status constant text := rowhook.field_expression(relation, mapping, 'status');
  agent constant text := rowhook.field_expression(
    relation, mapping, case when mapping ? 'agent_id' then 'agent_id' else 'agent_version_id' end);
  final constant jsonb := rowhook.final_statuses(mapping);
begin
  return (
    select jsonb_build_object(
      'status', format('case %s %s end', status, string_agg(format('when %L then %L', m.key, m.value), ' ' order by m.key)),
      -- Written so that a partial index over the statuses serves it.
      'is_complete', format('%s in (%s) and %s is not null and %s is not null', status,
        string_agg(quote_literal(m.key), ', ' order by m.key), agent, rowhook.field_expression(relation, mapping, 'id')))
    from jsonb_each_text(final) as m);
end
$$;
comment on function rowhook.job_conditions(regclass, jsonb) is
  'what a job is when complete: status is succeeded, failed or null; a job of no agent is never complete, for nobody is to hear of it';

create or replace function rowhook.fill_template(template text, parts jsonb) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  piece text;
  part text;
  result text := '';
begin
  if template is null then
    return null;
  end if;
  -- One pass: a part's own text is never looked through for placeholders.
  foreach piece in array regexp_split_to_array(template, '(?=\{[a-z_]+\})') loop
    part := substring(piece from '^\{([a-z_]+)\}');
    result := result || case when parts ? part then (parts ->> part) || substr(piece, length(part) + 3) else piece end;
  end loop;
  return result;
end
$$;
comment on function rowhook.fill_template(text, jsonb) is 'a piece of SQL with each {part} replaced; parts come from rowhook.source_parts';

create or replace function rowhook.time_field(source_kind text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case source_kind when 'jobs' then 'completed_at' when 'commits' then 'committed_at' end;

create or replace function rowhook.untimed_since(source rowhook.source) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  -- Without a zone it is not known which rows are new: hours of history would pass for it.
  select case when rowhook.column_type(source.relation, source.mapping ->> 'created_at') = 'timestamptz'::regtype
    then rowhook.field_expression(source.relation, source.mapping, 'created_at', 'time') end
$$;
comment on function rowhook.untimed_since(rowhook.source) is
  'the expression by which rowhook.heal looks for rows without a time that can be ordered: when the row was created; null if that is not known';

create or replace function rowhook.searched_sql(source rowhook.source) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  created constant text := 'case when {created_at} < ''10000-01-01 UTC'' then {created_at} end';
  untimed constant text := case when rowhook.untimed_since(source) is null then 'null::timestamptz' else created end;
begin
  return case when source.mapping ? rowhook.time_field(source.kind)
    then 'case when {time} >= ''0001-01-01 UTC'' and {time} < ''10000-01-01 UTC'' then {time} else ' || untimed || ' end'
    else untimed end;
end
$$;
comment on function rowhook.searched_sql(rowhook.source) is
  'the time of a row by which rowhook.heal looks for it: its own, or where that cannot be ordered that of its creation; null: heal does not see it';

create or replace function rowhook.source_parts(source rowhook.source) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  relation constant regclass := source.relation;
  mapping constant jsonb := source.mapping;
  id_type constant oid := rowhook.column_type(relation, mapping ->> 'id');
  id constant text := rowhook.field_expression(relation, mapping, 'id');
  parts jsonb := '{}';
  field text;
begin
  foreach field in array array['organization_id', 'name', 'agent_id', 'agent_version_id', 'agent_version_name',
                               'status_code', 'cost', 'goal_id', 'session_id', 'interview_id', 'template_id'] loop
    parts := parts || jsonb_build_object(field, rowhook.field_expression(relation, mapping, field));
  end loop;
  foreach field in array array['output', 'metadata', 'data', 'context'] loop
    parts := parts || jsonb_build_object(field, rowhook.field_expression(relation, mapping, field, 'json'));
  end loop;
  if source.kind = 'jobs' then
    parts := parts || rowhook.job_conditions(relation, mapping);
  end if;
  return parts || rowhook.moment_parts(relation, mapping, rowhook.time_field(source.kind)) || jsonb_build_object(
    'source', quote_literal(source.name),
    'kind', quote_literal(source.kind),
    'relation', relation::text,
    'id', id,
    'created_at', rowhook.field_expression(relation, mapping, 'created_at', 'time'),
    'time', rowhook.field_expression(relation, mapping, rowhook.time_field(source.kind), 'time'),
    'key', coalesce(quote_literal(rowhook.constant_of(mapping, 'key_prefix')) || ' || ', '') || 'c.id',
    -- As the column's own type where its index is likely to serve, else as text.
    'has_id', case when id_type in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype, 'uuid'::regtype, 'text'::regtype, 'varchar'::regtype)
                   then format('r.%I = any ($1::text[]::%s[])', mapping ->> 'id', id_type::regtype)
                   else id || ' = any ($1::text[])' end);
end
$$;
comment on function rowhook.source_parts(rowhook.source) is 'the SQL expressions over row `r` of each field of a source';

create or replace function rowhook.mapping_fault(source rowhook.source) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  if not exists (select from pg_class c where c.oid = source.relation) then
    return 'Its table was dropped.';
  end if;
  perform rowhook.source_parts(source);
  return null;
exception when sqlstate 'RH004' then
  return sqlerrm;
end
$$;
comment on function rowhook.mapping_fault(rowhook.source) is 'why its table can no longer be read as the mapping says; null if it can';
