"""What people may ask for: webhooks, links, secrets, deliveries, keys.

Command line, API and dashboard share it. It validates and seals; the database decides what may be
linked, deleted or read.
"""

from rowhook.operations.check import check_webhook
from rowhook.operations.commit import Committed, list_session_deliveries, make_commit
from rowhook.operations.contract import (
    CommitVerdict,
    Proposal,
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
from rowhook.operations.feed import list_events
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
    unlink_goal,
)
from rowhook.operations.office import (
    Conflict,
    NotFound,
    Office,
    Registry,
    Rejected,
    StillLinked,
    TooMany,
)
from rowhook.operations.patch import WebhookPatch
from rowhook.operations.pickers import list_agents, list_goals, list_organizations, stats
from rowhook.operations.rekey import Rekeyed, rekey
from rowhook.operations.repeat import (
    Answer,
    InProgress,
    Repeatable,
    begin_request,
    end_request,
)
from rowhook.operations.sample import Sample
from rowhook.operations.secrets import delete_secret, list_secrets, put_secret
from rowhook.operations.session import SessionToken, admit_session, create_session_token
from rowhook.operations.trial import (
    Preview,
    Trial,
    preview_draft,
    preview_webhook,
    test_webhook,
)
from rowhook.operations.webhooks import (
    change_webhook,
    create_webhook,
    delete_webhook,
    list_revisions,
    list_webhooks,
    patch_webhook,
    restore_webhook,
    rotate_signing_secret,
    set_state,
    webhook_of,
)

__all__ = [
    "SCOPES",
    "Answer",
    "Caller",
    "CommitVerdict",
    "Committed",
    "Conflict",
    "InProgress",
    "NotAdmitted",
    "NotFound",
    "NotReadable",
    "Office",
    "Preview",
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
    "WebhookPatch",
    "admit",
    "admit_session",
    "begin_request",
    "cancel",
    "cancel_one",
    "change_webhook",
    "check_webhook",
    "create_key",
    "create_session_token",
    "create_webhook",
    "delete_key",
    "delete_secret",
    "delete_webhook",
    "delivery_of",
    "end_request",
    "goal_schema",
    "goal_tool",
    "grant_key",
    "link_agent",
    "link_goal",
    "links_of",
    "list_agents",
    "list_audit",
    "list_deliveries",
    "list_events",
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
    "preview_webhook",
    "put_secret",
    "read_document",
    "read_partly",
    "rekey",
    "replay",
    "restore_webhook",
    "retry",
    "retry_one",
    "rotate_signing_secret",
    "set_state",
    "stats",
    "test_webhook",
    "unlink_agent",
    "unlink_goal",
    "validate_commit",
    "webhook_of",
]
