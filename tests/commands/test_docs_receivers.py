"""The receivers of the documentation, as written: they accept only signed requests."""

from __future__ import annotations

import asyncio
import hmac
import os
import shutil
import subprocess
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from rowhook.security.sign import Signer, new_signing_secret
from tests.support.commands import free_port
from tests.support.doc_blocks import ROOT, blocks

pytestmark = pytest.mark.anyio
PAGE = "docs/how-to/verify-requests.md"
SECRET, OTHER = new_signing_secret(bytes(range(32))), new_signing_secret(b"x" * 32)
BODY = '{"city": "Zürich", "ok": true}\n'.encode()
DEADLINE_S = 120
# The port of the receivers in the page.
PORT = "9000"
# Without its cache, Go compiles its library: 18 s of CPU without optimization, 26 s with it.
GO = {
    "GO111MODULE": "off",
    "GOPROXY": "off",
    "GOTOOLCHAIN": "local",
    "GOFLAGS": "",
    "CGO_ENABLED": "0",
}
GO_FLAGS = ("-gcflags=all=-N -l",)
REMEDIES = {
    "node": "Node is not installed: apt-get install nodejs",
    "go": "Go is not installed: apt-get install golang-go",
    "gofmt": "gofmt is not installed: apt-get install golang-go",
    "openssl": "openssl is not installed: apt-get install openssl",
    "curl": "curl is not installed: apt-get install curl",
}


def scripts(language: str) -> list[str]:
    return [block.text for block in blocks(PAGE, language)]


def require(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(REMEDIES[program])


def signed(*secrets: str, ago: int = 0) -> dict[str, str]:
    """Returns the headers of a request signed `ago` seconds before now."""
    at = int(time.time()) - ago
    signer = Signer(brand="Roxels", secrets=secrets or (SECRET,))
    return dict(signer.headers(key="commit_1", timestamp=at, body=BODY))


def without_header(name: str) -> dict[str, str]:
    return {key: value for key, value in signed().items() if key.lower() != name}


FLIPPED = BODY.replace(b"t", b"u", 1)
ASKED: dict[str, tuple[Callable[[], tuple[dict[str, str], bytes]], bool]] = {
    "a true one": (lambda: (signed(), BODY), True),
    "one of four minutes ago": (lambda: (signed(ago=240), BODY), True),
    "one of a clock ahead of ours": (lambda: (signed(ago=-240), BODY), True),
    "one in a rotation, the new secret first": (lambda: (signed(OTHER, SECRET), BODY), True),
    "one in a rotation, the old secret last": (lambda: (signed(SECRET, OTHER), BODY), True),
    "one with a flipped byte": (lambda: (signed(), FLIPPED), False),
    "one without its end": (lambda: (signed(), BODY[:-1]), False),
    "one without a body": (lambda: (signed(), b""), False),
    "an old one": (lambda: (signed(ago=310), BODY), False),
    "one from the future": (lambda: (signed(ago=-310), BODY), False),
    "one signed with another secret": (lambda: (signed(OTHER), BODY), False),
    "one without a signature": (lambda: ({}, BODY), False),
    "one without the standard's signature": (
        lambda: (without_header("webhook-signature"), BODY),
        False,
    ),
    "one with another id": (lambda: (signed() | {"webhook-id": "commit_2"}, BODY), False),
    "one with another time": (lambda: (signed() | {"webhook-timestamp": "5"}, BODY), False),
    "one with no time": (lambda: (signed() | {"webhook-timestamp": ""}, BODY), False),
}
# Not checked by the shell receiver, which verifies only the signature of Rowhook.
OF_THE_STANDARD = {
    "one without the standard's signature",
    "one with another id",
    "one with another time",
    "one with no time",
}


class Program(NamedTuple):
    """A receiver that can be started, and its port."""

    command: list[str]
    port: int


def python(folder: Path, source: str) -> Program:
    port = free_port()
    shutil.copy(ROOT / "src/rowhook/verify.py", folder)
    (folder / "hook.py").write_text(source.replace(PORT, str(port)))
    return Program([sys.executable, "hook.py"], port)


def node(folder: Path, source: str) -> Program:
    require("node")
    port = free_port()
    shutil.copy(ROOT / "src/rowhook/verify.mjs", folder)
    (folder / "hook.mjs").write_text(source.replace(PORT, str(port)))
    return Program(["node", "hook.mjs"], port)


def go(_: Path, source: str) -> Program:
    require("go")
    return go_binary(source)


@cache
def go_binary(source: str) -> Program:
    """Builds the Go receiver once per process, since the build takes longer than all requests."""
    port, folder = free_port(), Path(tempfile.mkdtemp(prefix="rh-go-"))
    (folder / "hook.go").write_text(source.replace(PORT, str(port)))
    subprocess.run(  # noqa: S603  # Go, and no input of anybody
        ["go", "build", *GO_FLAGS, "-o", "hook", "hook.go"],  # noqa: S607  # as on the PATH
        cwd=folder,
        env=os.environ | GO,
        check=True,
        timeout=DEADLINE_S,
    )
    return Program([str(folder / "hook")], port)


LANGUAGES = {"python": python, "js": node, "go": go}
each_language = pytest.mark.parametrize(
    "language", ["python", "js", pytest.param("go", marks=pytest.mark.long)]
)


@asynccontextmanager
async def running_receiver(folder: Path, language: str, secret: str = SECRET) -> AsyncIterator[str]:
    """Runs the receiver of the page in a language; yields its URL."""
    (source,) = scripts(language)
    program = LANGUAGES[language](folder, source)
    process = await asyncio.create_subprocess_exec(
        *program.command,
        cwd=folder,
        stderr=PIPE,
        env={"PATH": os.environ["PATH"], "SECRET": secret, "PYTHONPATH": str(ROOT / "src")},
    )
    try:
        await wait_for_port(program.port)
        yield f"http://127.0.0.1:{program.port}/hook"
    finally:
        process.kill()
        await process.communicate()


async def wait_for_port(port: int) -> None:
    """Waits until the port accepts connections."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return


async def status(url: str, headers: dict[str, str], body: bytes) -> int:
    async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE_S) as client:
        return (await client.post(url, headers=headers, content=body)).status_code


@each_language
async def test_a_receiver_accepts_only_valid_signatures(folder: Path, language: str) -> None:
    async with running_receiver(folder, language) as url:
        verdicts = {name: await status(url, *make()) for name, (make, _) in ASKED.items()}
    assert verdicts == {name: 204 if true else 400 for name, (_, true) in ASKED.items()}


def signed_with_empty_secret(secret: str) -> dict[str, str]:
    """A request that anybody can sign if a receiver was started without its secret."""
    at = str(int(time.time()))
    signature = hmac.digest(secret.encode(), f"{at}.".encode() + BODY, "sha256").hex()
    standard = hmac.digest(b"", f"id.{at}.".encode() + BODY, "sha256")
    return {
        "X-Roxels-Signature": f"t={at},v1={signature}",
        "webhook-id": "id",
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{b64encode(standard).decode()}",
    }


@each_language
@pytest.mark.parametrize("secret", ["", "whsec_"])
async def test_a_receiver_without_a_secret_rejects_everything(
    folder: Path, language: str, secret: str
) -> None:
    async with running_receiver(folder, language, secret) as url:
        assert await status(url, signed_with_empty_secret(secret), BODY) == 400


async def test_the_go_receiver_is_formatted_with_gofmt(folder: Path) -> None:
    require("go", "gofmt")
    (folder / "hook.go").write_text(scripts("go")[0])
    assert await output("gofmt", "-d", "hook.go", cwd=folder) == ""


async def output(*command: str, cwd: Path, stdin: bytes = b"", **variables: str) -> str:
    """Returns the output of a command."""
    # Not a pipe, since a command that ends without reading would close it during the write.
    with tempfile.TemporaryFile() as standard_input:
        standard_input.write(stdin)
        standard_input.seek(0)
        process = await asyncio.create_subprocess_exec(
            *command, cwd=cwd, stdin=standard_input, stdout=PIPE, env=dict(os.environ) | variables
        )
    async with asyncio.timeout(DEADLINE_S):
        out, _ = await process.communicate()
    return out.decode()


async def verified_by_shell(
    folder: Path, headers: dict[str, str], body: bytes, secret: str = SECRET
) -> bool:
    """Returns whether `verified` of the shell accepts a request."""
    block, _ = scripts("sh")
    script = f'{block}\nverified "$SIGNATURE" && echo believed'
    signature = headers.get("X-Roxels-Signature", "")
    out = await output(
        "sh", "-c", script, cwd=folder, stdin=body, SECRET=secret, SIGNATURE=signature
    )
    return out == "believed\n"


async def test_openssl_accepts_only_valid_signatures(folder: Path) -> None:
    require("openssl")
    of_ours = {name: case for name, case in ASKED.items() if name not in OF_THE_STANDARD}
    verdicts = {
        name: await verified_by_shell(folder, *make()) for name, (make, _) in of_ours.items()
    }
    assert verdicts == {name: true for name, (_, true) in of_ours.items()}


@pytest.mark.parametrize(
    "mark", ["t={},v1=", "t={}", "t={},", "t={},v1=.*", "t={},*", "", "t=1 -o 1"]
)
async def test_openssl_rejects_malformed_signatures(folder: Path, mark: str) -> None:
    require("openssl")
    headers = {"X-Roxels-Signature": mark.format(int(time.time()))}
    assert not await verified_by_shell(folder, headers, BODY)


async def test_openssl_without_a_secret_rejects_everything(folder: Path) -> None:
    require("openssl")
    assert not await verified_by_shell(folder, signed_with_empty_secret(""), BODY, secret="")


@each_language
async def test_a_manually_signed_request_is_accepted_only_with_the_right_secret(
    folder: Path, language: str
) -> None:
    require("openssl", "curl")
    hand, send = scripts("sh")
    async with running_receiver(folder, language) as url:
        script = hand + send.replace("http://localhost:9000/hook", url)
        for secret, status_text in ((SECRET, " 204 "), (OTHER, " 400 ")):
            out = await output("sh", "-c", script, cwd=folder, SECRET=secret)
            assert status_text in out.splitlines()[0]
