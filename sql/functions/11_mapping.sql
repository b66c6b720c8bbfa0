-- SQL expressions for the fields of a mapping, over a row `r` of the watched table.

-- These are called hundreds of times by each heal, so they are in plpgsql, which keeps its plans.
create or replace function rowhook.base_type(of_type oid) returns oid
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  base oid := of_type;
  next_base oid;
begin
  loop
    select t.typbasetype into next_base from pg_type t where t.oid = base;
    if not found then
      return null;
    elsif next_base = 0 then
      return base;
    end if;
    base := next_base;
  end loop;
end
$$;
comment on function rowhook.base_type(oid) is 'base type of a domain, or the type itself';

create or replace function rowhook.column_type(relation regclass, column_name text) returns oid
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return (
    select rowhook.base_type(a.atttypid) from pg_attribute a
    where a.attrelid = relation and a.attname = column_name and a.attnum > 0 and not a.attisdropped);
end
$$;
comment on function rowhook.column_type(regclass, text) is
  'type of a column, domains resolved; null if there is no such column';

create or replace function rowhook.has_own_collation(relation regclass, column_name text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return exists (
    select from pg_attribute a
    where a.attrelid = relation and a.attname = column_name and a.attnum > 0 and not a.attisdropped
      and a.attcollation not in (0, '"default"'::regcollation));
end
$$;
comment on function rowhook.has_own_collation(regclass, text) is
  'whether a column is compared by another collation than the default of the database';

create or replace function rowhook.column_reference(relation regclass, column_name text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  -- Triggers see null in virtual generated columns (PostgreSQL 18), which may use built-in functions only.
  return coalesce(
    (select format('(select %s from (select r.*) as generated)', pg_get_expr(d.adbin, d.adrelid))
     from pg_attribute a join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where a.attrelid = relation and a.attname = column_name and a.attgenerated = 'v'),
    format('r.%I', column_name));
end
$$;
comment on function rowhook.column_reference(regclass, text) is
  'expression over row `r` for a column: its name, or the expression of a virtual generated column';

create or replace function rowhook.is_built_in(type oid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return (select t.typnamespace = 'pg_catalog'::regnamespace from pg_type t where t.oid = type);
end
$$;
comment on function rowhook.is_built_in(oid) is
  'whether PostgreSQL itself defines the type, so that only a superuser can have defined its casts';

create or replace function rowhook.constant_value(mapping jsonb, field text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case jsonb_typeof(mapping -> field)
  when 'object' then mapping -> field ->> 'value' else mapping ->> field end;
comment on function rowhook.constant_value(jsonb, text) is
  'value of a field that is always a constant, written as {"value": …} or as a plain string; null if it is not mapped';

create or replace function rowhook.constant_expression(value jsonb, output_type text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case output_type
  when 'json' then format('%L::json', value)
  when 'time' then format('rowhook.read_time(%L, ''UTC'')', value #>> '{}')
  else format('%L::text', value #>> '{}') end;

create or replace function rowhook.text_expression(expression text, type oid) returns text
language sql stable
set search_path = pg_catalog, pg_temp
return case when rowhook.is_built_in(type) then expression || '::text'
  -- Uses the output function: a cast may be the platform's own code, and captures run with the rights
  -- of Rowhook's owner.
  else format('(case when %1$s is distinct from null then concat(%1$s) end)', expression) end;

create or replace function rowhook.column_expression(expression text, type oid, output_type text, zone text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $body$
  select case
  when output_type = 'json' and type in ('json'::regtype, 'jsonb'::regtype) then expression || '::json'
  when output_type = 'json' and not rowhook.is_built_in(type) then format('to_json(%s)', rowhook.text_expression(expression, type))
  when output_type = 'json' then format('to_json(%s)', expression)
  -- The column may be of a domain.
  when output_type = 'time' and type = 'timestamptz'::regtype then expression || '::timestamptz'
  -- Times outside the range of timestamptz are treated as infinity.
  when output_type = 'time' and type in ('timestamp'::regtype, 'date'::regtype) then format(
    '(case when %1$s >= ''0001-01-02'' and %1$s < ''9999-12-31'' then %1$s::timestamp at time zone %2$L'
    ' when %1$s is not null then ''infinity''::timestamptz end)', expression, zone)
  when output_type = 'time' and type in ('text'::regtype, 'varchar'::regtype)
    then format('rowhook.read_time(%s, %L)', expression, zone)
  when output_type = 'time' then null
  else rowhook.text_expression(expression, type) end
$body$;
comment on function rowhook.column_expression(text, oid, text, text) is
  'expression that reads a column as text, json or time; null if its type cannot be read as a time';

create or replace function rowhook.reject_column(relation regclass, field text, column_name text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  columns constant text := (
    select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
    where a.attrelid = relation and a.attnum > 0 and not a.attisdropped);
  type constant regtype := rowhook.column_type(relation, column_name);
begin
  raise exception using errcode = 'RH004',
    message = case when type is null
      then format('%s has no column %s, which is mapped to %s.', relation, column_name, field)
      else format('Column %s of %s has type %s, which is not a time, but is mapped to %s.', column_name, relation, type, field) end,
    hint = format('Columns of %s: %s. A dotted path leads into a json or jsonb column; {"value": "…"} is a constant.', relation, columns);
end
$$;
comment on function rowhook.reject_column(regclass, text, text) is
  'raises RH004: a mapped column is missing or has the wrong type';

create or replace function rowhook.field_expression(
  relation regclass, mapping jsonb, field text, output_type text default 'text'
) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  place constant text := mapping ->> field;
  zone constant text := coalesce(rowhook.constant_value(mapping, 'time_zone'), 'UTC');
  path constant text[] := string_to_array(place, '.');
  type oid;
  is_in_json boolean;
  result text;
begin
  if place is null then
    return case output_type when 'json' then 'null::json' when 'time' then 'null::timestamptz' else 'null::text' end;
  elsif jsonb_typeof(mapping -> field) = 'object' then
    return rowhook.constant_expression(mapping -> field -> 'value', output_type);
  end if;
  type := rowhook.column_type(relation, place);
  is_in_json := type is null and cardinality(path) > 1
    and rowhook.column_type(relation, path[1]) in ('json'::regtype, 'jsonb'::regtype);
  result := coalesce(case
    when is_in_json and output_type = 'json' then format('(%s #> %L::text[])::json', rowhook.column_reference(relation, path[1]), path[2:])
    when is_in_json then rowhook.column_expression(format('(%s #>> %L::text[])', rowhook.column_reference(relation, path[1]), path[2:]), 'text'::regtype, output_type, zone)
    when type is not null then rowhook.column_expression(rowhook.column_reference(relation, place), type, output_type, zone)
  end, rowhook.reject_column(relation, field, place));
  -- Compared in the collation of Rowhook's own columns: another one could not use their indexes, and a
  -- nondeterministic one would match other ids. Statuses are compared with constants, as the platform
  -- compares them.
  if output_type = 'text' and field <> 'status' and rowhook.has_own_collation(relation, place) then
    return format('(%s collate "default")', result);
  end if;
  return result;
end
$$;
comment on function rowhook.field_expression(regclass, jsonb, text, text) is
  'expression over row `r` for a mapped field, as text, json or time; raises RH004 if the table does not have it';

create or replace function rowhook.moment_parts(relation regclass, mapping jsonb, field text) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  place constant text := mapping ->> field;
  zone constant text := coalesce(rowhook.constant_value(mapping, 'time_zone'), 'UTC');
  type constant oid := rowhook.column_type(relation, place);
begin
  if type in ('timestamp'::regtype, 'date'::regtype) then
    return jsonb_build_object('moment', rowhook.column_reference(relation, place), 'cast', format(' at time zone %L)::%s', zone, type::regtype));
  end if;
  return jsonb_build_object('moment', rowhook.field_expression(relation, mapping, field, 'time'), 'cast', ')');
end
$$;
comment on function rowhook.moment_parts(regclass, jsonb, text) is
  'parts of a comparison with a time that can use an index on the column: {moment} is the left side, {cast} follows "($1"';

-- The expressions of a source, and templates for statements.

create or replace function rowhook.final_statuses(mapping jsonb) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
return coalesce(
  (select jsonb_object_agg(m.key, m.value) from jsonb_each_text(mapping -> 'status_map') as m
   where m.value in ('succeeded', 'failed')),
  '{"succeeded": "succeeded", "failed": "failed"}');
comment on function rowhook.final_statuses(jsonb) is
  'values of the status column that complete a job, each mapped to succeeded or failed';

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
      -- Written so that a partial index on the statuses can be used.
      'is_complete', format('%s in (%s) and %s is not null and %s is not null', status,
        string_agg(quote_literal(m.key), ', ' order by m.key), agent, rowhook.field_expression(relation, mapping, 'id')))
    from jsonb_each_text(final) as m);
end
$$;
comment on function rowhook.job_conditions(regclass, jsonb) is
  'expressions for a completed job: its status is succeeded, failed or null; a job without an agent never completes, because no webhook could receive it';

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
  -- One pass, so that placeholders in the text of a part are not replaced.
  foreach piece in array regexp_split_to_array(template, '(?=[{][a-z_]+[}])') loop
    part := substring(piece from '^[{]([a-z_]+)[}]');
    result := result || case when parts ? part then (parts ->> part) || substr(piece, length(part) + 3) else piece end;
  end loop;
  return result;
end
$$;
comment on function rowhook.fill_template(text, jsonb) is
  'replaces each {part} of an SQL template; the parts come from rowhook.source_parts';

create or replace function rowhook.time_field(source_kind text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case source_kind when 'jobs' then 'completed_at' when 'commits' then 'committed_at' end;

create or replace function rowhook.creation_time_sql(source rowhook.source) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  -- Without a time zone it is unknown which rows are new: hours of history would be taken for new
  -- rows.
  select case when rowhook.column_type(source.relation, source.mapping ->> 'created_at') = 'timestamptz'::regtype
    then rowhook.field_expression(source.relation, source.mapping, 'created_at', 'time') end
$$;
comment on function rowhook.creation_time_sql(rowhook.source) is
  'expression for the creation time of a row, by which rowhook.heal finds rows whose time cannot be ordered; null if unknown';

create or replace function rowhook.search_time_sql(source rowhook.source) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  created constant text := 'case when {created_at} < ''10000-01-01 UTC'' then {created_at} end';
  untimed constant text := case when rowhook.creation_time_sql(source) is null then 'null::timestamptz' else created end;
begin
  return case when source.mapping ? rowhook.time_field(source.kind)
    then 'case when {time} >= ''0001-01-01 UTC'' and {time} < ''10000-01-01 UTC'' then {time} else ' || untimed || ' end'
    else untimed end;
end
$$;
comment on function rowhook.search_time_sql(rowhook.source) is
  'expression for the time by which rowhook.heal finds a row: its own, or that of its creation if it cannot be ordered; null: rowhook.heal does not find it';

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
                               'status_code', 'cost', 'goal_id', 'session_id', 'interview_id', 'template_id', 'traceparent'] loop
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
    'key', coalesce(quote_literal(rowhook.constant_value(mapping, 'key_prefix')) || ' || ', '') || 'c.id',
    -- Compares in the type of the column if an index is likely on it, otherwise as text.
    'has_id', case when id_type in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype, 'uuid'::regtype, 'text'::regtype, 'varchar'::regtype)
                   then format('%s = any ($1::text[]::%s[])', rowhook.column_reference(relation, mapping ->> 'id'), id_type::regtype)
                   else id || ' = any ($1::text[])' end);
end
$$;
comment on function rowhook.source_parts(rowhook.source) is
  'SQL expressions over row `r` for each field of a source';

create or replace function rowhook.missing_columns(source rowhook.source) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select array(
    select m.key from jsonb_each(source.mapping) as m
    where jsonb_typeof(m.value) = 'string' and m.key not in ('key_prefix', 'time_zone')
      and rowhook.column_type(source.relation, m.value #>> '{}') is null
      and rowhook.column_type(source.relation, split_part(m.value #>> '{}', '.', 1)) is null)
$$;
comment on function rowhook.missing_columns(rowhook.source) is
  'mapped fields whose column was renamed or dropped';

create or replace function rowhook.mapping_fault(source rowhook.source) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  if not exists (select from pg_class c where c.oid = source.relation) then
    return 'The table was dropped.';
  end if;
  perform rowhook.source_parts(source);
  return null;
exception when sqlstate 'RH004' then
  return sqlerrm;
end
$$;
comment on function rowhook.mapping_fault(rowhook.source) is
  'why the table can no longer be read by its mapping; null if it can';
