-- What the migration runner itself stands on. Applied before the first step of a migration.

-- `create schema if not exists` needs the right to create schemas even where the schema exists, and
-- a database administrator may have made both for an owner without that right.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['rowhook', 'rowhook_pgqueuer'] loop
    if not exists (select from pg_catalog.pg_namespace where nspname = wanted) then
      execute format('create schema %I', wanted);
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

-- sql/preflight.sql reads the prefix in this text: any login may read pg_proc, also in a schema
-- that is closed to it.
create or replace function rowhook.role_names() returns text[]
language sql immutable
as $$
  select array['rowhook_producer', 'rowhook_reader', 'rowhook_operator', 'rowhook_worker', 'rowhook_api']
$$;
comment on function rowhook.role_names() is
  'the roles of this installation; their common prefix is the ROWHOOK_ROLE_PREFIX that it was migrated with';

create or replace function rowhook.role_prefix() returns text
language sql immutable
return regexp_replace((rowhook.role_names())[1], '_producer$', '');
