-- Functions and views that no longer exist. Applied after all other functions.
--
-- What this file lists was removed from the files one release ago. During a deploy, workers of the
-- release before are still running, and they may still call what is removed now. So in the release
-- that stops using a function, only its definition goes; its drop is added here in the next one.
-- What only other functions of ours called goes at once. A changed signature is a new function: drop
-- the old one by its full argument list, at once where a call could mean either.

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

-- The capture of two built-in tables, before every table could be a source.
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

-- Heal looks back for the same time whatever the retention is, and moved times are followed after it.
drop function if exists
  rowhook.heal_since(rowhook.source, interval),
  rowhook.heal_source(text, interval, int),
  rowhook.move_completions(text, text[], timestamptz[]);

-- Attempts in one table, each with its whole request.
drop function if exists rowhook.keep_attempt_days(interval), rowhook.record(json);
