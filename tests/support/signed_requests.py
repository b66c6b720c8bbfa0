"""Requests to verify, thousands, the same each time: true, rotated, tampered, malformed."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from rowhook.security.sign import Signer, new_signing_secret

AT = 1_000_000_000
ALPHABET = "tv1=, .:;\t0aZé\u0661\ud800\U0001f600\x00\x7f+/"
NAMES = ("x-{}-signature", "webhook-id", "webhook-timestamp", "webhook-signature")
SPELLINGS = ("", "-5", "+5", "5.0", " 5", "5\n", "0x10", "1e9", "9" * 16, "\u0661", "005", "9" * 15)
ALIEN_SECRETS = (
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
class Signed:
    """A request and what its receiver verifies it with."""

    secret: str
    headers: dict[str, str]
    body: bytes
    now: float
    tolerance_s: int
    brand: str


def requests(seed: int, count: int) -> Iterator[Signed]:
    """True requests, of which most have been changed in up to three ways."""
    chance = Random(seed)  # noqa: S311  # the same each time, on purpose
    for _ in range(count):
        request = _true(chance)
        for change in chance.choices(CHANGES, k=chance.choice((0, 1, 1, 1, 2, 3))):
            change(chance, request)
        yield request


def _true(chance: Random) -> Signed:
    """With up to three live secrets, of which the receiver knows one."""
    secrets = [new_signing_secret(chance.randbytes(32)) for _ in range(chance.randint(1, 3))]
    brand = chance.choice(("Roxels", "Acme-9"))
    body = chance.randbytes(chance.choice((0, 1, 30, 500)))
    key = chance.choice(("commit_1", "7:9", "commit_é"))
    headers = Signer(brand=brand, secrets=secrets).headers(key=key, timestamp=AT, body=body)
    return Signed(
        secret=chance.choice(secrets),
        headers=dict(headers),
        body=body,
        now=AT,
        tolerance_s=300,
        brand=brand,
    )


def _name(chance: Random, request: Signed) -> str:
    """One of the four headers that are read, as it is spelled in the request."""
    wanted = chance.choice(NAMES).format(request.brand.lower())
    return next((name for name in request.headers if name.lower() == wanted), wanted)


def _flip_a_bit(chance: Random, request: Signed) -> None:
    body = bytearray(request.body or b"?")
    body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    request.body = bytes(body)


def _drop_a_header(chance: Random, request: Signed) -> None:
    request.headers.pop(_name(chance, request), None)


def _put_in_nonsense(chance: Random, request: Signed) -> None:
    nonsense = "".join(chance.choices(ALPHABET, k=chance.randint(0, 12)))
    request.headers[_name(chance, request)] = nonsense


def _meddle_with_a_header(chance: Random, request: Signed) -> None:
    name = _name(chance, request)
    text = request.headers.get(name, "")
    place = chance.randint(0, len(text))
    skipped = place + chance.randint(0, 1)
    request.headers[name] = text[:place] + chance.choice(["", *ALPHABET]) + text[skipped:]


def _add_signatures(chance: Random, request: Signed) -> None:
    name = _name(chance, request)
    more = chance.choice(
        (",v1=00", ",v0=00,x", ",t=5", f",t={AT}", " v1,AAAA", " v1a,AAAA", " ", ",", ",v1")
    )
    text = request.headers.get(name, "")
    request.headers[name] = chance.choice((text + more, more + text))


def _move_the_clock(chance: Random, request: Signed) -> None:
    away = chance.choice((-1, 1)) * chance.choice((0.5, 299, 300, 300.5, 301, 1e9, 1e300))
    request.now = chance.choice((AT + away, AT + away, AT + away, float("nan"), float("inf")))


def _change_the_tolerance(chance: Random, request: Signed) -> None:
    request.tolerance_s = chance.choice((-1, 0, 1, 10, 86_400))


def _take_another_secret(chance: Random, request: Signed) -> None:
    strange = new_signing_secret(chance.randbytes(32))
    request.secret = chance.choice((strange, request.secret + "\n", *ALIEN_SECRETS))


def _spell_the_time_otherwise(chance: Random, request: Signed) -> None:
    """Both signatures stay true: it is the time alone that may be wrong."""
    at = chance.choice(SPELLINGS)
    signed = at.encode() + b"." + request.body
    digest = hmac.digest(request.secret.encode(errors="replace"), signed, "sha256")
    request.headers[f"X-{request.brand}-Signature"] = f"t={at},v1={digest.hex()}"
    request.headers["webhook-timestamp"] = at


def _change_the_case(chance: Random, request: Signed) -> None:
    change = chance.choice((str.upper, str.lower, str.title))
    request.headers = {change(name): value for name, value in request.headers.items()}


def _sign_with_another_key(chance: Random, request: Signed) -> None:
    digest = hmac.digest(chance.choice((b"", b"key")), request.body, "sha256")
    request.headers["webhook-signature"] = f"v1,{b64encode(digest).decode()}"


def _take_another_brand(chance: Random, request: Signed) -> None:
    request.brand = chance.choice(("Roxels", "ACME-9", "acme-9", "None"))


CHANGES: tuple[Callable[[Random, Signed], None], ...] = (
    _flip_a_bit,
    _drop_a_header,
    _put_in_nonsense,
    _meddle_with_a_header,
    _add_signatures,
    _move_the_clock,
    _change_the_tolerance,
    _take_another_secret,
    _spell_the_time_otherwise,
    _change_the_case,
    _sign_with_another_key,
    _take_another_brand,
)
