"""What people may ask for: webhooks, links, secrets, deliveries, keys.

Command line, API and dashboard share it. It validates and seals; the database decides what may be
linked, deleted or read.
"""

from rowhook.operations.check import check_webhook
from rowhook.operations.commit import Committed, list_session_deliveries, make_commit
from rowhook.operations.contract import (
    CommitVerdict,
    Proposal,
    commit_example,
    goal_schema,
    goal_tool,
    validate_commit,
)
from rowhook.operations.deliveries import (
    cancel,
    cancel_one,
    delivery_of,
    list_deliveries,
    replay,
    retry,
    retry_one,
)
from rowhook.operations.feed import event_of, list_events, recent_events
from rowhook.operations.held import HeldPreview, HeldPreviews, preview_held
from rowhook.operations.intake import NotReadable, Read, read_document, read_partly
from rowhook.operations.keys import (
    SCOPES,
    Caller,
    NotAdmitted,
    admit,
    create_key,
    delete_key,
    grant_key,
    list_audit,
    list_keys,
)
from rowhook.operations.links import (
    link_agent,
    link_goal,
    links_of,
    list_links,
    unlink_agent,
    unlink_all,
    unlink_goal,
)
from rowhook.operations.numbers import (
    MOST_COUNTED,
    health_of,
    list_failures,
    series,
    standing_of,
    stats,
    tally,
    worst_webhooks,
)
from rowhook.operations.office import (
    Conflict,
    Desk,
    NotFound,
    Office,
    Registry,
    Rejected,
    StillLinked,
    TooMany,
)
from rowhook.operations.patch import WebhookPatch
from rowhook.operations.pickers import (
    MOST_NAMES,
    list_agents,
    list_goals,
    list_organizations,
    webhook_names,
)
from rowhook.operations.preview import Preview, PreviewFault, preview_draft, preview_webhook
from rowhook.operations.rekey import Rekeyed, rekey
from rowhook.operations.rendering import TrialRequest
from rowhook.operations.repeat import (
    Answer,
    InProgress,
    Repeatable,
    begin_request,
    end_request,
)
from rowhook.operations.sample import Sample
from rowhook.operations.secrets import delete_secret, list_secrets, put_secret, secret_hosts
from rowhook.operations.session import SessionToken, admit_session, create_session_token
from rowhook.operations.system import system, workers
from rowhook.operations.trial import Trial, test_webhook
from rowhook.operations.webhooks import (
    change_webhook,
    create_webhook,
    delete_webhook,
    list_revisions,
    list_webhooks,
    patch_webhook,
    restore_webhook,
    revision_of,
    rotate_signing_secret,
    set_state,
    webhook_of,
)

__all__ = [
    "MOST_COUNTED",
    "MOST_NAMES",
    "SCOPES",
    "Answer",
    "Caller",
    "CommitVerdict",
    "Committed",
    "Conflict",
    "Desk",
    "HeldPreview",
    "HeldPreviews",
    "InProgress",
    "NotAdmitted",
    "NotFound",
    "NotReadable",
    "Office",
    "Preview",
    "PreviewFault",
    "Proposal",
    "Read",
    "Registry",
    "Rejected",
    "Rekeyed",
    "Repeatable",
    "Sample",
    "SessionToken",
    "StillLinked",
    "TooMany",
    "Trial",
    "TrialRequest",
    "WebhookPatch",
    "admit",
    "admit_session",
    "begin_request",
    "cancel",
    "cancel_one",
    "change_webhook",
    "check_webhook",
    "commit_example",
    "create_key",
    "create_session_token",
    "create_webhook",
    "delete_key",
    "delete_secret",
    "delete_webhook",
    "delivery_of",
    "end_request",
    "event_of",
    "goal_schema",
    "goal_tool",
    "grant_key",
    "health_of",
    "link_agent",
    "link_goal",
    "links_of",
    "list_agents",
    "list_audit",
    "list_deliveries",
    "list_events",
    "list_failures",
    "list_goals",
    "list_keys",
    "list_links",
    "list_organizations",
    "list_revisions",
    "list_secrets",
    "list_session_deliveries",
    "list_webhooks",
    "make_commit",
    "patch_webhook",
    "preview_draft",
    "preview_held",
    "preview_webhook",
    "put_secret",
    "read_document",
    "read_partly",
    "recent_events",
    "rekey",
    "replay",
    "restore_webhook",
    "retry",
    "retry_one",
    "revision_of",
    "rotate_signing_secret",
    "secret_hosts",
    "series",
    "set_state",
    "standing_of",
    "stats",
    "system",
    "tally",
    "test_webhook",
    "unlink_agent",
    "unlink_all",
    "unlink_goal",
    "validate_commit",
    "webhook_names",
    "webhook_of",
    "workers",
    "worst_webhooks",
]
