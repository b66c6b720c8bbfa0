-- Preflight checks, with advice for each failed one. Reads only pg_catalog, so it works for any login,
-- and in a database that was never migrated.
--   $1          the role prefix
--   needed_for  'server': everything; 'write': everything that does more than read; 'migrate': a
--               migration; 'start': every command that works with a migrated database
with this as (
  select
    d.oid, d.datname, pg_encoding_to_char(d.encoding) as encoding,
    current_setting('server_version_num')::int as version,
    -- Since PostgreSQL 16, membership and the right to SET ROLE are separate.
    case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end as set_right
  from pg_catalog.pg_database d
  where d.datname = current_database()
), role as (
  select duty, $1::text || '_' || duty as name, place, r.oid
  from unnest(array['producer', 'reader', 'operator', 'worker', 'api']) with ordinality as duties (duty, place)
  left join pg_catalog.pg_roles r on r.rolname = $1 || '_' || duty
), missing_role as (
  select
    count(*) as number, string_agg(name, ', ' order by place) as names,
    string_agg(format('create role %I nologin;', name), ' ' order by place) as statement
  from role where oid is null
), schema as (
  select required.name, n.oid, n.nspowner as owner
  from unnest(array['rowhook', 'rowhook_pgqueuer']) as required (name)
  left join pg_catalog.pg_namespace n on n.nspname = required.name
), installation as (
  -- Installations without role_names have the prefix rowhook.
  select coalesce(substring(p.prosrc from '''(\w+)_producer'''), 'rowhook') as prefix
  from schema s
  join pg_catalog.pg_class c on c.relnamespace = s.oid and c.relname = 'migration'
  left join pg_catalog.pg_proc p on p.pronamespace = s.oid and p.proname = 'role_names'
  where s.name = 'rowhook'
), foreign_object as (
  select pg_get_userbyid(object.owner) as owner, count(*) as number
  from (
    select c.relnamespace as schema, c.relowner as owner from pg_catalog.pg_class c
    union all
    select p.pronamespace, p.proowner from pg_catalog.pg_proc p
  ) as object
  join schema s on s.oid = object.schema
  where not pg_has_role(object.owner, 'USAGE')
  group by object.owner
), service as (
  select
    r.name, r.oid, this.version,
    pg_has_role(session_user, r.oid, this.set_right) as can_set,
    pg_has_role(session_user, r.oid, 'USAGE') as inherits
  from role r, this
  where r.duty in ('worker', 'api') and r.oid is not null
)
select 'PostgreSQL' as subject, 'server' as needed_for, version >= 150000 as healthy,
       current_setting('server_version')
         || case when version >= 150000 then '' else ': Rowhook needs PostgreSQL 15 or later' end as finding,
       'Upgrade the server.' as advice
from this
union all
select 'encoding', 'server', encoding = 'UTF8',
       encoding || case when encoding = 'UTF8' then ''
         else ': Rowhook needs a database with encoding ''UTF8''. Create one and set DATABASE_URL to it' end,
       format('create database %I encoding ''UTF8'' locale ''C'' template template0;', datname || '_utf8')
from this
union all
select 'primary', 'write', current_setting('transaction_read_only') = 'off',
       case when pg_is_in_recovery() then 'a standby: it can only be read'
            when current_setting('transaction_read_only') = 'on' then 'read-only (default_transaction_read_only): it can only be read'
            else 'writable' end,
       case when pg_is_in_recovery()
            then 'Point DATABASE_URL at the primary, or add target_session_attrs=read-write to it.'
            else 'Find out who set default_transaction_read_only. Running workers go on once it is off.' end
union all
select 'role prefix', 'server', i.prefix is null or i.prefix = $1,
       case when i.prefix is null or i.prefix = $1 then $1
            else format('the database was migrated with the role prefix %s, but ROWHOOK_ROLE_PREFIX is %s', i.prefix, $1) end,
       format('Set ROWHOOK_ROLE_PREFIX=%s.', i.prefix)
from this left join installation i on true
union all
select 'roles to create', 'migrate', number = 0 or may_create,
       case when number = 0 then 'none'
            when may_create then names
            else format('%s do not exist, and %s may not create roles (CREATEROLE)', names, current_user) end,
       coalesce(statement, '')
from missing_role, (
  select rolsuper or rolcreaterole as may_create from pg_catalog.pg_roles where rolname = current_user) as login
union all
select 'schema ' || s.name, 'migrate',
       case when s.oid is null then has_database_privilege(this.oid, 'CREATE') else pg_has_role(s.owner, 'USAGE') end,
       case when s.oid is not null then 'owned by ' || pg_get_userbyid(s.owner)
            when has_database_privilege(this.oid, 'CREATE') then 'to be created'
            else format('it does not exist, and %s may not create schemas in %s', current_user, this.datname) end,
       case when s.oid is null then format('create schema %I authorization %I;', s.name, current_user)
            when i.prefix is null then format('alter schema %I owner to %I;', s.name, current_user)
            else format('Set DATABASE_DIRECT_URL to a login that is a member of %s.', pg_get_userbyid(s.owner)) end
from this, schema s left join installation i on true
union all
select 'owner of the objects', 'migrate', false,
       format('%s to %s, and %s is not a member of that role',
              case number when 1 then '1 table or function of Rowhook belongs'
                   else number || ' tables and functions of Rowhook belong' end, owner, current_user),
       format('Set DATABASE_DIRECT_URL to a login that is a member of that role, or run: grant %I to %I;', owner, current_user)
from foreign_object
union all
select 'migrated', 'start', false, 'the database is not migrated', 'run rowhook migrate'
where not exists (select from installation)
union all
select 'roles', 'start', number = 0,
       case when number = 0 then 'all exist' else names || case number when 1 then ' does' else ' do' end || ' not exist' end,
       'run rowhook migrate'
from missing_role where exists (select from installation)
union all
select 'membership in ' || name, 'start', can_set and (inherits or version < 160000),
       format(case when can_set and (inherits or version < 160000) then '%s has it'
                   when can_set then '%s does not inherit its rights'
                   else '%s is not a member with the right to SET ROLE' end, session_user),
       format('grant %I to %I%s;', name, session_user,
              case when version >= 160000 then ' with inherit true, set true' else '' end)
from service where exists (select from installation)
union all
select 'inherited rights', 'start', false,
       format('%s is a member of %s but does not inherit its rights (NOINHERIT)', session_user, name),
       format('alter role %I inherit;', session_user)
from service where version < 160000 and can_set and not inherits and exists (select from installation)
union all
select 'usage of schema ' || s.name, 'start', bool_and(has_schema_privilege(r.oid, s.oid, 'USAGE')),
       coalesce('not granted to ' || string_agg(r.name, ', ') filter (where not has_schema_privilege(r.oid, s.oid, 'USAGE')),
                'granted'),
       'run rowhook migrate'
from schema s join service r on s.name = 'rowhook' or r.name = $1 || '_worker'
where s.oid is not null and exists (select from installation)
group by s.name
