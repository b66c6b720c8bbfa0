"""Who may do what in the schema (CONTRACT.md, 1 and 3). An object without a rule fails the matrix.

Tables: role → letters of select, insert, update, delete; what is not named is refused.
"""

from __future__ import annotations

ROLES = ("producer", "reader", "operator", "worker", "api")
Rights = dict[str, str]

_PLATFORM: Rights = {"producer": "siu", "worker": "s", "api": "s"}
_SHOWN: Rights = {"reader": "s", "operator": "s", "worker": "s"}
_SHOWN_TO_API: Rights = {"worker": "s", "api": "s"}
_MANAGED: Rights = {"worker": "s", "api": "siud"}
_ENGINE: Rights = {"worker": "s"}
_ATTEMPTS: Rights = {"worker": "si", "api": "s"}

TABLES: dict[str, Rights] = {
    **dict.fromkeys(
        ("organization", "agent", "agent_version", "job", "goal", "session", "commit"), _PLATFORM
    ),
    **dict.fromkeys(("delivery", "webhook_health", "capture_gap"), _SHOWN),
    **dict.fromkeys(
        ("api_delivery", "shown_delivery", "audit", "webhook_revision"),
        _SHOWN_TO_API,
    ),
    **dict.fromkeys(
        ("link", "secret", "webhook_secret", "signing_secret", "api_key", "idempotent_request",
         "test_allowance"), _MANAGED,
    ),
    **dict.fromkeys(
        ("migration", "source", "capture_error", "attempt_default",
         "attempt_row_(day)", "exchange_(day)", "failed_exchange_(day)",
         "sign_in", "installation", "schema_line", "removed_event"),
        _ENGINE,
    ),
    "retention": {"worker": "s", "operator": "s"},
    "webhook": {"worker": "su", "api": "siud"},
    "event": {"worker": "si", "api": "si"},
    **dict.fromkeys(
        ("attempt", "attempt_row", "exchange", "failed_exchange", "request_frame"),
        _ATTEMPTS,
    ),
    "attempt_archive": {"worker": "s", "api": "s"},
    "outbox": {"worker": "siu", "operator": "s", "api": "s"},
    "chore": {"worker": "siud"},
    "worker": {"worker": "siud", "api": "s"},
    "lane_state": {"worker": "siud", "api": "s"},
    "callback": {"worker": "siu", "api": "s"},
    "keyring_check": {"worker": "si", "api": "si"},
}  # fmt: skip

# The only columns that may be updated where the table may not.
COLUMNS: dict[tuple[str, str], set[str]] = {
    ("operator", "outbox"): {"status"},
    ("operator", "retention"): {"keep"},
    ("worker", "request_frame"): {"used_on"},
    ("api", "outbox"): {"status"},
    ("api", "keyring_check"): {"sealed"},
}

# Letters of usage, select, update.
_COUNTED: Rights = {"worker": "u"}
_REGISTER: Rights = {"worker": "usw"}
SEQUENCES: dict[str, Rights] = {
    "asleep": _REGISTER, "awake": _REGISTER, "event_id": {"worker": "u", "api": "u"},
    "audit_id_seq": _COUNTED, "capture_error_id_seq": _COUNTED, "link_id_seq": _COUNTED,
    "outbox_id_seq": _COUNTED, "request_frame_id_seq": _COUNTED,
    "token": {"worker": "u", "api": "s"},
}  # fmt: skip

_STEERING = "operator api"
# Besides the worker, who may run every other function: under its own rights on the tables.
NOT_THE_WORKER = frozenset({
    "sign_in", "open_sign_in", "signed_in", "sign_out", "adopt", "record_installation",
})  # fmt: skip
FUNCTIONS: dict[str, str] = {
    # what any person may ask of the engine
    **dict.fromkeys(
        ("status", "delivery_counts", "workers", "diagnosis", "gauges", "retention_plan",
         "retention_report", "storage_report"), "reader operator api",
    ),
    "gaps": "reader operator",
    **dict.fromkeys(
        ("retry", "cancel", "replay", "resend", "resend_at_rate", "note_steered", "note",
         "adopt"),
        _STEERING,
    ),
    **dict.fromkeys(
        ("pause", "resume", "heal", "validate_commit", "set_retention", "retain_batch",
         "remove_leftovers", "retention_kinds"), "operator",
    ),
    # the API's
    **dict.fromkeys(
        ("create_webhook", "change_webhook", "delete_webhook", "webhook_page", "set_state",
         "revision_of", "revision_page", "rotate_signing_secret", "use_secrets", "put_secret",
         "secret_version", "secret_hosts", "secrets_of", "delete_secret", "secret_users",
         "secret_page", "link_agent", "link_goal", "unlink", "links_of", "link_page", "enter",
         "sees", "admit", "require_nobody", "sign_in", "open_sign_in", "signed_in", "sign_out",
         "unknown", "parse_uuid", "identify_organization", "identify_agent", "webhook_owner",
         "organization_platform_id", "agent_platform_id", "with_platform_ids", "create_key",
         "delete_key", "key_page", "begin_request", "end_request", "allow_test", "rfc3339",
         "json_number", "json_text", "event_snapshot", "readable_time",
         "sample_job", "sample_commit",
         "place", "settled_before", "check_installation", "epoch_is_due", "raise_epoch",
         "move_event_batch",
         "suspension", "advice_for_copy",
         "proposed_commit", "make_commit", "session_page", "begin_test",
         "session_owner", "callback_place", "callback_page", "callbacks_written",
         "audit_page", "delivery_ids", "delivery_page", "delivery_of", "attempts_of",
         "request_as_sent", "json_content", "event_part",
         "organization_page", "webhook_names",
         "agent_page", "goal_page", "event_feed", "stats", "series",
         "mentions", "event_of", "recent_events", "sample_event", "system", "worker_list",
         "mark", "left_of",
         "tally", "tallied", "failed", "failures", "worst_webhooks", "name_of", "health_of",
         "standing_of",
         "day_of", "last_error_of", "oldest_waiting", "count_stuck", "keyring_check",
         "sealed_elsewhere", "sealed_page", "reseal"), "api",
    ),
    # the engine's own
    **dict.fromkeys(
        ("applied_migrations", "note_migration", "role_names", "role_prefix", "beat", "leave",
         "claim", "lanes", "rotation", "promote", "count_lost_claims", "lose", "reap",
         "fall_asleep", "wake", "wake_up", "held", "record", "is_anyone_asleep", "renew",
         "release", "disown", "event_body", "configuration", "delay_after", "jittered",
         "note_capture_error", "retain", "keep_frames", "partition_name",
         "partition_day", "day_begin", "has_partitions", "make_partition", "make_partitions",
         "require_partitions", "recordable_time", "expired_partitions", "lock_holders_of",
         "drop_expired_partition", "drop_next_partition", "partition_cutoffs",
         "expired_days", "oldest_day", "sweep", "gates", "put_in_order",
         "weigh", "judge", "tell", "holds", "stage",
         "goes_to_the_end", "last_place", "last_placed", "place_callbacks", "place_waiting",
         "replace_unwritten",
         "disable", "xid_of", "fingerprint",
         "sign_of_copy", "lock_installation", "record_installation", "highest_xid", "may_send",
         "newest_restored_event", "last_event_to_keep", "move_events", "require_event_lock",
         "end_migration", "is_state_kept", "define_policies", "define_trigger", "schema_state",
         "keep_definitions", "schema_differences",
         "apply_retention_settings", "begin_retention", "check_retention", "count_audit",
         "count_capped",
         "count_events", "count_text", "reject_kind", "remove_deliveries", "remove_events",
         "retain_audit", "retain_errors", "retain_events", "retain_finished", "retain_held",
         "retain_revisions", "retain_secrets", "retention_findings", "retention_query",
         "revisions_before", "stored_bodies"), "",
    ),
    # sources: the owner calls watch_…, the engine the rest
    **dict.fromkeys(
        ("add_agent", "add_goal", "add_organization", "agent_of", "agent_sql", "allowed_values",
         "base_type",
         "begin_pass", "can_heal", "capture_definition", "capture_name", "capture_settings",
         "capture_sql", "check_fields", "check_mapping", "check_status_map", "check_table",
         "column_expression", "column_type", "commit_capture_body", "commits_sql",
         "constant_expression", "constant_of", "delete_entity", "enqueue_sql",
         "entity_capture_sql", "entity_fields", "field_expression", "fill_template",
         "final_statuses", "find_history", "find_table", "gap_sql", "gaps_of", "has_unique_id",
         "heal_column", "heal_pass", "heal_since", "heal_source", "heal_window", "hides_rows",
         "insert_parts",
         "insert_sql", "install_capture", "install_triggers", "is_built_in", "is_capture_current",
         "is_captured_later", "is_healing",
         "is_owned", "move_missed", "job_capture_body", "job_conditions", "jobs_sql",
         "mapping_fault", "missed_ids", "missed_sql", "moment_parts", "move_completions",
         "moved_commits_sql", "newest_gaps", "no_column", "note_history", "nth_time",
         "organization_of", "platform_tables",
         "read_time", "read_uuid", "recapture", "recapture_sql", "reject_mapping", "retry_capture",
         "retry_captures", "searched_sql", "source_drift", "source_list", "source_parts",
         "status_values",
         "table_columns", "take_over", "text_expression", "time_field", "trace_until",
         "trigger_events",
         "unseen_sql", "untimed_since", "unwatch", "upsert_agent", "upsert_call", "upsert_goal",
         "upsert_organization", "upsert_session", "watch", "watch_agents", "watch_commits",
         "watch_goals", "watch_jobs", "watch_organizations", "watch_sessions",
         "without_open_errors"), "",
    ),
    # triggers
    **dict.fromkeys(
        ("capture_job", "capture_commit", "fill_completed_at", "fit_delivery", "describe_link",
         "describe_links", "fit_retention", "guard_outbox", "keep_revision", "number_revision",
         "note_change", "spread_secret", "insert_attempt"), "",
    ),
}  # fmt: skip

# What nobody but the owner may do, whatever else is granted.
FORBIDDEN = (
    "create table rowhook.mine ()",
    "create function rowhook.mine() returns int language sql return 1",
    "create view rowhook.mine as select 1",
    "alter table rowhook.outbox disable trigger guard_outbox",
    "alter table rowhook.job disable trigger all",
    "alter table rowhook.secret disable row level security",
    "alter table rowhook.commit alter data set default '1'",
    "alter function rowhook.capture_job() set search_path = public",
    "create or replace function rowhook.wake() returns void language sql return null",
    "create trigger mine before insert on rowhook.commit execute function rowhook.note_change()",
    "create rule mine as on insert to rowhook.commit do instead nothing",
    "create policy mine on rowhook.secret using (true)",
    "create event trigger mine on ddl_command_end execute function rowhook.capture_job()",
    "truncate rowhook.outbox",
    "truncate rowhook.commit",
    "drop table rowhook.job cascade",
    "drop schema rowhook cascade",
    "lock table rowhook.event in access exclusive mode",
    "reindex table rowhook.outbox",
    "set session_replication_role = replica",
    "set session authorization rowhook_worker",
    "alter role rowhook_producer superuser",
    "grant rowhook_worker to rowhook_reader",
    "copy rowhook.secret to program 'true'",
    "select pg_read_file('/etc/passwd')",
    "select lo_import('/etc/passwd')",
    "select rolpassword from pg_authid",
)
