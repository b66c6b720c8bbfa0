-- Inspection of the platform's tables for `rowhook watch`.

create or replace function rowhook.table_named(name text) returns regclass
language plpgsql stable
as $$
begin
  return to_regclass(name);
exception when insufficient_privilege then
  perform rowhook.require_schema((parse_ident(name))[cardinality(parse_ident(name)) - 1], name);
end
$$;
comment on function rowhook.table_named(text) is
  'table of this name by the caller''s search path, null if there is none; raises RH004 if the caller may not use its schema';

create or replace function rowhook.require_schema(schema text, name text) returns void
language plpgsql stable
as $$
begin
  if not has_schema_privilege(schema, 'usage') then
    perform rowhook.reject_mapping(format('%s may not use the schema of %s.', current_user, name),
      format('Run: grant usage on schema %I to %I;', schema, current_user));
  end if;
end
$$;
comment on function rowhook.require_schema(text, text) is
  'raises RH004 unless the caller may use the schema of a table';

create or replace function rowhook.find_table(name text) returns text
language plpgsql stable
as $$
declare
  place regclass;
  places regclass[];
  result text;
begin
  begin
    place := to_regclass(name);
  exception when others then
    place := null; -- Not written as an identifier: a space or a quote alone.
  end;
  places := array(
    select c.oid from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't'
      and find_table.name in (c.relname, n.nspname || '.' || c.relname) and n.nspname not in ('pg_catalog', 'information_schema')
    limit 2);
  select format('%I.%I', n.nspname, c.relname) into result from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.oid = coalesce(place, case when cardinality(places) = 1 then places[1] end);
  perform rowhook.require_schema((parse_ident(result))[1], result) where result is not null;
  return result;
end
$$;
comment on function rowhook.find_table(text) is
  'qualified name of a table, written with or without quotes, resolved by the caller''s search path; null if there is none, or several';

create or replace function rowhook.platform_tables() returns setof text
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select format('%I.%I', n.nspname, c.relname)
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition
    and n.nspname not in ('rowhook', 'rowhook_pgqueuer', 'information_schema') and n.nspname !~ '^pg_'
$$;
comment on function rowhook.platform_tables() is 'tables that can be sources';

create or replace function rowhook.table_columns(relation regclass)
returns table (name text, type text, kind text, is_key boolean, is_unique boolean)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select a.attname, format_type(a.atttypid, a.atttypmod),
         case
           when base.type in ('json'::regtype, 'jsonb'::regtype) then 'json'
           when base.type in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype) then 'time'
           when t.typcategory = 'N' then 'number'
           when t.typcategory in ('S', 'E') then 'text'
           else 'other' end,
         coalesce(sole.is_key, false), sole.is_key is not null
  from pg_attribute a, lateral (select rowhook.base_type(a.atttypid) as type) as base
  join pg_type t on t.oid = base.type
  left join lateral (
    select bool_or(i.indisprimary) as is_key from pg_index i
    where i.indrelid = relation and i.indisunique and i.indpred is null and i.indnkeyatts = 1 and i.indkey[0] = a.attnum
  ) as sole on true
  where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
  order by a.attnum
$$;
comment on function rowhook.table_columns(regclass) is
  'columns of a table: kind is json, time, number, text or other; is_key and is_unique for a column that is a key or unique by itself';

create or replace function rowhook.allowed_values(relation regclass, column_name text) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with place as (
    select a.attnum, a.atttypid from pg_attribute a
    where a.attrelid = relation and a.attname = column_name and not a.attisdropped
  ), checked as (
    select pg_get_constraintdef(k.oid) as definition from pg_constraint k, place p
    where k.contype = 'c' and ((k.conrelid = relation and k.conkey = array[p.attnum]) or k.contypid = p.atttypid)
  ), allowed as (
    select e.enumlabel::text as value from pg_enum e where e.enumtypid = rowhook.column_type(relation, column_name)
    union
    select replace(literal[1], '''''', '''') from checked c, regexp_matches(c.definition, '''((?:[^'']|'''')*)''::', 'g') as literal
    where c.definition ~ '= ANY [(]+ARRAY[[]'
  )
  select array_agg(a.value order by a.value) from allowed a
$$;
comment on function rowhook.allowed_values(regclass, text) is
  'all values that a column allows, by its enum or a check `in (…)`; null if there is neither';

create or replace function rowhook.status_values(relation regclass, mapping jsonb)
returns table (status text, is_every boolean)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  allowed constant text[] := rowhook.allowed_values(relation, mapping ->> 'status');
begin
  if allowed is not null then
    return query select value, true from unnest(allowed) as value;
  elsif has_table_privilege(relation, 'select') then
    return query execute format(
      'select distinct s.status, false from (select %s as status from %s r limit 10000) as s where s.status is not null order by 1 limit 50',
      rowhook.field_expression(relation, mapping, 'status'), relation);
  end if;
end
$$;
comment on function rowhook.status_values(regclass, jsonb) is
  'values of the column mapped to status: all allowed ones, or those of the first 10,000 rows';

create or replace function rowhook.check_mapping(relation regclass, kind text, mapping jsonb) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  source constant rowhook.source := jsonb_populate_record(null::rowhook.source, jsonb_build_object(
    'name', relation, 'kind', kind, 'relation', relation, 'mapping', mapping));
begin
  perform rowhook.check_table(source);
  perform rowhook.check_status_map(mapping);
  perform rowhook.source_parts(source);
end
$$;
comment on function rowhook.check_mapping(regclass, text, jsonb) is
  'raises RH004 if rowhook.watch_… would refuse the table or a column; changes nothing';

create or replace function rowhook.source_list()
returns table (
  name text, kind text, relation text, mapping jsonb, strict boolean, installed_at timestamptz, triggers text[], drift text)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select s.name, s.kind, s.relation::text, s.mapping, s.strict, s.installed_at,
         array(select t.tgname::text from pg_trigger t
               where t.tgrelid = s.relation and t.tgfoid = to_regprocedure(format('rowhook.%I()', rowhook.capture_name(s.name)))
               order by 1),
         rowhook.source_drift(s)
  from rowhook.source s
  order by s.relation not in ('rowhook.job'::regclass, 'rowhook.commit'::regclass), s.name
$$;
comment on function rowhook.source_list() is
  'sources, built-in ones first; drift says why one is no longer captured as its mapping says';

create or replace function rowhook.uncaptured_rows()
returns table (source text, row_count bigint, row_id text, message text)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select open.source, sum(cardinality(open.source_ids)), (array_agg(open.source_ids[1] order by open.id))[1],
         (array_agg(open.message order by open.id))[1]
  from (
    select e.id, e.source, e.source_ids, e.message from rowhook.capture_error e
    where e.healed_at is null order by e.id limit 10000) as open
  group by open.source
$$;
comment on function rowhook.uncaptured_rows() is
  'sources with rows whose capture failed: how many among the oldest 10,000 open errors, and the first one with its reason';
