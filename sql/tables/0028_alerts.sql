-- Alerts on deliveries that are held or wait: the thresholds of an organization, and what was announced.

create table rowhook.alert_threshold (
  organization_id uuid primary key
    constraint alert_threshold_belongs_to_organization references rowhook.organization on delete cascade,
  held int not null constraint held_is_counted check (held between 1 and 10000),
  backlog int not null constraint backlog_is_counted check (backlog between 1 and 100000),
  backlog_age_s int not null constraint backlog_age_is_1_minute_to_30_days check (backlog_age_s between 60 and 2592000)
);
alter table rowhook.alert_threshold enable row level security;

create table rowhook.alert_episode (
  webhook_id uuid not null,
  type text not null constraint episode_type_is_known check (type in ('webhook.held', 'webhook.backlog')),
  began_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  primary key (webhook_id, type)
) with (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

create index webhook_of_alerts on rowhook.webhook (organization_id)
  where event_types && array['webhook.held', 'webhook.backlog'];
