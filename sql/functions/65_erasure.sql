-- Erasure of all rows that Rowhook stores about an organization, in batches, each in a transaction of
-- its own. The platform erases its own tables itself.

create or replace function rowhook.erase_configuration(organization uuid)
returns table (kind text, erased bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  perform rowhook.require_operator();
  delete from rowhook.link l where l.organization_id = organization;
  get diagnostics erased = row_count;
  kind := 'links';
  return next;
  -- Workers cancel the waiting deliveries; erase_batch removes them.
  delete from rowhook.webhook w where w.organization_id = organization;
  get diagnostics erased = row_count;
  kind := 'webhooks';
  return next;
  delete from rowhook.secret s where s.organization_id = organization;
  get diagnostics erased = row_count;
  kind := 'secrets';
  return next;
  delete from rowhook.idempotent_request r
  using rowhook.api_key k where r.caller = k.id::text and k.organization_id = organization;
  delete from rowhook.sign_in s using rowhook.api_key k where s.key_hash = k.hash and k.organization_id = organization;
  delete from rowhook.portal_session p where p.organization_id = organization;
  delete from rowhook.api_key k where k.organization_id = organization;
  get diagnostics erased = row_count;
  kind := 'api_keys';
  return next;
end
$$;
comment on function rowhook.erase_configuration(uuid) is
  'deletes the links, webhooks, secrets and API keys of an organization; returns how many';

create or replace function rowhook.erase_batch(organization uuid, most int default 1000)
returns table (kind text, erased bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  event_ids bigint[];
  deliveries bigint[];
  gone bigint;
begin
  perform rowhook.require_operator();
  -- Rows that a worker is recording, or another transaction has locked, are left for the next batch.
  event_ids := array(
    select e.id from rowhook.event e where e.organization_id = organization
    order by e.xact, e.id limit most for update skip locked);
  deliveries := array(
    select o.id from rowhook.outbox o where o.event_id = any (event_ids) order by o.id for update skip locked);
  event_ids := array(
    select unnest(event_ids)
    except select o.event_id from rowhook.outbox o where o.event_id = any (event_ids) and not o.id = any (deliveries));
  delete from rowhook.attempt_row a where a.outbox_id = any (deliveries);
  get diagnostics gone = row_count;
  delete from rowhook.attempt_archive a where a.outbox_id = any (deliveries);
  get diagnostics erased = row_count;
  erased := erased + gone;
  kind := 'attempts';
  return next;
  delete from rowhook.exchange x where x.outbox_id = any (deliveries);
  delete from rowhook.failed_exchange x where x.outbox_id = any (deliveries);
  delete from rowhook.callback c where c.outbox_id = any (deliveries);
  delete from rowhook.outbox o where o.id = any (deliveries);
  get diagnostics erased = row_count;
  kind := 'deliveries';
  return next;
  -- Leaves a trace without content where rowhook.heal would capture the row again.
  erased := rowhook.remove_events(event_ids);
  kind := 'events';
  return next;
end
$$;
comment on function rowhook.erase_batch(uuid, int) is
  'deletes a batch of the events of an organization with their deliveries and attempts; returns how many. Repeat it until rowhook.has_events returns false';

create or replace function rowhook.has_events(organization uuid) returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  perform rowhook.require_operator();
  return exists (select from rowhook.event e where e.organization_id = organization);
end
$$;
comment on function rowhook.has_events(uuid) is 'whether an organization has events that are not erased';

create or replace function rowhook.end_erasure(organization uuid, erased json) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  perform rowhook.require_operator();
  delete from rowhook.callback c where c.organization_id = organization;
  delete from rowhook.request_frame f where f.organization_id = organization;
  delete from rowhook.attempt_delta d where d.organization_id = organization;
  delete from rowhook.attempt_minute m where m.organization_id = organization;
  delete from rowhook.attempt_quarter q where q.organization_id = organization;
  delete from rowhook.organization_minute m where m.organization_id = organization;
  delete from rowhook.organization_quarter q where q.organization_id = organization;
  delete from rowhook.webhook_revision r where r.organization_id = organization;
  delete from rowhook.organization_quota q where q.organization_id = organization;
  delete from rowhook.alert_threshold t where t.organization_id = organization;
  -- Its entries contain the configuration of webhooks.
  delete from rowhook.audit a where a.organization_id = organization;
  perform rowhook.write_audit(organization, 'organization.erased', organization::text, null, erased);
end
$$;
comment on function rowhook.end_erasure(uuid, json) is
  'deletes the rows that refer to erased webhooks and the audit of the organization, and writes its last entry';
