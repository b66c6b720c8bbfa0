"""The egress policy, and the HTTP transport that enforces it (protection against SSRF).

Deliveries and test sends use this transport. It checks every address when it connects, does not
follow redirects, and reads no proxy from the environment.
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
