"""verify.mjs against rowhook.verify: the same requests, the same verdicts, word for word."""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest

from rowhook.verify import VerificationFailed, verify
from tests.support.signed_requests import SignedRequest, requests

HERE = Path(__file__).parent
MODULE = HERE.parents[1] / "src/rowhook/receivers/verify.mjs"
COUNT = 6_000
CHECKS = (
    "does not begin with whsec_",
    "is not padded base64",
    "is too short",
    "is missing",
    "is not ASCII",
    "has 0",
    "has 2",
    "differ",
    "is not a number",
    "away from now",
    "in x-roxels-signature matches",
    "in webhook-signature matches",
)

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None, reason="Node is not installed: apt-get install nodejs"
)


def in_python(request: SignedRequest) -> str | None:
    """The check that fails, None where the request is believed."""
    try:
        verify(
            secret=request.secret,
            headers=request.headers,
            body=request.body,
            now=request.now,
            tolerance_s=request.tolerance_s,
            brand=request.brand,
        )
    except VerificationFailed as failed:
        return str(failed)
    return None


def line(request: SignedRequest) -> str:
    return json.dumps(
        {
            "secret": request.secret,
            "headers": request.headers,
            "brand": request.brand,
            "body": b64encode(request.body).decode(),
            "toleranceS": request.tolerance_s,
            "now": {"nan": "NaN", "inf": "Infinity"}.get(str(request.now), str(request.now)),
        }
    )


def node(*arguments: str, given: str) -> str:
    """What a script of the tests prints; raises CalledProcessError if it breaks."""
    done = subprocess.run(  # noqa: S603  # our own
        ["node", *arguments],  # noqa: S607  # as a receiver has it
        input=given,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


@pytest.fixture(scope="module")
def verdicts() -> list[tuple[str | None, str | None]]:
    """Python's and JavaScript's verdict on each request."""
    asked = list(requests(seed=6, count=COUNT))
    out = node(str(HERE / "verify_lines.mjs"), str(MODULE), given="\n".join(map(line, asked)))
    said = [json.loads(one) for one in out.splitlines()]
    return list(zip(map(in_python, asked), said, strict=True))


def test_javascript_and_python_say_the_same_of_every_request(
    verdicts: list[tuple[str | None, str | None]],
) -> None:
    assert [pair for pair in verdicts if pair[0] != pair[1]] == []


def test_the_requests_meet_every_check_and_many_are_believed(
    verdicts: list[tuple[str | None, str | None]],
) -> None:
    said = [one for one, _ in verdicts]
    assert said.count(None) > COUNT / 10
    for check in CHECKS:
        assert sum(check in one for one in said if one is not None) >= 10, check


@pytest.mark.parametrize(
    "form",
    ["new Headers(plain)", "new Map(Object.entries(plain))", "{...plain, 'set-cookie': ['a']}"],
)
def test_javascript_takes_the_headers_of_any_framework(form: str) -> None:
    said = on_one(f"await verify({{ ...one, headers: {form}, body: one.body.buffer }});")
    assert said == "believed"


def test_javascript_says_that_it_wants_the_bytes() -> None:
    said = on_one("await verify({ ...one, body: '{}' });")
    assert "TypeError: The body must be the raw bytes" in said


def test_javascript_takes_the_clock_and_the_tolerance_of_its_own_where_none_is_given() -> None:
    said = on_one("delete one.now; delete one.toleranceS; await verify(one);")
    assert "more than 300 s away" in said


def on_one(statement: str) -> str:
    """What becomes of a true request: `one`, with `plain` headers."""
    request = next(one for one in requests(seed=1, count=COUNT) if in_python(one) is None)
    script = f"""
      import {{ verify }} from {json.dumps(MODULE.as_uri())};
      import {{ text }} from "node:stream/consumers";
      const {{ headers: plain, now, body, ...rest }} = JSON.parse(await text(process.stdin));
      const bytes = Uint8Array.from(Buffer.from(body, "base64"));
      const one = {{ ...rest, headers: plain, now: Number(now), body: bytes }};
      try {{ {statement} console.log("believed"); }} catch (error) {{ console.log(String(error)); }}
    """
    return node("--input-type=module", "-e", script, given=line(request)).strip()
