-- Functions under the names that the previous release called them by.
--
-- During a deploy, workers and APIs of the previous release still call these names. Each function here
-- only calls its successor, with the caller's rights, and returns what it returned before. One release
-- later its definition is removed and its drop is added to 99_obsolete.sql.

create or replace function rowhook.admit(key_hash bytea)
returns table (id uuid, name text, organization_id uuid, scopes text[], expires_at timestamptz, hash bytea)
language sql
set search_path = pg_catalog, pg_temp
as $$
  select * from rowhook.authenticate(key_hash)
$$;
comment on function rowhook.admit(bytea) is 'previous name of rowhook.authenticate';

-- Without a `set` clause, as set_tenant: settings must outlast the call.
create or replace function rowhook.enter(organization uuid, acting text) returns void
language plpgsql
as $$
begin
  perform rowhook.set_tenant(organization, acting);
end
$$;
comment on function rowhook.enter(uuid, text) is 'previous name of rowhook.set_tenant';

create or replace function rowhook.unknown(
  webhook uuid default null, agent uuid default null, goal text default null,
  delivery bigint default null, key uuid default null, organization uuid default null,
  session text default null
) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.first_missing(webhook, agent, goal, delivery, key, organization, session)
$$;
comment on function rowhook.unknown(uuid, uuid, text, bigint, uuid, uuid, text) is
  'previous name of rowhook.first_missing';

create or replace function rowhook.note(
  organization uuid, action text, subject text, before json default null, after json default null
) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.write_audit(organization, action, subject, before, after)
$$;
comment on function rowhook.note(uuid, text, text, json, json) is 'previous name of rowhook.write_audit';

create or replace function rowhook.mark() returns json
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.watermark()
$$;
comment on function rowhook.mark() is 'previous name of rowhook.watermark';

create or replace function rowhook.left_of(
  webhook uuid, since timestamptz, until timestamptz, mark bigint, held_mark bigint, most int
) returns json
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.replay_remaining(webhook, since, until, mark, held_mark, most)
$$;
comment on function rowhook.left_of(uuid, timestamptz, timestamptz, bigint, bigint, int) is
  'previous name of rowhook.replay_remaining';

create or replace function rowhook.tally(
  organization uuid, webhook uuid, wanted text[], since timestamptz, until timestamptz,
  job text, commit_key text, event_type text, code int, most int
) returns json
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.count_by_status(
    organization, webhook, wanted, since, until, job, commit_key, event_type, code, most)
$$;
comment on function rowhook.tally(uuid, uuid, text[], timestamptz, timestamptz, text, text, text, int, int) is
  'previous name of rowhook.count_by_status';

create or replace function rowhook.standing_of(webhook uuid) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.sending_state(webhook)
$$;
comment on function rowhook.standing_of(uuid) is 'previous name of rowhook.sending_state';

create or replace function rowhook.sealed_elsewhere(newest bytea) returns table (kind text, remaining bigint)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select * from rowhook.count_older_seals(newest)
$$;
comment on function rowhook.sealed_elsewhere(bytea) is 'previous name of rowhook.count_older_seals';

create or replace function rowhook.beat(worker uuid, host text, pid int, in_flight int) returns timestamptz
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.heartbeat(worker, host, pid, in_flight)
$$;
comment on function rowhook.beat(uuid, text, int, int) is 'previous name of rowhook.heartbeat';

create or replace function rowhook.leave(worker uuid) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.deregister(worker)
$$;
comment on function rowhook.leave(uuid) is 'previous name of rowhook.deregister';

create or replace function rowhook.lose(outbox_ids bigint[], tokens bigint[]) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.abandon(outbox_ids, tokens)
$$;
comment on function rowhook.lose(bigint[], bigint[]) is 'previous name of rowhook.abandon';

create or replace function rowhook.disown(worker uuid, held bigint[]) returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.reclaim_lost(worker, held)
$$;
comment on function rowhook.disown(uuid, bigint[]) is 'previous name of rowhook.reclaim_lost';

create or replace function rowhook.judge() returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.warn_or_disable()
$$;
comment on function rowhook.judge() is 'previous name of rowhook.warn_or_disable';

create or replace function rowhook.advice_for_copy() returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select rowhook.copy_advice()
$$;
comment on function rowhook.advice_for_copy() is 'previous name of rowhook.copy_advice';

-- It told its rows apart by nulls: without a token, a row was the watermark of a lane (with a time) or
-- the last visited lane (without).
create or replace function rowhook.claim(
  worker uuid,
  batch int,
  per_lane int,
  after uuid default null,
  lease interval default '20 s',
  sweep boolean default false,
  known uuid[] default '{}',
  marks timestamptz[] default '{}'
) returns table (
  token bigint, outbox_id bigint, number int, webhook_id uuid, revision int, secrets_version int,
  event_id bigint, event_type text, key text, organization_id uuid, occurred_at timestamptz,
  snapshot text, data text, context text, oversize_bytes bigint, large boolean
)
language sql
set search_path = pg_catalog, pg_temp
as $$
  select c.token, c.outbox_id, c.number, c.webhook_id, c.revision, c.secrets_version,
         c.event_id, c.event_type, c.key, c.organization_id, coalesce(c.watermark, c.occurred_at),
         c.snapshot, c.data, c.context, c.oversize_bytes, c.large
  from rowhook.claim_batch(worker, batch, per_lane, after, lease, sweep, known, marks) as c
$$;
comment on function rowhook.claim(uuid, int, int, uuid, interval, boolean, uuid[], timestamptz[]) is
  'previous form of rowhook.claim_batch';

create or replace function rowhook.gauges()
returns table (
  pending bigint, sending bigint, held bigint, due bigint, oldest_due_s double precision,
  workers bigint, capture_errors bigint, circuits_open bigint
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select m.pending, m.sending, m.held,
         (select coalesce(sum((b ->> 'due')::bigint), 0)::bigint from json_array_elements(m.backlog) b),
         (select coalesce(max((b ->> 'oldest_due_s')::float8), 0) from json_array_elements(m.backlog) b),
         m.workers, m.capture_errors, m.circuits_open
  from rowhook.metrics() m
$$;
comment on function rowhook.gauges() is 'rowhook.metrics, with the backlog of all kinds of outputs together';
