"""The code that a test send hands to receivers: it takes a real request and nothing else."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import pytest

from rowhook.dashboard.presets import snippets
from rowhook.security.sign import Signer
from tests.commands.test_docs_receivers import REMEDIES
from tests.support.deadline import DEADLINE_S
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio
SIGNATURE = "x-roxels-signature"
ASK_PYTHON = """
import json, sys
secret, headers = json.loads(sys.argv[1])
print("genuine" if is_genuine(secret, headers, open("body.bin", "rb").read()) else "")
"""
ASK_NODE = """
import { readFileSync } from "node:fs";
const [secret, headers] = JSON.parse(process.argv[2]);
console.log(isGenuine(secret, headers, readFileSync("body.bin")) ? "genuine" : "");
"""
Sent = tuple[str, dict[str, str], bytes]


async def runs(folder: Path, *command: str, **environment: str) -> bool:
    """Whether the program said that the request is genuine. It must fail at none."""
    path = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    started = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=path | environment, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    said, complained = await asyncio.wait_for(started.communicate(), DEADLINE_S)
    assert complained == b""
    return said.strip() == b"genuine"


async def takes(language: str, folder: Path, sent: Sent) -> bool:
    """Whether a receiver with that snippet takes the request."""
    secret, headers, body = sent
    code, asked = dict(snippets("Roxels"))[language], json.dumps([secret, headers])
    await asyncio.to_thread((folder / "body.bin").write_bytes, body)
    if language == "Shell":
        given = {"SECRET": secret, "SIGNATURE": headers.get(SIGNATURE, "")}
        return await runs(folder, "sh", "-c", code, **given)
    name, ask = ("ask.py", ASK_PYTHON) if language == "Python" else ("ask.mjs", ASK_NODE)
    await asyncio.to_thread((folder / name).write_text, code + ask)
    program = sys.executable if language == "Python" else "node"
    return await runs(folder, program, str(folder / name), asked)


@pytest.fixture
async def sent(rig: Rig) -> Sent:
    """A request as the worker sent it, and the secret of its webhook."""
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
async def test_a_snippet_takes_what_was_sent_and_nothing_else(
    language: str, program: str, sent: Sent, tmp_path: Path
) -> None:
    if shutil.which(program) is None:
        pytest.skip(REMEDIES[program])
    secret, headers, body = sent
    assert await takes(language, tmp_path, sent)
    for other in (
        (secret, headers, body + b" "),
        ("whsec_" + "A" * 44, headers, body),
        (secret, old(secret, body), body),
        (secret, {}, body),
        (secret, {SIGNATURE: "t,v1"}, body),
        (secret, {SIGNATURE: "t=a[$(touch trap)],v1=0"}, body),
    ):
        assert not await takes(language, tmp_path, other)
    assert not (tmp_path / "trap").exists()


def old(secret: str, body: bytes) -> dict[str, str]:
    """The headers of the same body, signed seven minutes ago."""
    signer = Signer(brand="Roxels", secrets=[secret])
    made = signer.headers(key="k", timestamp=int(time.time()) - 400, body=body)
    return {name.lower(): value for name, value in made}
