-- The schemas and grants that an owner without CREATEROLE cannot create. `rowhook migrate
-- --print-bootstrap` prints it after sql/roles.sql and replaces the variables as psql would.
do $$
begin
  if current_database() <> :'database' then
    raise exception 'Connected to database %; connect to % instead.', current_database(), :'database';
  end if;
  -- To create a schema for another role, a login that is not a superuser must be able to set that
  -- role.
  if not pg_catalog.pg_has_role(:'owner', case
      when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end) then
    grant :"owner" to current_user;
  end if;
end
$$;
create schema if not exists rowhook authorization :"owner";
create schema if not exists rowhook_pgqueuer authorization :"owner";
alter schema rowhook owner to :"owner";
alter schema rowhook_pgqueuer owner to :"owner";
grant rowhook_worker, rowhook_api to :"login";
