-- Row-level security, the second line of defence behind the checks of the API. For rowhook_api a row
-- is visible and writable only if the transaction has set its organization or the operator flag
-- (rowhook.set_tenant). The engine and operators see all rows. Rows without an organization of their
-- own are visible with the webhook or delivery they belong to.
-- One paragraph per table. The runner applies it in a transaction of its own, after dropping the
-- current policies of the table for Rowhook's roles, and only if its text changed or the table has
-- other policies, because that locks the table against reads and writes.

alter table rowhook.webhook enable row level security;
create policy own_organization on rowhook.webhook to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on')
  with check (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.webhook to rowhook_worker using (true) with check (true);

alter table rowhook.organization_quota enable row level security;
create policy own_organization on rowhook.organization_quota to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.organization_quota to rowhook_worker using (true) with check (true);

alter table rowhook.webhook_revision enable row level security;
create policy own_organization on rowhook.webhook_revision to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on')
  with check (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.webhook_revision to rowhook_worker using (true) with check (true);

alter table rowhook.link enable row level security;
create policy own_organization on rowhook.link to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on')
  with check (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.link to rowhook_worker using (true) with check (true);

alter table rowhook.secret enable row level security;
create policy own_organization on rowhook.secret to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on')
  with check (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.secret to rowhook_worker using (true) with check (true);

alter table rowhook.webhook_secret enable row level security;
create policy own_organization on rowhook.webhook_secret to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on')
  with check (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.webhook_secret to rowhook_worker using (true) with check (true);

alter table rowhook.event enable row level security;
create policy own_organization on rowhook.event to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on')
  with check (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.event to rowhook_worker using (true) with check (true);

alter table rowhook.outbox enable row level security;
create policy own_organization on rowhook.outbox to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on')
  with check (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.outbox to rowhook_worker using (true) with check (true);
create policy operator_sees_every_organization on rowhook.outbox to rowhook_operator using (true) with check (true);

alter table rowhook.callback enable row level security;
create policy own_organization on rowhook.callback to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on')
  with check (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.callback to rowhook_worker using (true) with check (true);

alter table rowhook.api_key enable row level security;
create policy own_organization on rowhook.api_key to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on')
  with check (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');

alter table rowhook.portal_session enable row level security;
create policy own_organization on rowhook.portal_session to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on')
  with check (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');

alter table rowhook.alert_threshold enable row level security;
create policy own_organization on rowhook.alert_threshold to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on')
  with check (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.alert_threshold to rowhook_worker using (true) with check (true);

alter table rowhook.audit enable row level security;
create policy own_organization on rowhook.audit to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on')
  with check (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.audit to rowhook_worker using (true) with check (true);

alter table rowhook.signing_secret enable row level security;
create policy own_organization on rowhook.signing_secret to rowhook_api
  using (exists (select from rowhook.webhook w where w.id = webhook_id))
  with check (exists (select from rowhook.webhook w where w.id = webhook_id));
create policy every_organization on rowhook.signing_secret to rowhook_worker using (true) with check (true);

alter table rowhook.attempt_row enable row level security;
create policy own_organization on rowhook.attempt_row to rowhook_api
  using (exists (select from rowhook.outbox o where o.id = outbox_id));
create policy every_organization on rowhook.attempt_row to rowhook_worker using (true) with check (true);

alter table rowhook.exchange enable row level security;
create policy own_organization on rowhook.exchange to rowhook_api
  using (exists (select from rowhook.outbox o where o.id = outbox_id));
create policy every_organization on rowhook.exchange to rowhook_worker using (true) with check (true);

alter table rowhook.failed_exchange enable row level security;
create policy own_organization on rowhook.failed_exchange to rowhook_api
  using (exists (select from rowhook.outbox o where o.id = outbox_id));
create policy every_organization on rowhook.failed_exchange to rowhook_worker using (true) with check (true);

alter table rowhook.attempt_archive enable row level security;
create policy own_organization on rowhook.attempt_archive to rowhook_api
  using (exists (select from rowhook.outbox o where o.id = outbox_id));
create policy every_organization on rowhook.attempt_archive to rowhook_worker using (true) with check (true);

alter table rowhook.request_frame enable row level security;
create policy own_organization on rowhook.request_frame to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.request_frame to rowhook_worker using (true) with check (true);

alter table rowhook.lane_state enable row level security;
create policy own_organization on rowhook.lane_state to rowhook_api
  using (exists (select from rowhook.webhook w where w.id = webhook_id));
create policy every_organization on rowhook.lane_state to rowhook_worker using (true) with check (true);

alter table rowhook.attempt_delta enable row level security;
create policy own_organization on rowhook.attempt_delta to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.attempt_delta to rowhook_worker using (true) with check (true);

alter table rowhook.attempt_minute enable row level security;
create policy own_organization on rowhook.attempt_minute to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.attempt_minute to rowhook_worker using (true) with check (true);

alter table rowhook.attempt_quarter enable row level security;
create policy own_organization on rowhook.attempt_quarter to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.attempt_quarter to rowhook_worker using (true) with check (true);

alter table rowhook.organization_minute enable row level security;
create policy own_organization on rowhook.organization_minute to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.organization_minute to rowhook_worker using (true) with check (true);

alter table rowhook.organization_quarter enable row level security;
create policy own_organization on rowhook.organization_quarter to rowhook_api
  using (
    organization_id = nullif(current_setting('rowhook.organization', true), '')::uuid
    or current_setting('rowhook.operator', true) = 'on');
create policy every_organization on rowhook.organization_quarter to rowhook_worker using (true) with check (true);
