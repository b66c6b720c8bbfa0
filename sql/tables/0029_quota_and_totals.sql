-- A quota of bytes a day, which the claim counts and enforces, so that it costs the platform nothing.

alter table rowhook.organization_quota
  add column bytes_per_day bigint constraint bytes_per_day_is_positive check (bytes_per_day > 0),
  add column bytes_used bigint not null default 0,
  add column bytes_used_on date;
drop index rowhook.organization_quota_paced;
create index organization_quota_paced on rowhook.organization_quota (organization_id)
  where deliveries_per_s is not null or bytes_per_day is not null;

-- Attempts per organization, so that a page need not add up those of ten thousand webhooks. The next
-- rowhook.fold_attempts fills them.

create table rowhook.organization_minute (
  at timestamptz not null,
  organization_id uuid not null,
  status_2xx bigint not null default 0,
  status_3xx bigint not null default 0,
  status_4xx bigint not null default 0,
  status_5xx bigint not null default 0,
  timeout bigint not null default 0,
  refused bigint not null default 0,
  held bigint not null default 0,
  dead bigint not null default 0,
  primary key (organization_id, at)
);
create index organization_minute_by_time on rowhook.organization_minute (at);
create table rowhook.organization_quarter (
  like rowhook.organization_minute including defaults,
  primary key (organization_id, at)
);
create index organization_quarter_by_time on rowhook.organization_quarter (at);
alter table rowhook.organization_minute enable row level security;
alter table rowhook.organization_quarter enable row level security;
