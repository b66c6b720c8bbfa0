"""verify.mjs and rowhook.verify have the same verdict and message for the same requests."""

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
MODULE = HERE.parents[1] / "src/rowhook/verify.mjs"
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
    """Returns the failed check, None if the request is valid."""
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


def node(*arguments: str, stdin: str) -> str:
    """Returns the output of a script; raises CalledProcessError if it fails."""
    completed = subprocess.run(  # noqa: S603  # our own
        ["node", *arguments],  # noqa: S607  # as a receiver has it
        input=stdin,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return completed.stdout


@pytest.fixture(scope="module")
def verdicts() -> list[tuple[str | None, str | None]]:
    """Returns the verdicts of Python and JavaScript on each request."""
    cases = list(requests(seed=6, count=COUNT))
    out = node(str(HERE / "verify_lines.mjs"), str(MODULE), stdin="\n".join(map(line, cases)))
    answers = [json.loads(line) for line in out.splitlines()]
    return list(zip(map(in_python, cases), answers, strict=True))


def test_javascript_and_python_agree_on_every_request(
    verdicts: list[tuple[str | None, str | None]],
) -> None:
    assert [pair for pair in verdicts if pair[0] != pair[1]] == []


def test_the_requests_fail_every_check_and_many_are_valid(
    verdicts: list[tuple[str | None, str | None]],
) -> None:
    texts = [verdict for verdict, _ in verdicts]
    assert texts.count(None) > COUNT / 10
    for check in CHECKS:
        assert sum(check in verdict for verdict in texts if verdict is not None) >= 10, check


@pytest.mark.parametrize(
    "form",
    ["new Headers(plain)", "new Map(Object.entries(plain))", "{...plain, 'set-cookie': ['a']}"],
)
def test_javascript_takes_the_headers_of_any_framework(form: str) -> None:
    answer = run_on_valid_request(
        f"await verify({{ ...one, headers: {form}, body: one.body.buffer }});"
    )
    assert answer == "believed"


def test_javascript_requires_the_body_as_bytes() -> None:
    answer = run_on_valid_request("await verify({ ...one, body: '{}' });")
    assert "TypeError: The body must be the raw bytes" in answer


def test_javascript_has_a_default_clock_and_tolerance() -> None:
    answer = run_on_valid_request("delete one.now; delete one.toleranceS; await verify(one);")
    assert "more than 300 s away" in answer


def run_on_valid_request(statement: str) -> str:
    """Returns the result for a valid request: `one`, with `plain` headers."""
    request = next(
        request for request in requests(seed=1, count=COUNT) if in_python(request) is None
    )
    script = f"""
      import {{ verify }} from {json.dumps(MODULE.as_uri())};
      import {{ text }} from "node:stream/consumers";
      const {{ headers: plain, now, body, ...rest }} = JSON.parse(await text(process.stdin));
      const bytes = Uint8Array.from(Buffer.from(body, "base64"));
      const one = {{ ...rest, headers: plain, now: Number(now), body: bytes }};
      try {{ {statement} console.log("believed"); }} catch (error) {{ console.log(String(error)); }}
    """
    return node("--input-type=module", "-e", script, stdin=line(request)).strip()
