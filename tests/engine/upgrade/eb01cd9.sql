--
-- PostgreSQL database dump
--


-- Dumped from database version 18.4
-- Dumped by pg_dump version 18.4

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: rowhook; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA rowhook;


--
-- Name: rowhook_pgqueuer; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA rowhook_pgqueuer;


--
-- Name: pgqueuer_status; Type: TYPE; Schema: rowhook_pgqueuer; Owner: -
--

CREATE TYPE rowhook_pgqueuer.pgqueuer_status AS ENUM (
    'queued',
    'picked',
    'successful',
    'exception',
    'canceled',
    'deleted',
    'failed'
);


--
-- Name: admit(bytea); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.admit(key_hash bytea) RETURNS TABLE(id uuid, name text, organization_id uuid, scopes text[], expires_at timestamp with time zone, hash bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  -- Once a minute is enough to know that a key is in use.
  update rowhook.api_key k set last_used_at = now()
  where k.hash = key_hash and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute');
  return query
    select k.id, k.name, k.organization_id, k.scopes, k.expires_at, k.hash
    from rowhook.api_key k where k.hash = key_hash;
end
$$;


--
-- Name: FUNCTION admit(key_hash bytea); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.admit(key_hash bytea) IS 'the API key with this SHA-256, expired or not';


--
-- Name: agent_page(uuid, uuid, integer, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.agent_page(organization uuid, after_id uuid, most integer, search text DEFAULT NULL::text) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select row_to_json(shown) from (
    select a.id, a.organization_id, a.name,
           array(select json_build_object('id', w.id, 'name', w.name)
                 from rowhook.link l join rowhook.webhook w on w.id = l.webhook_id
                 where l.agent_id = a.id order by l.id) as webhooks
    from rowhook.agent a
    where (organization is null or a.organization_id = organization) and rowhook.sees(a.organization_id)
      and (after_id is null or a.id > after_id)
      and (search is null or rowhook.mentions(search, array[a.name, a.id::text]))
    order by a.id
    limit most) as shown
$$;


--
-- Name: allow_test(uuid, integer, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.allow_test(webhook uuid, burst integer DEFAULT 10, per_minute integer DEFAULT 20) RETURNS double precision
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  taken rowhook.test_allowance;
begin
  insert into rowhook.test_allowance values (webhook, burst, clock_timestamp()) on conflict do nothing;
  select * into taken from rowhook.test_allowance t where t.webhook_id = webhook for update;
  taken.tokens := least(burst, taken.tokens
    + extract(epoch from clock_timestamp() - taken.refilled_at) * per_minute / 60);
  update rowhook.test_allowance t
  set tokens = taken.tokens - (taken.tokens >= 1)::int, refilled_at = clock_timestamp()
  where t.webhook_id = webhook;
  return greatest(1 - taken.tokens, 0) * 60 / per_minute;
end
$$;


--
-- Name: FUNCTION allow_test(webhook uuid, burst integer, per_minute integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.allow_test(webhook uuid, burst integer, per_minute integer) IS '0 if a test may be sent now, else the seconds to wait';


--
-- Name: applied_migrations(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.applied_migrations() RETURNS TABLE(name text, checksum text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select m.name, m.checksum from rowhook.migration m
$$;


--
-- Name: attempts_of(bigint); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.attempts_of(delivery bigint) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select row_to_json(shown) from (
    select a.number, a.started_at, a.rendered_ms, a.validated_ms, a.duration_ms, a.outcome, a.status_code, a.error, a.revision,
           a.request, a.response_headers, a.response_body
    from rowhook.attempt a
    where a.outbox_id = delivery
    order by a.number) as shown
$$;


--
-- Name: FUNCTION attempts_of(delivery bigint); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.attempts_of(delivery bigint) IS 'the attempts of a delivery, the first one first';


--
-- Name: audit_page(uuid, bigint, integer, text, text, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.audit_page(organization uuid, before_id bigint, most integer, by_actor text DEFAULT NULL::text, of_action text DEFAULT NULL::text, of_subject text DEFAULT NULL::text) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select row_to_json(shown) from (
    select a.id, a.organization_id, a.actor, a.action, a.subject, a.before, a.after, a.created_at
    from rowhook.audit a
    where (organization is null or a.organization_id = organization)
      and (before_id is null or a.id < before_id)
      and (by_actor is null or a.actor = by_actor)
      and (of_action is null or a.action = of_action)
      and (of_subject is null or a.subject = of_subject)
    order by a.id desc
    limit most) as shown
$$;


--
-- Name: FUNCTION audit_page(organization uuid, before_id bigint, most integer, by_actor text, of_action text, of_subject text); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.audit_page(organization uuid, before_id bigint, most integer, by_actor text, of_action text, of_subject text) IS 'newest first; null organization: of all that this transaction may see';


--
-- Name: beat(uuid, text, integer, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.beat(worker uuid, host text, pid integer, in_flight integer) RETURNS timestamp with time zone
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  insert into rowhook.worker as w (id, host, pid, in_flight) values (worker, host, pid, in_flight)
  on conflict (id) do update set in_flight = excluded.in_flight, seen_at = now();
  select clock_timestamp()
$$;


--
-- Name: FUNCTION beat(worker uuid, host text, pid integer, in_flight integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.beat(worker uuid, host text, pid integer, in_flight integer) IS 'a worker says that it lives; answers the database''s clock';


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: capture_source; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.capture_source (
    name text NOT NULL,
    strict boolean DEFAULT false NOT NULL,
    installed_at timestamp with time zone DEFAULT now() NOT NULL,
    settled_at timestamp with time zone DEFAULT now() NOT NULL,
    next_settled_at timestamp with time zone DEFAULT now() NOT NULL,
    next_xact xid8 DEFAULT pg_current_xact_id() NOT NULL,
    passed_until timestamp with time zone,
    passes_to timestamp with time zone,
    looked_again_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL
);


--
-- Name: COLUMN capture_source.strict; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.capture_source.strict IS 'an error inside the capture fails the platform''s statement instead of being healed later';


--
-- Name: COLUMN capture_source.settled_at; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.capture_source.settled_at IS 'what was completed before has its event: all transactions of that time have ended, and heal has looked';


--
-- Name: COLUMN capture_source.next_settled_at; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.capture_source.next_settled_at IS 'the same, once all up to next_xact have ended';


--
-- Name: COLUMN capture_source.passed_until; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.capture_source.passed_until IS 'how far heal has come in looking at all since settled_at, a slice at a time; null: it begins anew';


--
-- Name: COLUMN capture_source.passes_to; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.capture_source.passes_to IS 'what is settled_at when it has come to the end';


--
-- Name: COLUMN capture_source.looked_again_until; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.capture_source.looked_again_until IS 'how far heal has come in looking at everything again, a slice at a time';


--
-- Name: begin_pass(rowhook.capture_source); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.begin_pass(progress rowhook.capture_source) RETURNS rowhook.capture_source
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  -- All transactions of that time have ended: what they wrote is seen by every look of the pass.
  moves constant boolean := progress.next_xact < pg_snapshot_xmin(pg_current_snapshot());
  -- From another cluster, whose dump this is.
  foreign_xact constant boolean := progress.next_xact >= pg_snapshot_xmax(pg_current_snapshot());
begin
  -- A completion's time may lie some moments before its transaction's first write.
  progress.passed_until := progress.settled_at - interval '1 minute';
  progress.passes_to := case when moves then progress.next_settled_at else progress.settled_at end;
  if moves or foreign_xact then
    progress.next_settled_at := clock_timestamp();
    progress.next_xact := pg_current_xact_id();
  end if;
  return progress;
end
$$;


--
-- Name: FUNCTION begin_pass(progress rowhook.capture_source); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.begin_pass(progress rowhook.capture_source) IS 'a pass over what is not settled; at its end it is settled up to the last moment whose transactions had all ended';


--
-- Name: begin_request(text, text, bytea); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.begin_request(caller_name text, request_key text, print bytea) RETURNS TABLE(state text, sealed_answer bytea)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  found_request rowhook.idempotent_request;
begin
  -- One that was cut off, by a crash of ours, may be begun again after a minute.
  insert into rowhook.idempotent_request as r (caller, key, fingerprint)
  values (caller_name, request_key, print)
  on conflict on constraint idempotent_request_pkey do update
    set fingerprint = excluded.fingerprint, answer = null, created_at = clock_timestamp()
    where r.created_at < now() - interval '24 hours'
       or (r.answer is null and r.fingerprint = excluded.fingerprint
           and r.created_at < now() - interval '1 minute');
  if found then
    return query select 'begun', null::bytea;
    return;
  end if;
  select * into found_request from rowhook.idempotent_request r
  where r.caller = caller_name and r.key = request_key;
  return query select
    case when found_request.fingerprint <> print then 'other'
         when found_request.answer is null then 'busy' else 'answered' end,
    found_request.answer;
end
$$;


--
-- Name: FUNCTION begin_request(caller_name text, request_key text, print bytea); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.begin_request(caller_name text, request_key text, print bytea) IS 'begun: ours to work on; busy: another works on it; answered: the answer of the first time; other: the key was used for another request';


--
-- Name: begin_test(uuid, text, uuid, text, json, json, json, bigint); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.begin_test(webhook uuid, event_key text, agent uuid, goal text, snapshot json, data json, context json, oversize bigint) RETURNS TABLE(event_id bigint, moment timestamp with time zone)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  organization uuid;
begin
  select w.organization_id into organization from rowhook.webhook w where w.id = webhook;
  if not found then
    return;
  end if;
  event_id := nextval('rowhook.event_id');
  moment := clock_timestamp();
  insert into rowhook.event
    (id, organization_id, type, key, agent_id, goal_id, snapshot, data, context, oversize_bytes, occurred_at)
  values
    (event_id, organization, 'webhook.test', event_key, agent, goal, snapshot, data, context, oversize, moment);
  perform rowhook.note(organization, 'webhook.tested', webhook::text, null,
    json_build_object('event_id', event_id, 'key', event_key, 'agent_id', agent, 'goal_id', goal));
  return next;
end
$$;


--
-- Name: FUNCTION begin_test(webhook uuid, event_key text, agent uuid, goal text, snapshot json, data json, context json, oversize bigint); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.begin_test(webhook uuid, event_key text, agent uuid, goal text, snapshot json, data json, context json, oversize bigint) IS 'the event and the audit row of a test send; no row if there is no such webhook';


--
-- Name: callback_page(text, bigint, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.callback_page(session text, after_place bigint, most integer) RETURNS TABLE(delivery bigint, staging integer, place bigint, body text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
  with page as (
    select c.outbox_id, c.staging, c.place, c.body,
           sum(octet_length(c.body)) over (order by c.place) as bytes
    from (
      select c.* from rowhook.callback c
      where c.session_id = session and c.place > after_place and not c.replaced
        and (c.written_at is not null or exists (
          select from rowhook.outbox o
          where o.id = c.outbox_id and o.status = 'pending' and not o.ready))
      order by c.place
      limit most) as c
  )
  select p.outbox_id, p.staging, p.place, p.body from page p
  where p.bytes <= 1048576 or p.place = (select min(f.place) from page f)
  order by p.place
$$;


--
-- Name: FUNCTION callback_page(session text, after_place bigint, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.callback_page(session text, after_place bigint, most integer) IS 'what a page of this session has not seen; one megabyte at most, and one callback at least';


--
-- Name: callback_place(text, bigint, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.callback_place(session text, delivery bigint, wanted integer) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select coalesce(max(c.place), 0) from rowhook.callback c
  where c.session_id = session and c.outbox_id = delivery and c.staging = wanted
$$;


--
-- Name: FUNCTION callback_place(session text, delivery bigint, wanted integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.callback_place(session text, delivery bigint, wanted integer) IS 'where a page left off; 0, the beginning, if it is not kept';


--
-- Name: callbacks_written(text, bigint); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.callbacks_written(session text, through bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  waiting bigint[] := array(
    select c.outbox_id from rowhook.callback c
    where c.session_id = session and c.place <= through and c.written_at is null and not c.replaced
      and rowhook.sees(c.organization_id));
begin
  perform from rowhook.outbox o where o.id = any (waiting) order by o.id for update;
  with written as (
    update rowhook.callback c
    set written_at = clock_timestamp()
    from rowhook.outbox o
    where c.outbox_id = any (waiting) and c.session_id = session and c.place <= through and c.written_at is null
      and not c.replaced and o.id = c.outbox_id and o.status = 'pending' and not o.ready
    returning c.*
  ), settled as (
    update rowhook.outbox o
    set token = nextval('rowhook.token'), status = 'delivered', next_attempt_at = null,
        attempts = o.attempts + 1, finished_at = clock_timestamp(), last_error = null, last_status_code = null
    from written w
    where o.id = w.outbox_id
    returning o.id, o.attempts, w.revision, w.staged_at, w.written_at, w.body
  )
  insert into rowhook.attempt (outbox_id, number, revision, started_at, duration_ms, outcome, request)
  select s.id, s.attempts, s.revision, s.written_at,
         extract(epoch from s.written_at - s.staged_at) * 1000, 'delivered',
         json_build_object('method', 'SSE', 'url', '', 'headers', '[]'::json, 'body', s.body)
  from settled s;
end
$$;


--
-- Name: FUNCTION callbacks_written(session text, through bigint); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.callbacks_written(session text, through bigint) IS 'a page has all up to this place: the first time makes a delivery delivered';


--
-- Name: cancel(bigint[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.cancel(outbox_ids bigint[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  stopped_ids bigint[];
begin
  with chosen as (
    select id from rowhook.outbox
    where id = any (outbox_ids) and status in ('pending', 'sending', 'held')
    order by id for update
  ), cancelled as (
    update rowhook.outbox o set status = 'cancelled' from chosen where o.id = chosen.id returning o.id
  )
  select coalesce(array_agg(id), '{}') into stopped_ids from cancelled;
  perform rowhook.note_steered('delivery.cancelled', stopped_ids);
  return cardinality(stopped_ids);
end
$$;


--
-- Name: FUNCTION cancel(outbox_ids bigint[]); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.cancel(outbox_ids bigint[]) IS 'stops these where they wait or are being sent; how many';


--
-- Name: capture_commit(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.capture_commit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET lock_timeout TO '250ms'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
declare
  queued bigint;
begin
  begin
    -- Straight from the statement's rows: to read them again by their ids costs a tenth more.
    with inserted as (
      insert into rowhook.event
        (organization_id, type, key, commit_id, goal_id, session_id, snapshot, data, context, occurred_at)
      select o.id, 'goal.committed', c.id, c.id, g.id, c.session_id,
             rowhook.commit_snapshot(
               c.id, c.committed_at, g.id, g.template_id, c.session_id, c.interview_id, o.id, o.name),
             c.data, s.context, c.committed_at
      from new_rows c
      join rowhook.goal g on g.id = c.goal_id
      join rowhook.organization o on o.id = g.organization_id
      left join rowhook.session s on s.id = c.session_id
      returning id, type, organization_id, goal_id
    )
    insert into rowhook.outbox
      (event_id, webhook_id, organization_id, status, ready, next_attempt_at, finished_at, ordered_by)
    select e.id, w.id, e.organization_id, first.status, first.ready, first.attempt_at, first.finished_at, first.ordered_by
    from inserted e
    join rowhook.link l on l.goal_id = e.goal_id
    join rowhook.webhook w on w.id = l.webhook_id
    cross join lateral rowhook.first_state(w.state, w.retry_schedule_s, w.ordered) as first
    where w.event_types = '{}' or e.type = any (w.event_types);
    get diagnostics queued = row_count;
  exception when others then
    perform rowhook.note_capture_error('commit', array(select id from new_rows), sqlstate, sqlerrm);
  end;
  if queued > 0 and rowhook.is_anyone_asleep() then
    perform rowhook.wake();
  end if;
  return null;
end
$$;


--
-- Name: capture_job(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.capture_job() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET lock_timeout TO '250ms'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
declare
  completed uuid[];
  queued bigint;
begin
  if tg_op = 'INSERT' then
    completed := array(select id from new_rows where status in ('succeeded', 'failed'));
  else
    -- Grouped, never joined: a join's cached plan would be a nested loop over a bulk update.
    completed := array(
      select id from (
        select id, status as status_new, null as status_old from new_rows
        union all
        select id, null, status from old_rows) as change
      group by id
      having max(status_new) in ('succeeded', 'failed')
        and max(status_old) <> max(status_new));
  end if;
  if completed = '{}' then
    return null;
  end if;
  begin
    queued := rowhook.emit_jobs(completed);
  exception when others then
    perform rowhook.note_capture_error('job', completed::text[], sqlstate, sqlerrm);
  end;
  if queued > 0 and rowhook.is_anyone_asleep() then
    perform rowhook.wake();
  end if;
  return null;
end
$$;


--
-- Name: change_webhook(json, uuid, uuid, text[], integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.change_webhook(document json, organization uuid, webhook uuid, secret_ids text[], expected_revision integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  given rowhook.webhook := json_populate_record(null::rowhook.webhook, document);
  present int;
  saved int;
begin
  select w.revision into present from rowhook.webhook w
  where w.id = webhook and w.organization_id = organization for update;
  if present <> expected_revision then
    raise exception using errcode = 'RH002',
      message = format('the webhook is at revision %s, not at %s', present, expected_revision),
      hint = 'read it again, and apply your change to what is there now';
  end if;
  update rowhook.webhook w set (
    name, description, metadata, kind, url, method, headers, body_template, raw_payload, schema,
    condition, event_types, timeout_s, max_in_flight, rate_per_s, ordered, retry_schedule_s,
    required_paths
  ) = (
    given.name, given.description, given.metadata, given.kind, given.url, given.method,
    given.headers, given.body_template, given.raw_payload, given.schema, given.condition,
    given.event_types, given.timeout_s, given.max_in_flight, given.rate_per_s, given.ordered,
    given.retry_schedule_s, coalesce(given.required_paths, '[]')
  ) where w.id = webhook and w.organization_id = organization
  returning w.revision into saved;
  if saved is not null then
    perform rowhook.use_secrets(organization, webhook, secret_ids);
  end if;
  return saved;
end
$$;


--
-- Name: FUNCTION change_webhook(document json, organization uuid, webhook uuid, secret_ids text[], expected_revision integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.change_webhook(document json, organization uuid, webhook uuid, secret_ids text[], expected_revision integer) IS 'replaces the configuration that was validated; its revision, null if there is no such webhook, RH002 if it is at another revision';


--
-- Name: claim(uuid, integer, integer, uuid, interval, boolean, uuid[], timestamp with time zone[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.claim(worker uuid, batch integer, per_lane integer, after uuid DEFAULT NULL::uuid, lease interval DEFAULT '00:00:20'::interval, sweep boolean DEFAULT false, known uuid[] DEFAULT '{}'::uuid[], marks timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[]) RETURNS TABLE(token bigint, outbox_id bigint, number integer, webhook_id uuid, revision integer, secrets_version integer, event_id bigint, event_type text, key text, organization_id uuid, occurred_at timestamp with time zone, snapshot text, data text, context text, oversize_bytes bigint, large boolean)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_incremental_sort TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
#variable_conflict use_column
declare
  -- Rows without a token are of lanes. With a time: its mark for the next claim. Without: there are
  -- more lanes than this, after it.
  most constant int := 256;
  visited uuid[];
  entered uuid[];
begin
  perform rowhook.promote();
  if sweep then
    perform rowhook.reap(worker, lease);
  end if;
  visited := rowhook.rotation(after, most, known, marks);
  -- One claim at a time looks at a lane, in a statement that begins once it is alone there: so what
  -- is in flight, and what a rate has left, hold across all workers.
  entered := array(
    select lane from unnest(visited) as lane
    where pg_try_advisory_xact_lock(uuid_hash_extended(lane, 72365)));
  -- Few lanes share the whole batch; many get `per_lane` places each.
  per_lane := greatest(per_lane, batch / greatest(cardinality(visited), 1));
  return query
  -- `offset 0` keeps each look-up inside the loop over what was found, whatever the statistics say.
  with gate as materialized (
    select g.webhook_id, g.head, g.tokens, least(g.room, per_lane) as share, g.late_room,
           coalesce(marks[array_position(known, g.webhook_id)], '-infinity') as mark
    from rowhook.gates(entered) as g
    where g.room > 0
  ), due as materialized (
    select lane_head.ctid, gate.webhook_id, lane_head.due_at
    from gate,
    lateral (
      select first.ctid, first.due_at from (
        select one.ctid, null::timestamptz as due_at from (
          select o.ctid from rowhook.outbox o
          where o.ctid = gate.head and o.ready
          for update skip locked) as one
        union all
        -- A quarter of the share is the late ones', if there are any: neither kind starves the other.
        select one.ctid, null from (
          select o.ctid from rowhook.outbox o
          where gate.head is null and o.ready and o.webhook_id = gate.webhook_id and o.late
          order by o.next_attempt_at, o.id
          limit least(gate.late_room, floor(gate.share * 0.25 + random())::int)
          for update skip locked) as one
        union all
        select one.ctid, one.next_attempt_at from (
          select o.ctid, o.next_attempt_at from rowhook.outbox o
          where gate.head is null and o.ready and o.webhook_id = gate.webhook_id and not o.late
            and o.next_attempt_at >= gate.mark
          order by o.next_attempt_at, o.id
          limit gate.share
          for update skip locked) as one
        union all
        -- And what first attempts leave; those of the quarter come up again, and count once.
        select one.ctid, null from (
          select o.ctid from rowhook.outbox o
          where gate.head is null and o.ready and o.webhook_id = gate.webhook_id and o.late
          order by o.next_attempt_at, o.id
          limit gate.late_room
          for update skip locked) as one
      ) as first
      limit gate.share
    ) as lane_head
    limit batch
  ), claimed as (
    update rowhook.outbox o
    set status = 'sending',
        ready = false,
        token = nextval('rowhook.token'),
        worker_id = worker,
        leased_until = now() + lease,
        next_attempt_at = null
    where o.ctid = any (array(select due.ctid from due))
    returning o.token, o.id, o.attempts, o.webhook_id, o.event_id
  ), paced as (
    insert into rowhook.lane_state as s (webhook_id, tokens, refilled_at)
    select g.webhook_id, g.tokens - took.rows, now()
    from gate g, lateral (select count(*) as rows from claimed c where c.webhook_id = g.webhook_id) as took
    where g.tokens is not null and took.rows > 0
    on conflict (webhook_id) do update
      set tokens = excluded.tokens, refilled_at = greatest(s.refilled_at, excluded.refilled_at)
  ), probing as (
    update rowhook.lane_state s set circuit = 'half_open', allowed = 1
    from (select distinct c.webhook_id from claimed c) as lane
    where s.webhook_id = any (array[lane.webhook_id]) and s.circuit = 'open'
  )
  select c.token, c.id, c.attempts + 1, c.webhook_id, w.revision, w.secrets_version,
         e.id, e.type, e.key, e.organization_id, e.occurred_at,
         e.snapshot::text,
         case when not b.large then e.data::text end,
         case when not b.large then e.context::text end,
         e.oversize_bytes, b.large
  from claimed c,
  lateral (select * from rowhook.webhook w where w.id = c.webhook_id offset 0) as w,
  lateral (select * from rowhook.event e where e.id = c.event_id offset 0) as e,
  -- 64 events of 1 MiB would be 64 MiB in a worker: large ones are read one at a time.
  lateral (select coalesce(pg_column_size(e.data), 0) + coalesce(pg_column_size(e.context), 0) > 16384) as b (large)
  union all
  -- Not so late that it would pass by what another transaction, begun before, commits soon.
  select null, null, null, due.webhook_id, null, null, null, null, null, null,
         max(due.due_at) - interval '2 s', null, null, null, null, null
  from due where due.due_at is not null group by due.webhook_id;
  if cardinality(visited) = most then
    return query
    select null::bigint, null::bigint, null::int, visited[most], null::int, null::int, null::bigint,
           null, null, null::uuid, null::timestamptz, null, null, null, null::bigint, null::boolean;
  end if;
  if sweep then
    insert into rowhook.chore (webhook_id)
    select lane from unnest(visited) as lane
    where not exists (
      select from rowhook.webhook w where w.id = lane and w.state <> 'disabled' offset 0)
    on conflict do nothing;
  end if;
end
$$;


--
-- Name: commit_gaps(interval, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.commit_gaps(retention interval DEFAULT '30 days'::interval, since timestamp with time zone DEFAULT '-infinity'::timestamp with time zone, until timestamp with time zone DEFAULT 'infinity'::timestamp with time zone) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select c.id from rowhook.commit c
  where c.committed_at >= greatest(rowhook.heal_since('commit', retention), since) and c.committed_at < until
    and not exists (select from rowhook.event e where e.commit_id = c.id)
$$;


--
-- Name: rfc3339(timestamp with time zone); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.rfc3339(moment timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN to_char((moment AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'::text);


--
-- Name: commit_snapshot(text, timestamp with time zone, text, text, text, text, uuid, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.commit_snapshot(commit_id text, committed_at timestamp with time zone, goal_id text, template_id text, session_id text, interview_id text, organization_id uuid, organization_name text) RETURNS json
    LANGUAGE sql STABLE
    RETURN (format('{"commit_id":%s,"committed_at":%s,"goal":{"id":%s},"template":{"id":%s},"session":{"id":%s},"interview":{"id":%s},"organization":{"id":"%s","name":%s}}'::text, to_json(commit_id), COALESCE((('"'::text || rowhook.rfc3339(committed_at)) || '"'::text), 'null'::text), to_json(goal_id), COALESCE((to_json(template_id))::text, 'null'::text), COALESCE((to_json(session_id))::text, 'null'::text), COALESCE((to_json(interview_id))::text, 'null'::text), organization_id, to_json(organization_name)))::json;


--
-- Name: FUNCTION commit_snapshot(commit_id text, committed_at timestamp with time zone, goal_id text, template_id text, session_id text, interview_id text, organization_id uuid, organization_name text); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.commit_snapshot(commit_id text, committed_at timestamp with time zone, goal_id text, template_id text, session_id text, interview_id text, organization_id uuid, organization_name text) IS 'event.snapshot of a commit';


--
-- Name: webhook; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.webhook (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    description text,
    metadata json DEFAULT '{}'::json NOT NULL,
    kind text DEFAULT 'http'::text NOT NULL,
    url text,
    method text DEFAULT 'POST'::text NOT NULL,
    headers json DEFAULT '{}'::json NOT NULL,
    body_template text,
    raw_payload boolean DEFAULT false NOT NULL,
    schema json,
    condition text,
    event_types text[] DEFAULT '{}'::text[] NOT NULL,
    timeout_s numeric DEFAULT 15 NOT NULL,
    max_in_flight integer DEFAULT 10 NOT NULL,
    rate_per_s numeric,
    ordered boolean DEFAULT false NOT NULL,
    retry_schedule_s numeric[] DEFAULT '{0,5,300,1800,7200,18000,36000,50400,72000,86400}'::numeric[] NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    disabled_reason text,
    required_paths json DEFAULT '[]'::json NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    secrets_version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT kind_is_known CHECK ((kind = ANY (ARRAY['http'::text, 'frontend'::text]))),
    CONSTRAINT max_in_flight_is_positive CHECK ((max_in_flight > 0)),
    CONSTRAINT method_is_known CHECK ((method = ANY (ARRAY['GET'::text, 'POST'::text, 'PUT'::text, 'PATCH'::text, 'DELETE'::text]))),
    CONSTRAINT name_is_given CHECK ((name <> ''::text)),
    CONSTRAINT rate_is_positive CHECK ((rate_per_s > (0)::numeric)),
    CONSTRAINT reason_only_if_disabled CHECK (((disabled_reason IS NULL) OR (state = 'disabled'::text))),
    CONSTRAINT schedule_has_attempts CHECK (((cardinality(retry_schedule_s) >= 1) AND (cardinality(retry_schedule_s) <= 100))),
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['active'::text, 'paused'::text, 'disabled'::text]))),
    CONSTRAINT timeout_is_1_to_30 CHECK (((timeout_s >= (1)::numeric) AND (timeout_s <= (30)::numeric))),
    CONSTRAINT url_iff_http CHECK (((kind = 'http'::text) = (url IS NOT NULL)))
);


--
-- Name: COLUMN webhook.required_paths; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.webhook.required_paths IS 'what its templates cannot do without: [{"root": "data", "path": ["a", "b"]}, …]';


--
-- Name: COLUMN webhook.secrets_version; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.webhook.secrets_version IS 'raised when the signing secret or a secret in use changes';


--
-- Name: configuration(rowhook.webhook); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.configuration(w rowhook.webhook) RETURNS json
    LANGUAGE sql STABLE
    RETURN (SELECT row_to_json(c.*) AS row_to_json FROM (SELECT (configuration.w).name AS name, (configuration.w).description AS description, (configuration.w).metadata AS metadata, (configuration.w).kind AS kind, (configuration.w).url AS url, (configuration.w).method AS method, (configuration.w).headers AS headers, (configuration.w).body_template AS body_template, (configuration.w).raw_payload AS raw_payload, (configuration.w).schema AS schema, (configuration.w).condition AS condition, (configuration.w).event_types AS event_types, (configuration.w).timeout_s AS timeout_s, (configuration.w).max_in_flight AS max_in_flight, (configuration.w).rate_per_s AS rate_per_s, (configuration.w).ordered AS ordered, (configuration.w).retry_schedule_s AS retry_schedule_s) c);


--
-- Name: create_key(uuid, text, bytea, text[], timestamp with time zone); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.create_key(organization uuid, key_name text, key_hash bytea, granted text[], ends_at timestamp with time zone) RETURNS uuid
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  insert into rowhook.api_key (organization_id, name, hash, scopes, expires_at)
  values (organization, key_name, key_hash, granted, ends_at)
  returning id
$$;


--
-- Name: FUNCTION create_key(organization uuid, key_name text, key_hash bytea, granted text[], ends_at timestamp with time zone); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.create_key(organization uuid, key_name text, key_hash bytea, granted text[], ends_at timestamp with time zone) IS 'null organization: an operator key';


--
-- Name: create_webhook(json, uuid, uuid, text[], bytea); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.create_webhook(document json, organization uuid, webhook uuid, secret_ids text[], signing_secret bytea) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  given rowhook.webhook := json_populate_record(null::rowhook.webhook, document);
begin
  insert into rowhook.webhook (
    id, organization_id, name, description, metadata, kind, url, method, headers, body_template,
    raw_payload, schema, condition, event_types, timeout_s, max_in_flight, rate_per_s, ordered,
    retry_schedule_s, required_paths)
  values (
    webhook, organization, given.name, given.description, given.metadata, given.kind, given.url,
    given.method, given.headers, given.body_template, given.raw_payload, given.schema,
    given.condition, given.event_types, given.timeout_s, given.max_in_flight, given.rate_per_s,
    given.ordered, given.retry_schedule_s, coalesce(given.required_paths, '[]'));
  insert into rowhook.signing_secret (webhook_id, version, sealed) values (webhook, 1, signing_secret);
  perform rowhook.use_secrets(organization, webhook, secret_ids);
  return 1;
end
$$;


--
-- Name: FUNCTION create_webhook(document json, organization uuid, webhook uuid, secret_ids text[], signing_secret bytea); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.create_webhook(document json, organization uuid, webhook uuid, secret_ids text[], signing_secret bytea) IS 'keeps a webhook that was validated; its first revision';


--
-- Name: day_of(uuid); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.day_of(webhook uuid) RETURNS json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with ended as (
    select one.status, o.finished_at - o.created_at as took,
           width_bucket(o.created_at, array(
             select now() - make_interval(hours => 24 - n) from generate_series(0, 23) as n order by n)) as hour
    from unnest(array['delivered', 'dead']) as one (status)
    cross join lateral (
      select o.created_at, o.finished_at from rowhook.outbox o
      where o.webhook_id = webhook and o.status = one.status and o.created_at >= now() - interval '24 hours') as o
  ), hourly as (
    select n as hour,
           count(*) filter (where e.status = 'delivered') as delivered,
           count(*) filter (where e.status = 'dead') as dead
    from generate_series(1, 24) as n
    left join ended e on e.hour = n
    group by n
  ), total as (
    select count(*) as finished, count(*) filter (where e.status = 'delivered') as delivered,
           percentile_cont(array[0.5, 0.95]) within group (order by e.took) filter (where e.status = 'delivered') as took
    from ended e
  )
  select json_build_object(
    'finished', t.finished, 'delivered', t.delivered,
    'p50_ms', extract(epoch from t.took[1])::float8 * 1000,
    'p95_ms', extract(epoch from t.took[2])::float8 * 1000,
    'series', (select json_agg(json_build_object('delivered', h.delivered, 'dead', h.dead) order by h.hour) from hourly h))
  from total t
$$;


--
-- Name: FUNCTION day_of(webhook uuid); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.day_of(webhook uuid) IS 'what came of the deliveries to a webhook that were created in the last 24 hours, in all and by the hour, the oldest hour first';


--
-- Name: jittered(numeric); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.jittered(delay_s numeric) RETURNS double precision
    LANGUAGE sql PARALLEL SAFE
    RETURN ((delay_s)::double precision * ((0.8)::double precision + ((0.4)::double precision * random())));


--
-- Name: FUNCTION jittered(delay_s numeric); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.jittered(delay_s numeric) IS 'seconds, ±20 %; zero stays zero';


--
-- Name: delay_after(numeric[], integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.delay_after(schedule_s numeric[], step integer) RETURNS double precision
    LANGUAGE sql PARALLEL SAFE
    RETURN rowhook.jittered((schedule_s)[(step + 2)]);


--
-- Name: FUNCTION delay_after(schedule_s numeric[], step integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.delay_after(schedule_s numeric[], step integer) IS 'seconds from the attempt at place `step` (from 0) to the next; null where the schedule ends';


--
-- Name: delete_key(uuid); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.delete_key(key uuid) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with deleted as (
    delete from rowhook.api_key k where k.id = key returning k.id
  ), forgotten as (
    -- The answers kept for it may hold a signing secret, and nobody can ask for them any more.
    delete from rowhook.idempotent_request r where r.caller in (select id::text from deleted)
  )
  select exists (select from deleted)
$$;


--
-- Name: delete_secret(uuid, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.delete_secret(organization uuid, secret_id text) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with deleted as (
    delete from rowhook.secret s where s.organization_id = organization and s.id = secret_id
    returning 1
  )
  select exists (select from deleted)
$$;


--
-- Name: FUNCTION delete_secret(organization uuid, secret_id text); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.delete_secret(organization uuid, secret_id text) IS 'the foreign key of rowhook.webhook_secret refuses it while a webhook uses it; false if there was none';


--
-- Name: delete_webhook(uuid); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.delete_webhook(webhook uuid) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with deleted as (delete from rowhook.webhook w where w.id = webhook returning 1)
  select exists (select from deleted)
$$;


--
-- Name: FUNCTION delete_webhook(webhook uuid); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.delete_webhook(webhook uuid) IS 'its waiting deliveries are cancelled by the workers; the foreign key of rowhook.link refuses it while it is linked';


--
-- Name: delivery_ids(uuid, uuid, text[], timestamp with time zone, timestamp with time zone, timestamp with time zone, bigint, uuid, text, text, integer, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.delivery_ids(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job uuid, commit_key text, event_type text, code integer, most integer) RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
begin
  if job is not null or commit_key is not null then
    -- One completion has few deliveries: they are found by its event.
    return array(
      select o.id
      from rowhook.event e
      join rowhook.outbox o on o.event_id = e.id
      where (job is null or e.job_id = job) and (commit_key is null or e.commit_id = commit_key)
        and (webhook is null or o.webhook_id = webhook)
        and (organization is null or o.organization_id = organization)
        and o.status = any (wanted)
        and o.created_at >= since and o.created_at < until
        and (o.created_at, o.id) < (before_at, before_id)
        and (delivery_ids.event_type is null or e.type = delivery_ids.event_type)
        and (code is null or o.last_status_code = code)
      order by o.created_at desc, o.id desc
      limit most);
  end if;
  return array(
    -- The newest rows are among those of the ranges whose heads are the newest.
    with newest_range as (
      select v.webhook_id, one.status
      from rowhook.webhook_revision v
      cross join unnest(wanted) as one (status)
      cross join lateral (
        select o.id, o.created_at from rowhook.outbox o
        where o.webhook_id = v.webhook_id and o.status = one.status
          and o.created_at >= since and o.created_at < until
          and (o.created_at, o.id) < (before_at, before_id)
          and (code is null or o.last_status_code = code)
          and (delivery_ids.event_type is null or exists (
            select from rowhook.event e where e.id = o.event_id and e.type = delivery_ids.event_type))
        order by o.created_at desc, o.id desc
        limit 1) as head
      -- Every webhook that there ever was has a first revision.
      where v.revision = 1 and (organization is null or v.organization_id = organization)
        and (webhook is null or v.webhook_id = webhook)
      order by head.created_at desc, head.id desc
      limit most
    )
    select newest.id
    from newest_range
    cross join lateral (
      select o.id, o.created_at from rowhook.outbox o
      where o.webhook_id = newest_range.webhook_id and o.status = newest_range.status
        and o.created_at >= since and o.created_at < until
        and (o.created_at, o.id) < (before_at, before_id)
        and (code is null or o.last_status_code = code)
        and (delivery_ids.event_type is null or exists (
          select from rowhook.event e where e.id = o.event_id and e.type = delivery_ids.event_type))
      order by o.created_at desc, o.id desc
      limit most) as newest
    order by newest.created_at desc, newest.id desc
    limit most);
end
$$;


--
-- Name: FUNCTION delivery_ids(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job uuid, commit_key text, event_type text, code integer, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.delivery_ids(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job uuid, commit_key text, event_type text, code integer, most integer) IS 'newest first; each status is a range of an index of its own, so no filter but code and event_type reads what it does not return';


--
-- Name: delivery_of(bigint); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.delivery_of(delivery bigint) RETURNS SETOF json
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return query
    select row_to_json(shown) from (
      select d.*, e.occurred_at, e.created_at as captured_at,
             array(select rowhook.attempts_of(d.id)) as tries
      from rowhook.shown_delivery d
      left join rowhook.event e on e.id = d.event_id
      where d.id = delivery) as shown;
end
$$;


--
-- Name: FUNCTION delivery_of(delivery bigint); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.delivery_of(delivery bigint) IS 'a delivery with its attempts, `tries`, as of one moment';


--
-- Name: delivery_page(uuid, uuid, text[], timestamp with time zone, timestamp with time zone, timestamp with time zone, bigint, uuid, text, text, integer, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.delivery_page(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job uuid, commit_key text, event_type text, code integer, most integer) RETURNS SETOF json
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  -- Found once: inside the statement below it might be asked a row.
  found_ids bigint[] := rowhook.delivery_ids(
    organization, webhook, wanted, coalesce(since, '-infinity'), coalesce(until, 'infinity'),
    coalesce(before_at, 'infinity'), coalesce(before_id, 0), job, commit_key, event_type, code, most);
begin
  return query
    select row_to_json(d) from rowhook.shown_delivery d
    where d.id = any (found_ids)
    order by d.created_at desc, d.id desc;
end
$$;


--
-- Name: FUNCTION delivery_page(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job uuid, commit_key text, event_type text, code integer, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.delivery_page(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job uuid, commit_key text, event_type text, code integer, most integer) IS 'newest first, after the delivery that was created at `before_at` with the id `before_id`';


--
-- Name: diagnosis(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.diagnosis() RETURNS TABLE(subject text, healthy boolean, finding text, advice text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select 'PostgreSQL', current_setting('server_version_num')::int >= 150000,
         current_setting('server_version'), 'Rowhook needs PostgreSQL 15 or later'
  union all
  select 'primary', current_setting('transaction_read_only') = 'off',
         case when pg_is_in_recovery() then 'a standby'
              when current_setting('transaction_read_only') = 'on' then 'read-only: nothing is claimed or recorded'
              else 'writable' end,
         case when pg_is_in_recovery()
              then 'point DATABASE_URL at the primary, or add target_session_attrs=read-write'
              else 'who set default_transaction_read_only? workers go on by themselves once it is off' end
  union all
  select 'capture triggers', count(*) = 3,
         count(*) || ' of 3 enabled',
         'alter table rowhook.job enable trigger all; alter table rowhook.commit enable trigger all'
  from pg_trigger
  where tgname like 'capture\_%' and tgenabled in ('O', 'A')
    and tgrelid in ('rowhook.job'::regclass, 'rowhook.commit'::regclass)
  union all
  select 'capture gaps', count(*) = 0, count(*) || ' completions without an event',
         'a worker heals them within 30 s; or: select rowhook.heal()'
  from (select id::text from rowhook.job_gaps() as id union all select rowhook.commit_gaps()) as gap
  union all
  select 'capture errors', count(*) = 0, count(*) || ' open', coalesce(max(message), '')
  from rowhook.capture_error where healed_at is null
  union all
  select 'workers', count(*) > 0, count(*) || ' seen in the last minute', 'start one: rowhook worker'
  from rowhook.worker where seen_at > now() - interval '1 minute'
  union all
  select 'backlog', coalesce(max(now() - next_attempt_at), '0') < interval '1 minute',
         case when count(*) = 0 then 'nothing overdue'
              else count(*) || ' due now, the oldest for '
                || extract(epoch from max(now() - next_attempt_at))::int || ' s' end,
         'is a worker running? is a webhook paused, or its circuit open? select * from rowhook.webhook_health'
  from rowhook.outbox where ready
  union all
  select 'circuits', count(*) = 0,
         case when count(*) = 0 then 'all closed' else count(*) || ' webhooks get probes alone' end,
         'their receivers fail: select name, failing_since, next_probe_at, last_error from rowhook.webhook_health where circuit <> ''closed'''
  from rowhook.lane_state where circuit = 'open'
  union all
  select 'order', count(*) = 0,
         case when count(*) = 0 then 'no ordered webhook waits behind a held delivery'
              else count(*) || ' ordered webhooks wait behind a held delivery, the first ' || min(head.id) end,
         'mend the webhook, or skip it: update rowhook.outbox set status = ''cancelled'' where id = …'
  from rowhook.webhook w,
  lateral (
    select o.id, o.status from rowhook.outbox o
    where o.webhook_id = w.id and o.ordered_by is not null and o.finished_at is null
    order by o.ordered_by, o.id limit 1
  ) as head
  where w.ordered and head.status = 'held'
  union all
  select 'held', count(*) = 0, count(*) || ' deliveries',
         'select id, last_error from rowhook.delivery where status = ''held''; fix the webhook and they go'
  from rowhook.outbox where status = 'held'
  union all
  select 'long transactions', count(*) = 0,
         case when count(*) = 0 then 'none over 5 minutes'
              else 'process ' || min(pid) || ' and ' || count(*) - 1 || ' others' end,
         'an open transaction delays ordered webhooks and keeps dead rows: end it'
  from pg_stat_activity
  where datname = current_database() and xact_start < now() - interval '5 minutes'
    and backend_type = 'client backend'
$$;


--
-- Name: FUNCTION diagnosis(); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.diagnosis() IS 'what rowhook doctor asks the database';


--
-- Name: disable(uuid, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.disable(webhook uuid, reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  update rowhook.webhook w set state = 'disabled', disabled_reason = reason
  where w.id = webhook and w.state <> 'disabled';
  if found then
    insert into rowhook.lane_state as s (webhook_id, warned) values (webhook, 100)
    on conflict (webhook_id) do update set warned = 100;
    perform rowhook.tell(webhook, 'webhook.disabled', reason);
  end if;
end
$$;


--
-- Name: FUNCTION disable(webhook uuid, reason text); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.disable(webhook uuid, reason text) IS 'its deliveries are skipped from now on, and the others hear of it';


--
-- Name: disown(uuid, bigint[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.disown(worker uuid, held bigint[]) RETURNS bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_incremental_sort TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
  with found as (
    update rowhook.outbox o
    set status = 'pending', ready = true, next_attempt_at = now(), token = nextval('rowhook.token'),
        worker_id = null, leased_until = null
    where o.ctid = any (array(
      select ctid from rowhook.outbox
      where status = 'sending'
        and leased_until < now()
        and worker_id = worker
        and token <> all (held)
      order by webhook_id, leased_until
      limit 1000
      for update skip locked
    ))
    returning 1
  )
  select count(*) from found
$$;


--
-- Name: FUNCTION disown(worker uuid, held bigint[]); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.disown(worker uuid, held bigint[]) IS 'gives back what a worker claimed and never heard of, once its lease is over: the answer was lost on the way; costs no attempt';


--
-- Name: emit_jobs(uuid[], boolean, timestamp with time zone); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.emit_jobs(job_ids uuid[], healing boolean DEFAULT false, unless_after timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
declare
  queued_rows bigint;
begin
  with completed as (
    select nextval('rowhook.event_id') as event_id, j.*,
           -- Not `exists`: over an event that is believed small the whole of it would be read and hashed.
           (select e.id from rowhook.event e where e.job_id = j.id limit 1) is not null as again
    from unnest(job_ids) as completed_id
    join rowhook.job j on j.id = completed_id
    where j.status in ('succeeded', 'failed')
      -- Looked at in this statement's snapshot: a capture that came meanwhile is not sent twice.
      and (unless_after is null or (
        select e.id from rowhook.event e
        where e.job_id = j.id and e.created_at >= unless_after
          and (unless_after = '-infinity' or e.type = 'job.' || j.status)
        limit 1) is null)
  ), inserted as (
    insert into rowhook.event
      (id, organization_id, type, key, job_id, agent_id, snapshot, data, context, occurred_at)
    select c.event_id, o.id, 'job.' || c.status,
           case when c.again then c.id || ':' || c.event_id else c.id::text end,
           c.id, a.id, row_to_json(shot),
           c.output, c.metadata, c.completed_at
    from completed c
    join rowhook.agent_version v on v.id = c.agent_version_id
    join rowhook.agent a on a.id = v.agent_id
    join rowhook.organization o on o.id = a.organization_id,
    lateral (select a.id, a.name) as agent,
    lateral (select v.id, v.name) as version,
    lateral (select c.id, c.status, c.status_code, c.cost, rowhook.rfc3339(c.created_at) as created_at,
                    rowhook.rfc3339(c.completed_at) as completed_at) as job,
    lateral (select o.id, o.name) as organization,
    lateral (select row_to_json(agent) as agent, row_to_json(version) as agent_version,
                    row_to_json(job) as job, row_to_json(organization) as organization) as shot
    returning id, type, organization_id, occurred_at, agent_id
  )
  insert into rowhook.outbox
    (event_id, webhook_id, organization_id, status, ready, next_attempt_at, finished_at, ordered_by)
  select e.id, w.id, e.organization_id, first.status, first.ready, first.attempt_at, first.finished_at, first.ordered_by
  from inserted e
  join rowhook.link l on l.agent_id = e.agent_id
  join rowhook.webhook w on w.id = l.webhook_id
  cross join lateral rowhook.first_state(w.state, w.retry_schedule_s, w.ordered) as first
  where (w.event_types = '{}' or e.type = any (w.event_types))
    -- A heal sends to the links of that time: a new link never gets the past.
    and (not healing or l.created_at <= e.occurred_at);
  get diagnostics queued_rows = row_count;
  return queued_rows;
end
$$;


--
-- Name: end_of_slice(text, timestamp with time zone, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.end_of_slice(source text, since timestamp with time zone, most integer) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
declare
  found_at timestamptz;
begin
  if source = 'job' then
    select j.completed_at into found_at from rowhook.job j
    where j.status in ('succeeded', 'failed') and j.completed_at >= since
    order by j.completed_at offset most limit 1;
    -- A bulk has one moment: it is looked at whole, or the looking would never come past it.
    if found_at = since then
      select min(j.completed_at) into found_at from rowhook.job j
      where j.status in ('succeeded', 'failed') and j.completed_at > since;
    end if;
  else
    select c.committed_at into found_at from rowhook.commit c
    where c.committed_at >= since order by c.committed_at offset most limit 1;
    if found_at = since then
      select min(c.committed_at) into found_at from rowhook.commit c where c.committed_at > since;
    end if;
  end if;
  return found_at;
end
$$;


--
-- Name: FUNCTION end_of_slice(source text, since timestamp with time zone, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.end_of_slice(source text, since timestamp with time zone, most integer) IS 'so many completions later, and later than `since`; null if there are fewer';


--
-- Name: end_request(text, text, bytea); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.end_request(caller_name text, request_key text, sealed_answer bytea) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if sealed_answer is null then
    delete from rowhook.idempotent_request r
    where r.caller = caller_name and r.key = request_key and r.answer is null;
  else
    update rowhook.idempotent_request set answer = sealed_answer
    where caller = caller_name and key = request_key and answer is null;
  end if;
end
$$;


--
-- Name: FUNCTION end_request(caller_name text, request_key text, sealed_answer bytea); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.end_request(caller_name text, request_key text, sealed_answer bytea) IS 'keeps the answer for 24 hours; null forgets the request, so that it may be sent again';


--
-- Name: enter(uuid, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.enter(organization uuid, acting text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
  -- Local to the transaction, so it holds through a transaction pooler.
  perform set_config('rowhook.organization', coalesce(organization::text, ''), true),
          set_config('rowhook.operator', case when organization is null then 'on' else 'off' end, true),
          set_config('rowhook.actor', acting, true),
          set_config('timezone', 'UTC', true),
          set_config('statement_timeout', '60s', true),
          -- Compiling costs more than any of our reads: 200 ms instead of 50 for the figures of a page.
          set_config('jit', 'off', true),
          set_config('role', 'rowhook_api', true);
end
$$;


--
-- Name: FUNCTION enter(organization uuid, acting text); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.enter(organization uuid, acting text) IS 'makes this transaction one of the API: an organization''s, or with null an operator''s';


--
-- Name: event_body(bigint); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.event_body(event_id bigint) RETURNS TABLE(data text, context text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select e.data::text, e.context::text from rowhook.event e where e.id = event_id
$$;


--
-- Name: event_feed(uuid, uuid, text, text[], xid8, bigint, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.event_feed(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer) RETURNS TABLE(xact text, id bigint, event json)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
  with page as (
    select e.xact, e.id,
           sum(coalesce(octet_length(e.data::text), 0) + coalesce(octet_length(e.context::text), 0))
             over (order by e.xact, e.id) as bytes
    from (
      select next.*
      from rowhook.organization o
      cross join lateral (
        select e.xact, e.id, e.data, e.context from rowhook.event e
        where e.organization_id = o.id and (e.xact, e.id) > (after_xact, after_id)
          -- Whatever commits from now on comes after: nothing older is still open.
          and e.xact < pg_snapshot_xmin(pg_current_snapshot())
          and e.type = any (wanted)
          and (wanted_agent is null or e.agent_id = wanted_agent)
          and (wanted_goal is null or e.goal_id = wanted_goal)
        order by e.xact, e.id
        limit most) as next
      where rowhook.sees(o.id) and (organization is null or o.id = organization)
      order by next.xact, next.id
      limit most) as e
  )
  select p.xact::text, p.id, (
    select row_to_json(shown) from (
      select e.id, e.organization_id, e.type, e.key, e.job_id, e.commit_id, e.agent_id, e.goal_id,
             e.session_id, e.occurred_at, e.oversize_bytes,
             e.snapshot::text as snapshot, e.data::text as data, e.context::text as context
      from rowhook.event e where e.id = p.id) as shown)
  from page p
  -- One answer holds some megabytes at most, and one event at least.
  where p.bytes <= 4194304 or p.id = (select f.id from page f order by f.xact, f.id limit 1)
  order by p.xact, p.id
$$;


--
-- Name: FUNCTION event_feed(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.event_feed(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer) IS 'events after a place, in the order of (xact, id), up to the oldest transaction that is still open; snapshot, data and context are texts of JSON';


--
-- Name: event_of(bigint); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.event_of(wanted bigint) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select row_to_json(shown) from (
    select e.id, e.organization_id, e.type, e.key, e.job_id, e.commit_id, e.agent_id, e.goal_id,
           e.session_id, e.occurred_at, e.oversize_bytes,
           -- As texts: what the platform commits may be no JSON to whoever reads the rest.
           e.snapshot::text as snapshot, e.data::text as data, e.context::text as context
    from rowhook.event e where e.id = wanted) as shown
$$;


--
-- Name: FUNCTION event_of(wanted bigint); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.event_of(wanted bigint) IS 'one event; its snapshot, data and context are texts of JSON, digit for digit';


--
-- Name: failed(uuid, uuid, text[], timestamp with time zone, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.failed(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, most integer) RETURNS TABLE(webhook_id uuid, id bigint, status text, error text, status_code integer, created_at timestamp with time zone, beyond boolean)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select v.webhook_id, o.id, o.status, o.last_error, o.last_status_code, o.created_at, o.place = most
  from rowhook.webhook_revision v
  cross join unnest(wanted) as one (status)
  cross join lateral (
    select newest.*, row_number() over (order by newest.created_at desc) as place
    from (
      (select o.id, o.status, o.last_error, o.last_status_code, o.created_at
       from rowhook.outbox o
       where o.webhook_id = v.webhook_id and o.status = one.status and o.created_at >= since
         and one.status <> 'pending'
       order by o.created_at desc
       limit most)
      union all
      -- What waits and was never tried has not failed: it has an index of its own to be passed by.
      (select o.id, o.status, o.last_error, o.last_status_code, o.created_at
       from rowhook.outbox o
       where o.webhook_id = v.webhook_id and o.status = 'pending' and o.last_error is not null
         and o.created_at >= since and one.status = 'pending'
       order by o.created_at desc
       limit most)) as newest) as o
  where v.revision = 1 and (organization is null or v.organization_id = organization)
    and (webhook is null or v.webhook_id = webhook)
$$;


--
-- Name: FUNCTION failed(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.failed(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, most integer) IS 'of each webhook and status the newest `most` that failed; `beyond`: there may be more';


--
-- Name: failures(uuid, uuid, timestamp with time zone, integer, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.failures(organization uuid, webhook uuid, since timestamp with time zone, groups integer, most integer) RETURNS json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with failed as materialized (
    select * from rowhook.failed(organization, webhook, array['dead', 'held', 'pending'], since, most)
  ), grouped as (
    select f.webhook_id, f.error, f.status_code, count(*) as deliveries,
           count(*) filter (where f.status = 'held') as held,
           count(*) filter (where f.status = 'dead') as dead,
           count(*) filter (where f.status = 'pending') as retrying,
           min(f.created_at) as first_at, max(f.created_at) as last_at,
           (array_agg(f.id order by f.created_at desc, f.id desc))[1] as newest_delivery
    from failed f
    group by f.webhook_id, f.error, f.status_code
  ), shown as (
    select * from grouped order by last_at desc, newest_delivery desc limit groups
  )
  select json_build_object(
    'since', since,
    'items', coalesce(
      (select json_agg(json_build_object(
         'webhook_id', g.webhook_id, 'webhook_name', rowhook.name_of(g.webhook_id),
         'webhook_exists', exists (select from rowhook.webhook w where w.id = g.webhook_id),
         'error', g.error, 'status_code', g.status_code, 'deliveries', g.deliveries,
         'held', g.held, 'dead', g.dead, 'retrying', g.retrying,
         'first_at', g.first_at, 'last_at', g.last_at, 'newest_delivery', g.newest_delivery)
         order by g.last_at desc, g.newest_delivery desc)
       from shown g), '[]'),
    'capped', coalesce((select bool_or(f.beyond) from failed f), false) or (select count(*) > groups from grouped))
$$;


--
-- Name: FUNCTION failures(organization uuid, webhook uuid, since timestamp with time zone, groups integer, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.failures(organization uuid, webhook uuid, since timestamp with time zone, groups integer, most integer) IS 'what failed of the deliveries created since then, by webhook, error and status code, the latest first';


--
-- Name: fall_asleep(uuid[], timestamp with time zone[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.fall_asleep(known uuid[] DEFAULT '{}'::uuid[], marks timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[], OUT register bigint, OUT has_work boolean, OUT due_in_s double precision) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
  opens_at timestamptz;
begin
  register := nextval('rowhook.asleep');
  -- From here the capture notifies; what it wrote before is seen by this look.
  select coalesce(bool_or(g.room > 0), false), min(g.opens_at) into has_work, opens_at
  from rowhook.gates(rowhook.lanes('00000000-0000-0000-0000-000000000000', null, 1000, known, marks)) as g;
  select least(extract(epoch from least(min(o.next_attempt_at), opens_at) - now())) into due_in_s
  from rowhook.outbox o where not o.ready and o.next_attempt_at is not null;
  has_work := has_work or coalesce(due_in_s <= 0, false) or exists (select from rowhook.chore where due_at <= now());
end
$$;


--
-- Name: FUNCTION fall_asleep(known uuid[], marks timestamp with time zone[], OUT register bigint, OUT has_work boolean, OUT due_in_s double precision); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.fall_asleep(known uuid[], marks timestamp with time zone[], OUT register bigint, OUT has_work boolean, OUT due_in_s double precision) IS 'enters the register of sleepers, then looks once more: what claim or sweep would find, and when something next comes due';


--
-- Name: fill_completed_at(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.fill_completed_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  new.completed_at := clock_timestamp();
  return new;
end
$$;


--
-- Name: first_attempt_at(numeric[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.first_attempt_at(schedule_s numeric[]) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    AS $$
begin
  return now() + make_interval(secs => rowhook.jittered(schedule_s[1]));
end
$$;


--
-- Name: first_state(text, numeric[], boolean); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.first_state(state text, schedule_s numeric[], ordered boolean) RETURNS TABLE(status text, ready boolean, attempt_at timestamp with time zone, finished_at timestamp with time zone, ordered_by xid8)
    LANGUAGE sql STABLE
    AS $$
  select case when state = 'disabled' then 'skipped' else 'pending' end,
         state <> 'disabled' and schedule_s[1] = 0,
         case when state = 'disabled' then null
              when schedule_s[1] = 0 then now()
              else rowhook.first_attempt_at(schedule_s) end,
         case when state = 'disabled' then now() end,
         case when ordered then pg_current_xact_id() end
$$;


--
-- Name: FUNCTION first_state(state text, schedule_s numeric[], ordered boolean); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.first_state(state text, schedule_s numeric[], ordered boolean) IS 'how a delivery begins, by its webhook; one row, part of the statement that asks';


--
-- Name: fit_delivery(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.fit_delivery() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  broken text;
begin
  if new.late is distinct from (new.schedule_step > 1) then
    new.late := new.schedule_step > 1;
  end if;
  -- The shapes of nearly all rows, each a short test.
  if new.status = 'pending' and new.next_attempt_at is not null
    and new.finished_at is null and new.leased_until is null then
    return new;
  end if;
  if new.status = 'sending' and new.leased_until is not null and new.worker_id is not null
    and new.next_attempt_at is null and new.finished_at is null and not new.ready then
    return new;
  end if;
  if new.status = 'delivered' and new.finished_at is not null
    and new.next_attempt_at is null and new.leased_until is null and not new.ready then
    return new;
  end if;
  broken := case
    when new.status not in ('pending', 'sending', 'held', 'delivered', 'dead', 'cancelled', 'skipped')
      then 'status_is_known'
    when (new.finished_at is not null) <> (new.status in ('delivered', 'dead', 'cancelled', 'skipped'))
      then 'finished_iff_final'
    when (new.status = 'sending') <> (new.leased_until is not null and new.worker_id is not null)
      then 'leased_iff_sending'
    when new.ready and (new.status not in ('pending', 'held') or new.next_attempt_at is null)
      then 'ready_only_if_waiting'
    when new.status = 'pending' and new.next_attempt_at is null
      then 'pending_has_its_time'
    when new.next_attempt_at is not null and new.status not in ('pending', 'held')
      then 'only_waiting_has_a_time'
  end;
  if broken is not null then
    raise exception using errcode = 'check_violation', schema = 'rowhook', table = 'outbox', constraint = broken,
      message = format('new row for relation "outbox" violates check constraint "%s"', broken);
  end if;
  return new;
end
$$;


--
-- Name: fit_event(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.fit_event() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  bytes constant bigint := coalesce(octet_length(new.data::text), 0) + coalesce(octet_length(new.context::text), 0);
  broken text;
begin
  if bytes > 1048576 then
    new.oversize_bytes := bytes;
    new.data := null;
    new.context := null;
  end if;
  broken := case
    when new.type not in (
      'job.succeeded', 'job.failed', 'goal.committed',
      'webhook.test', 'webhook.failing', 'webhook.disabled', 'webhook.recovered')
      then 'event_type_is_known'
    when new.job_id is not null and new.commit_id is not null
      then 'event_is_of_job_or_commit_or_neither'
  end;
  if broken is not null then
    raise exception using errcode = 'check_violation', schema = 'rowhook', table = 'event', constraint = broken,
      message = format('new row for relation "event" violates check constraint "%s"', broken);
  end if;
  return new;
end
$$;


--
-- Name: gates(uuid[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.gates(lanes uuid[]) RETURNS TABLE(webhook_id uuid, room integer, late_room integer, head tid, tokens double precision, opens_at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_incremental_sort TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
#variable_conflict use_column
begin
  -- Each look-up names the whole order of its index, that no other index is taken for it, whatever
  -- the statistics say.
  return query
  select w.id,
         case when w.ordered and head.place is null then 0
              -- As values: an `exists` might be hashed, over all that is ready.
              when room.late < room.any and not w.ordered and (
                select o.id from rowhook.outbox o where o.ready and o.webhook_id = w.id and o.late
                order by o.next_attempt_at, o.id limit 1) is not null and (
                select o.id from rowhook.outbox o where o.ready and o.webhook_id = w.id and not o.late
                order by o.next_attempt_at, o.id limit 1) is null then room.late
              else room.any end,
         room.late,
         head.place,
         bucket.tokens,
         case when cap.most = 0 then s.probe_at
              when bucket.tokens < 1 then now() + make_interval(secs => (1 - bucket.tokens) / w.rate_per_s::float8) end
  from unnest(lanes) as lane (webhook_id),
  lateral (
    select w.id, w.max_in_flight, w.rate_per_s, w.ordered from rowhook.webhook w
    where w.id = lane.webhook_id and w.state = 'active'
    offset 0
  ) as w
  left join lateral (select * from rowhook.lane_state s where s.webhook_id = w.id offset 0) as s on true
  cross join lateral (
    select least(
      case s.circuit when 'open' then (s.probe_at <= now())::int
                     when 'half_open' then s.allowed end,
      w.max_in_flight, case when w.ordered then 1 end) as most
  ) as cap
  cross join lateral (
    select count(*)::int as rows, count(*) filter (where sent.late)::int as late
    from (
      select o.late from rowhook.outbox o
      where o.webhook_id = w.id and o.status = 'sending'
        and o.leased_until > case when w.ordered then '-infinity' else now() end
      order by o.leased_until
      limit cap.most
    ) as sent
  ) as flying
  cross join lateral (
    -- A tenth of a second's worth may be sent at once, and one always.
    select least(
      greatest(w.rate_per_s / 10, 1),
      coalesce(s.tokens + extract(epoch from greatest(now() - s.refilled_at, '0')) * w.rate_per_s, 'infinity')
    )::float8 as tokens
    where w.rate_per_s is not null
    union all
    select null where w.rate_per_s is null
  ) as bucket
  cross join lateral (
    -- Slots are kept for first attempts: late ones have half of them at most.
    select greatest(least(cap.most - flying.rows, floor(bucket.tokens)), 0)::int as any,
           greatest(least((cap.most + 1) / 2 - flying.late, cap.most - flying.rows, floor(bucket.tokens)), 0)::int as late
  ) as room
  left join lateral (
    -- The first that is not finished, if it may go: a retry, or a held one, keeps the others waiting.
    select first.ctid as place
    from (
      select o.ctid, o.ready, o.ordered_by from rowhook.outbox o
      where o.webhook_id = w.id and o.ordered_by is not null and o.finished_at is null
      order by o.ordered_by, o.id
      limit 1
    ) as first
    where w.ordered and first.ready
      -- An older transaction that is still open may yet commit what comes before. (One of the future
      -- is from another cluster, whose dump this is.)
      and (first.ordered_by < pg_snapshot_xmin(pg_current_snapshot())
        or first.ordered_by >= pg_snapshot_xmax(pg_current_snapshot()))
      and not exists (select from rowhook.chore c where c.webhook_id = w.id)
    offset 0
  ) as head on true;
end
$$;


--
-- Name: FUNCTION gates(lanes uuid[]); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.gates(lanes uuid[]) IS 'what each active lane may send now: its cap, its rate, its circuit and its order; a closed one opens at opens_at, or when one of its own lands';


--
-- Name: gauges(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.gauges() RETURNS TABLE(pending bigint, sending bigint, held bigint, due bigint, oldest_due_s double precision, workers bigint, capture_errors bigint, circuits_open bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
  -- `offset 0` keeps each look-up inside the loop over the webhooks, whatever the statistics say.
  with waiting as (
    select sum(of_webhook.pending) as pending, sum(of_webhook.sending) as sending, sum(of_webhook.held) as held
    from rowhook.webhook w,
    lateral (
      select
        (select count(*) from rowhook.outbox o where o.webhook_id = w.id and o.status = 'pending') as pending,
        (select count(*) from rowhook.outbox o where o.webhook_id = w.id and o.status = 'sending') as sending,
        (select count(*) from rowhook.outbox o where o.webhook_id = w.id and o.status = 'held') as held
      offset 0
    ) as of_webhook
  ), due as (
    select count(*) as rows, min(o.next_attempt_at) as oldest
    from rowhook.webhook w,
    lateral (
      select o.next_attempt_at from rowhook.outbox o where o.ready and o.webhook_id = w.id
      offset 0
    ) as o
    where w.state = 'active' and w.kind = 'http'
    union all
    -- Due, and not yet made ready: no worker has claimed since.
    select count(*), min(o.next_attempt_at)
    from rowhook.outbox o,
    lateral (
      select from rowhook.webhook w
      where w.id = o.webhook_id and w.state = 'active' and w.kind = 'http'
      offset 0
    ) as open
    where not o.ready and o.next_attempt_at is not null and o.next_attempt_at <= now()
  )
  select coalesce(waiting.pending, 0)::bigint, coalesce(waiting.sending, 0)::bigint,
         coalesce(waiting.held, 0)::bigint, sum(due.rows)::bigint,
         coalesce(extract(epoch from now() - min(due.oldest)), 0)::double precision,
         (select count(*) from rowhook.worker w where w.seen_at > now() - interval '30 seconds'),
         (select count(*) from rowhook.capture_error where healed_at is null),
         (select count(*) from rowhook.lane_state where circuit = 'open')
  from waiting, due
  group by waiting.pending, waiting.sending, waiting.held
$$;


--
-- Name: FUNCTION gauges(); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.gauges() IS 'deliveries that are not finished, by status; what is due for active webhooks; workers seen in the last 30 s; webhooks whose circuit is open';


--
-- Name: goal_page(uuid, text, integer, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.goal_page(organization uuid, after_id text, most integer, search text DEFAULT NULL::text) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select row_to_json(shown) from (
    select g.id, g.organization_id, g.template_id, g.name,
           array(select json_build_object('id', w.id, 'name', w.name)
                 from rowhook.link l join rowhook.webhook w on w.id = l.webhook_id
                 where l.goal_id = g.id order by l.id) as webhooks
    from rowhook.goal g
    where (organization is null or g.organization_id = organization) and rowhook.sees(g.organization_id)
      and (after_id is null or g.id > after_id)
      and (search is null or rowhook.mentions(search, array[g.name, g.id]))
    order by g.id
    limit most) as shown
$$;


--
-- Name: guard_outbox(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.guard_outbox() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  asked rowhook.outbox := old;
begin
  -- The engine's own renewal of a lease keeps its token.
  asked.leased_until := new.leased_until;
  if new is not distinct from asked and old.status = 'sending' and new.leased_until is not null then
    return new;
  end if;
  asked := old;
  asked.status := new.status;
  if new is distinct from asked then
    raise exception using errcode = 'RH001',
      message = 'only the status of a delivery may be updated by hand',
      hint = 'set status = ''pending'' sends it again, set status = ''cancelled'' stops it; Rowhook sets every other column';
  end if;
  if new.status = 'pending' and old.status <> 'sending' then
    new.token := nextval('rowhook.token');
    new.ready := true;
    new.next_attempt_at := now();
    new.finished_at := null;
    new.lost_claims := 0;
    if old.status <> 'pending' then
      new.schedule_step := 0;
    end if;
    perform rowhook.wake();
    return new;
  end if;
  if new.status = 'cancelled' and old.status in ('pending', 'sending', 'held') then
    -- The token stays: a result on its way still becomes an attempt.
    new.ready := false;
    new.worker_id := null;
    new.leased_until := null;
    new.next_attempt_at := null;
    new.finished_at := now();
    return new;
  end if;
  if new.status = old.status then
    return new;
  end if;
  raise exception using errcode = 'RH001',
    message = format('a delivery that is %s cannot be made %s by hand', old.status, new.status),
    hint = case old.status
      when 'sending' then 'it is being sent: it can only be cancelled'
      when 'held' then 'it can be made pending (sent again now) or cancelled'
      when 'pending' then 'it can be made pending (due now) or cancelled'
      else 'it can only be made pending (sent again now)' end;
end
$$;


--
-- Name: heal(interval); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.heal(retention interval DEFAULT '30 days'::interval) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
  most constant int := 10000;
  healed bigint;
begin
  if not pg_try_advisory_xact_lock(hashtext('rowhook.heal')) then
    return 0;
  end if;
  healed := rowhook.retry_captures();
  begin
    healed := healed + rowhook.heal_source('job', retention, most) + rowhook.heal_source('commit', retention, most);
  exception when unique_violation then
    -- A capture came first. The next heal, 30 s later, sees what is left.
    null;
  end;
  if healed > 0 then
    perform rowhook.wake();
  end if;
  return healed;
end
$$;


--
-- Name: FUNCTION heal(retention interval); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.heal(retention interval) IS 'makes the events that the capture missed, for the links of that time; how many completions were made up for';


--
-- Name: heal_commits(text[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.heal_commits(commit_ids text[]) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
declare
  queued_rows bigint;
begin
  with inserted as (
    insert into rowhook.event
      (organization_id, type, key, commit_id, goal_id, session_id, snapshot, data, context, occurred_at)
    select o.id, 'goal.committed', c.id, c.id, g.id, c.session_id,
           rowhook.commit_snapshot(
             c.id, c.committed_at, g.id, g.template_id, c.session_id, c.interview_id, o.id, o.name),
           c.data, s.context, c.committed_at
    from unnest(commit_ids) as committed_id
    join rowhook.commit c on c.id = committed_id
    join rowhook.goal g on g.id = c.goal_id
    join rowhook.organization o on o.id = g.organization_id
    left join rowhook.session s on s.id = c.session_id
    returning id, type, organization_id, occurred_at, goal_id
  )
  insert into rowhook.outbox
    (event_id, webhook_id, organization_id, status, ready, next_attempt_at, finished_at, ordered_by)
  select e.id, w.id, e.organization_id, first.status, first.ready, first.attempt_at, first.finished_at, first.ordered_by
  from inserted e
  join rowhook.link l on l.goal_id = e.goal_id
  join rowhook.webhook w on w.id = l.webhook_id
  cross join lateral rowhook.first_state(w.state, w.retry_schedule_s, w.ordered) as first
  where (w.event_types = '{}' or e.type = any (w.event_types))
    -- A heal sends to the links of that time: a new link never gets the past.
    and l.created_at <= e.occurred_at;
  get diagnostics queued_rows = row_count;
  return queued_rows;
end
$$;


--
-- Name: heal_since(text, interval); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.heal_since(source text, retention interval) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select greatest(now() - least('7 days'::interval, retention / 2), s.installed_at)
  from rowhook.capture_source s where s.name = source
$$;


--
-- Name: FUNCTION heal_since(source text, retention interval); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.heal_since(source text, retention interval) IS 'older rows are not looked at: retention may have taken their events';


--
-- Name: heal_source(text, interval, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.heal_source(source text, retention interval, most integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_seqscan TO 'off'
    AS $$
declare
  -- Five million are looked at again within a day.
  slice constant int := 2000;
  progress rowhook.capture_source;
  since timestamptz;
  until timestamptz;
  again_until timestamptz;
  latest timestamptz;
  gaps text[];
begin
  select * into progress from rowhook.capture_source s where s.name = source for update;
  if progress.passed_until is null then
    progress := rowhook.begin_pass(progress);
  end if;
  since := greatest(progress.passed_until, rowhook.heal_since(source, retention));
  until := rowhook.end_of_slice(source, since, slice);
  -- What is new need not wait until the pass has come there, however far behind that is.
  latest := case when until is null then 'infinity' else rowhook.latest_since(source, slice / 2) end;
  progress.looked_again_until := greatest(progress.looked_again_until, rowhook.heal_since(source, retention));
  again_until := rowhook.end_of_slice(source, progress.looked_again_until, slice);
  gaps := case source when 'job' then array(
    select rowhook.job_gaps(retention, since, coalesce(until, 'infinity'))
    union select rowhook.job_gaps(retention, latest)
    union select rowhook.job_gaps(retention, progress.looked_again_until, coalesce(again_until, progress.settled_at))
    limit most)::text[]
  else array(
    select rowhook.commit_gaps(retention, since, coalesce(until, 'infinity'))
    union select rowhook.commit_gaps(retention, latest)
    union select rowhook.commit_gaps(retention, progress.looked_again_until, coalesce(again_until, progress.settled_at))
    limit most)
  end;
  if source = 'job' then
    perform rowhook.emit_jobs(gaps::uuid[], true, '-infinity') where gaps <> '{}';
  else
    perform rowhook.heal_commits(gaps) where gaps <> '{}';
  end if;
  if cardinality(gaps) < most then
    progress.passed_until := until;
    progress.looked_again_until := coalesce(again_until, '-infinity');
    progress.settled_at := case when until is null then progress.passes_to else progress.settled_at end;
  end if;
  update rowhook.capture_source s
  set passed_until = progress.passed_until, passes_to = progress.passes_to,
      settled_at = progress.settled_at, looked_again_until = progress.looked_again_until,
      next_settled_at = progress.next_settled_at, next_xact = progress.next_xact
  where s.name = source;
  return cardinality(gaps);
end
$$;


--
-- Name: FUNCTION heal_source(source text, retention interval, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.heal_source(source text, retention interval, most integer) IS 'looks at a slice of what was completed since all was settled, at the latest, and at a slice of what was before; how many events it made';


--
-- Name: health_of(uuid[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.health_of(webhooks uuid[]) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select row_to_json(shown) from (
    select w.id as webhook_id, w.organization_id, w.name, w.state, w.disabled_reason,
           waiting.backlog,
           extract(epoch from now() - waiting.oldest)::float8 as oldest_age_s,
           waiting.held,
           (day.found ->> 'finished')::bigint as finished_24h,
           (day.found ->> 'delivered')::bigint as delivered_24h,
           round((day.found ->> 'delivered')::numeric / nullif((day.found ->> 'finished')::bigint, 0), 4)
             as success_rate_24h,
           (day.found ->> 'p50_ms')::float8 as p50_ms,
           (day.found ->> 'p95_ms')::float8 as p95_ms,
           coalesce(lane.circuit, 'closed') as circuit,
           lane.failing_since,
           case when lane.circuit = 'open' then lane.probe_at end as next_probe_at,
           rowhook.last_error_of(w.id) as last_error,
           day.found -> 'series' as series
    from rowhook.webhook w
    left join rowhook.lane_state lane on lane.webhook_id = w.id
    cross join lateral (
      select count(*) filter (where o.status <> 'held') as backlog,
             min(o.created_at) filter (where o.status <> 'held') as oldest,
             count(*) filter (where o.status = 'held') as held
      from rowhook.outbox o
      where o.webhook_id = w.id and o.status in ('pending', 'sending', 'held')) as waiting
    cross join lateral (select rowhook.day_of(w.id) as found offset 0) as day
    where w.id = any (webhooks)
    order by array_position(webhooks, w.id)) as shown
$$;


--
-- Name: FUNCTION health_of(webhooks uuid[]); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.health_of(webhooks uuid[]) IS 'as webhook_health, of these webhooks alone and of what was created in the last 24 hours, with that by the hour';


--
-- Name: held(bigint[], bigint[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.held(outbox_ids bigint[], tokens bigint[]) RETURNS SETOF bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
  select o.id
  from (select * from unnest(outbox_ids, tokens) as m (id, token) order by m.id) as mine,
  lateral (
    select o.id from rowhook.outbox o
    where o.id = mine.id and o.token = mine.token and o.leased_until is not null
    for update of o
    offset 0) as o
$$;


--
-- Name: FUNCTION held(outbox_ids bigint[], tokens bigint[]); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.held(outbox_ids bigint[], tokens bigint[]) IS 'which of these are still held under their token; locked, in the order of their ids';


--
-- Name: holds(json, text[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.holds(document json, path text[]) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return (document #> path) is not null;
exception when untranslatable_character or invalid_text_representation then
  -- Text that json can hold and PostgreSQL cannot read: not for us to refuse.
  return null;
end
$$;


--
-- Name: FUNCTION holds(document json, path text[]); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.holds(document json, path text[]) IS 'whether a path is there, be it null; null where it cannot be told';


--
-- Name: asleep; Type: SEQUENCE; Schema: rowhook; Owner: -
--

CREATE UNLOGGED SEQUENCE rowhook.asleep
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: awake; Type: SEQUENCE; Schema: rowhook; Owner: -
--

CREATE UNLOGGED SEQUENCE rowhook.awake
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;


--
-- Name: is_anyone_asleep(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.is_anyone_asleep() RETURNS boolean
    LANGUAGE sql
    RETURN (COALESCE(pg_sequence_last_value('rowhook.asleep'::regclass), (1)::bigint) > COALESCE(pg_sequence_last_value('rowhook.awake'::regclass), (0)::bigint));


--
-- Name: FUNCTION is_anyone_asleep(); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.is_anyone_asleep() IS 'whether wake would notify; a register that was never used, or that a crash reset, reads as asleep';


--
-- Name: is_healing(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.is_healing() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select exists (select from rowhook.capture_source where passed_until is not null)
$$;


--
-- Name: FUNCTION is_healing(); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.is_healing() IS 'whether there is more for heal to look at now';


--
-- Name: job_gaps(interval, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.job_gaps(retention interval DEFAULT '30 days'::interval, since timestamp with time zone DEFAULT '-infinity'::timestamp with time zone, until timestamp with time zone DEFAULT 'infinity'::timestamp with time zone) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select j.id from rowhook.job j
  where j.status in ('succeeded', 'failed')
    and j.completed_at >= greatest(rowhook.heal_since('job', retention), since) and j.completed_at < until
    and not exists (select from rowhook.event e where e.job_id = j.id)
$$;


--
-- Name: judge(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.judge() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  patience constant interval := '5 days';
  fewest constant int := 20;
  lane record;
  told bigint := 0;
begin
  for lane in
    select s.webhook_id, s.failures, s.failing_since, s.warned,
           -- One step at a time: nobody is disabled unwarned, however late this runs.
           (select min(step) from unnest(array[50, 70, 90, 100]) as step
            where step > s.warned and step <= way.share * 100) as step
    from rowhook.lane_state s
    join rowhook.webhook w on w.id = s.webhook_id and w.state = 'active',
    lateral (
      select least(extract(epoch from now() - s.failing_since) / extract(epoch from patience),
                   s.failures / fewest::numeric) as share
    ) as way
    where s.failing_since < now() - patience / 2 or (s.failures = 0 and s.warned > 0)
    order by s.webhook_id
    for update of s skip locked
  loop
    continue when lane.failures > 0 and lane.step is null;
    told := told + 1;
    if lane.failures = 0 then
      perform rowhook.tell(lane.webhook_id, 'webhook.recovered', 'its receiver accepts deliveries again');
    elsif lane.step = 100 then
      perform rowhook.disable(lane.webhook_id, format(
        'nothing but failures for 5 days, since %s: %s tries', rowhook.rfc3339(lane.failing_since), lane.failures));
      continue;
    else
      perform rowhook.tell(lane.webhook_id, 'webhook.failing', format(
        'nothing but failures since %s: %s tries. It is disabled if that lasts until %s',
        rowhook.rfc3339(lane.failing_since), lane.failures, rowhook.rfc3339(lane.failing_since + patience)));
    end if;
    update rowhook.lane_state s set warned = case when lane.failures = 0 then 0 else lane.step end
    where s.webhook_id = lane.webhook_id;
  end loop;
  delete from rowhook.lane_state s
  where (s.circuit = 'closed' and s.failures = 0 and s.warned = 0
         and (s.tokens is null or s.refilled_at < now() - interval '1 minute'))
    or not exists (select from rowhook.webhook w where w.id = s.webhook_id);
  return told;
end
$$;


--
-- Name: FUNCTION judge(); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.judge() IS 'warns of webhooks that only fail, at 50, 70 and 90 per cent of 5 days and 20 tries, disables them at 100, and tells when one has recovered; how many it told of';


--
-- Name: keep_attempt_days(interval); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.keep_attempt_days(retention interval) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  today constant date := (now() at time zone 'UTC')::date;
  part text;
begin
  for i in 0..2 loop
    part := 'attempt_' || to_char(today + i, 'YYYYMMDD');
    if to_regclass('rowhook.' || part) is null then
      -- A day whose first attempts are in the default partition already stays there.
      if not exists (
        select from rowhook.attempt_default
        where started_at >= (today + i)::timestamp at time zone 'UTC'
          and started_at < (today + i + 1)::timestamp at time zone 'UTC')
      then
        execute format(
          'create table rowhook.%I partition of rowhook.attempt for values from (%L) to (%L)'
          ' with (toast_tuple_target = 8160)', part, (today + i)::timestamp at time zone 'UTC', (today + i + 1)::timestamp at time zone 'UTC');
      end if;
    end if;
  end loop;
  for part in
    select c.relname from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'rowhook.attempt'::regclass
      and c.relname ~ '^attempt_[0-9]{8}$'
      and to_date(right(c.relname, 8), 'YYYYMMDD') < today - retention
  loop
    execute format('drop table rowhook.%I', part);
  end loop;
  delete from rowhook.attempt_default where started_at < now() - retention - interval '1 day';
end
$_$;


--
-- Name: keep_revision(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.keep_revision() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if tg_op <> 'DELETE' and (tg_op = 'INSERT' or new.revision > old.revision) then
    insert into rowhook.webhook_revision (webhook_id, revision, organization_id, name, configuration)
    values (new.id, new.revision, new.organization_id, new.name, rowhook.configuration(new));
  end if;
  if tg_op = 'INSERT' then
    return null;
  end if;
  if tg_op = 'DELETE' or new.state <> old.state
     or new.revision > old.revision or new.secrets_version > old.secrets_version then
    insert into rowhook.chore as c (webhook_id, until_xact)
    values (old.id, case when new.ordered and not old.ordered then pg_current_xact_id() end)
    on conflict (webhook_id) do update
      set due_at = now(), until_xact = coalesce(excluded.until_xact, c.until_xact);
    -- A new chance: what it only failed before counts no more, and a probe goes out at once.
    update rowhook.lane_state s
    set failures = 0, failing_since = null, pause_s = 0.5,
        probe_at = case when s.circuit <> 'closed' then now() end
    where s.webhook_id = old.id;
    perform rowhook.wake();
  end if;
  return null;
end
$$;


--
-- Name: key_page(uuid, uuid, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.key_page(organization uuid, after_id uuid, most integer) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select row_to_json(shown) from (
    select k.id, k.organization_id, k.name, k.scopes, k.expires_at, k.last_used_at, k.created_at
    from rowhook.api_key k
    where (organization is null or k.organization_id = organization)
      and (after_id is null or k.id > after_id)
    order by k.id
    limit most) as shown
$$;


--
-- Name: keyring_check(bytea); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.keyring_check(offered bytea) RETURNS bytea
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  insert into rowhook.keyring_check (sealed) values (offered) on conflict do nothing;
  return (select sealed from rowhook.keyring_check);
end
$$;


--
-- Name: FUNCTION keyring_check(offered bytea); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.keyring_check(offered bytea) IS 'the word that this database''s keyring must open; the offered one becomes it on a new database';


--
-- Name: lanes(uuid, uuid, integer, uuid[], timestamp with time zone[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.lanes(after uuid, up_to uuid, most integer, known uuid[] DEFAULT '{}'::uuid[], marks timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[]) RETURNS uuid[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_incremental_sort TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
  -- The whole order is named, that no other index which begins with the webhook has it. What a
  -- known lane has before its mark is not looked at: dead entries, while an old transaction is open.
  with recursive lane as (
    select after as webhook_id, false as is_live, 0 as place,
           (select count(*)::int from unnest(known) as one where one <= after) as passed
    union all
    select coalesce(gap.webhook_id, next_known.webhook_id),
           gap.webhook_id is not null or first.id is not null,
           place + (gap.webhook_id is not null or first.id is not null)::int,
           passed + (gap.webhook_id is null)::int
    from lane
    cross join lateral (select known[passed + 1] as webhook_id, marks[passed + 1] as mark) as next_known
    cross join lateral (
      select (
        select o.webhook_id from rowhook.outbox o
        where o.ready and o.webhook_id > lane.webhook_id
          and o.webhook_id < coalesce(next_known.webhook_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
        order by o.webhook_id, o.late, o.next_attempt_at, o.id limit 1) as webhook_id
    ) as gap
    cross join lateral (
      select coalesce(
        (select o.id from rowhook.outbox o
         where gap.webhook_id is null and o.ready and o.webhook_id = next_known.webhook_id
           and not o.late and o.next_attempt_at >= next_known.mark
         order by o.next_attempt_at, o.id limit 1),
        (select o.id from rowhook.outbox o
         where gap.webhook_id is null and o.ready and o.webhook_id = next_known.webhook_id and o.late
         order by o.next_attempt_at, o.id limit 1)) as id
    ) as first
    where place < most and coalesce(gap.webhook_id, next_known.webhook_id) is not null
  )
  select coalesce(array_agg(webhook_id order by place), '{}')
  from lane
  where is_live and (up_to is null or webhook_id <= up_to)
$$;


--
-- Name: FUNCTION lanes(after uuid, up_to uuid, most integer, known uuid[], marks timestamp with time zone[]); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.lanes(after uuid, up_to uuid, most integer, known uuid[], marks timestamp with time zone[]) IS 'a skip scan over the ready webhooks, one index probe a lane; `known` is in order, each with the time before which it has nothing ready';


--
-- Name: last_error_of(uuid); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.last_error_of(webhook uuid) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  -- As in webhook_health, but it looks no further than it says.
  select newest.last_error
  from unnest(array['pending', 'sending', 'held', 'dead']) as one (status)
  cross join lateral (
    select o.id, o.created_at, o.last_error
    from (
      select o.id, o.created_at, o.last_error from rowhook.outbox o
      where o.webhook_id = webhook and o.status = one.status
      order by o.created_at desc
      limit 10000) as o
    where o.last_error is not null
    order by o.created_at desc
    limit 1) as newest
  order by newest.created_at desc, newest.id desc
  limit 1
$$;


--
-- Name: FUNCTION last_error_of(webhook uuid); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.last_error_of(webhook uuid) IS 'what the newest delivery that has an error says, among the newest 10,000 of each status';


--
-- Name: latest_since(text, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.latest_since(source text, most integer) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
  select case source
    when 'job' then (
      select j.completed_at from rowhook.job j where j.status in ('succeeded', 'failed')
      order by j.completed_at desc offset most limit 1)
    else (select c.committed_at from rowhook.commit c order by c.committed_at desc offset most limit 1) end
$$;


--
-- Name: FUNCTION latest_since(source text, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.latest_since(source text, most integer) IS 'since when there were so many completions; null if there are fewer';


--
-- Name: leave(uuid); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.leave(worker uuid) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  delete from rowhook.worker w where w.id = leave.worker
$$;


--
-- Name: left_of(uuid, timestamp with time zone, timestamp with time zone, bigint, bigint, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.left_of(webhook uuid, since timestamp with time zone, until timestamp with time zone, mark bigint, held_mark bigint, most integer) RETURNS json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select json_build_object(
    'waiting', count(*) filter (where looked_at.is_later), 'capped', count(*) = most)
  from (
    select o.token > case one.status when 'held' then held_mark else mark end as is_later
    from unnest(array['pending', 'sending', 'held']) as one (status)
    cross join lateral (
      select o.token from rowhook.outbox o
      where o.webhook_id = webhook and o.status = one.status
        and o.created_at >= coalesce(since, '-infinity') and o.created_at < until) as o
    limit most) as looked_at
$$;


--
-- Name: FUNCTION left_of(webhook uuid, since timestamp with time zone, until timestamp with time zone, mark bigint, held_mark bigint, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.left_of(webhook uuid, since timestamp with time zone, until timestamp with time zone, mark bigint, held_mark bigint, most integer) IS 'of a range those that wait, are being sent, or are held, and were written after the mark; if `capped`, among the first `most` alone';


--
-- Name: link_agent(uuid, uuid); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.link_agent(webhook uuid, agent uuid) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with made as (
    insert into rowhook.link (organization_id, webhook_id, agent_id)
    select w.organization_id, w.id, a.id
    from rowhook.webhook w join rowhook.agent a on a.organization_id = w.organization_id
    where w.id = webhook and a.id = agent
    on conflict do nothing
  )
  select exists (
    select from rowhook.webhook w join rowhook.agent a on a.organization_id = w.organization_id
    where w.id = webhook and a.id = agent)
$$;


--
-- Name: FUNCTION link_agent(webhook uuid, agent uuid); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.link_agent(webhook uuid, agent uuid) IS 'idempotent; false if the two are not of one organization';


--
-- Name: link_goal(uuid, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.link_goal(webhook uuid, goal text) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with made as (
    insert into rowhook.link (organization_id, webhook_id, goal_id)
    select w.organization_id, w.id, g.id
    from rowhook.webhook w join rowhook.goal g on g.organization_id = w.organization_id
    where w.id = webhook and g.id = goal
    on conflict do nothing
  )
  select exists (
    select from rowhook.webhook w join rowhook.goal g on g.organization_id = w.organization_id
    where w.id = webhook and g.id = goal)
$$;


--
-- Name: FUNCTION link_goal(webhook uuid, goal text); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.link_goal(webhook uuid, goal text) IS 'idempotent; false if the two are not of one organization';


--
-- Name: link_page(uuid, bigint, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.link_page(webhook uuid, after_place bigint, most integer) RETURNS TABLE(place bigint, kind text, id text, name text, created_at timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select l.id, case when l.agent_id is null then 'goal' else 'agent' end,
         coalesce(l.agent_id::text, l.goal_id), coalesce(a.name, g.name, l.goal_id), l.created_at
  from rowhook.link l
  left join rowhook.agent a on a.id = l.agent_id
  left join rowhook.goal g on g.id = l.goal_id
  where l.webhook_id = webhook and l.id > after_place
  order by l.id
  limit most
$$;


--
-- Name: FUNCTION link_page(webhook uuid, after_place bigint, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.link_page(webhook uuid, after_place bigint, most integer) IS 'the agents and goals that a webhook is linked to, oldest link first, after a place';


--
-- Name: links_of(uuid); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.links_of(webhook uuid) RETURNS TABLE(kind text, id text, name text, created_at timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select kind, id, name, created_at from rowhook.link_page(webhook, 0, null)
$$;


--
-- Name: FUNCTION links_of(webhook uuid); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.links_of(webhook uuid) IS 'all of them';


--
-- Name: make_commit(text, text, text, json, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.make_commit(wanted_goal text, wanted_session text, wanted_interview text, proposed json, wanted_id text) RETURNS TABLE(commit_id text, is_new boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  organization uuid;
  chosen text := coalesce(wanted_id, 'commit_' || replace(gen_random_uuid()::text, '-', ''));
begin
  select g.organization_id into organization
  from rowhook.goal g
  left join rowhook.session s on s.id = wanted_session and s.organization_id = g.organization_id
  where g.id = wanted_goal and rowhook.sees(g.organization_id)
    and (wanted_session is null or s.id is not null);
  if not found then
    return;
  end if;
  insert into rowhook.commit (id, goal_id, session_id, interview_id, data)
  values (chosen, wanted_goal, wanted_session, wanted_interview, proposed)
  on conflict do nothing;
  is_new := found;
  if is_new then
    perform rowhook.note(organization, 'commit.made', chosen, null, json_build_object('goal_id', wanted_goal));
  else
    -- The same id again is the same commit: for whoever did not hear that it was made.
    perform from rowhook.commit c where c.id = chosen and c.goal_id = wanted_goal;
    if not found then
      raise exception using errcode = 'RH003', message = 'another goal has a commit with this id',
        hint = 'choose another commit_id, or leave it out';
    end if;
  end if;
  commit_id := chosen;
  return next;
end
$$;


--
-- Name: FUNCTION make_commit(wanted_goal text, wanted_session text, wanted_interview text, proposed json, wanted_id text); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.make_commit(wanted_goal text, wanted_session text, wanted_interview text, proposed json, wanted_id text) IS 'inserts a commit for an agent; no row if goal or session is not this organization''s, RH003 if the id is another goal''s';


--
-- Name: mark(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.mark() RETURNS json
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select json_build_object('token', case when is_called then last_value else 0 end, 'at', clock_timestamp()) from rowhook.token
$$;


--
-- Name: FUNCTION mark(); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.mark() IS 'now: whatever is sent again or released from here on gets a later token, and at each step that follows a later one';


--
-- Name: mentions(text, text[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.mentions(search text, texts text[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select coalesce(bool_or(strpos(lower(one), lower(search)) > 0), false) from unnest(texts) as one
$$;


--
-- Name: FUNCTION mentions(search text, texts text[]); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.mentions(search text, texts text[]) IS 'whether one of the texts holds what is searched for, in any case; it is no pattern';


--
-- Name: name_of(uuid); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.name_of(webhook uuid) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select coalesce(
    (select w.name from rowhook.webhook w where w.id = webhook),
    (select r.name from rowhook.webhook_revision r where r.webhook_id = webhook order by r.revision desc limit 1))
$$;


--
-- Name: FUNCTION name_of(webhook uuid); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.name_of(webhook uuid) IS 'the name of a webhook, the last one that it had if it was deleted';


--
-- Name: note(uuid, text, text, json, json); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.note(organization uuid, action text, subject text, before json DEFAULT NULL::json, after json DEFAULT NULL::json) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  -- With its owner's rights no policy of the table asks.
  if current_setting('role') = 'rowhook_api' and rowhook.sees(organization) is not true then
    raise insufficient_privilege using message = 'the audit of another organization is not written';
  end if;
  insert into rowhook.audit (organization_id, actor, action, subject, before, after)
  values (organization,
          -- Anybody may set the actor; only rowhook.enter sets it together with this role.
          coalesce(case when current_setting('role') = 'rowhook_api'
                     then nullif(current_setting('rowhook.actor', true), '') end, session_user),
          action, subject, before, after);
end
$$;


--
-- Name: FUNCTION note(organization uuid, action text, subject text, before json, after json); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.note(organization uuid, action text, subject text, before json, after json) IS 'one audit row, in the name of this transaction''s actor';


--
-- Name: note_capture_error(text, text[], text, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.note_capture_error(source text, source_ids text[], sqlstate text, message text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  is_strict boolean;
begin
  begin
    select s.strict into is_strict from rowhook.capture_source s where s.name = source;
    if is_strict is not true then
      insert into rowhook.capture_error (source, source_ids, sqlstate, message)
      values (source, source_ids, sqlstate, message);
    end if;
  exception when others then
    -- Not even that: a gap is healed all the same.
    raise warning 'rowhook could not note a failed capture (%): it will be healed', message;
  end;
  if is_strict then
    raise exception using errcode = sqlstate, message = message;
  end if;
end
$$;


--
-- Name: note_change(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.note_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  -- What changes without a person, or must be shown to none.
  hidden constant text[] := array['sealed', 'hash', 'last_used_at', 'secrets_version', 'updated_at'];
  was jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) - hidden end;
  is_now jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) - hidden end;
  kept jsonb := coalesce(is_now, was);
begin
  if was is distinct from is_now then
    perform rowhook.note(
      (kept ->> 'organization_id')::uuid,
      tg_table_name || '.' || case tg_op
        when 'INSERT' then 'created' when 'DELETE' then 'deleted' else 'changed' end,
      coalesce(kept ->> 'webhook_id', kept ->> 'id'),
      was::json, is_now::json);
  end if;
  return null;
end
$$;


--
-- Name: note_migration(text, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.note_migration(name text, checksum text) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  insert into rowhook.migration as m (name, checksum) values (name, checksum)
  on conflict on constraint migration_pkey do update set checksum = excluded.checksum, applied_at = now()
$$;


--
-- Name: note_steered(text, bigint[], json); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.note_steered(action text, outbox_ids bigint[], asked json DEFAULT NULL::json) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select rowhook.note(
    o.organization_id, action,
    case when count(*) = 1 then min(o.id)::text else count(*) || ' deliveries' end,
    null,
    json_build_object('count', count(*), 'first_ids', (array_agg(o.id order by o.id))[1:100], 'asked', asked))
  from rowhook.outbox o
  where o.id = any (outbox_ids)
  group by o.organization_id
$$;


--
-- Name: FUNCTION note_steered(action text, outbox_ids bigint[], asked json); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.note_steered(action text, outbox_ids bigint[], asked json) IS 'one audit row an organization: what was asked for these deliveries';


--
-- Name: number_revision(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.number_revision() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  new.updated_at := now();
  -- As values: 15 and 15.0 are the same.
  if rowhook.configuration(new)::jsonb <> rowhook.configuration(old)::jsonb then
    new.revision := old.revision + 1;
  end if;
  return new;
end
$$;


--
-- Name: oldest_waiting(uuid); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.oldest_waiting(organization uuid) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select min(oldest.created_at)
  from rowhook.webhook w
  cross join unnest(array['pending', 'sending']) as one (status)
  cross join lateral (
    select o.created_at from rowhook.outbox o
    where o.webhook_id = w.id and o.status = one.status
    order by o.created_at
    limit 1) as oldest
  where organization is null or w.organization_id = organization
$$;


--
-- Name: FUNCTION oldest_waiting(organization uuid); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.oldest_waiting(organization uuid) IS 'when the oldest delivery that is pending or being sent was created; null if none is';


--
-- Name: open_sign_in(bytea, bytea, timestamp with time zone); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.open_sign_in(link_hash bytea, token_hash bytea, until_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform rowhook.require_nobody();
  with opened as (
    delete from rowhook.sign_in s where s.hash = link_hash and s.once returning s.key_hash, s.ends_at
  )
  insert into rowhook.sign_in (hash, once, key_hash, ends_at)
  select token_hash, false, o.key_hash, until_at from opened o where o.ends_at > now();
  return found;
end
$$;


--
-- Name: FUNCTION open_sign_in(link_hash bytea, token_hash bytea, until_at timestamp with time zone); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.open_sign_in(link_hash bytea, token_hash bytea, until_at timestamp with time zone) IS 'a link becomes a session, once; false if there is no such link any more';


--
-- Name: organization_page(uuid, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.organization_page(after_id uuid, most integer) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select row_to_json(shown) from (
    select o.id, o.name from rowhook.organization o
    where rowhook.sees(o.id) and (after_id is null or o.id > after_id)
    order by o.id
    limit most) as shown
$$;


--
-- Name: pause(uuid); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.pause(webhook_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return rowhook.set_state(webhook_id, 'paused');
end
$$;


--
-- Name: FUNCTION pause(webhook_id uuid); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.pause(webhook_id uuid) IS 'its deliveries wait from now on; false if it was not active';


--
-- Name: promote(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.promote() RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
  -- What is locked is found once and addressed by its place: a join, or an index that holds the id
  -- among others, would be read whole whenever the statistics say that the outbox is empty.
  update rowhook.outbox o
  set ready = true, token = nextval('rowhook.token')
  where o.ctid = any (array(
    select ctid from rowhook.outbox
    where not ready and next_attempt_at is not null and next_attempt_at <= now()
    order by next_attempt_at
    limit 1000
    for update skip locked
  ))
$$;


--
-- Name: FUNCTION promote(); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.promote() IS 'rows whose time has come become ready';


--
-- Name: proposed_commit(text, text, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.proposed_commit(wanted_goal text, wanted_session text, wanted_interview text) RETURNS TABLE(organization_id uuid, snapshot text, context text, moment timestamp with time zone)
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select g.organization_id, row_to_json(shot)::text, s.context::text, clock_timestamp()
  from rowhook.goal g
  join rowhook.organization o on o.id = g.organization_id
  left join rowhook.session s on s.id = wanted_session and s.organization_id = g.organization_id,
  lateral (select g.id) as goal,
  lateral (select g.template_id as id) as template,
  lateral (select s.id) as session,
  lateral (select wanted_interview as id) as interview,
  lateral (select o.id, o.name) as owner,
  lateral (select 'commit_' || replace(gen_random_uuid()::text, '-', '') as commit_id,
                  rowhook.rfc3339(clock_timestamp()) as committed_at,
                  row_to_json(goal) as goal, row_to_json(template) as template,
                  row_to_json(session) as session, row_to_json(interview) as interview,
                  row_to_json(owner) as organization) as shot
  where g.id = wanted_goal and rowhook.sees(g.organization_id)
    and (wanted_session is null or s.id is not null)
$$;


--
-- Name: FUNCTION proposed_commit(wanted_goal text, wanted_session text, wanted_interview text); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.proposed_commit(wanted_goal text, wanted_session text, wanted_interview text) IS 'the snapshot of a commit that is not made yet, with the context of its session; no row if goal or session is not this organization''s';


--
-- Name: put_in_order(uuid, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.put_in_order(webhook uuid, most integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  placed bigint;
begin
  with unplaced as (
    select o.id, e.xact from rowhook.outbox o
    join rowhook.event e on e.id = o.event_id
    where o.webhook_id = webhook and o.ordered_by is null and o.status in ('pending', 'held')
    limit most
    for update of o skip locked
  )
  update rowhook.outbox o set token = nextval('rowhook.token'), ordered_by = unplaced.xact
  from unplaced where o.id = unplaced.id;
  get diagnostics placed = row_count;
  return placed;
end
$$;


--
-- Name: FUNCTION put_in_order(webhook uuid, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.put_in_order(webhook uuid, most integer) IS 'gives what waits for a webhook that became ordered its place; how many, a batch at most';


--
-- Name: put_secret(uuid, text, integer, bytea, text[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.put_secret(organization uuid, secret_id text, next_version integer, new_sealed bytea, hosts text[]) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with put as (
    insert into rowhook.secret as s (organization_id, id, version, sealed, allowed_hosts)
    select organization, secret_id, next_version, new_sealed, hosts
    on conflict (organization_id, id) do update
      set version = excluded.version, sealed = excluded.sealed,
          allowed_hosts = excluded.allowed_hosts, updated_at = now()
      where s.version = excluded.version - 1
    returning 1
  )
  select exists (select from put)
$$;


--
-- Name: FUNCTION put_secret(organization uuid, secret_id text, next_version integer, new_sealed bytea, hosts text[]); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.put_secret(organization uuid, secret_id text, next_version integer, new_sealed bytea, hosts text[]) IS 'false if another change came first: read secret_version, seal for the next, and put again';


--
-- Name: reap(uuid, interval); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.reap(worker uuid, lease interval) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_incremental_sort TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
  update rowhook.outbox o
  set token = nextval('rowhook.token'),
      worker_id = null,
      leased_until = null,
      lost_claims = lost_claims + 1,
      status = case when lost_claims < 4 then 'pending' else 'dead' end,
      ready = lost_claims < 4,
      next_attempt_at = case when lost_claims < 4 then now() end,
      finished_at = case when lost_claims >= 4 then now() end,
      last_error = case when lost_claims < 4 then last_error
        else '5 claims ended without a result: the worker died or hung each time' end
  where o.ctid = any (array(
    select ctid from rowhook.outbox
    where status = 'sending'
      and leased_until < now()
      and worker_id <> worker
      -- A worker could not renew while Postgres was away: give it one lease to come back.
      and pg_postmaster_start_time() + lease < now()
    order by webhook_id, leased_until
    limit 1000
    for update skip locked
  ))
$$;


--
-- Name: FUNCTION reap(worker uuid, lease interval); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.reap(worker uuid, lease interval) IS 'takes back what dead workers held; a row that five workers lost is set aside';


--
-- Name: recent_events(uuid, uuid, uuid, text, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.recent_events(organization uuid, webhook uuid, wanted_agent uuid, wanted_goal text, most integer) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
  select row_to_json(shown) from (
    select e.id, e.organization_id, e.type, e.key, e.agent_id, e.goal_id, e.occurred_at,
           coalesce(a.name, g.name, e.goal_id) as name
    from rowhook.organization o
    cross join lateral (
      -- What is asked for is among the newest, or it is not recent.
      select newest.* from (
        select n.id, n.organization_id, n.type, n.key, n.agent_id, n.goal_id, n.occurred_at, n.xact
        from rowhook.event n
        where n.organization_id = o.id
        order by n.xact desc, n.id desc
        limit 2000) as newest
      where newest.type in ('job.succeeded', 'job.failed', 'goal.committed')
        and (wanted_agent is null or newest.agent_id = wanted_agent)
        and (wanted_goal is null or newest.goal_id = wanted_goal)
        and (webhook is null or exists (
          select from rowhook.link l
          where l.webhook_id = webhook and (l.agent_id = newest.agent_id or l.goal_id = newest.goal_id)))
      order by newest.xact desc, newest.id desc
      limit most) as e
    left join rowhook.agent a on a.id = e.agent_id
    left join rowhook.goal g on g.id = e.goal_id
    where rowhook.sees(o.id) and (organization is null or o.id = organization)
      -- What is asked for is of one organization: no other's events are looked through.
      and (webhook is null or o.id = (select w.organization_id from rowhook.webhook w where w.id = webhook))
      and (wanted_agent is null or o.id = (select a.organization_id from rowhook.agent a where a.id = wanted_agent))
      and (wanted_goal is null or o.id = (select g.organization_id from rowhook.goal g where g.id = wanted_goal))
    order by e.occurred_at desc, e.id desc
    limit most) as shown
$$;


--
-- Name: FUNCTION recent_events(organization uuid, webhook uuid, wanted_agent uuid, wanted_goal text, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.recent_events(organization uuid, webhook uuid, wanted_agent uuid, wanted_goal text, most integer) IS 'jobs and commits among the newest 2,000 events of each organization, newest first; with a webhook those that its links bring to it';


--
-- Name: record(json); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.record(results json) RETURNS TABLE(token bigint, status text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
#variable_conflict use_column
begin
  return query
  with result as materialized (
    select * from json_to_recordset(results) as r (
      outbox_id bigint, token bigint, revision int, secrets_version int,
      outcome text, status_code int, error text, retry_after_s double precision,
      started_at timestamptz, duration_ms real, rendered_ms real, validated_ms real,
      request json, response_headers json, response_body text)
  ), locked as materialized (
    select o.id, o.token, o.status, o.attempts, o.schedule_step, o.webhook_id
    from rowhook.outbox o
    where o.id = any (array(select outbox_id from result))
    order by o.id
    for update
  ), judged as materialized (
    select l.*, r.token as mine, r.outcome, r.status_code, r.error, r.revision, r.started_at,
           r.duration_ms, r.rendered_ms, r.validated_ms, r.request, r.response_headers, r.response_body,
           r.retry_after_s, w.max_in_flight,
           r.outcome not in ('delivered', 'skipped', 'config_rejected', 'render_failed', 'schema_failed')
             as refused,
           greatest(next_try.delay, least(coalesce(r.retry_after_s, 0), 86400)) as delay,
           next_try.delay is null as exhausted,
           next_try.spared,
           (case
              when l.status = 'cancelled' then 'cancelled'
              when r.outcome = 'delivered' then 'delivered'
              when r.outcome = 'skipped' then 'skipped'
              when w.id is null then 'cancelled'
              when w.state = 'disabled' then 'skipped'
              when r.outcome in ('config_rejected', 'render_failed', 'schema_failed') then
                -- The fix came while this was being rendered: try it at once.
                case when w.revision > r.revision or w.secrets_version > r.secrets_version
                  then 'fixed' else 'held' end
              when r.status_code = 410 then 'dead'
              -- While the circuit is not closed no place of the schedule is used up.
              when next_try.spared then 'pending'
              when next_try.delay is null then 'dead'
              else 'pending'
            end) as fate
    from locked l
    join result r on r.outbox_id = l.id and r.token = l.token
    left join lateral (select * from rowhook.webhook w where w.id = l.webhook_id offset 0) as w on true
    left join lateral (select * from rowhook.lane_state s where s.webhook_id = l.webhook_id offset 0) as s on true
    cross join lateral (
      select s.circuit <> 'closed' and r.outcome not in ('config_rejected', 'render_failed', 'schema_failed') as spared
    ) as circuit
    cross join lateral (
      select coalesce(circuit.spared, false) as spared,
             case when circuit.spared then 0 else rowhook.delay_after(w.retry_schedule_s, l.schedule_step) end as delay
    ) as next_try
    where l.status in ('sending', 'cancelled')
  ), tried as (
    insert into rowhook.attempt (outbox_id, number, revision, started_at, duration_ms, rendered_ms, validated_ms,
                                 outcome, status_code, error, request, response_headers, response_body)
    select id, attempts + 1, revision, started_at, duration_ms, rendered_ms, validated_ms,
           outcome, status_code, error, request, response_headers, response_body
    from judged where outcome <> 'skipped'
  ), gone as materialized (
    select rowhook.disable(refused.webhook_id, 'the receiver answered 410 Gone')
    from (select distinct webhook_id from judged where status_code = 410 and fate = 'dead') as refused
  ), weighed as materialized (
    select rowhook.weigh(lane.webhook_id, lane.failures, lane.successes, lane.pause_s, lane.most)
    from (
      select webhook_id, max(max_in_flight) as most, max(retry_after_s) as pause_s,
             count(*) filter (where refused)::int as failures,
             count(*) filter (where outcome = 'delivered')::int as successes
      from judged group by webhook_id
    ) as lane
    where lane.failures > 0
      or exists (select from rowhook.lane_state s where s.webhook_id = lane.webhook_id
                 and (s.failures > 0 or s.circuit <> 'closed'))
  ), settled as (
    update rowhook.outbox o
    set token = nextval('rowhook.token'),
        status = case when fate = 'fixed' then 'pending' else fate end,
        worker_id = null,
        leased_until = null,
        lost_claims = 0,
        attempts = o.attempts + (outcome <> 'skipped')::int,
        schedule_step = case when fate = 'fixed' then 0 else o.schedule_step + (not spared)::int end,
        ready = fate = 'fixed' or (fate in ('pending', 'held') and delay = 0 and not exhausted),
        next_attempt_at = case
          when fate = 'fixed' then now()
          when fate = 'pending' then now() + make_interval(secs => delay)
          when fate = 'held' and not exhausted then now() + make_interval(secs => delay) end,
        finished_at = case
          when fate = 'cancelled' then coalesce(o.finished_at, now())
          when fate in ('delivered', 'dead', 'skipped') then now() end,
        last_status_code = case when outcome = 'skipped' then o.last_status_code else judged.status_code end,
        last_error = case when outcome = 'skipped' then coalesce(error, 'the condition was false') else error end
    from judged
    -- Not `o.id = judged.id`: an outbox that is believed empty would be read whole and joined.
    where o.id = any (array[judged.id])
    returning judged.mine as token, o.status
  )
  select * from settled
  -- Named, so that they are done.
  where (select count(*) from gone) + (select count(*) from weighed) >= 0;
end
$$;


--
-- Name: FUNCTION record(results json); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.record(results json) IS 'settles each result whose token still matches, and answers those; a zombie''s is not among them';


--
-- Name: release(bigint[], bigint[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.release(outbox_ids bigint[], tokens bigint[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
  update rowhook.outbox o
  set status = 'pending', ready = true, next_attempt_at = now(), token = nextval('rowhook.token'),
      worker_id = null, leased_until = null
  where o.id = any (array(select * from rowhook.held(outbox_ids, tokens)))
$$;


--
-- Name: FUNCTION release(outbox_ids bigint[], tokens bigint[]); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.release(outbox_ids bigint[], tokens bigint[]) IS 'gives back what was claimed and not begun; costs no attempt';


--
-- Name: renew(uuid, bigint[], bigint[], interval); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.renew(worker uuid, outbox_ids bigint[], tokens bigint[], lease interval DEFAULT '00:00:20'::interval) RETURNS SETOF bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
  update rowhook.outbox o
  set leased_until = now() + lease
  where o.id = any (array(select * from rowhook.held(outbox_ids, tokens)))
  returning o.token
$$;


--
-- Name: FUNCTION renew(worker uuid, outbox_ids bigint[], tokens bigint[], lease interval); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.renew(worker uuid, outbox_ids bigint[], tokens bigint[], lease interval) IS 'the tokens still held; the others were taken away';


--
-- Name: replay(uuid, timestamp with time zone, timestamp with time zone, text[], boolean, numeric); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.replay(webhook_id uuid, since timestamp with time zone, until timestamp with time zone DEFAULT now(), statuses text[] DEFAULT '{dead,cancelled,skipped}'::text[], dry_run boolean DEFAULT false, rate numeric DEFAULT NULL::numeric) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  found_ids bigint[];
  resent_ids bigint[];
begin
  if not statuses <@ array['delivered', 'dead', 'cancelled', 'skipped', 'held'] then
    raise exception using errcode = '22023',
      message = 'statuses may be delivered, dead, cancelled, skipped and held',
      hint = 'pending and sending deliveries are on their way already';
  end if;
  if rate not between 0.001 and 1000000 then
    raise exception using errcode = '22023',
      message = 'rate is a number of deliveries a second, from 0.001 to 1000000';
  end if;
  if dry_run then
    return (
      select count(*) from rowhook.outbox o
      where o.webhook_id = replay.webhook_id
        and o.status = any (statuses)
        and o.created_at >= since and o.created_at < until);
  end if;
  -- Locked here, so that what another sends again meanwhile is not sent twice.
  found_ids := array(
    select o.id from rowhook.outbox o
    where o.webhook_id = replay.webhook_id
      and o.status = any (statuses)
      and o.created_at >= since and o.created_at < until
    order by o.id for update);
  resent_ids := case when rate is null then rowhook.resend(found_ids)
                     else rowhook.resend_at_rate(found_ids, rate) end;
  perform rowhook.note_steered('delivery.replayed', resent_ids, json_build_object(
    'webhook_id', webhook_id, 'since', since, 'until', until, 'statuses', statuses, 'rate', rate));
  return cardinality(resent_ids);
end
$$;


--
-- Name: FUNCTION replay(webhook_id uuid, since timestamp with time zone, until timestamp with time zone, statuses text[], dry_run boolean, rate numeric); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.replay(webhook_id uuid, since timestamp with time zone, until timestamp with time zone, statuses text[], dry_run boolean, rate numeric) IS 'sends again what was created in [since, until) and has one of the statuses, `rate` a second if it is given; how many';


--
-- Name: require_nobody(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.require_nobody() RETURNS void
    LANGUAGE plpgsql STABLE
    AS $$
begin
  if current_setting('role') = 'rowhook_api' then
    raise exception using errcode = 'insufficient_privilege',
      message = 'nobody signs in from inside a transaction of the API';
  end if;
end
$$;


--
-- Name: reseal(text, text[], text[], bytea[], bytea[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.reseal(kind text, firsts text[], seconds text[], was bytea[], becomes bytea[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  resealed bigint;
begin
  -- Two of these at once would lock the same rows in two orders.
  perform pg_advisory_xact_lock(hashtext('rowhook.reseal'));
  case kind
    when 'secret' then
      update rowhook.secret s set sealed = g.becomes
      from unnest(firsts, seconds, was, becomes) as g (first, second, was, becomes)
      where s.organization_id = g.first::uuid and s.id = g.second and s.sealed = g.was;
    when 'signing' then
      update rowhook.signing_secret s set sealed = g.becomes
      from unnest(firsts, seconds, was, becomes) as g (first, second, was, becomes)
      where s.webhook_id = g.first::uuid and s.version = g.second::int and s.sealed = g.was;
    when 'answer' then
      update rowhook.idempotent_request r set answer = g.becomes
      from unnest(firsts, seconds, was, becomes) as g (first, second, was, becomes)
      where r.caller = g.first and r.key = g.second and r.answer = g.was;
    when 'keyring' then
      update rowhook.keyring_check c set sealed = becomes[1] where c.sealed = was[1];
  end case;
  get diagnostics resealed = row_count;
  return resealed;
end
$$;


--
-- Name: FUNCTION reseal(kind text, firsts text[], seconds text[], was bytea[], becomes bytea[]); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.reseal(kind text, firsts text[], seconds text[], was bytea[], becomes bytea[]) IS 'puts new ciphertext in place of old, where the old still stands; in how many rows';


--
-- Name: resend(bigint[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.resend(outbox_ids bigint[]) RETURNS bigint[]
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with chosen as (
    select id from rowhook.outbox
    where id = any (outbox_ids) and status <> 'sending'
    order by id for update
  ), resent as (
    update rowhook.outbox o set status = 'pending' from chosen where o.id = chosen.id returning o.id
  )
  select coalesce(array_agg(id), '{}') from resent
$$;


--
-- Name: FUNCTION resend(outbox_ids bigint[]); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.resend(outbox_ids bigint[]) IS 'makes these due now; which of them. What is being sent is left alone';


--
-- Name: resend_at_rate(bigint[], numeric); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.resend_at_rate(outbox_ids bigint[], rate numeric) RETURNS bigint[]
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  resent_ids bigint[];
begin
  with chosen as (
    select id from rowhook.outbox o
    where id = any (outbox_ids) and status in ('delivered', 'dead', 'cancelled', 'skipped', 'held')
      and (current_setting('role') <> 'rowhook_api' or rowhook.sees(o.organization_id))
    order by id for update
  ), placed as (
    select id, now() + make_interval(secs => ((row_number() over (order by id) - 1) / rate)::float8) as due_at
    from chosen
  ), resent as (
    -- What is not due yet is not ready: rowhook.promote makes it so when its time has come.
    update rowhook.outbox o
    set token = nextval('rowhook.token'), status = 'pending', ready = placed.due_at <= now(),
        next_attempt_at = placed.due_at, finished_at = null, schedule_step = 0, lost_claims = 0
    from placed where o.id = placed.id
    returning o.id
  )
  select coalesce(array_agg(id), '{}') into resent_ids from resent;
  perform rowhook.wake();
  return resent_ids;
end
$$;


--
-- Name: FUNCTION resend_at_rate(outbox_ids bigint[], rate numeric); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.resend_at_rate(outbox_ids bigint[], rate numeric) IS 'makes the first of these due now and the others one after the other, `rate` a second; which of them';


--
-- Name: resume(uuid); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.resume(webhook_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return rowhook.set_state(webhook_id, 'active');
end
$$;


--
-- Name: FUNCTION resume(webhook_id uuid); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.resume(webhook_id uuid) IS 'active again, from paused or disabled; false if it was active';


--
-- Name: retain(interval, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.retain(retention interval DEFAULT '30 days'::interval, most integer DEFAULT 5000) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '1s'
    AS $$
declare
  removed bigint;
  removed_events bigint;
begin
  if not pg_try_advisory_xact_lock(hashtext('rowhook.retain')) then
    return 0;
  end if;
  perform rowhook.keep_attempt_days(retention);
  with old as (
    select id from rowhook.outbox
    where finished_at < now() - retention
    order by finished_at limit most for update skip locked
  ), unasked as (
    delete from rowhook.callback c using old where c.outbox_id = old.id
  )
  delete from rowhook.outbox o using old where o.id = old.id;
  get diagnostics removed = row_count;
  with old as (
    -- Ids grow with time: the primary key finds the oldest.
    select e.id from rowhook.event e
    where e.created_at < now() - retention
      and not exists (select from rowhook.outbox o where o.event_id = e.id)
    order by e.id limit most
  )
  delete from rowhook.event e using old where e.id = old.id;
  get diagnostics removed_events = row_count;
  delete from rowhook.worker where seen_at < now() - interval '1 day';
  delete from rowhook.capture_error where healed_at < now() - retention;
  delete from rowhook.idempotent_request where created_at < now() - interval '24 hours';
  delete from rowhook.test_allowance where refilled_at < now() - interval '1 day';
  return removed + removed_events;
end
$$;


--
-- Name: FUNCTION retain(retention interval, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.retain(retention interval, most integer) IS 'removes one batch of finished deliveries and their events; how many rows. Waiting and held ones stay';


--
-- Name: retry(bigint[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.retry(outbox_ids bigint[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  resent_ids bigint[] := rowhook.resend(outbox_ids);
begin
  perform rowhook.note_steered('delivery.retried', resent_ids);
  return cardinality(resent_ids);
end
$$;


--
-- Name: FUNCTION retry(outbox_ids bigint[]); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.retry(outbox_ids bigint[]) IS 'sends these again now; how many. What is being sent is left alone';


--
-- Name: retry_captures(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.retry_captures() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
declare
  failed rowhook.capture_error;
  healed bigint := 0;
begin
  for failed in select * from rowhook.capture_error where healed_at is null order by id limit 100 for update loop
    begin
      -- What was made up for since then is not sent twice.
      if failed.source = 'job' then
        perform rowhook.emit_jobs(failed.source_ids::uuid[], true, failed.created_at);
      else
        perform rowhook.heal_commits(array(
          select c.id from rowhook.commit c
          where c.id = any (failed.source_ids)
            and not exists (select from rowhook.event e where e.commit_id = c.id)));
      end if;
      update rowhook.capture_error set healed_at = now() where id = failed.id;
      healed := healed + cardinality(failed.source_ids);
    exception when others then
      -- It stays open, and visible, with what stopped it last.
      failed.sqlstate := sqlstate;
      failed.message := sqlerrm;
      update rowhook.capture_error e set sqlstate = failed.sqlstate, message = failed.message
      where e.id = failed.id;
    end;
  end loop;
  return healed;
end
$$;


--
-- Name: revision_of(uuid, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.revision_of(webhook uuid, wanted integer) RETURNS TABLE(organization_id uuid, configuration text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select r.organization_id, r.configuration::text
  from rowhook.webhook_revision r where r.webhook_id = webhook and r.revision = wanted
$$;


--
-- Name: revision_page(uuid, integer, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.revision_page(webhook uuid, before_revision integer, most integer) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select row_to_json(shown) from (
    select r.webhook_id, r.revision, r.configuration, r.created_at
    from rowhook.webhook_revision r
    where r.webhook_id = webhook and (before_revision is null or r.revision < before_revision)
    order by r.revision desc
    limit most) as shown
$$;


--
-- Name: FUNCTION revision_page(webhook uuid, before_revision integer, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.revision_page(webhook uuid, before_revision integer, most integer) IS 'the versions that a webhook has had, newest first; of a deleted one too';


--
-- Name: rotate_signing_secret(uuid, uuid, integer, bytea, interval); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.rotate_signing_secret(organization uuid, webhook uuid, next_version integer, new_secret bytea, overlap interval DEFAULT '24:00:00'::interval) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  -- The bytes are sealed for this version: a rotation that lost a race starts again.
  perform from rowhook.webhook w where w.id = webhook and w.organization_id = organization for update;
  if not found then
    return false;
  end if;
  if next_version <> (select max(version) + 1 from rowhook.signing_secret where webhook_id = webhook) then
    return false;
  end if;
  update rowhook.signing_secret set expires_at = least(expires_at, now() + overlap)
  where webhook_id = webhook;
  insert into rowhook.signing_secret (webhook_id, version, sealed)
  values (webhook, next_version, new_secret);
  update rowhook.webhook w set secrets_version = w.secrets_version + 1 where w.id = webhook;
  perform rowhook.note(organization, 'webhook.secret_rotated', webhook::text, null,
    json_build_object('version', next_version, 'overlap', overlap));
  return true;
end
$$;


--
-- Name: rotation(uuid, integer, uuid[], timestamp with time zone[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.rotation(after uuid, most integer, known uuid[] DEFAULT '{}'::uuid[], marks timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[]) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  nil constant uuid := '00000000-0000-0000-0000-000000000000';
  visited uuid[] := rowhook.lanes(coalesce(after, nil), null, most, known, marks);
begin
  if after is not null and cardinality(visited) < most then
    visited := visited || rowhook.lanes(nil, after, most - cardinality(visited), known, marks);
  end if;
  return visited;
end
$$;


--
-- Name: FUNCTION rotation(after uuid, most integer, known uuid[], marks timestamp with time zone[]); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.rotation(after uuid, most integer, known uuid[], marks timestamp with time zone[]) IS 'lanes after a cursor, wrapping once';


--
-- Name: sample_commit(uuid, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.sample_commit(organization uuid, wanted_goal text) RETURNS TABLE(snapshot text, moment timestamp with time zone)
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select row_to_json(shot)::text, clock_timestamp()
  from rowhook.goal g
  join rowhook.organization o on o.id = g.organization_id,
  lateral (select g.id) as goal,
  lateral (select g.template_id as id) as template,
  lateral (select 'session_sample' as id) as session,
  lateral (select 'interview_sample' as id) as interview,
  lateral (select o.id, o.name) as owner,
  lateral (select 'commit_' || replace(gen_random_uuid()::text, '-', '') as commit_id,
                  rowhook.rfc3339(clock_timestamp()) as committed_at,
                  row_to_json(goal) as goal, row_to_json(template) as template,
                  row_to_json(session) as session, row_to_json(interview) as interview,
                  row_to_json(owner) as organization) as shot
  where g.id = wanted_goal and o.id = sample_commit.organization and rowhook.sees(o.id)
$$;


--
-- Name: FUNCTION sample_commit(organization uuid, wanted_goal text); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.sample_commit(organization uuid, wanted_goal text) IS 'the snapshot of a commit to that goal that nobody made; no row if it is not this organization''s';


--
-- Name: sample_event(uuid, bigint); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.sample_event(organization uuid, wanted bigint) RETURNS TABLE(id bigint, type text, key text, occurred_at timestamp with time zone, snapshot text, data text, context text, oversize_bytes bigint, agent_id uuid, goal_id text, moment timestamp with time zone)
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select e.id, e.type, e.key, e.occurred_at, e.snapshot::text, e.data::text, e.context::text,
         e.oversize_bytes, e.agent_id, e.goal_id, clock_timestamp()
  from rowhook.event e
  where e.id = wanted and e.organization_id = sample_event.organization
$$;


--
-- Name: FUNCTION sample_event(organization uuid, wanted bigint); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.sample_event(organization uuid, wanted bigint) IS 'an event as it was captured, digit for digit; no row if it is not this organization''s';


--
-- Name: sample_job(uuid, uuid); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.sample_job(organization uuid, wanted_agent uuid) RETURNS TABLE(snapshot text, moment timestamp with time zone)
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select row_to_json(shot)::text, clock_timestamp()
  from rowhook.organization o
  left join rowhook.agent a on a.id = wanted_agent and a.organization_id = o.id
  left join lateral (
    -- The table keeps no time: the newest version is the one that was written last.
    select v.id, v.name from rowhook.agent_version v
    where v.agent_id = a.id order by v.ctid desc limit 1) as newest on true,
  lateral (select coalesce(a.id, gen_random_uuid()) as id, coalesce(a.name, 'Sample agent') as name) as agent,
  lateral (select coalesce(newest.id, gen_random_uuid()) as id, coalesce(newest.name, 'v1') as name) as version,
  lateral (select gen_random_uuid() as id, 'succeeded' as status, 1 as status_code, 0.0042 as cost,
                  rowhook.rfc3339(clock_timestamp() - interval '7 seconds') as created_at,
                  rowhook.rfc3339(clock_timestamp()) as completed_at) as job,
  lateral (select o.id, o.name) as owner,
  lateral (select row_to_json(agent) as agent, row_to_json(version) as agent_version,
                  row_to_json(job) as job, row_to_json(owner) as organization) as shot
  where o.id = sample_job.organization and rowhook.sees(o.id)
    and (wanted_agent is null or a.id is not null)
$$;


--
-- Name: FUNCTION sample_job(organization uuid, wanted_agent uuid); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.sample_job(organization uuid, wanted_agent uuid) IS 'the snapshot of a job that never ran, of that agent or of none; no row if it is not this organization''s';


--
-- Name: sealed_elsewhere(bytea); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.sealed_elsewhere(newest bytea) RETURNS TABLE(kind text, remaining bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select 'secret', count(*) from rowhook.secret s
  where substr(s.sealed, 1, length(newest)) <> newest
  union all
  select 'signing', count(*) from rowhook.signing_secret s
  where substr(s.sealed, 1, length(newest)) <> newest
  union all
  -- What was kept for a deleted key nobody can ask for: it goes within 24 hours.
  select 'answer', count(*) from rowhook.idempotent_request r
  where substr(r.answer, 1, length(newest)) <> newest
    and (r.caller = 'admin' or exists (select from rowhook.api_key k where k.id::text = r.caller))
  union all
  select 'keyring', count(*) from rowhook.keyring_check c
  where substr(c.sealed, 1, length(newest)) <> newest
$$;


--
-- Name: FUNCTION sealed_elsewhere(newest bytea); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.sealed_elsewhere(newest bytea) IS 'how many of each kind do not begin with the mark of the newest master key';


--
-- Name: sealed_page(text, bytea, text, text, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.sealed_page(kind text, newest bytea, after_first text, after_second text, most integer) RETURNS TABLE(first text, second text, organization_id uuid, version integer, fingerprint bytea, sealed bytea)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  none constant uuid := '00000000-0000-0000-0000-000000000000';
begin
  case kind
    when 'secret' then return query
      select s.organization_id::text, s.id, s.organization_id, s.version, null::bytea, s.sealed
      from rowhook.secret s
      where (s.organization_id, s.id) > (coalesce(after_first::uuid, none), coalesce(after_second, ''))
        and substr(s.sealed, 1, length(newest)) <> newest
      order by s.organization_id, s.id limit most;
    when 'signing' then return query
      select s.webhook_id::text, s.version::text, w.organization_id, s.version, null::bytea, s.sealed
      from rowhook.signing_secret s join rowhook.webhook w on w.id = s.webhook_id
      where (s.webhook_id, s.version) > (coalesce(after_first::uuid, none), coalesce(after_second::int, 0))
        and substr(s.sealed, 1, length(newest)) <> newest
      order by s.webhook_id, s.version limit most;
    when 'answer' then return query
      select r.caller, r.key, k.organization_id, 1, r.fingerprint, r.answer
      from rowhook.idempotent_request r left join rowhook.api_key k on k.id::text = r.caller
      where (r.caller, r.key) > (coalesce(after_first, ''), coalesce(after_second, ''))
        and substr(r.answer, 1, length(newest)) <> newest
        and (r.caller = 'admin' or k.id is not null)
      order by r.caller, r.key limit most;
    when 'keyring' then return query
      select '', '', null::uuid, 1, null::bytea, c.sealed from rowhook.keyring_check c
      where after_first is null and substr(c.sealed, 1, length(newest)) <> newest;
  end case;
end
$$;


--
-- Name: FUNCTION sealed_page(kind text, newest bytea, after_first text, after_second text, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.sealed_page(kind text, newest bytea, after_first text, after_second text, most integer) IS 'what another key than the newest sealed, in the order of its primary key (first, second), after a place';


--
-- Name: secret_hosts(uuid, text[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.secret_hosts(organization uuid, secret_ids text[]) RETURNS TABLE(id text, allowed_hosts text[])
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select s.id, s.allowed_hosts from rowhook.secret s
  where s.organization_id = organization and s.id = any (secret_ids)
$$;


--
-- Name: secret_page(uuid, text, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.secret_page(organization uuid, after_id text, most integer) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select row_to_json(shown) from (
    select s.id, s.organization_id, s.version, s.allowed_hosts, s.created_at, s.updated_at,
           array(select u.webhook_id from rowhook.webhook_secret u
                 where u.organization_id = s.organization_id and u.secret_id = s.id
                 order by u.webhook_id) as used_by
    from rowhook.secret s
    where s.organization_id = organization and (after_id is null or s.id > after_id)
    order by s.id
    limit most) as shown
$$;


--
-- Name: FUNCTION secret_page(organization uuid, after_id text, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.secret_page(organization uuid, after_id text, most integer) IS 'what may be known of secrets: never their values';


--
-- Name: secret_users(uuid, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.secret_users(organization uuid, wanted text) RETURNS TABLE(id text, name text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select w.id::text, w.name
  from rowhook.webhook_secret u
  join rowhook.webhook w on w.id = u.webhook_id
  where u.organization_id = organization and u.secret_id = wanted
  order by w.name, w.id
$$;


--
-- Name: FUNCTION secret_users(organization uuid, wanted text); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.secret_users(organization uuid, wanted text) IS 'the webhooks whose templates name this secret';


--
-- Name: secret_version(uuid, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.secret_version(organization uuid, secret_id text) RETURNS integer
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select coalesce((select version from rowhook.secret where organization_id = organization and id = secret_id), 0)
$$;


--
-- Name: secrets_of(uuid); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.secrets_of(webhook uuid) RETURNS TABLE(signing boolean, id text, version integer, sealed bytea, allowed_hosts text[], expires_at timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select true, null, s.version, s.sealed, null::text[], s.expires_at
  from rowhook.signing_secret s
  where s.webhook_id = webhook and (s.expires_at is null or s.expires_at > now())
  union all
  select false, s.id, s.version, s.sealed, s.allowed_hosts, null
  from rowhook.webhook_secret u
  join rowhook.secret s on s.organization_id = u.organization_id and s.id = u.secret_id
  where u.webhook_id = webhook
  order by 1 desc, 3 desc
$$;


--
-- Name: sees(uuid); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.sees(organization uuid) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN ((organization = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text));


--
-- Name: FUNCTION sees(organization uuid); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.sees(organization uuid) IS 'whether this transaction may see what belongs to an organization: for the platform''s tables, which have no policies';


--
-- Name: series(uuid, uuid, interval, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.series(organization uuid, webhook uuid, span interval, points integer) RETURNS json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with step as (
    select step.number, now() - span + span / points * step.number as at
    from generate_series(0, points - 1) as step (number)
  ), begins as (
    select array_agg(step.at order by step.at) as at from step
  ), counted as (
    -- Asked for as a value, the array is made once; joined, it was made again for each row.
    select width_bucket(o.created_at, (select begins.at from begins)) - 1 as step, o.status, count(*) as n
    from rowhook.webhook_revision v
    cross join lateral (
      select o.status, o.created_at from rowhook.outbox o
      where o.webhook_id = v.webhook_id and o.created_at >= now() - span
        and o.status = any (array['pending', 'sending', 'held', 'delivered', 'dead', 'cancelled', 'skipped'])
      -- As in rowhook.stats.
      offset 0) as o
    where v.revision = 1 and (organization is null or v.organization_id = organization)
      and (webhook is null or v.webhook_id = webhook)
    group by 1, 2
  ), summed as (
    select step.at, coalesce(sum(c.n), 0) as created,
           coalesce(sum(c.n) filter (where c.status = 'delivered'), 0) as delivered,
           coalesce(sum(c.n) filter (where c.status = 'dead'), 0) as dead,
           coalesce(sum(c.n) filter (where c.status = 'held'), 0) as held
    from step
    left join counted c on c.step = step.number
    group by step.at
  )
  select json_build_object(
    'since', now() - span,
    'step_s', extract(epoch from span)::float8 / points,
    'points', (select json_agg(summed order by summed.at) from summed))
$$;


--
-- Name: FUNCTION series(organization uuid, webhook uuid, span interval, points integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.series(organization uuid, webhook uuid, span interval, points integer) IS 'the deliveries created in each of `points` equal steps of the last `span`, by what they are now; a step without any is zero';


--
-- Name: session_owner(text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.session_owner(session text) RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select s.organization_id from rowhook.session s where s.id = session and rowhook.sees(s.organization_id)
$$;


--
-- Name: FUNCTION session_owner(session text); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.session_owner(session text) IS 'the organization of a session, null if this transaction sees no such';


--
-- Name: session_page(text, bigint, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.session_page(wanted_session text, before_id bigint, most integer) RETURNS SETOF json
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return query
    select row_to_json(d)
    from rowhook.event e
    join rowhook.shown_delivery d on d.event_id = e.id
    where e.session_id = wanted_session and (before_id is null or d.id < before_id)
    order by d.id desc
    limit most;
end
$$;


--
-- Name: FUNCTION session_page(wanted_session text, before_id bigint, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.session_page(wanted_session text, before_id bigint, most integer) IS 'the deliveries of a session''s commits, newest first';


--
-- Name: set_state(uuid, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.set_state(webhook uuid, wanted text) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with changed as (
    update rowhook.webhook w set state = wanted, disabled_reason = null
    where w.id = webhook and w.state <> wanted and (wanted = 'active' or w.state = 'active')
    returning 1
  )
  select exists (select from changed)
$$;


--
-- Name: FUNCTION set_state(webhook uuid, wanted text); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.set_state(webhook uuid, wanted text) IS 'paused from active, active from paused or disabled; whether anything changed';


--
-- Name: sign_in(bytea, boolean, bytea, timestamp with time zone); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.sign_in(token_hash bytea, once boolean, key_hash bytea, ends_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform rowhook.require_nobody();
  delete from rowhook.sign_in s where s.ends_at < now();
  insert into rowhook.sign_in (hash, once, key_hash, ends_at)
  values (token_hash, sign_in.once, sign_in.key_hash, sign_in.ends_at);
end
$$;


--
-- Name: FUNCTION sign_in(token_hash bytea, once boolean, key_hash bytea, ends_at timestamp with time zone); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.sign_in(token_hash bytea, once boolean, key_hash bytea, ends_at timestamp with time zone) IS 'keeps a session, or a link that opens one; without a key it is of who holds the database';


--
-- Name: sign_out(bytea); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.sign_out(token_hash bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform rowhook.require_nobody();
  delete from rowhook.sign_in s where s.hash = token_hash;
end
$$;


--
-- Name: signed_in(bytea); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.signed_in(token_hash bytea) RETURNS TABLE(key_hash bytea, ends_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform rowhook.require_nobody();
  return query
    select s.key_hash, s.ends_at from rowhook.sign_in s
    where s.hash = token_hash and not s.once and s.ends_at > now();
end
$$;


--
-- Name: FUNCTION signed_in(token_hash bytea); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.signed_in(token_hash bytea) IS 'the session with this SHA-256, if it lasts';


--
-- Name: spread_secret(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.spread_secret() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  update rowhook.webhook w set secrets_version = w.secrets_version + 1
  from rowhook.webhook_secret u
  where u.organization_id = new.organization_id and u.secret_id = new.id and w.id = u.webhook_id;
  return null;
end
$$;


--
-- Name: stage(bigint, bigint, integer, text, text, interval); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.stage(delivery bigint, claim bigint, sent_revision integer, session text, body text, ttl interval) RETURNS text
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  present rowhook.outbox;
  latest rowhook.callback;
  fate text := 'pending';
  next_place bigint;
begin
  select * into present from rowhook.outbox o where o.id = delivery for update;
  if present.token is distinct from claim or present.status <> 'sending' then
    return present.status;
  end if;
  select * into latest from rowhook.callback c where c.outbox_id = delivery order by c.staging desc limit 1;
  if present.schedule_step > 0 and latest.written_at is not null then
    -- A page came while it was being given up.
    fate := 'delivered';
  elsif present.schedule_step > 0 and latest.staged_at + ttl <= clock_timestamp() then
    fate := 'dead';
  else
    perform pg_advisory_xact_lock(hashtextextended(session, 72366));
    select coalesce(max(c.place), 0) + 1 into next_place from rowhook.callback c where c.session_id = session;
    -- Its place stays: a page may have been written it by a process that died before it said so.
    update rowhook.callback c set replaced = true, body = ''
    where c.outbox_id = delivery and c.written_at is null and not c.replaced;
    insert into rowhook.callback (outbox_id, staging, organization_id, session_id, place, revision, body)
    values (delivery, coalesce(latest.staging, 0) + 1, present.organization_id, session, next_place,
            sent_revision, body);
    perform pg_notify('rowhook_callback', md5(session));
  end if;
  update rowhook.outbox o
  set token = nextval('rowhook.token'), status = fate, worker_id = null, leased_until = null,
      lost_claims = 0, ready = false, schedule_step = 1,
      next_attempt_at = case when fate = 'pending' then clock_timestamp() + ttl end,
      finished_at = case when fate <> 'pending' then now() end,
      last_error = case when fate = 'dead' then format('no page asked for it within %s', ttl) end
  where o.id = delivery;
  return fate;
end
$$;


--
-- Name: FUNCTION stage(delivery bigint, claim bigint, sent_revision integer, session text, body text, ttl interval); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.stage(delivery bigint, claim bigint, sent_revision integer, session text, body text, ttl interval) IS 'keeps a rendered output for the session''s pages; its status now. `dead` if it waited for `ttl` already; a late claim changes nothing';


--
-- Name: standing_of(uuid); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.standing_of(webhook uuid) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select row_to_json(shown) from (
    select w.state, w.disabled_reason, coalesce(lane.circuit, 'closed') as circuit, lane.failing_since,
           case when lane.circuit = 'open' then lane.probe_at end as next_probe_at
    from rowhook.webhook w
    left join rowhook.lane_state lane on lane.webhook_id = w.id
    where w.id = webhook) as shown
$$;


--
-- Name: FUNCTION standing_of(webhook uuid); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.standing_of(webhook uuid) IS 'what decides whether a webhook is called now: nothing is counted for it';


--
-- Name: stats(uuid, interval); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.stats(organization uuid, span interval) RETURNS json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with created as (
    select o.status, o.attempts, extract(epoch from o.finished_at - o.created_at)::float8 * 1000 as took_ms
    from rowhook.webhook_revision v
    cross join lateral (
      select o.status, o.attempts, o.finished_at, o.created_at from rowhook.outbox o
      where o.webhook_id = v.webhook_id and o.created_at >= now() - span
        and o.status = any (array['pending', 'sending', 'held', 'delivered', 'dead', 'cancelled', 'skipped'])
      -- Ranges of the index, a webhook's after another's.
      offset 0) as o
    where v.revision = 1 and (organization is null or v.organization_id = organization)
  )
  select json_build_object(
    'since', now() - span,
    'deliveries', count(*),
    'attempts', coalesce(sum(attempts), 0),
    'pending', count(*) filter (where status = 'pending'),
    'sending', count(*) filter (where status = 'sending'),
    'held', count(*) filter (where status = 'held'),
    'delivered', count(*) filter (where status = 'delivered'),
    'dead', count(*) filter (where status = 'dead'),
    'cancelled', count(*) filter (where status = 'cancelled'),
    'skipped', count(*) filter (where status = 'skipped'),
    'success_rate', round(count(*) filter (where status = 'delivered')::numeric
      / nullif(count(*) filter (where status in ('delivered', 'dead')), 0), 4),
    'p50_ms', round((percentile_cont(0.5) within group (order by took_ms)
      filter (where status = 'delivered'))::numeric, 3),
    'p95_ms', round((percentile_cont(0.95) within group (order by took_ms)
      filter (where status = 'delivered'))::numeric, 3),
    'delivered_per_s', (
      select count(*)::float8 / 10 from rowhook.outbox o
      where o.finished_at >= now() - interval '10 s' and o.status = 'delivered'
        and (organization is null or o.organization_id = organization)),
    'oldest_waiting_at', rowhook.oldest_waiting(organization))
  from created
$$;


--
-- Name: FUNCTION stats(organization uuid, span interval); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.stats(organization uuid, span interval) IS 'what came of the deliveries created in the last `span`; times are from creation to the recorded delivery';


--
-- Name: status(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.status() RETURNS TABLE(status text, deliveries bigint, oldest interval, next_due interval)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select known.status, count(o.id), now() - min(o.created_at), min(o.next_attempt_at) - now()
  from unnest(array['pending', 'sending', 'held', 'delivered', 'dead', 'cancelled', 'skipped'])
    with ordinality as known (status, place)
  left join rowhook.outbox o on o.status = known.status
  group by known.status, known.place
  order by known.place
$$;


--
-- Name: sweep(integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.sweep(most integer DEFAULT 1000) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  chosen rowhook.chore;
  target rowhook.webhook;
  moved bigint;
begin
  select * into chosen from rowhook.chore where due_at <= now()
  order by due_at limit 1 for update skip locked;
  if not found then
    return 0;
  end if;
  select * into target from rowhook.webhook where id = chosen.webhook_id;
  if chosen.until_xact is not null then
    moved := rowhook.put_in_order(chosen.webhook_id, most);
    if moved = most then
      return moved;
    end if;
  end if;
  with waiting as (
    select o.id from rowhook.outbox o
    where o.webhook_id = chosen.webhook_id
      and (o.status = 'held' or (o.status = 'pending' and (target.id is null or target.state = 'disabled')))
    order by o.id
    limit most
    for update skip locked
  ), swept as (
    update rowhook.outbox o
    set token = nextval('rowhook.token'),
        status = case when target.id is null then 'cancelled'
                      when target.state = 'disabled' then 'skipped' else 'pending' end,
        ready = target.id is not null and target.state <> 'disabled',
        schedule_step = 0,
        next_attempt_at = case when target.id is not null and target.state <> 'disabled' then now() end,
        finished_at = case when target.id is null or target.state = 'disabled' then now() end,
        last_error = case when target.id is null then 'its webhook was deleted'
                          when target.state = 'disabled' then 'its webhook was disabled' else o.last_error end
    from waiting where o.id = waiting.id
    returning 1
  )
  select count(*) into moved from swept;
  if moved < most and (
    chosen.until_xact >= pg_snapshot_xmin(pg_current_snapshot())
    or chosen.until_xact is not null and exists (
      select from rowhook.outbox o
      where o.webhook_id = chosen.webhook_id and o.status = 'sending' and o.ordered_by is null))
  then
    -- What was captured or claimed before the change is still on its way.
    update rowhook.chore set due_at = now() + interval '1 second' where webhook_id = chosen.webhook_id;
  elsif moved < most then
    delete from rowhook.chore where webhook_id = chosen.webhook_id;
  end if;
  return greatest(moved, 1);
end
$$;


--
-- Name: FUNCTION sweep(most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.sweep(most integer) IS 'one batch of one changed webhook: held rows are released, those of a disabled or deleted one end; 0 when nothing is left to do';


--
-- Name: system(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.system() RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  -- With its owner's rights no policy asks.
  if coalesce(current_setting('rowhook.operator', true), '') <> 'on' then
    raise insufficient_privilege using message = 'the installation is shown to operators alone';
  end if;
  return json_build_object(
    'postgres_version', current_setting('server_version'),
    'migrations', (
      select coalesce(json_agg(json_build_object('name', m.name, 'applied_at', m.applied_at)
                               order by m.applied_at, m.name), '[]')
      from rowhook.migration m),
    'workers', array_to_json(array(select rowhook.worker_list())),
    'capture_gaps', (
      select json_build_object('count', count(*), 'oldest_at', min(g.occurred_at)) from rowhook.capture_gap g),
    'capture_errors', (
      select coalesce(json_agg(shown order by shown.id desc), '[]')
      from (
        select e.id, e.source, cardinality(e.source_ids) as captures, e.sqlstate, e.message, e.created_at
        from rowhook.capture_error e
        where e.healed_at is null
        order by e.id desc
        limit 100) as shown),
    'chores', (
      select json_build_object('count', count(*), 'oldest_at', min(c.created_at)) from rowhook.chore c),
    'partitions', (
      select coalesce(json_agg(json_build_object('name', c.relname, 'bytes', pg_total_relation_size(c.oid))
                               order by c.relname), '[]')
      from pg_inherits i
      join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'rowhook.attempt'::regclass));
end
$$;


--
-- Name: FUNCTION system(); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.system() IS 'the installation, for an operator: versions, workers, what the capture owes, the newest 100 of its open errors, the days of attempts';


--
-- Name: tallied(json, boolean); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.tallied(by_status json, capped boolean) RETURNS json
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select json_build_object('total', coalesce(sum(each.value::bigint), 0), 'by_status', by_status, 'capped', capped)
  from json_each_text(by_status) as each
$$;


--
-- Name: FUNCTION tallied(by_status json, capped boolean); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.tallied(by_status json, capped boolean) IS 'the document of a tally';


--
-- Name: tally(uuid, uuid, text[], timestamp with time zone, timestamp with time zone, uuid, text, text, integer, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.tally(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, job uuid, commit_key text, event_type text, code integer, most integer) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
  found_ids bigint[];
begin
  if job is not null or commit_key is not null then
    found_ids := rowhook.delivery_ids(
      organization, webhook, wanted, coalesce(since, '-infinity'), coalesce(until, 'infinity'),
      'infinity', 0, job, commit_key, event_type, code, most);
    return (
      select rowhook.tallied(json_object_agg(one.status, (
               select count(*) from rowhook.outbox o where o.id = any (found_ids) and o.status = one.status)),
             cardinality(found_ids) = most)
      from unnest(wanted) as one (status));
  end if;
  return (
    select rowhook.tallied(json_object_agg(one.status, found.matching), bool_or(found.looked_at = most))
    from unnest(wanted) as one (status)
    cross join lateral (
      select count(*) filter (where o.matches) as matching, count(*) as looked_at
      from (
        select (code is null or o.last_status_code = code)
               and (tally.event_type is null or exists (
                 select from rowhook.event e where e.id = o.event_id and e.type = tally.event_type)) as matches
        from rowhook.webhook_revision v
        cross join lateral (
          select o.event_id, o.last_status_code from rowhook.outbox o
          where o.webhook_id = v.webhook_id and o.status = one.status
            and o.created_at >= coalesce(since, '-infinity') and o.created_at < coalesce(until, 'infinity')) as o
        where v.revision = 1 and (organization is null or v.organization_id = organization)
          and (webhook is null or v.webhook_id = webhook)
        limit most) as o) as found);
end
$$;


--
-- Name: FUNCTION tally(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, job uuid, commit_key text, event_type text, code integer, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.tally(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, job uuid, commit_key text, event_type text, code integer, most integer) IS 'how many deliveries of each status; at most `most` of one status are looked at, and `capped` says that there may be more';


--
-- Name: tell(uuid, text, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.tell(webhook uuid, type text, reason text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with about as (
    select nextval('rowhook.event_id') as event_id, w.organization_id,
           json_build_object(
             'organization', json_build_object('id', o.id, 'name', o.name),
             'webhook', json_build_object('id', w.id, 'name', w.name, 'state', w.state),
             'reason', reason) as snapshot
    from rowhook.webhook w
    join rowhook.organization o on o.id = w.organization_id
    where w.id = webhook
  ), inserted as (
    insert into rowhook.event (id, organization_id, type, key, snapshot, occurred_at)
    select event_id, organization_id, tell.type, tell.type || ':' || webhook || ':' || event_id, snapshot, now()
    from about
    returning id, organization_id
  ), queued as (
    insert into rowhook.outbox (event_id, webhook_id, organization_id, status, next_attempt_at, ready, finished_at, ordered_by)
    select e.id, w.id, e.organization_id,
           case when w.state = 'disabled' then 'skipped' else 'pending' end,
           case when w.state <> 'disabled' then now() end,
           w.state <> 'disabled',
           case when w.state = 'disabled' then now() end,
           case when w.ordered then pg_current_xact_id() end
    from inserted e
    join rowhook.webhook w on w.organization_id = e.organization_id
    -- Asked for by name; never of the webhook that it is about.
    where tell.type = any (w.event_types) and w.id <> webhook
    returning 1
  )
  select rowhook.wake() from (select count(*) as rows from queued) as told where told.rows > 0
$$;


--
-- Name: FUNCTION tell(webhook uuid, type text, reason text); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.tell(webhook uuid, type text, reason text) IS 'an operational event about a webhook, to those of its organization whose event_types name it';


--
-- Name: unknown(uuid, uuid, text, bigint, uuid, uuid, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.unknown(webhook uuid DEFAULT NULL::uuid, agent uuid DEFAULT NULL::uuid, goal text DEFAULT NULL::text, delivery bigint DEFAULT NULL::bigint, key uuid DEFAULT NULL::uuid, organization uuid DEFAULT NULL::uuid, session text DEFAULT NULL::text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select case
    when webhook is not null and not exists (select from rowhook.webhook w where w.id = webhook)
      then 'webhook'
    when agent is not null and not exists (
      select from rowhook.agent a where a.id = agent and rowhook.sees(a.organization_id)) then 'agent'
    when goal is not null and not exists (
      select from rowhook.goal g where g.id = goal and rowhook.sees(g.organization_id)) then 'goal'
    when delivery is not null and not exists (select from rowhook.outbox o where o.id = delivery)
      then 'delivery'
    when key is not null and not exists (select from rowhook.api_key k where k.id = key) then 'key'
    when organization is not null and not exists (
      select from rowhook.organization o where o.id = organization and rowhook.sees(o.id))
      then 'organization'
    when session is not null and not exists (
      select from rowhook.session s where s.id = session and rowhook.sees(s.organization_id))
      then 'session'
  end
$$;


--
-- Name: FUNCTION unknown(webhook uuid, agent uuid, goal text, delivery bigint, key uuid, organization uuid, session text); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.unknown(webhook uuid, agent uuid, goal text, delivery bigint, key uuid, organization uuid, session text) IS 'the first of these that does not exist for this transaction, null if all do';


--
-- Name: unlink(uuid, uuid, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.unlink(webhook uuid, agent uuid, goal text) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with unlinked as (
    delete from rowhook.link l
    where l.webhook_id = webhook and (l.agent_id = agent or l.goal_id = goal)
    returning 1
  )
  select exists (select from unlinked)
$$;


--
-- Name: FUNCTION unlink(webhook uuid, agent uuid, goal text); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.unlink(webhook uuid, agent uuid, goal text) IS 'holds for completions whose statement starts after this committed; false if it was not linked';


--
-- Name: use_secrets(uuid, uuid, text[]); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.use_secrets(organization uuid, webhook uuid, secret_ids text[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  delete from rowhook.webhook_secret u
  where u.webhook_id = webhook and not u.secret_id = any (secret_ids);
  insert into rowhook.webhook_secret (webhook_id, organization_id, secret_id)
  select webhook, organization, used from unnest(secret_ids) as used
  on conflict do nothing;
$$;


--
-- Name: validate_commit(text, json, json); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.validate_commit(goal_id text, data json, context json DEFAULT '{}'::json) RETURNS TABLE(webhook_id uuid, pointer text, message text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with output as (
    select w.id, w.state, w.required_paths
    from rowhook.link l
    join rowhook.webhook w on w.id = l.webhook_id
    where l.goal_id = validate_commit.goal_id
      and (w.event_types = '{}' or 'goal.committed' = any (w.event_types))
  ), missing as (
    select o.id, use.root, use.path
    from output o
    cross join lateral json_to_recordset(o.required_paths) as use (root text, path text[])
    where o.state <> 'disabled'
      and not rowhook.holds(
        case use.root
          when 'data' then coalesce(validate_commit.data, 'null')
          else coalesce(validate_commit.context, '{}')
        end, use.path)
  )
  select m.id,
         case m.root when 'data'
           then (select string_agg('/' || replace(replace(step, '~', '~0'), '/', '~1'), '' order by place)
                 from unnest(m.path) with ordinality as one (step, place))
           else '' end,
         format('%s.%s is not there', m.root, array_to_string(m.path, '.'))
  from missing m
  union all
  select o.id, null,
         case o.state when 'disabled' then 'disabled: it would be skipped'
           else 'paths present; schema not checked in SQL' end
  from output o
  where not exists (select from missing m where m.id = o.id)
$$;


--
-- Name: FUNCTION validate_commit(goal_id text, data json, context json); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.validate_commit(goal_id text, data json, context json) IS 'what the outputs of a goal miss in proposed data: a row a fault, and one with a null pointer for an output without';


--
-- Name: wake(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.wake() RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
  register bigint;
begin
  select asleep.last_value into register
  from rowhook.asleep, rowhook.awake
  where asleep.last_value > awake.last_value;
  if found then
    perform pg_notify('rowhook', register::text);
  end if;
end
$$;


--
-- Name: FUNCTION wake(); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.wake() IS 'NOTIFY, but only while a worker sleeps: it takes a lock of the whole database at commit';


--
-- Name: wake_up(bigint); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.wake_up(register bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select setval('rowhook.awake', greatest(register, last_value)) from rowhook.awake
$$;


--
-- Name: webhook_names(uuid, uuid, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.webhook_names(organization uuid, first uuid, most integer) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select row_to_json(shown) from (
    select w.id, w.name from rowhook.webhook w
    where organization is null or w.organization_id = organization
    order by w.id is not distinct from first desc, lower(w.name), w.id
    limit most) as shown
$$;


--
-- Name: FUNCTION webhook_names(organization uuid, first uuid, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.webhook_names(organization uuid, first uuid, most integer) IS 'webhooks by name, `first` before all others: what a form offers to choose from';


--
-- Name: webhook_page(uuid, uuid, text, text, uuid, timestamp with time zone, uuid, integer, text); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.webhook_page(organization uuid, agent uuid, goal text, wanted_state text, one uuid, before_at timestamp with time zone, before_id uuid, most integer, search text DEFAULT NULL::text) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select row_to_json(shown) from (
    select w.id, w.organization_id, w.name, w.description, w.metadata, w.url, w.kind, w.method, w.headers,
           w.body_template, w.raw_payload, w.schema, w.condition, w.event_types, w.timeout_s,
           w.max_in_flight, w.rate_per_s, w.ordered, w.retry_schedule_s, w.state, w.disabled_reason,
           w.revision, w.created_at, w.updated_at
    from rowhook.webhook w
    where (organization is null or w.organization_id = organization)
      and (one is null or w.id = one)
      and (wanted_state is null or w.state = wanted_state)
      and (agent is null or exists (
        select from rowhook.link l where l.webhook_id = w.id and l.agent_id = agent))
      and (goal is null or exists (
        select from rowhook.link l where l.webhook_id = w.id and l.goal_id = goal))
      and (search is null or rowhook.mentions(search, array[w.name, w.description, w.url]))
      and (before_id is null or (w.created_at, w.id) < (before_at, before_id))
    order by w.created_at desc, w.id desc
    limit most) as shown
$$;


--
-- Name: weigh(uuid, integer, integer, double precision, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.weigh(webhook uuid, failures integer, successes integer, asked_pause_s double precision, most integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
  opens_after constant int := 10;
  longest_s constant double precision := 300;
  lane rowhook.lane_state;
begin
  if failures > 0 and successes = 0 then
    insert into rowhook.lane_state (webhook_id) values (webhook) on conflict do nothing;
  end if;
  select * into lane from rowhook.lane_state s where s.webhook_id = webhook for update;
  if not found then
    return;
  end if;
  if successes > 0 then
    lane.failures := 0;
    lane.failing_since := null;
  else
    lane.failures := lane.failures + failures;
    lane.failing_since := case when lane.failures > 0 then coalesce(lane.failing_since, now()) end;
  end if;
  if lane.circuit = 'half_open' and failures <= successes then
    -- A ramp, not a stampede: what comes back may take one more for each that it took.
    lane.allowed := lane.allowed + successes;
    if lane.allowed > most then
      lane.circuit := 'closed';
    end if;
  elsif lane.circuit = 'half_open' or (lane.circuit = 'closed' and lane.failures >= opens_after) then
    lane.pause_s := least(case when lane.circuit = 'half_open' then lane.pause_s * 2 else 1 end, longest_s);
    lane.circuit := 'open';
    lane.probe_at := now() + make_interval(
      secs => greatest(rowhook.jittered(lane.pause_s::numeric), least(coalesce(asked_pause_s, 0), longest_s)));
  elsif lane.circuit = 'open' and successes > 0 then
    lane.probe_at := least(lane.probe_at, now());
  end if;
  update rowhook.lane_state s
  set circuit = lane.circuit, failures = lane.failures, failing_since = lane.failing_since,
      pause_s = lane.pause_s, allowed = lane.allowed,
      probe_at = case when lane.circuit <> 'closed' then lane.probe_at end
  where s.webhook_id = webhook;
end
$$;


--
-- Name: FUNCTION weigh(webhook uuid, failures integer, successes integer, asked_pause_s double precision, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.weigh(webhook uuid, failures integer, successes integer, asked_pause_s double precision, most integer) IS 'a batch of results of one webhook: ten failures in a row open its circuit, a probe that succeeds opens it by half, as many as it takes at once close it';


--
-- Name: worker_list(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.worker_list() RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select row_to_json(shown) from (
    select w.id,
           -- Where they run is nobody's business but an operator's.
           case when mine.operator then w.host end as host,
           case when mine.operator then w.pid end as pid,
           w.in_flight, w.started_at, w.seen_at,
           w.seen_at > now() - interval '30 seconds' as alive
    from rowhook.worker w,
      lateral (select coalesce(current_setting('rowhook.operator', true) = 'on', false) as operator) as mine
    order by w.started_at, w.id) as shown
$$;


--
-- Name: FUNCTION worker_list(); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.worker_list() IS 'the worker processes, the oldest first; host and pid for an operator alone; alive: seen in the last 30 s';


--
-- Name: workers(); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.workers() RETURNS TABLE(id uuid, host text, pid integer, in_flight integer, up interval, silent interval)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select w.id, w.host, w.pid, w.in_flight, now() - w.started_at, now() - w.seen_at
  from rowhook.worker w order by w.started_at
$$;


--
-- Name: worst_webhooks(uuid, text[], interval, integer, integer); Type: FUNCTION; Schema: rowhook; Owner: -
--

CREATE FUNCTION rowhook.worst_webhooks(organization uuid, wanted text[], span interval, worst integer, most integer) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with failed as (
    select * from rowhook.failed(
      organization, null, array(select s from unnest(wanted) as s where s = 'dead'), now() - span, most)
    union all
    -- What waits is a trouble however old it is.
    select * from rowhook.failed(
      organization, null, array(select s from unnest(wanted) as s where s <> 'dead'), '-infinity', most)
  ), summed as (
    select f.webhook_id,
           count(*) filter (where f.status = 'held') as held,
           count(*) filter (where f.status = 'dead') as dead,
           count(*) filter (where f.status = 'pending') as retrying,
           (array_agg(f.error order by f.created_at desc, f.id desc))[1] as last_error,
           max(f.created_at) as last_at
    from failed f
    group by f.webhook_id
  )
  select row_to_json(shown) from (
    select s.webhook_id, w.name, w.state, s.held, s.dead, s.retrying, s.last_error, s.last_at
    from summed s
    join rowhook.webhook w on w.id = s.webhook_id
    order by s.held + s.dead + s.retrying desc, s.last_at desc, s.webhook_id
    limit worst) as shown
$$;


--
-- Name: FUNCTION worst_webhooks(organization uuid, wanted text[], span interval, worst integer, most integer); Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON FUNCTION rowhook.worst_webhooks(organization uuid, wanted text[], span interval, worst integer, most integer) IS 'webhooks with deliveries that are held, wait after a failed try, or were created in the last `span` and are dead; most of them first';


--
-- Name: fn_pgqueuer_changed(); Type: FUNCTION; Schema: rowhook_pgqueuer; Owner: -
--

CREATE FUNCTION rowhook_pgqueuer.fn_pgqueuer_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    to_emit BOOLEAN := false;  -- Flag to decide whether to emit a notification
BEGIN
    -- Check operation type and set the emit flag accordingly
    IF TG_OP = 'UPDATE' AND OLD IS DISTINCT FROM NEW THEN
        to_emit := true;
    ELSIF TG_OP = 'DELETE' THEN
        to_emit := true;
    ELSIF TG_OP = 'INSERT' THEN
        to_emit := true;
    ELSIF TG_OP = 'TRUNCATE' THEN
        to_emit := true;
    END IF;

    -- Perform notification if the emit flag is set
    IF to_emit THEN
        PERFORM pg_notify(
            'ch_pgqueuer',
            json_build_object(
                'channel', 'ch_pgqueuer',
                'operation', lower(TG_OP),
                'sent_at', NOW(),
                'table', TG_TABLE_NAME,
                'type', 'table_changed_event'
            )::text
        );
    END IF;

    -- Return appropriate value based on the operation
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        RETURN NEW;
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    ELSE
        RETURN NULL; -- For TRUNCATE and other non-row-specific contexts
    END IF;

END;
$$;


--
-- Name: agent; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.agent (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL
);


--
-- Name: agent_version; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.agent_version (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    agent_id uuid NOT NULL,
    name text NOT NULL
);


--
-- Name: event_id; Type: SEQUENCE; Schema: rowhook; Owner: -
--

CREATE SEQUENCE rowhook.event_id
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: event; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.event (
    id bigint DEFAULT nextval('rowhook.event_id'::regclass) NOT NULL,
    organization_id uuid NOT NULL,
    type text NOT NULL,
    key text NOT NULL,
    job_id uuid,
    commit_id text,
    agent_id uuid,
    goal_id text,
    session_id text,
    snapshot json NOT NULL,
    data json,
    context json,
    oversize_bytes bigint,
    occurred_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    xact xid8 DEFAULT pg_current_xact_id() NOT NULL
);


--
-- Name: COLUMN event.key; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.event.key IS 'the Idempotency-Key of every delivery of this event';


--
-- Name: COLUMN event.oversize_bytes; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.event.oversize_bytes IS 'data and context were larger than 1 MiB together and are not kept: their size';


--
-- Name: outbox; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.outbox (
    id bigint NOT NULL,
    event_id bigint NOT NULL,
    webhook_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    ready boolean DEFAULT true NOT NULL,
    late boolean DEFAULT false NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    schedule_step integer DEFAULT 0 NOT NULL,
    lost_claims integer DEFAULT 0 NOT NULL,
    token bigint DEFAULT 0 NOT NULL,
    worker_id uuid,
    leased_until timestamp with time zone,
    ordered_by xid8,
    next_attempt_at timestamp with time zone DEFAULT now(),
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    last_status_code integer,
    last_error text
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000', autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_cost_delay='0');


--
-- Name: COLUMN outbox.ready; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.outbox.ready IS 'claimable now: born so, or promoted when next_attempt_at has passed';


--
-- Name: COLUMN outbox.late; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.outbox.late IS 'on its third try or a later one: such take the smaller share of a webhook''s slots';


--
-- Name: COLUMN outbox.attempts; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.outbox.attempts IS 'results recorded in total, the number of the last attempt; never reset';


--
-- Name: COLUMN outbox.schedule_step; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.outbox.schedule_step IS 'attempts made on the present schedule; reset by a reprocess';


--
-- Name: COLUMN outbox.lost_claims; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.outbox.lost_claims IS 'claims in a row that ended without a result; at 5 the row is dead';


--
-- Name: COLUMN outbox.token; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.outbox.token IS 'the fence: record, renew and release match on it; every engine write changes it';


--
-- Name: COLUMN outbox.ordered_by; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.outbox.ordered_by IS 'the event''s xact where the webhook is ordered: its place in the order of commits';


--
-- Name: webhook_revision; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.webhook_revision (
    webhook_id uuid NOT NULL,
    revision integer NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    configuration json NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: api_delivery; Type: VIEW; Schema: rowhook; Owner: -
--

CREATE VIEW rowhook.api_delivery WITH (security_invoker='true') AS
 SELECT o.id,
    o.organization_id,
    o.webhook_id,
    COALESCE(w.name, ( SELECT r.name
           FROM rowhook.webhook_revision r
          WHERE (r.webhook_id = o.webhook_id)
          ORDER BY r.revision DESC
         LIMIT 1)) AS webhook_name,
    o.event_id,
    e.type AS event_type,
    e.key,
    e.job_id,
    e.commit_id,
    o.status,
    o.attempts,
    o.next_attempt_at,
    o.created_at,
    o.finished_at,
    o.last_status_code,
    o.last_error,
        CASE
            WHEN (o.status = 'delivered'::text) THEN (o.finished_at - e.created_at)
            ELSE NULL::interval
        END AS latency
   FROM ((rowhook.outbox o
     LEFT JOIN rowhook.event e ON ((e.id = o.event_id)))
     LEFT JOIN rowhook.webhook w ON ((w.id = o.webhook_id)));


--
-- Name: api_key; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.api_key (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid,
    name text NOT NULL,
    hash bytea NOT NULL,
    scopes text[] NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT hash_is_sha256 CHECK ((length(hash) = 32)),
    CONSTRAINT scopes_are_known CHECK ((scopes <@ ARRAY['read'::text, 'write'::text, 'secrets'::text, 'replay'::text, 'admin'::text]))
);


--
-- Name: COLUMN api_key.organization_id; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.api_key.organization_id IS 'null: an operator key, for all organizations';


--
-- Name: attempt; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.attempt (
    outbox_id bigint NOT NULL,
    number integer NOT NULL,
    revision integer NOT NULL,
    started_at timestamp with time zone NOT NULL,
    duration_ms real NOT NULL,
    rendered_ms real,
    validated_ms real,
    outcome text NOT NULL,
    status_code integer,
    error text,
    request json,
    response_headers json,
    response_body text
)
PARTITION BY RANGE (started_at);


--
-- Name: COLUMN attempt.started_at; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.attempt.started_at IS 'when a worker that had claimed it took it up';


--
-- Name: COLUMN attempt.duration_ms; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.attempt.duration_ms IS 'of the exchange; 0 where nothing was sent';


--
-- Name: COLUMN attempt.rendered_ms; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.attempt.rendered_ms IS 'from the beginning of composing until the body was there';


--
-- Name: COLUMN attempt.validated_ms; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.attempt.validated_ms IS 'the same until it met its schema, or was found to be JSON';


--
-- Name: COLUMN attempt.request; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.attempt.request IS '{method, url, headers, body} as sent, each secret replaced by its name';


--
-- Name: COLUMN attempt.response_body; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.attempt.response_body IS 'its first 4 KiB, as text';


--
-- Name: attempt_default; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.attempt_default (
    outbox_id bigint CONSTRAINT attempt_outbox_id_not_null NOT NULL,
    number integer CONSTRAINT attempt_number_not_null NOT NULL,
    revision integer CONSTRAINT attempt_revision_not_null NOT NULL,
    started_at timestamp with time zone CONSTRAINT attempt_started_at_not_null NOT NULL,
    duration_ms real CONSTRAINT attempt_duration_ms_not_null NOT NULL,
    rendered_ms real,
    validated_ms real,
    outcome text CONSTRAINT attempt_outcome_not_null NOT NULL,
    status_code integer,
    error text,
    request json,
    response_headers json,
    response_body text
)
WITH (toast_tuple_target='8160');


--
-- Name: audit; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.audit (
    id bigint NOT NULL,
    organization_id uuid,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    before json,
    after json,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: COLUMN audit.organization_id; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.audit.organization_id IS 'null: the change concerns no organization, such as an operator key';


--
-- Name: COLUMN audit.actor; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.audit.actor IS 'key:<name>, cli:<login>, or the database login of a change by hand';


--
-- Name: audit_id_seq; Type: SEQUENCE; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowhook.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: callback; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.callback (
    outbox_id bigint NOT NULL,
    staging integer NOT NULL,
    organization_id uuid NOT NULL,
    session_id text NOT NULL,
    place bigint NOT NULL,
    revision integer NOT NULL,
    body text NOT NULL,
    staged_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    written_at timestamp with time zone,
    replaced boolean DEFAULT false NOT NULL
);


--
-- Name: COLUMN callback.staging; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.callback.staging IS 'a delivery that is sent again is staged again, at a new place';


--
-- Name: COLUMN callback.place; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.callback.place IS 'given under a lock of the session, so none becomes visible before a smaller one';


--
-- Name: COLUMN callback.written_at; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.callback.written_at IS 'when it was first written to a connected page';


--
-- Name: COLUMN callback.replaced; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.callback.replaced IS 'staged again before any page was known to have it; its place stays, for the page that had it all the same';


--
-- Name: capture_error; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.capture_error (
    id bigint NOT NULL,
    source text NOT NULL,
    source_ids text[] NOT NULL,
    sqlstate text NOT NULL,
    message text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    healed_at timestamp with time zone
);


--
-- Name: capture_error_id_seq; Type: SEQUENCE; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.capture_error ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowhook.capture_error_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: commit; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.commit (
    id text DEFAULT ('commit_'::text || replace((gen_random_uuid())::text, '-'::text, ''::text)) NOT NULL,
    goal_id text NOT NULL,
    session_id text,
    interview_id text,
    data json,
    committed_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: job; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.job (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    agent_version_id uuid NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    status_code integer,
    cost numeric,
    output json,
    metadata json DEFAULT '{}'::json,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    completed_at timestamp with time zone,
    CONSTRAINT job_status_is_known CHECK ((status = ANY (ARRAY['pending'::text, 'running'::text, 'succeeded'::text, 'failed'::text, 'cancelled'::text])))
);


--
-- Name: COLUMN job.cost; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.job.cost IS 'USD';


--
-- Name: capture_gap; Type: VIEW; Schema: rowhook; Owner: -
--

CREATE VIEW rowhook.capture_gap AS
 SELECT 'job'::text AS source,
    (j.id)::text AS source_id,
    j.completed_at AS occurred_at
   FROM (rowhook.job_gaps() gap(gap)
     JOIN rowhook.job j ON ((j.id = gap.gap)))
UNION ALL
 SELECT 'commit'::text AS source,
    c.id AS source_id,
    c.committed_at AS occurred_at
   FROM (rowhook.commit_gaps() gap(gap)
     JOIN rowhook.commit c ON ((c.id = gap.gap)));


--
-- Name: VIEW capture_gap; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON VIEW rowhook.capture_gap IS 'completions of the last days without an event: empty, or about to be healed';


--
-- Name: chore; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.chore (
    webhook_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    until_xact xid8
);


--
-- Name: COLUMN chore.until_xact; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.chore.until_xact IS 'its webhook became ordered: an older transaction may still add rows without a place, so it is done again until all have ended';


--
-- Name: delivery; Type: VIEW; Schema: rowhook; Owner: -
--

CREATE VIEW rowhook.delivery AS
 SELECT o.id,
    o.organization_id,
    o.webhook_id,
    COALESCE(w.name, ( SELECT r.name
           FROM rowhook.webhook_revision r
          WHERE (r.webhook_id = o.webhook_id)
          ORDER BY r.revision DESC
         LIMIT 1)) AS webhook_name,
    o.event_id,
    e.type AS event_type,
    e.key,
    e.job_id,
    e.commit_id,
    o.status,
    o.attempts,
    o.next_attempt_at,
    o.created_at,
    o.finished_at,
    o.last_status_code,
    o.last_error,
        CASE
            WHEN (o.status = 'delivered'::text) THEN (o.finished_at - e.created_at)
            ELSE NULL::interval
        END AS latency
   FROM ((rowhook.outbox o
     LEFT JOIN rowhook.event e ON ((e.id = o.event_id)))
     LEFT JOIN rowhook.webhook w ON ((w.id = o.webhook_id)));


--
-- Name: VIEW delivery; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON VIEW rowhook.delivery IS 'one row a delivery; latency is from the capture of the event to the recorded delivery';


--
-- Name: goal; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.goal (
    id text NOT NULL,
    organization_id uuid NOT NULL,
    template_id text,
    name text
);


--
-- Name: idempotent_request; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.idempotent_request (
    caller text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    answer bytea,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);


--
-- Name: COLUMN idempotent_request.answer; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.idempotent_request.answer IS 'sealed: it may hold a signing secret; null while the request is worked on';


--
-- Name: keyring_check; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.keyring_check (
    singleton boolean DEFAULT true NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT one_row CHECK (singleton)
);


--
-- Name: lane_state; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.lane_state (
    webhook_id uuid NOT NULL,
    circuit text DEFAULT 'closed'::text NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    warned integer DEFAULT 0 NOT NULL,
    pause_s double precision DEFAULT 0 NOT NULL,
    probe_at timestamp with time zone,
    allowed integer DEFAULT 0 NOT NULL,
    tokens double precision,
    refilled_at timestamp with time zone,
    CONSTRAINT circuit_is_known CHECK ((circuit = ANY (ARRAY['closed'::text, 'open'::text, 'half_open'::text]))),
    CONSTRAINT failing_iff_failures CHECK (((failures > 0) = (failing_since IS NOT NULL))),
    CONSTRAINT probed_unless_closed CHECK (((circuit = 'closed'::text) = (probe_at IS NULL))),
    CONSTRAINT refilled_iff_tokens CHECK (((tokens IS NULL) = (refilled_at IS NULL))),
    CONSTRAINT warned_is_a_share CHECK ((warned = ANY (ARRAY[0, 50, 70, 90, 100])))
)
WITH (fillfactor='50', autovacuum_vacuum_threshold='500', autovacuum_vacuum_scale_factor='0');


--
-- Name: COLUMN lane_state.failures; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.lane_state.failures IS 'tries in a row that the receiver did not accept';


--
-- Name: COLUMN lane_state.warned; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.lane_state.warned IS 'per cent of the way to being disabled that was told; 100: it was disabled';


--
-- Name: COLUMN lane_state.pause_s; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.lane_state.pause_s IS 'how long the circuit stays open before a probe; doubled by each that fails';


--
-- Name: COLUMN lane_state.allowed; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.lane_state.allowed IS 'in flight at once while half open; each success allows one more';


--
-- Name: COLUMN lane_state.tokens; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.lane_state.tokens IS 'what rate_per_s had left at refilled_at';


--
-- Name: link; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.link (
    id bigint NOT NULL,
    organization_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    agent_id uuid,
    goal_id text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT link_joins_one_agent_or_one_goal CHECK ((num_nonnulls(agent_id, goal_id) = 1))
);


--
-- Name: link_id_seq; Type: SEQUENCE; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.link ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowhook.link_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: migration; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.migration (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: organization; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.organization (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL
);


--
-- Name: outbox_id_seq; Type: SEQUENCE; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowhook.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: secret; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.secret (
    organization_id uuid NOT NULL,
    id text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    sealed bytea NOT NULL,
    allowed_hosts text[],
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT secret_id_is_plain CHECK ((id ~ '^[A-Za-z0-9._-]{1,128}$'::text))
);


--
-- Name: COLUMN secret.sealed; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.secret.sealed IS 'AES-256-GCM under the master keyring; bound to organization, id and version';


--
-- Name: session; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.session (
    id text NOT NULL,
    organization_id uuid NOT NULL,
    context json DEFAULT '{}'::json,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: shown_delivery; Type: VIEW; Schema: rowhook; Owner: -
--

CREATE VIEW rowhook.shown_delivery WITH (security_invoker='true') AS
 SELECT id,
    organization_id,
    webhook_id,
    webhook_name,
    event_id,
    event_type,
    key,
    job_id,
    commit_id,
    status,
    attempts,
    next_attempt_at,
    created_at,
    finished_at,
    last_status_code,
    last_error,
    (EXTRACT(epoch FROM latency) * (1000)::numeric) AS latency_ms,
    (EXISTS ( SELECT
           FROM rowhook.webhook w
          WHERE (w.id = d.webhook_id))) AS webhook_exists
   FROM rowhook.api_delivery d;


--
-- Name: VIEW shown_delivery; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON VIEW rowhook.shown_delivery IS 'api_delivery as the documents of the API have it: its latency in milliseconds, and whether its webhook was deleted';


--
-- Name: sign_in; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.sign_in (
    hash bytea NOT NULL,
    once boolean NOT NULL,
    key_hash bytea,
    ends_at timestamp with time zone NOT NULL
);


--
-- Name: COLUMN sign_in.once; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.sign_in.once IS 'a link, gone when it is opened; else a session of a browser';


--
-- Name: COLUMN sign_in.key_hash; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.sign_in.key_hash IS 'the API key that it stands for, asked for at each request; null: who holds the database';


--
-- Name: signing_secret; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.signing_secret (
    webhook_id uuid NOT NULL,
    version integer NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone
);


--
-- Name: COLUMN signing_secret.expires_at; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON COLUMN rowhook.signing_secret.expires_at IS 'end of the overlap after a rotation; null for the newest';


--
-- Name: test_allowance; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.test_allowance (
    webhook_id uuid NOT NULL,
    tokens numeric NOT NULL,
    refilled_at timestamp with time zone NOT NULL
);


--
-- Name: token; Type: SEQUENCE; Schema: rowhook; Owner: -
--

CREATE SEQUENCE rowhook.token
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: SEQUENCE token; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON SEQUENCE rowhook.token IS 'the fencing token: new at every write of the engine, never reused';


--
-- Name: webhook_health; Type: VIEW; Schema: rowhook; Owner: -
--

CREATE VIEW rowhook.webhook_health AS
 SELECT w.id AS webhook_id,
    w.organization_id,
    w.name,
    w.state,
    w.disabled_reason,
    COALESCE(waiting.backlog, (0)::bigint) AS backlog,
    (now() - waiting.oldest) AS oldest_age,
    COALESCE(waiting.held, (0)::bigint) AS held,
    COALESCE(day.finished, (0)::bigint) AS finished_24h,
    COALESCE(day.delivered, (0)::bigint) AS delivered_24h,
    round(((day.delivered)::numeric / (NULLIF(day.finished, 0))::numeric), 4) AS success_rate_24h,
    day.p50_ms,
    day.p95_ms,
    COALESCE(lane.circuit, 'closed'::text) AS circuit,
    lane.failing_since,
        CASE
            WHEN (lane.circuit = 'open'::text) THEN lane.probe_at
            ELSE NULL::timestamp with time zone
        END AS next_probe_at,
    failure.last_error
   FROM ((((rowhook.webhook w
     LEFT JOIN rowhook.lane_state lane ON ((lane.webhook_id = w.id)))
     LEFT JOIN LATERAL ( SELECT count(*) FILTER (WHERE (o.status = ANY (ARRAY['pending'::text, 'sending'::text]))) AS backlog,
            min(o.created_at) FILTER (WHERE (o.status = ANY (ARRAY['pending'::text, 'sending'::text]))) AS oldest,
            count(*) FILTER (WHERE (o.status = 'held'::text)) AS held
           FROM rowhook.outbox o
          WHERE ((o.webhook_id = w.id) AND (o.status = ANY (ARRAY['pending'::text, 'sending'::text, 'held'::text])))) waiting ON (true))
     LEFT JOIN LATERAL ( SELECT count(*) FILTER (WHERE (o.status = ANY (ARRAY['delivered'::text, 'dead'::text]))) AS finished,
            count(*) FILTER (WHERE (o.status = 'delivered'::text)) AS delivered,
            percentile_cont((0.5)::double precision) WITHIN GROUP (ORDER BY (((EXTRACT(epoch FROM (o.finished_at - e.created_at)) * (1000)::numeric))::double precision)) FILTER (WHERE (o.status = 'delivered'::text)) AS p50_ms,
            percentile_cont((0.95)::double precision) WITHIN GROUP (ORDER BY (((EXTRACT(epoch FROM (o.finished_at - e.created_at)) * (1000)::numeric))::double precision)) FILTER (WHERE (o.status = 'delivered'::text)) AS p95_ms
           FROM (rowhook.outbox o
             JOIN rowhook.event e ON ((e.id = o.event_id)))
          WHERE ((o.webhook_id = w.id) AND (o.finished_at > (now() - '24:00:00'::interval)))) day ON (true))
     LEFT JOIN LATERAL ( SELECT newest.last_error
           FROM (( SELECT o.id,
                    o.created_at,
                    o.last_error
                   FROM rowhook.outbox o
                  WHERE ((o.webhook_id = w.id) AND (o.status = 'pending'::text) AND (o.last_error IS NOT NULL))
                  ORDER BY o.created_at DESC
                 LIMIT 1)
                UNION ALL
                ( SELECT o.id,
                    o.created_at,
                    o.last_error
                   FROM rowhook.outbox o
                  WHERE ((o.webhook_id = w.id) AND (o.status = 'sending'::text) AND (o.last_error IS NOT NULL))
                  ORDER BY o.created_at DESC
                 LIMIT 1)
                UNION ALL
                ( SELECT o.id,
                    o.created_at,
                    o.last_error
                   FROM rowhook.outbox o
                  WHERE ((o.webhook_id = w.id) AND (o.status = 'held'::text) AND (o.last_error IS NOT NULL))
                  ORDER BY o.created_at DESC
                 LIMIT 1)
                UNION ALL
                ( SELECT o.id,
                    o.created_at,
                    o.last_error
                   FROM rowhook.outbox o
                  WHERE ((o.webhook_id = w.id) AND (o.status = 'dead'::text) AND (o.last_error IS NOT NULL))
                  ORDER BY o.created_at DESC
                 LIMIT 1)) newest
          ORDER BY newest.created_at DESC, newest.id DESC
         LIMIT 1) failure ON (true));


--
-- Name: VIEW webhook_health; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON VIEW rowhook.webhook_health IS 'one row a webhook: what waits, what came of the last 24 hours, and its circuit';


--
-- Name: webhook_secret; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.webhook_secret (
    webhook_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    secret_id text NOT NULL
);


--
-- Name: worker; Type: TABLE; Schema: rowhook; Owner: -
--

CREATE TABLE rowhook.worker (
    id uuid NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    in_flight integer DEFAULT 0 NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: pgqueuer; Type: TABLE; Schema: rowhook_pgqueuer; Owner: -
--

CREATE TABLE rowhook_pgqueuer.pgqueuer (
    id bigint NOT NULL,
    priority integer NOT NULL,
    queue_manager_id uuid,
    created timestamp with time zone DEFAULT now() NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    heartbeat timestamp with time zone DEFAULT now() NOT NULL,
    execute_after timestamp with time zone DEFAULT now() NOT NULL,
    status rowhook_pgqueuer.pgqueuer_status NOT NULL,
    entrypoint text NOT NULL,
    dedupe_key text,
    payload bytea,
    headers jsonb,
    attempts integer DEFAULT 0 NOT NULL,
    slot bigint
);


--
-- Name: pgqueuer_id_seq; Type: SEQUENCE; Schema: rowhook_pgqueuer; Owner: -
--

CREATE SEQUENCE rowhook_pgqueuer.pgqueuer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: pgqueuer_id_seq; Type: SEQUENCE OWNED BY; Schema: rowhook_pgqueuer; Owner: -
--

ALTER SEQUENCE rowhook_pgqueuer.pgqueuer_id_seq OWNED BY rowhook_pgqueuer.pgqueuer.id;


--
-- Name: pgqueuer_log; Type: TABLE; Schema: rowhook_pgqueuer; Owner: -
--

CREATE TABLE rowhook_pgqueuer.pgqueuer_log (
    id bigint NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    job_id bigint NOT NULL,
    status rowhook_pgqueuer.pgqueuer_status NOT NULL,
    priority integer NOT NULL,
    entrypoint text NOT NULL,
    traceback jsonb,
    aggregated boolean DEFAULT false
);


--
-- Name: pgqueuer_log_id_seq; Type: SEQUENCE; Schema: rowhook_pgqueuer; Owner: -
--

ALTER TABLE rowhook_pgqueuer.pgqueuer_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME rowhook_pgqueuer.pgqueuer_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: pgqueuer_schedules; Type: TABLE; Schema: rowhook_pgqueuer; Owner: -
--

CREATE TABLE rowhook_pgqueuer.pgqueuer_schedules (
    id bigint NOT NULL,
    expression text NOT NULL,
    entrypoint text NOT NULL,
    heartbeat timestamp with time zone DEFAULT now() NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    next_run timestamp with time zone DEFAULT now() NOT NULL,
    last_run timestamp with time zone,
    status rowhook_pgqueuer.pgqueuer_status DEFAULT 'queued'::rowhook_pgqueuer.pgqueuer_status
);


--
-- Name: pgqueuer_schedules_id_seq; Type: SEQUENCE; Schema: rowhook_pgqueuer; Owner: -
--

CREATE SEQUENCE rowhook_pgqueuer.pgqueuer_schedules_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: pgqueuer_schedules_id_seq; Type: SEQUENCE OWNED BY; Schema: rowhook_pgqueuer; Owner: -
--

ALTER SEQUENCE rowhook_pgqueuer.pgqueuer_schedules_id_seq OWNED BY rowhook_pgqueuer.pgqueuer_schedules.id;


--
-- Name: pgqueuer_statistics; Type: TABLE; Schema: rowhook_pgqueuer; Owner: -
--

CREATE TABLE rowhook_pgqueuer.pgqueuer_statistics (
    id bigint NOT NULL,
    created timestamp with time zone DEFAULT date_trunc('sec'::text, now()) NOT NULL,
    count bigint NOT NULL,
    priority integer NOT NULL,
    status rowhook_pgqueuer.pgqueuer_status NOT NULL,
    entrypoint text NOT NULL
);


--
-- Name: pgqueuer_statistics_id_seq; Type: SEQUENCE; Schema: rowhook_pgqueuer; Owner: -
--

CREATE SEQUENCE rowhook_pgqueuer.pgqueuer_statistics_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: pgqueuer_statistics_id_seq; Type: SEQUENCE OWNED BY; Schema: rowhook_pgqueuer; Owner: -
--

ALTER SEQUENCE rowhook_pgqueuer.pgqueuer_statistics_id_seq OWNED BY rowhook_pgqueuer.pgqueuer_statistics.id;


--
-- Name: attempt_default; Type: TABLE ATTACH; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.attempt ATTACH PARTITION rowhook.attempt_default DEFAULT;


--
-- Name: pgqueuer id; Type: DEFAULT; Schema: rowhook_pgqueuer; Owner: -
--

ALTER TABLE ONLY rowhook_pgqueuer.pgqueuer ALTER COLUMN id SET DEFAULT nextval('rowhook_pgqueuer.pgqueuer_id_seq'::regclass);


--
-- Name: pgqueuer_schedules id; Type: DEFAULT; Schema: rowhook_pgqueuer; Owner: -
--

ALTER TABLE ONLY rowhook_pgqueuer.pgqueuer_schedules ALTER COLUMN id SET DEFAULT nextval('rowhook_pgqueuer.pgqueuer_schedules_id_seq'::regclass);


--
-- Name: pgqueuer_statistics id; Type: DEFAULT; Schema: rowhook_pgqueuer; Owner: -
--

ALTER TABLE ONLY rowhook_pgqueuer.pgqueuer_statistics ALTER COLUMN id SET DEFAULT nextval('rowhook_pgqueuer.pgqueuer_statistics_id_seq'::regclass);


--
-- Data for Name: agent; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.agent VALUES ('51489eb9-2fbf-4062-aed0-19af024e18d1', '9152cff2-602a-488d-abe7-6e1f2255f511', 'Ann');


--
-- Data for Name: agent_version; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.agent_version VALUES ('2d1c04a9-0891-4d61-9a0a-7fc7662f4d74', '51489eb9-2fbf-4062-aed0-19af024e18d1', 'v1');


--
-- Data for Name: api_key; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.api_key VALUES ('c231abbf-3097-4a47-add4-e3b3292e9d30', '9152cff2-602a-488d-abe7-6e1f2255f511', 'ci', '\xc595046a5a72051d66e155b9208d3c52b7bc4c4fcd002c275ab80ab03be239c4', '{read,write}', NULL, NULL, '2026-11-29 23:47:54.469497+00');


--
-- Data for Name: attempt_default; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.attempt_default VALUES (1, 1, 1, '2026-01-01 00:00:00+00', 1.5, NULL, NULL, 'delivered', 200, NULL, '{"method": "POST", "url": "http://127.0.0.1:38327/hook", "headers": {}, "body": "{}"}', '{"content-type": "text/plain"}', 'ok');
INSERT INTO rowhook.attempt_default VALUES (2, 1, 1, '2026-01-01 00:00:00+00', 1.5, NULL, NULL, 'render_failed', NULL, 'data.nmae is not defined', NULL, NULL, NULL);
INSERT INTO rowhook.attempt_default VALUES (4, 1, 1, '2026-01-01 00:00:00+00', 1.5, NULL, NULL, 'status', 503, 'answered 503', NULL, NULL, NULL);
INSERT INTO rowhook.attempt_default VALUES (10, 1, 1, '2026-01-01 00:00:00+00', 1.5, NULL, NULL, 'status', 503, 'answered 503', NULL, NULL, NULL);


--
-- Data for Name: audit; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.audit OVERRIDING SYSTEM VALUE VALUES (1, '9152cff2-602a-488d-abe7-6e1f2255f511', 'a test', 'secret.created', 'crm', NULL, '{"id": "crm", "version": 1, "created_at": "2026-11-29T23:47:53.762499+00:00", "allowed_hosts": null, "organization_id": "9152cff2-602a-488d-abe7-6e1f2255f511"}', '2026-11-29 23:47:53.762499+00');
INSERT INTO rowhook.audit OVERRIDING SYSTEM VALUE VALUES (2, '9152cff2-602a-488d-abe7-6e1f2255f511', 'a test', 'webhook.created', 'c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', NULL, '{"id": "c6eccc3f-a85f-462c-b476-b2a41ec4e6f1", "url": "http://127.0.0.1:38327/hook", "kind": "http", "name": "/hook", "state": "active", "method": "POST", "schema": null, "headers": {"Authorization": "Bearer {{secret:crm}}"}, "ordered": false, "metadata": {}, "revision": 1, "condition": null, "timeout_s": 15, "created_at": "2026-11-29T23:47:53.8101+00:00", "rate_per_s": 100, "description": null, "event_types": [], "raw_payload": false, "body_template": "{\"amount\": {{data.amount}}, \"locale\": \"{{context.locale}}\"}", "max_in_flight": 10, "required_paths": [{"path": ["locale"], "root": "context"}, {"path": ["amount"], "root": "data"}], "disabled_reason": null, "organization_id": "9152cff2-602a-488d-abe7-6e1f2255f511", "retry_schedule_s": [0, 1]}', '2026-11-29 23:47:53.8101+00');
INSERT INTO rowhook.audit OVERRIDING SYSTEM VALUE VALUES (3, '9152cff2-602a-488d-abe7-6e1f2255f511', 'a test', 'link.created', 'c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', NULL, '{"id": 1, "goal_id": "goal_bce60122", "agent_id": null, "created_at": "2026-11-29T23:47:53.854154+00:00", "webhook_id": "c6eccc3f-a85f-462c-b476-b2a41ec4e6f1", "organization_id": "9152cff2-602a-488d-abe7-6e1f2255f511"}', '2026-11-29 23:47:53.854154+00');
INSERT INTO rowhook.audit OVERRIDING SYSTEM VALUE VALUES (4, '9152cff2-602a-488d-abe7-6e1f2255f511', 'rowhook', 'delivery.cancelled', '6', NULL, '{"count" : 1, "first_ids" : [6], "asked" : null}', '2026-11-29 23:47:54.118308+00');
INSERT INTO rowhook.audit OVERRIDING SYSTEM VALUE VALUES (5, '9152cff2-602a-488d-abe7-6e1f2255f511', 'a test', 'webhook.secret_rotated', 'c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', NULL, '{"version" : 2, "overlap" : "365 days"}', '2026-11-29 23:47:54.163196+00');
INSERT INTO rowhook.audit OVERRIDING SYSTEM VALUE VALUES (6, '9152cff2-602a-488d-abe7-6e1f2255f511', 'a test', 'webhook.changed', 'c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', '{"id": "c6eccc3f-a85f-462c-b476-b2a41ec4e6f1", "url": "http://127.0.0.1:38327/hook", "kind": "http", "name": "/hook", "state": "active", "method": "POST", "schema": null, "headers": {"Authorization": "Bearer {{secret:crm}}"}, "ordered": false, "metadata": {}, "revision": 1, "condition": null, "timeout_s": 15, "created_at": "2026-11-29T23:47:53.8101+00:00", "rate_per_s": 100, "description": null, "event_types": [], "raw_payload": false, "body_template": "{\"amount\": {{data.amount}}, \"locale\": \"{{context.locale}}\"}", "max_in_flight": 10, "required_paths": [{"path": ["locale"], "root": "context"}, {"path": ["amount"], "root": "data"}], "disabled_reason": null, "organization_id": "9152cff2-602a-488d-abe7-6e1f2255f511", "retry_schedule_s": [0, 1]}', '{"id": "c6eccc3f-a85f-462c-b476-b2a41ec4e6f1", "url": "http://127.0.0.1:38327/hook", "kind": "http", "name": "/hook", "state": "paused", "method": "POST", "schema": null, "headers": {"Authorization": "Bearer {{secret:crm}}"}, "ordered": false, "metadata": {}, "revision": 1, "condition": null, "timeout_s": 15, "created_at": "2026-11-29T23:47:53.8101+00:00", "rate_per_s": 100, "description": null, "event_types": [], "raw_payload": false, "body_template": "{\"amount\": {{data.amount}}, \"locale\": \"{{context.locale}}\"}", "max_in_flight": 10, "required_paths": [{"path": ["locale"], "root": "context"}, {"path": ["amount"], "root": "data"}], "disabled_reason": null, "organization_id": "9152cff2-602a-488d-abe7-6e1f2255f511", "retry_schedule_s": [0, 1]}', '2026-11-29 23:47:54.189569+00');
INSERT INTO rowhook.audit OVERRIDING SYSTEM VALUE VALUES (7, '9152cff2-602a-488d-abe7-6e1f2255f511', 'a test', 'webhook.changed', 'c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', '{"id": "c6eccc3f-a85f-462c-b476-b2a41ec4e6f1", "url": "http://127.0.0.1:38327/hook", "kind": "http", "name": "/hook", "state": "paused", "method": "POST", "schema": null, "headers": {"Authorization": "Bearer {{secret:crm}}"}, "ordered": false, "metadata": {}, "revision": 1, "condition": null, "timeout_s": 15, "created_at": "2026-11-29T23:47:53.8101+00:00", "rate_per_s": 100, "description": null, "event_types": [], "raw_payload": false, "body_template": "{\"amount\": {{data.amount}}, \"locale\": \"{{context.locale}}\"}", "max_in_flight": 10, "required_paths": [{"path": ["locale"], "root": "context"}, {"path": ["amount"], "root": "data"}], "disabled_reason": null, "organization_id": "9152cff2-602a-488d-abe7-6e1f2255f511", "retry_schedule_s": [0, 1]}', '{"id": "c6eccc3f-a85f-462c-b476-b2a41ec4e6f1", "url": "http://127.0.0.1:38327/hook", "kind": "http", "name": "/hook", "state": "active", "method": "POST", "schema": null, "headers": {"Authorization": "Bearer {{secret:crm}}"}, "ordered": false, "metadata": {}, "revision": 1, "condition": null, "timeout_s": 15, "created_at": "2026-11-29T23:47:53.8101+00:00", "rate_per_s": 100, "description": null, "event_types": [], "raw_payload": false, "body_template": "{\"amount\": {{data.amount}}, \"locale\": \"{{context.locale}}\"}", "max_in_flight": 10, "required_paths": [{"path": ["locale"], "root": "context"}, {"path": ["amount"], "root": "data"}], "disabled_reason": null, "organization_id": "9152cff2-602a-488d-abe7-6e1f2255f511", "retry_schedule_s": [0, 1]}', '2026-11-29 23:47:54.217051+00');
INSERT INTO rowhook.audit OVERRIDING SYSTEM VALUE VALUES (8, '9152cff2-602a-488d-abe7-6e1f2255f511', 'a test', 'webhook.created', '134c304f-bab6-4063-8e2c-71b9158c96f0', NULL, '{"id": "134c304f-bab6-4063-8e2c-71b9158c96f0", "url": null, "kind": "frontend", "name": "page", "state": "active", "method": "POST", "schema": null, "headers": {}, "ordered": false, "metadata": {}, "revision": 1, "condition": null, "timeout_s": 15, "created_at": "2026-11-29T23:47:54.252359+00:00", "rate_per_s": null, "description": null, "event_types": [], "raw_payload": false, "body_template": "{\"amount\": {{data.amount}}}", "max_in_flight": 10, "required_paths": [{"path": ["amount"], "root": "data"}], "disabled_reason": null, "organization_id": "9152cff2-602a-488d-abe7-6e1f2255f511", "retry_schedule_s": [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]}', '2026-11-29 23:47:54.252359+00');
INSERT INTO rowhook.audit OVERRIDING SYSTEM VALUE VALUES (9, '9152cff2-602a-488d-abe7-6e1f2255f511', 'a test', 'link.created', '134c304f-bab6-4063-8e2c-71b9158c96f0', NULL, '{"id": 2, "goal_id": "goal_bce60122", "agent_id": null, "created_at": "2026-11-29T23:47:54.274061+00:00", "webhook_id": "134c304f-bab6-4063-8e2c-71b9158c96f0", "organization_id": "9152cff2-602a-488d-abe7-6e1f2255f511"}', '2026-11-29 23:47:54.274061+00');
INSERT INTO rowhook.audit OVERRIDING SYSTEM VALUE VALUES (10, '9152cff2-602a-488d-abe7-6e1f2255f511', 'a test', 'webhook.created', '5d60ee8c-93e3-4b43-8f20-53ef1debcf0d', NULL, '{"id": "5d60ee8c-93e3-4b43-8f20-53ef1debcf0d", "url": "http://127.0.0.1:38327/job", "kind": "http", "name": "job", "state": "active", "method": "POST", "schema": null, "headers": {}, "ordered": false, "metadata": {}, "revision": 1, "condition": null, "timeout_s": 15, "created_at": "2026-11-29T23:47:54.345885+00:00", "rate_per_s": null, "description": null, "event_types": [], "raw_payload": false, "body_template": null, "max_in_flight": 10, "required_paths": [], "disabled_reason": null, "organization_id": "9152cff2-602a-488d-abe7-6e1f2255f511", "retry_schedule_s": [0]}', '2026-11-29 23:47:54.345885+00');
INSERT INTO rowhook.audit OVERRIDING SYSTEM VALUE VALUES (11, '9152cff2-602a-488d-abe7-6e1f2255f511', 'a test', 'link.created', '5d60ee8c-93e3-4b43-8f20-53ef1debcf0d', NULL, '{"id": 3, "goal_id": null, "agent_id": "51489eb9-2fbf-4062-aed0-19af024e18d1", "created_at": "2026-11-29T23:47:54.365494+00:00", "webhook_id": "5d60ee8c-93e3-4b43-8f20-53ef1debcf0d", "organization_id": "9152cff2-602a-488d-abe7-6e1f2255f511"}', '2026-11-29 23:47:54.365494+00');
INSERT INTO rowhook.audit OVERRIDING SYSTEM VALUE VALUES (12, '9152cff2-602a-488d-abe7-6e1f2255f511', 'a test', 'api_key.created', 'c231abbf-3097-4a47-add4-e3b3292e9d30', NULL, '{"id": "c231abbf-3097-4a47-add4-e3b3292e9d30", "name": "ci", "scopes": ["read", "write"], "created_at": "2026-11-29T23:47:54.469497+00:00", "expires_at": null, "organization_id": "9152cff2-602a-488d-abe7-6e1f2255f511"}', '2026-11-29 23:47:54.469497+00');


--
-- Data for Name: callback; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.callback VALUES (9, 1, '9152cff2-602a-488d-abe7-6e1f2255f511', 'session_1', 1, 1, '{"amount": 2.50}', '2026-11-29 23:47:54.317094+00', NULL, false);


--
-- Data for Name: capture_error; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.capture_error OVERRIDING SYSTEM VALUE VALUES (1, 'commit', '{commit_failed}', '42883', 'function does not exist', '2026-11-29 23:47:53.730304+00', NULL);


--
-- Data for Name: capture_source; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.capture_source VALUES ('job', false, '2026-11-29 23:47:52.926026+00', '2026-11-29 23:47:52.926026+00', '2026-11-29 23:47:52.926026+00', '762', NULL, NULL, '-infinity');
INSERT INTO rowhook.capture_source VALUES ('commit', false, '2026-11-29 23:47:52.926026+00', '2026-11-29 23:47:52.926026+00', '2026-11-29 23:47:52.926026+00', '762', NULL, NULL, '-infinity');


--
-- Data for Name: chore; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.chore VALUES ('c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', '2026-11-29 23:47:54.163196+00', '2026-11-29 23:47:54.217051+00', NULL);


--
-- Data for Name: commit; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.commit VALUES ('commit_35860b831dbf4f08b6da8149ca1e778a', 'goal_bce60122', 'session_1', NULL, '{"amount": 1.00}', '2026-11-29 23:47:53.871437+00');
INSERT INTO rowhook.commit VALUES ('commit_eb50c1b149014559a3b17a69246baec6', 'goal_bce60122', 'session_1', NULL, '{"amount": 1.10}', '2026-11-29 23:47:53.905543+00');
INSERT INTO rowhook.commit VALUES ('commit_69a28d46b04e4b0b974bbdd0e2e18a36', 'goal_bce60122', 'session_1', NULL, '{"amount": 1.20}', '2026-11-29 23:47:53.909922+00');
INSERT INTO rowhook.commit VALUES ('commit_77f5219928f748d0bd95b3f0ba7d05b6', 'goal_bce60122', 'session_1', NULL, '{"amount": 1.30}', '2026-11-29 23:47:53.913868+00');
INSERT INTO rowhook.commit VALUES ('commit_1e7d7c5f7133414ca59ad3f13d786ce8', 'goal_bce60122', 'session_1', NULL, '{"amount": 1.40}', '2026-11-29 23:47:53.925393+00');
INSERT INTO rowhook.commit VALUES ('commit_79245397a20e4a2e888c479b8402d88f', 'goal_bce60122', 'session_1', NULL, '{"amount": 1.50}', '2026-11-29 23:47:53.943284+00');
INSERT INTO rowhook.commit VALUES ('commit_f5383a1b956642109946df1f89ddf1e4', 'goal_bce60122', 'session_1', NULL, '{"amount": 1.60}', '2026-11-29 23:47:53.949998+00');
INSERT INTO rowhook.commit VALUES ('commit_89c9cbbf791d4daf83894d276f30bceb', 'goal_bce60122', 'session_1', NULL, '{"amount": 2.50}', '2026-11-29 23:47:54.290219+00');


--
-- Data for Name: event; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.event VALUES (1, '9152cff2-602a-488d-abe7-6e1f2255f511', 'goal.committed', 'commit_35860b831dbf4f08b6da8149ca1e778a', NULL, 'commit_35860b831dbf4f08b6da8149ca1e778a', NULL, 'goal_bce60122', 'session_1', '{"commit_id":"commit_35860b831dbf4f08b6da8149ca1e778a","committed_at":"2026-11-29T23:47:53.871437Z","goal":{"id":"goal_bce60122"},"template":{"id":"template_1"},"session":{"id":"session_1"},"interview":{"id":null},"organization":{"id":"9152cff2-602a-488d-abe7-6e1f2255f511","name":"Acme"}}', '{"amount": 1.00}', '{"locale": "de"}', NULL, '2026-11-29 23:47:53.871437+00', '2026-11-29 23:47:53.880397+00', '779');
INSERT INTO rowhook.event VALUES (2, '9152cff2-602a-488d-abe7-6e1f2255f511', 'goal.committed', 'commit_eb50c1b149014559a3b17a69246baec6', NULL, 'commit_eb50c1b149014559a3b17a69246baec6', NULL, 'goal_bce60122', 'session_1', '{"commit_id":"commit_eb50c1b149014559a3b17a69246baec6","committed_at":"2026-11-29T23:47:53.905543Z","goal":{"id":"goal_bce60122"},"template":{"id":"template_1"},"session":{"id":"session_1"},"interview":{"id":null},"organization":{"id":"9152cff2-602a-488d-abe7-6e1f2255f511","name":"Acme"}}', '{"amount": 1.10}', '{"locale": "de"}', NULL, '2026-11-29 23:47:53.905543+00', '2026-11-29 23:47:53.906089+00', '781');
INSERT INTO rowhook.event VALUES (3, '9152cff2-602a-488d-abe7-6e1f2255f511', 'goal.committed', 'commit_69a28d46b04e4b0b974bbdd0e2e18a36', NULL, 'commit_69a28d46b04e4b0b974bbdd0e2e18a36', NULL, 'goal_bce60122', 'session_1', '{"commit_id":"commit_69a28d46b04e4b0b974bbdd0e2e18a36","committed_at":"2026-11-29T23:47:53.909922Z","goal":{"id":"goal_bce60122"},"template":{"id":"template_1"},"session":{"id":"session_1"},"interview":{"id":null},"organization":{"id":"9152cff2-602a-488d-abe7-6e1f2255f511","name":"Acme"}}', '{"amount": 1.20}', '{"locale": "de"}', NULL, '2026-11-29 23:47:53.909922+00', '2026-11-29 23:47:53.910293+00', '783');
INSERT INTO rowhook.event VALUES (4, '9152cff2-602a-488d-abe7-6e1f2255f511', 'goal.committed', 'commit_77f5219928f748d0bd95b3f0ba7d05b6', NULL, 'commit_77f5219928f748d0bd95b3f0ba7d05b6', NULL, 'goal_bce60122', 'session_1', '{"commit_id":"commit_77f5219928f748d0bd95b3f0ba7d05b6","committed_at":"2026-11-29T23:47:53.913868Z","goal":{"id":"goal_bce60122"},"template":{"id":"template_1"},"session":{"id":"session_1"},"interview":{"id":null},"organization":{"id":"9152cff2-602a-488d-abe7-6e1f2255f511","name":"Acme"}}', '{"amount": 1.30}', '{"locale": "de"}', NULL, '2026-11-29 23:47:53.913868+00', '2026-11-29 23:47:53.914191+00', '785');
INSERT INTO rowhook.event VALUES (5, '9152cff2-602a-488d-abe7-6e1f2255f511', 'goal.committed', 'commit_1e7d7c5f7133414ca59ad3f13d786ce8', NULL, 'commit_1e7d7c5f7133414ca59ad3f13d786ce8', NULL, 'goal_bce60122', 'session_1', '{"commit_id":"commit_1e7d7c5f7133414ca59ad3f13d786ce8","committed_at":"2026-11-29T23:47:53.925393Z","goal":{"id":"goal_bce60122"},"template":{"id":"template_1"},"session":{"id":"session_1"},"interview":{"id":null},"organization":{"id":"9152cff2-602a-488d-abe7-6e1f2255f511","name":"Acme"}}', '{"amount": 1.40}', '{"locale": "de"}', NULL, '2026-11-29 23:47:53.925393+00', '2026-11-29 23:47:53.925969+00', '787');
INSERT INTO rowhook.event VALUES (6, '9152cff2-602a-488d-abe7-6e1f2255f511', 'goal.committed', 'commit_79245397a20e4a2e888c479b8402d88f', NULL, 'commit_79245397a20e4a2e888c479b8402d88f', NULL, 'goal_bce60122', 'session_1', '{"commit_id":"commit_79245397a20e4a2e888c479b8402d88f","committed_at":"2026-11-29T23:47:53.943284Z","goal":{"id":"goal_bce60122"},"template":{"id":"template_1"},"session":{"id":"session_1"},"interview":{"id":null},"organization":{"id":"9152cff2-602a-488d-abe7-6e1f2255f511","name":"Acme"}}', '{"amount": 1.50}', '{"locale": "de"}', NULL, '2026-11-29 23:47:53.943284+00', '2026-11-29 23:47:53.943747+00', '789');
INSERT INTO rowhook.event VALUES (7, '9152cff2-602a-488d-abe7-6e1f2255f511', 'goal.committed', 'commit_f5383a1b956642109946df1f89ddf1e4', NULL, 'commit_f5383a1b956642109946df1f89ddf1e4', NULL, 'goal_bce60122', 'session_1', '{"commit_id":"commit_f5383a1b956642109946df1f89ddf1e4","committed_at":"2026-11-29T23:47:53.949998Z","goal":{"id":"goal_bce60122"},"template":{"id":"template_1"},"session":{"id":"session_1"},"interview":{"id":null},"organization":{"id":"9152cff2-602a-488d-abe7-6e1f2255f511","name":"Acme"}}', '{"amount": 1.60}', '{"locale": "de"}', NULL, '2026-11-29 23:47:53.949998+00', '2026-11-29 23:47:53.950304+00', '791');
INSERT INTO rowhook.event VALUES (8, '9152cff2-602a-488d-abe7-6e1f2255f511', 'goal.committed', 'commit_89c9cbbf791d4daf83894d276f30bceb', NULL, 'commit_89c9cbbf791d4daf83894d276f30bceb', NULL, 'goal_bce60122', 'session_1', '{"commit_id":"commit_89c9cbbf791d4daf83894d276f30bceb","committed_at":"2026-11-29T23:47:54.290219Z","goal":{"id":"goal_bce60122"},"template":{"id":"template_1"},"session":{"id":"session_1"},"interview":{"id":null},"organization":{"id":"9152cff2-602a-488d-abe7-6e1f2255f511","name":"Acme"}}', '{"amount": 2.50}', '{"locale": "de"}', NULL, '2026-11-29 23:47:54.290219+00', '2026-11-29 23:47:54.290546+00', '806');
INSERT INTO rowhook.event VALUES (9, '9152cff2-602a-488d-abe7-6e1f2255f511', 'job.failed', '66c3e8ab-1f71-43b2-86bd-c95d37aa4e10', '66c3e8ab-1f71-43b2-86bd-c95d37aa4e10', NULL, '51489eb9-2fbf-4062-aed0-19af024e18d1', NULL, NULL, '{"agent":{"id":"51489eb9-2fbf-4062-aed0-19af024e18d1","name":"Ann"},"agent_version":{"id":"2d1c04a9-0891-4d61-9a0a-7fc7662f4d74","name":"v1"},"job":{"id":"66c3e8ab-1f71-43b2-86bd-c95d37aa4e10","status":"failed","status_code":null,"cost":null,"created_at":"2026-11-29T23:47:54.380554Z","completed_at":"2026-11-29T23:47:54.394493Z"},"organization":{"id":"9152cff2-602a-488d-abe7-6e1f2255f511","name":"Acme"}}', NULL, '{}', NULL, '2026-11-29 23:47:54.394493+00', '2026-11-29 23:47:54.396882+00', '813');
INSERT INTO rowhook.event VALUES (10, '9152cff2-602a-488d-abe7-6e1f2255f511', 'job.succeeded', 'cad31aa2-3d2a-4605-a86d-0edfe2cde865', 'cad31aa2-3d2a-4605-a86d-0edfe2cde865', NULL, '51489eb9-2fbf-4062-aed0-19af024e18d1', NULL, NULL, '{"agent":{"id":"51489eb9-2fbf-4062-aed0-19af024e18d1","name":"Ann"},"agent_version":{"id":"2d1c04a9-0891-4d61-9a0a-7fc7662f4d74","name":"v1"},"job":{"id":"cad31aa2-3d2a-4605-a86d-0edfe2cde865","status":"succeeded","status_code":null,"cost":0.0042,"created_at":"2026-11-29T23:47:54.442660Z","completed_at":"2026-11-29T23:47:54.444717Z"},"organization":{"id":"9152cff2-602a-488d-abe7-6e1f2255f511","name":"Acme"}}', '{"digits": 1.10}', '{}', NULL, '2026-11-29 23:47:54.444717+00', '2026-11-29 23:47:54.444977+00', '818');


--
-- Data for Name: goal; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.goal VALUES ('goal_bce60122', '9152cff2-602a-488d-abe7-6e1f2255f511', 'template_1', 'Goal');


--
-- Data for Name: idempotent_request; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.idempotent_request VALUES ('ci', 'once', '\x3030303030303030303030303030303030303030303030303030303030303030', '\x077570677261646595208403c0268ceed8afab0e7b5af770b82995c280fa9c676d1cce9b87a7b9c5121eaa3ce0deb563cf1aa57b7057ce596cd3f1bb7a866ee33e52605f6b479c871bd8dcbf23', '2026-11-29 23:47:54.489305+00');


--
-- Data for Name: job; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.job VALUES ('66c3e8ab-1f71-43b2-86bd-c95d37aa4e10', '2d1c04a9-0891-4d61-9a0a-7fc7662f4d74', 'failed', NULL, NULL, NULL, '{}', '2026-11-29 23:47:54.380554+00', '2026-11-29 23:47:54.394493+00');
INSERT INTO rowhook.job VALUES ('cad31aa2-3d2a-4605-a86d-0edfe2cde865', '2d1c04a9-0891-4d61-9a0a-7fc7662f4d74', 'succeeded', NULL, 0.0042, '{"digits": 1.10}', '{}', '2026-11-29 23:47:54.44266+00', '2026-11-29 23:47:54.444717+00');


--
-- Data for Name: keyring_check; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.keyring_check VALUES (true, '\x077570677261646565d47a5e3ad4d98a560ccb23f5fd5e4170998a0a4e9e26219ac50c3c025d1cc65ed0905a730123ba8fe599dd8b7c2b7ea886d9e480e59a81');


--
-- Data for Name: lane_state; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.lane_state VALUES ('c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', 'closed', 0, NULL, 0, 0.5, NULL, 0, 8, '2026-11-29 23:47:54.305832+00');
INSERT INTO rowhook.lane_state VALUES ('5d60ee8c-93e3-4b43-8f20-53ef1debcf0d', 'closed', 1, '2026-11-29 23:47:54.429876+00', 0, 0, NULL, 0, NULL, NULL);


--
-- Data for Name: link; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.link OVERRIDING SYSTEM VALUE VALUES (1, '9152cff2-602a-488d-abe7-6e1f2255f511', 'c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', NULL, 'goal_bce60122', '2026-11-29 23:47:53.854154+00');
INSERT INTO rowhook.link OVERRIDING SYSTEM VALUE VALUES (2, '9152cff2-602a-488d-abe7-6e1f2255f511', '134c304f-bab6-4063-8e2c-71b9158c96f0', NULL, 'goal_bce60122', '2026-11-29 23:47:54.274061+00');
INSERT INTO rowhook.link OVERRIDING SYSTEM VALUE VALUES (3, '9152cff2-602a-488d-abe7-6e1f2255f511', '5d60ee8c-93e3-4b43-8f20-53ef1debcf0d', '51489eb9-2fbf-4062-aed0-19af024e18d1', NULL, '2026-11-29 23:47:54.365494+00');


--
-- Data for Name: migration; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.migration VALUES ('0001_roles', 'a2ff822960b0e571acf5bab799eb070537cc92e3b93b41c7b4f9fb2b3e448962', '2026-11-29 23:47:52.633249+00');
INSERT INTO rowhook.migration VALUES ('0002_platform', '57687b8963a032fe0f5b42fedf25a99ab9c47f0d3396659eb1d85fd7a27f28af', '2026-11-29 23:47:52.660672+00');
INSERT INTO rowhook.migration VALUES ('0003_webhook', 'ad1f2148850bbb8631439d4b1db2a1a2d8f221c6d410ea1b83e701da28f0acb8', '2026-11-29 23:47:52.75846+00');
INSERT INTO rowhook.migration VALUES ('0004_outbox', 'f7f0720d40e35aaf91228f9b4a588b8ca7d919f7454f31430525ae4916d2af2a', '2026-11-29 23:47:52.926026+00');
INSERT INTO rowhook.migration VALUES ('0005_service', '7d1ae163a974725d671452305c77add27960462f16bc3766d272c64e97390de7', '2026-11-29 23:47:53.070176+00');
INSERT INTO rowhook.migration VALUES ('0006_callback', '15f0a1ff5fc29cb3944d410bef62419cb03571a4756e416481758674c352355c', '2026-11-29 23:47:53.118055+00');
INSERT INTO rowhook.migration VALUES ('0007_sign_in', 'd0250b5e79b81ba403ed173ca3c557f6ffe6b4328812f91620e1e5b563b47a8a', '2026-11-29 23:47:53.153978+00');
INSERT INTO rowhook.migration VALUES ('engine', '76e6cd93003c28ced9a4166b3615fe91cfa6c39a95f09aff3a8365b9066353e5', '2026-11-29 23:47:53.183486+00');


--
-- Data for Name: organization; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.organization VALUES ('9152cff2-602a-488d-abe7-6e1f2255f511', 'Acme');


--
-- Data for Name: outbox; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.outbox OVERRIDING SYSTEM VALUE VALUES (5, 5, 'c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', '9152cff2-602a-488d-abe7-6e1f2255f511', 'sending', false, false, 0, 0, 0, 5, '747a7d52-1b23-4072-88d3-6bf86b7e01b4', '2026-11-29 23:48:13.977348+00', NULL, NULL, '2026-11-29 23:47:53.926056+00', NULL, NULL, NULL);
INSERT INTO rowhook.outbox OVERRIDING SYSTEM VALUE VALUES (1, 1, 'c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', '9152cff2-602a-488d-abe7-6e1f2255f511', 'delivered', false, false, 1, 1, 0, 8, NULL, NULL, NULL, NULL, '2026-11-29 23:47:53.890485+00', '2026-11-29 23:47:54.042915+00', 200, NULL);
INSERT INTO rowhook.outbox OVERRIDING SYSTEM VALUE VALUES (2, 2, 'c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', '9152cff2-602a-488d-abe7-6e1f2255f511', 'held', false, false, 1, 1, 0, 9, NULL, NULL, NULL, '2026-11-29 23:47:54.935998+00', '2026-11-29 23:47:53.90617+00', NULL, NULL, 'data.nmae is not defined');
INSERT INTO rowhook.outbox OVERRIDING SYSTEM VALUE VALUES (3, 3, 'c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', '9152cff2-602a-488d-abe7-6e1f2255f511', 'skipped', false, false, 0, 1, 0, 10, NULL, NULL, NULL, NULL, '2026-11-29 23:47:53.910356+00', '2026-11-29 23:47:54.072323+00', NULL, 'the condition was false');
INSERT INTO rowhook.outbox OVERRIDING SYSTEM VALUE VALUES (4, 4, 'c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', '9152cff2-602a-488d-abe7-6e1f2255f511', 'pending', false, false, 1, 1, 0, 11, NULL, NULL, NULL, '2026-11-29 23:47:54.929694+00', '2026-11-29 23:47:53.914249+00', NULL, 503, 'answered 503');
INSERT INTO rowhook.outbox OVERRIDING SYSTEM VALUE VALUES (6, 6, 'c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', '9152cff2-602a-488d-abe7-6e1f2255f511', 'cancelled', false, false, 0, 0, 0, 6, NULL, NULL, NULL, NULL, '2026-11-29 23:47:53.943826+00', '2026-11-29 23:47:54.118308+00', NULL, NULL);
INSERT INTO rowhook.outbox OVERRIDING SYSTEM VALUE VALUES (7, 7, 'c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', '9152cff2-602a-488d-abe7-6e1f2255f511', 'sending', false, false, 0, 0, 0, 13, '704d06bf-1f99-44c7-a237-555d531aab60', '2026-11-29 23:48:14.305832+00', NULL, NULL, '2026-11-29 23:47:53.950374+00', NULL, NULL, NULL);
INSERT INTO rowhook.outbox OVERRIDING SYSTEM VALUE VALUES (8, 8, 'c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', '9152cff2-602a-488d-abe7-6e1f2255f511', 'sending', false, false, 0, 0, 0, 14, '704d06bf-1f99-44c7-a237-555d531aab60', '2026-11-29 23:48:14.305832+00', NULL, NULL, '2026-11-29 23:47:54.290627+00', NULL, NULL, NULL);
INSERT INTO rowhook.outbox OVERRIDING SYSTEM VALUE VALUES (9, 8, '134c304f-bab6-4063-8e2c-71b9158c96f0', '9152cff2-602a-488d-abe7-6e1f2255f511', 'pending', false, false, 0, 1, 0, 16, NULL, NULL, NULL, '2026-11-30 23:47:54.317424+00', '2026-11-29 23:47:54.290674+00', NULL, NULL, NULL);
INSERT INTO rowhook.outbox OVERRIDING SYSTEM VALUE VALUES (10, 9, '5d60ee8c-93e3-4b43-8f20-53ef1debcf0d', '9152cff2-602a-488d-abe7-6e1f2255f511', 'dead', false, false, 1, 1, 0, 18, NULL, NULL, NULL, NULL, '2026-11-29 23:47:54.397038+00', '2026-11-29 23:47:54.429876+00', 503, 'answered 503');
INSERT INTO rowhook.outbox OVERRIDING SYSTEM VALUE VALUES (11, 10, '5d60ee8c-93e3-4b43-8f20-53ef1debcf0d', '9152cff2-602a-488d-abe7-6e1f2255f511', 'pending', true, false, 0, 0, 0, 0, NULL, NULL, NULL, '2026-11-29 23:47:54.444532+00', '2026-11-29 23:47:54.445049+00', NULL, NULL, NULL);


--
-- Data for Name: secret; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.secret VALUES ('9152cff2-602a-488d-abe7-6e1f2255f511', 'crm', 1, '\x0775706772616465ef4c3e8be226687ce240133ea124aec0c1c1e83877adb9aa13769417d1b8494e08ef1f1e16f1d16f21a013f01fa130053015024c5d47', NULL, '2026-11-29 23:47:53.762499+00', '2026-11-29 23:47:53.762499+00');


--
-- Data for Name: session; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.session VALUES ('session_1', '9152cff2-602a-488d-abe7-6e1f2255f511', '{"locale": "de"}', '2026-11-29 23:47:53.721363+00');


--
-- Data for Name: sign_in; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.sign_in VALUES ('\xc8c330825a544155ca03cff070b8f319052988f3440a4c4c83be054c2da11716', true, NULL, '2026-11-30 00:02:54.47779+00');


--
-- Data for Name: signing_secret; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.signing_secret VALUES ('c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', 1, '\x07757067726164651b0729b4ea5e2c3ec46ed659a3832ba6a1283cecf2125475c14fc79a6bbf01196ab9655331e7887e877b897793547d4960340162bf61084d32fa667687fc156c6fadf9c3937ed6d4448efc7ab305', '2026-11-29 23:47:53.8101+00', '2027-11-29 23:47:54.163196+00');
INSERT INTO rowhook.signing_secret VALUES ('c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', 2, '\x0775706772616465aa488233a454d7844742c8e84507a5c9046bdc47262dbf99762ab5debe6907d242af40eea1722d2a01bf1136d4ceb9380dfeadbf2535eaac98231a4befa700129c3d9b5752ca989295f11b98c5fa', '2026-11-29 23:47:54.163196+00', NULL);
INSERT INTO rowhook.signing_secret VALUES ('134c304f-bab6-4063-8e2c-71b9158c96f0', 1, '\x07757067726164652175d3a1cbf8a2c40f3a67b16f67110366cd65ada23221852a701c597c9c1755cc7e0554e9f72a85864969f792901a1e3cc3bb233e707f9fe0b02978e995ed5e3372f0ed70941e83390da64836c1', '2026-11-29 23:47:54.252359+00', NULL);
INSERT INTO rowhook.signing_secret VALUES ('5d60ee8c-93e3-4b43-8f20-53ef1debcf0d', 1, '\x0775706772616465fca0f3f58578b1e3bc6bc518bca0bf4034b123df3062136958e1e3338d736926e4336e443f963b39a61ff90fba45542256bcebd3aa910cc06bb0690579bcc6aee86c98759a8dec142cb9bf1758cd', '2026-11-29 23:47:54.345885+00', NULL);


--
-- Data for Name: test_allowance; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.test_allowance VALUES ('5d60ee8c-93e3-4b43-8f20-53ef1debcf0d', 9, '2026-11-29 23:47:54.503342+00');


--
-- Data for Name: webhook; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.webhook VALUES ('c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', '9152cff2-602a-488d-abe7-6e1f2255f511', '/hook', NULL, '{}', 'http', 'http://127.0.0.1:38327/hook', 'POST', '{"Authorization":"Bearer {{secret:crm}}"}', '{"amount": {{data.amount}}, "locale": "{{context.locale}}"}', false, NULL, NULL, '{}', 15, 10, 100, false, '{0,1}', 'active', NULL, '[{"root":"context","path":["locale"]},{"root":"data","path":["amount"]}]', 1, 2, '2026-11-29 23:47:53.8101+00', '2026-11-29 23:47:54.217051+00');
INSERT INTO rowhook.webhook VALUES ('134c304f-bab6-4063-8e2c-71b9158c96f0', '9152cff2-602a-488d-abe7-6e1f2255f511', 'page', NULL, '{}', 'frontend', NULL, 'POST', '{}', '{"amount": {{data.amount}}}', false, NULL, NULL, '{}', 15, 10, NULL, false, '{0,5,300,1800,7200,18000,36000,50400,72000,86400}', 'active', NULL, '[{"root":"data","path":["amount"]}]', 1, 1, '2026-11-29 23:47:54.252359+00', '2026-11-29 23:47:54.252359+00');
INSERT INTO rowhook.webhook VALUES ('5d60ee8c-93e3-4b43-8f20-53ef1debcf0d', '9152cff2-602a-488d-abe7-6e1f2255f511', 'job', NULL, '{}', 'http', 'http://127.0.0.1:38327/job', 'POST', '{}', NULL, false, NULL, NULL, '{}', 15, 10, NULL, false, '{0}', 'active', NULL, '[]', 1, 1, '2026-11-29 23:47:54.345885+00', '2026-11-29 23:47:54.345885+00');


--
-- Data for Name: webhook_revision; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.webhook_revision VALUES ('c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', 1, '9152cff2-602a-488d-abe7-6e1f2255f511', '/hook', '{"name":"/hook","description":null,"metadata":{},"kind":"http","url":"http://127.0.0.1:38327/hook","method":"POST","headers":{"Authorization":"Bearer {{secret:crm}}"},"body_template":"{\"amount\": {{data.amount}}, \"locale\": \"{{context.locale}}\"}","raw_payload":false,"schema":null,"condition":null,"event_types":[],"timeout_s":15,"max_in_flight":10,"rate_per_s":100,"ordered":false,"retry_schedule_s":[0,1]}', '2026-11-29 23:47:53.8101+00');
INSERT INTO rowhook.webhook_revision VALUES ('134c304f-bab6-4063-8e2c-71b9158c96f0', 1, '9152cff2-602a-488d-abe7-6e1f2255f511', 'page', '{"name":"page","description":null,"metadata":{},"kind":"frontend","url":null,"method":"POST","headers":{},"body_template":"{\"amount\": {{data.amount}}}","raw_payload":false,"schema":null,"condition":null,"event_types":[],"timeout_s":15,"max_in_flight":10,"rate_per_s":null,"ordered":false,"retry_schedule_s":[0,5,300,1800,7200,18000,36000,50400,72000,86400]}', '2026-11-29 23:47:54.252359+00');
INSERT INTO rowhook.webhook_revision VALUES ('5d60ee8c-93e3-4b43-8f20-53ef1debcf0d', 1, '9152cff2-602a-488d-abe7-6e1f2255f511', 'job', '{"name":"job","description":null,"metadata":{},"kind":"http","url":"http://127.0.0.1:38327/job","method":"POST","headers":{},"body_template":null,"raw_payload":false,"schema":null,"condition":null,"event_types":[],"timeout_s":15,"max_in_flight":10,"rate_per_s":null,"ordered":false,"retry_schedule_s":[0]}', '2026-11-29 23:47:54.345885+00');


--
-- Data for Name: webhook_secret; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.webhook_secret VALUES ('c6eccc3f-a85f-462c-b476-b2a41ec4e6f1', '9152cff2-602a-488d-abe7-6e1f2255f511', 'crm');


--
-- Data for Name: worker; Type: TABLE DATA; Schema: rowhook; Owner: -
--

INSERT INTO rowhook.worker VALUES ('747a7d52-1b23-4072-88d3-6bf86b7e01b4', 'host', 1, 0, '2026-11-29 23:47:53.96473+00', '2026-11-29 23:47:53.96473+00');


--
-- Data for Name: pgqueuer; Type: TABLE DATA; Schema: rowhook_pgqueuer; Owner: -
--



--
-- Data for Name: pgqueuer_log; Type: TABLE DATA; Schema: rowhook_pgqueuer; Owner: -
--



--
-- Data for Name: pgqueuer_schedules; Type: TABLE DATA; Schema: rowhook_pgqueuer; Owner: -
--



--
-- Data for Name: pgqueuer_statistics; Type: TABLE DATA; Schema: rowhook_pgqueuer; Owner: -
--



--
-- Name: asleep; Type: SEQUENCE SET; Schema: rowhook; Owner: -
--

SELECT pg_catalog.setval('rowhook.asleep', 1, false);


--
-- Name: audit_id_seq; Type: SEQUENCE SET; Schema: rowhook; Owner: -
--

SELECT pg_catalog.setval('rowhook.audit_id_seq', 12, true);


--
-- Name: awake; Type: SEQUENCE SET; Schema: rowhook; Owner: -
--

SELECT pg_catalog.setval('rowhook.awake', 0, false);


--
-- Name: capture_error_id_seq; Type: SEQUENCE SET; Schema: rowhook; Owner: -
--

SELECT pg_catalog.setval('rowhook.capture_error_id_seq', 1, true);


--
-- Name: event_id; Type: SEQUENCE SET; Schema: rowhook; Owner: -
--

SELECT pg_catalog.setval('rowhook.event_id', 10, true);


--
-- Name: link_id_seq; Type: SEQUENCE SET; Schema: rowhook; Owner: -
--

SELECT pg_catalog.setval('rowhook.link_id_seq', 3, true);


--
-- Name: outbox_id_seq; Type: SEQUENCE SET; Schema: rowhook; Owner: -
--

SELECT pg_catalog.setval('rowhook.outbox_id_seq', 11, true);


--
-- Name: token; Type: SEQUENCE SET; Schema: rowhook; Owner: -
--

SELECT pg_catalog.setval('rowhook.token', 18, true);


--
-- Name: pgqueuer_id_seq; Type: SEQUENCE SET; Schema: rowhook_pgqueuer; Owner: -
--

SELECT pg_catalog.setval('rowhook_pgqueuer.pgqueuer_id_seq', 1, false);


--
-- Name: pgqueuer_log_id_seq; Type: SEQUENCE SET; Schema: rowhook_pgqueuer; Owner: -
--

SELECT pg_catalog.setval('rowhook_pgqueuer.pgqueuer_log_id_seq', 1, false);


--
-- Name: pgqueuer_schedules_id_seq; Type: SEQUENCE SET; Schema: rowhook_pgqueuer; Owner: -
--

SELECT pg_catalog.setval('rowhook_pgqueuer.pgqueuer_schedules_id_seq', 1, false);


--
-- Name: pgqueuer_statistics_id_seq; Type: SEQUENCE SET; Schema: rowhook_pgqueuer; Owner: -
--

SELECT pg_catalog.setval('rowhook_pgqueuer.pgqueuer_statistics_id_seq', 1, false);


--
-- Name: agent agent_is_known_with_its_organization; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.agent
    ADD CONSTRAINT agent_is_known_with_its_organization UNIQUE (id, organization_id);


--
-- Name: agent agent_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.agent
    ADD CONSTRAINT agent_pkey PRIMARY KEY (id);


--
-- Name: agent_version agent_version_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.agent_version
    ADD CONSTRAINT agent_version_pkey PRIMARY KEY (id);


--
-- Name: api_key api_key_hash_key; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.api_key
    ADD CONSTRAINT api_key_hash_key UNIQUE (hash);


--
-- Name: api_key api_key_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (id);


--
-- Name: audit audit_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);


--
-- Name: callback callback_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.callback
    ADD CONSTRAINT callback_pkey PRIMARY KEY (outbox_id, staging);


--
-- Name: capture_error capture_error_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.capture_error
    ADD CONSTRAINT capture_error_pkey PRIMARY KEY (id);


--
-- Name: capture_source capture_source_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.capture_source
    ADD CONSTRAINT capture_source_pkey PRIMARY KEY (name);


--
-- Name: chore chore_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.chore
    ADD CONSTRAINT chore_pkey PRIMARY KEY (webhook_id);


--
-- Name: commit commit_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.commit
    ADD CONSTRAINT commit_pkey PRIMARY KEY (id);


--
-- Name: outbox event_goes_once_to_webhook; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.outbox
    ADD CONSTRAINT event_goes_once_to_webhook UNIQUE (event_id, webhook_id);


--
-- Name: event event_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (id);


--
-- Name: goal goal_is_known_with_its_organization; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.goal
    ADD CONSTRAINT goal_is_known_with_its_organization UNIQUE (id, organization_id);


--
-- Name: goal goal_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.goal
    ADD CONSTRAINT goal_pkey PRIMARY KEY (id);


--
-- Name: idempotent_request idempotent_request_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.idempotent_request
    ADD CONSTRAINT idempotent_request_pkey PRIMARY KEY (caller, key);


--
-- Name: job job_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (id);


--
-- Name: keyring_check keyring_check_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.keyring_check
    ADD CONSTRAINT keyring_check_pkey PRIMARY KEY (singleton);


--
-- Name: lane_state lane_state_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.lane_state
    ADD CONSTRAINT lane_state_pkey PRIMARY KEY (webhook_id);


--
-- Name: link link_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.link
    ADD CONSTRAINT link_pkey PRIMARY KEY (id);


--
-- Name: migration migration_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (name);


--
-- Name: organization organization_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.organization
    ADD CONSTRAINT organization_pkey PRIMARY KEY (id);


--
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);


--
-- Name: callback place_is_one_callback_s; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.callback
    ADD CONSTRAINT place_is_one_callback_s UNIQUE (session_id, place);


--
-- Name: secret secret_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.secret
    ADD CONSTRAINT secret_pkey PRIMARY KEY (organization_id, id);


--
-- Name: session session_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (id);


--
-- Name: sign_in sign_in_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.sign_in
    ADD CONSTRAINT sign_in_pkey PRIMARY KEY (hash);


--
-- Name: signing_secret signing_secret_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.signing_secret
    ADD CONSTRAINT signing_secret_pkey PRIMARY KEY (webhook_id, version);


--
-- Name: test_allowance test_allowance_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.test_allowance
    ADD CONSTRAINT test_allowance_pkey PRIMARY KEY (webhook_id);


--
-- Name: webhook webhook_is_known_with_its_organization; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.webhook
    ADD CONSTRAINT webhook_is_known_with_its_organization UNIQUE (id, organization_id);


--
-- Name: webhook webhook_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.webhook
    ADD CONSTRAINT webhook_pkey PRIMARY KEY (id);


--
-- Name: webhook_revision webhook_revision_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.webhook_revision
    ADD CONSTRAINT webhook_revision_pkey PRIMARY KEY (webhook_id, revision);


--
-- Name: webhook_secret webhook_secret_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.webhook_secret
    ADD CONSTRAINT webhook_secret_pkey PRIMARY KEY (webhook_id, secret_id);


--
-- Name: worker worker_pkey; Type: CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.worker
    ADD CONSTRAINT worker_pkey PRIMARY KEY (id);


--
-- Name: pgqueuer_log pgqueuer_log_pkey; Type: CONSTRAINT; Schema: rowhook_pgqueuer; Owner: -
--

ALTER TABLE ONLY rowhook_pgqueuer.pgqueuer_log
    ADD CONSTRAINT pgqueuer_log_pkey PRIMARY KEY (id);


--
-- Name: pgqueuer pgqueuer_pkey; Type: CONSTRAINT; Schema: rowhook_pgqueuer; Owner: -
--

ALTER TABLE ONLY rowhook_pgqueuer.pgqueuer
    ADD CONSTRAINT pgqueuer_pkey PRIMARY KEY (id);


--
-- Name: pgqueuer_schedules pgqueuer_schedules_expression_entrypoint_key; Type: CONSTRAINT; Schema: rowhook_pgqueuer; Owner: -
--

ALTER TABLE ONLY rowhook_pgqueuer.pgqueuer_schedules
    ADD CONSTRAINT pgqueuer_schedules_expression_entrypoint_key UNIQUE (expression, entrypoint);


--
-- Name: pgqueuer_schedules pgqueuer_schedules_pkey; Type: CONSTRAINT; Schema: rowhook_pgqueuer; Owner: -
--

ALTER TABLE ONLY rowhook_pgqueuer.pgqueuer_schedules
    ADD CONSTRAINT pgqueuer_schedules_pkey PRIMARY KEY (id);


--
-- Name: pgqueuer_statistics pgqueuer_statistics_pkey; Type: CONSTRAINT; Schema: rowhook_pgqueuer; Owner: -
--

ALTER TABLE ONLY rowhook_pgqueuer.pgqueuer_statistics
    ADD CONSTRAINT pgqueuer_statistics_pkey PRIMARY KEY (id);


--
-- Name: agent_by_organization; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX agent_by_organization ON rowhook.agent USING btree (organization_id, id);


--
-- Name: INDEX agent_by_organization; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.agent_by_organization IS 'lists the agents of an organization';


--
-- Name: agent_version_by_agent; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX agent_version_by_agent ON rowhook.agent_version USING btree (agent_id);


--
-- Name: INDEX agent_version_by_agent; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.agent_version_by_agent IS 'checks the foreign key when an agent is deleted';


--
-- Name: attempt_by_delivery; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX attempt_by_delivery ON ONLY rowhook.attempt USING btree (outbox_id, number);


--
-- Name: INDEX attempt_by_delivery; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.attempt_by_delivery IS 'the attempts of one delivery';


--
-- Name: attempt_default_outbox_id_number_idx; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX attempt_default_outbox_id_number_idx ON rowhook.attempt_default USING btree (outbox_id, number);


--
-- Name: audit_by_organization; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX audit_by_organization ON rowhook.audit USING btree (organization_id, id);


--
-- Name: INDEX audit_by_organization; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.audit_by_organization IS 'the audit of an organization, newest first';


--
-- Name: callback_unwritten; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX callback_unwritten ON rowhook.callback USING btree (session_id, place) WHERE ((written_at IS NULL) AND (NOT replaced));


--
-- Name: INDEX callback_unwritten; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.callback_unwritten IS 'rowhook.callbacks_written: what a page has now';


--
-- Name: capture_error_open; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX capture_error_open ON rowhook.capture_error USING btree (id) WHERE (healed_at IS NULL);


--
-- Name: INDEX capture_error_open; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.capture_error_open IS 'rowhook.heal: captures that failed and were not made up for';


--
-- Name: commit_recent; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX commit_recent ON rowhook.commit USING btree (committed_at);


--
-- Name: INDEX commit_recent; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.commit_recent IS 'rowhook.heal and capture_gap: recent commits, to find those without an event';


--
-- Name: event_by_session; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX event_by_session ON rowhook.event USING btree (session_id, id) WHERE (session_id IS NOT NULL);


--
-- Name: INDEX event_by_session; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.event_by_session IS 'what a session''s commits fired';


--
-- Name: event_commit_once; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE UNIQUE INDEX event_commit_once ON rowhook.event USING btree (commit_id) WHERE (commit_id IS NOT NULL);


--
-- Name: INDEX event_commit_once; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.event_commit_once IS 'one event a commit; heal and capture_gap look commits up here';


--
-- Name: event_feed; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX event_feed ON rowhook.event USING btree (organization_id, xact, id);


--
-- Name: INDEX event_feed; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.event_feed IS 'the polling feed, in the order of commits';


--
-- Name: event_job_once; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE UNIQUE INDEX event_job_once ON rowhook.event USING btree (job_id, key) WHERE (job_id IS NOT NULL);


--
-- Name: INDEX event_job_once; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.event_job_once IS 'one event a completion; heal and capture_gap look jobs up here';


--
-- Name: goal_by_organization; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX goal_by_organization ON rowhook.goal USING btree (organization_id, id);


--
-- Name: INDEX goal_by_organization; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.goal_by_organization IS 'lists the goals of an organization';


--
-- Name: idempotent_request_old; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX idempotent_request_old ON rowhook.idempotent_request USING btree (created_at);


--
-- Name: INDEX idempotent_request_old; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.idempotent_request_old IS 'rowhook.retain: those older than 24 hours';


--
-- Name: job_completed; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX job_completed ON rowhook.job USING btree (completed_at) WHERE (status = ANY (ARRAY['succeeded'::text, 'failed'::text]));


--
-- Name: INDEX job_completed; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.job_completed IS 'rowhook.heal and capture_gap: recent completions, to find those without an event';


--
-- Name: link_agent_once; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE UNIQUE INDEX link_agent_once ON rowhook.link USING btree (agent_id, webhook_id) WHERE (agent_id IS NOT NULL);


--
-- Name: INDEX link_agent_once; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.link_agent_once IS 'capture: the webhooks of an agent; a pair is linked once';


--
-- Name: link_by_webhook; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX link_by_webhook ON rowhook.link USING btree (webhook_id);


--
-- Name: INDEX link_by_webhook; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.link_by_webhook IS 'the links of a webhook, and the foreign key when it is deleted';


--
-- Name: link_goal_once; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE UNIQUE INDEX link_goal_once ON rowhook.link USING btree (goal_id, webhook_id) WHERE (goal_id IS NOT NULL);


--
-- Name: INDEX link_goal_once; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.link_goal_once IS 'capture: the webhooks of a goal; a pair is linked once';


--
-- Name: outbox_by_webhook; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX outbox_by_webhook ON rowhook.outbox USING btree (webhook_id, status, created_at) INCLUDE (organization_id);


--
-- Name: INDEX outbox_by_webhook; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.outbox_by_webhook IS 'the deliveries of a webhook, newest first, by status: lists, statistics, replay, health; rowhook.sweep: what is held';


--
-- Name: outbox_finished; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX outbox_finished ON rowhook.outbox USING btree (finished_at) WHERE (finished_at IS NOT NULL);


--
-- Name: INDEX outbox_finished; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.outbox_finished IS 'rowhook.retain: the oldest finished rows first';


--
-- Name: outbox_ordered; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX outbox_ordered ON rowhook.outbox USING btree (webhook_id, ordered_by, id) WHERE ((ordered_by IS NOT NULL) AND (finished_at IS NULL));


--
-- Name: INDEX outbox_ordered; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.outbox_ordered IS 'rowhook.gates: the head of an ordered webhook, whatever it waits for';


--
-- Name: outbox_ready; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX outbox_ready ON rowhook.outbox USING btree (webhook_id, late, next_attempt_at, id) WHERE ready;


--
-- Name: INDEX outbox_ready; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.outbox_ready IS 'rowhook.claim: the lanes, and the two heads of each';


--
-- Name: outbox_retrying; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX outbox_retrying ON rowhook.outbox USING btree (webhook_id, created_at) WHERE ((status = 'pending'::text) AND (last_error IS NOT NULL));


--
-- Name: INDEX outbox_retrying; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.outbox_retrying IS 'rowhook.failed: what waits after a failed try, beside a backlog that was never tried';


--
-- Name: outbox_sending; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX outbox_sending ON rowhook.outbox USING btree (webhook_id, leased_until) WHERE (status = 'sending'::text);


--
-- Name: INDEX outbox_sending; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.outbox_sending IS 'in flight a webhook, and expired leases';


--
-- Name: outbox_waiting; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX outbox_waiting ON rowhook.outbox USING btree (next_attempt_at) WHERE ((NOT ready) AND (next_attempt_at IS NOT NULL));


--
-- Name: INDEX outbox_waiting; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.outbox_waiting IS 'rowhook.claim: rows that have become due, and when the next one will';


--
-- Name: sign_in_ended; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX sign_in_ended ON rowhook.sign_in USING btree (ends_at);


--
-- Name: INDEX sign_in_ended; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.sign_in_ended IS 'rowhook.sign_in: those that have ended go when another one comes';


--
-- Name: webhook_by_organization; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX webhook_by_organization ON rowhook.webhook USING btree (organization_id, created_at, id);


--
-- Name: INDEX webhook_by_organization; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.webhook_by_organization IS 'lists the webhooks of an organization, newest first';


--
-- Name: webhook_revision_first; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX webhook_revision_first ON rowhook.webhook_revision USING btree (organization_id, webhook_id) WHERE (revision = 1);


--
-- Name: INDEX webhook_revision_first; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.webhook_revision_first IS 'every webhook that an organization ever had: its deliveries, its statistics';


--
-- Name: webhook_secret_by_secret; Type: INDEX; Schema: rowhook; Owner: -
--

CREATE INDEX webhook_secret_by_secret ON rowhook.webhook_secret USING btree (organization_id, secret_id);


--
-- Name: INDEX webhook_secret_by_secret; Type: COMMENT; Schema: rowhook; Owner: -
--

COMMENT ON INDEX rowhook.webhook_secret_by_secret IS 'who uses a secret: the refused delete, and the release of held rows';


--
-- Name: pgqueuer_ep_ea_idx; Type: INDEX; Schema: rowhook_pgqueuer; Owner: -
--

CREATE INDEX pgqueuer_ep_ea_idx ON rowhook_pgqueuer.pgqueuer USING btree (entrypoint, execute_after) WHERE (status = 'queued'::rowhook_pgqueuer.pgqueuer_status);


--
-- Name: pgqueuer_ep_prio_id_idx; Type: INDEX; Schema: rowhook_pgqueuer; Owner: -
--

CREATE INDEX pgqueuer_ep_prio_id_idx ON rowhook_pgqueuer.pgqueuer USING btree (entrypoint, priority DESC, id) WHERE (status = 'queued'::rowhook_pgqueuer.pgqueuer_status);


--
-- Name: pgqueuer_log_created; Type: INDEX; Schema: rowhook_pgqueuer; Owner: -
--

CREATE INDEX pgqueuer_log_created ON rowhook_pgqueuer.pgqueuer_log USING btree (created);


--
-- Name: pgqueuer_log_job_id_status; Type: INDEX; Schema: rowhook_pgqueuer; Owner: -
--

CREATE INDEX pgqueuer_log_job_id_status ON rowhook_pgqueuer.pgqueuer_log USING btree (job_id, created DESC);


--
-- Name: pgqueuer_log_not_aggregated; Type: INDEX; Schema: rowhook_pgqueuer; Owner: -
--

CREATE INDEX pgqueuer_log_not_aggregated ON rowhook_pgqueuer.pgqueuer_log USING btree ((1)) WHERE (NOT aggregated);


--
-- Name: pgqueuer_log_status; Type: INDEX; Schema: rowhook_pgqueuer; Owner: -
--

CREATE INDEX pgqueuer_log_status ON rowhook_pgqueuer.pgqueuer_log USING btree (status);


--
-- Name: pgqueuer_picked_heartbeat_idx; Type: INDEX; Schema: rowhook_pgqueuer; Owner: -
--

CREATE INDEX pgqueuer_picked_heartbeat_idx ON rowhook_pgqueuer.pgqueuer USING btree (heartbeat) WHERE (status = 'picked'::rowhook_pgqueuer.pgqueuer_status);


--
-- Name: pgqueuer_picked_slot_idx; Type: INDEX; Schema: rowhook_pgqueuer; Owner: -
--

CREATE UNIQUE INDEX pgqueuer_picked_slot_idx ON rowhook_pgqueuer.pgqueuer USING btree (entrypoint, slot) WHERE ((status = 'picked'::rowhook_pgqueuer.pgqueuer_status) AND (slot IS NOT NULL));


--
-- Name: pgqueuer_priority_id_id1_idx; Type: INDEX; Schema: rowhook_pgqueuer; Owner: -
--

CREATE INDEX pgqueuer_priority_id_id1_idx ON rowhook_pgqueuer.pgqueuer USING btree (priority, id DESC) INCLUDE (id) WHERE (status = 'queued'::rowhook_pgqueuer.pgqueuer_status);


--
-- Name: pgqueuer_queue_manager_id_idx; Type: INDEX; Schema: rowhook_pgqueuer; Owner: -
--

CREATE INDEX pgqueuer_queue_manager_id_idx ON rowhook_pgqueuer.pgqueuer USING btree (queue_manager_id) WHERE (queue_manager_id IS NOT NULL);


--
-- Name: pgqueuer_statistics_unique_count; Type: INDEX; Schema: rowhook_pgqueuer; Owner: -
--

CREATE UNIQUE INDEX pgqueuer_statistics_unique_count ON rowhook_pgqueuer.pgqueuer_statistics USING btree (priority, date_trunc('sec'::text, timezone('UTC'::text, created)), status, entrypoint);


--
-- Name: pgqueuer_unique_dedupe_key; Type: INDEX; Schema: rowhook_pgqueuer; Owner: -
--

CREATE UNIQUE INDEX pgqueuer_unique_dedupe_key ON rowhook_pgqueuer.pgqueuer USING btree (dedupe_key) WHERE ((status = ANY (ARRAY['queued'::rowhook_pgqueuer.pgqueuer_status, 'picked'::rowhook_pgqueuer.pgqueuer_status])) AND (dedupe_key IS NOT NULL));


--
-- Name: pgqueuer_updated_id_id1_idx; Type: INDEX; Schema: rowhook_pgqueuer; Owner: -
--

CREATE INDEX pgqueuer_updated_id_id1_idx ON rowhook_pgqueuer.pgqueuer USING btree (updated, id DESC) INCLUDE (id) WHERE (status = 'picked'::rowhook_pgqueuer.pgqueuer_status);


--
-- Name: attempt_default_outbox_id_number_idx; Type: INDEX ATTACH; Schema: rowhook; Owner: -
--

ALTER INDEX rowhook.attempt_by_delivery ATTACH PARTITION rowhook.attempt_default_outbox_id_number_idx;


--
-- Name: commit capture_inserted_commit; Type: TRIGGER; Schema: rowhook; Owner: -
--

CREATE TRIGGER capture_inserted_commit AFTER INSERT ON rowhook.commit REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rowhook.capture_commit();


--
-- Name: job capture_inserted_job; Type: TRIGGER; Schema: rowhook; Owner: -
--

CREATE TRIGGER capture_inserted_job AFTER INSERT ON rowhook.job REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rowhook.capture_job();


--
-- Name: job capture_updated_job; Type: TRIGGER; Schema: rowhook; Owner: -
--

CREATE TRIGGER capture_updated_job AFTER UPDATE ON rowhook.job REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rowhook.capture_job();


--
-- Name: job fill_completed_at; Type: TRIGGER; Schema: rowhook; Owner: -
--

CREATE TRIGGER fill_completed_at BEFORE INSERT OR UPDATE OF status ON rowhook.job FOR EACH ROW WHEN (((new.completed_at IS NULL) AND (new.status = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text])))) EXECUTE FUNCTION rowhook.fill_completed_at();


--
-- Name: outbox guard_outbox; Type: TRIGGER; Schema: rowhook; Owner: -
--

CREATE TRIGGER guard_outbox BEFORE UPDATE ON rowhook.outbox FOR EACH ROW WHEN ((NOT (new.token IS DISTINCT FROM old.token))) EXECUTE FUNCTION rowhook.guard_outbox();


--
-- Name: webhook keep_revision; Type: TRIGGER; Schema: rowhook; Owner: -
--

CREATE TRIGGER keep_revision AFTER INSERT OR DELETE OR UPDATE ON rowhook.webhook FOR EACH ROW EXECUTE FUNCTION rowhook.keep_revision();


--
-- Name: event must_fit; Type: TRIGGER; Schema: rowhook; Owner: -
--

CREATE TRIGGER must_fit BEFORE INSERT OR UPDATE ON rowhook.event FOR EACH ROW EXECUTE FUNCTION rowhook.fit_event();

ALTER TABLE rowhook.event ENABLE ALWAYS TRIGGER must_fit;


--
-- Name: outbox must_fit; Type: TRIGGER; Schema: rowhook; Owner: -
--

CREATE TRIGGER must_fit BEFORE INSERT OR UPDATE ON rowhook.outbox FOR EACH ROW EXECUTE FUNCTION rowhook.fit_delivery();

ALTER TABLE rowhook.outbox ENABLE ALWAYS TRIGGER must_fit;


--
-- Name: api_key note_change; Type: TRIGGER; Schema: rowhook; Owner: -
--

CREATE TRIGGER note_change AFTER INSERT OR DELETE ON rowhook.api_key FOR EACH ROW EXECUTE FUNCTION rowhook.note_change();


--
-- Name: link note_change; Type: TRIGGER; Schema: rowhook; Owner: -
--

CREATE TRIGGER note_change AFTER INSERT OR DELETE ON rowhook.link FOR EACH ROW EXECUTE FUNCTION rowhook.note_change();


--
-- Name: secret note_change; Type: TRIGGER; Schema: rowhook; Owner: -
--

CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE ON rowhook.secret FOR EACH ROW EXECUTE FUNCTION rowhook.note_change();


--
-- Name: webhook note_change; Type: TRIGGER; Schema: rowhook; Owner: -
--

CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE ON rowhook.webhook FOR EACH ROW EXECUTE FUNCTION rowhook.note_change();


--
-- Name: webhook number_revision; Type: TRIGGER; Schema: rowhook; Owner: -
--

CREATE TRIGGER number_revision BEFORE UPDATE ON rowhook.webhook FOR EACH ROW EXECUTE FUNCTION rowhook.number_revision();


--
-- Name: secret spread_secret; Type: TRIGGER; Schema: rowhook; Owner: -
--

CREATE TRIGGER spread_secret AFTER UPDATE ON rowhook.secret FOR EACH ROW WHEN ((new.version > old.version)) EXECUTE FUNCTION rowhook.spread_secret();


--
-- Name: pgqueuer tg_pgqueuer_changed; Type: TRIGGER; Schema: rowhook_pgqueuer; Owner: -
--

CREATE TRIGGER tg_pgqueuer_changed AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON rowhook_pgqueuer.pgqueuer FOR EACH STATEMENT EXECUTE FUNCTION rowhook_pgqueuer.fn_pgqueuer_changed();


--
-- Name: agent agent_belongs_to_organization; Type: FK CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.agent
    ADD CONSTRAINT agent_belongs_to_organization FOREIGN KEY (organization_id) REFERENCES rowhook.organization(id);


--
-- Name: agent_version agent_version_belongs_to_agent; Type: FK CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.agent_version
    ADD CONSTRAINT agent_version_belongs_to_agent FOREIGN KEY (agent_id) REFERENCES rowhook.agent(id);


--
-- Name: commit commit_belongs_to_session; Type: FK CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.commit
    ADD CONSTRAINT commit_belongs_to_session FOREIGN KEY (session_id) REFERENCES rowhook.session(id);


--
-- Name: commit commit_reaches_goal; Type: FK CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.commit
    ADD CONSTRAINT commit_reaches_goal FOREIGN KEY (goal_id) REFERENCES rowhook.goal(id);


--
-- Name: goal goal_belongs_to_organization; Type: FK CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.goal
    ADD CONSTRAINT goal_belongs_to_organization FOREIGN KEY (organization_id) REFERENCES rowhook.organization(id);


--
-- Name: job job_ran_on_agent_version; Type: FK CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.job
    ADD CONSTRAINT job_ran_on_agent_version FOREIGN KEY (agent_version_id) REFERENCES rowhook.agent_version(id);


--
-- Name: api_key key_belongs_to_organization; Type: FK CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.api_key
    ADD CONSTRAINT key_belongs_to_organization FOREIGN KEY (organization_id) REFERENCES rowhook.organization(id);


--
-- Name: link link_holds_agent; Type: FK CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.link
    ADD CONSTRAINT link_holds_agent FOREIGN KEY (agent_id, organization_id) REFERENCES rowhook.agent(id, organization_id) ON DELETE RESTRICT;


--
-- Name: link link_holds_goal; Type: FK CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.link
    ADD CONSTRAINT link_holds_goal FOREIGN KEY (goal_id, organization_id) REFERENCES rowhook.goal(id, organization_id) ON DELETE RESTRICT;


--
-- Name: link link_holds_webhook; Type: FK CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.link
    ADD CONSTRAINT link_holds_webhook FOREIGN KEY (webhook_id, organization_id) REFERENCES rowhook.webhook(id, organization_id) ON DELETE RESTRICT;


--
-- Name: secret secret_belongs_to_organization; Type: FK CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.secret
    ADD CONSTRAINT secret_belongs_to_organization FOREIGN KEY (organization_id) REFERENCES rowhook.organization(id);


--
-- Name: session session_belongs_to_organization; Type: FK CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.session
    ADD CONSTRAINT session_belongs_to_organization FOREIGN KEY (organization_id) REFERENCES rowhook.organization(id);


--
-- Name: signing_secret signs_for_webhook; Type: FK CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.signing_secret
    ADD CONSTRAINT signs_for_webhook FOREIGN KEY (webhook_id) REFERENCES rowhook.webhook(id) ON DELETE CASCADE;


--
-- Name: webhook_secret used_by_webhook; Type: FK CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.webhook_secret
    ADD CONSTRAINT used_by_webhook FOREIGN KEY (webhook_id, organization_id) REFERENCES rowhook.webhook(id, organization_id) ON DELETE CASCADE;


--
-- Name: webhook_secret uses_secret; Type: FK CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.webhook_secret
    ADD CONSTRAINT uses_secret FOREIGN KEY (organization_id, secret_id) REFERENCES rowhook.secret(organization_id, id) ON DELETE RESTRICT;


--
-- Name: webhook webhook_belongs_to_organization; Type: FK CONSTRAINT; Schema: rowhook; Owner: -
--

ALTER TABLE ONLY rowhook.webhook
    ADD CONSTRAINT webhook_belongs_to_organization FOREIGN KEY (organization_id) REFERENCES rowhook.organization(id);


--
-- Name: api_key; Type: ROW SECURITY; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.api_key ENABLE ROW LEVEL SECURITY;

--
-- Name: attempt; Type: ROW SECURITY; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.attempt ENABLE ROW LEVEL SECURITY;

--
-- Name: audit; Type: ROW SECURITY; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.audit ENABLE ROW LEVEL SECURITY;

--
-- Name: callback; Type: ROW SECURITY; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.callback ENABLE ROW LEVEL SECURITY;

--
-- Name: event; Type: ROW SECURITY; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.event ENABLE ROW LEVEL SECURITY;

--
-- Name: attempt every_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY every_organization ON rowhook.attempt TO rowhook_worker USING (true) WITH CHECK (true);


--
-- Name: audit every_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY every_organization ON rowhook.audit TO rowhook_worker USING (true) WITH CHECK (true);


--
-- Name: callback every_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY every_organization ON rowhook.callback TO rowhook_worker USING (true) WITH CHECK (true);


--
-- Name: event every_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY every_organization ON rowhook.event TO rowhook_worker USING (true) WITH CHECK (true);


--
-- Name: lane_state every_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY every_organization ON rowhook.lane_state TO rowhook_worker USING (true) WITH CHECK (true);


--
-- Name: link every_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY every_organization ON rowhook.link TO rowhook_worker USING (true) WITH CHECK (true);


--
-- Name: outbox every_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY every_organization ON rowhook.outbox TO rowhook_worker USING (true) WITH CHECK (true);


--
-- Name: secret every_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY every_organization ON rowhook.secret TO rowhook_worker USING (true) WITH CHECK (true);


--
-- Name: signing_secret every_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY every_organization ON rowhook.signing_secret TO rowhook_worker USING (true) WITH CHECK (true);


--
-- Name: webhook every_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY every_organization ON rowhook.webhook TO rowhook_worker USING (true) WITH CHECK (true);


--
-- Name: webhook_revision every_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY every_organization ON rowhook.webhook_revision TO rowhook_worker USING (true) WITH CHECK (true);


--
-- Name: webhook_secret every_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY every_organization ON rowhook.webhook_secret TO rowhook_worker USING (true) WITH CHECK (true);


--
-- Name: lane_state; Type: ROW SECURITY; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.lane_state ENABLE ROW LEVEL SECURITY;

--
-- Name: link; Type: ROW SECURITY; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.link ENABLE ROW LEVEL SECURITY;

--
-- Name: outbox operator_sees_every_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY operator_sees_every_organization ON rowhook.outbox TO rowhook_operator USING (true) WITH CHECK (true);


--
-- Name: outbox; Type: ROW SECURITY; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.outbox ENABLE ROW LEVEL SECURITY;

--
-- Name: api_key own_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY own_organization ON rowhook.api_key TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));


--
-- Name: attempt own_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY own_organization ON rowhook.attempt TO rowhook_api USING ((EXISTS ( SELECT
   FROM rowhook.outbox o
  WHERE (o.id = attempt.outbox_id))));


--
-- Name: audit own_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY own_organization ON rowhook.audit TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));


--
-- Name: callback own_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY own_organization ON rowhook.callback TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));


--
-- Name: event own_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY own_organization ON rowhook.event TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));


--
-- Name: lane_state own_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY own_organization ON rowhook.lane_state TO rowhook_api USING ((EXISTS ( SELECT
   FROM rowhook.webhook w
  WHERE (w.id = lane_state.webhook_id))));


--
-- Name: link own_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY own_organization ON rowhook.link TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));


--
-- Name: outbox own_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY own_organization ON rowhook.outbox TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));


--
-- Name: secret own_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY own_organization ON rowhook.secret TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));


--
-- Name: signing_secret own_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY own_organization ON rowhook.signing_secret TO rowhook_api USING ((EXISTS ( SELECT
   FROM rowhook.webhook w
  WHERE (w.id = signing_secret.webhook_id)))) WITH CHECK ((EXISTS ( SELECT
   FROM rowhook.webhook w
  WHERE (w.id = signing_secret.webhook_id))));


--
-- Name: webhook own_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY own_organization ON rowhook.webhook TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));


--
-- Name: webhook_revision own_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY own_organization ON rowhook.webhook_revision TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));


--
-- Name: webhook_secret own_organization; Type: POLICY; Schema: rowhook; Owner: -
--

CREATE POLICY own_organization ON rowhook.webhook_secret TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));


--
-- Name: secret; Type: ROW SECURITY; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.secret ENABLE ROW LEVEL SECURITY;

--
-- Name: signing_secret; Type: ROW SECURITY; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.signing_secret ENABLE ROW LEVEL SECURITY;

--
-- Name: webhook; Type: ROW SECURITY; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.webhook ENABLE ROW LEVEL SECURITY;

--
-- Name: webhook_revision; Type: ROW SECURITY; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.webhook_revision ENABLE ROW LEVEL SECURITY;

--
-- Name: webhook_secret; Type: ROW SECURITY; Schema: rowhook; Owner: -
--

ALTER TABLE rowhook.webhook_secret ENABLE ROW LEVEL SECURITY;

--
-- Name: SCHEMA rowhook; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA rowhook TO rowhook_producer;
GRANT USAGE ON SCHEMA rowhook TO rowhook_reader;
GRANT USAGE ON SCHEMA rowhook TO rowhook_operator;
GRANT USAGE ON SCHEMA rowhook TO rowhook_worker;
GRANT USAGE ON SCHEMA rowhook TO rowhook_api;


--
-- Name: SCHEMA rowhook_pgqueuer; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA rowhook_pgqueuer TO rowhook_worker;


--
-- Name: FUNCTION admit(key_hash bytea); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.admit(key_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.admit(key_hash bytea) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.admit(key_hash bytea) TO rowhook_api;


--
-- Name: FUNCTION agent_page(organization uuid, after_id uuid, most integer, search text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.agent_page(organization uuid, after_id uuid, most integer, search text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.agent_page(organization uuid, after_id uuid, most integer, search text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.agent_page(organization uuid, after_id uuid, most integer, search text) TO rowhook_api;


--
-- Name: FUNCTION allow_test(webhook uuid, burst integer, per_minute integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.allow_test(webhook uuid, burst integer, per_minute integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.allow_test(webhook uuid, burst integer, per_minute integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.allow_test(webhook uuid, burst integer, per_minute integer) TO rowhook_api;


--
-- Name: FUNCTION applied_migrations(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.applied_migrations() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.applied_migrations() TO rowhook_worker;


--
-- Name: FUNCTION attempts_of(delivery bigint); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.attempts_of(delivery bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.attempts_of(delivery bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.attempts_of(delivery bigint) TO rowhook_api;


--
-- Name: FUNCTION audit_page(organization uuid, before_id bigint, most integer, by_actor text, of_action text, of_subject text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.audit_page(organization uuid, before_id bigint, most integer, by_actor text, of_action text, of_subject text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.audit_page(organization uuid, before_id bigint, most integer, by_actor text, of_action text, of_subject text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.audit_page(organization uuid, before_id bigint, most integer, by_actor text, of_action text, of_subject text) TO rowhook_api;


--
-- Name: FUNCTION beat(worker uuid, host text, pid integer, in_flight integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.beat(worker uuid, host text, pid integer, in_flight integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.beat(worker uuid, host text, pid integer, in_flight integer) TO rowhook_worker;


--
-- Name: TABLE capture_source; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.capture_source TO rowhook_worker;


--
-- Name: FUNCTION begin_pass(progress rowhook.capture_source); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.begin_pass(progress rowhook.capture_source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.begin_pass(progress rowhook.capture_source) TO rowhook_worker;


--
-- Name: FUNCTION begin_request(caller_name text, request_key text, print bytea); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.begin_request(caller_name text, request_key text, print bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.begin_request(caller_name text, request_key text, print bytea) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.begin_request(caller_name text, request_key text, print bytea) TO rowhook_api;


--
-- Name: FUNCTION begin_test(webhook uuid, event_key text, agent uuid, goal text, snapshot json, data json, context json, oversize bigint); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.begin_test(webhook uuid, event_key text, agent uuid, goal text, snapshot json, data json, context json, oversize bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.begin_test(webhook uuid, event_key text, agent uuid, goal text, snapshot json, data json, context json, oversize bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.begin_test(webhook uuid, event_key text, agent uuid, goal text, snapshot json, data json, context json, oversize bigint) TO rowhook_api;


--
-- Name: FUNCTION callback_page(session text, after_place bigint, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.callback_page(session text, after_place bigint, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.callback_page(session text, after_place bigint, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.callback_page(session text, after_place bigint, most integer) TO rowhook_api;


--
-- Name: FUNCTION callback_place(session text, delivery bigint, wanted integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.callback_place(session text, delivery bigint, wanted integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.callback_place(session text, delivery bigint, wanted integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.callback_place(session text, delivery bigint, wanted integer) TO rowhook_api;


--
-- Name: FUNCTION callbacks_written(session text, through bigint); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.callbacks_written(session text, through bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.callbacks_written(session text, through bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.callbacks_written(session text, through bigint) TO rowhook_api;


--
-- Name: FUNCTION cancel(outbox_ids bigint[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.cancel(outbox_ids bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.cancel(outbox_ids bigint[]) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.cancel(outbox_ids bigint[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.cancel(outbox_ids bigint[]) TO rowhook_api;


--
-- Name: FUNCTION capture_commit(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.capture_commit() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.capture_commit() TO rowhook_worker;


--
-- Name: FUNCTION capture_job(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.capture_job() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.capture_job() TO rowhook_worker;


--
-- Name: FUNCTION change_webhook(document json, organization uuid, webhook uuid, secret_ids text[], expected_revision integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.change_webhook(document json, organization uuid, webhook uuid, secret_ids text[], expected_revision integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.change_webhook(document json, organization uuid, webhook uuid, secret_ids text[], expected_revision integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.change_webhook(document json, organization uuid, webhook uuid, secret_ids text[], expected_revision integer) TO rowhook_api;


--
-- Name: FUNCTION claim(worker uuid, batch integer, per_lane integer, after uuid, lease interval, sweep boolean, known uuid[], marks timestamp with time zone[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.claim(worker uuid, batch integer, per_lane integer, after uuid, lease interval, sweep boolean, known uuid[], marks timestamp with time zone[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.claim(worker uuid, batch integer, per_lane integer, after uuid, lease interval, sweep boolean, known uuid[], marks timestamp with time zone[]) TO rowhook_worker;


--
-- Name: FUNCTION commit_gaps(retention interval, since timestamp with time zone, until timestamp with time zone); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.commit_gaps(retention interval, since timestamp with time zone, until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.commit_gaps(retention interval, since timestamp with time zone, until timestamp with time zone) TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.commit_gaps(retention interval, since timestamp with time zone, until timestamp with time zone) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.commit_gaps(retention interval, since timestamp with time zone, until timestamp with time zone) TO rowhook_worker;


--
-- Name: FUNCTION rfc3339(moment timestamp with time zone); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.rfc3339(moment timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.rfc3339(moment timestamp with time zone) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.rfc3339(moment timestamp with time zone) TO rowhook_api;


--
-- Name: FUNCTION commit_snapshot(commit_id text, committed_at timestamp with time zone, goal_id text, template_id text, session_id text, interview_id text, organization_id uuid, organization_name text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.commit_snapshot(commit_id text, committed_at timestamp with time zone, goal_id text, template_id text, session_id text, interview_id text, organization_id uuid, organization_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.commit_snapshot(commit_id text, committed_at timestamp with time zone, goal_id text, template_id text, session_id text, interview_id text, organization_id uuid, organization_name text) TO rowhook_worker;


--
-- Name: TABLE webhook; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT,UPDATE ON TABLE rowhook.webhook TO rowhook_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.webhook TO rowhook_api;


--
-- Name: FUNCTION configuration(w rowhook.webhook); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.configuration(w rowhook.webhook) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.configuration(w rowhook.webhook) TO rowhook_worker;


--
-- Name: FUNCTION create_key(organization uuid, key_name text, key_hash bytea, granted text[], ends_at timestamp with time zone); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.create_key(organization uuid, key_name text, key_hash bytea, granted text[], ends_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.create_key(organization uuid, key_name text, key_hash bytea, granted text[], ends_at timestamp with time zone) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.create_key(organization uuid, key_name text, key_hash bytea, granted text[], ends_at timestamp with time zone) TO rowhook_api;


--
-- Name: FUNCTION create_webhook(document json, organization uuid, webhook uuid, secret_ids text[], signing_secret bytea); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.create_webhook(document json, organization uuid, webhook uuid, secret_ids text[], signing_secret bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.create_webhook(document json, organization uuid, webhook uuid, secret_ids text[], signing_secret bytea) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.create_webhook(document json, organization uuid, webhook uuid, secret_ids text[], signing_secret bytea) TO rowhook_api;


--
-- Name: FUNCTION day_of(webhook uuid); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.day_of(webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.day_of(webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.day_of(webhook uuid) TO rowhook_api;


--
-- Name: FUNCTION jittered(delay_s numeric); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.jittered(delay_s numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.jittered(delay_s numeric) TO rowhook_worker;


--
-- Name: FUNCTION delay_after(schedule_s numeric[], step integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.delay_after(schedule_s numeric[], step integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delay_after(schedule_s numeric[], step integer) TO rowhook_worker;


--
-- Name: FUNCTION delete_key(key uuid); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.delete_key(key uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delete_key(key uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.delete_key(key uuid) TO rowhook_api;


--
-- Name: FUNCTION delete_secret(organization uuid, secret_id text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.delete_secret(organization uuid, secret_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delete_secret(organization uuid, secret_id text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.delete_secret(organization uuid, secret_id text) TO rowhook_api;


--
-- Name: FUNCTION delete_webhook(webhook uuid); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.delete_webhook(webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delete_webhook(webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.delete_webhook(webhook uuid) TO rowhook_api;


--
-- Name: FUNCTION delivery_ids(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job uuid, commit_key text, event_type text, code integer, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.delivery_ids(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job uuid, commit_key text, event_type text, code integer, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delivery_ids(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job uuid, commit_key text, event_type text, code integer, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.delivery_ids(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job uuid, commit_key text, event_type text, code integer, most integer) TO rowhook_api;


--
-- Name: FUNCTION delivery_of(delivery bigint); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.delivery_of(delivery bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delivery_of(delivery bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.delivery_of(delivery bigint) TO rowhook_api;


--
-- Name: FUNCTION delivery_page(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job uuid, commit_key text, event_type text, code integer, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.delivery_page(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job uuid, commit_key text, event_type text, code integer, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delivery_page(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job uuid, commit_key text, event_type text, code integer, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.delivery_page(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job uuid, commit_key text, event_type text, code integer, most integer) TO rowhook_api;


--
-- Name: FUNCTION diagnosis(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.diagnosis() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.diagnosis() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.diagnosis() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.diagnosis() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.diagnosis() TO rowhook_api;


--
-- Name: FUNCTION disable(webhook uuid, reason text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.disable(webhook uuid, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.disable(webhook uuid, reason text) TO rowhook_worker;


--
-- Name: FUNCTION disown(worker uuid, held bigint[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.disown(worker uuid, held bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.disown(worker uuid, held bigint[]) TO rowhook_worker;


--
-- Name: FUNCTION emit_jobs(job_ids uuid[], healing boolean, unless_after timestamp with time zone); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.emit_jobs(job_ids uuid[], healing boolean, unless_after timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.emit_jobs(job_ids uuid[], healing boolean, unless_after timestamp with time zone) TO rowhook_worker;


--
-- Name: FUNCTION end_of_slice(source text, since timestamp with time zone, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.end_of_slice(source text, since timestamp with time zone, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.end_of_slice(source text, since timestamp with time zone, most integer) TO rowhook_worker;


--
-- Name: FUNCTION end_request(caller_name text, request_key text, sealed_answer bytea); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.end_request(caller_name text, request_key text, sealed_answer bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.end_request(caller_name text, request_key text, sealed_answer bytea) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.end_request(caller_name text, request_key text, sealed_answer bytea) TO rowhook_api;


--
-- Name: FUNCTION enter(organization uuid, acting text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.enter(organization uuid, acting text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.enter(organization uuid, acting text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.enter(organization uuid, acting text) TO rowhook_api;


--
-- Name: FUNCTION event_body(event_id bigint); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.event_body(event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.event_body(event_id bigint) TO rowhook_worker;


--
-- Name: FUNCTION event_feed(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.event_feed(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.event_feed(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.event_feed(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer) TO rowhook_api;


--
-- Name: FUNCTION event_of(wanted bigint); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.event_of(wanted bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.event_of(wanted bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.event_of(wanted bigint) TO rowhook_api;


--
-- Name: FUNCTION failed(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.failed(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.failed(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.failed(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, most integer) TO rowhook_api;


--
-- Name: FUNCTION failures(organization uuid, webhook uuid, since timestamp with time zone, groups integer, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.failures(organization uuid, webhook uuid, since timestamp with time zone, groups integer, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.failures(organization uuid, webhook uuid, since timestamp with time zone, groups integer, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.failures(organization uuid, webhook uuid, since timestamp with time zone, groups integer, most integer) TO rowhook_api;


--
-- Name: FUNCTION fall_asleep(known uuid[], marks timestamp with time zone[], OUT register bigint, OUT has_work boolean, OUT due_in_s double precision); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.fall_asleep(known uuid[], marks timestamp with time zone[], OUT register bigint, OUT has_work boolean, OUT due_in_s double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.fall_asleep(known uuid[], marks timestamp with time zone[], OUT register bigint, OUT has_work boolean, OUT due_in_s double precision) TO rowhook_worker;


--
-- Name: FUNCTION fill_completed_at(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.fill_completed_at() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.fill_completed_at() TO rowhook_worker;


--
-- Name: FUNCTION first_attempt_at(schedule_s numeric[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.first_attempt_at(schedule_s numeric[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.first_attempt_at(schedule_s numeric[]) TO rowhook_worker;


--
-- Name: FUNCTION first_state(state text, schedule_s numeric[], ordered boolean); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.first_state(state text, schedule_s numeric[], ordered boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.first_state(state text, schedule_s numeric[], ordered boolean) TO rowhook_worker;


--
-- Name: FUNCTION fit_delivery(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.fit_delivery() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.fit_delivery() TO rowhook_worker;


--
-- Name: FUNCTION fit_event(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.fit_event() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.fit_event() TO rowhook_worker;


--
-- Name: FUNCTION gates(lanes uuid[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.gates(lanes uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.gates(lanes uuid[]) TO rowhook_worker;


--
-- Name: FUNCTION gauges(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.gauges() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.gauges() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.gauges() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.gauges() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.gauges() TO rowhook_api;


--
-- Name: FUNCTION goal_page(organization uuid, after_id text, most integer, search text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.goal_page(organization uuid, after_id text, most integer, search text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.goal_page(organization uuid, after_id text, most integer, search text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.goal_page(organization uuid, after_id text, most integer, search text) TO rowhook_api;


--
-- Name: FUNCTION guard_outbox(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.guard_outbox() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.guard_outbox() TO rowhook_worker;


--
-- Name: FUNCTION heal(retention interval); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.heal(retention interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.heal(retention interval) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.heal(retention interval) TO rowhook_worker;


--
-- Name: FUNCTION heal_commits(commit_ids text[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.heal_commits(commit_ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.heal_commits(commit_ids text[]) TO rowhook_worker;


--
-- Name: FUNCTION heal_since(source text, retention interval); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.heal_since(source text, retention interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.heal_since(source text, retention interval) TO rowhook_worker;


--
-- Name: FUNCTION heal_source(source text, retention interval, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.heal_source(source text, retention interval, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.heal_source(source text, retention interval, most integer) TO rowhook_worker;


--
-- Name: FUNCTION health_of(webhooks uuid[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.health_of(webhooks uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.health_of(webhooks uuid[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.health_of(webhooks uuid[]) TO rowhook_api;


--
-- Name: FUNCTION held(outbox_ids bigint[], tokens bigint[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.held(outbox_ids bigint[], tokens bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.held(outbox_ids bigint[], tokens bigint[]) TO rowhook_worker;


--
-- Name: FUNCTION holds(document json, path text[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.holds(document json, path text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.holds(document json, path text[]) TO rowhook_worker;


--
-- Name: SEQUENCE asleep; Type: ACL; Schema: rowhook; Owner: -
--

GRANT ALL ON SEQUENCE rowhook.asleep TO rowhook_worker;


--
-- Name: SEQUENCE awake; Type: ACL; Schema: rowhook; Owner: -
--

GRANT ALL ON SEQUENCE rowhook.awake TO rowhook_worker;


--
-- Name: FUNCTION is_anyone_asleep(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.is_anyone_asleep() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.is_anyone_asleep() TO rowhook_worker;


--
-- Name: FUNCTION is_healing(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.is_healing() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.is_healing() TO rowhook_worker;


--
-- Name: FUNCTION job_gaps(retention interval, since timestamp with time zone, until timestamp with time zone); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.job_gaps(retention interval, since timestamp with time zone, until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.job_gaps(retention interval, since timestamp with time zone, until timestamp with time zone) TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.job_gaps(retention interval, since timestamp with time zone, until timestamp with time zone) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.job_gaps(retention interval, since timestamp with time zone, until timestamp with time zone) TO rowhook_worker;


--
-- Name: FUNCTION judge(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.judge() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.judge() TO rowhook_worker;


--
-- Name: FUNCTION keep_attempt_days(retention interval); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.keep_attempt_days(retention interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.keep_attempt_days(retention interval) TO rowhook_worker;


--
-- Name: FUNCTION keep_revision(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.keep_revision() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.keep_revision() TO rowhook_worker;


--
-- Name: FUNCTION key_page(organization uuid, after_id uuid, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.key_page(organization uuid, after_id uuid, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.key_page(organization uuid, after_id uuid, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.key_page(organization uuid, after_id uuid, most integer) TO rowhook_api;


--
-- Name: FUNCTION keyring_check(offered bytea); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.keyring_check(offered bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.keyring_check(offered bytea) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.keyring_check(offered bytea) TO rowhook_api;


--
-- Name: FUNCTION lanes(after uuid, up_to uuid, most integer, known uuid[], marks timestamp with time zone[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.lanes(after uuid, up_to uuid, most integer, known uuid[], marks timestamp with time zone[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.lanes(after uuid, up_to uuid, most integer, known uuid[], marks timestamp with time zone[]) TO rowhook_worker;


--
-- Name: FUNCTION last_error_of(webhook uuid); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.last_error_of(webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.last_error_of(webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.last_error_of(webhook uuid) TO rowhook_api;


--
-- Name: FUNCTION latest_since(source text, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.latest_since(source text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.latest_since(source text, most integer) TO rowhook_worker;


--
-- Name: FUNCTION leave(worker uuid); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.leave(worker uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.leave(worker uuid) TO rowhook_worker;


--
-- Name: FUNCTION left_of(webhook uuid, since timestamp with time zone, until timestamp with time zone, mark bigint, held_mark bigint, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.left_of(webhook uuid, since timestamp with time zone, until timestamp with time zone, mark bigint, held_mark bigint, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.left_of(webhook uuid, since timestamp with time zone, until timestamp with time zone, mark bigint, held_mark bigint, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.left_of(webhook uuid, since timestamp with time zone, until timestamp with time zone, mark bigint, held_mark bigint, most integer) TO rowhook_api;


--
-- Name: FUNCTION link_agent(webhook uuid, agent uuid); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.link_agent(webhook uuid, agent uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.link_agent(webhook uuid, agent uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.link_agent(webhook uuid, agent uuid) TO rowhook_api;


--
-- Name: FUNCTION link_goal(webhook uuid, goal text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.link_goal(webhook uuid, goal text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.link_goal(webhook uuid, goal text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.link_goal(webhook uuid, goal text) TO rowhook_api;


--
-- Name: FUNCTION link_page(webhook uuid, after_place bigint, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.link_page(webhook uuid, after_place bigint, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.link_page(webhook uuid, after_place bigint, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.link_page(webhook uuid, after_place bigint, most integer) TO rowhook_api;


--
-- Name: FUNCTION links_of(webhook uuid); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.links_of(webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.links_of(webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.links_of(webhook uuid) TO rowhook_api;


--
-- Name: FUNCTION make_commit(wanted_goal text, wanted_session text, wanted_interview text, proposed json, wanted_id text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.make_commit(wanted_goal text, wanted_session text, wanted_interview text, proposed json, wanted_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.make_commit(wanted_goal text, wanted_session text, wanted_interview text, proposed json, wanted_id text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.make_commit(wanted_goal text, wanted_session text, wanted_interview text, proposed json, wanted_id text) TO rowhook_api;


--
-- Name: FUNCTION mark(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.mark() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.mark() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.mark() TO rowhook_api;


--
-- Name: FUNCTION mentions(search text, texts text[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.mentions(search text, texts text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.mentions(search text, texts text[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.mentions(search text, texts text[]) TO rowhook_api;


--
-- Name: FUNCTION name_of(webhook uuid); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.name_of(webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.name_of(webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.name_of(webhook uuid) TO rowhook_api;


--
-- Name: FUNCTION note(organization uuid, action text, subject text, before json, after json); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.note(organization uuid, action text, subject text, before json, after json) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.note(organization uuid, action text, subject text, before json, after json) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.note(organization uuid, action text, subject text, before json, after json) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.note(organization uuid, action text, subject text, before json, after json) TO rowhook_api;


--
-- Name: FUNCTION note_capture_error(source text, source_ids text[], sqlstate text, message text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.note_capture_error(source text, source_ids text[], sqlstate text, message text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.note_capture_error(source text, source_ids text[], sqlstate text, message text) TO rowhook_worker;


--
-- Name: FUNCTION note_change(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.note_change() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.note_change() TO rowhook_worker;


--
-- Name: FUNCTION note_migration(name text, checksum text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.note_migration(name text, checksum text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.note_migration(name text, checksum text) TO rowhook_worker;


--
-- Name: FUNCTION note_steered(action text, outbox_ids bigint[], asked json); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.note_steered(action text, outbox_ids bigint[], asked json) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.note_steered(action text, outbox_ids bigint[], asked json) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.note_steered(action text, outbox_ids bigint[], asked json) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.note_steered(action text, outbox_ids bigint[], asked json) TO rowhook_api;


--
-- Name: FUNCTION number_revision(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.number_revision() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.number_revision() TO rowhook_worker;


--
-- Name: FUNCTION oldest_waiting(organization uuid); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.oldest_waiting(organization uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.oldest_waiting(organization uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.oldest_waiting(organization uuid) TO rowhook_api;


--
-- Name: FUNCTION open_sign_in(link_hash bytea, token_hash bytea, until_at timestamp with time zone); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.open_sign_in(link_hash bytea, token_hash bytea, until_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.open_sign_in(link_hash bytea, token_hash bytea, until_at timestamp with time zone) TO rowhook_api;


--
-- Name: FUNCTION organization_page(after_id uuid, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.organization_page(after_id uuid, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.organization_page(after_id uuid, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.organization_page(after_id uuid, most integer) TO rowhook_api;


--
-- Name: FUNCTION pause(webhook_id uuid); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.pause(webhook_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.pause(webhook_id uuid) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.pause(webhook_id uuid) TO rowhook_worker;


--
-- Name: FUNCTION promote(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.promote() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.promote() TO rowhook_worker;


--
-- Name: FUNCTION proposed_commit(wanted_goal text, wanted_session text, wanted_interview text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.proposed_commit(wanted_goal text, wanted_session text, wanted_interview text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.proposed_commit(wanted_goal text, wanted_session text, wanted_interview text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.proposed_commit(wanted_goal text, wanted_session text, wanted_interview text) TO rowhook_api;


--
-- Name: FUNCTION put_in_order(webhook uuid, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.put_in_order(webhook uuid, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.put_in_order(webhook uuid, most integer) TO rowhook_worker;


--
-- Name: FUNCTION put_secret(organization uuid, secret_id text, next_version integer, new_sealed bytea, hosts text[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.put_secret(organization uuid, secret_id text, next_version integer, new_sealed bytea, hosts text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.put_secret(organization uuid, secret_id text, next_version integer, new_sealed bytea, hosts text[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.put_secret(organization uuid, secret_id text, next_version integer, new_sealed bytea, hosts text[]) TO rowhook_api;


--
-- Name: FUNCTION reap(worker uuid, lease interval); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.reap(worker uuid, lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.reap(worker uuid, lease interval) TO rowhook_worker;


--
-- Name: FUNCTION recent_events(organization uuid, webhook uuid, wanted_agent uuid, wanted_goal text, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.recent_events(organization uuid, webhook uuid, wanted_agent uuid, wanted_goal text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.recent_events(organization uuid, webhook uuid, wanted_agent uuid, wanted_goal text, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.recent_events(organization uuid, webhook uuid, wanted_agent uuid, wanted_goal text, most integer) TO rowhook_api;


--
-- Name: FUNCTION record(results json); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.record(results json) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.record(results json) TO rowhook_worker;


--
-- Name: FUNCTION release(outbox_ids bigint[], tokens bigint[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.release(outbox_ids bigint[], tokens bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.release(outbox_ids bigint[], tokens bigint[]) TO rowhook_worker;


--
-- Name: FUNCTION renew(worker uuid, outbox_ids bigint[], tokens bigint[], lease interval); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.renew(worker uuid, outbox_ids bigint[], tokens bigint[], lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.renew(worker uuid, outbox_ids bigint[], tokens bigint[], lease interval) TO rowhook_worker;


--
-- Name: FUNCTION replay(webhook_id uuid, since timestamp with time zone, until timestamp with time zone, statuses text[], dry_run boolean, rate numeric); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.replay(webhook_id uuid, since timestamp with time zone, until timestamp with time zone, statuses text[], dry_run boolean, rate numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.replay(webhook_id uuid, since timestamp with time zone, until timestamp with time zone, statuses text[], dry_run boolean, rate numeric) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.replay(webhook_id uuid, since timestamp with time zone, until timestamp with time zone, statuses text[], dry_run boolean, rate numeric) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.replay(webhook_id uuid, since timestamp with time zone, until timestamp with time zone, statuses text[], dry_run boolean, rate numeric) TO rowhook_api;


--
-- Name: FUNCTION require_nobody(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.require_nobody() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.require_nobody() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.require_nobody() TO rowhook_api;


--
-- Name: FUNCTION reseal(kind text, firsts text[], seconds text[], was bytea[], becomes bytea[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.reseal(kind text, firsts text[], seconds text[], was bytea[], becomes bytea[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.reseal(kind text, firsts text[], seconds text[], was bytea[], becomes bytea[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.reseal(kind text, firsts text[], seconds text[], was bytea[], becomes bytea[]) TO rowhook_api;


--
-- Name: FUNCTION resend(outbox_ids bigint[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.resend(outbox_ids bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.resend(outbox_ids bigint[]) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.resend(outbox_ids bigint[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.resend(outbox_ids bigint[]) TO rowhook_api;


--
-- Name: FUNCTION resend_at_rate(outbox_ids bigint[], rate numeric); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.resend_at_rate(outbox_ids bigint[], rate numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.resend_at_rate(outbox_ids bigint[], rate numeric) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.resend_at_rate(outbox_ids bigint[], rate numeric) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.resend_at_rate(outbox_ids bigint[], rate numeric) TO rowhook_api;


--
-- Name: FUNCTION resume(webhook_id uuid); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.resume(webhook_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.resume(webhook_id uuid) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.resume(webhook_id uuid) TO rowhook_worker;


--
-- Name: FUNCTION retain(retention interval, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.retain(retention interval, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retain(retention interval, most integer) TO rowhook_worker;


--
-- Name: FUNCTION retry(outbox_ids bigint[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.retry(outbox_ids bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retry(outbox_ids bigint[]) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.retry(outbox_ids bigint[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.retry(outbox_ids bigint[]) TO rowhook_api;


--
-- Name: FUNCTION retry_captures(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.retry_captures() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retry_captures() TO rowhook_worker;


--
-- Name: FUNCTION revision_of(webhook uuid, wanted integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.revision_of(webhook uuid, wanted integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.revision_of(webhook uuid, wanted integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.revision_of(webhook uuid, wanted integer) TO rowhook_api;


--
-- Name: FUNCTION revision_page(webhook uuid, before_revision integer, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.revision_page(webhook uuid, before_revision integer, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.revision_page(webhook uuid, before_revision integer, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.revision_page(webhook uuid, before_revision integer, most integer) TO rowhook_api;


--
-- Name: FUNCTION rotate_signing_secret(organization uuid, webhook uuid, next_version integer, new_secret bytea, overlap interval); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.rotate_signing_secret(organization uuid, webhook uuid, next_version integer, new_secret bytea, overlap interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.rotate_signing_secret(organization uuid, webhook uuid, next_version integer, new_secret bytea, overlap interval) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.rotate_signing_secret(organization uuid, webhook uuid, next_version integer, new_secret bytea, overlap interval) TO rowhook_api;


--
-- Name: FUNCTION rotation(after uuid, most integer, known uuid[], marks timestamp with time zone[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.rotation(after uuid, most integer, known uuid[], marks timestamp with time zone[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.rotation(after uuid, most integer, known uuid[], marks timestamp with time zone[]) TO rowhook_worker;


--
-- Name: FUNCTION sample_commit(organization uuid, wanted_goal text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.sample_commit(organization uuid, wanted_goal text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sample_commit(organization uuid, wanted_goal text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.sample_commit(organization uuid, wanted_goal text) TO rowhook_api;


--
-- Name: FUNCTION sample_event(organization uuid, wanted bigint); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.sample_event(organization uuid, wanted bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sample_event(organization uuid, wanted bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.sample_event(organization uuid, wanted bigint) TO rowhook_api;


--
-- Name: FUNCTION sample_job(organization uuid, wanted_agent uuid); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.sample_job(organization uuid, wanted_agent uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sample_job(organization uuid, wanted_agent uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.sample_job(organization uuid, wanted_agent uuid) TO rowhook_api;


--
-- Name: FUNCTION sealed_elsewhere(newest bytea); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.sealed_elsewhere(newest bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sealed_elsewhere(newest bytea) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.sealed_elsewhere(newest bytea) TO rowhook_api;


--
-- Name: FUNCTION sealed_page(kind text, newest bytea, after_first text, after_second text, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.sealed_page(kind text, newest bytea, after_first text, after_second text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sealed_page(kind text, newest bytea, after_first text, after_second text, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.sealed_page(kind text, newest bytea, after_first text, after_second text, most integer) TO rowhook_api;


--
-- Name: FUNCTION secret_hosts(organization uuid, secret_ids text[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.secret_hosts(organization uuid, secret_ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.secret_hosts(organization uuid, secret_ids text[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.secret_hosts(organization uuid, secret_ids text[]) TO rowhook_api;


--
-- Name: FUNCTION secret_page(organization uuid, after_id text, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.secret_page(organization uuid, after_id text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.secret_page(organization uuid, after_id text, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.secret_page(organization uuid, after_id text, most integer) TO rowhook_api;


--
-- Name: FUNCTION secret_users(organization uuid, wanted text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.secret_users(organization uuid, wanted text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.secret_users(organization uuid, wanted text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.secret_users(organization uuid, wanted text) TO rowhook_api;


--
-- Name: FUNCTION secret_version(organization uuid, secret_id text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.secret_version(organization uuid, secret_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.secret_version(organization uuid, secret_id text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.secret_version(organization uuid, secret_id text) TO rowhook_api;


--
-- Name: FUNCTION secrets_of(webhook uuid); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.secrets_of(webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.secrets_of(webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.secrets_of(webhook uuid) TO rowhook_api;


--
-- Name: FUNCTION sees(organization uuid); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.sees(organization uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sees(organization uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.sees(organization uuid) TO rowhook_api;


--
-- Name: FUNCTION series(organization uuid, webhook uuid, span interval, points integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.series(organization uuid, webhook uuid, span interval, points integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.series(organization uuid, webhook uuid, span interval, points integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.series(organization uuid, webhook uuid, span interval, points integer) TO rowhook_api;


--
-- Name: FUNCTION session_owner(session text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.session_owner(session text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.session_owner(session text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.session_owner(session text) TO rowhook_api;


--
-- Name: FUNCTION session_page(wanted_session text, before_id bigint, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.session_page(wanted_session text, before_id bigint, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.session_page(wanted_session text, before_id bigint, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.session_page(wanted_session text, before_id bigint, most integer) TO rowhook_api;


--
-- Name: FUNCTION set_state(webhook uuid, wanted text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.set_state(webhook uuid, wanted text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.set_state(webhook uuid, wanted text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.set_state(webhook uuid, wanted text) TO rowhook_api;


--
-- Name: FUNCTION sign_in(token_hash bytea, once boolean, key_hash bytea, ends_at timestamp with time zone); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.sign_in(token_hash bytea, once boolean, key_hash bytea, ends_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sign_in(token_hash bytea, once boolean, key_hash bytea, ends_at timestamp with time zone) TO rowhook_api;


--
-- Name: FUNCTION sign_out(token_hash bytea); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.sign_out(token_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sign_out(token_hash bytea) TO rowhook_api;


--
-- Name: FUNCTION signed_in(token_hash bytea); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.signed_in(token_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.signed_in(token_hash bytea) TO rowhook_api;


--
-- Name: FUNCTION spread_secret(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.spread_secret() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.spread_secret() TO rowhook_worker;


--
-- Name: FUNCTION stage(delivery bigint, claim bigint, sent_revision integer, session text, body text, ttl interval); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.stage(delivery bigint, claim bigint, sent_revision integer, session text, body text, ttl interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.stage(delivery bigint, claim bigint, sent_revision integer, session text, body text, ttl interval) TO rowhook_worker;


--
-- Name: FUNCTION standing_of(webhook uuid); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.standing_of(webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.standing_of(webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.standing_of(webhook uuid) TO rowhook_api;


--
-- Name: FUNCTION stats(organization uuid, span interval); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.stats(organization uuid, span interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.stats(organization uuid, span interval) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.stats(organization uuid, span interval) TO rowhook_api;


--
-- Name: FUNCTION status(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.status() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.status() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.status() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.status() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.status() TO rowhook_api;


--
-- Name: FUNCTION sweep(most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.sweep(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sweep(most integer) TO rowhook_worker;


--
-- Name: FUNCTION system(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.system() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.system() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.system() TO rowhook_api;


--
-- Name: FUNCTION tallied(by_status json, capped boolean); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.tallied(by_status json, capped boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.tallied(by_status json, capped boolean) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.tallied(by_status json, capped boolean) TO rowhook_api;


--
-- Name: FUNCTION tally(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, job uuid, commit_key text, event_type text, code integer, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.tally(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, job uuid, commit_key text, event_type text, code integer, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.tally(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, job uuid, commit_key text, event_type text, code integer, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.tally(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, job uuid, commit_key text, event_type text, code integer, most integer) TO rowhook_api;


--
-- Name: FUNCTION tell(webhook uuid, type text, reason text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.tell(webhook uuid, type text, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.tell(webhook uuid, type text, reason text) TO rowhook_worker;


--
-- Name: FUNCTION unknown(webhook uuid, agent uuid, goal text, delivery bigint, key uuid, organization uuid, session text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.unknown(webhook uuid, agent uuid, goal text, delivery bigint, key uuid, organization uuid, session text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.unknown(webhook uuid, agent uuid, goal text, delivery bigint, key uuid, organization uuid, session text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.unknown(webhook uuid, agent uuid, goal text, delivery bigint, key uuid, organization uuid, session text) TO rowhook_api;


--
-- Name: FUNCTION unlink(webhook uuid, agent uuid, goal text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.unlink(webhook uuid, agent uuid, goal text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.unlink(webhook uuid, agent uuid, goal text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.unlink(webhook uuid, agent uuid, goal text) TO rowhook_api;


--
-- Name: FUNCTION use_secrets(organization uuid, webhook uuid, secret_ids text[]); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.use_secrets(organization uuid, webhook uuid, secret_ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.use_secrets(organization uuid, webhook uuid, secret_ids text[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.use_secrets(organization uuid, webhook uuid, secret_ids text[]) TO rowhook_api;


--
-- Name: FUNCTION validate_commit(goal_id text, data json, context json); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.validate_commit(goal_id text, data json, context json) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.validate_commit(goal_id text, data json, context json) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.validate_commit(goal_id text, data json, context json) TO rowhook_worker;


--
-- Name: FUNCTION wake(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.wake() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.wake() TO rowhook_worker;


--
-- Name: FUNCTION wake_up(register bigint); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.wake_up(register bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.wake_up(register bigint) TO rowhook_worker;


--
-- Name: FUNCTION webhook_names(organization uuid, first uuid, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.webhook_names(organization uuid, first uuid, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.webhook_names(organization uuid, first uuid, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.webhook_names(organization uuid, first uuid, most integer) TO rowhook_api;


--
-- Name: FUNCTION webhook_page(organization uuid, agent uuid, goal text, wanted_state text, one uuid, before_at timestamp with time zone, before_id uuid, most integer, search text); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.webhook_page(organization uuid, agent uuid, goal text, wanted_state text, one uuid, before_at timestamp with time zone, before_id uuid, most integer, search text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.webhook_page(organization uuid, agent uuid, goal text, wanted_state text, one uuid, before_at timestamp with time zone, before_id uuid, most integer, search text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.webhook_page(organization uuid, agent uuid, goal text, wanted_state text, one uuid, before_at timestamp with time zone, before_id uuid, most integer, search text) TO rowhook_api;


--
-- Name: FUNCTION weigh(webhook uuid, failures integer, successes integer, asked_pause_s double precision, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.weigh(webhook uuid, failures integer, successes integer, asked_pause_s double precision, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.weigh(webhook uuid, failures integer, successes integer, asked_pause_s double precision, most integer) TO rowhook_worker;


--
-- Name: FUNCTION worker_list(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.worker_list() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.worker_list() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.worker_list() TO rowhook_api;


--
-- Name: FUNCTION workers(); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.workers() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.workers() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.workers() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.workers() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.workers() TO rowhook_api;


--
-- Name: FUNCTION worst_webhooks(organization uuid, wanted text[], span interval, worst integer, most integer); Type: ACL; Schema: rowhook; Owner: -
--

REVOKE ALL ON FUNCTION rowhook.worst_webhooks(organization uuid, wanted text[], span interval, worst integer, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.worst_webhooks(organization uuid, wanted text[], span interval, worst integer, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.worst_webhooks(organization uuid, wanted text[], span interval, worst integer, most integer) TO rowhook_api;


--
-- Name: TABLE agent; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.agent TO rowhook_producer;
GRANT SELECT ON TABLE rowhook.agent TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.agent TO rowhook_api;


--
-- Name: TABLE agent_version; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.agent_version TO rowhook_producer;
GRANT SELECT ON TABLE rowhook.agent_version TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.agent_version TO rowhook_api;


--
-- Name: SEQUENCE event_id; Type: ACL; Schema: rowhook; Owner: -
--

GRANT USAGE ON SEQUENCE rowhook.event_id TO rowhook_worker;
GRANT USAGE ON SEQUENCE rowhook.event_id TO rowhook_api;


--
-- Name: TABLE event; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT,INSERT ON TABLE rowhook.event TO rowhook_worker;
GRANT SELECT,INSERT ON TABLE rowhook.event TO rowhook_api;


--
-- Name: TABLE outbox; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.outbox TO rowhook_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.outbox TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.outbox TO rowhook_api;


--
-- Name: COLUMN outbox.status; Type: ACL; Schema: rowhook; Owner: -
--

GRANT UPDATE(status) ON TABLE rowhook.outbox TO rowhook_operator;
GRANT UPDATE(status) ON TABLE rowhook.outbox TO rowhook_api;


--
-- Name: TABLE webhook_revision; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.webhook_revision TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.webhook_revision TO rowhook_api;


--
-- Name: TABLE api_delivery; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.api_delivery TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.api_delivery TO rowhook_api;


--
-- Name: TABLE api_key; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.api_key TO rowhook_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.api_key TO rowhook_api;


--
-- Name: TABLE attempt; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT,INSERT ON TABLE rowhook.attempt TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.attempt TO rowhook_api;


--
-- Name: TABLE attempt_default; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.attempt_default TO rowhook_worker;


--
-- Name: TABLE audit; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.audit TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.audit TO rowhook_api;


--
-- Name: SEQUENCE audit_id_seq; Type: ACL; Schema: rowhook; Owner: -
--

GRANT USAGE ON SEQUENCE rowhook.audit_id_seq TO rowhook_worker;


--
-- Name: TABLE callback; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.callback TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.callback TO rowhook_api;


--
-- Name: TABLE capture_error; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.capture_error TO rowhook_worker;


--
-- Name: SEQUENCE capture_error_id_seq; Type: ACL; Schema: rowhook; Owner: -
--

GRANT USAGE ON SEQUENCE rowhook.capture_error_id_seq TO rowhook_worker;


--
-- Name: TABLE commit; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.commit TO rowhook_producer;
GRANT SELECT ON TABLE rowhook.commit TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.commit TO rowhook_api;


--
-- Name: TABLE job; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.job TO rowhook_producer;
GRANT SELECT ON TABLE rowhook.job TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.job TO rowhook_api;


--
-- Name: TABLE capture_gap; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.capture_gap TO rowhook_reader;
GRANT SELECT ON TABLE rowhook.capture_gap TO rowhook_operator;
GRANT SELECT ON TABLE rowhook.capture_gap TO rowhook_worker;


--
-- Name: TABLE chore; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.chore TO rowhook_worker;


--
-- Name: TABLE delivery; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.delivery TO rowhook_reader;
GRANT SELECT ON TABLE rowhook.delivery TO rowhook_operator;
GRANT SELECT ON TABLE rowhook.delivery TO rowhook_worker;


--
-- Name: TABLE goal; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.goal TO rowhook_producer;
GRANT SELECT ON TABLE rowhook.goal TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.goal TO rowhook_api;


--
-- Name: TABLE idempotent_request; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.idempotent_request TO rowhook_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.idempotent_request TO rowhook_api;


--
-- Name: TABLE keyring_check; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT,INSERT ON TABLE rowhook.keyring_check TO rowhook_worker;
GRANT SELECT,INSERT ON TABLE rowhook.keyring_check TO rowhook_api;


--
-- Name: COLUMN keyring_check.sealed; Type: ACL; Schema: rowhook; Owner: -
--

GRANT UPDATE(sealed) ON TABLE rowhook.keyring_check TO rowhook_api;


--
-- Name: TABLE lane_state; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.lane_state TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.lane_state TO rowhook_api;


--
-- Name: TABLE link; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.link TO rowhook_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.link TO rowhook_api;


--
-- Name: SEQUENCE link_id_seq; Type: ACL; Schema: rowhook; Owner: -
--

GRANT USAGE ON SEQUENCE rowhook.link_id_seq TO rowhook_worker;


--
-- Name: TABLE migration; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.migration TO rowhook_worker;


--
-- Name: TABLE organization; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.organization TO rowhook_producer;
GRANT SELECT ON TABLE rowhook.organization TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.organization TO rowhook_api;


--
-- Name: SEQUENCE outbox_id_seq; Type: ACL; Schema: rowhook; Owner: -
--

GRANT USAGE ON SEQUENCE rowhook.outbox_id_seq TO rowhook_worker;


--
-- Name: TABLE secret; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.secret TO rowhook_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.secret TO rowhook_api;


--
-- Name: TABLE session; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.session TO rowhook_producer;
GRANT SELECT ON TABLE rowhook.session TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.session TO rowhook_api;


--
-- Name: TABLE shown_delivery; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.shown_delivery TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.shown_delivery TO rowhook_api;


--
-- Name: TABLE sign_in; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.sign_in TO rowhook_worker;


--
-- Name: TABLE signing_secret; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.signing_secret TO rowhook_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.signing_secret TO rowhook_api;


--
-- Name: TABLE test_allowance; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.test_allowance TO rowhook_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.test_allowance TO rowhook_api;


--
-- Name: SEQUENCE token; Type: ACL; Schema: rowhook; Owner: -
--

GRANT USAGE ON SEQUENCE rowhook.token TO rowhook_worker;
GRANT SELECT ON SEQUENCE rowhook.token TO rowhook_api;


--
-- Name: TABLE webhook_health; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.webhook_health TO rowhook_reader;
GRANT SELECT ON TABLE rowhook.webhook_health TO rowhook_operator;
GRANT SELECT ON TABLE rowhook.webhook_health TO rowhook_worker;


--
-- Name: TABLE webhook_secret; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT ON TABLE rowhook.webhook_secret TO rowhook_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.webhook_secret TO rowhook_api;


--
-- Name: TABLE worker; Type: ACL; Schema: rowhook; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.worker TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.worker TO rowhook_api;


--
-- Name: TABLE pgqueuer; Type: ACL; Schema: rowhook_pgqueuer; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook_pgqueuer.pgqueuer TO rowhook_worker;


--
-- Name: SEQUENCE pgqueuer_id_seq; Type: ACL; Schema: rowhook_pgqueuer; Owner: -
--

GRANT USAGE ON SEQUENCE rowhook_pgqueuer.pgqueuer_id_seq TO rowhook_worker;


--
-- Name: TABLE pgqueuer_log; Type: ACL; Schema: rowhook_pgqueuer; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook_pgqueuer.pgqueuer_log TO rowhook_worker;


--
-- Name: SEQUENCE pgqueuer_log_id_seq; Type: ACL; Schema: rowhook_pgqueuer; Owner: -
--

GRANT USAGE ON SEQUENCE rowhook_pgqueuer.pgqueuer_log_id_seq TO rowhook_worker;


--
-- Name: TABLE pgqueuer_schedules; Type: ACL; Schema: rowhook_pgqueuer; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook_pgqueuer.pgqueuer_schedules TO rowhook_worker;


--
-- Name: SEQUENCE pgqueuer_schedules_id_seq; Type: ACL; Schema: rowhook_pgqueuer; Owner: -
--

GRANT USAGE ON SEQUENCE rowhook_pgqueuer.pgqueuer_schedules_id_seq TO rowhook_worker;


--
-- Name: TABLE pgqueuer_statistics; Type: ACL; Schema: rowhook_pgqueuer; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook_pgqueuer.pgqueuer_statistics TO rowhook_worker;


--
-- Name: SEQUENCE pgqueuer_statistics_id_seq; Type: ACL; Schema: rowhook_pgqueuer; Owner: -
--

GRANT USAGE ON SEQUENCE rowhook_pgqueuer.pgqueuer_statistics_id_seq TO rowhook_worker;


--
-- PostgreSQL database dump complete
--


