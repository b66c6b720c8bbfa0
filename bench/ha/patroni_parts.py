"""Finds or installs the programs: PostgreSQL 15 of Debian, etcd, and Patroni."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import cached_install
from bench.cached_install import NotInstalled, run
from rowhook.embedded.server_process import Account, server_account

_POSTGRES = Path("/usr/lib/postgresql/15/bin")
_REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_PACKAGE = "etcd-server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The programs, and the account that runs them."""

    postgres: Path
    etcd: Path
    patroni: tuple[str, ...]
    account: Account

    def as_account(self, *command: str) -> tuple[str, ...]:
        """Returns the command that runs another one as the account, if this process is root."""
        if not self.account.is_other:
            return command
        return (
            "setpriv",
            f"--reuid={self.account.uid}",
            f"--regid={self.account.gid}",
            "--clear-groups",
            # The cache folder and the interpreter may be in the home of root.
            "--inh-caps=+dac_read_search",
            "--ambient-caps=+dac_read_search",
            *command,
        )


async def install() -> Parts:
    """Returns the programs. Raises NotInstalled."""
    if not (_POSTGRES / "postgres").is_file():
        raise NotInstalled(f"There is no {_POSTGRES}/postgres. Install postgresql-15.")
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        raise NotInstalled("setpriv is not on the PATH. Install util-linux.")
    environment = await cached_install.cached("ha", (_REQUIREMENTS,), _install_patroni)
    return Parts(
        postgres=_POSTGRES,
        etcd=await _etcd(),
        patroni=(str(environment / "bin" / "python"), "-m", "patroni"),
        account=server_account(),
    )


async def _install_patroni(folder: Path) -> None:
    await cached_install.install_python(folder, _REQUIREMENTS)


async def _etcd() -> Path:
    on_path = shutil.which("etcd")
    if on_path is not None:
        return Path(on_path)
    if shutil.which("apt-get") is None or sys.platform != "linux":
        raise NotInstalled("etcd is not on the PATH. Install it.")
    folder = await cached_install.cached("etcd", (), _extract_etcd)
    return folder / "usr" / "bin" / "etcd"


async def _extract_etcd(folder: Path) -> None:
    """Extracts the package of the distribution, without installing it."""
    await run("apt-get", "--quiet", "download", _PACKAGE, folder=folder)
    (package,) = (name for name in os.listdir(folder) if name.startswith(_PACKAGE))  # noqa: PTH208
    await run("dpkg", "-x", str(folder / package), str(folder))
