-- A platform with tables of its own: bigint ids, organizations identified by text, jsonb.
create schema platform;

create table platform.conversation (
  id text primary key,
  customer_id text not null,
  context jsonb not null
);

create table platform.run (
  id bigint primary key,
  bot_id bigint not null,
  customer_id text not null,
  state text not null default 'running',
  exit_code int,
  cost_usd numeric,
  result jsonb,
  meta jsonb not null,
  started_at timestamptz not null default now(),
  finished_at timestamptz
);

create table platform.capture (
  id bigint primary key,
  goal bigint not null,
  customer_id text not null,
  conversation_id text,
  interview text,
  fields jsonb not null,
  captured_at timestamptz not null default now()
);

select rowhook.watch_sessions('platform.conversation', '{
  "id": "id", "organization_id": "customer_id", "context": "context"}');

select rowhook.watch_jobs('platform.run', '{
  "id": "id", "agent_id": "bot_id", "organization_id": "customer_id", "agent_version_name": {"value": "v1"},
  "status": "state", "status_map": {"done": "succeeded", "error": "failed"},
  "status_code": "exit_code", "cost": "cost_usd", "output": "result", "metadata": "meta",
  "created_at": "started_at", "completed_at": "finished_at"}');

select rowhook.watch_commits('platform.capture', '{
  "id": "id", "goal_id": "goal", "organization_id": "customer_id", "session_id": "conversation_id",
  "interview_id": "interview", "data": "fields", "committed_at": "captured_at", "key_prefix": "capture-"}');

-- Rows without a linked webhook: the capture creates organization, bots and goals with these ids.
insert into platform.conversation values ('conversation-1', 'acme', '{"external_id": "ext-42"}');

insert into platform.run (id, bot_id, customer_id, state, meta, finished_at)
values (9007199254740991, 12, 'acme', 'done', '{"run": 0}', now());

insert into platform.capture (id, goal, customer_id, fields)
values (1, 501, 'acme', '{"name": "Nobody yet"}'), (2, 502, 'acme', '{"number": "none"}');
