"""What people may ask for: webhooks, links, secrets, deliveries, keys.

Command line, API and dashboard share it. It validates and seals; the database decides what may be
linked, deleted or read.
"""

from rowhook.operations.check import check_webhook
from rowhook.operations.intake import NotReadable, read_document
from rowhook.operations.keys import (
    SCOPES,
    Caller,
    NotAdmitted,
    admit,
    create_key,
    delete_key,
    list_audit,
    list_keys,
)
from rowhook.operations.links import link_agent, link_goal, links_of, unlink_agent, unlink_goal
from rowhook.operations.office import Conflict, NotFound, Office, Rejected, StillLinked, TooMany
from rowhook.operations.patch import WebhookPatch
from rowhook.operations.secrets import delete_secret, list_secrets, put_secret
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
    "Caller",
    "Conflict",
    "NotAdmitted",
    "NotFound",
    "NotReadable",
    "Office",
    "Rejected",
    "StillLinked",
    "TooMany",
    "WebhookPatch",
    "admit",
    "change_webhook",
    "check_webhook",
    "create_key",
    "create_webhook",
    "delete_key",
    "delete_secret",
    "delete_webhook",
    "link_agent",
    "link_goal",
    "links_of",
    "list_audit",
    "list_keys",
    "list_revisions",
    "list_secrets",
    "list_webhooks",
    "patch_webhook",
    "put_secret",
    "read_document",
    "restore_webhook",
    "rotate_signing_secret",
    "set_state",
    "unlink_agent",
    "unlink_goal",
    "webhook_of",
]
