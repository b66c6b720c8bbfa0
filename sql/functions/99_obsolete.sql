-- Drops of functions and views that no longer exist. Applied after all other functions.
--
-- During a deploy, workers and APIs of the previous release still call functions by their previous names.
-- A release that stops calling such a function keeps its definition in 98_previous_names.sql; the next
-- release drops it here. Functions that only other functions call are dropped at once. A changed
-- signature is a new function: drop the old one by its full argument list, at once if a call would be
-- ambiguous.

-- Removed before the first release.
drop view if exists rowhook.api_webhook_health;
drop function if exists
  rowhook.agent_page(uuid, uuid, int),
  rowhook.audit_page(uuid, bigint, int),
  rowhook.callbacks_written(text, bigint[], int[]),
  rowhook.claim(uuid, int, int, uuid, interval, boolean),
  rowhook.commit_gaps(interval),
  rowhook.emit_commits(text[], boolean),
  rowhook.emit_jobs(uuid[], boolean),
  rowhook.event_is_whole(text, uuid, text),
  rowhook.fall_asleep(),
  rowhook.fan_out(bigint[], boolean),
  rowhook.first_state(text, numeric[], boolean),
  rowhook.goal_page(uuid, text, int),
  rowhook.has_work(),
  rowhook.job_gaps(interval),
  rowhook.lanes(uuid, uuid, int),
  rowhook.move_events(bigint, int),
  rowhook.organization_page(uuid, int),
  rowhook.replay(uuid, timestamptz, timestamptz, text[], boolean),
  rowhook.reprocess(bigint[]),
  rowhook.reprocess_at_rate(bigint[], numeric),
  rowhook.rotate_signing_secret(uuid, int, bytea, interval),
  rowhook.rotation(uuid, int),
  rowhook.save_webhook(json, uuid, uuid, text[], bytea),
  rowhook.status_fits(text, boolean, timestamptz, timestamptz, timestamptz, uuid),
  rowhook.unknown(uuid, uuid, text, bigint, uuid, uuid),
  rowhook.webhook_page(uuid, uuid, text, text, uuid, timestamptz, uuid, int),
  rowhook.worst_webhooks(uuid, interval, int, int);

-- Before other tables than the built-in two could be sources.
drop trigger if exists must_fit on rowhook.event;
drop function if exists
  rowhook.begin_pass(rowhook.capture_source),
  rowhook.commit_gaps(interval, timestamptz, timestamptz),
  rowhook.commit_snapshot(text, timestamptz, text, text, text, text, uuid, text),
  rowhook.delivery_ids(uuid, uuid, text[], timestamptz, timestamptz, timestamptz, bigint, uuid, text, text, int, int),
  rowhook.delivery_page(uuid, uuid, text[], timestamptz, timestamptz, timestamptz, bigint, uuid, text, text, int, int),
  rowhook.emit_jobs(uuid[], boolean, timestamptz),
  rowhook.end_of_slice(text, timestamptz, int),
  rowhook.first_attempt_at(numeric[]),
  rowhook.fit_event(),
  rowhook.heal_commits(text[]),
  rowhook.heal_since(text, interval),
  rowhook.initial_state(text, numeric[]),
  rowhook.job_gaps(interval, timestamptz, timestamptz),
  rowhook.latest_since(text, int),
  rowhook.tally(uuid, uuid, text[], timestamptz, timestamptz, uuid, text, text, int, int);
drop table if exists rowhook.capture_source;

-- Before heal's window was independent of the retention.
drop function if exists
  rowhook.heal_since(rowhook.source, interval),
  rowhook.heal_source(text, interval, int),
  rowhook.move_completions(text, text[], timestamptz[]);

-- When attempts were one table with complete requests.
drop function if exists rowhook.keep_attempt_days(interval), rowhook.record(json);

-- Renamed, and called only by other functions.
drop function if exists
  rowhook.constant_of(jsonb, text),
  rowhook.count_waiting(text[], int),
  rowhook.day_of(uuid),
  rowhook.enqueue_sql(text),
  rowhook.failed(uuid, uuid, text[], timestamptz, int),
  rowhook.gates(uuid[]),
  rowhook.goes_to_the_end(text, bigint),
  rowhook.held(bigint[], bigint[]),
  rowhook.holds(json, text[]),
  rowhook.is_owned(rowhook.source),
  rowhook.keep_frames(json),
  rowhook.lanes(uuid, uuid, int, uuid[], timestamptz[]),
  rowhook.last_placed(text),
  rowhook.mentions(text, text[]),
  rowhook.move_missed(rowhook.source, text[]),
  rowhook.name_of(uuid),
  rowhook.newest_ids(text[], timestamptz, timestamptz, timestamptz, bigint, text, int, int),
  rowhook.no_column(regclass, text, text),
  rowhook.note_history(rowhook.source, timestamptz, text[], timestamptz),
  rowhook.note_steered(text, bigint[], json),
  rowhook.put_in_order(uuid, int),
  rowhook.reap(uuid, interval),
  rowhook.require_nobody(),
  rowhook.rotation(uuid, int, uuid[], timestamptz[]),
  rowhook.searched_sql(rowhook.source),
  rowhook.sees(uuid),
  rowhook.sign_of_copy(rowhook.installation),
  rowhook.take_over(rowhook.source, text[]),
  rowhook.tallied(json, boolean),
  rowhook.tell(uuid, text, text),
  rowhook.unseen_sql(rowhook.source, text, text),
  rowhook.untimed_since(rowhook.source),
  rowhook.weigh(uuid, int, int, double precision, int);

-- Before a claim registered its worker as asleep, and visited lane by lane.
drop function if exists
  rowhook.claim_batch(uuid, int, int, uuid, interval, boolean, uuid[], timestamptz[]),
  rowhook.lane_capacity(uuid[]),
  rowhook.next_lanes(uuid, int, uuid[], timestamptz[]);

-- Before webhooks had external ids, and organizations quotas.
drop function if exists
  rowhook.visit_lane(uuid, int, timestamptz),
  rowhook.webhook_page(uuid, uuid, text, text, uuid, timestamptz, uuid, int, text);

-- Before attempts were counted.
drop function if exists rowhook.last_day_stats(uuid);

-- Before organizations had a quota of bytes.
drop function if exists
  rowhook.set_quota(uuid, int, numeric),
  rowhook.spend_quota(uuid, double precision);

-- Before a claim returned its rows in a statement of its own, and heal left out searches without a range.
drop function if exists
  rowhook.gap_sql(rowhook.source),
  rowhook.take(tid[], uuid, interval);

-- Before waiting deliveries were counted by status, and events of rare types had an index.
drop function if exists
  rowhook.few_deliveries_wait(),
  rowhook.ids_of_rare_events(uuid, text[], timestamptz, timestamptz, timestamptz, bigint, text, int, int);

-- Before a batch of delivered results had a statement of its own.
drop function if exists rowhook.record(json, json);

-- Before watermarks had ids and tokens.
drop function if exists
  rowhook.claim_batch(uuid, int, int, uuid, interval, boolean, uuid[], timestamptz[], bigint[], boolean),
  rowhook.lane_capacity(uuid),
  rowhook.lock_ready(uuid, int, int, timestamptz),
  rowhook.next_due_at(),
  rowhook.promote(),
  rowhook.ready_lanes(uuid, uuid, int, uuid[], timestamptz[]),
  rowhook.ready_lanes(uuid, uuid, int, uuid[], timestamptz[], bigint[]),
  rowhook.visit_lane(uuid, int, timestamptz, boolean);

-- Before lists and counts of all organizations asked them too.
drop function if exists
  rowhook.few_deliveries_failed(),
  rowhook.rare_waiting_statuses();
