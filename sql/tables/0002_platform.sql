-- What the platform writes. `json`, not `jsonb`: what was committed is what is sent, digit for digit.

create table rowhook.organization (
  id uuid primary key default gen_random_uuid(),
  name text not null
);

create table rowhook.agent (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null constraint agent_belongs_to_organization references rowhook.organization,
  name text not null,
  constraint agent_is_known_with_its_organization unique (id, organization_id)
);
create index agent_by_organization on rowhook.agent (organization_id, id);
comment on index rowhook.agent_by_organization is 'lists the agents of an organization';

create table rowhook.agent_version (
  id uuid primary key default gen_random_uuid(),
  agent_id uuid not null constraint agent_version_belongs_to_agent references rowhook.agent,
  name text not null
);
create index agent_version_by_agent on rowhook.agent_version (agent_id);
comment on index rowhook.agent_version_by_agent is 'checks the foreign key when an agent is deleted';

create table rowhook.job (
  id uuid primary key default gen_random_uuid(),
  agent_version_id uuid not null constraint job_ran_on_agent_version references rowhook.agent_version,
  status text not null default 'pending'
    constraint job_status_is_known
    check (status in ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
  status_code int,
  cost numeric,
  output json,
  metadata json default '{}',
  created_at timestamptz not null default now(),
  completed_at timestamptz
);
comment on column rowhook.job.cost is 'USD';
create index job_completed on rowhook.job (completed_at) where status in ('succeeded', 'failed');
comment on index rowhook.job_completed is 'rowhook.heal and capture_gap: recent completions, to find those without an event';

create table rowhook.goal (
  id text primary key,
  organization_id uuid not null constraint goal_belongs_to_organization references rowhook.organization,
  template_id text,
  name text,
  constraint goal_is_known_with_its_organization unique (id, organization_id)
);
create index goal_by_organization on rowhook.goal (organization_id, id);
comment on index rowhook.goal_by_organization is 'lists the goals of an organization';

create table rowhook.session (
  id text primary key,
  organization_id uuid not null constraint session_belongs_to_organization references rowhook.organization,
  context json default '{}',
  created_at timestamptz not null default now()
);

create table rowhook.commit (
  id text primary key default 'commit_' || replace(gen_random_uuid()::text, '-', ''),
  goal_id text not null constraint commit_reaches_goal references rowhook.goal,
  session_id text constraint commit_belongs_to_session references rowhook.session,
  interview_id text,
  data json,
  committed_at timestamptz not null default now()
);
create index commit_recent on rowhook.commit (committed_at);
comment on index rowhook.commit_recent is 'rowhook.heal and capture_gap: recent commits, to find those without an event';
