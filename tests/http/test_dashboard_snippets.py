"""The verification snippets for receivers, run against real and forged requests."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import pytest

from rowhook.dashboard.code_snippets import snippets
from rowhook.security.sign import Signer
from tests.commands.test_docs_receivers import REMEDIES
from tests.support.deadline import DEADLINE_S
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio
SIGNATURE = "x-roxels-signature"
PYTHON_MAIN = """
import json, sys
secret, headers = json.loads(sys.argv[1])
print("genuine" if is_genuine(secret, headers, open("body.bin", "rb").read()) else "")
"""
NODE_MAIN = """
import { readFileSync } from "node:fs";
const [secret, headers] = JSON.parse(process.argv[2]);
console.log(isGenuine(secret, headers, readFileSync("body.bin")) ? "genuine" : "");
"""
SentRequest = tuple[str, dict[str, str], bytes]


async def is_genuine(folder: Path, *command: str, **environment: str) -> bool:
    """Runs a program that must succeed; returns whether it accepted the request."""
    path = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=path | environment, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    stdout, stderr = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    assert stderr == b""
    return stdout.strip() == b"genuine"


async def accepts(language: str, folder: Path, sent_request: SentRequest) -> bool:
    """Returns whether a receiver with that snippet accepts the request."""
    secret, headers, body = sent_request
    snippet, argument = dict(snippets("Roxels"))[language], json.dumps([secret, headers])
    await asyncio.to_thread((folder / "body.bin").write_bytes, body)
    if language == "Shell":
        variables = {"SECRET": secret, "SIGNATURE": headers.get(SIGNATURE, "")}
        return await is_genuine(folder, "sh", "-c", snippet, **variables)
    name, main = ("ask.py", PYTHON_MAIN) if language == "Python" else ("ask.mjs", NODE_MAIN)
    await asyncio.to_thread((folder / name).write_text, snippet + main)
    program = sys.executable if language == "Python" else "node"
    return await is_genuine(folder, program, str(folder / name), argument)


@pytest.fixture
async def sent_request(rig: Rig) -> SentRequest:
    """A request sent by the worker, and the secret of its webhook."""
    saved = await rig.webhook("/crm", body_template='{"city": "Zürich", "name": "{{data.name}}"}')
    async with rig.worker():
        await rig.platform.commit('{"name": "Ada"}')
        await rig.reaches("delivered")
    (request,) = rig.receiver.requests
    headers = {name.lower(): value for name, value in request.headers}
    return saved.signing_secret or "", headers, request.body


@pytest.mark.parametrize(
    ("language", "program"), [("Python", "sh"), ("Node", "node"), ("Shell", "openssl")]
)
async def test_a_snippet_accepts_only_genuine_requests(
    language: str, program: str, sent_request: SentRequest, tmp_path: Path
) -> None:
    if shutil.which(program) is None:
        pytest.skip(REMEDIES[program])
    secret, headers, body = sent_request
    assert await accepts(language, tmp_path, sent_request)
    for request in (
        (secret, headers, body + b" "),
        ("whsec_" + "A" * 44, headers, body),
        (secret, expired_headers(secret, body), body),
        (secret, {}, body),
        (secret, {SIGNATURE: "t,v1"}, body),
        (secret, {SIGNATURE: "t=a[$(touch trap)],v1=0"}, body),
    ):
        assert not await accepts(language, tmp_path, request)
    assert not (tmp_path / "trap").exists()


def expired_headers(secret: str, body: bytes) -> dict[str, str]:
    """Returns headers for the body that were signed seven minutes ago."""
    signer = Signer(brand="Roxels", secrets=[secret])
    headers = signer.headers(key="k", timestamp=int(time.time()) - 400, body=body)
    return {name.lower(): value for name, value in headers}
