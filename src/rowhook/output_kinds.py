"""The kinds of outputs: where a webhook's deliveries go, and which fields it has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputKind:
    """One kind of output.

    `transport` is the class that delivers it, as `module:name`. `has_url`: its webhooks have a URL.
    `has_headers`: they may have headers. `is_public`: others than the receiver may read the body,
    so that it must not contain secrets. `is_always_ordered`: the transport keeps the order itself.
    `send_test` is the function that sends a test request, as `module:name`; without it, test sends
    are refused.
    """

    description: str
    transport: str
    has_url: bool
    has_headers: bool
    is_public: bool
    is_always_ordered: bool
    send_test: str | None = None


OUTPUT_KINDS = {
    "http": OutputKind(
        description="a request to a URL",
        transport="rowhook.transports.http:HttpTransport",
        has_url=True,
        has_headers=True,
        is_public=False,
        is_always_ordered=False,
        send_test="rowhook.transports.http:send",
    ),
    "frontend": OutputKind(
        description="read by web pages",
        transport="rowhook.transports.frontend:FrontendTransport",
        has_url=False,
        has_headers=False,
        is_public=True,
        is_always_ordered=True,
    ),
}
