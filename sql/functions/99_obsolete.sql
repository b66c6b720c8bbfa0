-- Functions and views that no longer exist. Applied after all other functions.
--
-- What this file lists was removed from the files one release ago. During a deploy, workers of the
-- release before are still running, and they may still call what is removed now. So in the release
-- that stops using a function, only its definition goes; its drop is added here in the next one.
-- A changed signature is a new function: drop the old one by its full argument list.

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
