"""Valid and invalid certificates for TLS receivers."""

from __future__ import annotations

import functools
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rowhook.egress.dialer import make_trust

if TYPE_CHECKING:
    from pathlib import Path


@functools.cache
def trust() -> ssl.SSLContext:
    """The certificate authorities of this machine; read once."""
    return make_trust()


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certificate authority; `issue` makes server contexts under `folder`."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def trust(self) -> ssl.SSLContext:
        """Returns a client context that trusts only this authority, TLS 1.2 or newer."""
        context = ssl.create_default_context(cadata=_pem(self.certificate).decode())
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def pem(self) -> bytes:
        """Returns its certificate."""
        return _pem(self.certificate)

    def issue(
        self, *names: str, days: tuple[int, int] = (-1, 1), self_signed: bool = False
    ) -> ssl.SSLContext:
        """Returns a server context for `names` (or addresses), valid between `days` from today."""
        key = ec.generate_private_key(ec.SECP256R1())
        signer = key if self_signed else self.key
        issuer = _name(names[0]) if self_signed else self.certificate.subject
        leaf = _builder(names[0], issuer, key, days)
        alternative = x509.SubjectAlternativeName([_general(name) for name in names])
        signed = leaf.add_extension(alternative, critical=False).sign(signer, hashes.SHA256())
        path = self.folder / f"{signed.serial_number}.pem"
        path.write_bytes(_key_pem(key) + _pem(signed))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path)
        return context


def make_authority(folder: Path) -> Authority:
    """Returns a new authority whose files are in `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    root = _builder("Test Authority", _name("Test Authority"), key, (-1, 2))
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    certificate = root.add_extension(constraints, critical=True).sign(key, hashes.SHA256())
    return Authority(folder=folder, key=key, certificate=certificate)


def _builder(
    subject: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: tuple[int, int]
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
