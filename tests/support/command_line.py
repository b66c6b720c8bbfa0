"""The command line with the database of a test."""

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
_RUN_IN_TERMINAL = (
    "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """Runs `rowhook …` with this database and a keyring.

    Commands run in this process, because a process takes a second to start; `process` and `answer`
    start one.
    """

    folder: Path
    dsn: str

    async def type(self, *arguments: str, stdin: str = "", **variables: str) -> CommandResult:
        """Runs a command with this standard input."""
        variables = environment(self.folder, **self._environment(variables))
        return await to_thread.run_sync(partial(_run_in_process, arguments, stdin, variables))

    async def ok(self, *arguments: str, stdin: str = "", **variables: str) -> str:
        """Runs a command that must succeed and returns its output."""
        result = await self.type(*arguments, stdin=stdin, **variables)
        assert (result.code, result.err) == (0, ""), result
        return result.out

    async def json(self, *arguments: str, **variables: str) -> Any:
        """Runs a command with `--json` and returns its document."""
        return json.loads(await self.ok(*arguments, "--json", **variables))

    async def process(self, stdin: str, *arguments: str, **variables: str) -> CommandResult:
        """Runs a command as a process."""
        piped = ("sh", "-c", 'printf %s "$0" | "$@"', stdin)
        return await run_command(
            self.folder, *arguments, before=piped, **self._environment(variables)
        )

    async def answer(self, typed: str, *arguments: str) -> CommandResult:
        """Runs a command on a terminal and types an answer to its prompt."""
        script = 'printf "%s\\n" "$0" | "$1" -c "$2" "${@:3}"'
        before = ("bash", "-c", script, typed, sys.executable, _RUN_IN_TERMINAL)
        return await run_command(self.folder, *arguments, before=before, **self._environment({}))

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        return {"DATABASE_URL": self.dsn, "ROWHOOK_MASTER_KEYS": KEY, **variables}


def _run_in_process(
    arguments: tuple[str, ...], stdin: str, variables: dict[str, str]
) -> CommandResult:
    isolated = {**dict.fromkeys(os.environ), **variables}
    code: Any = 0
    with CliRunner().isolation(input=stdin, env=isolated) as (out, err, _):
        try:
            main(arguments)
        except SystemExit as error:
            code = error.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
        return CommandResult(code=code, out=out.getvalue().decode(), err=err.getvalue().decode())
