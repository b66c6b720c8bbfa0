-- What happened, what is to be sent, and what came of each try.

create sequence rowhook.token;
comment on sequence rowhook.token is 'the fencing token: new at every write of the engine, never reused';

-- Outside MVCC and the log: to sleep and to wake cost no transaction id. A worker sleeps while
-- asleep > awake; after a crash both restart and read as asleep, which costs one spare NOTIFY.
create unlogged sequence rowhook.asleep minvalue 1 start 1;
create unlogged sequence rowhook.awake minvalue 0 start 0;

-- No foreign keys from here on: a key-share lock on a hot parent would let a webhook's delete, or
-- a slow commit, block the platform. What a row must be is checked by rowhook.fit_event and
-- rowhook.fit_delivery (sql/functions/0_fit.sql), which also keep `late`.
create sequence rowhook.event_id;
create table rowhook.event (
  id bigint primary key default nextval('rowhook.event_id'),
  organization_id uuid not null,
  type text not null,
  key text not null,
  job_id uuid,
  commit_id text,
  agent_id uuid,
  goal_id text,
  session_id text,
  snapshot json not null,
  data json,
  context json,
  oversize_bytes bigint,
  occurred_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  xact xid8 not null default pg_current_xact_id()
);
comment on column rowhook.event.key is 'the Idempotency-Key of every delivery of this event';
comment on column rowhook.event.oversize_bytes is 'data and context were larger than 1 MiB together and are not kept: their size';
create unique index event_job_once on rowhook.event (job_id, key) where job_id is not null;
comment on index rowhook.event_job_once is 'one event a completion; heal and capture_gap look jobs up here';
create unique index event_commit_once on rowhook.event (commit_id) where commit_id is not null;
comment on index rowhook.event_commit_once is 'one event a commit; heal and capture_gap look commits up here';
create index event_by_session on rowhook.event (session_id, id) where session_id is not null;
comment on index rowhook.event_by_session is 'what a session''s commits fired';
create index event_feed on rowhook.event (organization_id, xact, id);
comment on index rowhook.event_feed is 'the polling feed, in the order of commits';

create table rowhook.outbox (
  id bigint generated always as identity primary key,
  event_id bigint not null,
  webhook_id uuid not null,
  organization_id uuid not null,
  -- pending    -> sending, cancelled, skipped
  -- sending    -> delivered, pending, held, dead, skipped, cancelled
  -- held       -> sending, pending, cancelled, skipped
  -- delivered, dead, cancelled, skipped -> pending
  status text not null default 'pending',
  ready boolean not null default true,
  late boolean not null default false,
  attempts int not null default 0,
  schedule_step int not null default 0,
  lost_claims int not null default 0,
  token bigint not null default 0,
  worker_id uuid,
  leased_until timestamptz,
  ordered_by xid8,
  next_attempt_at timestamptz default now(),
  -- A moment of its own: lists go by it, and a statement may make 100,000 rows.
  created_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  last_status_code int,
  last_error text,
  constraint event_goes_once_to_webhook unique (event_id, webhook_id)
) with (
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.05,
  autovacuum_vacuum_cost_delay = 0
);
comment on column rowhook.outbox.ready is 'claimable now: born so, or promoted when next_attempt_at has passed';
comment on column rowhook.outbox.late is 'on its third try or a later one: such take the smaller share of a webhook''s slots';
comment on column rowhook.outbox.ordered_by is 'the event''s xact where the webhook is ordered: its place in the order of commits';
comment on column rowhook.outbox.attempts is 'results recorded in total, the number of the last attempt; never reset';
comment on column rowhook.outbox.schedule_step is 'attempts made on the present schedule; reset by a reprocess';
comment on column rowhook.outbox.lost_claims is 'claims in a row that ended without a result; at 5 the row is dead';
comment on column rowhook.outbox.token is 'the fence: record, renew and release match on it; every engine write changes it';

create index outbox_ready on rowhook.outbox (webhook_id, late, next_attempt_at, id) where ready;
comment on index rowhook.outbox_ready is 'rowhook.claim: the lanes, and the two heads of each';
create index outbox_ordered on rowhook.outbox (webhook_id, ordered_by, id)
  where ordered_by is not null and finished_at is null;
comment on index rowhook.outbox_ordered is 'rowhook.gates: the head of an ordered webhook, whatever it waits for';
create index outbox_waiting on rowhook.outbox (next_attempt_at) where not ready and next_attempt_at is not null;
comment on index rowhook.outbox_waiting is 'rowhook.claim: rows that have become due, and when the next one will';
create index outbox_sending on rowhook.outbox (webhook_id, leased_until) where status = 'sending';
comment on index rowhook.outbox_sending is 'in flight a webhook, and expired leases';
create index outbox_retrying on rowhook.outbox (webhook_id, created_at) where status = 'pending' and last_error is not null;
comment on index rowhook.outbox_retrying is 'rowhook.failed: what waits after a failed try, beside a backlog that was never tried';
create index outbox_finished on rowhook.outbox (finished_at) where finished_at is not null;
comment on index rowhook.outbox_finished is 'rowhook.retain: the oldest finished rows first';
-- Without the id: where an outbox is believed empty, a look-up by id would be made through this.
-- An organization's deliveries are those of its webhooks: an index of their own would be written at
-- every step of every delivery.
-- With the organization, which row-level security asks of each entry: else a count reads every row.
create index outbox_by_webhook on rowhook.outbox (webhook_id, status, created_at) include (organization_id);
comment on index rowhook.outbox_by_webhook is 'the deliveries of a webhook, newest first, by status: lists, statistics, replay, health; rowhook.sweep: what is held';

create table rowhook.attempt (
  outbox_id bigint not null,
  number int not null,
  revision int not null,
  started_at timestamptz not null,
  duration_ms real not null,
  rendered_ms real,
  validated_ms real,
  outcome text not null,
  status_code int,
  error text,
  request json,
  response_headers json,
  response_body text
) partition by range (started_at);
comment on column rowhook.attempt.started_at is 'when a worker that had claimed it took it up';
comment on column rowhook.attempt.duration_ms is 'of the exchange; 0 where nothing was sent';
comment on column rowhook.attempt.rendered_ms is 'from the beginning of composing until the body was there';
comment on column rowhook.attempt.validated_ms is 'the same until it met its schema, or was found to be JSON';
comment on column rowhook.attempt.request is '{method, url, headers, body} as sent, each secret replaced by its name';
comment on column rowhook.attempt.response_body is 'its first 4 KiB, as text';
create index attempt_by_delivery on rowhook.attempt (outbox_id, number);
comment on index rowhook.attempt_by_delivery is 'the attempts of one delivery';
-- A request of 1 KB makes a row of just over 2 KB: squeezing each of them would cost more than it saves.
create table rowhook.attempt_default partition of rowhook.attempt default
  with (toast_tuple_target = 8160);

-- Webhooks whose waiting rows must be released, skipped or cancelled, in batches, by the workers.
create table rowhook.chore (
  webhook_id uuid primary key,
  created_at timestamptz not null default now(),
  due_at timestamptz not null default now(),
  until_xact xid8
);
comment on column rowhook.chore.until_xact is
  'its webhook became ordered: an older transaction may still add rows without a place, so it is done again until all have ended';

-- What a webhook's lane is allowed at the moment, shared by all workers. A lane without a row is
-- closed and has no rate: most have none.
create table rowhook.lane_state (
  webhook_id uuid primary key,
  circuit text not null default 'closed'
    constraint circuit_is_known check (circuit in (
      'closed',       -- -> open
      'open',         -- -> half_open
      'half_open')),  -- -> closed, open
  failures int not null default 0,
  failing_since timestamptz,
  warned int not null default 0 constraint warned_is_a_share check (warned in (0, 50, 70, 90, 100)),
  pause_s double precision not null default 0,
  probe_at timestamptz,
  allowed int not null default 0,
  tokens double precision,
  refilled_at timestamptz,
  constraint failing_iff_failures check ((failures > 0) = (failing_since is not null)),
  constraint probed_unless_closed check ((circuit = 'closed') = (probe_at is null)),
  constraint refilled_iff_tokens check ((tokens is null) = (refilled_at is null))
) with (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);
comment on column rowhook.lane_state.failures is 'tries in a row that the receiver did not accept';
comment on column rowhook.lane_state.warned is 'per cent of the way to being disabled that was told; 100: it was disabled';
comment on column rowhook.lane_state.pause_s is 'how long the circuit stays open before a probe; doubled by each that fails';
comment on column rowhook.lane_state.allowed is 'in flight at once while half open; each success allows one more';
comment on column rowhook.lane_state.tokens is 'what rate_per_s had left at refilled_at';

create table rowhook.worker (
  id uuid primary key,
  host text not null,
  pid int not null,
  in_flight int not null default 0,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now()
);

create table rowhook.capture_source (
  name text primary key,
  strict boolean not null default false,
  installed_at timestamptz not null default now(),
  settled_at timestamptz not null default now(),
  next_settled_at timestamptz not null default now(),
  next_xact xid8 not null default pg_current_xact_id(),
  passed_until timestamptz,
  passes_to timestamptz,
  looked_again_until timestamptz not null default '-infinity'
);
comment on column rowhook.capture_source.settled_at is
  'what was completed before has its event: all transactions of that time have ended, and heal has looked';
comment on column rowhook.capture_source.next_settled_at is 'the same, once all up to next_xact have ended';
comment on column rowhook.capture_source.passed_until is
  'how far heal has come in looking at all since settled_at, a slice at a time; null: it begins anew';
comment on column rowhook.capture_source.passes_to is 'what is settled_at when it has come to the end';
comment on column rowhook.capture_source.looked_again_until is
  'how far heal has come in looking at everything again, a slice at a time';
comment on column rowhook.capture_source.strict is 'an error inside the capture fails the platform''s statement instead of being healed later';
insert into rowhook.capture_source (name) values ('job'), ('commit');

create table rowhook.capture_error (
  id bigint generated always as identity primary key,
  source text not null,
  source_ids text[] not null,
  sqlstate text not null,
  message text not null,
  created_at timestamptz not null default clock_timestamp(),
  healed_at timestamptz
);
create index capture_error_open on rowhook.capture_error (id) where healed_at is null;
comment on index rowhook.capture_error_open is 'rowhook.heal: captures that failed and were not made up for';
