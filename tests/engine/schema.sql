CREATE SCHEMA rowhook;

CREATE FUNCTION rowhook.abandon(outbox_ids bigint[], tokens bigint[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.abandon(outbox_ids bigint[], tokens bigint[]) IS 'gives back deliveries that the worker cannot read, or sent and cannot record; each counts as a lost claim';

CREATE FUNCTION rowhook.add_agent(organization text, id text, name text) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.add_agent(organization text, id text, name text) IS 'creates an agent with this platform id';

CREATE FUNCTION rowhook.add_goal(organization text, id text, template_id text, session text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.add_goal(organization text, id text, template_id text, session text) IS 'creates the goal and the session that a watched commit names for the first time';

CREATE FUNCTION rowhook.add_organization(id text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.add_organization(id text) IS 'returns the organization with this platform id, creating it if necessary; for a null id the only organization, or one called default';

CREATE FUNCTION rowhook.add_repeats(template text, may_repeat boolean) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.add_repeats(template text, may_repeat boolean) IS 'statement that inserts events of jobs; with may_repeat, a completion that was captured before gets a key of its own';

CREATE FUNCTION rowhook.add_trace(template text, is_mapped boolean) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.add_trace(template text, is_mapped boolean) IS 'statement that inserts events, with the trace of the row if the mapping has `traceparent`';

CREATE TABLE rowhook.source (
    name text NOT NULL,
    kind text NOT NULL,
    relation regclass NOT NULL,
    mapping jsonb NOT NULL,
    strict boolean DEFAULT false NOT NULL,
    installed_at timestamp with time zone DEFAULT now() NOT NULL,
    history_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    future_ids text[] DEFAULT '{}'::text[] NOT NULL,
    settled_at timestamp with time zone DEFAULT now() NOT NULL,
    next_settled_at timestamp with time zone DEFAULT now() NOT NULL,
    next_xact xid8 DEFAULT pg_current_xact_id() NOT NULL,
    passed_until timestamp with time zone,
    passes_to timestamp with time zone,
    looked_again_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    heal_error text,
    heal_from timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT source_kind_is_known CHECK ((kind = ANY (ARRAY['jobs'::text, 'commits'::text, 'organizations'::text, 'agents'::text, 'goals'::text, 'sessions'::text])))
);

COMMENT ON COLUMN rowhook.source.mapping IS 'where each field is read from: a column, a dotted path into a json column, or {"value": constant}';

COMMENT ON COLUMN rowhook.source.strict IS 'if true, an error in the capture fails the platform''s statement; otherwise rowhook.heal captures the row later';

COMMENT ON COLUMN rowhook.source.history_until IS 'latest completion time in the table when it was watched; completions up to it are history and are never sent';

COMMENT ON COLUMN rowhook.source.future_ids IS 'ids of rows with a future completion time when the table was watched; they are history too';

COMMENT ON COLUMN rowhook.source.settled_at IS 'every completion before this time has its event: all transactions of that time have ended and rowhook.heal has searched it';

COMMENT ON COLUMN rowhook.source.next_settled_at IS 'value of settled_at once all transactions before next_xact have ended';

COMMENT ON COLUMN rowhook.source.passed_until IS 'progress of the current pass of rowhook.heal over everything since settled_at; null: the next pass starts from the beginning';

COMMENT ON COLUMN rowhook.source.passes_to IS 'value of settled_at after the current pass';

COMMENT ON COLUMN rowhook.source.looked_again_until IS 'progress of rowhook.heal in checking older rows again';

COMMENT ON COLUMN rowhook.source.heal_error IS 'error of the last heal of this source; null if it succeeded';

COMMENT ON COLUMN rowhook.source.heal_from IS 'rowhook.heal ignores older rows: events removed by retention before migration 0016 left no trace';

CREATE FUNCTION rowhook.add_unseen_sql(source rowhook.source, of_rows text, condition text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.add_unseen_sql(source rowhook.source, of_rows text, condition text) IS 'statement that creates the agents, goals, sessions and organizations that rows of a watched table name for the first time';

CREATE FUNCTION rowhook.admit(key_hash bytea) RETURNS TABLE(id uuid, name text, organization_id uuid, scopes text[], expires_at timestamp with time zone, hash bytea)
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.admit(key_hash bytea) IS 'previous name of rowhook.authenticate';

CREATE FUNCTION rowhook.adopt(cancel_waiting boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.adopt(cancel_waiting boolean) IS 'makes this database the installation, so that it sends deliveries. With cancel_waiting, deliveries that are pending, held or sending are cancelled first; returns how many';

CREATE FUNCTION rowhook.advice_for_copy() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.advice_for_copy() IS 'previous name of rowhook.copy_advice';

CREATE FUNCTION rowhook.agent_of(organization text, id text) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off';

COMMENT ON FUNCTION rowhook.agent_of(organization text, id text) IS 'agent with this platform id, within the organization if one is named; null if unknown';

CREATE FUNCTION rowhook.agent_page(organization uuid, after_id uuid, most integer, search text DEFAULT NULL::text) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.agent_platform_id(agent uuid) RETURNS text
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION rowhook.agent_platform_id(agent uuid) IS 'platform id of an agent: its external_id, otherwise the uuid; null for null';

CREATE FUNCTION rowhook.agent_sql(has_organization boolean) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

CREATE FUNCTION rowhook.alert_thresholds(organization uuid, OUT held integer, OUT backlog integer, OUT backlog_age_s integer) RETURNS record
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.alert_thresholds(organization uuid, OUT held integer, OUT backlog integer, OUT backlog_age_s integer) IS 'numbers of held and of due deliveries, and age in seconds of the oldest due one, from which webhook.held and webhook.backlog are sent';

CREATE FUNCTION rowhook.alert_webhooks(organization uuid, most integer) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.alert_webhooks(organization uuid, most integer) IS 'webhooks of an organization that the page of alerts created, newest first';

CREATE FUNCTION rowhook.allow_test(webhook uuid, burst integer DEFAULT 10, per_minute integer DEFAULT 20) RETURNS double precision
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.allow_test(webhook uuid, burst integer, per_minute integer) IS '0 if a test may be sent now, otherwise the seconds to wait';

CREATE FUNCTION rowhook.allowed_values(relation regclass, column_name text) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.allowed_values(relation regclass, column_name text) IS 'all values that a column allows, by its enum or a check `in (…)`; null if there is neither';

CREATE FUNCTION rowhook.announce_waiting() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.announce_waiting() IS 'sends webhook.held and webhook.backlog, once per episode, about webhooks of organizations that have a webhook for them; returns the number of events';

CREATE FUNCTION rowhook.applied_migrations() RETURNS TABLE(name text, checksum text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

CREATE FUNCTION rowhook.apply_retention_settings(days integer DEFAULT NULL::integer, bodies text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.apply_retention_settings(days integer, bodies text) IS 'applies ROWHOOK_RETENTION_DAYS and ROWHOOK_KEEP_BODIES (all, failed or none) if they are set and differ from the values applied last';

CREATE FUNCTION rowhook.assign_order(webhook uuid, max_rows integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.assign_order(webhook uuid, max_rows integer) IS 'assigns their position to a batch of deliveries that wait for a webhook which became ordered; returns how many';

CREATE FUNCTION rowhook.attempt_class(outcome text, status_code integer) RETURNS text
    LANGUAGE sql IMMUTABLE;

COMMENT ON FUNCTION rowhook.attempt_class(outcome text, status_code integer) IS 'class of an attempt that was not skipped: 2xx (accepted, also by an output without a status code), 3xx, 4xx, 5xx, timeout, held (nothing was sent: the body could not be rendered or does not match the schema), refused (everything else: DNS, connection, TLS, forbidden target, no valid response)';

CREATE FUNCTION rowhook.attempt_series(organization uuid, webhook uuid, span interval, points integer) RETURNS json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.attempt_series(organization uuid, webhook uuid, span interval, points integer) IS 'attempts by class, and deliveries that became dead, in equal steps of the window: `points` of them, one more, or fewer where a step would be shorter than the counts are kept';

CREATE FUNCTION rowhook.attempts_by_class(status_2xx bigint, status_3xx bigint, status_4xx bigint, status_5xx bigint, timeout bigint, refused bigint, held bigint) RETURNS json
    LANGUAGE sql IMMUTABLE;

COMMENT ON FUNCTION rowhook.attempts_by_class(status_2xx bigint, status_3xx bigint, status_4xx bigint, status_5xx bigint, timeout bigint, refused bigint, held bigint) IS 'counts of attempts as a JSON object';

CREATE FUNCTION rowhook.attempts_of(delivery bigint) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.attempts_of(delivery bigint) IS 'attempts of a delivery, in order';

CREATE FUNCTION rowhook.audit_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.audit_deliveries(action text, outbox_ids bigint[], arguments json DEFAULT NULL::json) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.audit_deliveries(action text, outbox_ids bigint[], arguments json) IS 'writes one audit row per organization for an action on these deliveries';

CREATE FUNCTION rowhook.audit_page(organization uuid, before_id bigint, most integer, by_actor text DEFAULT NULL::text, of_action text DEFAULT NULL::text, of_subject text DEFAULT NULL::text) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.audit_page(organization uuid, before_id bigint, most integer, by_actor text, of_action text, of_subject text) IS 'audit rows, newest first; null organization: all that this transaction can see';

CREATE FUNCTION rowhook.authenticate(key_hash bytea) RETURNS TABLE(id uuid, name text, organization_id uuid, scopes text[], expires_at timestamp with time zone, hash bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.authenticate(key_hash bytea) IS 'API key with this SHA-256, expired or not';

CREATE FUNCTION rowhook.backlog() RETURNS TABLE(kind text, due bigint, oldest_due_s double precision)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowhook.backlog() IS 'deliveries that are due for active webhooks, by kind of output; a kind without any has no row';

CREATE FUNCTION rowhook.backlog_level(webhook uuid, threshold integer, age_s integer, OUT level integer, OUT reason text) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.backlog_level(webhook uuid, threshold integer, age_s integer, OUT level integer, OUT reason text) IS 'how many due deliveries a webhook has and how old they are, compared with two thresholds; retries that are not yet due do not count';

CREATE FUNCTION rowhook.base_type(of_type oid) RETURNS oid
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.base_type(of_type oid) IS 'base type of a domain, or the type itself';

CREATE FUNCTION rowhook.beat(worker uuid, host text, pid integer, in_flight integer) RETURNS timestamp with time zone
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.beat(worker uuid, host text, pid integer, in_flight integer) IS 'previous name of rowhook.heartbeat';

CREATE FUNCTION rowhook.begin_pass(progress rowhook.source) RETURNS rowhook.source
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.begin_pass(progress rowhook.source) IS 'starts a pass over everything that is not settled; at its end, everything is settled up to the last moment whose transactions had all ended';

CREATE FUNCTION rowhook.begin_request(caller_name text, request_key text, print bytea) RETURNS TABLE(state text, sealed_answer bytea)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.begin_request(caller_name text, request_key text, print bytea) IS 'starts a request; state is begun, busy (in progress elsewhere), answered (with the stored answer) or other (the key was used for a different request)';

CREATE TABLE rowhook.retention (
    kind text NOT NULL,
    place integer NOT NULL,
    concerns text NOT NULL,
    keep interval,
    applied_setting text,
    passed_at timestamp with time zone,
    passed_id bigint,
    passed_webhook uuid,
    settled_id bigint DEFAULT 0 NOT NULL,
    next_id bigint DEFAULT 0 NOT NULL,
    next_xact xid8 DEFAULT pg_current_xact_id() NOT NULL,
    last_run_at timestamp with time zone,
    last_finished_at timestamp with time zone,
    removed bigint DEFAULT 0 NOT NULL,
    CONSTRAINT keep_is_at_most_100_years CHECK ((keep <= '36500 days'::interval)),
    CONSTRAINT keep_is_in_days_and_hours CHECK (((EXTRACT(year FROM keep) = (0)::numeric) AND (EXTRACT(month FROM keep) = (0)::numeric))),
    CONSTRAINT keep_is_not_negative CHECK ((keep >= '00:00:00'::interval))
);

COMMENT ON COLUMN rowhook.retention.place IS 'position in the order of a run';

COMMENT ON COLUMN rowhook.retention.keep IS 'older rows are removed; null: never';

COMMENT ON COLUMN rowhook.retention.applied_setting IS 'value of ROWHOOK_RETENTION_DAYS or ROWHOOK_KEEP_BODIES that was last applied; the same value is not applied again';

COMMENT ON COLUMN rowhook.retention.passed_at IS 'rows with a finished_at up to this time are removed; the next batch starts here. null: start from the beginning';

COMMENT ON COLUMN rowhook.retention.passed_id IS 'rows up to this id were examined; null: none';

COMMENT ON COLUMN rowhook.retention.passed_webhook IS 'webhook that was examined last; null: the next pass starts from the beginning';

COMMENT ON COLUMN rowhook.retention.settled_id IS 'events: all transactions that may write an event up to this id have ended';

COMMENT ON COLUMN rowhook.retention.next_id IS 'value of settled_id once all transactions before next_xact have ended';

COMMENT ON COLUMN rowhook.retention.last_run_at IS 'start of the last run';

COMMENT ON COLUMN rowhook.retention.last_finished_at IS 'end of the last completed run';

COMMENT ON COLUMN rowhook.retention.removed IS 'number of rows that the last run removed';

CREATE FUNCTION rowhook.begin_retention(progress rowhook.retention, is_full boolean) RETURNS rowhook.retention
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.begin_retention(progress rowhook.retention, is_full boolean) IS 'starts the run of a kind';

CREATE FUNCTION rowhook.begin_test(webhook uuid, event_key text, agent uuid, goal text, snapshot json, data json, context json, oversize bigint) RETURNS TABLE(event_id bigint, moment timestamp with time zone)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.begin_test(webhook uuid, event_key text, agent uuid, goal text, snapshot json, data json, context json, oversize bigint) IS 'writes the event and the audit row of a test send; no row if there is no such webhook';

CREATE FUNCTION rowhook.begin_totals() RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowhook.begin_totals() IS 'adds up the counts of all webhooks by organization, once; called by rowhook.fold_attempts';

CREATE FUNCTION rowhook.bump_secrets_version() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.quota_day() RETURNS date
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION rowhook.quota_day() IS 'the day, in UTC, whose bytes rowhook.organization_quota counts now';

CREATE FUNCTION rowhook.bytes_resume_at() RETURNS timestamp with time zone
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION rowhook.bytes_resume_at() IS 'the end of the day, in UTC, when bytes are counted from 0 again';

CREATE TABLE rowhook.organization_quota (
    organization_id uuid NOT NULL,
    webhooks integer,
    deliveries_per_s numeric,
    tokens double precision,
    refilled_at timestamp with time zone,
    bytes_per_day bigint,
    bytes_used bigint DEFAULT 0 NOT NULL,
    bytes_used_on date,
    CONSTRAINT bytes_per_day_is_positive CHECK ((bytes_per_day > 0)),
    CONSTRAINT deliveries_per_s_is_positive CHECK ((deliveries_per_s > (0)::numeric)),
    CONSTRAINT webhooks_is_not_negative CHECK ((webhooks >= 0))
);

COMMENT ON TABLE rowhook.organization_quota IS 'the quotas that operators set; null: no limit';

COMMENT ON COLUMN rowhook.organization_quota.webhooks IS 'how many webhooks the organization may have';

COMMENT ON COLUMN rowhook.organization_quota.deliveries_per_s IS 'how many deliveries of all its webhooks may start in a second; further ones wait';

COMMENT ON COLUMN rowhook.organization_quota.tokens IS 'deliveries that may start at once, at refilled_at; null: as many as the bucket holds';

COMMENT ON COLUMN rowhook.organization_quota.bytes_per_day IS 'how many bytes of events its deliveries may carry in a day of UTC; further ones wait for the next day';

COMMENT ON COLUMN rowhook.organization_quota.bytes_used IS 'bytes of events that its deliveries carried on bytes_used_on, counted when they are claimed';

CREATE FUNCTION rowhook.bytes_today(quota rowhook.organization_quota) RETURNS bigint
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION rowhook.bytes_today(quota rowhook.organization_quota) IS 'bytes that the deliveries of an organization with a quota of bytes carried today';

CREATE FUNCTION rowhook.callback_page(session text, after_place bigint, most integer) RETURNS TABLE(delivery bigint, staging integer, place bigint, body text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan';

COMMENT ON FUNCTION rowhook.callback_page(session text, after_place bigint, most integer) IS 'callbacks of a session after a place; at most one megabyte, and at least one callback';

CREATE FUNCTION rowhook.callback_place(session text, delivery bigint, wanted integer) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.callback_place(session text, delivery bigint, wanted integer) IS 'place of a staged output in its session; 0, the beginning, if it is not stored';

CREATE FUNCTION rowhook.callbacks_written(session text, through bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.callbacks_written(session text, through bigint) IS 'records that a page has received all callbacks up to a place; the first time makes a delivery delivered';

CREATE FUNCTION rowhook.can_heal(source rowhook.source) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.can_heal(source rowhook.source) IS 'false for a large table without an index on its time column, which each search for gaps would read whole';

CREATE FUNCTION rowhook.can_see(organization uuid) RETURNS boolean
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION rowhook.can_see(organization uuid) IS 'whether this transaction may see rows of an organization; for the platform''s tables, which have no policies';

CREATE FUNCTION rowhook.cancel(outbox_ids bigint[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.cancel(outbox_ids bigint[]) IS 'cancels these deliveries if they wait or are being sent; returns how many';

CREATE FUNCTION rowhook.capture_commit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '250ms'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowhook.capture_commit() IS 'generated: 905c84a3163c36deebc01a677a9b3391';

CREATE FUNCTION rowhook.capture_definition(source rowhook.source) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.capture_definition(source rowhook.source) IS 'statement that creates the trigger function of a source';

CREATE FUNCTION rowhook.capture_job() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '250ms'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET plan_cache_mode TO 'force_generic_plan';

COMMENT ON FUNCTION rowhook.capture_job() IS 'generated: 5fbd18434a4713991ad3fe920b335bbd';

CREATE FUNCTION rowhook.capture_name(source_name text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.capture_name(source_name text) IS 'name of a generated function, limited to the 63 bytes of an identifier';

CREATE FUNCTION rowhook.capture_settings(source rowhook.source) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.capture_settings(source rowhook.source) IS 'settings of a capture, including those that affect how an id is written as text: the same in the platform''s session and in rowhook.heal';

CREATE FUNCTION rowhook.capture_sql(source rowhook.source) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.capture_sql(source rowhook.source) IS 'body of the trigger function for a source of jobs or commits';

CREATE FUNCTION rowhook.change_alert_thresholds(organization uuid, changes jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.change_alert_thresholds(organization uuid, changes jsonb) IS 'changes the thresholds of an organization''s alerts that `changes` names';

CREATE FUNCTION rowhook.change_webhook(document json, organization uuid, webhook uuid, secret_ids text[], expected_revision integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.change_webhook(document json, organization uuid, webhook uuid, secret_ids text[], expected_revision integer) IS 'replaces the configuration of a webhook by a validated one; returns the new revision, null if there is no such webhook. Raises RH002 if it is at another revision';

CREATE FUNCTION rowhook.check_delivery() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp';

CREATE FUNCTION rowhook.check_fields(source rowhook.source, required text[], optional text[]) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.check_fields(source rowhook.source, required text[], optional text[]) IS 'raises RH004 if a mapping has unknown or missing fields';

CREATE FUNCTION rowhook.check_installation() RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.check_installation() IS 'compares the recorded facts with the current ones and suspends all deliveries if they differ; returns the reason for the suspension, null if there is none';

CREATE FUNCTION rowhook.check_mapping(relation regclass, kind text, mapping jsonb) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.check_mapping(relation regclass, kind text, mapping jsonb) IS 'raises RH004 if rowhook.watch_… would refuse the table or a column; changes nothing';

CREATE FUNCTION rowhook.check_retention(kind text, keep interval) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.check_retention(kind text, keep interval) IS 'raises RH008 for an age that is negative, has months or exceeds 100 years';

CREATE FUNCTION rowhook.check_retention_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.check_status_map(mapping jsonb) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.check_table(source rowhook.source) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.check_table(source rowhook.source) IS 'raises RH004 if a table cannot be a source';

CREATE FUNCTION rowhook.check_webhook_quota(organization uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.check_webhook_quota(organization uuid) IS 'raises RH009 if the organization may have no further webhook';

CREATE FUNCTION rowhook.claim(worker uuid, batch integer, per_lane integer, after uuid DEFAULT NULL::uuid, lease interval DEFAULT '00:00:20'::interval, sweep boolean DEFAULT false, known uuid[] DEFAULT '{}'::uuid[], marks timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[]) RETURNS TABLE(token bigint, outbox_id bigint, number integer, webhook_id uuid, revision integer, secrets_version integer, event_id bigint, event_type text, key text, organization_id uuid, occurred_at timestamp with time zone, snapshot text, data text, context text, oversize_bytes bigint, large boolean)
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.claim(worker uuid, batch integer, per_lane integer, after uuid, lease interval, sweep boolean, known uuid[], marks timestamp with time zone[]) IS 'previous form of rowhook.claim_batch';

CREATE FUNCTION rowhook.claim_batch(worker uuid, batch integer, per_lane integer, after uuid DEFAULT NULL::uuid, lease interval DEFAULT '00:00:20'::interval, sweep boolean DEFAULT false, known uuid[] DEFAULT '{}'::uuid[], marks timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[], held bigint[] DEFAULT NULL::bigint[], falls_asleep boolean DEFAULT false, mark_ids bigint[] DEFAULT '{}'::bigint[], mark_tokens bigint[] DEFAULT '{}'::bigint[], due_since timestamp with time zone DEFAULT '-infinity'::timestamp with time zone) RETURNS TABLE(kind text, webhook_id uuid, watermark timestamp with time zone, token bigint, outbox_id bigint, number integer, revision integer, secrets_version integer, event_id bigint, event_type text, key text, organization_id uuid, occurred_at timestamp with time zone, snapshot text, data text, context text, oversize_bytes bigint, large boolean, due_in_s double precision)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_incremental_sort TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowhook.claim_batch(worker uuid, batch integer, per_lane integer, after uuid, lease interval, sweep boolean, known uuid[], marks timestamp with time zone[], held bigint[], falls_asleep boolean, mark_ids bigint[], mark_tokens bigint[], due_since timestamp with time zone) IS 'claims due deliveries; with `falls_asleep` it registers the worker as asleep first. Rows by `kind`: delivery, whose due_in_s is minus the seconds since it was captured, if this is its first attempt and its webhook has no first delay; unreadable, a claimed row whose event is missing; watermark, the time and the id up to which a lane has no ready rows, and the least token of its rows in flight before this claim, null if there were none; waiting, the time before which no row waits that is not ready, with the seconds that a claim which sweeps took to look; cursor, the last visited lane if there are more; reclaimed, how many expired claims that are not in `held` were given back; and what the worker may wait for: more, a lane that may have further ready rows; full, one that waits for a result; due, when a lane or a delivery is due; chore, rowhook.sweep has work; unsettled, an open transaction may commit without a notification';

CREATE FUNCTION rowhook.clock_set_back_by() RETURNS interval
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.clock_set_back_by() IS 'how much earlier than a delivery with a lower id a stored one was created, or ended, and a minute; zero if the clock was not set back';

CREATE FUNCTION rowhook.column_expression(expression text, type oid, output_type text, zone text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.column_expression(expression text, type oid, output_type text, zone text) IS 'expression that reads a column as text, json or time; null if its type cannot be read as a time';

CREATE FUNCTION rowhook.column_reference(relation regclass, column_name text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.column_reference(relation regclass, column_name text) IS 'expression over row `r` for a column: its name, or the expression of a virtual generated column';

CREATE FUNCTION rowhook.column_type(relation regclass, column_name text) RETURNS oid
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.column_type(relation regclass, column_name text) IS 'type of a column, domains resolved; null if there is no such column';

CREATE FUNCTION rowhook.moved_commits_sql() RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.moved_commits_sql() IS 'part of the capture of commits that handles updates: it follows changed times';

CREATE FUNCTION rowhook.commit_capture_body() RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

CREATE FUNCTION rowhook.commits_sql() RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

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
    external_id text,
    CONSTRAINT external_id_has_text CHECK ((external_id <> ''::text)),
    CONSTRAINT http_has_url CHECK (((kind <> 'http'::text) OR (url IS NOT NULL))),
    CONSTRAINT kind_is_a_name CHECK ((kind ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
    CONSTRAINT max_in_flight_is_positive CHECK ((max_in_flight > 0)),
    CONSTRAINT method_is_known CHECK ((method = ANY (ARRAY['GET'::text, 'POST'::text, 'PUT'::text, 'PATCH'::text, 'DELETE'::text]))),
    CONSTRAINT name_is_given CHECK ((name <> ''::text)),
    CONSTRAINT rate_is_positive CHECK ((rate_per_s > (0)::numeric)),
    CONSTRAINT reason_only_if_disabled CHECK (((disabled_reason IS NULL) OR (state = 'disabled'::text))),
    CONSTRAINT schedule_has_attempts CHECK (((cardinality(retry_schedule_s) >= 1) AND (cardinality(retry_schedule_s) <= 100))),
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['active'::text, 'paused'::text, 'disabled'::text]))),
    CONSTRAINT timeout_is_1_to_30 CHECK (((timeout_s >= (1)::numeric) AND (timeout_s <= (30)::numeric)))
);

COMMENT ON COLUMN rowhook.webhook.required_paths IS 'paths that its templates require: [{"root": "data", "path": ["a", "b"]}, …]';

COMMENT ON COLUMN rowhook.webhook.secrets_version IS 'incremented when the signing secret or a referenced secret changes';

COMMENT ON COLUMN rowhook.webhook.external_id IS 'the id that its creator gave it, unique within the organization; not part of a revision';

CREATE FUNCTION rowhook.configuration(w rowhook.webhook) RETURNS json
    LANGUAGE sql STABLE;

CREATE FUNCTION rowhook.constant_expression(value jsonb, output_type text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

CREATE FUNCTION rowhook.constant_value(mapping jsonb, field text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.constant_value(mapping jsonb, field text) IS 'value of a field that is always a constant, written as {"value": …} or as a plain string; null if it is not mapped';

CREATE FUNCTION rowhook.contains_text(search text, texts text[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.contains_text(search text, texts text[]) IS 'whether one of the texts contains the search text, ignoring case; not a pattern';

CREATE FUNCTION rowhook.copy_advice() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION rowhook.copy_advice() IS 'advice for the operator of a copy';

CREATE TABLE rowhook.installation (
    singleton boolean DEFAULT true NOT NULL,
    system_identifier bigint,
    database_oid oid NOT NULL,
    table_oid oid NOT NULL,
    nonce text,
    neon_timeline text,
    adopted_at timestamp with time zone DEFAULT now() NOT NULL,
    checked_server timestamp with time zone NOT NULL,
    checked_file text NOT NULL,
    suspended_at timestamp with time zone,
    suspended_reason text,
    epoch integer DEFAULT 0 NOT NULL,
    epoch_system_identifier bigint,
    highest_xid xid8 NOT NULL,
    clock_read_to bigint DEFAULT 0 NOT NULL,
    newest_creation timestamp with time zone,
    clock_set_back_by interval DEFAULT '00:00:00'::interval NOT NULL,
    clock_set_back_at bigint DEFAULT 0 NOT NULL,
    CONSTRAINT epoch_fits_in_15_bits CHECK (((epoch >= 0) AND (epoch <= 32767))),
    CONSTRAINT one_installation CHECK (singleton),
    CONSTRAINT suspended_for_a_reason CHECK (((suspended_at IS NULL) = (suspended_reason IS NULL)))
);

COMMENT ON COLUMN rowhook.installation.system_identifier IS 'system identifier of the cluster; null: pg_control_system() may not be called';

COMMENT ON COLUMN rowhook.installation.table_oid IS 'OID of this table, which a restore changes and a move of the cluster does not';

COMMENT ON COLUMN rowhook.installation.nonce IS 'also stored as the database setting rowhook.installation, which is not part of a schema dump; null: the setting may not be changed';

COMMENT ON COLUMN rowhook.installation.adopted_at IS 'since when this database is the installation, by migrate or rowhook.adopt';

COMMENT ON COLUMN rowhook.installation.checked_server IS 'start time of the server at the last check; checked again after a restart';

COMMENT ON COLUMN rowhook.installation.checked_file IS 'file of this table at the last check, which differs in another database of the same server';

COMMENT ON COLUMN rowhook.installation.suspended_at IS 'since when deliveries are suspended because the database is a copy; null: not suspended';

COMMENT ON COLUMN rowhook.installation.epoch IS 'high bits of event.xact and outbox.ordered_by; incremented when transaction ids come from another cluster';

COMMENT ON COLUMN rowhook.installation.epoch_system_identifier IS 'system identifier of the cluster whose transaction ids belong to this epoch';

COMMENT ON COLUMN rowhook.installation.highest_xid IS 'highest transaction id of this epoch, updated every ten minutes; a lower one later means another cluster';

COMMENT ON COLUMN rowhook.installation.clock_read_to IS 'id of the last delivery whose creation time rowhook.note_clock_steps has compared';

COMMENT ON COLUMN rowhook.installation.newest_creation IS 'latest creation time of the deliveries up to clock_read_to; null before the first';

COMMENT ON COLUMN rowhook.installation.clock_set_back_by IS 'how much earlier than a previous delivery a stored one was created, at most';

COMMENT ON COLUMN rowhook.installation.clock_set_back_at IS 'id of the last delivery that was created earlier than a previous one';

CREATE FUNCTION rowhook.copy_evidence(stored rowhook.installation) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.copy_evidence(stored rowhook.installation) IS 'first fact by which this database differs from the recorded installation, as a sentence; null if it does not';

CREATE FUNCTION rowhook.copy_webhook_to_link() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.copy_webhook_to_link() IS 'trigger: copies to a new link the fields of its webhook that captures need';

CREATE FUNCTION rowhook.copy_webhook_to_links() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.copy_webhook_to_links() IS 'trigger: copies a change of a webhook to its links';

CREATE FUNCTION rowhook.count_all_waiting(statuses text[], since timestamp with time zone, until timestamp with time zone, most_read integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.count_all_waiting(statuses text[], since timestamp with time zone, until timestamp with time zone, most_read integer) IS 'number of pending, sending and held deliveries of all organizations that were created in a range of time; without a status of which `most_read` or more wait at any time';

CREATE FUNCTION rowhook.count_audit(before timestamp with time zone, after_id bigint, cap integer, OUT total bigint, OUT oldest timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off';

COMMENT ON FUNCTION rowhook.count_audit(before timestamp with time zone, after_id bigint, cap integer, OUT total bigint, OUT oldest timestamp with time zone) IS 'rows of the audit log that are old enough';

CREATE FUNCTION rowhook.count_by_status(organization uuid, webhook uuid, statuses text[], since timestamp with time zone, until timestamp with time zone, job text, commit_key text, event_type text, code integer, max_rows integer) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan';

COMMENT ON FUNCTION rowhook.count_by_status(organization uuid, webhook uuid, statuses text[], since timestamp with time zone, until timestamp with time zone, job text, commit_key text, event_type text, code integer, max_rows integer) IS 'number of deliveries per status; at most `most` per status are examined, of many webhooks with a code or an event type the newest `most` or twice as many, and `capped` says that there may be more';

CREATE FUNCTION rowhook.count_capped(query text, before timestamp with time zone, since timestamp with time zone, cap integer, OUT total bigint, OUT oldest timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.count_capped(query text, before timestamp with time zone, since timestamp with time zone, cap integer, OUT total bigint, OUT oldest timestamp with time zone) IS 'number of rows of a query over $1 and $2, capped at one more than the cap, and the oldest';

CREATE FUNCTION rowhook.count_ended(statuses text[], since timestamp with time zone, until timestamp with time zone, max_rows integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.count_ended(statuses text[], since timestamp with time zone, until timestamp with time zone, max_rows integer) IS 'number of dead, cancelled and skipped deliveries of all organizations that were created in a range of time, at most `max_rows` dead; without cancelled and skipped if too many have ended';

CREATE FUNCTION rowhook.count_events(before timestamp with time zone, after_id bigint, cap integer, OUT total bigint, OUT oldest timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.count_events(before timestamp with time zone, after_id bigint, cap integer, OUT total bigint, OUT oldest timestamp with time zone) IS 'events without a delivery that are old enough; more than the cap if more than that have to be examined';

CREATE FUNCTION rowhook.count_lost_claims(rows tid[]) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowhook.count_lost_claims(rows tid[]) IS 'ends the claims of these rows, which the caller has locked: they become ready again, or dead after five lost claims';

CREATE FUNCTION rowhook.count_many_since(organization uuid, statuses text[], since timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.count_many_since(organization uuid, statuses text[], since timestamp with time zone) IS 'like count_since, by look-ups for each webhook; security definer, so that the policies are evaluated once, for the organization, or for the operator';

CREATE FUNCTION rowhook.count_older_seals(newest bytea) RETURNS TABLE(kind text, remaining bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.count_older_seals(newest bytea) IS 'number of values per kind that the newest master key did not encrypt; its ciphertexts begin with `newest`';

CREATE FUNCTION rowhook.count_since(organization uuid, statuses text[], since timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off';

COMMENT ON FUNCTION rowhook.count_since(organization uuid, statuses text[], since timestamp with time zone) IS 'number of deliveries by status that were created since a time; statuses without any may be missing';

CREATE FUNCTION rowhook.count_step(span interval) RETURNS interval
    LANGUAGE sql IMMUTABLE;

COMMENT ON FUNCTION rowhook.count_step(span interval) IS 'resolution in which the attempts of a window are counted';

CREATE FUNCTION rowhook.count_stuck(organization uuid) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.count_stuck(organization uuid) IS 'deliveries that have been sending for longer than three leases, which no worker took back';

CREATE FUNCTION rowhook.count_text(counted bigint) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.count_text(counted bigint) IS 'text of a count that was capped at 100,001';

CREATE FUNCTION rowhook.count_text(counted bigint, singular text, plural text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.count_text(counted bigint, singular text, plural text) IS 'text of a count with a noun in the singular or plural';

CREATE FUNCTION rowhook.count_waiting(statuses text[], max_rows integer, organization uuid DEFAULT NULL::uuid, since timestamp with time zone DEFAULT '-infinity'::timestamp with time zone, until timestamp with time zone DEFAULT 'infinity'::timestamp with time zone) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.count_waiting(statuses text[], max_rows integer, organization uuid, since timestamp with time zone, until timestamp with time zone) IS 'like count_by_status, for the pending, sending and held deliveries that this transaction can see: no webhook is looked up, but the waiting deliveries of all organizations are read';

CREATE FUNCTION rowhook.create_key(organization uuid, key_name text, key_hash bytea, granted text[], ends_at timestamp with time zone) RETURNS uuid
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.create_key(organization uuid, key_name text, key_hash bytea, granted text[], ends_at timestamp with time zone) IS 'creates an API key; null organization: an operator key';

CREATE FUNCTION rowhook.create_portal_link(organization uuid, granted text[], brand json, return_url text, key_hash bytea, link_hash bytea, until_at timestamp with time zone) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.create_portal_link(organization uuid, granted text[], brand json, return_url text, key_hash bytea, link_hash bytea, until_at timestamp with time zone) IS 'stores a portal link of an organization; a null key stands for access to the database';

CREATE FUNCTION rowhook.create_webhook(document json, organization uuid, webhook uuid, secret_ids text[], signing_secret bytea) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.create_webhook(document json, organization uuid, webhook uuid, secret_ids text[], signing_secret bytea) IS 'stores a validated webhook; returns its first revision';

CREATE FUNCTION rowhook.creation_after(place bigint) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.creation_after(place bigint) IS 'creation time of the first delivery with a higher id; security definer, because it reads deliveries of all organizations';

CREATE FUNCTION rowhook.creation_time_sql(source rowhook.source) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.creation_time_sql(source rowhook.source) IS 'expression for the creation time of a row, by which rowhook.heal finds rows whose time cannot be ordered; null if unknown';

CREATE FUNCTION rowhook.day_begin(day date) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.day_begin(day date) IS 'start of a UTC day as text that is independent of DateStyle; abbreviated time zones (IST, CST) would be ambiguous';

CREATE FUNCTION rowhook.define_policies(table_name text, definition text) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowhook.define_policies(table_name text, definition text) IS 'replaces the policies of a table for Rowhook''s roles; policies for other roles are kept';

CREATE FUNCTION rowhook.define_trigger(table_name text, trigger_name text, definition text) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowhook.define_trigger(table_name text, trigger_name text, definition text) IS 'executes the definition of a trigger; a trigger that an operator disabled stays disabled';

CREATE FUNCTION rowhook.jittered(delay_s numeric) RETURNS double precision
    LANGUAGE sql PARALLEL SAFE;

COMMENT ON FUNCTION rowhook.jittered(delay_s numeric) IS 'seconds with a jitter of ±20 %; zero stays zero';

CREATE FUNCTION rowhook.delay_after(schedule_s numeric[], step integer) RETURNS double precision
    LANGUAGE sql PARALLEL SAFE;

COMMENT ON FUNCTION rowhook.delay_after(schedule_s numeric[], step integer) IS 'seconds from the attempt at step `step` (from 0) of the schedule to the next; null at its end';

CREATE FUNCTION rowhook.delete_entity(entity_kind text, organization text, id text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.delete_entity(entity_kind text, organization text, id text) IS 'follows a delete in a watched table; raises an error while a link refers to the row';

CREATE FUNCTION rowhook.delete_gone_entities(source rowhook.source, ids text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO'
    SET "IntervalStyle" TO 'postgres'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.delete_gone_entities(source rowhook.source, ids text[]) IS 'deletes Rowhook''s rows for rows that were deleted in a watched table';

CREATE FUNCTION rowhook.delete_key(key uuid) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.delete_secret(organization uuid, secret_id text) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.delete_secret(organization uuid, secret_id text) IS 'deletes a secret; false if there was none. The foreign key of rowhook.webhook_secret refuses it while a webhook uses it';

CREATE FUNCTION rowhook.delete_webhook(webhook uuid) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.delete_webhook(webhook uuid) IS 'deletes a webhook; false if there was none. Workers cancel its waiting deliveries; the foreign key of rowhook.link refuses it while it is linked';

CREATE FUNCTION rowhook.deliveries_with_id(organization uuid, id text, most integer) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off';

COMMENT ON FUNCTION rowhook.deliveries_with_id(organization uuid, id text, most integer) IS 'deliveries of any age with this id, or of the commit, job or session with this id, newest first';

CREATE FUNCTION rowhook.delivery_counts() RETURNS TABLE(status text, deliveries bigint, is_capped boolean, oldest interval, next_due interval)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowhook.delivery_counts() IS 'deliveries by status, each counted up to 100,000; next_due considers ready deliveries and the 1,000 that become due next, and waits for the probe of an open circuit';

CREATE FUNCTION rowhook.delivery_ids(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job text, commit_key text, event_type text, code integer, most integer) RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off';

COMMENT ON FUNCTION rowhook.delivery_ids(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job text, commit_key text, event_type text, code integer, most integer) IS 'ids, newest first; each status is an index range of its own, so that only the filters code and event_type read rows that they do not return';

CREATE FUNCTION rowhook.delivery_of(delivery bigint) RETURNS SETOF json
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.delivery_of(delivery bigint) IS 'a delivery with its attempts as `tries`, from one snapshot';

CREATE FUNCTION rowhook.delivery_page(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job text, commit_key text, event_type text, code integer, most integer) RETURNS SETOF json
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.delivery_page(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job text, commit_key text, event_type text, code integer, most integer) IS 'deliveries, newest first, after the one created at `before_at` with the id `before_id`';

CREATE FUNCTION rowhook.deregister(worker uuid) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.diagnosis() RETURNS TABLE(subject text, healthy boolean, finding text, advice text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.diagnosis() IS 'findings of rowhook doctor';

CREATE FUNCTION rowhook.disable(webhook uuid, reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.disable(webhook uuid, reason text) IS 'disables a webhook: its deliveries are skipped from now on, and webhook.disabled is sent';

CREATE FUNCTION rowhook.disown(worker uuid, held bigint[]) RETURNS bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.disown(worker uuid, held bigint[]) IS 'previous name of rowhook.reclaim_lost';

CREATE FUNCTION rowhook.drop_expired_partition(attempts timestamp with time zone, bodies timestamp with time zone, failed_bodies timestamp with time zone) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET lock_timeout TO '50ms';

COMMENT ON FUNCTION rowhook.drop_expired_partition(attempts timestamp with time zone, bodies timestamp with time zone, failed_bodies timestamp with time zone) IS 'drops one expired partition and returns its name; null if there is none, or while a transaction older than a second uses its table. Call it in separate transactions until it returns null';

CREATE FUNCTION rowhook.drop_next_partition() RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.drop_next_partition() IS 'calls rowhook.drop_expired_partition with the ages of rowhook.retention';

CREATE FUNCTION rowhook.end_erasure(organization uuid, erased json) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.end_erasure(organization uuid, erased json) IS 'deletes the rows that refer to erased webhooks and the audit of the organization, and writes its last entry';

CREATE FUNCTION rowhook.end_migration(obsolete text[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.end_migration(obsolete text[]) IS 'removes steps that no longer exist in sql/ and stores the state of the schema for later comparison';

CREATE FUNCTION rowhook.end_portal_session(session_hash bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.end_request(caller_name text, request_key text, sealed_answer bytea) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.end_request(caller_name text, request_key text, sealed_answer bytea) IS 'stores the answer for 24 hours; null forgets the request, so that it may be sent again';

CREATE FUNCTION rowhook.enqueue_sql(recipients text, condition text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.enqueue_sql(recipients text, condition text) IS 'statement that inserts an outbox row for each recipient `l` of the events that it inserts as `inserted e`. A fragment, because a call of a function costs a capture 20 % more CPU';

CREATE FUNCTION rowhook.enqueue_linked_sql(source_kind text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.enqueue_linked_sql(source_kind text) IS 'statement that inserts an outbox row for each linked webhook of the events in `inserted`';

CREATE FUNCTION rowhook.enter(organization uuid, acting text) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowhook.enter(organization uuid, acting text) IS 'previous name of rowhook.set_tenant';

CREATE FUNCTION rowhook.entity_capture_sql(source rowhook.source) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.entity_capture_sql(source rowhook.source) IS 'body of the trigger function for a watched table of organizations, agents, goals or sessions';

CREATE FUNCTION rowhook.fill_template(template text, parts jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.fill_template(template text, parts jsonb) IS 'replaces each {part} of an SQL template; the parts come from rowhook.source_parts';

CREATE FUNCTION rowhook.source_parts(source rowhook.source) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.source_parts(source rowhook.source) IS 'SQL expressions over row `r` for each field of a source';

CREATE FUNCTION rowhook.entity_fields(source rowhook.source) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.epoch_is_due() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.epoch_is_due() IS 'whether transaction ids come from another cluster, so that new events would sort among old ones';

CREATE FUNCTION rowhook.erase_batch(organization uuid, most integer DEFAULT 1000) RETURNS TABLE(kind text, erased bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.erase_batch(organization uuid, most integer) IS 'deletes a batch of the events of an organization with their deliveries and attempts; returns how many. Repeat it until rowhook.has_events returns false';

CREATE FUNCTION rowhook.erase_configuration(organization uuid) RETURNS TABLE(kind text, erased bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.erase_configuration(organization uuid) IS 'deletes the links, webhooks, secrets and API keys of an organization; returns how many';

CREATE FUNCTION rowhook.event_body(event_id bigint) RETURNS TABLE(data text, context text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.event_bytes(rows tid[]) RETURNS bigint
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowhook.event_bytes(rows tid[]) IS 'bytes of data and context in the events of these deliveries';

CREATE FUNCTION rowhook.event_feed(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer) RETURNS TABLE(xact text, id bigint, event json)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET "TimeZone" TO 'UTC'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off';

COMMENT ON FUNCTION rowhook.event_feed(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer) IS 'events after a position, ordered by (xact, id), up to rowhook.settled_before(); snapshot, data and context are JSON text';

CREATE FUNCTION rowhook.event_of(wanted bigint) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET "TimeZone" TO 'UTC';

COMMENT ON FUNCTION rowhook.event_of(wanted bigint) IS 'one event; snapshot, data and context are JSON text, digit for digit';

CREATE SEQUENCE rowhook.event_id
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE rowhook.event (
    id bigint DEFAULT nextval('rowhook.event_id'::regclass) NOT NULL,
    organization_id uuid NOT NULL,
    type text NOT NULL,
    key text NOT NULL,
    job_uuid uuid,
    commit_id text,
    agent_id uuid,
    goal_id text,
    session_id text,
    snapshot json,
    data json,
    context json,
    oversize_bytes bigint,
    occurred_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    xact xid8 DEFAULT pg_current_xact_id() NOT NULL,
    source text,
    job_id text,
    template_id text,
    interview_id text,
    organization_name text,
    organization_external_id text,
    agent_name text,
    agent_external_id text,
    agent_version_id text,
    agent_version_name text,
    job_status text,
    status_code text,
    cost text,
    job_created_at text,
    is_untimed boolean,
    row_time timestamp with time zone,
    traceparent text
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.05');
ALTER TABLE ONLY rowhook.event ALTER COLUMN data SET STORAGE MAIN;
ALTER TABLE ONLY rowhook.event ALTER COLUMN context SET STORAGE MAIN;

COMMENT ON COLUMN rowhook.event.key IS 'Idempotency-Key of every delivery of this event';

COMMENT ON COLUMN rowhook.event.snapshot IS 'names and times of a test or operational event; null for captured events, which have them in columns';

COMMENT ON COLUMN rowhook.event.oversize_bytes IS 'size of data and context if they exceed 1 MiB together; they are not stored then';

COMMENT ON COLUMN rowhook.event.xact IS 'position in commit order: the epoch from bit 48 up, the transaction id below';

COMMENT ON COLUMN rowhook.event.source IS 'source from which it was captured; null for tests and operational events';

COMMENT ON COLUMN rowhook.event.is_untimed IS 'true if its time cannot be written as RFC 3339 (infinite, BC, after year 9999): payloads have null, and occurred_at is the time of capture';

COMMENT ON COLUMN rowhook.event.row_time IS 'time that the platform later set for the same completion; null while it equals occurred_at';

COMMENT ON COLUMN rowhook.event.traceparent IS 'trace context of the row, from the column that a mapping names; null otherwise';

CREATE FUNCTION rowhook.event_part(part text, e rowhook.event, snapshot json) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.event_part(part text, e rowhook.event, snapshot json) IS 'text of a part of the event, for {"event": part} in a frame; `snapshot` is that of rowhook.event_snapshot';

CREATE FUNCTION rowhook.json_number(written text) RETURNS text
    LANGUAGE sql IMMUTABLE;

COMMENT ON FUNCTION rowhook.json_number(written text) IS 'number as it was written; null if JSON cannot represent it, such as NaN';

CREATE FUNCTION rowhook.json_text(written text) RETURNS text
    LANGUAGE sql STABLE;

CREATE FUNCTION rowhook.rfc3339(moment timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE;

COMMENT ON FUNCTION rowhook.rfc3339(moment timestamp with time zone) IS 'time as RFC 3339 in UTC with microseconds; null if that cannot represent it: infinite, BC, after year 9999';

CREATE FUNCTION rowhook.event_snapshot(e rowhook.event) RETURNS text
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION rowhook.event_snapshot(e rowhook.event) IS 'names, platform ids and times as they were at the moment of the event';

CREATE FUNCTION rowhook.events_of_type(events bigint[], event_type text) RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.events_of_type(events bigint[], event_type text) IS 'at least those of the named events that are of a type';

CREATE FUNCTION rowhook.expired_days(kind text) RETURNS TABLE(partition regclass, began_at timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.expired_days(kind text) IS 'partitions of a kind that the next run drops, and when they begin';

CREATE FUNCTION rowhook.expired_partitions(attempts timestamp with time zone, bodies timestamp with time zone, failed_bodies timestamp with time zone) RETURNS TABLE(parent regclass, partition regclass)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.expired_partitions(attempts timestamp with time zone, bodies timestamp with time zone, failed_bodies timestamp with time zone) IS 'partitions that end before the cutoff of their kind, oldest first; a null cutoff keeps all';

CREATE FUNCTION rowhook.failed_counts(webhooks uuid[], statuses text[], since timestamp with time zone, most integer) RETURNS TABLE(webhook_id uuid, held bigint, dead bigint, retrying bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.failed_counts(webhooks uuid[], statuses text[], since timestamp with time zone, most integer) IS 'held deliveries of webhooks, and, for the statuses dead and pending, dead ones created since a time and those that wait after a failed attempt; at most `most` of each; a webhook without any may be missing, others may be there';

CREATE FUNCTION rowhook.failed_deliveries(organization uuid, webhook uuid, statuses text[], since timestamp with time zone, max_rows integer) RETURNS TABLE(webhook_id uuid, id bigint, status text, error text, status_code integer, created_at timestamp with time zone, beyond boolean)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.failed_deliveries(organization uuid, webhook uuid, statuses text[], since timestamp with time zone, max_rows integer) IS 'newest `most` failed deliveries per webhook and status; `beyond`: there may be more';

CREATE FUNCTION rowhook.failing_webhooks() RETURNS SETOF uuid
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.failing_webhooks() IS 'webhooks, deleted ones too, with deliveries that are held or dead, or wait after a failed attempt';

CREATE FUNCTION rowhook.failures(organization uuid, webhook uuid, since timestamp with time zone, groups integer, most integer) RETURNS json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.failures(organization uuid, webhook uuid, since timestamp with time zone, groups integer, most integer) IS 'failed deliveries created since a time, by webhook, error and status code, latest first';

CREATE FUNCTION rowhook.fall_asleep(known uuid[] DEFAULT '{}'::uuid[], marks timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[], OUT register bigint, OUT has_work boolean, OUT due_in_s double precision) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off';

COMMENT ON FUNCTION rowhook.fall_asleep(known uuid[], marks timestamp with time zone[], OUT register bigint, OUT has_work boolean, OUT due_in_s double precision) IS 'registers as asleep, then checks once more whether claim or sweep would find work, and when the next delivery is due';

CREATE FUNCTION rowhook.feed_end(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer, OUT xact xid8, OUT id bigint) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off';

COMMENT ON FUNCTION rowhook.feed_end(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer, OUT xact xid8, OUT id bigint) IS 'a position up to which at least `most` events follow a position of the feed, among the first few of each organization, or the last possible position: an organization that lacks the type is not read further';

CREATE FUNCTION rowhook.few_deliveries_ended() RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.few_deliveries_ended() IS 'whether so few deliveries of the whole installation are dead, cancelled or skipped that reading all of them takes less than a look-up for each webhook; security definer, because it counts those of all organizations';

CREATE FUNCTION rowhook.few_deliveries_failed(to_list boolean DEFAULT false) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.few_deliveries_failed(to_list boolean) IS 'whether so few deliveries of the whole installation are dead, held or wait after a failed attempt that reading all of them, to count or to list them, takes less than look-ups for each webhook; security definer, because it counts those of all organizations';

CREATE FUNCTION rowhook.field_expression(relation regclass, mapping jsonb, field text, output_type text DEFAULT 'text'::text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.field_expression(relation regclass, mapping jsonb, field text, output_type text) IS 'expression over row `r` for a mapped field, as text, json or time; raises RH004 if the table does not have it';

CREATE FUNCTION rowhook.fill_completed_at() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp';

CREATE FUNCTION rowhook.final_statuses(mapping jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.final_statuses(mapping jsonb) IS 'values of the status column that complete a job, each mapped to succeeded or failed';

CREATE FUNCTION rowhook.find_history(source rowhook.source, OUT latest timestamp with time zone, OUT future text[]) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.find_history(source rowhook.source, OUT latest timestamp with time zone, OUT future text[]) IS 'latest completion in a table by its own times, and the ids of rows with a future completion time';

CREATE FUNCTION rowhook.find_link_targets(organization uuid, agents text[], goals text[]) RETURNS TABLE(kind text, given text, id text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.find_link_targets(organization uuid, agents text[], goals text[]) IS 'the agents and goals of an organization among these ids, with platform ids; those that do not exist are left out';

CREATE FUNCTION rowhook.find_objects(search text, most integer) RETURNS SETOF json
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.find_objects(search text, most integer) IS 'objects with this id that this transaction can see, and at most `most` of each kind whose name or id contains the text; ids of jobs, commits and sessions must be complete, and a session is listed with its newest commits';

CREATE FUNCTION rowhook.find_table(name text) RETURNS text
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowhook.find_table(name text) IS 'qualified name of a table, written with or without quotes, resolved by the caller''s search path; null if there is none, or several';

CREATE FUNCTION rowhook.fingerprint(OUT system_identifier bigint, OUT database_oid oid, OUT table_oid oid, OUT nonce text, OUT neon_timeline text) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.fingerprint(OUT system_identifier bigint, OUT database_oid oid, OUT table_oid oid, OUT nonce text, OUT neon_timeline text) IS 'facts about this database that its copies do not share; null: unknown';

CREATE FUNCTION rowhook.first_attempt_at(event_id bigint, first_status text, delay_s double precision) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowhook.first_attempt_at(event_id bigint, first_status text, delay_s double precision) IS 'when a delivery with a first delay is attempted first; null if it is skipped';

CREATE FUNCTION rowhook.first_missing(webhook uuid DEFAULT NULL::uuid, agent uuid DEFAULT NULL::uuid, goal text DEFAULT NULL::text, delivery bigint DEFAULT NULL::bigint, key uuid DEFAULT NULL::uuid, organization uuid DEFAULT NULL::uuid, session text DEFAULT NULL::text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.first_missing(webhook uuid, agent uuid, goal text, delivery bigint, key uuid, organization uuid, session text) IS 'first of these objects that does not exist for this transaction; null if all exist';

CREATE FUNCTION rowhook.fold_attempts(most integer DEFAULT 50000) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.fold_attempts(most integer) IS 'moves counts from attempt_delta into attempt_minute and attempt_quarter, oldest first, and removes those that no window reaches; returns how many rows it moved';

CREATE FUNCTION rowhook.gap_sql(source rowhook.source, timed boolean, untimed boolean) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.gap_sql(source rowhook.source, timed boolean, untimed boolean) IS 'query for rows of a source without an event: if `timed`, those in the time range $1 to $2; if `untimed`, those without a time that were created since $3; null if the source has no such times';

CREATE FUNCTION rowhook.gaps(retention interval DEFAULT '30 days'::interval, since timestamp with time zone DEFAULT '-infinity'::timestamp with time zone, until timestamp with time zone DEFAULT 'infinity'::timestamp with time zone) RETURNS TABLE(source text, source_id text, occurred_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.gaps(retention interval, since timestamp with time zone, until timestamp with time zone) IS 'completed rows of all sources without an event, within the time that rowhook.heal searches; the first argument has no effect';

CREATE FUNCTION rowhook.gaps_of(source rowhook.source, since timestamp with time zone, until timestamp with time zone, untimed_since timestamp with time zone) RETURNS TABLE(source_id text, occurred_at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_seqscan TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO'
    SET "IntervalStyle" TO 'postgres'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1';

COMMENT ON FUNCTION rowhook.gaps_of(source rowhook.source, since timestamp with time zone, until timestamp with time zone, untimed_since timestamp with time zone) IS 'rows of one source without an event';

CREATE FUNCTION rowhook.gauges() RETURNS TABLE(pending bigint, sending bigint, held bigint, due bigint, oldest_due_s double precision, workers bigint, capture_errors bigint, circuits_open bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.gauges() IS 'rowhook.metrics, with the backlog of all kinds of outputs together';

CREATE FUNCTION rowhook.goal_page(organization uuid, after_id text, most integer, search text DEFAULT NULL::text) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.guard_outbox() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.had_failed_sql() RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.had_failed_sql() IS 'condition for an update of rows of which one may not have been captured yet';

CREATE FUNCTION rowhook.has_earlier_completion(job text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '250ms'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.has_earlier_completion(job text) IS 'whether this row of rowhook.job completed before; false, with a warning, if that cannot be read';

CREATE FUNCTION rowhook.has_events(organization uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.has_events(organization uuid) IS 'whether an organization has events that are not erased';

CREATE FUNCTION rowhook.has_its_events(source rowhook.source) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.has_its_events(source rowhook.source) IS 'whether most of the newest events of a source are those of rows that are complete under this mapping: then a column was renamed, not replaced by another one';

CREATE FUNCTION rowhook.has_many_webhooks(organization uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.has_many_webhooks(organization uuid) IS 'whether an organization, or with null all that this transaction can see, ever had so many webhooks that a look-up for each is slower than reading deliveries by id';

CREATE FUNCTION rowhook.has_own_collation(relation regclass, column_name text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.has_own_collation(relation regclass, column_name text) IS 'whether a column is compared by another collation than the default of the database';

CREATE FUNCTION rowhook.has_partitions(day date) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.has_partitions(day date) IS 'whether an attempt of this UTC day can be recorded';

CREATE FUNCTION rowhook.has_path(document json, path text[]) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.has_path(document json, path text[]) IS 'whether a path exists, even as null; null if that cannot be determined';

CREATE FUNCTION rowhook.has_unique_id(source rowhook.source) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.headers_as_received(frame integer, received json) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off';

COMMENT ON FUNCTION rowhook.headers_as_received(frame integer, received json) IS 'response headers of an attempt, as [[name, value], …]';

CREATE FUNCTION rowhook.heal(retention interval DEFAULT '30 days'::interval) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET lock_timeout TO '1s';

COMMENT ON FUNCTION rowhook.heal(retention interval) IS 'creates the events that captures missed in the last 7 days, for the links of that time, and returns how many completions were captured. The argument has no effect';

CREATE FUNCTION rowhook.time_field(source_kind text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

CREATE FUNCTION rowhook.heal_column(source rowhook.source) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.heal_column(source rowhook.source) IS 'column by which a source is searched; null if it has no time column, so that only failed captures are healed';

CREATE FUNCTION rowhook.heal_pass(watched rowhook.source, oldest timestamp with time zone, most integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.heal_pass(watched rowhook.source, oldest timestamp with time zone, most integer) IS 'searches a slice of the completions since settled_at, the latest ones, and a slice of older ones; returns how many events were created';

CREATE FUNCTION rowhook.heal_since(source rowhook.source) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.heal_since(source rowhook.source) IS 'rowhook.heal ignores older rows: they are history, or retention may have removed their events';

CREATE FUNCTION rowhook.heal_source(source text, most integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.heal_source(source text, most integer) IS 'heals one source and returns how many events were created';

CREATE FUNCTION rowhook.heal_window() RETURNS interval
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.heal_window() IS 'how far back rowhook.heal searches';

CREATE FUNCTION rowhook.health_of(webhooks uuid[]) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.health_of(webhooks uuid[]) IS 'like webhook_health, for these webhooks, with hourly figures';

CREATE FUNCTION rowhook.health_word(state text, circuit text, failures integer, attempts bigint, accepted bigint, held bigint) RETURNS text
    LANGUAGE sql IMMUTABLE;

COMMENT ON FUNCTION rowhook.health_word(state text, circuit text, failures integer, attempts bigint, accepted bigint, held bigint) IS 'health of a webhook from its state, its circuit, the consecutive attempts that the receiver did not accept, the attempts of the last 15 minutes and how many of them were accepted, and the held deliveries';

CREATE FUNCTION rowhook.heartbeat(worker uuid, host text, pid integer, in_flight integer) RETURNS timestamp with time zone
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.heartbeat(worker uuid, host text, pid integer, in_flight integer) IS 'records that a worker is alive; returns the time of the database';

CREATE FUNCTION rowhook.held_level(webhook uuid, threshold integer, OUT level integer, OUT reason text) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.held_level(webhook uuid, threshold integer, OUT level integer, OUT reason text) IS 'how many held deliveries a webhook has, compared with a threshold';

CREATE FUNCTION rowhook.hides_rows(relation regclass) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.hides_rows(relation regclass) IS 'whether row-level security hides rows of a watched table from the owner of Rowhook''s tables';

CREATE FUNCTION rowhook.highest_xid() RETURNS xid8
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.highest_xid() IS 'highest transaction id so far, of this cluster or of the events of epoch 0';

CREATE FUNCTION rowhook.identify_agent(organization uuid, id text) RETURNS SETOF uuid
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.identify_agent(organization uuid, id text) IS 'agent with this platform id or uuid, in one organization or in all that this transaction can see: two rows if several organizations have one';

CREATE FUNCTION rowhook.identify_organization(id text) RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.identify_organization(id text) IS 'organization with this platform id or uuid; null if this transaction cannot see it';

CREATE FUNCTION rowhook.ids_of_rare_events(organization uuid, statuses text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer, webhook uuid DEFAULT NULL::uuid) RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan';

COMMENT ON FUNCTION rowhook.ids_of_rare_events(organization uuid, statuses text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer, webhook uuid) IS 'like delivery_ids, of an event type with few events; null if there are many';

CREATE FUNCTION rowhook.insert_attempt() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.insert_attempt() IS 'insert into the view attempt, with a complete request';

CREATE FUNCTION rowhook.insert_parts(source rowhook.source) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.insert_parts(source rowhook.source) IS 'expressions that find the goal or agent of a row, within the organization that the row names, if any';

CREATE FUNCTION rowhook.insert_sql(source rowhook.source, parts jsonb, answers_ids boolean) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.insert_sql(source rowhook.source, parts jsonb, answers_ids boolean) IS 'statement that creates events and deliveries for rows, except for those that have an event, unless parts has unless_known; with answers_ids it returns the ids of the rows and the number of deliveries';

CREATE FUNCTION rowhook.install_capture(source rowhook.source) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.install_capture(source rowhook.source) IS 'creates the trigger function of a source if it is not current';

CREATE FUNCTION rowhook.install_triggers(source rowhook.source, is_forced boolean) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp';

CREATE SEQUENCE rowhook.asleep
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE SEQUENCE rowhook.awake
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;

CREATE FUNCTION rowhook.is_anyone_asleep() RETURNS boolean
    LANGUAGE sql;

COMMENT ON FUNCTION rowhook.is_anyone_asleep() IS 'whether a worker waits for a NOTIFY; true if the register was never used, and perhaps after a crash';

CREATE FUNCTION rowhook.is_built_in(type oid) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.is_built_in(type oid) IS 'whether PostgreSQL itself defines the type, so that only a superuser can have defined its casts';

CREATE FUNCTION rowhook.is_capture_current(source rowhook.source) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.is_capture_current(source rowhook.source) IS 'whether the installed trigger function matches the current mapping and columns; its comment stores the checksum';

CREATE FUNCTION rowhook.is_captured_later(source text, row_id text, failed_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_bitmapscan TO 'on';

COMMENT ON FUNCTION rowhook.is_captured_later(source text, row_id text, failed_at timestamp with time zone) IS 'records a row whose organization cannot be determined (RH006), so that each heal retries it; returns false';

CREATE FUNCTION rowhook.is_healing() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.is_healing() IS 'whether heal has more to search now';

CREATE FUNCTION rowhook.is_placed_last(session text, delivery bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.is_placed_last(session text, delivery bigint) IS 'whether a callback waits for no other: it had a place before, later commits of the session have theirs, or it belongs to a test send';

CREATE FUNCTION rowhook.is_state_kept() RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.is_state_kept() IS 'false after a migration that was interrupted before its end';

CREATE FUNCTION rowhook.job_capture_body() RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

CREATE FUNCTION rowhook.job_conditions(relation regclass, mapping jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.job_conditions(relation regclass, mapping jsonb) IS 'expressions for a completed job: its status is succeeded, failed or null; a job without an agent never completes, because no webhook could receive it';

CREATE FUNCTION rowhook.jobs_sql() RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

CREATE FUNCTION rowhook.json_content(written text) RETURNS text
    LANGUAGE sql IMMUTABLE;

COMMENT ON FUNCTION rowhook.json_content(written text) IS 'text escaped as in a JSON string, without the quotes';

CREATE FUNCTION rowhook.judge() RETURNS bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.judge() IS 'previous name of rowhook.warn_or_disable';

CREATE FUNCTION rowhook.keep_definitions(of_step text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.keep_definitions(of_step text) IS 'stores the definitions of an applied step, so that they do not count as changed by hand if the migration is interrupted';

CREATE FUNCTION rowhook.key_page(organization uuid, after_id uuid, most integer) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.keyring_check(offered bytea) RETURNS bytea
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.keyring_check(offered bytea) IS 'encrypted value that this database''s keyring must be able to decrypt; a new database stores the offered one';

CREATE FUNCTION rowhook.lane_capacity(lane uuid, since_token bigint DEFAULT 0, OUT room integer, OUT late_room integer, OUT head tid, OUT is_probe boolean, OUT tokens double precision, OUT opens_at timestamp with time zone, OUT first_token bigint) RETURNS record
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowhook.lane_capacity(lane uuid, since_token bigint, OUT room integer, OUT late_room integer, OUT head tid, OUT is_probe boolean, OUT tokens double precision, OUT opens_at timestamp with time zone, OUT first_token bigint) IS 'how many deliveries a lane may send now, by its limits, rate, circuit and order; null if its webhook is not active. A lane without capacity gets some at opens_at, or when a delivery in flight ends. `first_token` is the least token of its deliveries in flight, which have at least `since_token`';

CREATE FUNCTION rowhook.quarter_of(moment timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE;

CREATE FUNCTION rowhook.last_day_start() RETURNS timestamp with time zone
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION rowhook.last_day_start() IS 'start of the last 24 hours in whole quarters of an hour, with the current one';

CREATE FUNCTION rowhook.last_error_of(webhook uuid) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.last_error_of(webhook uuid) IS 'error of the newest delivery that has one, among the newest 10,000 of each status';

CREATE FUNCTION rowhook.last_event_to_keep(of_epoch integer) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.last_event_to_keep(of_epoch integer) IS 'last event that keeps its epoch; later ones were captured in this cluster and move to the next epoch. null: no event moves';

CREATE FUNCTION rowhook.last_failed_delivery(webhook uuid) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.last_failed_delivery(webhook uuid) IS 'delivery with the latest failed attempt of a webhook; null if none failed in the last 31 days';

CREATE FUNCTION rowhook.last_id_before(moment timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.last_id_before(moment timestamp with time zone) IS 'id of the last delivery created before a time, found by bisection; security definer, because it reads deliveries of all organizations';

CREATE FUNCTION rowhook.last_place(session text) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.last_place(session text) IS 'highest place in a session; 0 if there is none';

CREATE FUNCTION rowhook.last_placed_commit(session text, OUT xact xid8, OUT event_id bigint) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_incremental_sort TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowhook.last_placed_commit(session text, OUT xact xid8, OUT event_id bigint) IS 'commit whose callback was placed last in a session; later places follow it in order. (0, 0) if there is none';

CREATE FUNCTION rowhook.latency_percentiles(webhooks uuid[], since timestamp with time zone, sampled integer, OUT p50_ms double precision, OUT p95_ms double precision) RETURNS record
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.latency_percentiles(webhooks uuid[], since timestamp with time zone, sampled integer, OUT p50_ms double precision, OUT p95_ms double precision) IS 'milliseconds from creation to the recorded delivery, of the newest delivered deliveries created since a time: `sampled` in total, the same number of each webhook';

CREATE FUNCTION rowhook.leave(worker uuid) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.leave(worker uuid) IS 'previous name of rowhook.deregister';

CREATE FUNCTION rowhook.left_of(webhook uuid, since timestamp with time zone, until timestamp with time zone, mark bigint, held_mark bigint, most integer) RETURNS json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.left_of(webhook uuid, since timestamp with time zone, until timestamp with time zone, mark bigint, held_mark bigint, most integer) IS 'previous name of rowhook.replay_remaining';

CREATE FUNCTION rowhook.limit_to_quota(lane uuid, share integer, OUT allowed integer, OUT owner uuid, OUT tokens double precision, OUT opens_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowhook.limit_to_quota(lane uuid, share integer, OUT allowed integer, OUT owner uuid, OUT tokens double precision, OUT opens_at timestamp with time zone) IS 'how many of `share` deliveries of a lane the quotas of its organization allow now: none until opens_at, null while another claim takes some. `owner` is the organization, null if it has no such quota';

CREATE FUNCTION rowhook.link_agent(webhook uuid, agent uuid) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.link_agent(webhook uuid, agent uuid) IS 'links a webhook to an agent; idempotent. false if they belong to different organizations or do not exist';

CREATE FUNCTION rowhook.link_goal(webhook uuid, goal text) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.link_goal(webhook uuid, goal text) IS 'links a webhook to a goal; idempotent. false if they belong to different organizations or do not exist';

CREATE FUNCTION rowhook.link_page(webhook uuid, after_place bigint, most integer) RETURNS TABLE(place bigint, kind text, id text, name text, created_at timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.link_page(webhook uuid, after_place bigint, most integer) IS 'agents and goals that a webhook is linked to, with platform ids, oldest link first, after a position';

CREATE FUNCTION rowhook.links_of(webhook uuid) RETURNS TABLE(kind text, id text, name text, created_at timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.links_of(webhook uuid) IS 'all links of a webhook, oldest first';

CREATE FUNCTION rowhook.lock_claims(outbox_ids bigint[], tokens bigint[]) RETURNS SETOF bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.lock_claims(outbox_ids bigint[], tokens bigint[]) IS 'locks those of these rows that are still claimed under their token, in the order of their ids';

CREATE FUNCTION rowhook.lock_holders_of(relations oid[]) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.lock_holders_of(relations oid[]) IS 'transactions of other sessions, including prepared ones, that hold or await a lock on one of these relations';

CREATE FUNCTION rowhook.lock_installation() RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.lock_installation() IS 'locks out other sessions that record, adopt or suspend the installation, until the transaction ends';

CREATE FUNCTION rowhook.lock_late(lane uuid, most integer) RETURNS tid[]
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowhook.lock_late(lane uuid, most integer) IS 'locks the first ready late rows of a lane';

CREATE FUNCTION rowhook.lock_ready(lane uuid, share integer, late_room integer, since timestamp with time zone, since_id bigint, OUT rows tid[], OUT last_due_at timestamp with time zone, OUT last_id bigint, OUT is_late_full boolean) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowhook.lock_ready(lane uuid, share integer, late_room integer, since timestamp with time zone, since_id bigint, OUT rows tid[], OUT last_due_at timestamp with time zone, OUT last_id bigint, OUT is_late_full boolean) IS 'locks up to `share` ready rows of a lane that come after a time and an id, at most `late_room` of them late';

CREATE FUNCTION rowhook.lose(outbox_ids bigint[], tokens bigint[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.lose(outbox_ids bigint[], tokens bigint[]) IS 'previous name of rowhook.abandon';

CREATE FUNCTION rowhook.make_commit(wanted_goal text, wanted_session text, wanted_interview text, proposed json, wanted_id text) RETURNS TABLE(commit_id text, is_new boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.make_commit(wanted_goal text, wanted_session text, wanted_interview text, proposed json, wanted_id text) IS 'inserts a commit for an agent; no row if this transaction cannot see the goal or session. Raises RH003 if the id belongs to a commit of another goal';

CREATE FUNCTION rowhook.make_partition(parent text, day date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.make_partition(parent text, day date) IS 'creates one partition of one table; false if it exists. Another relation with its name is renamed';

CREATE FUNCTION rowhook.make_partitions() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.make_partitions() IS 'creates the partitions of today and the next seven days; returns how many were missing';

CREATE FUNCTION rowhook.mapping_fault(source rowhook.source) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.mapping_fault(source rowhook.source) IS 'why the table can no longer be read by its mapping; null if it can';

CREATE FUNCTION rowhook.mark() RETURNS json
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.mark() IS 'previous name of rowhook.watermark';

CREATE FUNCTION rowhook.may_send() RETURNS boolean
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowhook.may_send() IS 'whether this database is the installation; a copy sends nothing';

CREATE FUNCTION rowhook.merged_entities_sql(source rowhook.source, parts jsonb) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.merged_entities_sql(source rowhook.source, parts jsonb) IS 'part of the capture of a partitioned table of organizations, agents, goals or sessions that handles MERGE; empty for other tables';

CREATE FUNCTION rowhook.merged_jobs_sql(source rowhook.source, parts jsonb) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.merged_jobs_sql(source rowhook.source, parts jsonb) IS 'part of the capture of a partitioned table of jobs that handles MERGE; empty for other tables';

CREATE FUNCTION rowhook.metrics() RETURNS TABLE(pending bigint, sending bigint, held bigint, workers bigint, capture_errors bigint, circuits_open bigint, backlog json)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowhook.metrics() IS 'unfinished deliveries by status; workers seen in the last 30 s; open capture errors; webhooks with an open circuit; rowhook.backlog() as JSON';

CREATE FUNCTION rowhook.minute_of(moment timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE;

CREATE FUNCTION rowhook.misplaced_condition(entity_kind text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.misplaced_condition(entity_kind text) IS 'condition for rows whose id belongs to another organization than they name, so that they were not imported; for agents that is an error';

CREATE FUNCTION rowhook.missed_ids(source rowhook.source, since timestamp with time zone, until timestamp with time zone, most integer) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.missed_ids(source rowhook.source, since timestamp with time zone, until timestamp with time zone, most integer) IS 'rows of a source without an event in a time range';

CREATE FUNCTION rowhook.missed_sql(source_kind text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.missed_sql(source_kind text) IS 'condition for a row that has no event for its current completion, and none that retention removed; a job may complete repeatedly, each time with a later time';

CREATE FUNCTION rowhook.missing_columns(source rowhook.source) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.missing_columns(source rowhook.source) IS 'mapped fields whose column was renamed or dropped';

CREATE FUNCTION rowhook.moment_parts(relation regclass, mapping jsonb, field text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.moment_parts(relation regclass, mapping jsonb, field text) IS 'parts of a comparison with a time that can use an index on the column: {moment} is the left side, {cast} follows "($1"';

CREATE FUNCTION rowhook.move_completions(source text, ids text[], types text[], moments timestamp with time zone[], searched timestamp with time zone[], searched_before timestamp with time zone[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.move_completions(source text, ids text[], types text[], moments timestamp with time zone[], searched timestamp with time zone[], searched_before timestamp with time zone[]) IS 'follows changed times of completed rows: captured rows and history stay so, and gaps stay gaps';

CREATE FUNCTION rowhook.move_event_batch(after_id bigint DEFAULT NULL::bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.move_event_batch(after_id bigint) IS 'prepares raise_epoch: moves those of the next 1000 events after this id (null: from the first) that belong to the next epoch, which readers do not see until it begins. Returns the last id, null if no event is left or no epoch is due';

CREATE FUNCTION rowhook.move_events(after_id bigint, up_to_id bigint, old_epoch integer) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.move_events(after_id bigint, up_to_id bigint, old_epoch integer) IS 'moves events that were captured in this cluster to the next epoch';

CREATE FUNCTION rowhook.names_of_webhooks(ids uuid[]) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.names_of_webhooks(ids uuid[]) IS 'names of webhooks, of deleted ones the last, and of their organizations; null for those that this transaction cannot see';

CREATE FUNCTION rowhook.navigation_counts(most integer) RETURNS json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.navigation_counts(most integer) IS 'how many webhooks and waiting deliveries this transaction can see, at most `most` of each';

CREATE FUNCTION rowhook.newest_failure(webhook uuid, statuses text[], OUT last_error text, OUT last_at timestamp with time zone) RETURNS record
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.newest_failure(webhook uuid, statuses text[], OUT last_error text, OUT last_at timestamp with time zone) IS 'error and creation of the newest delivery of a webhook with one of these statuses; of those that are pending, only those that failed before';

CREATE FUNCTION rowhook.newest_gaps(most integer DEFAULT 10000) RETURNS TABLE(source text, source_id text, occurred_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.newest_gaps(most integer) IS 'rows without an event among the newest completions of each source; rowhook.gaps searches all 7 days';

CREATE FUNCTION rowhook.newest_ids(statuses text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer, organization uuid DEFAULT NULL::uuid) RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off';

COMMENT ON FUNCTION rowhook.newest_ids(statuses text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer, organization uuid) IS 'like delivery_ids, read by the time at which deliveries ended: for the first pages of all organizations, and for pages of one organization that are of waiting deliveries or have a status code; null if there are few webhooks, if many deliveries wait, or the newest that ended are too few or, for one organization, too many';

CREATE FUNCTION rowhook.newest_latency(since timestamp with time zone, sampled integer, OUT p50_ms double precision, OUT p95_ms double precision) RETURNS record
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.newest_latency(since timestamp with time zone, sampled integer, OUT p50_ms double precision, OUT p95_ms double precision) IS 'like latency_percentiles, of the newest `sampled` deliveries of all organizations';

CREATE FUNCTION rowhook.newest_of_type(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer) RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan';

COMMENT ON FUNCTION rowhook.newest_of_type(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer) IS 'like delivery_ids, among the newest deliveries of a webhook; null if too few of them are of the event type';

CREATE FUNCTION rowhook.newest_restored_event(of_epoch integer) RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.newest_restored_event(of_epoch integer) IS 'newest event of this epoch whose row was written by a lower transaction than it names, that is by a restore; later ones were captured in this cluster';

CREATE FUNCTION rowhook.next_due_at(since timestamp with time zone DEFAULT '-infinity'::timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowhook.next_due_at(since timestamp with time zone) IS 'when the first delivery that is not ready is due, of those that are due since a time';

CREATE FUNCTION rowhook.note(organization uuid, action text, subject text, before json DEFAULT NULL::json, after json DEFAULT NULL::json) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.note(organization uuid, action text, subject text, before json, after json) IS 'previous name of rowhook.write_audit';

CREATE FUNCTION rowhook.note_capture_error(source text, source_ids text[], sqlstate text, message text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.note_capture_error(source text, source_ids text[], sqlstate text, message text) IS 'records a failed capture, to be healed later; raises it again if the source is strict';

CREATE FUNCTION rowhook.note_clock_steps(most integer DEFAULT 50000) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.note_clock_steps(most integer) IS 'compares the creation times of deliveries in the order of their ids, at most so many at a time, and stores how far the clock was set back; returns how many it has compared';

CREATE FUNCTION rowhook.note_migration(name text, checksum text) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

CREATE FUNCTION rowhook.notify_webhooks(webhook uuid, type text, reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.notify_webhooks(webhook uuid, type text, reason text) IS 'creates an operational event about a webhook for the webhooks of its organization whose event_types name it';

CREATE FUNCTION rowhook.nth_time(source rowhook.source, since timestamp with time zone, nth integer, is_latest boolean) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.nth_time(source rowhook.source, since timestamp with time zone, nth integer, is_latest boolean) IS 'time of the nth completion after a time, or of the nth latest one; null if there are fewer';

CREATE FUNCTION rowhook.number_revision() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.oldest_day(parent text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.oldest_day(parent text) IS 'oldest UTC day that has rows';

CREATE FUNCTION rowhook.oldest_waiting(organization uuid) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off';

COMMENT ON FUNCTION rowhook.oldest_waiting(organization uuid) IS 'creation time of the oldest delivery that is pending or sending; null if there is none';

CREATE FUNCTION rowhook.oldest_xmin_age() RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.oldest_xmin_age() IS 'transactions since the oldest one that keeps vacuum from removing dead rows: a session, a replication slot or a prepared transaction';

CREATE FUNCTION rowhook.open_portal_link(link_hash bytea, session_hash bytea, until_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.open_portal_link(link_hash bytea, session_hash bytea, until_at timestamp with time zone) IS 'turns a portal link into a session, once; false if the link is unknown, used or expired';

CREATE FUNCTION rowhook.open_sign_in(link_hash bytea, token_hash bytea, until_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.open_sign_in(link_hash bytea, token_hash bytea, until_at timestamp with time zone) IS 'exchanges a sign-in link for a session, once; false if the link is unknown or expired';

CREATE FUNCTION rowhook.ordered_head(lane uuid) RETURNS tid
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowhook.ordered_head(lane uuid) IS 'the first unfinished delivery of an ordered webhook, if it may be sent; while it waits for a retry or is held, the others wait too';

CREATE FUNCTION rowhook.organization_counts(organization uuid, span interval, since timestamp with time zone, step interval) RETURNS TABLE(at timestamp with time zone, status_2xx bigint, status_3xx bigint, status_4xx bigint, status_5xx bigint, timeout bigint, refused bigint, held bigint, dead bigint, attempts bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan';

COMMENT ON FUNCTION rowhook.organization_counts(organization uuid, span interval, since timestamp with time zone, step interval) IS 'like window_counts, for all webhooks of an organization, or of all organizations, deleted ones too';

CREATE FUNCTION rowhook.organization_details(organization uuid) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.organization_details(organization uuid) IS 'an organization with its quotas and their usage; null if this transaction cannot see it';

CREATE FUNCTION rowhook.organization_latency(organization uuid, since timestamp with time zone, sampled integer, OUT p50_ms double precision, OUT p95_ms double precision) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.organization_latency(organization uuid, since timestamp with time zone, sampled integer, OUT p50_ms double precision, OUT p95_ms double precision) IS 'like latency_percentiles, of an organization: of its newest delivered deliveries if it has many webhooks';

CREATE FUNCTION rowhook.organization_names(ids text[]) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.organization_names(ids text[]) IS 'names of organizations, by their platform ids';

CREATE FUNCTION rowhook.organization_of(id text) RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off';

COMMENT ON FUNCTION rowhook.organization_of(id text) IS 'organization with this platform id; null if unknown';

CREATE FUNCTION rowhook.organization_page(after_id uuid, most integer, search text DEFAULT NULL::text) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.organization_platform_id(organization uuid) RETURNS text
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION rowhook.organization_platform_id(organization uuid) IS 'platform id of an organization: its external_id, otherwise the uuid; null for null';

CREATE FUNCTION rowhook.oversize_bytes(data json, context json) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE;

COMMENT ON FUNCTION rowhook.oversize_bytes(data json, context json) IS 'size of data and context if they are larger than 1 MiB together, so that an event does not keep them; null if not';

CREATE FUNCTION rowhook.owner_condition(source rowhook.source) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.owner_condition(source rowhook.source) IS 'condition for rows that have an owner: if rows name an organization, it must not be null';

CREATE FUNCTION rowhook.parse_uuid(id text) RETURNS uuid
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.parse_uuid(id text) IS 'uuid in either case, with or without hyphens; null for any other text';

CREATE FUNCTION rowhook.partition_cutoffs(OUT attempts timestamp with time zone, OUT bodies timestamp with time zone, OUT failed_bodies timestamp with time zone) RETURNS record
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.partition_cutoffs(OUT attempts timestamp with time zone, OUT bodies timestamp with time zone, OUT failed_bodies timestamp with time zone) IS 'older partitions are dropped, by the ages of rowhook.retention; null: none';

CREATE FUNCTION rowhook.partition_day(partition text) RETURNS date
    LANGUAGE sql IMMUTABLE;

COMMENT ON FUNCTION rowhook.partition_day(partition text) IS 'UTC day of a partition; null if it is not named after a day';

CREATE FUNCTION rowhook.partition_findings() RETURNS TABLE(subject text, healthy boolean, finding text, advice text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.partition_findings() IS 'partitions that expired over a day ago and are still there, and the transactions that use them';

CREATE FUNCTION rowhook.partition_name(parent text, day date) RETURNS text
    LANGUAGE sql IMMUTABLE;

CREATE FUNCTION rowhook.partition_users(relations oid[]) RETURNS text
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.partition_users(relations oid[]) IS 'processes and prepared transactions that have used one of these relations for over a second, which keeps it from being dropped; null: none';

CREATE FUNCTION rowhook.pause(webhook_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.pause(webhook_id uuid) IS 'pauses a webhook, so that its deliveries wait; false if it was not active';

CREATE FUNCTION rowhook.paused_deliveries(OUT webhooks bigint, OUT deliveries bigint, OUT is_capped boolean, OUT oldest timestamp with time zone) RETURNS record
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowhook.paused_deliveries(OUT webhooks bigint, OUT deliveries bigint, OUT is_capped boolean, OUT oldest timestamp with time zone) IS 'deliveries that no retention removes because their webhook is paused: webhooks that have any, how many, counted up to 100,000, and when the oldest was created';

CREATE FUNCTION rowhook.pending_of_webhooks(organization uuid, since timestamp with time zone, OUT pending bigint, OUT oldest_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.pending_of_webhooks(organization uuid, since timestamp with time zone, OUT pending bigint, OUT oldest_at timestamp with time zone) IS 'number of pending deliveries that were created since a time, and when the oldest at any time was created, by one look-up for each webhook; security definer, so that the policies are evaluated once';

CREATE FUNCTION rowhook.place(xact xid8, epoch integer) RETURNS xid8
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION rowhook.place(xact xid8, epoch integer) IS 'position of a transaction in commit order across clusters: the epoch from bit 48 up, the transaction id below';

CREATE FUNCTION rowhook.place_callbacks(session text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_incremental_sort TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowhook.place_callbacks(session text) IS 'assigns places to the waiting callbacks of a session that no earlier commit can precede; returns how many. The caller holds the lock of the session';

CREATE FUNCTION rowhook.place_waiting(after text, most integer) RETURNS text
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_incremental_sort TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.place_waiting(after text, most integer) IS 'assigns places in the next sessions with waiting callbacks, because what they waited for may have ended; returns the last session, an empty string after the last of all, null if no callback waits';

CREATE FUNCTION rowhook.platform_tables() RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.platform_tables() IS 'tables that can be sources';

CREATE FUNCTION rowhook.portal_access(token_hash bytea) RETURNS TABLE(id uuid, organization_id uuid, organization_name text, key_hash bytea, scopes text[], brand text, return_url text, is_opened boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.portal_access(token_hash bytea) IS 'portal link or session with this SHA-256, unless it has expired';

CREATE FUNCTION rowhook.promote(since timestamp with time zone DEFAULT '-infinity'::timestamp with time zone) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowhook.promote(since timestamp with time zone) IS 'marks rows as ready that became due since a time';

CREATE FUNCTION rowhook.proposed_commit(wanted_goal text, wanted_session text, wanted_interview text) RETURNS TABLE(organization_id uuid, snapshot text, context text, moment timestamp with time zone)
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.proposed_commit(wanted_goal text, wanted_session text, wanted_interview text) IS 'snapshot of a proposed commit, with the context of its session; no row if this transaction cannot see the goal or session';

CREATE FUNCTION rowhook.put_secret(organization uuid, secret_id text, next_version integer, new_sealed bytea, hosts text[]) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.put_secret(organization uuid, secret_id text, next_version integer, new_sealed bytea, hosts text[]) IS 'stores a secret; false if another change came first: read secret_version, encrypt for the next version, and try again';

CREATE FUNCTION rowhook.queue_metrics(top integer DEFAULT 5) RETURNS json
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowhook.queue_metrics(top integer) IS 'unfinished deliveries by status, and those that are due for active webhooks by kind of output and by organization: the `top` organizations with the most by their rank, and all others together. `oldest_due_s` is that of the deliveries that a worker could send now: not of those that wait for their receiver, its rate or its order';

CREATE FUNCTION rowhook.quota_document(quota rowhook.organization_quota) RETURNS json
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION rowhook.quota_document(quota rowhook.organization_quota) IS 'the quotas of an organization as JSON';

CREATE FUNCTION rowhook.raise_epoch() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET lock_timeout TO '200ms';

COMMENT ON FUNCTION rowhook.raise_epoch() IS 'begins a new epoch if one is due, so that new events follow those of the other cluster; returns it, or null. Raises 55P03 before writing anything if the table of events is in use: call it again. With many events, call move_event_batch first';

CREATE FUNCTION rowhook.rare_waiting_statuses(of_all boolean DEFAULT false) RETURNS text[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.rare_waiting_statuses(of_all boolean) IS 'of pending, sending and held, those with so few deliveries in the whole installation that reading all of them, for one organization or for all, takes less than a look-up for each webhook; security definer, because it counts those of all organizations';

CREATE FUNCTION rowhook.read_time(written text, zone text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC';

COMMENT ON FUNCTION rowhook.read_time(written text, zone text) IS 'time from a text column, in time zone `zone` unless the text names one; null if it is not a time';

CREATE FUNCTION rowhook.read_uuid(id text) RETURNS uuid
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.read_uuid(id text) IS 'uuid in the form that PostgreSQL writes; null for any other text, which is then an external id';

CREATE FUNCTION rowhook.readable_time(moment timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE;

COMMENT ON FUNCTION rowhook.readable_time(moment timestamp with time zone) IS 'time limited to the range that clients can read in every time zone: the local year must be between 1 and 9999. Payloads have the exact time, as text';

CREATE FUNCTION rowhook.ready_lanes(after uuid, up_to uuid, max_lanes integer, known uuid[] DEFAULT '{}'::uuid[], marks timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[], mark_ids bigint[] DEFAULT '{}'::bigint[], first uuid DEFAULT NULL::uuid) RETURNS uuid[]
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowhook.ready_lanes(after uuid, up_to uuid, max_lanes integer, known uuid[], marks timestamp with time zone[], mark_ids bigint[], first uuid) IS 'webhooks with ready rows, by a skip scan with one index probe per lane; `known` is sorted, and `marks` and `mark_ids` have for each known lane the time and the id up to which it has no ready rows; `first` is the first one, if the caller has found it';

CREATE FUNCTION rowhook.recapture(source rowhook.source, ids text[], failed_at timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO'
    SET "IntervalStyle" TO 'postgres'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1';

COMMENT ON FUNCTION rowhook.recapture(source rowhook.source, ids text[], failed_at timestamp with time zone) IS 'captures missed rows of a source by their ids; returns how many';

CREATE FUNCTION rowhook.recapture_sql(source rowhook.source) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.recapture_sql(source rowhook.source) IS 'statement that captures missed rows by the ids $1; $2 is the time when their capture failed, null if unknown';

CREATE FUNCTION rowhook.recapture_times(source rowhook.source, ids text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowhook.recapture_times(source rowhook.source, ids text[]) IS 'follows changed times whose capture failed (RH007)';

CREATE FUNCTION rowhook.recent_events(organization uuid, webhook uuid, wanted_agent uuid, wanted_goal text, most integer) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET "TimeZone" TO 'UTC'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off';

COMMENT ON FUNCTION rowhook.recent_events(organization uuid, webhook uuid, wanted_agent uuid, wanted_goal text, most integer) IS 'jobs and commits among the newest 2,000 events of each organization, newest first; with a webhook, those that its links deliver to it';

CREATE FUNCTION rowhook.recent_start() RETURNS timestamp with time zone
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION rowhook.recent_start() IS 'start of the last 15 minutes, whose attempts decide rowhook.health_word, in whole minutes';

CREATE FUNCTION rowhook.reclaim_expired(worker uuid, lease interval) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowhook.reclaim_expired(worker uuid, lease interval) IS 'takes back deliveries whose lease another worker let expire';

CREATE FUNCTION rowhook.reclaim_lost(worker uuid, tokens bigint[]) RETURNS bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_incremental_sort TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.reclaim_lost(worker uuid, tokens bigint[]) IS 'gives back expired claims of a worker that it never received because the response was lost; does not count as an attempt';

CREATE FUNCTION rowhook.record(results json, frames json DEFAULT '[]'::json, all_delivered boolean DEFAULT false) RETURNS TABLE(token bigint, status text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.record(results json, frames json, all_delivered boolean) IS 'settles each result whose token is still valid and returns those; results of superseded claims are ignored. `frames` are the frames that the results refer to; `all_delivered` says that each outcome is delivered';

CREATE FUNCTION rowhook.record_history(source rowhook.source, latest timestamp with time zone, future text[], found_at timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.record_history(source rowhook.source, latest timestamp with time zone, future text[], found_at timestamp with time zone) IS 'marks everything that was complete before the triggers existed as history, which is never sent';

CREATE FUNCTION rowhook.record_installation() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.record_installation() IS 'records this database as the installation, with a new nonce';

CREATE FUNCTION rowhook.record_revision() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.recordable_time(started_at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.recordable_time(started_at timestamp with time zone) IS 'the time itself, or now if there is no partition for it: too old, or from a clock that is more than a week ahead';

CREATE FUNCTION rowhook.reject_api_role() RETURNS void
    LANGUAGE plpgsql STABLE;

CREATE FUNCTION rowhook.reject_column(relation regclass, field text, column_name text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.reject_column(relation regclass, field text, column_name text) IS 'raises RH004: a mapped column is missing or has the wrong type';

CREATE FUNCTION rowhook.reject_kind(kind text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.reject_kind(kind text) IS 'raises RH008: unknown kind of rows';

CREATE FUNCTION rowhook.reject_mapping(problem text, remedy text) RETURNS void
    LANGUAGE plpgsql;

CREATE FUNCTION rowhook.release(outbox_ids bigint[], tokens bigint[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.release(outbox_ids bigint[], tokens bigint[]) IS 'gives back deliveries that were claimed but not started; does not count as an attempt';

CREATE FUNCTION rowhook.remove_deliveries(doomed bigint[], events_before timestamp with time zone, events_until bigint) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowhook.remove_deliveries(doomed bigint[], events_before timestamp with time zone, events_until bigint) IS 'removes deliveries that the caller has locked, with their callbacks, and events that are old enough and have no other delivery; returns how many rows of both';

CREATE FUNCTION rowhook.remove_events(doomed bigint[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowhook.remove_events(doomed bigint[]) IS 'removes events that the caller has locked; records in rowhook.removed_event those that rowhook.heal could take for gaps or that a failed capture names';

CREATE FUNCTION rowhook.remove_leftovers(most integer DEFAULT 5000) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET lock_timeout TO '1s';

COMMENT ON FUNCTION rowhook.remove_leftovers(most integer) IS 'removes one batch of rows that are useless after a day: old workers, sign-ins, stored answers, traces of removed events; updates the highest transaction id';

CREATE FUNCTION rowhook.renew(worker uuid, outbox_ids bigint[], tokens bigint[], lease interval DEFAULT '00:00:20'::interval) RETURNS SETOF bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.renew(worker uuid, outbox_ids bigint[], tokens bigint[], lease interval) IS 'renews leases; returns the tokens that are still valid';

CREATE FUNCTION rowhook.replace_unwritten(delivery bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.replace_unwritten(delivery bigint) IS 'marks the staged output of a delivery as replaced, unless it was written to a page';

CREATE FUNCTION rowhook.replay(webhook_id uuid, since timestamp with time zone, until timestamp with time zone DEFAULT now(), statuses text[] DEFAULT '{dead,cancelled,skipped}'::text[], dry_run boolean DEFAULT false, rate numeric DEFAULT NULL::numeric) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.replay(webhook_id uuid, since timestamp with time zone, until timestamp with time zone, statuses text[], dry_run boolean, rate numeric) IS 'sends again the deliveries that were created in [since, until) and have one of the statuses, at `rate` per second if given; returns how many';

CREATE FUNCTION rowhook.replay_remaining(webhook uuid, since timestamp with time zone, until timestamp with time zone, watermark bigint, held_watermark bigint, max_rows integer) RETURNS json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.replay_remaining(webhook uuid, since timestamp with time zone, until timestamp with time zone, watermark bigint, held_watermark bigint, max_rows integer) IS 'deliveries of a range that wait, are being sent or are held, and were written after the watermark; if `capped`, only the first `most` were examined';

CREATE FUNCTION rowhook.request_as_sent(frame integer, sent json, delivery bigint) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off';

COMMENT ON FUNCTION rowhook.request_as_sent(frame integer, sent json, delivery bigint) IS 'request {method, url, headers, body} of an attempt; null if its event was removed';

CREATE FUNCTION rowhook.require_event_lock() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET lock_timeout TO '200ms';

COMMENT ON FUNCTION rowhook.require_event_lock() IS 'raises 55P03 unless the table of events could be locked now; keeps no lock';

CREATE FUNCTION rowhook.require_operator() RETURNS void
    LANGUAGE plpgsql STABLE;

CREATE FUNCTION rowhook.require_partitions() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.require_partitions() IS 'creates missing partitions, if no worker ran for a week or the clock was changed';

CREATE FUNCTION rowhook.require_schema(schema text, name text) RETURNS void
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowhook.require_schema(schema text, name text) IS 'raises RH004 unless the caller may use the schema of a table';

CREATE FUNCTION rowhook.reseal(kind text, firsts text[], seconds text[], was bytea[], becomes bytea[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.reseal(kind text, firsts text[], seconds text[], was bytea[], becomes bytea[]) IS 'replaces old ciphertexts by new ones in rows that still have the old one; returns how many';

CREATE FUNCTION rowhook.resend(outbox_ids bigint[]) RETURNS bigint[]
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.resend(outbox_ids bigint[]) IS 'makes these deliveries due now and returns their ids; ignores those that are being sent';

CREATE FUNCTION rowhook.resend_at_rate(outbox_ids bigint[], rate numeric) RETURNS bigint[]
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.resend_at_rate(outbox_ids bigint[], rate numeric) IS 'makes these deliveries due one after the other, `rate` per second, and returns their ids';

CREATE FUNCTION rowhook.resume(webhook_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.resume(webhook_id uuid) IS 'activates a webhook that is paused or disabled; false if it was active';

CREATE FUNCTION rowhook.retain(retention interval DEFAULT NULL::interval, most integer DEFAULT 5000) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET lock_timeout TO '1s';

COMMENT ON FUNCTION rowhook.retain(retention interval, most integer) IS 'removes one batch of each kind that is older than rowhook.retention says, and returns how many rows. An age overrides those of deliveries and events in this call';

CREATE FUNCTION rowhook.retain_audit(before timestamp with time zone, most integer, INOUT passed_id bigint, OUT removed bigint) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off';

COMMENT ON FUNCTION rowhook.retain_audit(before timestamp with time zone, most integer, INOUT passed_id bigint, OUT removed bigint) IS 'removes the oldest rows of the audit log; ids grow with time';

CREATE FUNCTION rowhook.retain_batch(wanted_kind text, most integer DEFAULT 5000, begins boolean DEFAULT false, is_full boolean DEFAULT false, OUT removed bigint, OUT is_finished boolean) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET lock_timeout TO '1s';

COMMENT ON FUNCTION rowhook.retain_batch(wanted_kind text, most integer, begins boolean, is_full boolean, OUT removed bigint, OUT is_finished boolean) IS 'removes one batch of a kind; returns how many rows, and whether the kind is finished. `begins` starts a run; `is_full` examines everything again, in all calls of a run';

CREATE FUNCTION rowhook.retain_errors(wanted_kind text, before timestamp with time zone, most integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off';

COMMENT ON FUNCTION rowhook.retain_errors(wanted_kind text, before timestamp with time zone, most integer) IS 'removes failed captures that were healed long ago or have been open for long';

CREATE FUNCTION rowhook.retain_events(before timestamp with time zone, until bigint, most integer, INOUT passed_id bigint, OUT removed bigint, OUT is_finished boolean) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowhook.retain_events(before timestamp with time zone, until bigint, most integer, INOUT passed_id bigint, OUT removed bigint, OUT is_finished boolean) IS 'examines the next events after passed_id and removes those that are old enough and have no delivery';

CREATE FUNCTION rowhook.retain_finished(wanted_kind text, before timestamp with time zone, events_before timestamp with time zone, events_until bigint, most integer, INOUT passed_at timestamp with time zone, OUT removed bigint, OUT is_finished boolean) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off';

COMMENT ON FUNCTION rowhook.retain_finished(wanted_kind text, before timestamp with time zone, events_before timestamp with time zone, events_until bigint, most integer, INOUT passed_at timestamp with time zone, OUT removed bigint, OUT is_finished boolean) IS 'removes the oldest finished deliveries of a kind, from passed_at on';

CREATE FUNCTION rowhook.retain_held(before timestamp with time zone, events_before timestamp with time zone, events_until bigint, most integer, INOUT passed_webhook uuid, OUT removed bigint) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowhook.retain_held(before timestamp with time zone, events_before timestamp with time zone, events_until bigint, most integer, INOUT passed_webhook uuid, OUT removed bigint) IS 'removes held deliveries of the 1,000 webhooks after passed_webhook; null: these were the last';

CREATE FUNCTION rowhook.retain_revisions(before timestamp with time zone, most integer, INOUT passed_webhook uuid, OUT removed bigint) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off';

COMMENT ON FUNCTION rowhook.retain_revisions(before timestamp with time zone, most integer, INOUT passed_webhook uuid, OUT removed bigint) IS 'removes replaced revisions, and all revisions of deleted webhooks without deliveries, of the 200 webhooks after passed_webhook; null: these were the last';

CREATE FUNCTION rowhook.retain_secrets(before timestamp with time zone, most integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off';

COMMENT ON FUNCTION rowhook.retain_secrets(before timestamp with time zone, most integer) IS 'removes signing secrets that expired long ago';

CREATE FUNCTION rowhook.retention_findings() RETURNS TABLE(subject text, healthy boolean, finding text, advice text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off';

COMMENT ON FUNCTION rowhook.retention_findings() IS 'runs that do not finish although workers are alive, partitions that could not be dropped, and held deliveries that will be removed soon';

CREATE FUNCTION rowhook.retention_kinds() RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.retention_kinds() IS 'kinds of rows that retention removes, in the order of a run';

CREATE FUNCTION rowhook.retention_plan() RETURNS TABLE(kind text, removable bigint, is_capped boolean, oldest timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.retention_plan() IS 'per kind, the rows that a run would remove now, counted up to 100,000; for attempts and bodies the partitions, one per day';

CREATE FUNCTION rowhook.retention_query(kind text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.retention_query(kind text) IS 'query for the times of rows of a kind that are older than $1, oldest first if an index provides that';

CREATE FUNCTION rowhook.retention_report() RETURNS TABLE(kind text, concerns text, keep interval, last_run_at timestamp with time zone, last_finished_at timestamp with time zone, removed bigint, oldest timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.retention_report() IS 'per kind, how long it is kept, its last run, and the time of the oldest row if an index provides it';

CREATE FUNCTION rowhook.retry(outbox_ids bigint[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.retry(outbox_ids bigint[]) IS 'sends these deliveries again now and returns how many; ignores those that are being sent';

CREATE TABLE rowhook.capture_error (
    id bigint NOT NULL,
    source text NOT NULL,
    source_ids text[] NOT NULL,
    sqlstate text NOT NULL,
    message text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    healed_at timestamp with time zone,
    tried_at timestamp with time zone
);

COMMENT ON COLUMN rowhook.capture_error.tried_at IS 'when the capture was last retried';

CREATE FUNCTION rowhook.retry_capture(failed rowhook.capture_error) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.retry_capture(failed rowhook.capture_error) IS 'retries a failed capture; it is healed, split into its rows, or stays open';

CREATE FUNCTION rowhook.retry_captures() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan';

CREATE FUNCTION rowhook.revision_of(webhook uuid, wanted integer) RETURNS TABLE(organization_id uuid, configuration text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.revision_page(webhook uuid, before_revision integer, most integer) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.revision_page(webhook uuid, before_revision integer, most integer) IS 'revisions of a webhook, also of a deleted one, newest first';

CREATE FUNCTION rowhook.revisions_before() RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.revisions_before() IS 'revisions replaced before this time are referenced by no stored row; null: all are kept';

CREATE FUNCTION rowhook.role_names() RETURNS text[]
    LANGUAGE sql IMMUTABLE;

COMMENT ON FUNCTION rowhook.role_names() IS 'roles of this installation; their common prefix is the ROWHOOK_ROLE_PREFIX that it was migrated with';

CREATE FUNCTION rowhook.role_prefix() RETURNS text
    LANGUAGE sql IMMUTABLE;

CREATE FUNCTION rowhook.rotate_signing_secret(organization uuid, webhook uuid, next_version integer, new_secret bytea, overlap interval DEFAULT '24:00:00'::interval) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.sample_commit(organization uuid, wanted_goal text) RETURNS TABLE(snapshot text, moment timestamp with time zone)
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.sample_commit(organization uuid, wanted_goal text) IS 'snapshot of a sample commit to this goal; no row if the goal does not belong to the organization';

CREATE FUNCTION rowhook.sample_event(organization uuid, wanted bigint) RETURNS TABLE(id bigint, type text, key text, occurred_at timestamp with time zone, snapshot text, data text, context text, oversize_bytes bigint, agent_id uuid, goal_id text, moment timestamp with time zone)
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.sample_event(organization uuid, wanted bigint) IS 'an event as captured, digit for digit; no row if it does not belong to the organization';

CREATE FUNCTION rowhook.sample_job(organization uuid, wanted_agent uuid) RETURNS TABLE(snapshot text, moment timestamp with time zone)
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.sample_job(organization uuid, wanted_agent uuid) IS 'snapshot of a sample job of this agent, or of none; no row if the agent does not belong to the organization';

CREATE FUNCTION rowhook.scan_counts(organization uuid, since timestamp with time zone, until timestamp with time zone, event_type text, code integer, most_rows integer, OUT by_status jsonb, OUT complete boolean) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.scan_counts(organization uuid, since timestamp with time zone, until timestamp with time zone, event_type text, code integer, most_rows integer, OUT by_status jsonb, OUT complete boolean) IS 'number of deliveries by status among the newest `most_rows` ids of a range of time; complete: these are all';

CREATE FUNCTION rowhook.scan_ids(organization uuid, statuses text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer, most_rows integer) RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.scan_ids(organization uuid, statuses text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer, most_rows integer) IS 'like delivery_ids, read by id from the newest; null if `most_rows` ids have fewer than `most` deliveries';

CREATE FUNCTION rowhook.schema_differences() RETURNS TABLE(kind text, step text, line text, missing boolean, finding text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.schema_differences() IS 'differences between the schema and its state after the last migration: missing objects, changed definitions, and additional grants and policies';

CREATE FUNCTION rowhook.schema_state() RETURNS TABLE(kind text, step text, line text, digest text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET quote_all_identifiers TO 'off'
    SET "DateStyle" TO 'ISO, YMD'
    SET "IntervalStyle" TO 'postgres'
    SET "TimeZone" TO 'UTC'
    SET extra_float_digits TO '1';

CREATE FUNCTION rowhook.sealed_elsewhere(newest bytea) RETURNS TABLE(kind text, remaining bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.sealed_elsewhere(newest bytea) IS 'previous name of rowhook.count_older_seals';

CREATE FUNCTION rowhook.sealed_page(kind text, newest bytea, after_first text, after_second text, most integer) RETURNS TABLE(first text, second text, organization_id uuid, version integer, fingerprint bytea, sealed bytea)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.sealed_page(kind text, newest bytea, after_first text, after_second text, most integer) IS 'values that the newest key did not encrypt, in the order of their primary key (first, second), after a position';

CREATE FUNCTION rowhook.search_deliveries(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job text, commit_key text, event_type text, code integer, search text, most integer, most_rows integer, most_text bigint) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.search_deliveries(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job text, commit_key text, event_type text, code integer, search text, most integer, most_rows integer, most_text bigint) IS 'deliveries that contain a text in an id, goal, agent, session, error or payload, newest first: among at most most_rows deliveries with most_text characters of payload; searched says how many were, since the creation time of the oldest, last_id its id if older ones are left';

CREATE FUNCTION rowhook.search_rank(search text, names text[]) RETURNS integer
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.search_time_sql(source rowhook.source) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.search_time_sql(source rowhook.source) IS 'expression for the time by which rowhook.heal finds a row: its own, or that of its creation if it cannot be ordered; null: rowhook.heal does not find it';

CREATE FUNCTION rowhook.secret_hosts(organization uuid, secret_ids text[]) RETURNS TABLE(id text, allowed_hosts text[])
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.secret_page(organization uuid, after_id text, most integer) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.secret_page(organization uuid, after_id text, most integer) IS 'public properties of secrets, never their values';

CREATE FUNCTION rowhook.secret_users(organization uuid, wanted text) RETURNS TABLE(id text, name text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.secret_users(organization uuid, wanted text) IS 'webhooks whose templates name this secret';

CREATE FUNCTION rowhook.secret_version(organization uuid, secret_id text) RETURNS integer
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.secrets_of(webhook uuid) RETURNS TABLE(signing boolean, id text, version integer, sealed bytea, allowed_hosts text[], expires_at timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.sending_state(webhook uuid) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.sending_state(webhook uuid) IS 'state and circuit of a webhook, which decide whether it is called now; counts nothing';

CREATE FUNCTION rowhook.series(organization uuid, webhook uuid, span interval, points integer) RETURNS json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.series(organization uuid, webhook uuid, span interval, points integer) IS 'deliveries created in each of `points` equal steps of the last `span`, by current status; steps without any have zeros';

CREATE FUNCTION rowhook.session_owner(session text) RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.session_owner(session text) IS 'organization of a session; null if this transaction cannot see it';

CREATE FUNCTION rowhook.session_page(wanted_session text, before_id bigint, most integer) RETURNS SETOF json
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.session_page(wanted_session text, before_id bigint, most integer) IS 'deliveries of a session''s commits, newest first';

CREATE FUNCTION rowhook.set_alert_thresholds(organization uuid, held integer, backlog integer, backlog_age_s integer) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.set_alert_thresholds(organization uuid, held integer, backlog integer, backlog_age_s integer) IS 'sets the thresholds of an organization''s alerts';

CREATE FUNCTION rowhook.set_quotas(organization uuid, changes jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.set_quotas(organization uuid, changes jsonb) IS 'changes the quotas of an organization that `changes` names; null: no limit';

CREATE FUNCTION rowhook.set_retention(kind text, keep interval) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET lock_timeout TO '5s';

COMMENT ON FUNCTION rowhook.set_retention(kind text, keep interval) IS 'sets how long a kind of rows is kept; null: forever. Raises RH008 for an unknown kind or invalid age';

CREATE FUNCTION rowhook.set_state(webhook uuid, wanted text) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.set_state(webhook uuid, wanted text) IS 'pauses an active webhook, or activates one that is paused or disabled; whether anything changed';

CREATE FUNCTION rowhook.set_tenant(organization uuid, actor text) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowhook.set_tenant(organization uuid, actor text) IS 'makes this transaction one of the API for an organization, or with null for an operator';

CREATE FUNCTION rowhook.settled_before() RETURNS xid8
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.settled_before() IS 'position of the oldest transaction that is still open; anything that commits from now on has this position or a later one';

CREATE FUNCTION rowhook.sign_in(token_hash bytea, once boolean, key_hash bytea, ends_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.sign_in(token_hash bytea, once boolean, key_hash bytea, ends_at timestamp with time zone) IS 'stores a session, or a link that opens one; a null key stands for access to the database';

CREATE FUNCTION rowhook.sign_out(token_hash bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.signed_in(token_hash bytea) RETURNS TABLE(key_hash bytea, ends_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.signed_in(token_hash bytea) IS 'session with this SHA-256, unless it has expired';

CREATE FUNCTION rowhook.source_drift(source rowhook.source) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.source_drift(source rowhook.source) IS 'why a source is no longer captured as its mapping says; null if it is';

CREATE FUNCTION rowhook.source_list() RETURNS TABLE(name text, kind text, relation text, mapping jsonb, strict boolean, installed_at timestamp with time zone, triggers text[], drift text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.source_list() IS 'sources, built-in ones first; drift says why one is no longer captured as its mapping says';

CREATE FUNCTION rowhook.spend(lane uuid, remaining double precision, is_probe boolean) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowhook.spend(lane uuid, remaining double precision, is_probe boolean) IS 'records the tokens that a claim leaves in the bucket of a lane, and that it probes an open circuit';

CREATE FUNCTION rowhook.spend_quota(organization uuid, remaining double precision, rows tid[]) RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowhook.spend_quota(organization uuid, remaining double precision, rows tid[]) IS 'records the tokens that a claim leaves in the bucket of an organization, and the bytes that it takes';

CREATE FUNCTION rowhook.stage(delivery bigint, claim bigint, sent_revision integer, session text, body text, ttl interval) RETURNS text
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.stage(delivery bigint, claim bigint, sent_revision integer, session text, body text, ttl interval) IS 'stores a rendered output for the pages of the session and returns the new status of the delivery: `dead` if it has already waited for `ttl`. A superseded claim changes nothing';

CREATE FUNCTION rowhook.standing_of(webhook uuid) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.standing_of(webhook uuid) IS 'previous name of rowhook.sending_state';

CREATE FUNCTION rowhook.stats(organization uuid, span interval) RETURNS json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off';

COMMENT ON FUNCTION rowhook.stats(organization uuid, span interval) IS 'attempts and deliveries since the start of the window: delivered and dead by the time of the result, other statuses by creation; percentiles are of the newest 10,000 delivered';

CREATE FUNCTION rowhook.status() RETURNS TABLE(status text, deliveries bigint, oldest interval, next_due interval)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.status() IS 'deliveries by status, each counted up to 100,000';

CREATE FUNCTION rowhook.status_counts(by_status json, capped boolean) RETURNS json
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.status_counts(by_status json, capped boolean) IS 'JSON document of rowhook.count_by_status';

CREATE FUNCTION rowhook.status_values(relation regclass, mapping jsonb) RETURNS TABLE(status text, is_every boolean)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.status_values(relation regclass, mapping jsonb) IS 'values of the column mapped to status: all allowed ones, or those of the first 10,000 rows';

CREATE FUNCTION rowhook.storage_report() RETURNS TABLE(name text, rows bigint, bytes bigint, bytes_per_day bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.storage_report() IS 'per growing table: rows as estimated by the planner or the statistics, bytes including indexes, and bytes added per day; null if unknown';

CREATE FUNCTION rowhook.store_frames(frames json) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off';

COMMENT ON FUNCTION rowhook.store_frames(frames json) IS 'stores those frames of a worker that are not stored yet';

CREATE FUNCTION rowhook.stored_bodies(OUT accepted boolean, OUT failed boolean) RETURNS record
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.stored_bodies(OUT accepted boolean, OUT failed boolean) IS 'whether workers store request and response of accepted attempts, and of others; false if they are kept for no time';

CREATE FUNCTION rowhook.suspension() RETURNS TABLE(suspended_at timestamp with time zone, reason text, advice text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.suspension() IS 'why deliveries are suspended, with advice; no row if they are not';

CREATE FUNCTION rowhook.sweep(most integer DEFAULT 1000) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.sweep(most integer) IS 'processes one batch of a changed webhook: releases held deliveries, ends those of a disabled or deleted webhook; returns 0 when nothing is left';

CREATE FUNCTION rowhook.sync_entities(source rowhook.source, ids text[] DEFAULT NULL::text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO'
    SET "IntervalStyle" TO 'postgres'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.sync_entities(source rowhook.source, ids text[]) IS 'creates and changes Rowhook''s rows for the given rows of a watched table, or for all of them';

CREATE FUNCTION rowhook.system() RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.system() IS 'state of the installation, for operators: versions, workers, gaps, the newest 100 open capture errors, partitions, retention and storage';

CREATE FUNCTION rowhook.table_columns(relation regclass) RETURNS TABLE(name text, type text, kind text, is_key boolean, is_unique boolean)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.table_columns(relation regclass) IS 'columns of a table: kind is json, time, number, text or other; is_key and is_unique for a column that is a key or unique by itself';

CREATE FUNCTION rowhook.table_named(name text) RETURNS regclass
    LANGUAGE plpgsql STABLE;

COMMENT ON FUNCTION rowhook.table_named(name text) IS 'table of this name by the caller''s search path, null if there is none; raises RH004 if the caller may not use its schema';

CREATE FUNCTION rowhook.tally(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, job text, commit_key text, event_type text, code integer, most integer) RETURNS json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.tally(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, job text, commit_key text, event_type text, code integer, most integer) IS 'previous name of rowhook.count_by_status';

CREATE FUNCTION rowhook.text_expression(expression text, type oid) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

CREATE FUNCTION rowhook.trace_until(searched_at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.trace_until(searched_at timestamp with time zone) IS 'until when rowhook.removed_event keeps a row that rowhook.heal finds by this time';

CREATE FUNCTION rowhook.trigger_events(source_kind text) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.trigger_events(source_kind text) IS 'statements that fire the triggers of a source of this kind';

CREATE FUNCTION rowhook.uncaptured_rows() RETURNS TABLE(source text, row_count bigint, row_id text, message text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.uncaptured_rows() IS 'sources with rows whose capture failed: how many among the oldest 10,000 open errors, and the first one with its reason';

CREATE FUNCTION rowhook.undelivered_ends() RETURNS SETOF timestamp with time zone
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION rowhook.undelivered_ends() IS 'when deliveries ended as dead, cancelled or skipped';

CREATE FUNCTION rowhook.unknown(webhook uuid DEFAULT NULL::uuid, agent uuid DEFAULT NULL::uuid, goal text DEFAULT NULL::text, delivery bigint DEFAULT NULL::bigint, key uuid DEFAULT NULL::uuid, organization uuid DEFAULT NULL::uuid, session text DEFAULT NULL::text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.unknown(webhook uuid, agent uuid, goal text, delivery bigint, key uuid, organization uuid, session text) IS 'previous name of rowhook.first_missing';

CREATE FUNCTION rowhook.unless_oversize(value json, data json, context json) RETURNS json
    LANGUAGE plpgsql IMMUTABLE;

COMMENT ON FUNCTION rowhook.unless_oversize(value json, data json, context json) IS 'the value; null if data and context are larger than 1 MiB together';

CREATE FUNCTION rowhook.unlink(webhook uuid, agent uuid, goal text) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.unlink(webhook uuid, agent uuid, goal text) IS 'removes a link, for completions whose statement starts after this commit; false if there was none';

CREATE FUNCTION rowhook.unwatch(watched text) RETURNS bigint
    LANGUAGE plpgsql
    SET lock_timeout TO '5s'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.unwatch(watched text) IS 'removes a table from the sources, with its triggers, its capture and its row in rowhook.source; keeps events. Returns how many sources were removed';

CREATE FUNCTION rowhook.unwatch(watched regclass) RETURNS bigint
    LANGUAGE sql;

CREATE FUNCTION rowhook.update_circuit(webhook uuid, failures integer, successes integer, retry_after_s double precision, max_in_flight integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off';

COMMENT ON FUNCTION rowhook.update_circuit(webhook uuid, failures integer, successes integer, retry_after_s double precision, max_in_flight integer) IS 'updates the circuit breaker by a batch of results: ten consecutive failures open it, a successful probe half-opens it, and it closes when max_in_flight is allowed again';

CREATE FUNCTION rowhook.upkeep_metrics() RETURNS json
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.upkeep_metrics() IS 'workers seen in the last 30 s, webhooks by state, circuits, capture, retention, partitions, and the age of transactions that delay vacuum';

CREATE FUNCTION rowhook.upsert_agent(organization text, id text, name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.upsert_agent(organization text, id text, name text) IS 'creates or renames an agent with this platform id; never changes an agent of another organization';

CREATE FUNCTION rowhook.upsert_call(entity_kind text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

CREATE FUNCTION rowhook.upsert_goal(organization text, id text, name text, template_id text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.upsert_goal(organization text, id text, name text, template_id text) IS 'creates or renames a goal; does not change a goal of another organization, see rowhook.misplaced_condition';

CREATE FUNCTION rowhook.upsert_organization(id text, name text) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

CREATE FUNCTION rowhook.upsert_session(organization text, id text, context json) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.upsert_session(organization text, id text, context json) IS 'creates a session or changes its context; does not change a session of another organization, see rowhook.misplaced_condition';

CREATE FUNCTION rowhook.use_secrets(organization uuid, webhook uuid, secret_ids text[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.validate_commit(goal_id text, data json, context json DEFAULT '{}'::json) RETURNS TABLE(webhook_id uuid, pointer text, message text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.validate_commit(goal_id text, data json, context json) IS 'checks which paths required by the outputs of a goal are missing in proposed data: one row per fault, and one with a null pointer for an output without any';

CREATE FUNCTION rowhook.visit_lane(lane uuid, most integer, has_quota boolean, since timestamp with time zone, since_id bigint, since_token bigint, OUT rows tid[], OUT last_due_at timestamp with time zone, OUT last_id bigint, OUT first_token bigint, OUT outlook text, OUT due_in_s double precision) RETURNS record
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowhook.visit_lane(lane uuid, most integer, has_quota boolean, since timestamp with time zone, since_id bigint, since_token bigint, OUT rows tid[], OUT last_due_at timestamp with time zone, OUT last_id bigint, OUT first_token bigint, OUT outlook text, OUT due_in_s double precision) IS 'locks up to `most` rows that a lane may send now; with `has_quota`, no more than the quotas of its organization allow; `outlook` is a kind of row of claim_batch, null if the lane has no more ready rows';

CREATE FUNCTION rowhook.wake() RETURNS void
    LANGUAGE plpgsql;

COMMENT ON FUNCTION rowhook.wake() IS 'sends one NOTIFY per sleep of a worker, because NOTIFY takes a database-wide lock at commit; sends none if rowhook.notify is off';

CREATE FUNCTION rowhook.wake_up(register bigint) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.warn_or_disable() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.warn_or_disable() IS 'warns of webhooks that only fail, at 50, 70 and 90 per cent of 5 days and 20 attempts, disables them at 100, and reports recoveries; returns the number of events';

CREATE FUNCTION rowhook.watch(watched regclass, source_kind text, mapping jsonb, required text[], optional text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '5s'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.watch(watched regclass, source_kind text, mapping jsonb, required text[], optional text[]) IS 'makes a table a source or changes its mapping; rows of entity tables are imported, history is never sent';

CREATE FUNCTION rowhook.watch_agents(watched regclass, mapping jsonb) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.watch_agents(watched regclass, mapping jsonb) IS 'synchronizes rowhook.agent with the platform''s table';

CREATE FUNCTION rowhook.watch_commits(watched regclass, mapping jsonb) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.watch_commits(watched regclass, mapping jsonb) IS 'makes a table of commits a source of goal.committed';

CREATE FUNCTION rowhook.watch_goals(watched regclass, mapping jsonb) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.watch_goals(watched regclass, mapping jsonb) IS 'synchronizes rowhook.goal with the platform''s table';

CREATE FUNCTION rowhook.watch_jobs(watched regclass, mapping jsonb) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.watch_jobs(watched regclass, mapping jsonb) IS 'makes a table of jobs a source of job.succeeded and job.failed';

CREATE FUNCTION rowhook.watch_organizations(watched regclass, mapping jsonb) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.watch_organizations(watched regclass, mapping jsonb) IS 'synchronizes rowhook.organization with the platform''s table';

CREATE FUNCTION rowhook.watch_sessions(watched regclass, mapping jsonb) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.watch_sessions(watched regclass, mapping jsonb) IS 'synchronizes rowhook.session with the platform''s table';

CREATE FUNCTION rowhook.watermark() RETURNS json
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.watermark() IS 'newest token and current time: deliveries that are resent or released from now on get a later token';

CREATE FUNCTION rowhook.webhook_name(webhook uuid) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.webhook_name(webhook uuid) IS 'name of a webhook; of a deleted one its last name';

CREATE FUNCTION rowhook.webhook_names(organization uuid, first uuid, most integer) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.webhook_names(organization uuid, first uuid, most integer) IS 'webhooks by name, `first` before all others, for a form';

CREATE FUNCTION rowhook.webhook_owner(webhook uuid) RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.webhook_owner(webhook uuid) IS 'organization of a webhook; null if this transaction cannot see the webhook';

CREATE FUNCTION rowhook.webhook_page(organization uuid, agent uuid, goal text, wanted_state text, one uuid, before_at timestamp with time zone, before_id uuid, most integer, search text DEFAULT NULL::text, with_external_id text DEFAULT NULL::text) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.webhooks_of(organization uuid, webhook uuid DEFAULT NULL::uuid) RETURNS uuid[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.webhooks_of(organization uuid, webhook uuid) IS 'the webhooks of an organization, deleted ones too, or of all organizations';

CREATE FUNCTION rowhook.window_counts(webhooks uuid[], span interval, since timestamp with time zone, step interval) RETURNS TABLE(at timestamp with time zone, status_2xx bigint, status_3xx bigint, status_4xx bigint, status_5xx bigint, timeout bigint, refused bigint, held bigint, dead bigint, attempts bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.window_counts(webhooks uuid[], span interval, since timestamp with time zone, step interval) IS 'attempts of webhooks since a time, in steps that start there; steps without attempts have no row. `span` selects the resolution';

CREATE FUNCTION rowhook.window_start(span interval) RETURNS timestamp with time zone
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION rowhook.window_start(span interval) IS 'start of the last `span`, rounded down to a full minute, or to a full quarter of an hour if it is longer than three hours';

CREATE FUNCTION rowhook.with_platform_ids(document json) RETURNS json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION rowhook.with_platform_ids(document json) IS 'row of a table as JSON, with the platform ids of its organization and agent';

CREATE FUNCTION rowhook.without_open_errors(source_name text, ids text[]) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.without_open_errors(source_name text, ids text[]) IS 'ids without an open capture error; rows with one are retried only by rowhook.retry_captures';

CREATE FUNCTION rowhook.work_due_in() RETURNS double precision
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.work_due_in() IS 'in how many seconds, at the earliest, claim_batch may find something to do; null if there is nothing yet. Also 0 if the register says that no worker is asleep';

CREATE FUNCTION rowhook.worker_list() RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.worker_list() IS 'worker processes, oldest first; host and pid for operators only; alive: seen in the last 30 s';

CREATE FUNCTION rowhook.workers() RETURNS TABLE(id uuid, host text, pid integer, in_flight integer, up interval, silent interval)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

CREATE FUNCTION rowhook.worst_webhooks(organization uuid, wanted text[], span interval, worst integer, most integer) RETURNS SETOF json
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_bitmapscan TO 'off';

COMMENT ON FUNCTION rowhook.worst_webhooks(organization uuid, wanted text[], span interval, worst integer, most integer) IS 'webhooks that fail, or have deliveries that are held, wait after a failed attempt, or were created in the last `span` and are dead; open circuits and failing webhooks first, then those with the most such deliveries; at most `most` are counted of each status';

CREATE FUNCTION rowhook.write_audit(organization uuid, action text, subject text, before json DEFAULT NULL::json, after json DEFAULT NULL::json) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off';

COMMENT ON FUNCTION rowhook.write_audit(organization uuid, action text, subject text, before json, after json) IS 'writes an audit row with the actor of this transaction';

CREATE FUNCTION rowhook.xid_of(place xid8) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION rowhook.xid_of(place xid8) IS 'transaction id of a position, without its epoch';

CREATE TABLE rowhook.agent (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    external_id text
);

COMMENT ON COLUMN rowhook.agent.external_id IS 'id in the platform''s own table, if that is not a uuid';

CREATE TABLE rowhook.agent_version (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    agent_id uuid NOT NULL,
    name text NOT NULL
);

CREATE TABLE rowhook.alert_episode (
    webhook_id uuid NOT NULL,
    type text NOT NULL,
    began_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT episode_type_is_known CHECK ((type = ANY (ARRAY['webhook.held'::text, 'webhook.backlog'::text])))
)
WITH (fillfactor='50', autovacuum_vacuum_threshold='500', autovacuum_vacuum_scale_factor='0');

COMMENT ON TABLE rowhook.alert_episode IS 'webhooks about which webhook.held or webhook.backlog was sent and is not sent again until the episode ends';

COMMENT ON COLUMN rowhook.alert_episode.seen_at IS 'when the webhook was last seen above half of the threshold, to within a minute; ten minutes later the episode ends';

CREATE TABLE rowhook.alert_threshold (
    organization_id uuid NOT NULL,
    held integer NOT NULL,
    backlog integer NOT NULL,
    backlog_age_s integer NOT NULL,
    CONSTRAINT backlog_age_is_1_minute_to_30_days CHECK (((backlog_age_s >= 60) AND (backlog_age_s <= 2592000))),
    CONSTRAINT backlog_is_counted CHECK (((backlog >= 1) AND (backlog <= 100000))),
    CONSTRAINT held_is_counted CHECK (((held >= 1) AND (held <= 10000)))
);

COMMENT ON TABLE rowhook.alert_threshold IS 'thresholds of an organization for webhook.held and webhook.backlog; without a row, the defaults of rowhook.alert_thresholds';

COMMENT ON COLUMN rowhook.alert_threshold.held IS 'number of held deliveries of a webhook';

COMMENT ON COLUMN rowhook.alert_threshold.backlog IS 'number of due deliveries of a webhook';

COMMENT ON COLUMN rowhook.alert_threshold.backlog_age_s IS 'age in seconds of the oldest due delivery of a webhook';

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
    last_error text,
    claimed_at timestamp with time zone,
    stuck_at timestamp with time zone
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000', autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_cost_delay='0', fillfactor='100');

COMMENT ON COLUMN rowhook.outbox.ready IS 'can be claimed now: set on insert, or when next_attempt_at has passed';

COMMENT ON COLUMN rowhook.outbox.late IS 'on its third or a later attempt; such rows get at most half of a webhook''s slots';

COMMENT ON COLUMN rowhook.outbox.attempts IS 'number of results recorded, and of the last attempt; never reset';

COMMENT ON COLUMN rowhook.outbox.schedule_step IS 'attempts made on the current schedule; reset when the delivery is sent again';

COMMENT ON COLUMN rowhook.outbox.lost_claims IS 'consecutive claims that ended without a result; at 5 the delivery is dead';

COMMENT ON COLUMN rowhook.outbox.token IS 'fencing token that record, renew and release must present; every write of the engine changes it';

COMMENT ON COLUMN rowhook.outbox.ordered_by IS 'xact of the event if the webhook is ordered: its position in commit order';

COMMENT ON COLUMN rowhook.outbox.claimed_at IS 'when it was last claimed';

COMMENT ON COLUMN rowhook.outbox.stuck_at IS 'three leases after the last claim; a delivery still sending at this time is reported as stuck';

CREATE TABLE rowhook.webhook_revision (
    webhook_id uuid NOT NULL,
    revision integer NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    configuration json NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

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

COMMENT ON COLUMN rowhook.api_key.organization_id IS 'null: an operator key, for all organizations';

CREATE TABLE rowhook.attempt_archive (
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
PARTITION BY RANGE (started_at);

COMMENT ON TABLE rowhook.attempt_archive IS 'attempts recorded before migration 0018, with complete requests. Read-only; rowhook.drop_expired_partition drops its partitions';

COMMENT ON COLUMN rowhook.attempt_archive.started_at IS 'when the worker started the attempt';

COMMENT ON COLUMN rowhook.attempt_archive.duration_ms IS 'duration of the HTTP exchange; 0 if nothing was sent';

COMMENT ON COLUMN rowhook.attempt_archive.rendered_ms IS 'time until the body was rendered';

COMMENT ON COLUMN rowhook.attempt_archive.validated_ms IS 'time until the body was validated';

COMMENT ON COLUMN rowhook.attempt_archive.request IS '{method, url, headers, body} as sent, each secret replaced by its name';

COMMENT ON COLUMN rowhook.attempt_archive.response_body IS 'first 4 KiB, as text';

CREATE TABLE rowhook.attempt_row (
    outbox_id bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    number integer NOT NULL,
    revision integer NOT NULL,
    duration_ms real NOT NULL,
    rendered_ms real,
    validated_ms real,
    status_code integer,
    outcome text NOT NULL,
    error text
)
PARTITION BY RANGE (started_at);

COMMENT ON TABLE rowhook.attempt_row IS 'one row per attempt, without request and response; partitioned by the UTC day of started_at';

COMMENT ON COLUMN rowhook.attempt_row.started_at IS 'when the worker started the attempt; when it was recorded, if there is no partition for that day';

COMMENT ON COLUMN rowhook.attempt_row.duration_ms IS 'duration of the HTTP exchange; 0 if nothing was sent';

COMMENT ON COLUMN rowhook.attempt_row.rendered_ms IS 'time until the body was rendered';

COMMENT ON COLUMN rowhook.attempt_row.validated_ms IS 'time until the body was validated';

CREATE TABLE rowhook.exchange (
    outbox_id bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    number integer NOT NULL,
    frame_id integer,
    request json,
    response_headers json,
    response_body text,
    response_frame_id integer
)
PARTITION BY RANGE (started_at);
ALTER TABLE ONLY rowhook.exchange ALTER COLUMN request SET STORAGE MAIN;
ALTER TABLE ONLY rowhook.exchange ALTER COLUMN response_headers SET STORAGE MAIN;
ALTER TABLE ONLY rowhook.exchange ALTER COLUMN response_body SET STORAGE MAIN;

COMMENT ON TABLE rowhook.exchange IS 'request and response of each delivered attempt; partitioned by the UTC day of started_at';

COMMENT ON COLUMN rowhook.exchange.frame_id IS 'null: `request` is the complete request {method, url, headers, body}';

COMMENT ON COLUMN rowhook.exchange.request IS 'as sent, each secret replaced by its name: an array of the values for the frame, or the complete request';

COMMENT ON COLUMN rowhook.exchange.response_headers IS 'an array of the values for the frame, or the complete headers';

COMMENT ON COLUMN rowhook.exchange.response_body IS 'first 4 KiB, as text';

COMMENT ON COLUMN rowhook.exchange.response_frame_id IS 'null: `response_headers` are complete, [[name, value], …]';

CREATE TABLE rowhook.failed_exchange (
    outbox_id bigint CONSTRAINT exchange_outbox_id_not_null NOT NULL,
    started_at timestamp with time zone CONSTRAINT exchange_started_at_not_null NOT NULL,
    number integer CONSTRAINT exchange_number_not_null NOT NULL,
    frame_id integer,
    request json,
    response_headers json,
    response_body text,
    response_frame_id integer
)
PARTITION BY RANGE (started_at);
ALTER TABLE ONLY rowhook.failed_exchange ALTER COLUMN request SET STORAGE MAIN;
ALTER TABLE ONLY rowhook.failed_exchange ALTER COLUMN response_headers SET STORAGE MAIN;
ALTER TABLE ONLY rowhook.failed_exchange ALTER COLUMN response_body SET STORAGE MAIN;

COMMENT ON TABLE rowhook.failed_exchange IS 'request and, if there was one, response of each attempt that was not delivered; partitioned by the UTC day of started_at';

COMMENT ON COLUMN rowhook.failed_exchange.frame_id IS 'null: `request` is the complete request {method, url, headers, body}';

COMMENT ON COLUMN rowhook.failed_exchange.request IS 'as sent, each secret replaced by its name: an array of the values for the frame, or the complete request';

COMMENT ON COLUMN rowhook.failed_exchange.response_headers IS 'an array of the values for the frame, or the complete headers';

COMMENT ON COLUMN rowhook.failed_exchange.response_body IS 'first 4 KiB, as text';

COMMENT ON COLUMN rowhook.failed_exchange.response_frame_id IS 'null: `response_headers` are complete, [[name, value], …]';

CREATE VIEW rowhook.attempt WITH (security_invoker='true') AS
 SELECT r.outbox_id,
    r.number,
    r.revision,
    r.started_at,
    r.duration_ms,
    r.rendered_ms,
    r.validated_ms,
    r.outcome,
    r.status_code,
    r.error,
    rowhook.request_as_sent(x.frame_id, x.request, r.outbox_id) AS request,
    rowhook.headers_as_received(x.response_frame_id, x.response_headers) AS response_headers,
    x.response_body
   FROM (rowhook.attempt_row r
     LEFT JOIN LATERAL ( SELECT x_1.frame_id,
            x_1.request,
            x_1.response_frame_id,
            x_1.response_headers,
            x_1.response_body
           FROM rowhook.exchange x_1
          WHERE ((r.outcome = 'delivered'::text) AND (x_1.outbox_id = r.outbox_id) AND (x_1.number = r.number) AND (x_1.started_at = r.started_at))
        UNION ALL
         SELECT x_1.frame_id,
            x_1.request,
            x_1.response_frame_id,
            x_1.response_headers,
            x_1.response_body
           FROM rowhook.failed_exchange x_1
          WHERE ((r.outcome <> 'delivered'::text) AND (x_1.outbox_id = r.outbox_id) AND (x_1.number = r.number) AND (x_1.started_at = r.started_at))
 OFFSET 0) x ON (true))
UNION ALL
 SELECT a.outbox_id,
    a.number,
    a.revision,
    a.started_at,
    a.duration_ms,
    a.rendered_ms,
    a.validated_ms,
    a.outcome,
    a.status_code,
    a.error,
    a.request,
    a.response_headers,
    a.response_body
   FROM rowhook.attempt_archive a;

COMMENT ON VIEW rowhook.attempt IS 'one row per attempt; request and response are null once they are no longer kept';

COMMENT ON COLUMN rowhook.attempt.started_at IS 'when the worker started the attempt';

COMMENT ON COLUMN rowhook.attempt.duration_ms IS 'duration of the HTTP exchange; 0 if nothing was sent';

COMMENT ON COLUMN rowhook.attempt.rendered_ms IS 'time until the body was rendered';

COMMENT ON COLUMN rowhook.attempt.validated_ms IS 'time until the body was validated';

COMMENT ON COLUMN rowhook.attempt.request IS '{method, url, headers, body} as sent, each secret replaced by its name';

COMMENT ON COLUMN rowhook.attempt.response_body IS 'first 4 KiB, as text';

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

COMMENT ON TABLE rowhook.attempt_default IS 'generated: the first days before 0018';

CREATE TABLE rowhook.attempt_delta (
    at timestamp with time zone NOT NULL,
    webhook_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    status_2xx integer DEFAULT 0 NOT NULL,
    status_3xx integer DEFAULT 0 NOT NULL,
    status_4xx integer DEFAULT 0 NOT NULL,
    status_5xx integer DEFAULT 0 NOT NULL,
    timeout integer DEFAULT 0 NOT NULL,
    refused integer DEFAULT 0 NOT NULL,
    held integer DEFAULT 0 NOT NULL,
    dead integer DEFAULT 0 NOT NULL,
    failed_at timestamp with time zone,
    failed_outbox_id bigint
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_insert_threshold='5000', autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_cost_delay='0');

COMMENT ON TABLE rowhook.attempt_delta IS 'counts of attempts, one row per batch of results and webhook; rowhook.fold_attempts moves them';

COMMENT ON COLUMN rowhook.attempt_delta.at IS 'minute in which the results were recorded';

COMMENT ON COLUMN rowhook.attempt_delta.dead IS 'deliveries that became dead';

COMMENT ON COLUMN rowhook.attempt_delta.failed_outbox_id IS 'delivery of the latest failed attempt, which began at failed_at';

CREATE TABLE rowhook.attempt_minute (
    at timestamp with time zone CONSTRAINT attempt_delta_at_not_null NOT NULL,
    webhook_id uuid CONSTRAINT attempt_delta_webhook_id_not_null NOT NULL,
    organization_id uuid CONSTRAINT attempt_delta_organization_id_not_null NOT NULL,
    status_2xx integer DEFAULT 0 CONSTRAINT attempt_delta_status_2xx_not_null NOT NULL,
    status_3xx integer DEFAULT 0 CONSTRAINT attempt_delta_status_3xx_not_null NOT NULL,
    status_4xx integer DEFAULT 0 CONSTRAINT attempt_delta_status_4xx_not_null NOT NULL,
    status_5xx integer DEFAULT 0 CONSTRAINT attempt_delta_status_5xx_not_null NOT NULL,
    timeout integer DEFAULT 0 CONSTRAINT attempt_delta_timeout_not_null NOT NULL,
    refused integer DEFAULT 0 CONSTRAINT attempt_delta_refused_not_null NOT NULL,
    held integer DEFAULT 0 CONSTRAINT attempt_delta_held_not_null NOT NULL,
    dead integer DEFAULT 0 CONSTRAINT attempt_delta_dead_not_null NOT NULL,
    failed_at timestamp with time zone,
    failed_outbox_id bigint
);

COMMENT ON TABLE rowhook.attempt_minute IS 'counts of attempts per webhook and minute, for four hours';

COMMENT ON COLUMN rowhook.attempt_minute.at IS 'minute in which the results were recorded';

CREATE TABLE rowhook.attempt_quarter (
    at timestamp with time zone CONSTRAINT attempt_delta_at_not_null NOT NULL,
    webhook_id uuid CONSTRAINT attempt_delta_webhook_id_not_null NOT NULL,
    organization_id uuid CONSTRAINT attempt_delta_organization_id_not_null NOT NULL,
    status_2xx integer DEFAULT 0 CONSTRAINT attempt_delta_status_2xx_not_null NOT NULL,
    status_3xx integer DEFAULT 0 CONSTRAINT attempt_delta_status_3xx_not_null NOT NULL,
    status_4xx integer DEFAULT 0 CONSTRAINT attempt_delta_status_4xx_not_null NOT NULL,
    status_5xx integer DEFAULT 0 CONSTRAINT attempt_delta_status_5xx_not_null NOT NULL,
    timeout integer DEFAULT 0 CONSTRAINT attempt_delta_timeout_not_null NOT NULL,
    refused integer DEFAULT 0 CONSTRAINT attempt_delta_refused_not_null NOT NULL,
    held integer DEFAULT 0 CONSTRAINT attempt_delta_held_not_null NOT NULL,
    dead integer DEFAULT 0 CONSTRAINT attempt_delta_dead_not_null NOT NULL,
    failed_at timestamp with time zone,
    failed_outbox_id bigint
);

COMMENT ON TABLE rowhook.attempt_quarter IS 'counts of attempts per webhook and quarter of an hour, for 31 days';

COMMENT ON COLUMN rowhook.attempt_quarter.at IS 'quarter of an hour in which the results were recorded';

CREATE VIEW rowhook.attempts_by_minute WITH (security_invoker='true') AS
 SELECT attempt_minute.at,
    attempt_minute.webhook_id,
    attempt_minute.organization_id,
    attempt_minute.status_2xx,
    attempt_minute.status_3xx,
    attempt_minute.status_4xx,
    attempt_minute.status_5xx,
    attempt_minute.timeout,
    attempt_minute.refused,
    attempt_minute.held,
    attempt_minute.dead,
    attempt_minute.failed_at,
    attempt_minute.failed_outbox_id
   FROM rowhook.attempt_minute
UNION ALL
 SELECT attempt_delta.at,
    attempt_delta.webhook_id,
    attempt_delta.organization_id,
    attempt_delta.status_2xx,
    attempt_delta.status_3xx,
    attempt_delta.status_4xx,
    attempt_delta.status_5xx,
    attempt_delta.timeout,
    attempt_delta.refused,
    attempt_delta.held,
    attempt_delta.dead,
    attempt_delta.failed_at,
    attempt_delta.failed_outbox_id
   FROM rowhook.attempt_delta;

COMMENT ON VIEW rowhook.attempts_by_minute IS 'attempts of the last four hours, per webhook and minute in which they were recorded; a minute may have several rows';

CREATE VIEW rowhook.attempts_by_quarter WITH (security_invoker='true') AS
 SELECT attempt_quarter.at,
    attempt_quarter.webhook_id,
    attempt_quarter.organization_id,
    attempt_quarter.status_2xx,
    attempt_quarter.status_3xx,
    attempt_quarter.status_4xx,
    attempt_quarter.status_5xx,
    attempt_quarter.timeout,
    attempt_quarter.refused,
    attempt_quarter.held,
    attempt_quarter.dead,
    attempt_quarter.failed_at,
    attempt_quarter.failed_outbox_id
   FROM rowhook.attempt_quarter
UNION ALL
 SELECT rowhook.quarter_of(attempt_delta.at) AS at,
    attempt_delta.webhook_id,
    attempt_delta.organization_id,
    attempt_delta.status_2xx,
    attempt_delta.status_3xx,
    attempt_delta.status_4xx,
    attempt_delta.status_5xx,
    attempt_delta.timeout,
    attempt_delta.refused,
    attempt_delta.held,
    attempt_delta.dead,
    attempt_delta.failed_at,
    attempt_delta.failed_outbox_id
   FROM rowhook.attempt_delta;

COMMENT ON VIEW rowhook.attempts_by_quarter IS 'attempts of the last 31 days, per webhook and quarter of an hour in which they were recorded; a quarter may have several rows';

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

COMMENT ON COLUMN rowhook.audit.organization_id IS 'null: the change concerns no organization, such as an operator key';

COMMENT ON COLUMN rowhook.audit.actor IS 'key:<name>, portal:<id of the link>, cli:<login>, or the database login of a change by hand';

ALTER TABLE rowhook.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowhook.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rowhook.callback (
    outbox_id bigint NOT NULL,
    staging integer NOT NULL,
    organization_id uuid NOT NULL,
    session_id text NOT NULL,
    place bigint,
    revision integer NOT NULL,
    body text NOT NULL,
    staged_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    written_at timestamp with time zone,
    replaced boolean DEFAULT false NOT NULL,
    CONSTRAINT written_at_a_place CHECK (((place IS NOT NULL) OR (written_at IS NULL)))
);

COMMENT ON COLUMN rowhook.callback.staging IS 'incremented each time the delivery is staged; each staging has a place of its own';

COMMENT ON COLUMN rowhook.callback.place IS 'position in the session, in commit order. Assigned under a lock of the session, so that no smaller place becomes visible later; null while an earlier output of the session is neither staged nor finished';

COMMENT ON COLUMN rowhook.callback.written_at IS 'when it was first written to a connected page';

COMMENT ON COLUMN rowhook.callback.replaced IS 'true if it was staged again before any page confirmed it. The place is kept, because a page may have received it';

ALTER TABLE rowhook.capture_error ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowhook.capture_error_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW rowhook.capture_gap AS
 SELECT source,
    source_id,
    occurred_at
   FROM rowhook.gaps() gap(source, source_id, occurred_at);

COMMENT ON VIEW rowhook.capture_gap IS 'completions of the last days without an event: empty, or about to be healed';

CREATE TABLE rowhook.chore (
    webhook_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    until_xact xid8
);

COMMENT ON COLUMN rowhook.chore.until_xact IS 'set when the webhook became ordered: older transactions may still add rows without a position, so the chore repeats until they have ended';

CREATE TABLE rowhook.commit (
    id text DEFAULT ('commit_'::text || replace((gen_random_uuid())::text, '-'::text, ''::text)) NOT NULL,
    goal_id text NOT NULL,
    session_id text,
    interview_id text,
    data json,
    committed_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.05');

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

COMMENT ON VIEW rowhook.delivery IS 'one row per delivery; latency is measured from the capture of the event to the recorded delivery';

CREATE TABLE rowhook.goal (
    id text NOT NULL,
    organization_id uuid NOT NULL,
    template_id text,
    name text
);

CREATE TABLE rowhook.idempotent_request (
    caller text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    answer bytea,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

COMMENT ON COLUMN rowhook.idempotent_request.answer IS 'encrypted, because it may contain a signing secret; null while the request is in progress';

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
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000', autovacuum_analyze_scale_factor='0.05');

COMMENT ON COLUMN rowhook.job.cost IS 'in USD';

CREATE TABLE rowhook.keyring_check (
    singleton boolean DEFAULT true NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT one_row CHECK (singleton)
);

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

COMMENT ON COLUMN rowhook.lane_state.failures IS 'consecutive attempts that the receiver did not accept';

COMMENT ON COLUMN rowhook.lane_state.warned IS 'last warning that was sent, in per cent of the way to being disabled; 100: disabled';

COMMENT ON COLUMN rowhook.lane_state.pause_s IS 'how long the circuit stays open before a probe; doubled after each failed probe';

COMMENT ON COLUMN rowhook.lane_state.allowed IS 'maximum in flight while the circuit is half open; incremented by each success';

COMMENT ON COLUMN rowhook.lane_state.tokens IS 'tokens left of rate_per_s at refilled_at';

CREATE TABLE rowhook.link (
    id bigint NOT NULL,
    organization_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    agent_id uuid,
    goal_id text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    event_types text[] DEFAULT '{}'::text[] NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    first_delay_s double precision DEFAULT 0 NOT NULL,
    ordered boolean DEFAULT false NOT NULL,
    first_status text DEFAULT 'pending'::text NOT NULL,
    starts_ready boolean DEFAULT true NOT NULL,
    CONSTRAINT link_joins_one_agent_or_one_goal CHECK ((num_nonnulls(agent_id, goal_id) = 1))
);

COMMENT ON COLUMN rowhook.link.first_delay_s IS 'first delay of the webhook''s retry schedule; like event_types, state and ordered, a copy kept in step with the webhook';

COMMENT ON COLUMN rowhook.link.first_status IS 'status of new deliveries: skipped if the webhook is disabled, otherwise pending';

COMMENT ON COLUMN rowhook.link.starts_ready IS 'whether new deliveries may be claimed at once: the webhook is not disabled and its first delay is 0';

ALTER TABLE rowhook.link ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowhook.link_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rowhook.migration (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE rowhook.organization (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    external_id text
);

COMMENT ON COLUMN rowhook.organization.external_id IS 'id in the platform''s own table, if that is not a uuid';

CREATE TABLE rowhook.organization_minute (
    at timestamp with time zone NOT NULL,
    organization_id uuid NOT NULL,
    status_2xx bigint DEFAULT 0 NOT NULL,
    status_3xx bigint DEFAULT 0 NOT NULL,
    status_4xx bigint DEFAULT 0 NOT NULL,
    status_5xx bigint DEFAULT 0 NOT NULL,
    timeout bigint DEFAULT 0 NOT NULL,
    refused bigint DEFAULT 0 NOT NULL,
    held bigint DEFAULT 0 NOT NULL,
    dead bigint DEFAULT 0 NOT NULL
);

COMMENT ON TABLE rowhook.organization_minute IS 'attempt_minute, added up by organization';

CREATE TABLE rowhook.organization_quarter (
    at timestamp with time zone CONSTRAINT organization_minute_at_not_null NOT NULL,
    organization_id uuid CONSTRAINT organization_minute_organization_id_not_null NOT NULL,
    status_2xx bigint DEFAULT 0 CONSTRAINT organization_minute_status_2xx_not_null NOT NULL,
    status_3xx bigint DEFAULT 0 CONSTRAINT organization_minute_status_3xx_not_null NOT NULL,
    status_4xx bigint DEFAULT 0 CONSTRAINT organization_minute_status_4xx_not_null NOT NULL,
    status_5xx bigint DEFAULT 0 CONSTRAINT organization_minute_status_5xx_not_null NOT NULL,
    timeout bigint DEFAULT 0 CONSTRAINT organization_minute_timeout_not_null NOT NULL,
    refused bigint DEFAULT 0 CONSTRAINT organization_minute_refused_not_null NOT NULL,
    held bigint DEFAULT 0 CONSTRAINT organization_minute_held_not_null NOT NULL,
    dead bigint DEFAULT 0 CONSTRAINT organization_minute_dead_not_null NOT NULL
);

COMMENT ON TABLE rowhook.organization_quarter IS 'attempt_quarter, added up by organization';

ALTER TABLE rowhook.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowhook.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rowhook.portal_session (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    hash bytea NOT NULL,
    key_hash bytea,
    scopes text[] NOT NULL,
    brand json NOT NULL,
    return_url text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    opened_at timestamp with time zone,
    ends_at timestamp with time zone NOT NULL,
    CONSTRAINT portal_hash_is_sha256 CHECK ((length(hash) = 32)),
    CONSTRAINT portal_scopes_are_known CHECK ((scopes <@ ARRAY['read'::text, 'write'::text, 'secrets'::text, 'replay'::text]))
);

COMMENT ON TABLE rowhook.portal_session IS 'portal links, and the sessions that they become when they are opened';

COMMENT ON COLUMN rowhook.portal_session.hash IS 'SHA-256 of the link; once it is opened, of the session';

COMMENT ON COLUMN rowhook.portal_session.key_hash IS 'hash of the API key that created the link, checked at each request; null: created with access to the database';

COMMENT ON COLUMN rowhook.portal_session.brand IS '{name, logo, accent_color, header_color}';

COMMENT ON COLUMN rowhook.portal_session.ends_at IS 'end of the link; once it is opened, of the session';

CREATE TABLE rowhook.removed_event (
    source text NOT NULL,
    row_id text NOT NULL,
    type text NOT NULL,
    moment timestamp with time zone NOT NULL,
    captured_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

COMMENT ON COLUMN rowhook.removed_event.moment IS 'latest time of the row for which there was an event; infinity: any time';

COMMENT ON COLUMN rowhook.removed_event.captured_at IS 'when the event was captured; -infinity: unknown';

COMMENT ON COLUMN rowhook.removed_event.expires_at IS 'rowhook.heal ignores the row from this time on';

CREATE TABLE rowhook.request_frame (
    id integer NOT NULL,
    digest uuid NOT NULL,
    webhook_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    pieces json NOT NULL,
    used_on date DEFAULT ((now() AT TIME ZONE 'UTC'::text))::date NOT NULL
);

COMMENT ON TABLE rowhook.request_frame IS 'the common part of a webhook''s requests, or of the headers of its responses: the JSON text {method, url, headers, body} or [[name, value], …] in pieces';

COMMENT ON COLUMN rowhook.request_frame.digest IS 'digest of the webhook and the pieces, computed by the worker';

COMMENT ON COLUMN rowhook.request_frame.pieces IS 'each piece is literal text, the index of a value of the attempt, or {"event": part} for a part of the event';

COMMENT ON COLUMN rowhook.request_frame.used_on IS 'last UTC day on which an attempt was recorded with it';

ALTER TABLE rowhook.request_frame ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rowhook.request_frame_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rowhook.schema_line (
    line text NOT NULL,
    kind text NOT NULL,
    step text NOT NULL,
    digest text
);

COMMENT ON TABLE rowhook.schema_line IS 'state of the schema after the last migration, compared with the current schema: one line per role, grant, policy, trigger, function and view';

COMMENT ON COLUMN rowhook.schema_line.digest IS 'digest of the definition as the server writes it; null if the line is complete by itself, or was written by a version without digests';

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

COMMENT ON COLUMN rowhook.secret.sealed IS 'encrypted with AES-256-GCM under the master keyring; bound to organization, id and version';

CREATE TABLE rowhook.session (
    id text NOT NULL,
    organization_id uuid NOT NULL,
    context json DEFAULT '{}'::json,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE VIEW rowhook.shown_delivery WITH (security_invoker='true') AS
 SELECT id,
    rowhook.organization_platform_id(organization_id) AS organization_id,
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

COMMENT ON VIEW rowhook.shown_delivery IS 'api_delivery as in API documents: with the platform id of its organization, its latency in milliseconds, and whether its webhook still exists';

CREATE TABLE rowhook.sign_in (
    hash bytea NOT NULL,
    once boolean NOT NULL,
    key_hash bytea,
    ends_at timestamp with time zone NOT NULL
);

COMMENT ON COLUMN rowhook.sign_in.once IS 'true: a link that opens a session once; false: a session of a browser';

COMMENT ON COLUMN rowhook.sign_in.key_hash IS 'hash of the API key, checked at each request; null: signed in with access to the database';

CREATE TABLE rowhook.signing_secret (
    webhook_id uuid NOT NULL,
    version integer NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone
);

COMMENT ON COLUMN rowhook.signing_secret.expires_at IS 'end of the overlap after a rotation; null for the newest';

CREATE TABLE rowhook.test_allowance (
    webhook_id uuid NOT NULL,
    tokens numeric NOT NULL,
    refilled_at timestamp with time zone NOT NULL
);

CREATE SEQUENCE rowhook.token
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

COMMENT ON SEQUENCE rowhook.token IS 'fencing tokens: a new one for every write of the engine, never reused';

CREATE VIEW rowhook.webhook_health AS
 SELECT w.id AS webhook_id,
    w.organization_id,
    w.name,
    w.state,
    w.disabled_reason,
    COALESCE(waiting.backlog, (0)::bigint) AS backlog,
    (now() - waiting.oldest) AS oldest_age,
    COALESCE(waiting.held, (0)::bigint) AS held,
    (day.accepted + day.dead) AS finished_24h,
    day.accepted AS delivered_24h,
    round(((day.accepted)::numeric / (NULLIF(day.attempts, 0))::numeric), 4) AS success_rate_24h,
    took.p50_ms,
    took.p95_ms,
    COALESCE(lane.circuit, 'closed'::text) AS circuit,
    lane.failing_since,
        CASE
            WHEN (lane.circuit = 'open'::text) THEN lane.probe_at
            ELSE NULL::timestamp with time zone
        END AS next_probe_at,
    failure.last_error,
    rowhook.health_word(w.state, COALESCE(lane.circuit, 'closed'::text), COALESCE(lane.failures, 0), recent.attempts, recent.accepted, COALESCE(waiting.held, (0)::bigint)) AS health,
    day.attempts AS attempts_24h
   FROM ((((((rowhook.webhook w
     LEFT JOIN rowhook.lane_state lane ON ((lane.webhook_id = w.id)))
     LEFT JOIN LATERAL ( SELECT count(*) FILTER (WHERE (o.status = ANY (ARRAY['pending'::text, 'sending'::text]))) AS backlog,
            min(o.created_at) FILTER (WHERE (o.status = ANY (ARRAY['pending'::text, 'sending'::text]))) AS oldest,
            count(*) FILTER (WHERE (o.status = 'held'::text)) AS held
           FROM rowhook.outbox o
          WHERE ((o.webhook_id = w.id) AND (o.status = ANY (ARRAY['pending'::text, 'sending'::text, 'held'::text])))) waiting ON (true))
     CROSS JOIN LATERAL ( SELECT COALESCE(sum(((((((m.status_2xx + m.status_3xx) + m.status_4xx) + m.status_5xx) + m.timeout) + m.refused) + m.held)), (0)::bigint) AS attempts,
            COALESCE(sum(m.status_2xx), (0)::bigint) AS accepted
           FROM ( SELECT attempt_minute.at,
                    attempt_minute.webhook_id,
                    attempt_minute.status_2xx,
                    attempt_minute.status_3xx,
                    attempt_minute.status_4xx,
                    attempt_minute.status_5xx,
                    attempt_minute.timeout,
                    attempt_minute.refused,
                    attempt_minute.held
                   FROM rowhook.attempt_minute
                UNION ALL
                 SELECT attempt_delta.at,
                    attempt_delta.webhook_id,
                    attempt_delta.status_2xx,
                    attempt_delta.status_3xx,
                    attempt_delta.status_4xx,
                    attempt_delta.status_5xx,
                    attempt_delta.timeout,
                    attempt_delta.refused,
                    attempt_delta.held
                   FROM rowhook.attempt_delta) m
          WHERE ((m.webhook_id = w.id) AND (m.at >= rowhook.recent_start()))) recent)
     CROSS JOIN LATERAL ( SELECT COALESCE(sum(((((((q.status_2xx + q.status_3xx) + q.status_4xx) + q.status_5xx) + q.timeout) + q.refused) + q.held)), (0)::bigint) AS attempts,
            COALESCE(sum(q.status_2xx), (0)::bigint) AS accepted,
            COALESCE(sum(q.dead), (0)::bigint) AS dead
           FROM ( SELECT attempt_quarter.at,
                    attempt_quarter.webhook_id,
                    attempt_quarter.status_2xx,
                    attempt_quarter.status_3xx,
                    attempt_quarter.status_4xx,
                    attempt_quarter.status_5xx,
                    attempt_quarter.timeout,
                    attempt_quarter.refused,
                    attempt_quarter.held,
                    attempt_quarter.dead
                   FROM rowhook.attempt_quarter
                UNION ALL
                 SELECT rowhook.quarter_of(attempt_delta.at) AS quarter_of,
                    attempt_delta.webhook_id,
                    attempt_delta.status_2xx,
                    attempt_delta.status_3xx,
                    attempt_delta.status_4xx,
                    attempt_delta.status_5xx,
                    attempt_delta.timeout,
                    attempt_delta.refused,
                    attempt_delta.held,
                    attempt_delta.dead
                   FROM rowhook.attempt_delta) q
          WHERE ((q.webhook_id = w.id) AND (q.at >= rowhook.last_day_start()))) day)
     CROSS JOIN LATERAL ( SELECT percentile_cont((0.5)::double precision) WITHIN GROUP (ORDER BY newest.ms) AS p50_ms,
            percentile_cont((0.95)::double precision) WITHIN GROUP (ORDER BY newest.ms) AS p95_ms
           FROM ( SELECT ((EXTRACT(epoch FROM (o.finished_at - o.created_at)) * (1000)::numeric))::double precision AS ms
                   FROM rowhook.outbox o
                  WHERE ((o.webhook_id = w.id) AND (o.status = 'delivered'::text) AND (o.created_at >= (now() - '24:00:00'::interval)))
                  ORDER BY o.created_at DESC
                 LIMIT 500) newest) took)
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

COMMENT ON VIEW rowhook.webhook_health IS 'one row per webhook: health, backlog, attempts of the last 24 hours, and circuit';

CREATE TABLE rowhook.webhook_secret (
    webhook_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    secret_id text NOT NULL
);

CREATE TABLE rowhook.worker (
    id uuid NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    in_flight integer DEFAULT 0 NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY rowhook.attempt_archive ATTACH PARTITION rowhook.attempt_default DEFAULT;

ALTER TABLE ONLY rowhook.agent
    ADD CONSTRAINT agent_is_known_by_external_id UNIQUE (organization_id, external_id);

ALTER TABLE ONLY rowhook.agent
    ADD CONSTRAINT agent_is_known_with_its_organization UNIQUE (id, organization_id);

ALTER TABLE ONLY rowhook.agent
    ADD CONSTRAINT agent_pkey PRIMARY KEY (id);

ALTER TABLE ONLY rowhook.agent_version
    ADD CONSTRAINT agent_version_pkey PRIMARY KEY (id);

ALTER TABLE ONLY rowhook.alert_episode
    ADD CONSTRAINT alert_episode_pkey PRIMARY KEY (webhook_id, type);

ALTER TABLE ONLY rowhook.alert_threshold
    ADD CONSTRAINT alert_threshold_pkey PRIMARY KEY (organization_id);

ALTER TABLE ONLY rowhook.api_key
    ADD CONSTRAINT api_key_hash_key UNIQUE (hash);

ALTER TABLE ONLY rowhook.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (id);

ALTER TABLE ONLY rowhook.attempt_minute
    ADD CONSTRAINT attempt_minute_pkey PRIMARY KEY (webhook_id, at);

ALTER TABLE ONLY rowhook.attempt_quarter
    ADD CONSTRAINT attempt_quarter_pkey PRIMARY KEY (webhook_id, at);

ALTER TABLE ONLY rowhook.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);

ALTER TABLE ONLY rowhook.callback
    ADD CONSTRAINT callback_pkey PRIMARY KEY (outbox_id, staging);

ALTER TABLE ONLY rowhook.capture_error
    ADD CONSTRAINT capture_error_pkey PRIMARY KEY (id);

ALTER TABLE ONLY rowhook.chore
    ADD CONSTRAINT chore_pkey PRIMARY KEY (webhook_id);

ALTER TABLE ONLY rowhook.commit
    ADD CONSTRAINT commit_pkey PRIMARY KEY (id);

ALTER TABLE ONLY rowhook.outbox
    ADD CONSTRAINT event_goes_once_to_webhook UNIQUE (event_id, webhook_id);

ALTER TABLE ONLY rowhook.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (id);

ALTER TABLE ONLY rowhook.goal
    ADD CONSTRAINT goal_is_known_with_its_organization UNIQUE (id, organization_id);

ALTER TABLE ONLY rowhook.goal
    ADD CONSTRAINT goal_pkey PRIMARY KEY (id);

ALTER TABLE ONLY rowhook.idempotent_request
    ADD CONSTRAINT idempotent_request_pkey PRIMARY KEY (caller, key);

ALTER TABLE ONLY rowhook.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY rowhook.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (id);

ALTER TABLE ONLY rowhook.keyring_check
    ADD CONSTRAINT keyring_check_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY rowhook.lane_state
    ADD CONSTRAINT lane_state_pkey PRIMARY KEY (webhook_id);

ALTER TABLE ONLY rowhook.link
    ADD CONSTRAINT link_pkey PRIMARY KEY (id);

ALTER TABLE ONLY rowhook.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (name);

ALTER TABLE ONLY rowhook.organization
    ADD CONSTRAINT organization_is_known_by_external_id UNIQUE (external_id);

ALTER TABLE ONLY rowhook.organization_minute
    ADD CONSTRAINT organization_minute_pkey PRIMARY KEY (organization_id, at);

ALTER TABLE ONLY rowhook.organization
    ADD CONSTRAINT organization_pkey PRIMARY KEY (id);

ALTER TABLE ONLY rowhook.organization_quarter
    ADD CONSTRAINT organization_quarter_pkey PRIMARY KEY (organization_id, at);

ALTER TABLE ONLY rowhook.organization_quota
    ADD CONSTRAINT organization_quota_pkey PRIMARY KEY (organization_id);

ALTER TABLE ONLY rowhook.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY rowhook.callback
    ADD CONSTRAINT place_is_one_callback_s UNIQUE (session_id, place);

ALTER TABLE ONLY rowhook.portal_session
    ADD CONSTRAINT portal_session_hash_key UNIQUE (hash);

ALTER TABLE ONLY rowhook.portal_session
    ADD CONSTRAINT portal_session_pkey PRIMARY KEY (id);

ALTER TABLE ONLY rowhook.removed_event
    ADD CONSTRAINT removed_event_pkey PRIMARY KEY (source, row_id, type);

ALTER TABLE ONLY rowhook.request_frame
    ADD CONSTRAINT request_frame_is_kept_once UNIQUE (digest);

ALTER TABLE ONLY rowhook.request_frame
    ADD CONSTRAINT request_frame_pkey PRIMARY KEY (id);

ALTER TABLE ONLY rowhook.retention
    ADD CONSTRAINT retention_pkey PRIMARY KEY (kind);

ALTER TABLE ONLY rowhook.retention
    ADD CONSTRAINT retention_place_key UNIQUE (place);

ALTER TABLE ONLY rowhook.schema_line
    ADD CONSTRAINT schema_line_pkey PRIMARY KEY (line);

ALTER TABLE ONLY rowhook.secret
    ADD CONSTRAINT secret_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY rowhook.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (id);

ALTER TABLE ONLY rowhook.sign_in
    ADD CONSTRAINT sign_in_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY rowhook.signing_secret
    ADD CONSTRAINT signing_secret_pkey PRIMARY KEY (webhook_id, version);

ALTER TABLE ONLY rowhook.source
    ADD CONSTRAINT source_is_one_per_table_and_kind UNIQUE (relation, kind);

ALTER TABLE ONLY rowhook.source
    ADD CONSTRAINT source_pkey PRIMARY KEY (name);

ALTER TABLE ONLY rowhook.test_allowance
    ADD CONSTRAINT test_allowance_pkey PRIMARY KEY (webhook_id);

ALTER TABLE ONLY rowhook.webhook
    ADD CONSTRAINT webhook_is_known_with_its_organization UNIQUE (id, organization_id);

ALTER TABLE ONLY rowhook.webhook
    ADD CONSTRAINT webhook_pkey PRIMARY KEY (id);

ALTER TABLE ONLY rowhook.webhook_revision
    ADD CONSTRAINT webhook_revision_pkey PRIMARY KEY (webhook_id, revision);

ALTER TABLE ONLY rowhook.webhook_secret
    ADD CONSTRAINT webhook_secret_pkey PRIMARY KEY (webhook_id, secret_id);

ALTER TABLE ONLY rowhook.worker
    ADD CONSTRAINT worker_pkey PRIMARY KEY (id);

CREATE INDEX agent_by_external_id ON rowhook.agent USING btree (external_id) WHERE (external_id IS NOT NULL);

COMMENT ON INDEX rowhook.agent_by_external_id IS 'capture: find the agent of a row that names no organization';

CREATE INDEX agent_by_organization ON rowhook.agent USING btree (organization_id, id);

COMMENT ON INDEX rowhook.agent_by_organization IS 'list the agents of an organization';

CREATE INDEX agent_version_by_agent ON rowhook.agent_version USING btree (agent_id);

COMMENT ON INDEX rowhook.agent_version_by_agent IS 'check the foreign key when an agent is deleted';

CREATE INDEX attempt_archive_by_delivery ON ONLY rowhook.attempt_archive USING btree (outbox_id, number);

COMMENT ON INDEX rowhook.attempt_archive_by_delivery IS 'the attempts of one delivery';

CREATE INDEX attempt_default_outbox_id_number_idx ON rowhook.attempt_default USING btree (outbox_id, number);

CREATE INDEX attempt_delta_by_time ON rowhook.attempt_delta USING btree (at);

COMMENT ON INDEX rowhook.attempt_delta_by_time IS 'rowhook.fold_attempts: the oldest counts';

CREATE INDEX attempt_minute_by_time ON rowhook.attempt_minute USING btree (at);

COMMENT ON INDEX rowhook.attempt_minute_by_time IS 'rowhook.fold_attempts: counts to remove';

COMMENT ON INDEX rowhook.attempt_minute_pkey IS 'view attempts_by_minute: the counts of a webhook since a time';

CREATE INDEX attempt_quarter_by_time ON rowhook.attempt_quarter USING btree (at);

COMMENT ON INDEX rowhook.attempt_quarter_by_time IS 'rowhook.fold_attempts: counts to remove';

COMMENT ON INDEX rowhook.attempt_quarter_pkey IS 'view attempts_by_quarter: the counts of a webhook since a time';

CREATE INDEX attempt_row_by_delivery ON ONLY rowhook.attempt_row USING btree (outbox_id);

COMMENT ON INDEX rowhook.attempt_row_by_delivery IS 'rowhook.attempts_of: the attempts of one delivery';

CREATE INDEX audit_by_organization ON rowhook.audit USING btree (organization_id, id);

COMMENT ON INDEX rowhook.audit_by_organization IS 'the audit log of an organization, newest first';

CREATE INDEX callback_unwritten ON rowhook.callback USING btree (session_id, place) WHERE ((written_at IS NULL) AND (NOT replaced));

COMMENT ON INDEX rowhook.callback_unwritten IS 'rowhook.callbacks_written: the callbacks that a page has now received';

CREATE INDEX callback_waiting ON rowhook.callback USING btree (session_id, outbox_id) WHERE ((place IS NULL) AND (NOT replaced));

COMMENT ON INDEX rowhook.callback_waiting IS 'rowhook.place_waiting: the sessions with callbacks that wait for a place';

CREATE INDEX capture_error_healed ON rowhook.capture_error USING btree (healed_at) WHERE (healed_at IS NOT NULL);

COMMENT ON INDEX rowhook.capture_error_healed IS 'rowhook.retain_batch: healed captures, oldest first';

CREATE INDEX capture_error_open ON rowhook.capture_error USING btree (id) WHERE (healed_at IS NULL);

COMMENT ON INDEX rowhook.capture_error_open IS 'rowhook.heal: failed captures to retry';

CREATE INDEX capture_error_open_since ON rowhook.capture_error USING btree (created_at) WHERE (healed_at IS NULL);

COMMENT ON INDEX rowhook.capture_error_open_since IS 'rowhook.retain_batch: open captures, oldest first';

CREATE INDEX capture_error_rows ON rowhook.capture_error USING gin (source_ids) WHERE (healed_at IS NULL);

COMMENT ON INDEX rowhook.capture_error_rows IS 'check whether a row already has an open error';

CREATE INDEX chore_by_due_at ON rowhook.chore USING btree (due_at);

COMMENT ON INDEX rowhook.chore_by_due_at IS 'rowhook.sweep: the next chore; rowhook.claim_batch and rowhook.work_due_in: whether one is due';

CREATE INDEX commit_recent ON rowhook.commit USING btree (committed_at);

COMMENT ON INDEX rowhook.commit_recent IS 'rowhook.heal and capture_gap: recent commits, to find those without an event';

CREATE UNIQUE INDEX event_commit ON rowhook.event USING btree (commit_id, source) WHERE (commit_id IS NOT NULL);

COMMENT ON INDEX rowhook.event_commit IS 'one event per commit; rowhook.heal and capture_gap look up commits';

CREATE INDEX event_feed ON rowhook.event USING btree (organization_id, xact, id);

COMMENT ON INDEX rowhook.event_feed IS 'the polling feed, in commit order';

CREATE INDEX event_in_session ON rowhook.event USING btree (session_id, xact, id) WHERE (session_id IS NOT NULL);

COMMENT ON INDEX rowhook.event_in_session IS 'rowhook.place_callbacks: the commits of a session in order; rowhook.session_page: their deliveries';

CREATE UNIQUE INDEX event_job ON rowhook.event USING btree (job_id, source, key) WHERE (job_id IS NOT NULL);

COMMENT ON INDEX rowhook.event_job IS 'one event per completion; rowhook.heal and capture_gap look up jobs';

CREATE INDEX event_of_rare_type ON rowhook.event USING btree (type, organization_id, xact, id) WHERE (type <> ALL (ARRAY['job.succeeded'::text, 'goal.committed'::text]));

COMMENT ON INDEX rowhook.event_of_rare_type IS 'rowhook.ids_of_rare_events, rowhook.event_feed: events of all types except the two most frequent ones';

CREATE INDEX exchange_by_delivery ON ONLY rowhook.exchange USING btree (outbox_id);

COMMENT ON INDEX rowhook.exchange_by_delivery IS 'view attempt: the exchanges of one delivery';

CREATE INDEX failed_exchange_by_delivery ON ONLY rowhook.failed_exchange USING btree (outbox_id);

COMMENT ON INDEX rowhook.failed_exchange_by_delivery IS 'view attempt: the exchanges of one delivery';

CREATE INDEX goal_by_organization ON rowhook.goal USING btree (organization_id, id);

COMMENT ON INDEX rowhook.goal_by_organization IS 'list the goals of an organization';

CREATE INDEX idempotent_request_old ON rowhook.idempotent_request USING btree (created_at);

COMMENT ON INDEX rowhook.idempotent_request_old IS 'rowhook.remove_leftovers: requests older than 24 hours';

CREATE INDEX job_completed ON rowhook.job USING btree (completed_at) WHERE (status = ANY (ARRAY['succeeded'::text, 'failed'::text]));

COMMENT ON INDEX rowhook.job_completed IS 'rowhook.heal and capture_gap: recent completions, to find those without an event';

CREATE UNIQUE INDEX link_agent_once ON rowhook.link USING btree (agent_id, webhook_id) WHERE (agent_id IS NOT NULL);

COMMENT ON INDEX rowhook.link_agent_once IS 'capture: the webhooks of an agent; a pair can be linked only once';

CREATE INDEX link_by_webhook ON rowhook.link USING btree (webhook_id);

COMMENT ON INDEX rowhook.link_by_webhook IS 'the links of a webhook, and the foreign key when it is deleted';

CREATE UNIQUE INDEX link_goal_once ON rowhook.link USING btree (goal_id, webhook_id) WHERE (goal_id IS NOT NULL);

COMMENT ON INDEX rowhook.link_goal_once IS 'capture: the webhooks of a goal; a pair can be linked only once';

CREATE INDEX organization_minute_by_time ON rowhook.organization_minute USING btree (at);

COMMENT ON INDEX rowhook.organization_minute_by_time IS 'rowhook.organization_counts: those of all organizations; rowhook.fold_attempts: counts to remove';

COMMENT ON INDEX rowhook.organization_minute_pkey IS 'rowhook.organization_counts: the counts of an organization since a time';

CREATE INDEX organization_quarter_by_time ON rowhook.organization_quarter USING btree (at);

COMMENT ON INDEX rowhook.organization_quarter_by_time IS 'rowhook.organization_counts: those of all organizations; rowhook.fold_attempts: counts to remove';

COMMENT ON INDEX rowhook.organization_quarter_pkey IS 'rowhook.organization_counts: the counts of an organization since a time';

CREATE INDEX organization_quota_paced ON rowhook.organization_quota USING btree (organization_id) WHERE ((deliveries_per_s IS NOT NULL) OR (bytes_per_day IS NOT NULL));

COMMENT ON INDEX rowhook.organization_quota_paced IS 'rowhook.claim_batch: whether any organization has a rate or a quota of bytes';

CREATE INDEX outbox_by_webhook ON rowhook.outbox USING btree (webhook_id, status, created_at) INCLUDE (organization_id);

COMMENT ON INDEX rowhook.outbox_by_webhook IS 'the deliveries of a webhook by status, newest first: lists, statistics, replay, health; rowhook.sweep: held deliveries';

CREATE INDEX outbox_finished ON rowhook.outbox USING btree (status, finished_at) WHERE (finished_at IS NOT NULL);

COMMENT ON INDEX rowhook.outbox_finished IS 'rowhook.retain_batch: the oldest finished deliveries of a status; rowhook.newest_ids, rowhook.newest_latency: the newest';

CREATE INDEX outbox_held_or_dead ON rowhook.outbox USING btree (status, webhook_id, created_at) INCLUDE (organization_id) WHERE (status = ANY (ARRAY['held'::text, 'dead'::text]));

COMMENT ON INDEX rowhook.outbox_held_or_dead IS 'rowhook.failing_webhooks, rowhook.count_waiting: held deliveries, dead ones, and their webhooks';

CREATE INDEX outbox_in_flight ON rowhook.outbox USING btree (webhook_id, token) WHERE (status = 'sending'::text);

COMMENT ON INDEX rowhook.outbox_in_flight IS 'rowhook.lane_capacity: deliveries in flight per webhook; expired leases; rowhook.work_due_in';

CREATE INDEX outbox_ordered ON rowhook.outbox USING btree (webhook_id, ordered_by, id) WHERE ((ordered_by IS NOT NULL) AND (finished_at IS NULL));

COMMENT ON INDEX rowhook.outbox_ordered IS 'rowhook.ordered_head: the first unfinished delivery of an ordered webhook';

CREATE INDEX outbox_ready ON rowhook.outbox USING btree (webhook_id, late, next_attempt_at, id) WHERE ready;

COMMENT ON INDEX rowhook.outbox_ready IS 'rowhook.claim_batch: the lanes, and the first and late rows of each; rowhook.work_due_in';

CREATE INDEX outbox_retrying ON rowhook.outbox USING btree (webhook_id, created_at) WHERE ((status = 'pending'::text) AND (last_error IS NOT NULL));

COMMENT ON INDEX rowhook.outbox_retrying IS 'rowhook.failed_deliveries: deliveries that wait after a failed attempt, without the untried backlog';

CREATE INDEX outbox_waiting ON rowhook.outbox USING btree (next_attempt_at) WHERE ((NOT ready) AND (next_attempt_at IS NOT NULL));

COMMENT ON INDEX rowhook.outbox_waiting IS 'rowhook.claim_batch: rows that have become due, and when the next one will; rowhook.work_due_in';

CREATE INDEX portal_session_by_key ON rowhook.portal_session USING btree (key_hash);

COMMENT ON INDEX rowhook.portal_session_by_key IS 'rowhook.delete_key: the links and sessions of the key';

CREATE INDEX portal_session_by_organization ON rowhook.portal_session USING btree (organization_id);

COMMENT ON INDEX rowhook.portal_session_by_organization IS 'check the foreign key when an organization is deleted';

CREATE INDEX portal_session_ended ON rowhook.portal_session USING btree (ends_at);

COMMENT ON INDEX rowhook.portal_session_ended IS 'rowhook.remove_leftovers: expired links and sessions';

CREATE INDEX removed_event_expired ON rowhook.removed_event USING btree (expires_at);

COMMENT ON INDEX rowhook.removed_event_expired IS 'rowhook.remove_leftovers: traces that rowhook.heal no longer needs';

CREATE INDEX request_frame_unused ON rowhook.request_frame USING btree (used_on);

COMMENT ON INDEX rowhook.request_frame_unused IS 'rowhook.remove_leftovers: frames that no attempt refers to';

CREATE INDEX sign_in_ended ON rowhook.sign_in USING btree (ends_at);

COMMENT ON INDEX rowhook.sign_in_ended IS 'rowhook.sign_in: remove expired sessions';

CREATE INDEX signing_secret_expired ON rowhook.signing_secret USING btree (expires_at) WHERE (expires_at IS NOT NULL);

COMMENT ON INDEX rowhook.signing_secret_expired IS 'rowhook.retain_batch: expired signing secrets';

CREATE UNIQUE INDEX webhook_by_external_id ON rowhook.webhook USING btree (organization_id, external_id) WHERE (external_id IS NOT NULL);

COMMENT ON INDEX rowhook.webhook_by_external_id IS 'the webhook with an external id; two webhooks of an organization cannot have the same';

CREATE INDEX webhook_by_organization ON rowhook.webhook USING btree (organization_id, created_at, id);

COMMENT ON INDEX rowhook.webhook_by_organization IS 'list the webhooks of an organization, newest first';

CREATE INDEX webhook_of_alerts ON rowhook.webhook USING btree (organization_id) WHERE (event_types && ARRAY['webhook.held'::text, 'webhook.backlog'::text]);

COMMENT ON INDEX rowhook.webhook_of_alerts IS 'rowhook.announce_waiting: organizations that have a webhook for these events';

CREATE INDEX webhook_revision_first ON rowhook.webhook_revision USING btree (organization_id, webhook_id) WHERE (revision = 1);

COMMENT ON INDEX rowhook.webhook_revision_first IS 'all webhooks an organization has ever had: deliveries and statistics';

CREATE INDEX webhook_secret_by_secret ON rowhook.webhook_secret USING btree (organization_id, secret_id);

COMMENT ON INDEX rowhook.webhook_secret_by_secret IS 'the webhooks that use a secret: refuse its deletion, release held deliveries';

ALTER INDEX rowhook.attempt_archive_by_delivery ATTACH PARTITION rowhook.attempt_default_outbox_id_number_idx;

CREATE TRIGGER capture_inserted_commit AFTER INSERT ON rowhook.commit REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rowhook.capture_commit();

CREATE TRIGGER capture_inserted_job AFTER INSERT ON rowhook.job REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rowhook.capture_job();

CREATE TRIGGER capture_updated_commit AFTER UPDATE ON rowhook.commit REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rowhook.capture_commit();

CREATE TRIGGER capture_updated_job AFTER UPDATE ON rowhook.job REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rowhook.capture_job();

CREATE TRIGGER describe_link BEFORE INSERT ON rowhook.link FOR EACH ROW EXECUTE FUNCTION rowhook.copy_webhook_to_link();

CREATE TRIGGER describe_links AFTER UPDATE OF event_types, state, retry_schedule_s, ordered ON rowhook.webhook FOR EACH ROW EXECUTE FUNCTION rowhook.copy_webhook_to_links();

CREATE TRIGGER fill_completed_at BEFORE INSERT OR UPDATE OF status ON rowhook.job FOR EACH ROW WHEN (((new.completed_at IS NULL) AND (new.status = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text])))) EXECUTE FUNCTION rowhook.fill_completed_at();

CREATE TRIGGER fit_retention BEFORE UPDATE ON rowhook.retention FOR EACH ROW WHEN (((new.keep)::text IS DISTINCT FROM (old.keep)::text)) EXECUTE FUNCTION rowhook.check_retention_change();

CREATE TRIGGER guard_outbox BEFORE UPDATE ON rowhook.outbox FOR EACH ROW WHEN ((NOT (new.token IS DISTINCT FROM old.token))) EXECUTE FUNCTION rowhook.guard_outbox();

CREATE TRIGGER keep_revision AFTER INSERT OR DELETE OR UPDATE ON rowhook.webhook FOR EACH ROW EXECUTE FUNCTION rowhook.record_revision();

CREATE TRIGGER must_fit BEFORE UPDATE ON rowhook.outbox FOR EACH ROW EXECUTE FUNCTION rowhook.check_delivery();
ALTER TABLE rowhook.outbox ENABLE ALWAYS TRIGGER must_fit;

CREATE TRIGGER note_change AFTER INSERT OR DELETE ON rowhook.api_key FOR EACH ROW EXECUTE FUNCTION rowhook.audit_change();

CREATE TRIGGER note_change AFTER INSERT OR DELETE ON rowhook.link FOR EACH ROW EXECUTE FUNCTION rowhook.audit_change();

CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE ON rowhook.secret FOR EACH ROW EXECUTE FUNCTION rowhook.audit_change();

CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE ON rowhook.webhook FOR EACH ROW EXECUTE FUNCTION rowhook.audit_change();

CREATE TRIGGER number_revision BEFORE UPDATE ON rowhook.webhook FOR EACH ROW EXECUTE FUNCTION rowhook.number_revision();

CREATE TRIGGER renew_completed_at BEFORE UPDATE OF status ON rowhook.job FOR EACH ROW WHEN (((new.status = ANY (ARRAY['succeeded'::text, 'failed'::text])) AND (new.status IS DISTINCT FROM old.status) AND (new.completed_at = old.completed_at))) EXECUTE FUNCTION rowhook.fill_completed_at();

CREATE TRIGGER split_attempt INSTEAD OF INSERT ON rowhook.attempt FOR EACH ROW EXECUTE FUNCTION rowhook.insert_attempt();

CREATE TRIGGER spread_secret AFTER UPDATE ON rowhook.secret FOR EACH ROW WHEN ((new.version > old.version)) EXECUTE FUNCTION rowhook.bump_secrets_version();

ALTER TABLE ONLY rowhook.agent
    ADD CONSTRAINT agent_belongs_to_organization FOREIGN KEY (organization_id) REFERENCES rowhook.organization(id);

ALTER TABLE ONLY rowhook.agent_version
    ADD CONSTRAINT agent_version_belongs_to_agent FOREIGN KEY (agent_id) REFERENCES rowhook.agent(id);

ALTER TABLE ONLY rowhook.alert_threshold
    ADD CONSTRAINT alert_threshold_belongs_to_organization FOREIGN KEY (organization_id) REFERENCES rowhook.organization(id) ON DELETE CASCADE;

ALTER TABLE ONLY rowhook.commit
    ADD CONSTRAINT commit_belongs_to_session FOREIGN KEY (session_id) REFERENCES rowhook.session(id);

ALTER TABLE ONLY rowhook.commit
    ADD CONSTRAINT commit_reaches_goal FOREIGN KEY (goal_id) REFERENCES rowhook.goal(id);

ALTER TABLE ONLY rowhook.goal
    ADD CONSTRAINT goal_belongs_to_organization FOREIGN KEY (organization_id) REFERENCES rowhook.organization(id);

ALTER TABLE ONLY rowhook.job
    ADD CONSTRAINT job_ran_on_agent_version FOREIGN KEY (agent_version_id) REFERENCES rowhook.agent_version(id);

ALTER TABLE ONLY rowhook.api_key
    ADD CONSTRAINT key_belongs_to_organization FOREIGN KEY (organization_id) REFERENCES rowhook.organization(id);

ALTER TABLE ONLY rowhook.link
    ADD CONSTRAINT link_holds_agent FOREIGN KEY (agent_id, organization_id) REFERENCES rowhook.agent(id, organization_id) ON DELETE RESTRICT;

ALTER TABLE ONLY rowhook.link
    ADD CONSTRAINT link_holds_goal FOREIGN KEY (goal_id, organization_id) REFERENCES rowhook.goal(id, organization_id) ON DELETE RESTRICT;

ALTER TABLE ONLY rowhook.link
    ADD CONSTRAINT link_holds_webhook FOREIGN KEY (webhook_id, organization_id) REFERENCES rowhook.webhook(id, organization_id) ON DELETE RESTRICT;

ALTER TABLE ONLY rowhook.portal_session
    ADD CONSTRAINT portal_session_belongs_to_organization FOREIGN KEY (organization_id) REFERENCES rowhook.organization(id) ON DELETE CASCADE;

ALTER TABLE ONLY rowhook.organization_quota
    ADD CONSTRAINT quota_belongs_to_organization FOREIGN KEY (organization_id) REFERENCES rowhook.organization(id);

ALTER TABLE ONLY rowhook.secret
    ADD CONSTRAINT secret_belongs_to_organization FOREIGN KEY (organization_id) REFERENCES rowhook.organization(id);

ALTER TABLE ONLY rowhook.session
    ADD CONSTRAINT session_belongs_to_organization FOREIGN KEY (organization_id) REFERENCES rowhook.organization(id);

ALTER TABLE ONLY rowhook.signing_secret
    ADD CONSTRAINT signs_for_webhook FOREIGN KEY (webhook_id) REFERENCES rowhook.webhook(id) ON DELETE CASCADE;

ALTER TABLE ONLY rowhook.webhook_secret
    ADD CONSTRAINT used_by_webhook FOREIGN KEY (webhook_id, organization_id) REFERENCES rowhook.webhook(id, organization_id) ON DELETE CASCADE;

ALTER TABLE ONLY rowhook.webhook_secret
    ADD CONSTRAINT uses_secret FOREIGN KEY (organization_id, secret_id) REFERENCES rowhook.secret(organization_id, id) ON DELETE RESTRICT;

ALTER TABLE ONLY rowhook.webhook
    ADD CONSTRAINT webhook_belongs_to_organization FOREIGN KEY (organization_id) REFERENCES rowhook.organization(id);

ALTER TABLE rowhook.alert_threshold ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.api_key ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.attempt_archive ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.attempt_delta ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.attempt_minute ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.attempt_quarter ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.attempt_row ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.audit ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.callback ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.event ENABLE ROW LEVEL SECURITY;

CREATE POLICY every_organization ON rowhook.alert_threshold TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.attempt_archive TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.attempt_delta TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.attempt_minute TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.attempt_quarter TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.attempt_row TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.audit TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.callback TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.event TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.exchange TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.failed_exchange TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.lane_state TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.link TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.organization_minute TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.organization_quarter TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.organization_quota TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.outbox TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.request_frame TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.secret TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.signing_secret TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.webhook TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.webhook_revision TO rowhook_worker USING (true) WITH CHECK (true);

CREATE POLICY every_organization ON rowhook.webhook_secret TO rowhook_worker USING (true) WITH CHECK (true);

ALTER TABLE rowhook.exchange ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.failed_exchange ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.lane_state ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.link ENABLE ROW LEVEL SECURITY;

CREATE POLICY operator_sees_every_organization ON rowhook.outbox TO rowhook_operator USING (true) WITH CHECK (true);

ALTER TABLE rowhook.organization_minute ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.organization_quarter ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.organization_quota ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.outbox ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_organization ON rowhook.alert_threshold TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.api_key TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.attempt_archive TO rowhook_api USING ((EXISTS ( SELECT
   FROM rowhook.outbox o
  WHERE (o.id = attempt_archive.outbox_id))));

CREATE POLICY own_organization ON rowhook.attempt_delta TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.attempt_minute TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.attempt_quarter TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.attempt_row TO rowhook_api USING ((EXISTS ( SELECT
   FROM rowhook.outbox o
  WHERE (o.id = attempt_row.outbox_id))));

CREATE POLICY own_organization ON rowhook.audit TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.callback TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.event TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.exchange TO rowhook_api USING ((EXISTS ( SELECT
   FROM rowhook.outbox o
  WHERE (o.id = exchange.outbox_id))));

CREATE POLICY own_organization ON rowhook.failed_exchange TO rowhook_api USING ((EXISTS ( SELECT
   FROM rowhook.outbox o
  WHERE (o.id = failed_exchange.outbox_id))));

CREATE POLICY own_organization ON rowhook.lane_state TO rowhook_api USING ((EXISTS ( SELECT
   FROM rowhook.webhook w
  WHERE (w.id = lane_state.webhook_id))));

CREATE POLICY own_organization ON rowhook.link TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.organization_minute TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.organization_quarter TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.organization_quota TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.outbox TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.portal_session TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.request_frame TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.secret TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.signing_secret TO rowhook_api USING ((EXISTS ( SELECT
   FROM rowhook.webhook w
  WHERE (w.id = signing_secret.webhook_id)))) WITH CHECK ((EXISTS ( SELECT
   FROM rowhook.webhook w
  WHERE (w.id = signing_secret.webhook_id))));

CREATE POLICY own_organization ON rowhook.webhook TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.webhook_revision TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

CREATE POLICY own_organization ON rowhook.webhook_secret TO rowhook_api USING (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text))) WITH CHECK (((organization_id = (NULLIF(current_setting('rowhook.organization'::text, true), ''::text))::uuid) OR (current_setting('rowhook.operator'::text, true) = 'on'::text)));

ALTER TABLE rowhook.portal_session ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.request_frame ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.secret ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.signing_secret ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.webhook ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.webhook_revision ENABLE ROW LEVEL SECURITY;

ALTER TABLE rowhook.webhook_secret ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA rowhook TO rowhook_producer;
GRANT USAGE ON SCHEMA rowhook TO rowhook_reader;
GRANT USAGE ON SCHEMA rowhook TO rowhook_operator;
GRANT USAGE ON SCHEMA rowhook TO rowhook_worker;
GRANT USAGE ON SCHEMA rowhook TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.abandon(outbox_ids bigint[], tokens bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.abandon(outbox_ids bigint[], tokens bigint[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.add_agent(organization text, id text, name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.add_agent(organization text, id text, name text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.add_goal(organization text, id text, template_id text, session text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.add_goal(organization text, id text, template_id text, session text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.add_organization(id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.add_organization(id text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.add_repeats(template text, may_repeat boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.add_repeats(template text, may_repeat boolean) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.add_trace(template text, is_mapped boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.add_trace(template text, is_mapped boolean) TO rowhook_worker;

GRANT SELECT ON TABLE rowhook.source TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.add_unseen_sql(source rowhook.source, of_rows text, condition text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.add_unseen_sql(source rowhook.source, of_rows text, condition text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.admit(key_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.admit(key_hash bytea) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.admit(key_hash bytea) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.adopt(cancel_waiting boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.adopt(cancel_waiting boolean) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.adopt(cancel_waiting boolean) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.advice_for_copy() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.advice_for_copy() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.advice_for_copy() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.agent_of(organization text, id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.agent_of(organization text, id text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.agent_page(organization uuid, after_id uuid, most integer, search text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.agent_page(organization uuid, after_id uuid, most integer, search text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.agent_page(organization uuid, after_id uuid, most integer, search text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.agent_platform_id(agent uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.agent_platform_id(agent uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.agent_platform_id(agent uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.agent_sql(has_organization boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.agent_sql(has_organization boolean) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.alert_thresholds(organization uuid, OUT held integer, OUT backlog integer, OUT backlog_age_s integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.alert_thresholds(organization uuid, OUT held integer, OUT backlog integer, OUT backlog_age_s integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.alert_thresholds(organization uuid, OUT held integer, OUT backlog integer, OUT backlog_age_s integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.alert_webhooks(organization uuid, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.alert_webhooks(organization uuid, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.alert_webhooks(organization uuid, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.allow_test(webhook uuid, burst integer, per_minute integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.allow_test(webhook uuid, burst integer, per_minute integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.allow_test(webhook uuid, burst integer, per_minute integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.allowed_values(relation regclass, column_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.allowed_values(relation regclass, column_name text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.announce_waiting() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.announce_waiting() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.applied_migrations() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.applied_migrations() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.apply_retention_settings(days integer, bodies text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.apply_retention_settings(days integer, bodies text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.assign_order(webhook uuid, max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.assign_order(webhook uuid, max_rows integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.attempt_class(outcome text, status_code integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.attempt_class(outcome text, status_code integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.attempt_series(organization uuid, webhook uuid, span interval, points integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.attempt_series(organization uuid, webhook uuid, span interval, points integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.attempt_series(organization uuid, webhook uuid, span interval, points integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.attempts_by_class(status_2xx bigint, status_3xx bigint, status_4xx bigint, status_5xx bigint, timeout bigint, refused bigint, held bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.attempts_by_class(status_2xx bigint, status_3xx bigint, status_4xx bigint, status_5xx bigint, timeout bigint, refused bigint, held bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.attempts_by_class(status_2xx bigint, status_3xx bigint, status_4xx bigint, status_5xx bigint, timeout bigint, refused bigint, held bigint) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.attempts_of(delivery bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.attempts_of(delivery bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.attempts_of(delivery bigint) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.audit_change() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.audit_change() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.audit_deliveries(action text, outbox_ids bigint[], arguments json) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.audit_deliveries(action text, outbox_ids bigint[], arguments json) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.audit_deliveries(action text, outbox_ids bigint[], arguments json) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.audit_deliveries(action text, outbox_ids bigint[], arguments json) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.audit_page(organization uuid, before_id bigint, most integer, by_actor text, of_action text, of_subject text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.audit_page(organization uuid, before_id bigint, most integer, by_actor text, of_action text, of_subject text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.audit_page(organization uuid, before_id bigint, most integer, by_actor text, of_action text, of_subject text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.authenticate(key_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.authenticate(key_hash bytea) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.authenticate(key_hash bytea) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.backlog() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.backlog() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.backlog() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.backlog() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.backlog() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.backlog_level(webhook uuid, threshold integer, age_s integer, OUT level integer, OUT reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.backlog_level(webhook uuid, threshold integer, age_s integer, OUT level integer, OUT reason text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.base_type(of_type oid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.base_type(of_type oid) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.beat(worker uuid, host text, pid integer, in_flight integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.beat(worker uuid, host text, pid integer, in_flight integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.begin_pass(progress rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.begin_pass(progress rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.begin_request(caller_name text, request_key text, print bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.begin_request(caller_name text, request_key text, print bytea) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.begin_request(caller_name text, request_key text, print bytea) TO rowhook_api;

GRANT SELECT ON TABLE rowhook.retention TO rowhook_operator;
GRANT SELECT ON TABLE rowhook.retention TO rowhook_worker;

GRANT UPDATE(keep) ON TABLE rowhook.retention TO rowhook_operator;

REVOKE ALL ON FUNCTION rowhook.begin_retention(progress rowhook.retention, is_full boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.begin_retention(progress rowhook.retention, is_full boolean) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.begin_test(webhook uuid, event_key text, agent uuid, goal text, snapshot json, data json, context json, oversize bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.begin_test(webhook uuid, event_key text, agent uuid, goal text, snapshot json, data json, context json, oversize bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.begin_test(webhook uuid, event_key text, agent uuid, goal text, snapshot json, data json, context json, oversize bigint) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.begin_totals() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.begin_totals() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.bump_secrets_version() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.bump_secrets_version() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.quota_day() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.quota_day() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.quota_day() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.bytes_resume_at() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.bytes_resume_at() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.bytes_resume_at() TO rowhook_api;

GRANT SELECT ON TABLE rowhook.organization_quota TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.organization_quota TO rowhook_api;

GRANT UPDATE(tokens) ON TABLE rowhook.organization_quota TO rowhook_worker;

GRANT UPDATE(refilled_at) ON TABLE rowhook.organization_quota TO rowhook_worker;

GRANT UPDATE(bytes_used) ON TABLE rowhook.organization_quota TO rowhook_worker;

GRANT UPDATE(bytes_used_on) ON TABLE rowhook.organization_quota TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.bytes_today(quota rowhook.organization_quota) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.bytes_today(quota rowhook.organization_quota) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.bytes_today(quota rowhook.organization_quota) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.callback_page(session text, after_place bigint, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.callback_page(session text, after_place bigint, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.callback_page(session text, after_place bigint, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.callback_place(session text, delivery bigint, wanted integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.callback_place(session text, delivery bigint, wanted integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.callback_place(session text, delivery bigint, wanted integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.callbacks_written(session text, through bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.callbacks_written(session text, through bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.callbacks_written(session text, through bigint) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.can_heal(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.can_heal(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.can_see(organization uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.can_see(organization uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.can_see(organization uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.cancel(outbox_ids bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.cancel(outbox_ids bigint[]) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.cancel(outbox_ids bigint[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.cancel(outbox_ids bigint[]) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.capture_commit() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.capture_commit() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.capture_definition(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.capture_definition(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.capture_job() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.capture_job() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.capture_name(source_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.capture_name(source_name text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.capture_settings(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.capture_settings(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.capture_sql(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.capture_sql(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.change_alert_thresholds(organization uuid, changes jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.change_alert_thresholds(organization uuid, changes jsonb) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.change_alert_thresholds(organization uuid, changes jsonb) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.change_webhook(document json, organization uuid, webhook uuid, secret_ids text[], expected_revision integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.change_webhook(document json, organization uuid, webhook uuid, secret_ids text[], expected_revision integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.change_webhook(document json, organization uuid, webhook uuid, secret_ids text[], expected_revision integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.check_delivery() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.check_delivery() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.check_fields(source rowhook.source, required text[], optional text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.check_fields(source rowhook.source, required text[], optional text[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.check_installation() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.check_installation() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.check_installation() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.check_mapping(relation regclass, kind text, mapping jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.check_mapping(relation regclass, kind text, mapping jsonb) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.check_retention(kind text, keep interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.check_retention(kind text, keep interval) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.check_retention_change() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.check_retention_change() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.check_status_map(mapping jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.check_status_map(mapping jsonb) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.check_table(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.check_table(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.check_webhook_quota(organization uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.check_webhook_quota(organization uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.check_webhook_quota(organization uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.claim(worker uuid, batch integer, per_lane integer, after uuid, lease interval, sweep boolean, known uuid[], marks timestamp with time zone[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.claim(worker uuid, batch integer, per_lane integer, after uuid, lease interval, sweep boolean, known uuid[], marks timestamp with time zone[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.claim_batch(worker uuid, batch integer, per_lane integer, after uuid, lease interval, sweep boolean, known uuid[], marks timestamp with time zone[], held bigint[], falls_asleep boolean, mark_ids bigint[], mark_tokens bigint[], due_since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.claim_batch(worker uuid, batch integer, per_lane integer, after uuid, lease interval, sweep boolean, known uuid[], marks timestamp with time zone[], held bigint[], falls_asleep boolean, mark_ids bigint[], mark_tokens bigint[], due_since timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.clock_set_back_by() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.clock_set_back_by() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.clock_set_back_by() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.column_expression(expression text, type oid, output_type text, zone text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.column_expression(expression text, type oid, output_type text, zone text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.column_reference(relation regclass, column_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.column_reference(relation regclass, column_name text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.column_type(relation regclass, column_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.column_type(relation regclass, column_name text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.moved_commits_sql() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.moved_commits_sql() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.commit_capture_body() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.commit_capture_body() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.commits_sql() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.commits_sql() TO rowhook_worker;

GRANT SELECT,UPDATE ON TABLE rowhook.webhook TO rowhook_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.webhook TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.configuration(w rowhook.webhook) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.configuration(w rowhook.webhook) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.constant_expression(value jsonb, output_type text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.constant_expression(value jsonb, output_type text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.constant_value(mapping jsonb, field text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.constant_value(mapping jsonb, field text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.contains_text(search text, texts text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.contains_text(search text, texts text[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.contains_text(search text, texts text[]) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.copy_advice() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.copy_advice() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.copy_advice() TO rowhook_api;

GRANT SELECT ON TABLE rowhook.installation TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.copy_evidence(stored rowhook.installation) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.copy_evidence(stored rowhook.installation) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.copy_webhook_to_link() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.copy_webhook_to_link() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.copy_webhook_to_links() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.copy_webhook_to_links() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.count_all_waiting(statuses text[], since timestamp with time zone, until timestamp with time zone, most_read integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.count_all_waiting(statuses text[], since timestamp with time zone, until timestamp with time zone, most_read integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.count_all_waiting(statuses text[], since timestamp with time zone, until timestamp with time zone, most_read integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.count_audit(before timestamp with time zone, after_id bigint, cap integer, OUT total bigint, OUT oldest timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.count_audit(before timestamp with time zone, after_id bigint, cap integer, OUT total bigint, OUT oldest timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.count_by_status(organization uuid, webhook uuid, statuses text[], since timestamp with time zone, until timestamp with time zone, job text, commit_key text, event_type text, code integer, max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.count_by_status(organization uuid, webhook uuid, statuses text[], since timestamp with time zone, until timestamp with time zone, job text, commit_key text, event_type text, code integer, max_rows integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.count_by_status(organization uuid, webhook uuid, statuses text[], since timestamp with time zone, until timestamp with time zone, job text, commit_key text, event_type text, code integer, max_rows integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.count_capped(query text, before timestamp with time zone, since timestamp with time zone, cap integer, OUT total bigint, OUT oldest timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.count_capped(query text, before timestamp with time zone, since timestamp with time zone, cap integer, OUT total bigint, OUT oldest timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.count_ended(statuses text[], since timestamp with time zone, until timestamp with time zone, max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.count_ended(statuses text[], since timestamp with time zone, until timestamp with time zone, max_rows integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.count_ended(statuses text[], since timestamp with time zone, until timestamp with time zone, max_rows integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.count_events(before timestamp with time zone, after_id bigint, cap integer, OUT total bigint, OUT oldest timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.count_events(before timestamp with time zone, after_id bigint, cap integer, OUT total bigint, OUT oldest timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.count_lost_claims(rows tid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.count_lost_claims(rows tid[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.count_many_since(organization uuid, statuses text[], since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.count_many_since(organization uuid, statuses text[], since timestamp with time zone) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.count_many_since(organization uuid, statuses text[], since timestamp with time zone) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.count_older_seals(newest bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.count_older_seals(newest bytea) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.count_older_seals(newest bytea) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.count_since(organization uuid, statuses text[], since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.count_since(organization uuid, statuses text[], since timestamp with time zone) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.count_since(organization uuid, statuses text[], since timestamp with time zone) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.count_step(span interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.count_step(span interval) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.count_step(span interval) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.count_stuck(organization uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.count_stuck(organization uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.count_stuck(organization uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.count_text(counted bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.count_text(counted bigint) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.count_text(counted bigint, singular text, plural text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.count_text(counted bigint, singular text, plural text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.count_waiting(statuses text[], max_rows integer, organization uuid, since timestamp with time zone, until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.count_waiting(statuses text[], max_rows integer, organization uuid, since timestamp with time zone, until timestamp with time zone) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.count_waiting(statuses text[], max_rows integer, organization uuid, since timestamp with time zone, until timestamp with time zone) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.create_key(organization uuid, key_name text, key_hash bytea, granted text[], ends_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.create_key(organization uuid, key_name text, key_hash bytea, granted text[], ends_at timestamp with time zone) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.create_key(organization uuid, key_name text, key_hash bytea, granted text[], ends_at timestamp with time zone) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.create_portal_link(organization uuid, granted text[], brand json, return_url text, key_hash bytea, link_hash bytea, until_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.create_portal_link(organization uuid, granted text[], brand json, return_url text, key_hash bytea, link_hash bytea, until_at timestamp with time zone) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.create_portal_link(organization uuid, granted text[], brand json, return_url text, key_hash bytea, link_hash bytea, until_at timestamp with time zone) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.create_webhook(document json, organization uuid, webhook uuid, secret_ids text[], signing_secret bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.create_webhook(document json, organization uuid, webhook uuid, secret_ids text[], signing_secret bytea) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.create_webhook(document json, organization uuid, webhook uuid, secret_ids text[], signing_secret bytea) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.creation_after(place bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.creation_after(place bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.creation_after(place bigint) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.creation_time_sql(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.creation_time_sql(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.day_begin(day date) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.day_begin(day date) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.define_policies(table_name text, definition text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.define_policies(table_name text, definition text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.define_trigger(table_name text, trigger_name text, definition text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.define_trigger(table_name text, trigger_name text, definition text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.jittered(delay_s numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.jittered(delay_s numeric) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.delay_after(schedule_s numeric[], step integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delay_after(schedule_s numeric[], step integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.delete_entity(entity_kind text, organization text, id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delete_entity(entity_kind text, organization text, id text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.delete_gone_entities(source rowhook.source, ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delete_gone_entities(source rowhook.source, ids text[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.delete_key(key uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delete_key(key uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.delete_key(key uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.delete_secret(organization uuid, secret_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delete_secret(organization uuid, secret_id text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.delete_secret(organization uuid, secret_id text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.delete_webhook(webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delete_webhook(webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.delete_webhook(webhook uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.deliveries_with_id(organization uuid, id text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.deliveries_with_id(organization uuid, id text, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.deliveries_with_id(organization uuid, id text, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.delivery_counts() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delivery_counts() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.delivery_counts() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.delivery_counts() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.delivery_counts() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.delivery_ids(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job text, commit_key text, event_type text, code integer, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delivery_ids(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job text, commit_key text, event_type text, code integer, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.delivery_ids(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job text, commit_key text, event_type text, code integer, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.delivery_of(delivery bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delivery_of(delivery bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.delivery_of(delivery bigint) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.delivery_page(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job text, commit_key text, event_type text, code integer, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.delivery_page(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job text, commit_key text, event_type text, code integer, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.delivery_page(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job text, commit_key text, event_type text, code integer, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.deregister(worker uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.deregister(worker uuid) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.diagnosis() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.diagnosis() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.diagnosis() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.diagnosis() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.diagnosis() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.disable(webhook uuid, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.disable(webhook uuid, reason text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.disown(worker uuid, held bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.disown(worker uuid, held bigint[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.drop_expired_partition(attempts timestamp with time zone, bodies timestamp with time zone, failed_bodies timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.drop_expired_partition(attempts timestamp with time zone, bodies timestamp with time zone, failed_bodies timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.drop_next_partition() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.drop_next_partition() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.end_erasure(organization uuid, erased json) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.end_erasure(organization uuid, erased json) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.end_migration(obsolete text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.end_migration(obsolete text[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.end_portal_session(session_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.end_portal_session(session_hash bytea) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.end_request(caller_name text, request_key text, sealed_answer bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.end_request(caller_name text, request_key text, sealed_answer bytea) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.end_request(caller_name text, request_key text, sealed_answer bytea) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.enqueue_sql(recipients text, condition text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.enqueue_sql(recipients text, condition text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.enqueue_linked_sql(source_kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.enqueue_linked_sql(source_kind text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.enter(organization uuid, acting text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.enter(organization uuid, acting text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.enter(organization uuid, acting text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.entity_capture_sql(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.entity_capture_sql(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.fill_template(template text, parts jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.fill_template(template text, parts jsonb) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.source_parts(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.source_parts(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.entity_fields(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.entity_fields(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.epoch_is_due() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.epoch_is_due() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.epoch_is_due() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.erase_batch(organization uuid, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.erase_batch(organization uuid, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.erase_configuration(organization uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.erase_configuration(organization uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.event_body(event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.event_body(event_id bigint) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.event_bytes(rows tid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.event_bytes(rows tid[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.event_feed(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.event_feed(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.event_feed(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.event_of(wanted bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.event_of(wanted bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.event_of(wanted bigint) TO rowhook_api;

GRANT USAGE ON SEQUENCE rowhook.event_id TO rowhook_worker;
GRANT USAGE ON SEQUENCE rowhook.event_id TO rowhook_api;

GRANT SELECT,INSERT ON TABLE rowhook.event TO rowhook_worker;
GRANT SELECT,INSERT ON TABLE rowhook.event TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.event_part(part text, e rowhook.event, snapshot json) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.event_part(part text, e rowhook.event, snapshot json) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.event_part(part text, e rowhook.event, snapshot json) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.json_number(written text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.json_number(written text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.json_number(written text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.json_text(written text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.json_text(written text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.json_text(written text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.rfc3339(moment timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.rfc3339(moment timestamp with time zone) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.rfc3339(moment timestamp with time zone) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.event_snapshot(e rowhook.event) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.event_snapshot(e rowhook.event) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.event_snapshot(e rowhook.event) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.events_of_type(events bigint[], event_type text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.events_of_type(events bigint[], event_type text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.events_of_type(events bigint[], event_type text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.expired_days(kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.expired_days(kind text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.expired_partitions(attempts timestamp with time zone, bodies timestamp with time zone, failed_bodies timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.expired_partitions(attempts timestamp with time zone, bodies timestamp with time zone, failed_bodies timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.failed_counts(webhooks uuid[], statuses text[], since timestamp with time zone, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.failed_counts(webhooks uuid[], statuses text[], since timestamp with time zone, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.failed_counts(webhooks uuid[], statuses text[], since timestamp with time zone, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.failed_deliveries(organization uuid, webhook uuid, statuses text[], since timestamp with time zone, max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.failed_deliveries(organization uuid, webhook uuid, statuses text[], since timestamp with time zone, max_rows integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.failed_deliveries(organization uuid, webhook uuid, statuses text[], since timestamp with time zone, max_rows integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.failing_webhooks() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.failing_webhooks() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.failing_webhooks() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.failures(organization uuid, webhook uuid, since timestamp with time zone, groups integer, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.failures(organization uuid, webhook uuid, since timestamp with time zone, groups integer, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.failures(organization uuid, webhook uuid, since timestamp with time zone, groups integer, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.fall_asleep(known uuid[], marks timestamp with time zone[], OUT register bigint, OUT has_work boolean, OUT due_in_s double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.fall_asleep(known uuid[], marks timestamp with time zone[], OUT register bigint, OUT has_work boolean, OUT due_in_s double precision) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.feed_end(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer, OUT xact xid8, OUT id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.feed_end(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer, OUT xact xid8, OUT id bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.feed_end(organization uuid, wanted_agent uuid, wanted_goal text, wanted text[], after_xact xid8, after_id bigint, most integer, OUT xact xid8, OUT id bigint) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.few_deliveries_ended() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.few_deliveries_ended() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.few_deliveries_ended() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.few_deliveries_failed(to_list boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.few_deliveries_failed(to_list boolean) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.few_deliveries_failed(to_list boolean) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.field_expression(relation regclass, mapping jsonb, field text, output_type text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.field_expression(relation regclass, mapping jsonb, field text, output_type text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.fill_completed_at() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.fill_completed_at() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.final_statuses(mapping jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.final_statuses(mapping jsonb) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.find_history(source rowhook.source, OUT latest timestamp with time zone, OUT future text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.find_history(source rowhook.source, OUT latest timestamp with time zone, OUT future text[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.find_link_targets(organization uuid, agents text[], goals text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.find_link_targets(organization uuid, agents text[], goals text[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.find_link_targets(organization uuid, agents text[], goals text[]) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.find_objects(search text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.find_objects(search text, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.find_objects(search text, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.find_table(name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.find_table(name text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.fingerprint(OUT system_identifier bigint, OUT database_oid oid, OUT table_oid oid, OUT nonce text, OUT neon_timeline text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.fingerprint(OUT system_identifier bigint, OUT database_oid oid, OUT table_oid oid, OUT nonce text, OUT neon_timeline text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.first_attempt_at(event_id bigint, first_status text, delay_s double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.first_attempt_at(event_id bigint, first_status text, delay_s double precision) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.first_missing(webhook uuid, agent uuid, goal text, delivery bigint, key uuid, organization uuid, session text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.first_missing(webhook uuid, agent uuid, goal text, delivery bigint, key uuid, organization uuid, session text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.first_missing(webhook uuid, agent uuid, goal text, delivery bigint, key uuid, organization uuid, session text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.fold_attempts(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.fold_attempts(most integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.gap_sql(source rowhook.source, timed boolean, untimed boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.gap_sql(source rowhook.source, timed boolean, untimed boolean) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.gaps(retention interval, since timestamp with time zone, until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.gaps(retention interval, since timestamp with time zone, until timestamp with time zone) TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.gaps(retention interval, since timestamp with time zone, until timestamp with time zone) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.gaps(retention interval, since timestamp with time zone, until timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.gaps_of(source rowhook.source, since timestamp with time zone, until timestamp with time zone, untimed_since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.gaps_of(source rowhook.source, since timestamp with time zone, until timestamp with time zone, untimed_since timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.gauges() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.gauges() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.gauges() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.gauges() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.gauges() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.goal_page(organization uuid, after_id text, most integer, search text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.goal_page(organization uuid, after_id text, most integer, search text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.goal_page(organization uuid, after_id text, most integer, search text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.guard_outbox() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.guard_outbox() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.had_failed_sql() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.had_failed_sql() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.has_earlier_completion(job text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.has_earlier_completion(job text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.has_events(organization uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.has_events(organization uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.has_events(organization uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.has_its_events(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.has_its_events(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.has_many_webhooks(organization uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.has_many_webhooks(organization uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.has_many_webhooks(organization uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.has_own_collation(relation regclass, column_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.has_own_collation(relation regclass, column_name text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.has_partitions(day date) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.has_partitions(day date) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.has_path(document json, path text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.has_path(document json, path text[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.has_unique_id(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.has_unique_id(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.headers_as_received(frame integer, received json) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.headers_as_received(frame integer, received json) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.headers_as_received(frame integer, received json) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.heal(retention interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.heal(retention interval) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.heal(retention interval) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.time_field(source_kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.time_field(source_kind text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.heal_column(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.heal_column(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.heal_pass(watched rowhook.source, oldest timestamp with time zone, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.heal_pass(watched rowhook.source, oldest timestamp with time zone, most integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.heal_since(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.heal_since(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.heal_source(source text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.heal_source(source text, most integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.heal_window() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.heal_window() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.health_of(webhooks uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.health_of(webhooks uuid[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.health_of(webhooks uuid[]) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.health_word(state text, circuit text, failures integer, attempts bigint, accepted bigint, held bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.health_word(state text, circuit text, failures integer, attempts bigint, accepted bigint, held bigint) TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.health_word(state text, circuit text, failures integer, attempts bigint, accepted bigint, held bigint) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.health_word(state text, circuit text, failures integer, attempts bigint, accepted bigint, held bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.health_word(state text, circuit text, failures integer, attempts bigint, accepted bigint, held bigint) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.heartbeat(worker uuid, host text, pid integer, in_flight integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.heartbeat(worker uuid, host text, pid integer, in_flight integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.held_level(webhook uuid, threshold integer, OUT level integer, OUT reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.held_level(webhook uuid, threshold integer, OUT level integer, OUT reason text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.hides_rows(relation regclass) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.hides_rows(relation regclass) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.highest_xid() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.highest_xid() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.identify_agent(organization uuid, id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.identify_agent(organization uuid, id text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.identify_agent(organization uuid, id text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.identify_organization(id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.identify_organization(id text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.identify_organization(id text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.ids_of_rare_events(organization uuid, statuses text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer, webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.ids_of_rare_events(organization uuid, statuses text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer, webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.ids_of_rare_events(organization uuid, statuses text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer, webhook uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.insert_attempt() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.insert_attempt() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.insert_parts(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.insert_parts(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.insert_sql(source rowhook.source, parts jsonb, answers_ids boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.insert_sql(source rowhook.source, parts jsonb, answers_ids boolean) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.install_capture(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.install_capture(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.install_triggers(source rowhook.source, is_forced boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.install_triggers(source rowhook.source, is_forced boolean) TO rowhook_worker;

GRANT ALL ON SEQUENCE rowhook.asleep TO rowhook_worker;

GRANT ALL ON SEQUENCE rowhook.awake TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.is_anyone_asleep() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.is_anyone_asleep() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.is_built_in(type oid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.is_built_in(type oid) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.is_capture_current(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.is_capture_current(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.is_captured_later(source text, row_id text, failed_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.is_captured_later(source text, row_id text, failed_at timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.is_healing() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.is_healing() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.is_placed_last(session text, delivery bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.is_placed_last(session text, delivery bigint) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.is_state_kept() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.is_state_kept() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.job_capture_body() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.job_capture_body() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.job_conditions(relation regclass, mapping jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.job_conditions(relation regclass, mapping jsonb) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.jobs_sql() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.jobs_sql() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.json_content(written text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.json_content(written text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.json_content(written text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.judge() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.judge() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.keep_definitions(of_step text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.keep_definitions(of_step text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.key_page(organization uuid, after_id uuid, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.key_page(organization uuid, after_id uuid, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.key_page(organization uuid, after_id uuid, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.keyring_check(offered bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.keyring_check(offered bytea) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.keyring_check(offered bytea) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.lane_capacity(lane uuid, since_token bigint, OUT room integer, OUT late_room integer, OUT head tid, OUT is_probe boolean, OUT tokens double precision, OUT opens_at timestamp with time zone, OUT first_token bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.lane_capacity(lane uuid, since_token bigint, OUT room integer, OUT late_room integer, OUT head tid, OUT is_probe boolean, OUT tokens double precision, OUT opens_at timestamp with time zone, OUT first_token bigint) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.quarter_of(moment timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.quarter_of(moment timestamp with time zone) TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.quarter_of(moment timestamp with time zone) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.quarter_of(moment timestamp with time zone) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.quarter_of(moment timestamp with time zone) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.last_day_start() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.last_day_start() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.last_day_start() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.last_day_start() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.last_day_start() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.last_error_of(webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.last_error_of(webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.last_error_of(webhook uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.last_event_to_keep(of_epoch integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.last_event_to_keep(of_epoch integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.last_failed_delivery(webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.last_failed_delivery(webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.last_failed_delivery(webhook uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.last_id_before(moment timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.last_id_before(moment timestamp with time zone) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.last_id_before(moment timestamp with time zone) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.last_place(session text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.last_place(session text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.last_placed_commit(session text, OUT xact xid8, OUT event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.last_placed_commit(session text, OUT xact xid8, OUT event_id bigint) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.latency_percentiles(webhooks uuid[], since timestamp with time zone, sampled integer, OUT p50_ms double precision, OUT p95_ms double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.latency_percentiles(webhooks uuid[], since timestamp with time zone, sampled integer, OUT p50_ms double precision, OUT p95_ms double precision) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.latency_percentiles(webhooks uuid[], since timestamp with time zone, sampled integer, OUT p50_ms double precision, OUT p95_ms double precision) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.leave(worker uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.leave(worker uuid) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.left_of(webhook uuid, since timestamp with time zone, until timestamp with time zone, mark bigint, held_mark bigint, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.left_of(webhook uuid, since timestamp with time zone, until timestamp with time zone, mark bigint, held_mark bigint, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.left_of(webhook uuid, since timestamp with time zone, until timestamp with time zone, mark bigint, held_mark bigint, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.limit_to_quota(lane uuid, share integer, OUT allowed integer, OUT owner uuid, OUT tokens double precision, OUT opens_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.limit_to_quota(lane uuid, share integer, OUT allowed integer, OUT owner uuid, OUT tokens double precision, OUT opens_at timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.link_agent(webhook uuid, agent uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.link_agent(webhook uuid, agent uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.link_agent(webhook uuid, agent uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.link_goal(webhook uuid, goal text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.link_goal(webhook uuid, goal text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.link_goal(webhook uuid, goal text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.link_page(webhook uuid, after_place bigint, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.link_page(webhook uuid, after_place bigint, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.link_page(webhook uuid, after_place bigint, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.links_of(webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.links_of(webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.links_of(webhook uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.lock_claims(outbox_ids bigint[], tokens bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.lock_claims(outbox_ids bigint[], tokens bigint[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.lock_holders_of(relations oid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.lock_holders_of(relations oid[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.lock_installation() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.lock_installation() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.lock_late(lane uuid, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.lock_late(lane uuid, most integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.lock_ready(lane uuid, share integer, late_room integer, since timestamp with time zone, since_id bigint, OUT rows tid[], OUT last_due_at timestamp with time zone, OUT last_id bigint, OUT is_late_full boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.lock_ready(lane uuid, share integer, late_room integer, since timestamp with time zone, since_id bigint, OUT rows tid[], OUT last_due_at timestamp with time zone, OUT last_id bigint, OUT is_late_full boolean) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.lose(outbox_ids bigint[], tokens bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.lose(outbox_ids bigint[], tokens bigint[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.make_commit(wanted_goal text, wanted_session text, wanted_interview text, proposed json, wanted_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.make_commit(wanted_goal text, wanted_session text, wanted_interview text, proposed json, wanted_id text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.make_commit(wanted_goal text, wanted_session text, wanted_interview text, proposed json, wanted_id text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.make_partition(parent text, day date) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.make_partition(parent text, day date) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.make_partitions() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.make_partitions() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.mapping_fault(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.mapping_fault(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.mark() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.mark() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.mark() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.may_send() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.may_send() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.merged_entities_sql(source rowhook.source, parts jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.merged_entities_sql(source rowhook.source, parts jsonb) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.merged_jobs_sql(source rowhook.source, parts jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.merged_jobs_sql(source rowhook.source, parts jsonb) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.metrics() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.metrics() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.metrics() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.metrics() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.metrics() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.minute_of(moment timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.minute_of(moment timestamp with time zone) TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.minute_of(moment timestamp with time zone) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.minute_of(moment timestamp with time zone) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.minute_of(moment timestamp with time zone) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.misplaced_condition(entity_kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.misplaced_condition(entity_kind text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.missed_ids(source rowhook.source, since timestamp with time zone, until timestamp with time zone, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.missed_ids(source rowhook.source, since timestamp with time zone, until timestamp with time zone, most integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.missed_sql(source_kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.missed_sql(source_kind text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.missing_columns(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.missing_columns(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.moment_parts(relation regclass, mapping jsonb, field text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.moment_parts(relation regclass, mapping jsonb, field text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.move_completions(source text, ids text[], types text[], moments timestamp with time zone[], searched timestamp with time zone[], searched_before timestamp with time zone[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.move_completions(source text, ids text[], types text[], moments timestamp with time zone[], searched timestamp with time zone[], searched_before timestamp with time zone[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.move_event_batch(after_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.move_event_batch(after_id bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.move_event_batch(after_id bigint) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.move_events(after_id bigint, up_to_id bigint, old_epoch integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.move_events(after_id bigint, up_to_id bigint, old_epoch integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.names_of_webhooks(ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.names_of_webhooks(ids uuid[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.names_of_webhooks(ids uuid[]) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.navigation_counts(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.navigation_counts(most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.navigation_counts(most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.newest_failure(webhook uuid, statuses text[], OUT last_error text, OUT last_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.newest_failure(webhook uuid, statuses text[], OUT last_error text, OUT last_at timestamp with time zone) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.newest_failure(webhook uuid, statuses text[], OUT last_error text, OUT last_at timestamp with time zone) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.newest_gaps(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.newest_gaps(most integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.newest_ids(statuses text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer, organization uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.newest_ids(statuses text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer, organization uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.newest_ids(statuses text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer, organization uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.newest_latency(since timestamp with time zone, sampled integer, OUT p50_ms double precision, OUT p95_ms double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.newest_latency(since timestamp with time zone, sampled integer, OUT p50_ms double precision, OUT p95_ms double precision) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.newest_latency(since timestamp with time zone, sampled integer, OUT p50_ms double precision, OUT p95_ms double precision) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.newest_of_type(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.newest_of_type(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.newest_of_type(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.newest_restored_event(of_epoch integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.newest_restored_event(of_epoch integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.next_due_at(since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.next_due_at(since timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.note(organization uuid, action text, subject text, before json, after json) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.note(organization uuid, action text, subject text, before json, after json) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.note(organization uuid, action text, subject text, before json, after json) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.note(organization uuid, action text, subject text, before json, after json) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.note_capture_error(source text, source_ids text[], sqlstate text, message text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.note_capture_error(source text, source_ids text[], sqlstate text, message text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.note_clock_steps(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.note_clock_steps(most integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.note_migration(name text, checksum text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.note_migration(name text, checksum text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.notify_webhooks(webhook uuid, type text, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.notify_webhooks(webhook uuid, type text, reason text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.nth_time(source rowhook.source, since timestamp with time zone, nth integer, is_latest boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.nth_time(source rowhook.source, since timestamp with time zone, nth integer, is_latest boolean) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.number_revision() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.number_revision() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.oldest_day(parent text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.oldest_day(parent text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.oldest_waiting(organization uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.oldest_waiting(organization uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.oldest_waiting(organization uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.oldest_xmin_age() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.oldest_xmin_age() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.open_portal_link(link_hash bytea, session_hash bytea, until_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.open_portal_link(link_hash bytea, session_hash bytea, until_at timestamp with time zone) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.open_sign_in(link_hash bytea, token_hash bytea, until_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.open_sign_in(link_hash bytea, token_hash bytea, until_at timestamp with time zone) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.ordered_head(lane uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.ordered_head(lane uuid) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.organization_counts(organization uuid, span interval, since timestamp with time zone, step interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.organization_counts(organization uuid, span interval, since timestamp with time zone, step interval) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.organization_counts(organization uuid, span interval, since timestamp with time zone, step interval) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.organization_details(organization uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.organization_details(organization uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.organization_details(organization uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.organization_latency(organization uuid, since timestamp with time zone, sampled integer, OUT p50_ms double precision, OUT p95_ms double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.organization_latency(organization uuid, since timestamp with time zone, sampled integer, OUT p50_ms double precision, OUT p95_ms double precision) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.organization_latency(organization uuid, since timestamp with time zone, sampled integer, OUT p50_ms double precision, OUT p95_ms double precision) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.organization_names(ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.organization_names(ids text[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.organization_names(ids text[]) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.organization_of(id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.organization_of(id text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.organization_page(after_id uuid, most integer, search text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.organization_page(after_id uuid, most integer, search text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.organization_page(after_id uuid, most integer, search text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.organization_platform_id(organization uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.organization_platform_id(organization uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.organization_platform_id(organization uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.oversize_bytes(data json, context json) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.oversize_bytes(data json, context json) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.owner_condition(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.owner_condition(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.parse_uuid(id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.parse_uuid(id text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.parse_uuid(id text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.partition_cutoffs(OUT attempts timestamp with time zone, OUT bodies timestamp with time zone, OUT failed_bodies timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.partition_cutoffs(OUT attempts timestamp with time zone, OUT bodies timestamp with time zone, OUT failed_bodies timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.partition_day(partition text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.partition_day(partition text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.partition_findings() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.partition_findings() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.partition_name(parent text, day date) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.partition_name(parent text, day date) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.partition_users(relations oid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.partition_users(relations oid[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.pause(webhook_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.pause(webhook_id uuid) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.pause(webhook_id uuid) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.paused_deliveries(OUT webhooks bigint, OUT deliveries bigint, OUT is_capped boolean, OUT oldest timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.paused_deliveries(OUT webhooks bigint, OUT deliveries bigint, OUT is_capped boolean, OUT oldest timestamp with time zone) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.paused_deliveries(OUT webhooks bigint, OUT deliveries bigint, OUT is_capped boolean, OUT oldest timestamp with time zone) TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.paused_deliveries(OUT webhooks bigint, OUT deliveries bigint, OUT is_capped boolean, OUT oldest timestamp with time zone) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.paused_deliveries(OUT webhooks bigint, OUT deliveries bigint, OUT is_capped boolean, OUT oldest timestamp with time zone) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.pending_of_webhooks(organization uuid, since timestamp with time zone, OUT pending bigint, OUT oldest_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.pending_of_webhooks(organization uuid, since timestamp with time zone, OUT pending bigint, OUT oldest_at timestamp with time zone) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.pending_of_webhooks(organization uuid, since timestamp with time zone, OUT pending bigint, OUT oldest_at timestamp with time zone) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.place(xact xid8, epoch integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.place(xact xid8, epoch integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.place(xact xid8, epoch integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.place_callbacks(session text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.place_callbacks(session text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.place_waiting(after text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.place_waiting(after text, most integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.platform_tables() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.platform_tables() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.portal_access(token_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.portal_access(token_hash bytea) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.promote(since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.promote(since timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.proposed_commit(wanted_goal text, wanted_session text, wanted_interview text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.proposed_commit(wanted_goal text, wanted_session text, wanted_interview text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.proposed_commit(wanted_goal text, wanted_session text, wanted_interview text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.put_secret(organization uuid, secret_id text, next_version integer, new_sealed bytea, hosts text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.put_secret(organization uuid, secret_id text, next_version integer, new_sealed bytea, hosts text[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.put_secret(organization uuid, secret_id text, next_version integer, new_sealed bytea, hosts text[]) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.queue_metrics(top integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.queue_metrics(top integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.queue_metrics(top integer) TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.queue_metrics(top integer) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.queue_metrics(top integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.quota_document(quota rowhook.organization_quota) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.quota_document(quota rowhook.organization_quota) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.quota_document(quota rowhook.organization_quota) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.raise_epoch() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.raise_epoch() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.raise_epoch() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.rare_waiting_statuses(of_all boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.rare_waiting_statuses(of_all boolean) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.rare_waiting_statuses(of_all boolean) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.read_time(written text, zone text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.read_time(written text, zone text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.read_uuid(id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.read_uuid(id text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.readable_time(moment timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.readable_time(moment timestamp with time zone) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.readable_time(moment timestamp with time zone) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.ready_lanes(after uuid, up_to uuid, max_lanes integer, known uuid[], marks timestamp with time zone[], mark_ids bigint[], first uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.ready_lanes(after uuid, up_to uuid, max_lanes integer, known uuid[], marks timestamp with time zone[], mark_ids bigint[], first uuid) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.recapture(source rowhook.source, ids text[], failed_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.recapture(source rowhook.source, ids text[], failed_at timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.recapture_sql(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.recapture_sql(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.recapture_times(source rowhook.source, ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.recapture_times(source rowhook.source, ids text[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.recent_events(organization uuid, webhook uuid, wanted_agent uuid, wanted_goal text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.recent_events(organization uuid, webhook uuid, wanted_agent uuid, wanted_goal text, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.recent_events(organization uuid, webhook uuid, wanted_agent uuid, wanted_goal text, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.recent_start() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.recent_start() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.recent_start() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.recent_start() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.recent_start() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.reclaim_expired(worker uuid, lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.reclaim_expired(worker uuid, lease interval) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.reclaim_lost(worker uuid, tokens bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.reclaim_lost(worker uuid, tokens bigint[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.record(results json, frames json, all_delivered boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.record(results json, frames json, all_delivered boolean) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.record_history(source rowhook.source, latest timestamp with time zone, future text[], found_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.record_history(source rowhook.source, latest timestamp with time zone, future text[], found_at timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.record_installation() FROM PUBLIC;

REVOKE ALL ON FUNCTION rowhook.record_revision() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.record_revision() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.recordable_time(started_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.recordable_time(started_at timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.reject_api_role() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.reject_api_role() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.reject_api_role() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.reject_column(relation regclass, field text, column_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.reject_column(relation regclass, field text, column_name text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.reject_kind(kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.reject_kind(kind text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.reject_mapping(problem text, remedy text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.reject_mapping(problem text, remedy text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.release(outbox_ids bigint[], tokens bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.release(outbox_ids bigint[], tokens bigint[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.remove_deliveries(doomed bigint[], events_before timestamp with time zone, events_until bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.remove_deliveries(doomed bigint[], events_before timestamp with time zone, events_until bigint) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.remove_events(doomed bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.remove_events(doomed bigint[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.remove_leftovers(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.remove_leftovers(most integer) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.remove_leftovers(most integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.renew(worker uuid, outbox_ids bigint[], tokens bigint[], lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.renew(worker uuid, outbox_ids bigint[], tokens bigint[], lease interval) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.replace_unwritten(delivery bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.replace_unwritten(delivery bigint) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.replay(webhook_id uuid, since timestamp with time zone, until timestamp with time zone, statuses text[], dry_run boolean, rate numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.replay(webhook_id uuid, since timestamp with time zone, until timestamp with time zone, statuses text[], dry_run boolean, rate numeric) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.replay(webhook_id uuid, since timestamp with time zone, until timestamp with time zone, statuses text[], dry_run boolean, rate numeric) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.replay(webhook_id uuid, since timestamp with time zone, until timestamp with time zone, statuses text[], dry_run boolean, rate numeric) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.replay_remaining(webhook uuid, since timestamp with time zone, until timestamp with time zone, watermark bigint, held_watermark bigint, max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.replay_remaining(webhook uuid, since timestamp with time zone, until timestamp with time zone, watermark bigint, held_watermark bigint, max_rows integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.replay_remaining(webhook uuid, since timestamp with time zone, until timestamp with time zone, watermark bigint, held_watermark bigint, max_rows integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.request_as_sent(frame integer, sent json, delivery bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.request_as_sent(frame integer, sent json, delivery bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.request_as_sent(frame integer, sent json, delivery bigint) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.require_event_lock() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.require_event_lock() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.require_operator() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.require_operator() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.require_operator() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.require_partitions() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.require_partitions() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.require_schema(schema text, name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.require_schema(schema text, name text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.reseal(kind text, firsts text[], seconds text[], was bytea[], becomes bytea[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.reseal(kind text, firsts text[], seconds text[], was bytea[], becomes bytea[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.reseal(kind text, firsts text[], seconds text[], was bytea[], becomes bytea[]) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.resend(outbox_ids bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.resend(outbox_ids bigint[]) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.resend(outbox_ids bigint[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.resend(outbox_ids bigint[]) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.resend_at_rate(outbox_ids bigint[], rate numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.resend_at_rate(outbox_ids bigint[], rate numeric) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.resend_at_rate(outbox_ids bigint[], rate numeric) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.resend_at_rate(outbox_ids bigint[], rate numeric) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.resume(webhook_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.resume(webhook_id uuid) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.resume(webhook_id uuid) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.retain(retention interval, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retain(retention interval, most integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.retain_audit(before timestamp with time zone, most integer, INOUT passed_id bigint, OUT removed bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retain_audit(before timestamp with time zone, most integer, INOUT passed_id bigint, OUT removed bigint) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.retain_batch(wanted_kind text, most integer, begins boolean, is_full boolean, OUT removed bigint, OUT is_finished boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retain_batch(wanted_kind text, most integer, begins boolean, is_full boolean, OUT removed bigint, OUT is_finished boolean) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.retain_batch(wanted_kind text, most integer, begins boolean, is_full boolean, OUT removed bigint, OUT is_finished boolean) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.retain_errors(wanted_kind text, before timestamp with time zone, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retain_errors(wanted_kind text, before timestamp with time zone, most integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.retain_events(before timestamp with time zone, until bigint, most integer, INOUT passed_id bigint, OUT removed bigint, OUT is_finished boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retain_events(before timestamp with time zone, until bigint, most integer, INOUT passed_id bigint, OUT removed bigint, OUT is_finished boolean) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.retain_finished(wanted_kind text, before timestamp with time zone, events_before timestamp with time zone, events_until bigint, most integer, INOUT passed_at timestamp with time zone, OUT removed bigint, OUT is_finished boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retain_finished(wanted_kind text, before timestamp with time zone, events_before timestamp with time zone, events_until bigint, most integer, INOUT passed_at timestamp with time zone, OUT removed bigint, OUT is_finished boolean) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.retain_held(before timestamp with time zone, events_before timestamp with time zone, events_until bigint, most integer, INOUT passed_webhook uuid, OUT removed bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retain_held(before timestamp with time zone, events_before timestamp with time zone, events_until bigint, most integer, INOUT passed_webhook uuid, OUT removed bigint) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.retain_revisions(before timestamp with time zone, most integer, INOUT passed_webhook uuid, OUT removed bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retain_revisions(before timestamp with time zone, most integer, INOUT passed_webhook uuid, OUT removed bigint) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.retain_secrets(before timestamp with time zone, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retain_secrets(before timestamp with time zone, most integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.retention_findings() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retention_findings() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.retention_kinds() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retention_kinds() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.retention_kinds() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.retention_plan() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retention_plan() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.retention_plan() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.retention_plan() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.retention_plan() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.retention_query(kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retention_query(kind text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.retention_report() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retention_report() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.retention_report() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.retention_report() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.retention_report() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.retry(outbox_ids bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retry(outbox_ids bigint[]) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.retry(outbox_ids bigint[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.retry(outbox_ids bigint[]) TO rowhook_api;

GRANT SELECT ON TABLE rowhook.capture_error TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.retry_capture(failed rowhook.capture_error) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retry_capture(failed rowhook.capture_error) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.retry_captures() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.retry_captures() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.revision_of(webhook uuid, wanted integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.revision_of(webhook uuid, wanted integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.revision_of(webhook uuid, wanted integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.revision_page(webhook uuid, before_revision integer, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.revision_page(webhook uuid, before_revision integer, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.revision_page(webhook uuid, before_revision integer, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.revisions_before() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.revisions_before() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.role_names() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.role_names() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.role_prefix() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.role_prefix() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.rotate_signing_secret(organization uuid, webhook uuid, next_version integer, new_secret bytea, overlap interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.rotate_signing_secret(organization uuid, webhook uuid, next_version integer, new_secret bytea, overlap interval) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.rotate_signing_secret(organization uuid, webhook uuid, next_version integer, new_secret bytea, overlap interval) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.sample_commit(organization uuid, wanted_goal text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sample_commit(organization uuid, wanted_goal text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.sample_commit(organization uuid, wanted_goal text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.sample_event(organization uuid, wanted bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sample_event(organization uuid, wanted bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.sample_event(organization uuid, wanted bigint) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.sample_job(organization uuid, wanted_agent uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sample_job(organization uuid, wanted_agent uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.sample_job(organization uuid, wanted_agent uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.scan_counts(organization uuid, since timestamp with time zone, until timestamp with time zone, event_type text, code integer, most_rows integer, OUT by_status jsonb, OUT complete boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.scan_counts(organization uuid, since timestamp with time zone, until timestamp with time zone, event_type text, code integer, most_rows integer, OUT by_status jsonb, OUT complete boolean) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.scan_counts(organization uuid, since timestamp with time zone, until timestamp with time zone, event_type text, code integer, most_rows integer, OUT by_status jsonb, OUT complete boolean) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.scan_ids(organization uuid, statuses text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer, most_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.scan_ids(organization uuid, statuses text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer, most_rows integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.scan_ids(organization uuid, statuses text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, event_type text, code integer, most integer, most_rows integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.schema_differences() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.schema_differences() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.schema_state() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.schema_state() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.sealed_elsewhere(newest bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sealed_elsewhere(newest bytea) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.sealed_elsewhere(newest bytea) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.sealed_page(kind text, newest bytea, after_first text, after_second text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sealed_page(kind text, newest bytea, after_first text, after_second text, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.sealed_page(kind text, newest bytea, after_first text, after_second text, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.search_deliveries(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job text, commit_key text, event_type text, code integer, search text, most integer, most_rows integer, most_text bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.search_deliveries(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job text, commit_key text, event_type text, code integer, search text, most integer, most_rows integer, most_text bigint) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.search_deliveries(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, before_at timestamp with time zone, before_id bigint, job text, commit_key text, event_type text, code integer, search text, most integer, most_rows integer, most_text bigint) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.search_rank(search text, names text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.search_rank(search text, names text[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.search_rank(search text, names text[]) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.search_time_sql(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.search_time_sql(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.secret_hosts(organization uuid, secret_ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.secret_hosts(organization uuid, secret_ids text[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.secret_hosts(organization uuid, secret_ids text[]) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.secret_page(organization uuid, after_id text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.secret_page(organization uuid, after_id text, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.secret_page(organization uuid, after_id text, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.secret_users(organization uuid, wanted text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.secret_users(organization uuid, wanted text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.secret_users(organization uuid, wanted text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.secret_version(organization uuid, secret_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.secret_version(organization uuid, secret_id text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.secret_version(organization uuid, secret_id text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.secrets_of(webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.secrets_of(webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.secrets_of(webhook uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.sending_state(webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sending_state(webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.sending_state(webhook uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.series(organization uuid, webhook uuid, span interval, points integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.series(organization uuid, webhook uuid, span interval, points integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.series(organization uuid, webhook uuid, span interval, points integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.session_owner(session text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.session_owner(session text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.session_owner(session text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.session_page(wanted_session text, before_id bigint, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.session_page(wanted_session text, before_id bigint, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.session_page(wanted_session text, before_id bigint, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.set_alert_thresholds(organization uuid, held integer, backlog integer, backlog_age_s integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.set_alert_thresholds(organization uuid, held integer, backlog integer, backlog_age_s integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.set_alert_thresholds(organization uuid, held integer, backlog integer, backlog_age_s integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.set_quotas(organization uuid, changes jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.set_quotas(organization uuid, changes jsonb) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.set_retention(kind text, keep interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.set_retention(kind text, keep interval) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.set_retention(kind text, keep interval) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.set_state(webhook uuid, wanted text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.set_state(webhook uuid, wanted text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.set_state(webhook uuid, wanted text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.set_tenant(organization uuid, actor text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.set_tenant(organization uuid, actor text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.set_tenant(organization uuid, actor text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.settled_before() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.settled_before() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.settled_before() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.sign_in(token_hash bytea, once boolean, key_hash bytea, ends_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sign_in(token_hash bytea, once boolean, key_hash bytea, ends_at timestamp with time zone) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.sign_out(token_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sign_out(token_hash bytea) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.signed_in(token_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.signed_in(token_hash bytea) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.source_drift(source rowhook.source) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.source_drift(source rowhook.source) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.source_list() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.source_list() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.spend(lane uuid, remaining double precision, is_probe boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.spend(lane uuid, remaining double precision, is_probe boolean) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.spend_quota(organization uuid, remaining double precision, rows tid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.spend_quota(organization uuid, remaining double precision, rows tid[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.stage(delivery bigint, claim bigint, sent_revision integer, session text, body text, ttl interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.stage(delivery bigint, claim bigint, sent_revision integer, session text, body text, ttl interval) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.standing_of(webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.standing_of(webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.standing_of(webhook uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.stats(organization uuid, span interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.stats(organization uuid, span interval) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.stats(organization uuid, span interval) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.status() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.status() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.status() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.status() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.status() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.status_counts(by_status json, capped boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.status_counts(by_status json, capped boolean) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.status_counts(by_status json, capped boolean) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.status_values(relation regclass, mapping jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.status_values(relation regclass, mapping jsonb) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.storage_report() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.storage_report() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.storage_report() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.storage_report() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.storage_report() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.store_frames(frames json) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.store_frames(frames json) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.stored_bodies(OUT accepted boolean, OUT failed boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.stored_bodies(OUT accepted boolean, OUT failed boolean) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.suspension() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.suspension() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.suspension() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.sweep(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sweep(most integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.sync_entities(source rowhook.source, ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.sync_entities(source rowhook.source, ids text[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.system() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.system() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.system() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.table_columns(relation regclass) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.table_columns(relation regclass) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.table_named(name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.table_named(name text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.tally(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, job text, commit_key text, event_type text, code integer, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.tally(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, job text, commit_key text, event_type text, code integer, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.tally(organization uuid, webhook uuid, wanted text[], since timestamp with time zone, until timestamp with time zone, job text, commit_key text, event_type text, code integer, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.text_expression(expression text, type oid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.text_expression(expression text, type oid) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.trace_until(searched_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.trace_until(searched_at timestamp with time zone) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.trigger_events(source_kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.trigger_events(source_kind text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.uncaptured_rows() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.uncaptured_rows() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.undelivered_ends() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.undelivered_ends() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.undelivered_ends() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.unknown(webhook uuid, agent uuid, goal text, delivery bigint, key uuid, organization uuid, session text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.unknown(webhook uuid, agent uuid, goal text, delivery bigint, key uuid, organization uuid, session text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.unknown(webhook uuid, agent uuid, goal text, delivery bigint, key uuid, organization uuid, session text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.unless_oversize(value json, data json, context json) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.unless_oversize(value json, data json, context json) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.unlink(webhook uuid, agent uuid, goal text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.unlink(webhook uuid, agent uuid, goal text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.unlink(webhook uuid, agent uuid, goal text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.unwatch(watched text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.unwatch(watched text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.unwatch(watched regclass) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.unwatch(watched regclass) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.update_circuit(webhook uuid, failures integer, successes integer, retry_after_s double precision, max_in_flight integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.update_circuit(webhook uuid, failures integer, successes integer, retry_after_s double precision, max_in_flight integer) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.upkeep_metrics() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.upkeep_metrics() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.upkeep_metrics() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.upkeep_metrics() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.upkeep_metrics() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.upsert_agent(organization text, id text, name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.upsert_agent(organization text, id text, name text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.upsert_call(entity_kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.upsert_call(entity_kind text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.upsert_goal(organization text, id text, name text, template_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.upsert_goal(organization text, id text, name text, template_id text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.upsert_organization(id text, name text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.upsert_organization(id text, name text) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.upsert_session(organization text, id text, context json) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.upsert_session(organization text, id text, context json) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.use_secrets(organization uuid, webhook uuid, secret_ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.use_secrets(organization uuid, webhook uuid, secret_ids text[]) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.use_secrets(organization uuid, webhook uuid, secret_ids text[]) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.validate_commit(goal_id text, data json, context json) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.validate_commit(goal_id text, data json, context json) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.validate_commit(goal_id text, data json, context json) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.visit_lane(lane uuid, most integer, has_quota boolean, since timestamp with time zone, since_id bigint, since_token bigint, OUT rows tid[], OUT last_due_at timestamp with time zone, OUT last_id bigint, OUT first_token bigint, OUT outlook text, OUT due_in_s double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.visit_lane(lane uuid, most integer, has_quota boolean, since timestamp with time zone, since_id bigint, since_token bigint, OUT rows tid[], OUT last_due_at timestamp with time zone, OUT last_id bigint, OUT first_token bigint, OUT outlook text, OUT due_in_s double precision) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.wake() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.wake() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.wake_up(register bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.wake_up(register bigint) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.warn_or_disable() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.warn_or_disable() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.watch(watched regclass, source_kind text, mapping jsonb, required text[], optional text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.watch(watched regclass, source_kind text, mapping jsonb, required text[], optional text[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.watch_agents(watched regclass, mapping jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.watch_agents(watched regclass, mapping jsonb) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.watch_commits(watched regclass, mapping jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.watch_commits(watched regclass, mapping jsonb) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.watch_goals(watched regclass, mapping jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.watch_goals(watched regclass, mapping jsonb) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.watch_jobs(watched regclass, mapping jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.watch_jobs(watched regclass, mapping jsonb) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.watch_organizations(watched regclass, mapping jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.watch_organizations(watched regclass, mapping jsonb) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.watch_sessions(watched regclass, mapping jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.watch_sessions(watched regclass, mapping jsonb) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.watermark() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.watermark() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.watermark() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.webhook_name(webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.webhook_name(webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.webhook_name(webhook uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.webhook_names(organization uuid, first uuid, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.webhook_names(organization uuid, first uuid, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.webhook_names(organization uuid, first uuid, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.webhook_owner(webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.webhook_owner(webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.webhook_owner(webhook uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.webhook_page(organization uuid, agent uuid, goal text, wanted_state text, one uuid, before_at timestamp with time zone, before_id uuid, most integer, search text, with_external_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.webhook_page(organization uuid, agent uuid, goal text, wanted_state text, one uuid, before_at timestamp with time zone, before_id uuid, most integer, search text, with_external_id text) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.webhook_page(organization uuid, agent uuid, goal text, wanted_state text, one uuid, before_at timestamp with time zone, before_id uuid, most integer, search text, with_external_id text) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.webhooks_of(organization uuid, webhook uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.webhooks_of(organization uuid, webhook uuid) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.webhooks_of(organization uuid, webhook uuid) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.window_counts(webhooks uuid[], span interval, since timestamp with time zone, step interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.window_counts(webhooks uuid[], span interval, since timestamp with time zone, step interval) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.window_counts(webhooks uuid[], span interval, since timestamp with time zone, step interval) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.window_start(span interval) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.window_start(span interval) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.window_start(span interval) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.with_platform_ids(document json) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.with_platform_ids(document json) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.with_platform_ids(document json) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.without_open_errors(source_name text, ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.without_open_errors(source_name text, ids text[]) TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.work_due_in() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.work_due_in() TO rowhook_worker;

REVOKE ALL ON FUNCTION rowhook.worker_list() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.worker_list() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.worker_list() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.workers() FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.workers() TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.workers() TO rowhook_reader;
GRANT ALL ON FUNCTION rowhook.workers() TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.workers() TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.worst_webhooks(organization uuid, wanted text[], span interval, worst integer, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.worst_webhooks(organization uuid, wanted text[], span interval, worst integer, most integer) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.worst_webhooks(organization uuid, wanted text[], span interval, worst integer, most integer) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.write_audit(organization uuid, action text, subject text, before json, after json) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.write_audit(organization uuid, action text, subject text, before json, after json) TO rowhook_operator;
GRANT ALL ON FUNCTION rowhook.write_audit(organization uuid, action text, subject text, before json, after json) TO rowhook_worker;
GRANT ALL ON FUNCTION rowhook.write_audit(organization uuid, action text, subject text, before json, after json) TO rowhook_api;

REVOKE ALL ON FUNCTION rowhook.xid_of(place xid8) FROM PUBLIC;
GRANT ALL ON FUNCTION rowhook.xid_of(place xid8) TO rowhook_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.agent TO rowhook_producer;
GRANT SELECT ON TABLE rowhook.agent TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.agent TO rowhook_api;

GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.agent_version TO rowhook_producer;
GRANT SELECT ON TABLE rowhook.agent_version TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.agent_version TO rowhook_api;

GRANT SELECT ON TABLE rowhook.alert_episode TO rowhook_worker;

GRANT SELECT ON TABLE rowhook.alert_threshold TO rowhook_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.alert_threshold TO rowhook_api;

GRANT SELECT ON TABLE rowhook.outbox TO rowhook_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.outbox TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.outbox TO rowhook_api;

GRANT UPDATE(status) ON TABLE rowhook.outbox TO rowhook_operator;
GRANT UPDATE(status) ON TABLE rowhook.outbox TO rowhook_api;

GRANT SELECT ON TABLE rowhook.webhook_revision TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.webhook_revision TO rowhook_api;

GRANT SELECT ON TABLE rowhook.api_delivery TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.api_delivery TO rowhook_api;

GRANT SELECT ON TABLE rowhook.api_key TO rowhook_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.api_key TO rowhook_api;

GRANT SELECT ON TABLE rowhook.attempt_archive TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.attempt_archive TO rowhook_api;

GRANT SELECT,INSERT ON TABLE rowhook.attempt_row TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.attempt_row TO rowhook_api;

GRANT SELECT,INSERT ON TABLE rowhook.exchange TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.exchange TO rowhook_api;

GRANT SELECT,INSERT ON TABLE rowhook.failed_exchange TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.failed_exchange TO rowhook_api;

GRANT SELECT,INSERT ON TABLE rowhook.attempt TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.attempt TO rowhook_api;

GRANT SELECT ON TABLE rowhook.attempt_default TO rowhook_worker;

GRANT SELECT,INSERT ON TABLE rowhook.attempt_delta TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.attempt_delta TO rowhook_api;

GRANT SELECT ON TABLE rowhook.attempt_minute TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.attempt_minute TO rowhook_api;

GRANT SELECT ON TABLE rowhook.attempt_quarter TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.attempt_quarter TO rowhook_api;

GRANT SELECT ON TABLE rowhook.attempts_by_minute TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.attempts_by_minute TO rowhook_api;

GRANT SELECT ON TABLE rowhook.attempts_by_quarter TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.attempts_by_quarter TO rowhook_api;

GRANT SELECT ON TABLE rowhook.audit TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.audit TO rowhook_api;

GRANT USAGE ON SEQUENCE rowhook.audit_id_seq TO rowhook_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.callback TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.callback TO rowhook_api;

GRANT USAGE ON SEQUENCE rowhook.capture_error_id_seq TO rowhook_worker;

GRANT SELECT ON TABLE rowhook.capture_gap TO rowhook_reader;
GRANT SELECT ON TABLE rowhook.capture_gap TO rowhook_operator;
GRANT SELECT ON TABLE rowhook.capture_gap TO rowhook_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.chore TO rowhook_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.commit TO rowhook_producer;
GRANT SELECT ON TABLE rowhook.commit TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.commit TO rowhook_api;

GRANT SELECT ON TABLE rowhook.delivery TO rowhook_reader;
GRANT SELECT ON TABLE rowhook.delivery TO rowhook_operator;
GRANT SELECT ON TABLE rowhook.delivery TO rowhook_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.goal TO rowhook_producer;
GRANT SELECT ON TABLE rowhook.goal TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.goal TO rowhook_api;

GRANT SELECT ON TABLE rowhook.idempotent_request TO rowhook_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.idempotent_request TO rowhook_api;

GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.job TO rowhook_producer;
GRANT SELECT ON TABLE rowhook.job TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.job TO rowhook_api;

GRANT SELECT,INSERT ON TABLE rowhook.keyring_check TO rowhook_worker;
GRANT SELECT,INSERT ON TABLE rowhook.keyring_check TO rowhook_api;

GRANT UPDATE(sealed) ON TABLE rowhook.keyring_check TO rowhook_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.lane_state TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.lane_state TO rowhook_api;

GRANT SELECT ON TABLE rowhook.link TO rowhook_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.link TO rowhook_api;

GRANT USAGE ON SEQUENCE rowhook.link_id_seq TO rowhook_worker;

GRANT SELECT ON TABLE rowhook.migration TO rowhook_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.organization TO rowhook_producer;
GRANT SELECT ON TABLE rowhook.organization TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.organization TO rowhook_api;

GRANT SELECT ON TABLE rowhook.organization_minute TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.organization_minute TO rowhook_api;

GRANT SELECT ON TABLE rowhook.organization_quarter TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.organization_quarter TO rowhook_api;

GRANT USAGE ON SEQUENCE rowhook.outbox_id_seq TO rowhook_worker;

GRANT SELECT ON TABLE rowhook.portal_session TO rowhook_worker;
GRANT SELECT,INSERT,DELETE ON TABLE rowhook.portal_session TO rowhook_api;

GRANT SELECT ON TABLE rowhook.removed_event TO rowhook_worker;

GRANT SELECT,INSERT ON TABLE rowhook.request_frame TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.request_frame TO rowhook_api;

GRANT UPDATE(used_on) ON TABLE rowhook.request_frame TO rowhook_worker;

GRANT USAGE ON SEQUENCE rowhook.request_frame_id_seq TO rowhook_worker;

GRANT SELECT ON TABLE rowhook.schema_line TO rowhook_worker;

GRANT SELECT ON TABLE rowhook.secret TO rowhook_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.secret TO rowhook_api;

GRANT SELECT,INSERT,UPDATE ON TABLE rowhook.session TO rowhook_producer;
GRANT SELECT ON TABLE rowhook.session TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.session TO rowhook_api;

GRANT SELECT ON TABLE rowhook.shown_delivery TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.shown_delivery TO rowhook_api;

GRANT SELECT ON TABLE rowhook.sign_in TO rowhook_worker;

GRANT SELECT ON TABLE rowhook.signing_secret TO rowhook_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.signing_secret TO rowhook_api;

GRANT SELECT ON TABLE rowhook.test_allowance TO rowhook_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.test_allowance TO rowhook_api;

GRANT USAGE ON SEQUENCE rowhook.token TO rowhook_worker;
GRANT SELECT ON SEQUENCE rowhook.token TO rowhook_api;

GRANT SELECT ON TABLE rowhook.webhook_health TO rowhook_reader;
GRANT SELECT ON TABLE rowhook.webhook_health TO rowhook_operator;
GRANT SELECT ON TABLE rowhook.webhook_health TO rowhook_worker;

GRANT SELECT ON TABLE rowhook.webhook_secret TO rowhook_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.webhook_secret TO rowhook_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE rowhook.worker TO rowhook_worker;
GRANT SELECT ON TABLE rowhook.worker TO rowhook_api;
