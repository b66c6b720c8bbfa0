-- Results of attempts, counted. An attempt names its delivery and not its webhook, so that a day of
-- them could only be counted by reading a day of deliveries.

create table rowhook.attempt_delta (
  at timestamptz not null,
  webhook_id uuid not null,
  organization_id uuid not null,
  status_2xx int not null default 0,
  status_3xx int not null default 0,
  status_4xx int not null default 0,
  status_5xx int not null default 0,
  timeout int not null default 0,
  refused int not null default 0,
  held int not null default 0,
  dead int not null default 0,
  failed_at timestamptz,
  failed_outbox_id bigint
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_threshold = 5000,
  autovacuum_vacuum_insert_scale_factor = 0,
  autovacuum_vacuum_cost_delay = 0
);
create index attempt_delta_by_time on rowhook.attempt_delta (at);

create table rowhook.attempt_minute (
  like rowhook.attempt_delta including defaults,
  primary key (webhook_id, at)
);
create index attempt_minute_by_time on rowhook.attempt_minute (at);

create table rowhook.attempt_quarter (
  like rowhook.attempt_delta including defaults,
  primary key (webhook_id, at)
);
create index attempt_quarter_by_time on rowhook.attempt_quarter (at);

alter table rowhook.attempt_delta enable row level security;
alter table rowhook.attempt_minute enable row level security;
alter table rowhook.attempt_quarter enable row level security;
