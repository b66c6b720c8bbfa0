-- Quotas of organizations, which operators set. Without a row, or where a column is null, there is no
-- limit.

create or replace function rowhook.organization_details(organization uuid) returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return (
    select json_build_object(
      'id', o.id, 'external_id', o.external_id, 'name', o.name,
      'quota', json_build_object('webhooks', q.webhooks, 'deliveries_per_s', q.deliveries_per_s),
      'usage', json_build_object(
        'webhooks', (select count(*) from rowhook.webhook w where w.organization_id = o.id)))
    from rowhook.organization o
    left join rowhook.organization_quota q on q.organization_id = o.id
    where o.id = organization and rowhook.can_see(o.id));
end
$$;
comment on function rowhook.organization_details(uuid) is
  'an organization with its quotas and what it uses of them; null if this transaction cannot see it';

create or replace function rowhook.require_operator() returns void
language plpgsql stable
as $$
begin
  if current_setting('role') = 'rowhook_api' and current_setting('rowhook.operator', true) is distinct from 'on' then
    raise insufficient_privilege using message = 'Only an operator can set the quotas of an organization, or erase it.';
  end if;
end
$$;

create or replace function rowhook.set_quota(organization uuid, max_webhooks int, max_deliveries_per_s numeric) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  before json;
begin
  perform rowhook.require_operator();
  select json_build_object('webhooks', q.webhooks, 'deliveries_per_s', q.deliveries_per_s) into before
  from rowhook.organization_quota q where q.organization_id = organization for update;
  insert into rowhook.organization_quota as q (organization_id, webhooks, deliveries_per_s)
  values (organization, max_webhooks, max_deliveries_per_s)
  on conflict (organization_id) do update
    set webhooks = excluded.webhooks, deliveries_per_s = excluded.deliveries_per_s;
  perform rowhook.write_audit(organization, 'organization.quota_changed', organization::text, before,
    json_build_object('webhooks', max_webhooks, 'deliveries_per_s', max_deliveries_per_s));
  -- A worker may wait for the time at which the previous rate allowed the next delivery.
  perform rowhook.wake();
end
$$;
comment on function rowhook.set_quota(uuid, int, numeric) is 'sets the quotas of an organization; null: no limit';

-- Security definer: it locks a row that the organization itself may not change.
create or replace function rowhook.check_webhook_quota(organization uuid) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  most int;
  present bigint;
begin
  -- Locked, so that two creations at once do not both take the last place.
  select q.webhooks into most from rowhook.organization_quota q where q.organization_id = organization for update;
  if most is null then
    return;
  end if;
  select count(*) into present from rowhook.webhook w where w.organization_id = organization;
  if present >= most then
    raise exception using errcode = 'RH009',
      message = format('The organization''s quota of %s webhooks is used up: it has %s.', most, present),
      hint = 'Delete a webhook, or ask the operator to raise the quota.';
  end if;
end
$$;
comment on function rowhook.check_webhook_quota(uuid) is
  'raises RH009 if the organization may have no further webhook';

-- Both are called under the settings of rowhook.claim_batch.
create or replace function rowhook.limit_to_quota(
  lane uuid, share int, out allowed int, out owner uuid, out tokens double precision, out opens_at timestamptz
)
language plpgsql
as $$
declare
  quota record;
begin
  allowed := share;
  -- Locked until the claim is committed: that makes the rate exact across the lanes of the organization
  -- and all workers.
  select q.organization_id, q.deliveries_per_s, q.tokens, q.refilled_at into quota
  from rowhook.webhook w
  join rowhook.organization_quota q on q.organization_id = w.organization_id
  where w.id = lane and q.deliveries_per_s is not null
  for update of q skip locked;
  if not found then
    if exists (
      select from rowhook.webhook w
      join rowhook.organization_quota q on q.organization_id = w.organization_id
      where w.id = lane and q.deliveries_per_s is not null) then
      allowed := null;
    end if;
    return;
  end if;
  owner := quota.organization_id;
  -- As the rate of a webhook: the bucket holds a tenth of a second's worth, and at least one token.
  tokens := least(
    greatest(quota.deliveries_per_s / 10, 1),
    coalesce(
      quota.tokens + extract(epoch from greatest(now() - quota.refilled_at, '0')) * quota.deliveries_per_s,
      'infinity'));
  allowed := least(share, floor(tokens));
  if allowed = 0 then
    opens_at := now() + make_interval(secs => (1 - tokens) / quota.deliveries_per_s::float8);
  end if;
end
$$;
comment on function rowhook.limit_to_quota(uuid, int) is
  'how many of `share` deliveries of a lane the rate of its organization allows now: none until opens_at, null while another claim takes some. `owner` is the organization, null if it has no rate';

create or replace function rowhook.spend_quota(organization uuid, remaining double precision) returns void
language plpgsql
as $$
begin
  update rowhook.organization_quota q set tokens = remaining, refilled_at = now()
  where q.organization_id = organization;
end
$$;
comment on function rowhook.spend_quota(uuid, double precision) is
  'records the tokens that a claim leaves in the bucket of an organization';
