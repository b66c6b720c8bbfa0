-- Privileges. Anything not named here is not granted to Rowhook's roles or to public. Applied whole,
-- in the transaction that replaces functions and views; it locks no table.

revoke all on schema rowhook
  from public, rowhook_producer, rowhook_reader, rowhook_operator, rowhook_worker, rowhook_api;
revoke all on all tables in schema rowhook
  from public, rowhook_producer, rowhook_reader, rowhook_operator, rowhook_worker, rowhook_api;
revoke all on all functions in schema rowhook
  from public, rowhook_producer, rowhook_reader, rowhook_operator, rowhook_worker, rowhook_api;
revoke all on all sequences in schema rowhook
  from public, rowhook_producer, rowhook_reader, rowhook_operator, rowhook_worker, rowhook_api;
grant usage on schema rowhook
  to rowhook_producer, rowhook_reader, rowhook_operator, rowhook_worker, rowhook_api;

grant select, insert, update
  on rowhook.organization, rowhook.agent, rowhook.agent_version, rowhook.job, rowhook.goal,
     rowhook.session, rowhook.commit
  to rowhook_producer;

grant select on rowhook.delivery, rowhook.webhook_health, rowhook.capture_gap
  to rowhook_reader, rowhook_operator, rowhook_worker;
-- The functions that the view webhook_health calls.
grant execute on function
    rowhook.health_word(text, text, int, bigint, bigint, bigint),
    rowhook.minute_of(timestamptz), rowhook.quarter_of(timestamptz), rowhook.last_day_start(), rowhook.recent_start()
  to rowhook_reader, rowhook_operator, rowhook_worker, rowhook_api;
grant execute on function rowhook.gaps(interval, timestamptz, timestamptz)
  to rowhook_reader, rowhook_operator, rowhook_worker;

grant select, update (status) on rowhook.outbox to rowhook_operator;
grant select, update (keep) on rowhook.retention to rowhook_operator;
grant execute on function
    rowhook.retry(bigint[]), rowhook.cancel(bigint[]),
    rowhook.replay(uuid, timestamptz, timestamptz, text[], boolean, numeric),
    rowhook.resend(bigint[]), rowhook.resend_at_rate(bigint[], numeric),
    rowhook.audit_deliveries(text, bigint[], json),
    rowhook.pause(uuid), rowhook.resume(uuid), rowhook.heal(interval),
    rowhook.set_retention(text, interval), rowhook.retention_kinds(), rowhook.retain_batch(text, int, boolean, boolean),
    rowhook.remove_leftovers(int),
    rowhook.validate_commit(text, json, json),
    rowhook.write_audit(uuid, text, text, json, json), rowhook.adopt(boolean)
  to rowhook_operator;

grant usage on all sequences in schema rowhook to rowhook_worker;
grant select, update on sequence rowhook.asleep, rowhook.awake to rowhook_worker;
grant select on all tables in schema rowhook to rowhook_worker;
grant insert, update on rowhook.outbox, rowhook.worker to rowhook_worker;
grant insert on
    rowhook.attempt, rowhook.attempt_row, rowhook.exchange, rowhook.failed_exchange, rowhook.request_frame,
    rowhook.event, rowhook.attempt_delta
  to rowhook_worker;
grant update (used_on) on rowhook.request_frame to rowhook_worker;
grant insert, update, delete on rowhook.chore, rowhook.lane_state to rowhook_worker;
grant insert, update on rowhook.callback to rowhook_worker;
grant update on rowhook.webhook to rowhook_worker;
grant insert on rowhook.keyring_check to rowhook_worker;
grant delete on rowhook.worker to rowhook_worker;
grant execute on all functions in schema rowhook to rowhook_worker;
-- A worker may suspend a copy, but not end the suspension.
revoke execute on function rowhook.adopt(boolean), rowhook.record_installation() from rowhook_worker;
-- Only operators set quotas and erase organizations.
revoke execute on function
    rowhook.set_quotas(uuid, jsonb), rowhook.erase_configuration(uuid), rowhook.erase_batch(uuid, int),
    rowhook.end_erasure(uuid, json)
  from rowhook_worker;
-- These functions would make their caller an operator.
revoke execute on function
    rowhook.sign_in(bytea, boolean, bytea, timestamptz), rowhook.open_sign_in(bytea, bytea, timestamptz),
    rowhook.signed_in(bytea), rowhook.sign_out(bytea),
    rowhook.portal_access(bytea), rowhook.open_portal_link(bytea, bytea, timestamptz), rowhook.end_portal_session(bytea)
  from rowhook_worker;

-- The API, under the policies of sql/policies.sql. It may only read the platform's tables.
grant select on
    rowhook.organization, rowhook.agent, rowhook.agent_version, rowhook.goal, rowhook.session,
    rowhook.job, rowhook.commit, rowhook.event, rowhook.outbox, rowhook.callback, rowhook.attempt, rowhook.audit,
    rowhook.attempt_row, rowhook.attempt_archive, rowhook.exchange, rowhook.failed_exchange, rowhook.request_frame,
    rowhook.worker, rowhook.lane_state, rowhook.api_delivery, rowhook.shown_delivery,
    rowhook.attempt_delta, rowhook.attempt_minute, rowhook.attempt_quarter, rowhook.attempts_by_minute, rowhook.attempts_by_quarter,
    rowhook.organization_minute, rowhook.organization_quarter,
    rowhook.keyring_check
  to rowhook_api;
grant select, insert, update, delete on
    rowhook.webhook, rowhook.link, rowhook.secret, rowhook.webhook_secret, rowhook.signing_secret,
    rowhook.api_key, rowhook.idempotent_request, rowhook.test_allowance
  to rowhook_api;
grant select, insert, delete on rowhook.portal_session to rowhook_api;
grant select, insert, update on rowhook.alert_threshold to rowhook_api;
grant select on rowhook.webhook_revision, rowhook.organization_quota to rowhook_api;
grant update (tokens, refilled_at, bytes_used, bytes_used_on) on rowhook.organization_quota to rowhook_worker;
grant insert on rowhook.event, rowhook.keyring_check to rowhook_api;
grant update (status) on rowhook.outbox to rowhook_api;
grant update (sealed) on rowhook.keyring_check to rowhook_api;
grant usage on sequence rowhook.event_id to rowhook_api;
grant select on sequence rowhook.token to rowhook_api;
grant execute on function
    rowhook.retry(bigint[]), rowhook.cancel(bigint[]),
    rowhook.replay(uuid, timestamptz, timestamptz, text[], boolean, numeric),
    rowhook.resend(bigint[]), rowhook.resend_at_rate(bigint[], numeric),
    rowhook.audit_deliveries(text, bigint[], json),
    rowhook.create_webhook(json, uuid, uuid, text[], bytea), rowhook.check_webhook_quota(uuid),
    rowhook.organization_details(uuid), rowhook.quota_document(rowhook.organization_quota),
    rowhook.bytes_today(rowhook.organization_quota), rowhook.bytes_resume_at(), rowhook.quota_day(),
    rowhook.set_quotas(uuid, jsonb), rowhook.require_operator(),
    rowhook.erase_configuration(uuid), rowhook.erase_batch(uuid, int), rowhook.has_events(uuid), rowhook.end_erasure(uuid, json),
    rowhook.change_webhook(json, uuid, uuid, text[], int), rowhook.use_secrets(uuid, uuid, text[]),
    rowhook.delete_webhook(uuid), rowhook.set_state(uuid, text),
    rowhook.revision_of(uuid, int), rowhook.revision_page(uuid, int, int),
    rowhook.rotate_signing_secret(uuid, uuid, int, bytea, interval),
    rowhook.put_secret(uuid, text, int, bytea, text[]), rowhook.secret_version(uuid, text),
    rowhook.secret_hosts(uuid, text[]), rowhook.secrets_of(uuid), rowhook.delete_secret(uuid, text),
    rowhook.secret_users(uuid, text), rowhook.secret_page(uuid, text, int),
    rowhook.alert_thresholds(uuid), rowhook.set_alert_thresholds(uuid, int, int, int), rowhook.change_alert_thresholds(uuid, jsonb),
    rowhook.alert_webhooks(uuid, int),
    rowhook.link_agent(uuid, uuid), rowhook.link_goal(uuid, text), rowhook.unlink(uuid, uuid, text),
    rowhook.links_of(uuid), rowhook.link_page(uuid, bigint, int), rowhook.find_link_targets(uuid, text[], text[]),
    rowhook.set_tenant(uuid, text), rowhook.can_see(uuid), rowhook.authenticate(bytea),
    rowhook.reject_api_role(), rowhook.sign_in(bytea, boolean, bytea, timestamptz),
    rowhook.open_sign_in(bytea, bytea, timestamptz), rowhook.signed_in(bytea), rowhook.sign_out(bytea),
    rowhook.create_portal_link(uuid, text[], json, text, bytea, bytea, timestamptz), rowhook.portal_access(bytea),
    rowhook.open_portal_link(bytea, bytea, timestamptz), rowhook.end_portal_session(bytea),
    rowhook.first_missing(uuid, uuid, text, bigint, uuid, uuid, text),
    rowhook.parse_uuid(text), rowhook.identify_organization(text), rowhook.identify_agent(uuid, text),
    rowhook.webhook_owner(uuid), rowhook.organization_platform_id(uuid), rowhook.agent_platform_id(uuid),
    rowhook.with_platform_ids(json),
    rowhook.create_key(uuid, text, bytea, text[], timestamptz), rowhook.delete_key(uuid),
    rowhook.key_page(uuid, uuid, int),
    rowhook.begin_request(text, text, bytea), rowhook.end_request(text, text, bytea),
    rowhook.allow_test(uuid, int, int), rowhook.rfc3339(timestamptz), rowhook.event_snapshot(rowhook.event), rowhook.readable_time(timestamptz),
    rowhook.json_text(text), rowhook.json_number(text), rowhook.sample_job(uuid, uuid), rowhook.sample_commit(uuid, text),
    rowhook.proposed_commit(text, text, text), rowhook.make_commit(text, text, text, json, text),
    rowhook.session_owner(text), rowhook.session_page(text, bigint, int), rowhook.callback_place(text, bigint, int),
    rowhook.callback_page(text, bigint, int), rowhook.callbacks_written(text, bigint),
    rowhook.begin_test(uuid, text, uuid, text, json, json, json, bigint), rowhook.write_audit(uuid, text, text, json, json),
    rowhook.audit_page(uuid, bigint, int, text, text, text),
    rowhook.delivery_ids(uuid, uuid, text[], timestamptz, timestamptz, timestamptz, bigint, text, text, text, int, int),
    rowhook.delivery_page(uuid, uuid, text[], timestamptz, timestamptz, timestamptz, bigint, text, text, text, int, int),
    rowhook.search_deliveries(
      uuid, uuid, text[], timestamptz, timestamptz, timestamptz, bigint, text, text, text, int, text, int, int, bigint),
    rowhook.deliveries_with_id(uuid, text, int),
    rowhook.delivery_of(bigint), rowhook.attempts_of(bigint), rowhook.request_as_sent(int, json, bigint), rowhook.headers_as_received(int, json),
    rowhook.json_content(text), rowhook.event_part(text, rowhook.event, json),
    rowhook.webhook_page(uuid, uuid, text, text, uuid, timestamptz, uuid, int, text, text),
    rowhook.webhook_names(uuid, uuid, int),
    rowhook.find_objects(text, int), rowhook.search_rank(text, text[]), rowhook.organization_names(text[]), rowhook.names_of_webhooks(uuid[]), rowhook.navigation_counts(int),
    rowhook.contains_text(text, text[]), rowhook.organization_page(uuid, int, text), rowhook.agent_page(uuid, uuid, int, text),
    rowhook.goal_page(uuid, text, int, text),
    rowhook.event_feed(uuid, uuid, text, text[], xid8, bigint, int), rowhook.event_of(bigint),
    rowhook.feed_end(uuid, uuid, text, text[], xid8, bigint, int), rowhook.events_of_type(bigint[], text),
    rowhook.recent_events(uuid, uuid, uuid, text, int), rowhook.sample_event(uuid, bigint),
    rowhook.stats(uuid, interval), rowhook.oldest_waiting(uuid), rowhook.count_stuck(uuid), rowhook.attempt_series(uuid, uuid, interval, int),
    rowhook.webhooks_of(uuid, uuid), rowhook.window_counts(uuid[], interval, timestamptz, interval),
    rowhook.organization_counts(uuid, interval, timestamptz, interval), rowhook.newest_latency(timestamptz, int),
    rowhook.latency_percentiles(uuid[], timestamptz, int), rowhook.attempts_by_class(bigint, bigint, bigint, bigint, bigint, bigint, bigint),
    rowhook.count_step(interval), rowhook.window_start(interval),
    rowhook.last_failed_delivery(uuid), rowhook.newest_failure(uuid, text[]),
    rowhook.watermark(), rowhook.replay_remaining(uuid, timestamptz, timestamptz, bigint, bigint, int),
    rowhook.count_by_status(uuid, uuid, text[], timestamptz, timestamptz, text, text, text, int, int), rowhook.status_counts(json, boolean), rowhook.count_waiting(text[], int, uuid, timestamptz, timestamptz), rowhook.failing_webhooks(),
    rowhook.newest_ids(text[], timestamptz, timestamptz, timestamptz, bigint, text, int, int, uuid),
    rowhook.last_id_before(timestamptz), rowhook.creation_after(bigint), rowhook.clock_set_back_by(), rowhook.has_many_webhooks(uuid),
    rowhook.scan_ids(uuid, text[], timestamptz, timestamptz, timestamptz, bigint, text, int, int, int),
    rowhook.ids_of_rare_events(uuid, text[], timestamptz, timestamptz, timestamptz, bigint, text, int, int, uuid),
    rowhook.newest_of_type(uuid, uuid, text[], timestamptz, timestamptz, timestamptz, bigint, text, int, int),
    rowhook.scan_counts(uuid, timestamptz, timestamptz, text, int, int), rowhook.count_since(uuid, text[], timestamptz),
    rowhook.count_ended(text[], timestamptz, timestamptz, int), rowhook.rare_waiting_statuses(boolean), rowhook.count_many_since(uuid, text[], timestamptz), rowhook.pending_of_webhooks(uuid, timestamptz), rowhook.count_all_waiting(text[], timestamptz, timestamptz, int), rowhook.few_deliveries_ended(), rowhook.undelivered_ends(),
    rowhook.organization_latency(uuid, timestamptz, int), rowhook.few_deliveries_failed(boolean),
    rowhook.failed_counts(uuid[], text[], timestamptz, int),
    rowhook.failed_deliveries(uuid, uuid, text[], timestamptz, int), rowhook.failures(uuid, uuid, timestamptz, int, int),
    rowhook.worst_webhooks(uuid, text[], interval, int, int), rowhook.webhook_name(uuid),
    rowhook.system(), rowhook.worker_list(), rowhook.health_of(uuid[]), rowhook.sending_state(uuid), rowhook.last_error_of(uuid),
    rowhook.keyring_check(bytea), rowhook.place(xid8, int), rowhook.settled_before(),
    rowhook.check_installation(), rowhook.epoch_is_due(), rowhook.move_event_batch(bigint), rowhook.raise_epoch(), rowhook.suspension(),
    rowhook.copy_advice(), rowhook.adopt(boolean),
    rowhook.count_older_seals(bytea), rowhook.sealed_page(text, bytea, text, text, int),
    rowhook.reseal(text, text[], text[], bytea[], bytea[])
  to rowhook_api;
-- Previous names: 98_previous_names.sql.
grant execute on function rowhook.note(uuid, text, text, json, json) to rowhook_operator;
grant execute on function
    rowhook.note(uuid, text, text, json, json), rowhook.admit(bytea), rowhook.enter(uuid, text),
    rowhook.unknown(uuid, uuid, text, bigint, uuid, uuid, text),
    rowhook.mark(), rowhook.left_of(uuid, timestamptz, timestamptz, bigint, bigint, int),
    rowhook.tally(uuid, uuid, text[], timestamptz, timestamptz, text, text, text, int, int),
    rowhook.standing_of(uuid), rowhook.sealed_elsewhere(bytea), rowhook.advice_for_copy(),
    rowhook.series(uuid, uuid, interval, int)
  to rowhook_api;
grant execute on function rowhook.status(), rowhook.delivery_counts(), rowhook.workers(), rowhook.diagnosis(), rowhook.metrics(), rowhook.backlog(), rowhook.gauges(),
    rowhook.queue_metrics(int), rowhook.upkeep_metrics(),
    rowhook.retention_plan(), rowhook.retention_report(), rowhook.paused_deliveries(), rowhook.storage_report()
  to rowhook_reader, rowhook_operator, rowhook_api;
