-- Links that sign a customer in to the dashboard of one organization, and the sessions that they become.
-- Links and sessions are stored as SHA-256, like keys.

create table rowhook.portal_session (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null
    constraint portal_session_belongs_to_organization references rowhook.organization on delete cascade,
  hash bytea not null unique constraint portal_hash_is_sha256 check (length(hash) = 32),
  key_hash bytea,
  scopes text[] not null constraint portal_scopes_are_known
    check (scopes <@ array['read', 'write', 'secrets', 'replay']),
  brand json not null,
  return_url text,
  created_at timestamptz not null default now(),
  opened_at timestamptz,
  ends_at timestamptz not null
);
create index portal_session_by_organization on rowhook.portal_session (organization_id);
create index portal_session_by_key on rowhook.portal_session (key_hash);
create index portal_session_ended on rowhook.portal_session (ends_at);
alter table rowhook.portal_session enable row level security;
