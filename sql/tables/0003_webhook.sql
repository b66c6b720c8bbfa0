-- What is sent where: webhooks with every version they had, links, secrets, keys.

create table rowhook.webhook (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null constraint webhook_belongs_to_organization references rowhook.organization,
  name text not null constraint name_is_given check (name <> ''),
  description text,
  metadata json not null default '{}',
  kind text not null default 'http' constraint kind_is_known check (kind in ('http', 'frontend')),
  url text constraint url_iff_http check ((kind = 'http') = (url is not null)),
  method text not null default 'POST'
    constraint method_is_known check (method in ('GET', 'POST', 'PUT', 'PATCH', 'DELETE')),
  headers json not null default '{}',
  body_template text,
  raw_payload boolean not null default false,
  schema json,
  condition text,
  event_types text[] not null default '{}',
  timeout_s numeric not null default 15 constraint timeout_is_1_to_30 check (timeout_s between 1 and 30),
  max_in_flight int not null default 10 constraint max_in_flight_is_positive check (max_in_flight > 0),
  rate_per_s numeric constraint rate_is_positive check (rate_per_s > 0),
  ordered boolean not null default false,
  retry_schedule_s numeric[] not null
    default '{0,5,300,1800,7200,18000,36000,50400,72000,86400}'
    constraint schedule_has_attempts check (cardinality(retry_schedule_s) between 1 and 100),
  state text not null default 'active'
    constraint state_is_known check (state in ('active', 'paused', 'disabled')),
  disabled_reason text constraint reason_only_if_disabled check (disabled_reason is null or state = 'disabled'),
  required_paths json not null default '[]',
  revision int not null default 1,
  secrets_version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint webhook_is_known_with_its_organization unique (id, organization_id)
);
comment on column rowhook.webhook.secrets_version is 'raised when the signing secret or a secret in use changes';
comment on column rowhook.webhook.required_paths is 'what its templates cannot do without: [{"root": "data", "path": ["a", "b"]}, …]';
create index webhook_by_organization on rowhook.webhook (organization_id, created_at, id);
comment on index rowhook.webhook_by_organization is 'lists the webhooks of an organization, newest first';

-- No foreign key to webhook: the history of a deleted one stays readable.
create table rowhook.webhook_revision (
  webhook_id uuid not null,
  revision int not null,
  organization_id uuid not null,
  name text not null,
  configuration json not null,
  created_at timestamptz not null default now(),
  primary key (webhook_id, revision)
);

create index webhook_revision_first on rowhook.webhook_revision (organization_id, webhook_id) where revision = 1;
comment on index rowhook.webhook_revision_first is 'every webhook that an organization ever had: its deliveries, its statistics';

create table rowhook.link (
  id bigint generated always as identity primary key,
  organization_id uuid not null,
  webhook_id uuid not null,
  agent_id uuid,
  goal_id text,
  created_at timestamptz not null default now(),
  constraint link_joins_one_agent_or_one_goal check (num_nonnulls(agent_id, goal_id) = 1),
  constraint link_holds_webhook foreign key (webhook_id, organization_id)
    references rowhook.webhook (id, organization_id) on delete restrict,
  constraint link_holds_agent foreign key (agent_id, organization_id)
    references rowhook.agent (id, organization_id) on delete restrict,
  constraint link_holds_goal foreign key (goal_id, organization_id)
    references rowhook.goal (id, organization_id) on delete restrict
);
create unique index link_agent_once on rowhook.link (agent_id, webhook_id) where agent_id is not null;
comment on index rowhook.link_agent_once is 'capture: the webhooks of an agent; a pair is linked once';
create unique index link_goal_once on rowhook.link (goal_id, webhook_id) where goal_id is not null;
comment on index rowhook.link_goal_once is 'capture: the webhooks of a goal; a pair is linked once';
create index link_by_webhook on rowhook.link (webhook_id);
comment on index rowhook.link_by_webhook is 'the links of a webhook, and the foreign key when it is deleted';

create table rowhook.secret (
  organization_id uuid not null constraint secret_belongs_to_organization references rowhook.organization,
  id text not null constraint secret_id_is_plain check (id ~ '^[A-Za-z0-9._-]{1,128}$'),
  version int not null default 1,
  sealed bytea not null,
  allowed_hosts text[],
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id)
);
comment on column rowhook.secret.sealed is 'AES-256-GCM under the master keyring; bound to organization, id and version';

create table rowhook.webhook_secret (
  webhook_id uuid not null,
  organization_id uuid not null,
  secret_id text not null,
  primary key (webhook_id, secret_id),
  constraint used_by_webhook foreign key (webhook_id, organization_id)
    references rowhook.webhook (id, organization_id) on delete cascade,
  constraint uses_secret foreign key (organization_id, secret_id)
    references rowhook.secret (organization_id, id) on delete restrict
);
create index webhook_secret_by_secret on rowhook.webhook_secret (organization_id, secret_id);
comment on index rowhook.webhook_secret_by_secret is 'who uses a secret: the refused delete, and the release of held rows';

create table rowhook.signing_secret (
  webhook_id uuid not null constraint signs_for_webhook references rowhook.webhook on delete cascade,
  version int not null,
  sealed bytea not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  primary key (webhook_id, version)
);
comment on column rowhook.signing_secret.expires_at is 'end of the overlap after a rotation; null for the newest';

-- One sealed word that every start opens: a wrong master key is found before anything is sent.
create table rowhook.keyring_check (
  singleton boolean primary key default true constraint one_row check (singleton),
  sealed bytea not null
);

create table rowhook.api_key (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid constraint key_belongs_to_organization references rowhook.organization,
  name text not null,
  hash bytea not null unique constraint hash_is_sha256 check (length(hash) = 32),
  scopes text[] not null constraint scopes_are_known
    check (scopes <@ array['read', 'write', 'secrets', 'replay', 'admin']),
  expires_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz not null default now()
);
comment on column rowhook.api_key.organization_id is 'null: an operator key, for all organizations';
