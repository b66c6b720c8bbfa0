-- The five group roles. They log in through nobody: grant them to your own logins.
-- Applied again where one is missing, for a dump of the database does not hold them. Roles belong to
-- the cluster, so two databases that migrate at once may race: the loser finds the role there, which is
-- what it wanted.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['rowhook_producer', 'rowhook_reader', 'rowhook_operator',
                                'rowhook_worker', 'rowhook_api'] loop
    begin
      if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
        execute format('create role %I nologin', wanted);
      end if;
    exception when duplicate_object or unique_violation then
      null;
    end;
  end loop;
end
$$;
