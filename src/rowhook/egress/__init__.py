"""What may be connected, and the one transport that dials it.

Every request of delivery, test and preview leaves through here. It never follows a redirect, never
reads a proxy from the environment and never trusts an address that was checked somewhere else.
"""

from rowhook.egress.addresses import EgressPolicy, Network
from rowhook.egress.dial import make_connector
from rowhook.egress.failure import Failure
from rowhook.egress.marks import ExchangeTimer
from rowhook.egress.proxy import ProxyPolicy
from rowhook.egress.refusal import FORBIDDEN, TargetForbidden, UrlRejected
from rowhook.egress.resolve import Lookup
from rowhook.egress.target import Target, parse_target
from rowhook.egress.transport import GuardedTransport

__all__ = [
    "FORBIDDEN",
    "EgressPolicy",
    "ExchangeTimer",
    "Failure",
    "GuardedTransport",
    "Lookup",
    "Network",
    "ProxyPolicy",
    "Target",
    "TargetForbidden",
    "UrlRejected",
    "make_connector",
    "parse_target",
]
