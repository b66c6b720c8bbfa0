"""What may be dialled, and the one transport that dials it.

Every request of delivery, test and preview leaves through here. It never follows a redirect, never
reads a proxy from the environment and never trusts an address that was checked somewhere else.
"""

from rowhook.egress.addresses import Egress, Network
from rowhook.egress.dial import make_connector
from rowhook.egress.failure import Failure
from rowhook.egress.marks import Marks
from rowhook.egress.proxy import ProxyGate
from rowhook.egress.refusal import FORBIDDEN, TargetForbidden, UrlRejected
from rowhook.egress.resolve import Lookup
from rowhook.egress.target import Target, parse_target
from rowhook.egress.transport import GuardedTransport

__all__ = [
    "FORBIDDEN",
    "Egress",
    "Failure",
    "GuardedTransport",
    "Lookup",
    "Marks",
    "Network",
    "ProxyGate",
    "Target",
    "TargetForbidden",
    "UrlRejected",
    "make_connector",
    "parse_target",
]
