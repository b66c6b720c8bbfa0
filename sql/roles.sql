-- The five group roles, without login: grant them to your own logins. Applied again if one is missing,
-- because a dump of the database does not contain roles. Roles belong to the cluster, so two databases
-- that migrate at once may race; the loser finds the role already created.
do $$
declare
  role_name text;
begin
  foreach role_name in array array['rowhook_producer', 'rowhook_reader', 'rowhook_operator',
                                   'rowhook_worker', 'rowhook_api'] loop
    begin
      if not exists (select from pg_catalog.pg_roles where rolname = role_name) then
        execute format('create role %I nologin', role_name);
      end if;
    exception when duplicate_object or unique_violation then
      null;
    end;
  end loop;
end
$$;
