"""Every setting as a flag of every command, read once with the environment."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import rich_click as click

from rowhook import logs
from rowhook.settings import NAMES, environment_name, load

T = TypeVar("T")


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds a flag for each setting and hands the command one `settings`."""

    @functools.wraps(command)
    def run(**given: Any) -> Any:
        settings = load(os.environ, {name: given.pop(name) for name in NAMES})
        logs.configure(settings.log_format)
        return command(settings=settings, **given)

    for name in reversed(NAMES):
        flag = "--" + name.replace("_", "-")
        run = click.option(flag, name, default=None, help=f"[{environment_name(name)}]")(run)
    return run


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Runs an entrance on uvloop; a command's number is its exit code."""
    import uvloop  # noqa: PLC0415  # only commands that run a loop pay for it

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
