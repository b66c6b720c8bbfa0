"""The only door to the database: one function for each SQL function, of the same name.

It never assembles SQL and never decides; it turns rows into the nouns of a delivery.
"""

from rowhook.postgres.admit import (
    Begun,
    KeyRow,
    admit,
    allow_test,
    audit_page,
    begin_request,
    create_key,
    delete_key,
    end_request,
    key_page,
    session_owner,
    unknown,
)
from rowhook.postgres.callback import (
    Callback,
    callback_page,
    callback_place,
    callbacks_written,
    place_waiting,
    stage,
)
from rowhook.postgres.configure import (
    RevisionMoved,
    SealedSecret,
    change_webhook,
    create_webhook,
    delete_webhook,
    keyring_check,
    revision_of,
    revision_page,
    rotate_signing_secret,
    secrets_of,
    set_state,
)
from rowhook.postgres.connect_error import Cause, ConnectionFailed, cause_of, reason
from rowhook.postgres.connection import (
    Denied,
    DsnRejected,
    Entry,
    Failed,
    Refused,
    Source,
    StillReferenced,
    TookTooLong,
    Unreachable,
    Unstorable,
    check_dsn,
    deadline,
    documents,
    login_and_database,
    records,
    rows,
    run_script,
    value,
    without_password,
)
from rowhook.postgres.engine import (
    Claimed,
    Sleep,
    beat,
    claim,
    disown,
    event_body,
    fall_asleep,
    heal,
    is_healing,
    judge,
    leave,
    lose,
    record,
    release,
    renew,
    sweep,
    wake_up,
)
from rowhook.postgres.identify import (
    identify_agent,
    identify_organization,
    organization_platform_id,
    webhook_owner,
)
from rowhook.postgres.inspect import (
    Gauges,
    deliveries,
    diagnosis,
    gauges,
    status,
    webhook_health,
    workers,
)
from rowhook.postgres.installation import (
    Checked,
    Locked,
    Suspension,
    adopt,
    begin_epoch,
    check_installation,
    move_event_batch,
    raise_epoch,
    suspension,
    until_unlocked,
)
from rowhook.postgres.link import (
    LinkRow,
    link_agent,
    link_goal,
    link_page,
    links_of,
    unlink,
)
from rowhook.postgres.listener import Listener
from rowhook.postgres.listing import (
    STATUSES,
    DeliveryFilter,
    agent_page,
    delivery_of,
    delivery_page,
    event_feed,
    event_of,
    goal_page,
    organization_page,
    recent_events,
    session_page,
    stats,
    webhook_names,
    webhook_page,
)
from rowhook.postgres.migration import (
    Difference,
    applied_migrations,
    brief_locks,
    define_policies,
    define_trigger,
    end_migration,
    is_state_kept,
    keep_definitions,
    lock_session,
    note_migration,
    prepare_partitions,
    schema_differences,
    stored_role_prefix,
)
from rowhook.postgres.numbers import (
    failures,
    health_of,
    left_of,
    mark,
    series,
    standing_of,
    tally,
    worst_webhooks,
)
from rowhook.postgres.pool import Pool, connect, open_pool
from rowhook.postgres.rekey import (
    Kind,
    SealedRow,
    note,
    reseal,
    sealed_elsewhere,
    sealed_page,
)
from rowhook.postgres.retention import (
    StoredBodies,
    apply_retention_settings,
    drop_next_partition,
    make_partitions,
    remove_leftovers,
    retain_batch,
    retention_kinds,
    stored_bodies,
)
from rowhook.postgres.secret import (
    delete_secret,
    put_secret,
    secret_hosts,
    secret_page,
    secret_users,
    secret_version,
)
from rowhook.postgres.sign_in import SignedIn, open_sign_in, sign_in, sign_out, signed_in
from rowhook.postgres.sources import (
    WatchedTable,
    check_mapping,
    find_table,
    platform_tables,
    status_values,
    table_columns,
    unwatch,
    watch,
    watched_tables,
)
from rowhook.postgres.steer import (
    cancel,
    replay,
    retry,
)
from rowhook.postgres.system import system, worker_list
from rowhook.postgres.trial import (
    AnotherGoals,
    ProposedRow,
    begin_test,
    make_commit,
    proposed_commit,
    sample_commit,
    sample_event,
    sample_job,
)

__all__ = [
    "STATUSES", "AnotherGoals", "Begun", "Callback", "Cause", "Checked", "Claimed",
    "ConnectionFailed", "DeliveryFilter", "Denied", "Difference", "DsnRejected", "Entry", "Failed",
    "Gauges", "KeyRow", "Kind", "LinkRow", "Listener", "Locked", "Pool", "ProposedRow", "Refused",
    "RevisionMoved", "SealedRow", "SealedSecret", "SignedIn", "Sleep", "Source", "StillReferenced",
    "StoredBodies", "Suspension", "TookTooLong", "Unreachable", "Unstorable", "WatchedTable",
    "admit", "adopt", "agent_page", "allow_test", "applied_migrations", "apply_retention_settings",
    "audit_page", "beat", "begin_epoch", "begin_request", "begin_test", "brief_locks",
    "callback_page", "callback_place", "callbacks_written", "cancel", "cause_of", "change_webhook",
    "check_dsn", "check_installation", "check_mapping", "claim", "connect", "create_key",
    "create_webhook", "deadline", "define_policies", "define_trigger", "delete_key",
    "delete_secret", "delete_webhook", "deliveries", "delivery_of", "delivery_page", "diagnosis",
    "disown", "documents", "drop_next_partition", "end_migration", "end_request", "event_body",
    "event_feed", "event_of", "failures", "fall_asleep", "find_table", "gauges", "goal_page",
    "heal", "health_of", "identify_agent", "identify_organization", "is_healing", "is_state_kept",
    "judge", "keep_definitions", "key_page", "keyring_check", "leave", "left_of", "link_agent",
    "link_goal", "link_page", "links_of", "lock_session", "login_and_database", "lose",
    "make_commit", "make_partitions", "mark", "move_event_batch", "note", "note_migration",
    "open_pool", "open_sign_in", "organization_page", "organization_platform_id", "place_waiting",
    "platform_tables", "prepare_partitions", "proposed_commit", "put_secret", "raise_epoch",
    "reason", "recent_events", "record", "records", "release", "remove_leftovers", "renew",
    "replay", "reseal", "retain_batch", "retention_kinds", "retry", "revision_of", "revision_page",
    "rotate_signing_secret", "rows", "run_script", "sample_commit", "sample_event", "sample_job",
    "schema_differences", "sealed_elsewhere", "sealed_page", "secret_hosts", "secret_page",
    "secret_users", "secret_version", "secrets_of", "series", "session_owner", "session_page",
    "set_state", "sign_in", "sign_out", "signed_in", "stage", "standing_of", "stats", "status",
    "status_values", "stored_bodies", "stored_role_prefix", "suspension", "sweep", "system",
    "table_columns", "tally", "unknown", "unlink", "until_unlocked", "unwatch", "value", "wake_up",
    "watch", "watched_tables", "webhook_health", "webhook_names", "webhook_owner", "webhook_page",
    "without_password", "worker_list", "workers", "worst_webhooks",
]  # fmt: skip
