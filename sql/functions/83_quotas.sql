-- Quotas of organizations, which operators set. Without a row, or where a column is null, there is no
-- limit.

create or replace function rowhook.quota_day() returns date
language sql stable
return (now() at time zone 'UTC')::date;
comment on function rowhook.quota_day() is 'the day, in UTC, whose bytes rowhook.organization_quota counts now';

create or replace function rowhook.bytes_today(quota rowhook.organization_quota) returns bigint
language sql stable
return case when quota.bytes_used_on = rowhook.quota_day() then quota.bytes_used else 0 end;
comment on function rowhook.bytes_today(rowhook.organization_quota) is
  'bytes that the deliveries of an organization with a quota of bytes carried today';

create or replace function rowhook.bytes_resume_at() returns timestamptz
language sql stable
return (rowhook.quota_day() + 1)::timestamp at time zone 'UTC';
comment on function rowhook.bytes_resume_at() is 'the end of the day, in UTC, when bytes are counted from 0 again';

create or replace function rowhook.quota_document(quota rowhook.organization_quota) returns json
language sql stable
return json_build_object(
  'webhooks', quota.webhooks, 'deliveries_per_s', quota.deliveries_per_s, 'bytes_per_day', quota.bytes_per_day);
comment on function rowhook.quota_document(rowhook.organization_quota) is 'the quotas of an organization as JSON';

create or replace function rowhook.organization_details(organization uuid) returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return (
    select json_build_object(
      'id', o.id, 'external_id', o.external_id, 'name', o.name,
      'quota', rowhook.quota_document(q),
      'usage', json_build_object(
        'webhooks', (select count(*) from rowhook.webhook w where w.organization_id = o.id),
        'bytes_today', case when q.bytes_per_day is not null then rowhook.bytes_today(q) end,
        'bytes_resume_at', case when rowhook.bytes_today(q) >= q.bytes_per_day then rowhook.bytes_resume_at() end))
    from rowhook.organization o
    left join rowhook.organization_quota q on q.organization_id = o.id
    where o.id = organization and rowhook.can_see(o.id));
end
$$;
comment on function rowhook.organization_details(uuid) is
  'an organization with its quotas and their usage; null if this transaction cannot see it';

create or replace function rowhook.require_operator() returns void
language plpgsql stable
as $$
begin
  if current_setting('role') = 'rowhook_api' and current_setting('rowhook.operator', true) is distinct from 'on' then
    raise insufficient_privilege using message = 'Only an operator can set the quotas of an organization, or erase it.';
  end if;
end
$$;

create or replace function rowhook.set_quotas(organization uuid, changes jsonb) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  before rowhook.organization_quota;
  after rowhook.organization_quota;
begin
  perform rowhook.require_operator();
  insert into rowhook.organization_quota (organization_id) values (organization) on conflict do nothing;
  select * into before from rowhook.organization_quota q where q.organization_id = organization for update;
  update rowhook.organization_quota q
  set webhooks = case when changes ? 'webhooks' then (changes ->> 'webhooks')::int else q.webhooks end,
      deliveries_per_s = case when changes ? 'deliveries_per_s' then (changes ->> 'deliveries_per_s')::numeric
        else q.deliveries_per_s end,
      bytes_per_day = case when changes ? 'bytes_per_day' then (changes ->> 'bytes_per_day')::bigint else q.bytes_per_day end,
      -- The usage of the day is kept when its quota is changed. Without a quota nothing is counted.
      bytes_used = case when changes -> 'bytes_per_day' = 'null' then 0 else q.bytes_used end
  where q.organization_id = organization
  returning q.* into after;
  perform rowhook.write_audit(organization, 'organization.quota_changed', organization::text,
    rowhook.quota_document(before), rowhook.quota_document(after));
  -- A worker may wait for the time at which the previous quota allowed the next delivery.
  perform rowhook.wake();
end
$$;
comment on function rowhook.set_quotas(uuid, jsonb) is
  'changes the quotas of an organization that `changes` names; null: no limit';

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
  quota rowhook.organization_quota;
begin
  allowed := share;
  -- Locked until the claim is committed: that makes the limits exact across the lanes of the organization
  -- and all workers.
  select q.* into quota
  from rowhook.webhook w
  join rowhook.organization_quota q on q.organization_id = w.organization_id
  where w.id = lane and (q.deliveries_per_s is not null or q.bytes_per_day is not null)
  for update of q skip locked;
  if not found then
    if exists (
      select from rowhook.webhook w
      join rowhook.organization_quota q on q.organization_id = w.organization_id
      where w.id = lane and (q.deliveries_per_s is not null or q.bytes_per_day is not null)) then
      allowed := null;
    end if;
    return;
  end if;
  owner := quota.organization_id;
  if rowhook.bytes_today(quota) >= quota.bytes_per_day then
    allowed := 0;
    opens_at := rowhook.bytes_resume_at();
    return;
  end if;
  if quota.deliveries_per_s is null then
    return;
  end if;
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
  'how many of `share` deliveries of a lane the quotas of its organization allow now: none until opens_at, null while another claim takes some. `owner` is the organization, null if it has no such quota';

create or replace function rowhook.event_bytes(rows tid[]) returns bigint
language plpgsql stable
as $$
begin
  return (
    select coalesce(sum(octet_length(e.data::text)), 0) + coalesce(sum(octet_length(e.context::text)), 0)
    from unnest(rows) as picked (row)
    cross join lateral (select o.event_id from rowhook.outbox o where o.ctid = picked.row offset 0) as o
    cross join lateral (select e.data, e.context from rowhook.event e where e.id = o.event_id offset 0) as e);
end
$$;
comment on function rowhook.event_bytes(tid[]) is
  'bytes of data and context in the events of these deliveries';

create or replace function rowhook.spend_quota(organization uuid, remaining double precision, rows tid[]) returns void
language plpgsql
as $$
begin
  update rowhook.organization_quota q
  set tokens = remaining,
      refilled_at = now(),
      bytes_used = case when q.bytes_per_day is null then 0 else rowhook.bytes_today(q) + rowhook.event_bytes(rows) end,
      bytes_used_on = rowhook.quota_day()
  where q.organization_id = organization;
end
$$;
comment on function rowhook.spend_quota(uuid, double precision, tid[]) is
  'records the tokens that a claim leaves in the bucket of an organization, and the bytes that it takes';
