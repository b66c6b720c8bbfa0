"""The command line against a test's own database, as an operator types it, for tests."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from anyio import to_thread
from click.testing import CliRunner

from rowhook.cli import main
from rowhook.security.vault import generate_master_key
from tests.support.commands import CommandResult, environment, run_command

KEY = generate_master_key()
_IN_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """Runs `rowhook …` with this database and a keyring of its own.

    In this process, for a process takes a second to start; `process` and `answer` start one.
    """

    folder: Path
    dsn: str

    async def type(self, *arguments: str, stdin: str = "", **variables: str) -> CommandResult:
        """A command to its end; `stdin` is piped into it."""
        given = environment(self.folder, **self._given(variables))
        return await to_thread.run_sync(partial(_in_process, arguments, stdin, given))

    async def ok(self, *arguments: str, stdin: str = "", **variables: str) -> str:
        """The same, for what must succeed: its words."""
        told = await self.type(*arguments, stdin=stdin, **variables)
        assert (told.code, told.err) == (0, ""), told
        return told.out

    async def json(self, *arguments: str, **variables: str) -> Any:
        """The same, for what prints a document."""
        return json.loads(await self.ok(*arguments, "--json", **variables))

    async def process(self, stdin: str, *arguments: str, **variables: str) -> CommandResult:
        """A command as a process of its own."""
        piped = ("sh", "-c", 'printf %s "$0" | "$@"', stdin)
        return await run_command(self.folder, *arguments, before=piped, **self._given(variables))

    async def answer(self, typed: str, *arguments: str) -> CommandResult:
        """A command on a terminal, where somebody types an answer."""
        script = 'printf "%s\\n" "$0" | "$1" -c "$2" "${@:3}"'
        before = ("bash", "-c", script, typed, sys.executable, _IN_A_TERMINAL)
        return await run_command(self.folder, *arguments, before=before, **self._given({}))

    def _given(self, variables: dict[str, str]) -> dict[str, str]:
        return {"DATABASE_URL": self.dsn, "ROWHOOK_MASTER_KEYS": KEY, **variables}


def _in_process(arguments: tuple[str, ...], stdin: str, given: dict[str, str]) -> CommandResult:
    alone = {**dict.fromkeys(os.environ), **given}
    code: Any = 0
    with CliRunner().isolation(input=stdin, env=alone) as (out, err, _):
        try:
            main(arguments)
        except SystemExit as ended:
            code = ended.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
        return CommandResult(code=code, out=out.getvalue().decode(), err=err.getvalue().decode())
