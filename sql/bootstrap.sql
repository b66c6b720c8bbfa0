-- Objects that the migration runner needs: the first step of a migration.

-- `create schema if not exists` requires the right to create schemas even if the schema exists. A
-- database administrator may have created both for an owner without that right.
do $$
declare
  schema_name text;
begin
  foreach schema_name in array array['rowhook', 'rowhook_pgqueuer'] loop
    if not exists (select from pg_catalog.pg_namespace where nspname = schema_name) then
      execute format('create schema %I', schema_name);
    end if;
  end loop;
end
$$;

create table if not exists rowhook.migration (
  name text primary key,
  checksum text not null,
  applied_at timestamptz not null default now()
);

create or replace function rowhook.applied_migrations() returns table (name text, checksum text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select m.name, m.checksum from rowhook.migration m
$$;

create or replace function rowhook.note_migration(name text, checksum text) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into rowhook.migration as m (name, checksum) values (name, checksum)
  on conflict on constraint migration_pkey do update set checksum = excluded.checksum, applied_at = now()
$$;

-- sql/preflight.sql reads the prefix in this text: any login may read pg_proc, even for a schema that
-- it may not use.
create or replace function rowhook.role_names() returns text[]
language sql immutable
as $$
  select array['rowhook_producer', 'rowhook_reader', 'rowhook_operator', 'rowhook_worker', 'rowhook_api']
$$;
comment on function rowhook.role_names() is
  'roles of this installation; their common prefix is the ROWHOOK_ROLE_PREFIX that it was migrated with';

create or replace function rowhook.role_prefix() returns text
language sql immutable
return regexp_replace((rowhook.role_names())[1], '_producer$', '');

create table if not exists rowhook.schema_line (
  line text primary key,
  kind text not null,
  step text not null
);
alter table rowhook.schema_line add column if not exists digest text;
comment on table rowhook.schema_line is
  'state of the schema after the last migration, compared with the current schema: one line per role, grant, policy, trigger, function and view';
comment on column rowhook.schema_line.digest is
  'digest of the definition as the server writes it; null if the line is complete by itself, or was written by a version without digests';

-- The result type of a function can only be changed by a drop.
drop function if exists rowhook.schema_differences(), rowhook.schema_state();

-- The state of the schema after a migration. Lines do not depend on the version of the server. A
-- digest may, after a dump and restore; then the definition is applied again. Objects created at run
-- time are excluded: daily partitions, and objects with a comment that begins with "generated: ".
--   step  the step that repairs a difference; `functions` stands for all functions and views
create function rowhook.schema_state() returns table (kind text, step text, line text, digest text)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
-- Settings that affect how a definition is written.
set quote_all_identifiers = off
set datestyle = 'ISO, YMD'
set intervalstyle = 'postgres'
set timezone = 'UTC'
set extra_float_digits = 1
as $$
  with our_role as (
    select oid, rolname::text as name from pg_roles where rolname = any (rowhook.role_names())
  ), grantee as (
    select oid, name from our_role union all select 0, 'public'
  ), schema as (
    select oid, nspname, nspowner, nspacl from pg_namespace where nspname in ('rowhook', 'rowhook_pgqueuer')
  ), relation as (
    select c.*, s.nspname, format('%s.%s', s.nspname, c.relname) as name
    from pg_class c join schema s on s.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'S') and c.relname !~ '^attempt_[0-9]{8}$'
      and coalesce(obj_description(c.oid, 'pg_class'), '') not like 'generated: %'
  ), routine as (
    select p.*, s.nspname,
           format('%s.%s(%s)', s.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as signature
    from pg_proc p join schema s on s.oid = p.pronamespace
    where coalesce(obj_description(p.oid, 'pg_proc'), '') not like 'generated: %'
  ), acl as (
    select 'schema ' || nspname as object, entry.*
    from schema, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) as entry
    union all
    select name, entry.*
    from relation,
    aclexplode(coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner))) as entry
    union all
    select format('column %s.%s', r.name, a.attname), entry.*
    from relation r join pg_attribute a on a.attrelid = r.oid, aclexplode(a.attacl) as entry
    where not a.attisdropped
    union all
    select signature, entry.*
    from routine, aclexplode(coalesce(proacl, acldefault('f', proowner))) as entry
  ), policy as (
    select p.*, r.relname, array(select g.name from grantee g where g.oid = any (p.polroles) order by g.name) as roles
    from pg_policy p join relation r on r.oid = p.polrelid
  )
  select 'role', 'bootstrap', 'role ' || name, null from our_role
  union all
  select distinct 'grant', 'grants', format('grant %s on %s to %s', lower(privilege_type), object, grantee.name), null
  from acl join grantee on grantee.oid = acl.grantee
  union all
  select 'policy', m.name, format('policy %s on %s for %s to %s', polname, relname, polcmd, roles),
         md5(format('%s %L %L', polpermissive, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)))
  from policy join rowhook.migration m on m.name = 'policies/' || relname
  where roles <> '{}'
  union all
  select 'policy', m.name, 'row level security of ' || relname, null
  from relation r join rowhook.migration m on m.name = 'policies/' || relname
  where r.nspname = 'rowhook' and relrowsecurity
  union all
  select 'trigger', m.name, format('trigger %s on %s', tgname, relname), md5(pg_get_triggerdef(t.oid))
  from pg_trigger t
  join relation r on r.oid = t.tgrelid
  join rowhook.migration m on m.name = format('triggers/%s.%s', relname, tgname)
  where r.nspname = 'rowhook' and not tgisinternal
  union all
  select 'function', 'functions', 'function ' || signature, md5(pg_get_functiondef(oid))
  from routine where nspname = 'rowhook'
  union all
  select 'view', 'functions', 'view ' || name, md5(pg_get_viewdef(oid))
  from relation where nspname = 'rowhook' and relkind = 'v'
$$;

create function rowhook.schema_differences()
returns table (kind text, step text, line text, missing boolean, finding text)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with present as materialized (
    select s.kind, s.step, s.line, s.digest from rowhook.schema_state() s
  )
  select l.kind, l.step, l.line, true, 'missing'
  from rowhook.schema_line l where not exists (select from present p where p.line = l.line)
  union all
  select l.kind, l.step, l.line, false, 'changed'
  from rowhook.schema_line l join present p on p.line = l.line and p.digest <> l.digest
  union all
  -- Additional objects are reported only if they grant access, and not before the first migration has
  -- finished.
  select p.kind, p.step, p.line, false, 'not ours'
  from present p
  where p.kind in ('grant', 'policy') and not exists (select from rowhook.schema_line l where l.line = p.line)
    and exists (select from rowhook.schema_line)
$$;
comment on function rowhook.schema_differences() is
  'differences between the schema and its state after the last migration: missing objects, changed definitions, and additional grants and policies';

create or replace function rowhook.is_state_kept() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (select from rowhook.schema_line)
$$;
comment on function rowhook.is_state_kept() is 'false after a migration that was interrupted before its end';

create or replace function rowhook.end_migration(obsolete text[]) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  delete from rowhook.migration m where m.name = any (obsolete);
  delete from rowhook.schema_line;
  insert into rowhook.schema_line (line, kind, step, digest)
  select s.line, s.kind, s.step, s.digest from rowhook.schema_state() s;
$$;
comment on function rowhook.end_migration(text[]) is
  'removes steps that no longer exist in sql/ and stores the state of the schema for later comparison';

create or replace function rowhook.keep_definitions(of_step text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from rowhook.schema_line l where l.step = of_step) then
    update rowhook.schema_line l set digest = s.digest
    from rowhook.schema_state() s
    where s.step = of_step and l.line = s.line and l.digest is distinct from s.digest;
  end if;
end
$$;
comment on function rowhook.keep_definitions(text) is
  'stores the definitions of an applied step, so that they do not count as changed by hand if the migration is interrupted';

create or replace function rowhook.define_trigger(table_name text, trigger_name text, definition text) returns void
language plpgsql
as $$
declare
  relation constant regclass := format('rowhook.%I', table_name);
  was_disabled constant boolean := exists (
    select from pg_catalog.pg_trigger where tgrelid = relation and tgname = trigger_name and tgenabled = 'D');
begin
  execute definition;
  if was_disabled then  -- `create or replace` enables it
    execute format('alter table %s disable trigger %I', relation, trigger_name);
  end if;
end
$$;
comment on function rowhook.define_trigger(text, text, text) is
  'executes the definition of a trigger; a trigger that an operator disabled stays disabled';

create or replace function rowhook.define_policies(table_name text, definition text) returns void
language plpgsql
as $$
declare
  relation constant regclass := format('rowhook.%I', table_name);
  ours constant oid[] := array(
    select 0::oid union all select oid from pg_catalog.pg_roles where rolname = any (rowhook.role_names()));
  policy name;
begin
  for policy in select polname from pg_catalog.pg_policy where polrelid = relation and polroles && ours loop
    execute format('drop policy %I on %s', policy, relation);
  end loop;
  execute definition;
end
$$;
comment on function rowhook.define_policies(text, text) is
  'replaces the policies of a table for Rowhook''s roles; policies for other roles are kept';
