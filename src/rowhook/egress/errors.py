"""Errors of a request: refused targets, and failed exchanges with their verdicts."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from typing import TYPE_CHECKING

import aiohttp
import httpx

from rowhook.model import Verdict

if TYPE_CHECKING:
    from rowhook.egress.timings import ExchangeTimer


FORBIDDEN = "This target is not allowed. See ROWHOOK_ALLOW_NETWORKS."


class TargetForbidden(ValueError):
    """A target is not allowed. The text is always `FORBIDDEN`.

    `hint` is the setting that would allow a local target. It is shown when a webhook is saved, but
    never in the error of a delivery.
    """

    def __init__(self, hint: str | None = None) -> None:
        super().__init__(FORBIDDEN)
        self.hint = hint


class UrlRejected(ValueError):
    """A URL is not a valid, unambiguous http(s) URL."""

    hint: str | None = None


class AddressForbidden(OSError):
    """An address is not allowed; an OSError, as aiohttp expects of a failed address."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, FORBIDDEN)


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


class Failure(httpx.TransportError):
    """An exchange ended without a response. The text is safe to store and display."""

    def __init__(self, verdict: Verdict, text: str) -> None:
        super().__init__(text)
        self.verdict = verdict
        self.text = text


# The errors that the transport catches; others are bugs.
CAUGHT = (aiohttp.ClientError, OSError, ValueError)


def failure_of(
    error: Exception, timer: ExchangeTimer, *, secure: bool, proxied: bool = False
) -> Failure:
    """Return the failure for `error`, one of CAUGHT."""
    if timer.refused or isinstance(error, (TargetForbidden, UrlRejected, AddressForbidden)):
        return Failure(Verdict.TARGET_FORBIDDEN, FORBIDDEN)
    if (tls_error := _tls_error(error)) is not None:
        return Failure(Verdict.TLS_FAILED, _tls_text(tls_error))
    if proxied and (proxy_failure := _proxy(error, timer, secure=secure)) is not None:
        return proxy_failure
    if isinstance(error, TimeoutError):
        return _timeout(timer)
    if isinstance(error, aiohttp.ClientConnectorError):
        return _connect(error, timer, secure=secure)
    return _exchange(error)


def proxy_response(status: int) -> Failure:
    """Return the failure of a request to which the egress proxy itself responded."""
    return Failure(Verdict.CONNECT_FAILED, f"The egress proxy responded with status {status}.")


def _proxy(error: Exception, timer: ExchangeTimer, *, secure: bool) -> Failure | None:
    """Return the failure if it happened before the target was reached, else None."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return proxy_response(error.status)
    if timer.opened is None and isinstance(error, aiohttp.ClientConnectorDNSError):
        text = f"The egress proxy's name could not be resolved ({_resolver_code(error.os_error)})."
    elif timer.opened is None and isinstance(error, aiohttp.ClientConnectorError):
        text = f"The connection to the egress proxy failed ({_name(error.os_error)})."
    elif timer.opened is None and isinstance(error, TimeoutError):
        text = "The connection to the egress proxy timed out."
    elif secure and timer.dials == 1:
        # Connected to the proxy, but not to the target: there was no response to CONNECT.
        text = (
            "The egress proxy did not respond in time."
            if isinstance(error, TimeoutError)
            else "The response of the egress proxy is not valid."
        )
    else:
        return None
    return Failure(Verdict.CONNECT_FAILED, text)


def _exchange(error: Exception) -> Failure:
    if isinstance(error, aiohttp.ClientResponseError):
        return Failure(Verdict.RESPONSE_INVALID, "The response is not valid HTTP.")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return Failure(
            Verdict.RESPONSE_INVALID, "The connection was closed before a response was received."
        )
    if isinstance(error, OSError):
        text = f"The connection was lost before a response was received ({_name(error)})."
        return Failure(Verdict.RESPONSE_INVALID, text)
    if isinstance(error, ValueError):
        return Failure(
            Verdict.RENDER_FAILED, "The method or a header is not allowed in an HTTP request."
        )
    return Failure(Verdict.CONNECT_FAILED, "The connection could not be used.")


def _timeout(timer: ExchangeTimer) -> Failure:
    if timer.resolving is not None and timer.resolved is None:
        return Failure(Verdict.TIMEOUT, "Resolving the host name timed out.")
    if timer.connected is None:
        return Failure(Verdict.TIMEOUT, "The connection timed out.")
    return Failure(Verdict.TIMEOUT, "The TLS handshake timed out.")


def _connect(error: aiohttp.ClientConnectorError, timer: ExchangeTimer, *, secure: bool) -> Failure:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Failure(
            Verdict.DNS_FAILED,
            f"The host name could not be resolved ({_resolver_code(error.os_error)}).",
        )
    name = _name(error.os_error)
    if secure and timer.connected is not None:
        return Failure(Verdict.TLS_FAILED, f"The TLS handshake failed ({name}).")
    return Failure(Verdict.CONNECT_FAILED, f"The connection failed ({name}).")


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        inner: BaseException | None = error.certificate_error
    elif isinstance(error, aiohttp.ClientConnectorError):
        inner = error.os_error
    else:
        # TLS 1.3 reports a missing client certificate only after the handshake.
        inner = error.__cause__
    return inner if isinstance(inner, ssl.SSLError) else None


def _tls_text(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        code = error.verify_code
        reason = _CERTIFICATE.get(code, f"OpenSSL code {code}")
        return f"The certificate was rejected: {reason}."
    reason = error.reason or ""
    return f"The TLS handshake failed ({reason if _REASON.fullmatch(reason) else 'SSL_ERROR'})."


def _resolver_code(error: OSError) -> str:
    return _RESOLVER.get(error.errno or 0, "EAI_FAIL")


def _name(error: OSError) -> str:
    if error.errno is None and isinstance(error, ConnectionResetError):
        return "ECONNRESET"
    return errno.errorcode.get(error.errno or 0, "EIO")
