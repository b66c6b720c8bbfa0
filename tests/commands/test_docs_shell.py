"""The shell blocks of the documentation, as written: a script for each page."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from rowhook.embedded.server_binaries import binaries
from rowhook.security.sign import new_signing_secret
from rowhook.security.vault import Keyring, generate_master_key, signing_name
from tests.commands.test_docs import STAGE, WEBHOOK
from tests.support.commands import environment
from tests.support.deadline import DEADLINE_S
from tests.support.doc_blocks import runnable

pytestmark = [pytest.mark.anyio, pytest.mark.long]
ORGANIZATION = UUID("11111111-1111-4111-8111-111111111111")


def command_path(home: Path) -> str:
    """Returns a PATH with `rowhook` and `psql`, and creates `bin/rowhook` without set-up."""
    folder = home / "bin"
    folder.mkdir()
    (folder / "rowhook").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rowhook "$@"\n')
    (folder / "rowhook").chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    return path if shutil.which("psql") else f"{path}:{binaries()}"


async def shell(home: Path, script: str, **variables: str) -> tuple[int, str]:
    """Runs a script in an interactive-like shell; returns its exit code and output."""
    child = await asyncio.create_subprocess_exec(
        "bash",
        "-u",
        "-c",
        script,
        cwd=home,
        stdout=PIPE,
        stderr=STDOUT,
        env=environment(home, **variables),
    )
    async with asyncio.timeout(DEADLINE_S):
        out, _ = await child.communicate()
    assert child.returncode is not None
    return child.returncode, out.decode()


def signing_secret(keys: str) -> bytes:
    """The signing secret of the webhook, encrypted for a worker."""
    secret = new_signing_secret(bytes(32))
    return Keyring(keys).seal(
        secret, organization_id=ORGANIZATION, name=signing_name(WEBHOOK), version=1
    )


@pytest.mark.new_database
@pytest.mark.parametrize("page", runnable("sh"))
async def test_the_shell_blocks_of_a_page_succeed_in_order(
    db: psycopg.AsyncConnection, dsn: str, folder: Path, page: str
) -> None:
    keys = generate_master_key()
    await db.execute(STAGE)
    await db.execute("update rowhook.signing_secret set sealed = %s", (signing_secret(keys),))
    script = "set -e\n" + "\n".join(block.text for block in runnable("sh")[page])
    code, out = await shell(
        folder,
        script,
        PATH=command_path(folder),
        DATABASE_URL=dsn,
        ROWHOOK_MASTER_KEYS=keys,
    )
    assert code == 0, out
