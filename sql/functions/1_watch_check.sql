-- Whether a table can be a source, and whether it still is one.

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
  odd constant text := (
    select min(m.key) from jsonb_each(source.mapping) as m
    where m.key <> 'status_map' and not (
      jsonb_typeof(m.value) = 'string' or (jsonb_typeof(m.value) = 'object' and m.value ? 'value')));
begin
  perform rowhook.reject_mapping(format('The mapping of %s names an unknown field %s.', source.relation, unknown),
    format('Fields of %s: %s.', source.kind, array_to_string(known, ', '))) where unknown is not null;
  perform rowhook.reject_mapping(format('The mapping of %s lacks the field %s.', source.relation, missing),
    format('Required: %s. Say which column holds it.', array_to_string(required, ', '))) where missing is not null;
  perform rowhook.reject_mapping(format('The mapping of %s gives %s a value of a wrong kind.', source.relation, odd),
    'A value is the name of a column, a dotted path into a json column, or {"value": "a constant"}.') where odd is not null;
  perform rowhook.reject_mapping(format('The mapping of %s lacks agent_id or agent_version_id.', source.relation),
    'One of the two is needed: it says whose webhooks a job goes to.')
  where source.kind = 'jobs' and not source.mapping ?| array['agent_id', 'agent_version_id'];
end
$$;
comment on function rowhook.check_fields(rowhook.source, text[], text[]) is 'raises RH004 if a mapping names what is unknown or lacks what is needed';

create or replace function rowhook.check_status_map(mapping jsonb) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  odd text;
begin
  if not mapping ? 'status_map' then
    return;
  end if;
  if jsonb_typeof(mapping -> 'status_map') <> 'object' then
    perform rowhook.reject_mapping('status_map is not an object.', 'For example {"done": "succeeded", "error": "failed"}.');
  end if;
  odd := (select min(m.key) from jsonb_each_text(mapping -> 'status_map') as m 
         where m.value not in ('pending', 'running', 'succeeded', 'failed', 'cancelled'));
  perform rowhook.reject_mapping(format('status_map maps %s to %s.', odd, mapping -> 'status_map' ->> odd),
    'Map to succeeded or failed, which fire; what is not mapped does not.') where odd is not null;
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
  zone constant text := rowhook.constant_of(source.mapping, 'time_zone');
begin
  perform rowhook.reject_mapping(format('%s is not a table.', source.relation), 'Watch the table that the platform inserts into.')
  where class.relkind not in ('r', 'p');
  perform rowhook.reject_mapping(format('%s is a temporary table.', source.relation), 'Watch a table that stays.')
  where class.relpersistence = 't';
  perform rowhook.reject_mapping(format('%s is a partition.', source.relation), 'Watch the partitioned table.')
  where class.relispartition;
  perform rowhook.reject_mapping(format('%s is a table of Rowhook.', source.relation),
    'rowhook.job and rowhook.commit are sources already; watch a table of the platform.')
  where class.relnamespace = 'rowhook'::regnamespace;
  perform rowhook.reject_mapping(format('The time zone %s is not known.', zone), 'Write a name of pg_timezone_names, such as Europe/Berlin.')
  where zone is not null and not exists (select from pg_timezone_names n where lower(n.name) = lower(zone));
  perform rowhook.reject_mapping(format('The owner of Rowhook''s tables, %s, may not read %s.', owner, source.relation),
    format('Run: grant usage on schema %I to %I; grant select on %s to %I;', class.relnamespace::regnamespace, owner, source.relation, owner))
  where not has_table_privilege(owner, source.relation, 'select')
    or not has_schema_privilege(owner, class.relnamespace, 'usage');
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
    -- A partitioned table's key holds its partition key too.
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
comment on function rowhook.hides_rows(regclass) is 'whether row-level security keeps rows of a watched table from the owner of Rowhook''s tables';

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
    case when not rowhook.is_capture_current(source) then 'A mapped column changed its type: call rowhook.watch_' || source.kind || ' again.' end,
    'Heal could not read it: ' || source.heal_error,
    case when rowhook.hides_rows(source.relation) then 'Row-level security hides its rows from heal: alter role … bypassrls, or a policy for the owner of Rowhook''s tables.' end,
    case when not rowhook.can_heal(source) then format(
      'Heal does not look for missed rows, for it would read the whole table each time: create index concurrently on %s (%I).',
      source.relation, rowhook.heal_column(source)) end);
end
$$;
comment on function rowhook.source_drift(rowhook.source) is
  'why a source is no longer captured as its mapping says; null if it is';
