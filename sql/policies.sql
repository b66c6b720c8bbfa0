-- The second line behind the API's own checks: as rowhook_api no row of these tables is seen or
-- written without its organization, or the operator flag, set for the transaction (rowhook.enter).
-- The engine and the operator see all. Re-applied whole at each migrate.

do $$
declare
  old record;
  guarded text;
  mine constant text := $policy$(
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on')$policy$;
begin
  for old in select policyname, tablename from pg_catalog.pg_policies where schemaname = 'rowhook' loop
    execute format('drop policy %I on rowhook.%I', old.policyname, old.tablename);
  end loop;
  foreach guarded in array array[
    'webhook', 'webhook_revision', 'link', 'secret', 'webhook_secret', 'event', 'outbox', 'callback', 'api_key',
    'audit']
  loop
    execute format('create policy own_organization on rowhook.%I to rowhook_api using %s with check %s',
                   guarded, mine, mine);
  end loop;
  foreach guarded in array array[
    'webhook', 'webhook_revision', 'link', 'secret', 'webhook_secret', 'signing_secret', 'event', 'outbox',
    'callback', 'attempt', 'audit', 'lane_state']
  loop
    execute format('create policy every_organization on rowhook.%I to rowhook_worker using (true) with check (true)',
                   guarded);
  end loop;
end
$$;

create policy operator_sees_every_organization on rowhook.outbox to rowhook_operator using (true) with check (true);

-- These two have no organization of their own: they are seen with what they belong to.
create policy own_organization on rowhook.signing_secret to rowhook_api
  using (exists (select from rowhook.webhook w where w.id = webhook_id))
  with check (exists (select from rowhook.webhook w where w.id = webhook_id));
create policy own_organization on rowhook.lane_state to rowhook_api
  using (exists (select from rowhook.webhook w where w.id = webhook_id));
create policy own_organization on rowhook.attempt to rowhook_api
  using (exists (select from rowhook.outbox o where o.id = outbox_id));
