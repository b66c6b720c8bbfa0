create table rowhook.organization_quota (
  organization_id uuid primary key constraint quota_belongs_to_organization references rowhook.organization,
  webhooks int constraint webhooks_is_not_negative check (webhooks >= 0),
  deliveries_per_s numeric constraint deliveries_per_s_is_positive check (deliveries_per_s > 0),
  tokens double precision,
  refilled_at timestamptz
);
create index organization_quota_paced on rowhook.organization_quota (organization_id) where deliveries_per_s is not null;
alter table rowhook.organization_quota enable row level security;
