-- What the API keeps for itself: who did what, answers to repeated requests, allowances.

-- No foreign key: the trace of a deleted thing stays.
create table rowhook.audit (
  id bigint generated always as identity primary key,
  organization_id uuid,
  actor text not null,
  action text not null,
  subject text not null,
  before json,
  after json,
  created_at timestamptz not null default now()
);
comment on column rowhook.audit.organization_id is 'null: the change concerns no organization, such as an operator key';
comment on column rowhook.audit.actor is 'key:<name>, cli:<login>, or the database login of a change by hand';
create index audit_by_organization on rowhook.audit (organization_id, id);
comment on index rowhook.audit_by_organization is 'the audit of an organization, newest first';

create table rowhook.idempotent_request (
  caller text not null,
  key text not null,
  fingerprint bytea not null,
  answer bytea,
  created_at timestamptz not null default clock_timestamp(),
  primary key (caller, key)
);
comment on column rowhook.idempotent_request.answer is 'sealed: it may hold a signing secret; null while the request is worked on';
create index idempotent_request_old on rowhook.idempotent_request (created_at);
comment on index rowhook.idempotent_request_old is 'rowhook.retain: those older than 24 hours';

-- A token bucket a webhook, shared by all API processes.
create table rowhook.test_allowance (
  webhook_id uuid primary key,
  tokens numeric not null,
  refilled_at timestamptz not null
);

alter table rowhook.webhook enable row level security;
alter table rowhook.webhook_revision enable row level security;
alter table rowhook.link enable row level security;
alter table rowhook.secret enable row level security;
alter table rowhook.webhook_secret enable row level security;
alter table rowhook.signing_secret enable row level security;
alter table rowhook.event enable row level security;
alter table rowhook.outbox enable row level security;
alter table rowhook.lane_state enable row level security;
alter table rowhook.attempt enable row level security;
alter table rowhook.api_key enable row level security;
alter table rowhook.audit enable row level security;
