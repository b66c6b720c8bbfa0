"""Reproducible signed requests for verification tests: genuine, tampered and malformed."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from rowhook.security.sign import Signer, new_signing_secret

TIMESTAMP = 1_000_000_000
ALPHABET = "tv1=, .:;\t0aZé\u0661\ud800\U0001f600\x00\x7f+/"
NAMES = ("x-{}-signature", "webhook-id", "webhook-timestamp", "webhook-signature")
TIMESTAMP_SPELLINGS = (
    "",
    "-5",
    "+5",
    "5.0",
    " 5",
    "5\n",
    "0x10",
    "1e9",
    "9" * 16,
    "\u0661",
    "005",
    "9" * 15,
)
INVALID_SECRETS = (
    "",
    "whsec_",
    "whsec_%%",
    "plain",
    "whsec_AAA",
    "whsec_\ud800",
    "whsec_AAAA",
    "é",
    "WHSEC_AAAA",
    "whsec_AAAA\n",
    " whsec_AAAA",
    "whsec_" + "A" * 31 + "=",
    "whsec_" + "A" * 30 + "==",
    "whsec_" + "_" * 44,
    "whsec_" + "A" * 28 + "AA==AAAA",
)


@dataclass(slots=True, kw_only=True)
class SignedRequest:
    """A request, and the values with which its receiver verifies it."""

    secret: str
    headers: dict[str, str]
    body: bytes
    now: float
    tolerance_s: int
    brand: str


def requests(seed: int, count: int) -> Iterator[SignedRequest]:
    """Yields genuine requests, most of them with up to three changes."""
    rng = Random(seed)  # noqa: S311  # reproducible
    for _ in range(count):
        request = _genuine(rng)
        for change in rng.choices(CHANGES, k=rng.choice((0, 1, 1, 1, 2, 3))):
            change(rng, request)
        yield request


def _genuine(rng: Random) -> SignedRequest:
    """Returns a request signed with up to three secrets, of which the receiver has one."""
    secrets = [new_signing_secret(rng.randbytes(32)) for _ in range(rng.randint(1, 3))]
    brand = rng.choice(("Roxels", "Acme-9"))
    body = rng.randbytes(rng.choice((0, 1, 30, 500)))
    key = rng.choice(("commit_1", "7:9", "commit_é"))
    headers = Signer(brand=brand, secrets=secrets).headers(key=key, timestamp=TIMESTAMP, body=body)
    return SignedRequest(
        secret=rng.choice(secrets),
        headers=dict(headers),
        body=body,
        now=TIMESTAMP,
        tolerance_s=300,
        brand=brand,
    )


def _name(rng: Random, request: SignedRequest) -> str:
    """Returns one of the four verified headers, as spelled in the request."""
    header = rng.choice(NAMES).format(request.brand.lower())
    return next((name for name in request.headers if name.lower() == header), header)


def _flip_bit(rng: Random, request: SignedRequest) -> None:
    body = bytearray(request.body or b"?")
    body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    request.body = bytes(body)


def _drop_header(rng: Random, request: SignedRequest) -> None:
    request.headers.pop(_name(rng, request), None)


def _insert_nonsense(rng: Random, request: SignedRequest) -> None:
    nonsense = "".join(rng.choices(ALPHABET, k=rng.randint(0, 12)))
    request.headers[_name(rng, request)] = nonsense


def _edit_header(rng: Random, request: SignedRequest) -> None:
    name = _name(rng, request)
    text = request.headers.get(name, "")
    position = rng.randint(0, len(text))
    rest = position + rng.randint(0, 1)
    request.headers[name] = text[:position] + rng.choice(["", *ALPHABET]) + text[rest:]


def _add_signatures(rng: Random, request: SignedRequest) -> None:
    name = _name(rng, request)
    addition = rng.choice(
        (",v1=00", ",v0=00,x", ",t=5", f",t={TIMESTAMP}", " v1,AAAA", " v1a,AAAA", " ", ",", ",v1")
    )
    text = request.headers.get(name, "")
    request.headers[name] = rng.choice((text + addition, addition + text))


def _move_clock(rng: Random, request: SignedRequest) -> None:
    offset_s = rng.choice((-1, 1)) * rng.choice((0.5, 299, 300, 300.5, 301, 1e9, 1e300))
    request.now = rng.choice(
        (
            TIMESTAMP + offset_s,
            TIMESTAMP + offset_s,
            TIMESTAMP + offset_s,
            float("nan"),
            float("inf"),
        )
    )


def _change_tolerance(rng: Random, request: SignedRequest) -> None:
    request.tolerance_s = rng.choice((-1, 0, 1, 10, 86_400))


def _use_other_secret(rng: Random, request: SignedRequest) -> None:
    other_secret = new_signing_secret(rng.randbytes(32))
    request.secret = rng.choice((other_secret, request.secret + "\n", *INVALID_SECRETS))


def _respell_timestamp(rng: Random, request: SignedRequest) -> None:
    """Respells the timestamp and signs it correctly."""
    timestamp = rng.choice(TIMESTAMP_SPELLINGS)
    signed_bytes = timestamp.encode() + b"." + request.body
    digest = hmac.digest(request.secret.encode(errors="replace"), signed_bytes, "sha256")
    request.headers[f"X-{request.brand}-Signature"] = f"t={timestamp},v1={digest.hex()}"
    request.headers["webhook-timestamp"] = timestamp


def _change_case(rng: Random, request: SignedRequest) -> None:
    change = rng.choice((str.upper, str.lower, str.title))
    request.headers = {change(name): value for name, value in request.headers.items()}


def _sign_with_other_key(rng: Random, request: SignedRequest) -> None:
    digest = hmac.digest(rng.choice((b"", b"key")), request.body, "sha256")
    request.headers["webhook-signature"] = f"v1,{b64encode(digest).decode()}"


def _use_other_brand(rng: Random, request: SignedRequest) -> None:
    request.brand = rng.choice(("Roxels", "ACME-9", "acme-9", "None"))


CHANGES: tuple[Callable[[Random, SignedRequest], None], ...] = (
    _flip_bit,
    _drop_header,
    _insert_nonsense,
    _edit_header,
    _add_signatures,
    _move_clock,
    _change_tolerance,
    _use_other_secret,
    _respell_timestamp,
    _change_case,
    _sign_with_other_key,
    _use_other_brand,
)
