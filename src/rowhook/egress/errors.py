"""Errors of a request: refused targets, and failed exchanges with their verdicts."""

from __future__ import annotations

import errno
import re
import socket
import ssl

import httpx

from rowhook.model import Verdict

FORBIDDEN = "This target is not allowed: its address is not public."


class TargetForbidden(ValueError):
    """A target is not allowed. The text is always `FORBIDDEN`.

    `setting` is the setting that would allow a local target. It is shown to operators when a
    webhook is saved, but never to tenants or in the error of a delivery.
    """

    def __init__(self, setting: str | None = None) -> None:
        super().__init__(FORBIDDEN)
        self.setting = setting


class UrlRejected(ValueError):
    """A URL is not a valid, unambiguous http(s) URL. `setting` would allow it, if there is one."""

    def __init__(self, message: str, setting: str | None = None) -> None:
        super().__init__(message)
        self.setting = setting


class Failure(httpx.TransportError):
    """An exchange ended without a response. The text is safe to store and display."""

    def __init__(self, verdict: Verdict, text: str) -> None:
        super().__init__(text)
        self.verdict = verdict
        self.text = text


_REASON = re.compile(r"[A-Z0-9_]{1,64}")
# X509_V_ERR_… of OpenSSL's x509_vfy.h.
_CERTIFICATE = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed",
    19: "its chain ends in an unknown authority",
    20: "its issuer is unknown",
    21: "its chain is incomplete",
    23: "it was revoked",
    62: "it was issued for another host name",
    64: "it was issued for another IP address",
}
# The codes of getaddrinfo; not every platform has all of them.
_RESOLVER = {
    value: name
    for name in ("EAI_NONAME", "EAI_AGAIN", "EAI_FAIL", "EAI_NODATA", "EAI_SYSTEM", "EAI_FAMILY")
    if (value := getattr(socket, name, None)) is not None
}


def forbidden() -> Failure:
    """Returns the failure of a request to a target that is not allowed."""
    return Failure(Verdict.TARGET_FORBIDDEN, FORBIDDEN)


def unsendable() -> Failure:
    """Returns the failure of a request that HTTP cannot express."""
    return Failure(
        Verdict.RENDER_FAILED, "The method or a header is not allowed in an HTTP request."
    )


def not_resolved(error: OSError) -> Failure:
    """Returns the failure of a name resolution."""
    return Failure(
        Verdict.DNS_FAILED, f"The host name could not be resolved ({resolver_code(error)})."
    )


def not_connected(error: OSError) -> Failure:
    """Returns the failure of a TCP connection."""
    return Failure(Verdict.CONNECT_FAILED, f"The connection failed ({code(error)}).")


def tls_failed(error: OSError) -> Failure:
    """Returns the failure of a TLS handshake."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = _CERTIFICATE.get(error.verify_code, f"OpenSSL code {error.verify_code}")
        return Failure(Verdict.TLS_FAILED, f"The certificate was rejected: {reason}.")
    if isinstance(error, ssl.SSLError):
        reason = error.reason or ""
        name = reason if _REASON.fullmatch(reason) else "SSL_ERROR"
    else:
        name = code(error)
    return Failure(Verdict.TLS_FAILED, f"The TLS handshake failed ({name}).")


def timed_out(step: str) -> Failure:
    """Returns the failure of a step before the request was sent."""
    return Failure(Verdict.TIMEOUT, f"{step} timed out.")


def no_response(timeout_s: float) -> Failure:
    """Returns the failure of an attempt whose time is over."""
    return Failure(Verdict.TIMEOUT, f"No response within {timeout_s:g} s.")


def response_invalid() -> Failure:
    """Returns the failure of an exchange whose response is not HTTP."""
    return Failure(Verdict.RESPONSE_INVALID, "The response is not valid HTTP.")


def connection_ended(error: BaseException | None) -> Failure:
    """Returns the failure of a connection that ended before a response, because of `error`."""
    if isinstance(error, ssl.SSLError):
        # TLS 1.3 reports a missing client certificate only after the handshake.
        return tls_failed(error)
    if isinstance(error, OSError):
        text = f"The connection was lost before a response was received ({code(error)})."
    else:
        text = "The connection was closed before a response was received."
    return Failure(Verdict.RESPONSE_INVALID, text)


def proxy_failed(text: str) -> Failure:
    """Returns the failure of a request that did not get beyond the egress proxy."""
    return Failure(Verdict.CONNECT_FAILED, text)


def proxy_response(status: int) -> Failure:
    """Returns the failure of a request to which the egress proxy itself responded."""
    return proxy_failed(f"The egress proxy responded with status {status}.")


def resolver_code(error: OSError) -> str:
    """Returns the name of the error of a name resolution."""
    return _RESOLVER.get(error.errno or 0, "EAI_FAIL")


def code(error: OSError) -> str:
    """Returns the name of an error number."""
    if error.errno is None and isinstance(error, ConnectionResetError):
        return "ECONNRESET"
    return errno.errorcode.get(error.errno or 0, "EIO")
