-- From a mapping to SQL: the expression over a row `r` of the watched table for each field.

create or replace function rowhook.base_type(of_type oid) returns oid
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with recursive domain as (
    select t.oid, t.typbasetype from pg_type t where t.oid = of_type
    union all
    select t.oid, t.typbasetype from pg_type t join domain d on t.oid = d.typbasetype
  )
  select d.oid from domain d where d.typbasetype = 0
$$;
comment on function rowhook.base_type(oid) is 'the type under a domain, or the type itself';

create or replace function rowhook.column_type(relation regclass, column_name text) returns oid
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select rowhook.base_type(a.atttypid) from pg_attribute a
  where a.attrelid = relation and a.attname = column_name and a.attnum > 0 and not a.attisdropped
$$;
comment on function rowhook.column_type(regclass, text) is 'null if the table has no such column';

create or replace function rowhook.is_built_in(type oid) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select t.typnamespace = 'pg_catalog'::regnamespace from pg_type t where t.oid = type
$$;
comment on function rowhook.is_built_in(oid) is 'of PostgreSQL itself, so that nobody but a superuser made its casts';

create or replace function rowhook.constant_of(mapping jsonb, field text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case jsonb_typeof(mapping -> field)
  when 'object' then mapping -> field ->> 'value' else mapping ->> field end;
comment on function rowhook.constant_of(jsonb, text) is 'a field that is always a constant, written as {"value": …} or plainly; null if it is not mapped';

create or replace function rowhook.constant_expression(value jsonb, wanted text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case wanted
  when 'json' then format('%L::json', value)
  when 'time' then format('rowhook.read_time(%L, ''UTC'')', value #>> '{}')
  else format('%L::text', value #>> '{}') end;

create or replace function rowhook.text_expression(expression text, type oid) returns text
language sql stable
set search_path = pg_catalog, pg_temp
return case when rowhook.is_built_in(type) then expression || '::text'
  -- By its output function: a cast may be the platform's own code, and captures run as our owner.
  else format('(case when %1$s is distinct from null then concat(%1$s) end)', expression) end;

create or replace function rowhook.column_expression(expression text, type oid, wanted text, zone text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $body$
  select case
  when wanted = 'json' and type in ('json'::regtype, 'jsonb'::regtype) then expression || '::json'
  when wanted = 'json' and not rowhook.is_built_in(type) then format('to_json(%s)', rowhook.text_expression(expression, type))
  when wanted = 'json' then format('to_json(%s)', expression)
  when wanted = 'time' and type = 'timestamptz'::regtype then expression
  -- What is beyond a timestamptz is far, as infinity is.
  when wanted = 'time' and type in ('timestamp'::regtype, 'date'::regtype) then format(
    '(case when %1$s >= ''0001-01-02'' and %1$s < ''9999-12-31'' then %1$s::timestamp at time zone %2$L'
    ' when %1$s is not null then ''infinity''::timestamptz end)', expression, zone)
  when wanted = 'time' and type in ('text'::regtype, 'varchar'::regtype)
    then format('rowhook.read_time(%s, %L)', expression, zone)
  when wanted = 'time' then null
  else rowhook.text_expression(expression, type) end
$body$;
comment on function rowhook.column_expression(text, oid, text, text) is
  'a column as text, json or time; null where its type holds no time';

create or replace function rowhook.no_column(relation regclass, field text, place text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  columns constant text := (
    select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
    where a.attrelid = relation and a.attnum > 0 and not a.attisdropped);
  type constant regtype := rowhook.column_type(relation, place);
begin
  raise exception using errcode = 'RH004',
    message = case when type is null
      then format('%s has no column %s, which the mapping names for %s.', relation, place, field)
      else format('Column %s of %s is of type %s, which holds no time, but the mapping names it for %s.', place, relation, type, field) end,
    hint = format('Columns of %s: %s. A dotted path leads into a json or jsonb column; {"value": "…"} is a constant.', relation, columns);
end
$$;
comment on function rowhook.no_column(regclass, text, text) is 'raises RH004: a mapped column is missing or of a wrong type';

create or replace function rowhook.field_expression(
  relation regclass, mapping jsonb, field text, wanted text default 'text'
) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  place constant text := mapping ->> field;
  zone constant text := coalesce(rowhook.constant_of(mapping, 'time_zone'), 'UTC');
  path constant text[] := string_to_array(place, '.');
  type oid;
  is_in_json boolean;
begin
  if place is null then
    return case wanted when 'json' then 'null::json' when 'time' then 'null::timestamptz' else 'null::text' end;
  elsif jsonb_typeof(mapping -> field) = 'object' then
    return rowhook.constant_expression(mapping -> field -> 'value', wanted);
  end if;
  type := rowhook.column_type(relation, place);
  is_in_json := type is null and cardinality(path) > 1
    and rowhook.column_type(relation, path[1]) in ('json'::regtype, 'jsonb'::regtype);
  return coalesce(case
    when is_in_json and wanted = 'json' then format('(r.%I #> %L::text[])::json', path[1], path[2:])
    when is_in_json then rowhook.column_expression(format('(r.%I #>> %L::text[])', path[1], path[2:]), 'text'::regtype, wanted, zone)
    when type is not null then rowhook.column_expression(format('r.%I', place), type, wanted, zone)
  end, rowhook.no_column(relation, field, place));
end
$$;
comment on function rowhook.field_expression(regclass, jsonb, text, text) is
  'the SQL expression over row `r` of what a field is mapped to, as text, json or time; RH004 if the table does not have it';

create or replace function rowhook.moment_parts(relation regclass, mapping jsonb, field text) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  place constant text := mapping ->> field;
  zone constant text := coalesce(rowhook.constant_of(mapping, 'time_zone'), 'UTC');
  type constant oid := rowhook.column_type(relation, place);
begin
  if type in ('timestamp'::regtype, 'date'::regtype) then
    return jsonb_build_object('moment', format('r.%I', place), 'cast', format(' at time zone %L)::%s', zone, type::regtype));
  end if;
  return jsonb_build_object('moment', rowhook.field_expression(relation, mapping, field, 'time'), 'cast', ')');
end
$$;
comment on function rowhook.moment_parts(regclass, jsonb, text) is
  'what a range of time compares, so that an index on the column serves: {moment}, and what follows ($1 to make it of that type: {cast}';
