"""Every way an exchange can fail, as one error with a verdict and a text that may be shown.

The texts are fixed phrases and error names: no address, port, name or secret gets into them.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from typing import TYPE_CHECKING

import aiohttp
import httpx

from rowhook.delivery import Verdict
from rowhook.egress.refusal import FORBIDDEN, DialRefused, TargetForbidden, UrlRejected

if TYPE_CHECKING:
    from rowhook.egress.marks import Marks

_REASON = re.compile(r"[A-Z0-9_]{1,64}")
# X509_V_ERR_… of OpenSSL's x509_vfy.h.
_CERTIFICATE = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed",
    19: "its chain ends in an unknown authority",
    20: "its issuer is not known here",
    21: "its chain is incomplete",
    23: "it was revoked",
    62: "it is for another name",
    64: "it is for another address",
}
# getaddrinfo's codes by name; EAI_MAX and such are not on every platform.
_RESOLVER = {
    value: name
    for name in ("EAI_NONAME", "EAI_AGAIN", "EAI_FAIL", "EAI_NODATA", "EAI_SYSTEM", "EAI_FAMILY")
    if (value := getattr(socket, name, None)) is not None
}


class Failure(httpx.TransportError):
    """An exchange that ended without an answer. Its text is safe to store and show."""

    def __init__(self, verdict: Verdict, text: str) -> None:
        super().__init__(text)
        self.verdict = verdict
        self.text = text


# What our transport catches; anything else is a bug of ours and is raised.
CAUGHT = (aiohttp.ClientError, OSError, ValueError)


def failure_of(error: Exception, marks: Marks, *, secure: bool, proxied: bool = False) -> Failure:
    """Return the failure that `error`, one of CAUGHT, stands for."""
    if marks.refused or isinstance(error, (TargetForbidden, UrlRejected, DialRefused)):
        return Failure(Verdict.TARGET_FORBIDDEN, FORBIDDEN)
    if (broken := _tls_error(error)) is not None:
        return Failure(Verdict.TLS_FAILED, _tls_text(broken))
    if proxied and (at_proxy := _proxy(error, marks, secure=secure)) is not None:
        return at_proxy
    if isinstance(error, TimeoutError):
        return _timeout(marks)
    if isinstance(error, aiohttp.ClientConnectorError):
        return _connect(error, marks, secure=secure)
    return _exchange(error)


def unwelcome(status: int) -> Failure:
    """Return the failure of a request that the egress proxy itself answered with `status`."""
    return Failure(Verdict.CONNECT_FAILED, f"the egress proxy answered {status}")


def _proxy(error: Exception, marks: Marks, *, secure: bool) -> Failure | None:
    """Return what failed before the target could be spoken to, None once it could be."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return unwelcome(error.status)
    if marks.opened is None and isinstance(error, aiohttp.ClientConnectorDNSError):
        text = f"the egress proxy's name did not resolve ({_resolver_code(error.os_error)})"
    elif marks.opened is None and isinstance(error, aiohttp.ClientConnectorError):
        text = f"no connection to the egress proxy ({_name(error.os_error)})"
    elif marks.opened is None and isinstance(error, TimeoutError):
        text = "no connection to the egress proxy in time"
    elif secure and marks.dials == 1:
        # Connected to the proxy, and no TLS to the target yet: CONNECT was not answered.
        late = isinstance(error, TimeoutError)
        text = f"the egress proxy gave no {'answer in time' if late else 'valid answer'}"
    else:
        return None
    return Failure(Verdict.CONNECT_FAILED, text)


def _exchange(error: Exception) -> Failure:
    if isinstance(error, aiohttp.ClientResponseError):
        return Failure(Verdict.RESPONSE_INVALID, "the answer is not valid HTTP")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return Failure(Verdict.RESPONSE_INVALID, "the connection was closed before an answer")
    if isinstance(error, OSError):
        text = f"the connection broke before an answer ({_name(error)})"
        return Failure(Verdict.RESPONSE_INVALID, text)
    if isinstance(error, ValueError):
        return Failure(Verdict.RENDER_FAILED, "a header or the method may not be sent as it is")
    return Failure(Verdict.CONNECT_FAILED, "the connection could not be used")


def _timeout(marks: Marks) -> Failure:
    if marks.resolving is not None and marks.resolved is None:
        return Failure(Verdict.TIMEOUT, "the name was not resolved in time")
    if marks.dialled is None:
        return Failure(Verdict.TIMEOUT, "no connection in time")
    return Failure(Verdict.TIMEOUT, "the TLS handshake did not end in time")


def _connect(error: aiohttp.ClientConnectorError, marks: Marks, *, secure: bool) -> Failure:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Failure(
            Verdict.DNS_FAILED, f"the name did not resolve ({_resolver_code(error.os_error)})"
        )
    name = _name(error.os_error)
    if secure and marks.dialled is not None:
        return Failure(Verdict.TLS_FAILED, f"the TLS handshake broke off ({name})")
    return Failure(Verdict.CONNECT_FAILED, f"no connection ({name})")


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        inner: BaseException | None = error.certificate_error
    elif isinstance(error, aiohttp.ClientConnectorError):
        inner = error.os_error
    else:
        # TLS 1.3 tells of a missing client certificate only after the handshake.
        inner = error.__cause__
    return inner if isinstance(inner, ssl.SSLError) else None


def _tls_text(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        code = error.verify_code
        return f"the certificate was not accepted: {_CERTIFICATE.get(code, f'OpenSSL code {code}')}"
    reason = error.reason or ""
    return f"TLS failed ({reason if _REASON.fullmatch(reason) else 'SSL_ERROR'})"


def _resolver_code(error: OSError) -> str:
    return _RESOLVER.get(error.errno or 0, "EAI_FAIL")


def _name(error: OSError) -> str:
    if error.errno is None and isinstance(error, ConnectionResetError):
        return "ECONNRESET"
    return errno.errorcode.get(error.errno or 0, "EIO")
