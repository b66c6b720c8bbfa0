-- What the migration runner itself stands on. Runs at each migrate, before anything else.
create schema if not exists rowhook;

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
