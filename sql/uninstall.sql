-- The objects of Rowhook in this database, in the order in which `rowhook uninstall` removes them.
-- Reads only pg_catalog, so it also works for a damaged or partly migrated installation.
--   $1         the role prefix, if the database does not have its own
--   statement  null if there is nothing to run: the object is kept, or removed with a schema
--   note       its owner, or where it is used
with own_schema as (
  select n.oid, n.nspname as name, pg_get_userbyid(n.nspowner) as owner
  from pg_catalog.pg_namespace n
  where n.nspname in ('rowhook', 'rowhook_pgqueuer')
), installation as (
  select coalesce((
    select substring(p.prosrc from '''(\w+)_producer''')
    from pg_catalog.pg_proc p
    join own_schema s on s.oid = p.pronamespace and s.name = 'rowhook'
    where p.proname = 'role_names'), $1::text) as prefix
), own_object as (
  select 'pg_class'::regclass as class, c.oid from pg_catalog.pg_class c join own_schema s on s.oid = c.relnamespace
  union all
  select 'pg_proc'::regclass, p.oid from pg_catalog.pg_proc p join own_schema s on s.oid = p.pronamespace
  union all
  select 'pg_type'::regclass, t.oid from pg_catalog.pg_type t join own_schema s on s.oid = t.typnamespace
), own_trigger as (
  select t.oid, t.tgname as name, c.oid::regclass::text as relation
  from pg_catalog.pg_trigger t
  join pg_catalog.pg_class c on c.oid = t.tgrelid
  where t.tgname like 'rowhook\_%' and not t.tgisinternal and t.tgparentid = 0
    and not exists (select from own_schema s where s.oid = c.relnamespace)
    and exists (
      select from pg_catalog.pg_proc p join own_schema s on s.oid = p.pronamespace where p.oid = t.tgfoid)
), dependent as (
  select distinct case when w.oid is null then pg_describe_object(d.classid, d.objid, 0)
                       else pg_describe_object('pg_class'::regclass, w.ev_class, 0) end as name
  from own_object o
  join pg_catalog.pg_depend d on d.refclassid = o.class and d.refobjid = o.oid and d.deptype in ('n', 'a')
  left join pg_catalog.pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
  left join pg_catalog.pg_constraint k on d.classid = 'pg_constraint'::regclass and k.oid = d.objid
  left join pg_catalog.pg_attrdef a on d.classid = 'pg_attrdef'::regclass and a.oid = d.objid
  left join pg_catalog.pg_trigger t on d.classid = 'pg_trigger'::regclass and t.oid = d.objid
  left join pg_catalog.pg_proc p on d.classid = 'pg_proc'::regclass and p.oid = d.objid
  left join pg_catalog.pg_class c
    on c.oid = coalesce(w.ev_class, k.conrelid, a.adrelid, t.tgrelid,
                        case d.classid when 'pg_class'::regclass then d.objid end)
  where coalesce(c.relnamespace, p.pronamespace) not in (select s.oid from own_schema s)
    and not coalesce(t.tgisinternal, false)
    and not exists (select from own_trigger own where own.oid = t.oid)
    and not exists (select from own_trigger own where own.oid = t.tgparentid)
), role as (
  select place, i.prefix || '_' || duty as name, r.oid
  from installation i,
       unnest(array['producer', 'reader', 'operator', 'worker', 'api']) with ordinality as duties (duty, place)
  join pg_catalog.pg_roles r on r.rolname = (select prefix from installation) || '_' || duty
), other_use as (
  select u.refobjid as role,
         string_agg(distinct coalesce('database ' || d.datname, pg_describe_object(u.classid, u.objid, 0)), ', ') as places
  from pg_catalog.pg_shdepend u
  left join pg_catalog.pg_database d on d.oid = u.dbid
  where u.refclassid = 'pg_authid'::regclass
    -- Also uses in this database, once the schemas and the grants in them are gone.
    and (d.datname is distinct from current_database() or not exists (select from own_schema))
  group by u.refobjid
), setting as (
  select split_part(entry, '=', 1) as name
  from pg_catalog.pg_db_role_setting g
  join pg_catalog.pg_database d on d.oid = g.setdatabase and d.datname = current_database(),
  unnest(g.setconfig) as entry
  where g.setrole = 0 and entry like 'rowhook.%'
)
select 'trigger' as kind, format('%I on %s', name, relation) as object,
       format('set local lock_timeout = ''200ms''; drop trigger if exists %I on %s;', name, relation) as statement,
       '' as note
from own_trigger
union all
select 'dependent', name, null, 'depends on schema rowhook' from dependent
union all
select 'schema', name, format('set local lock_timeout = ''200ms''; drop schema if exists %I cascade;', name),
       'owned by ' || owner
from own_schema
union all
select 'setting', format('%s of database %I', name, current_database()),
       format('alter database %I reset %s;', current_database(),
              (select string_agg(quote_ident(part), '.' order by place)
               from unnest(string_to_array(name, '.')) with ordinality as parts (part, place))),
       ''
from setting
union all
(select 'role', r.name, case when u.role is null then format('drop role if exists %I;', r.name) end,
        coalesce('used in ' || u.places, '')
 from role r left join other_use u on u.role = r.oid
 order by r.place)
