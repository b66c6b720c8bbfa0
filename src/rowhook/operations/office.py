"""What every operation stands on, and the ways in which one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

import httpx

from rowhook import postgres
from rowhook.compose import Fault
from rowhook.egress import Egress
from rowhook.vault import Keyring


class NotFound(LookupError):
    """No such thing for this caller; the message names it. Another organization's is none."""


class Rejected(ValueError):
    """What was asked for cannot be done as it stands; `faults` say where and why."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{one.pointer}: {one.message}" for one in faults))
        self.faults = faults


class Conflict(RuntimeError):
    """The present state forbids it; `errors` are documents with a message each."""

    def __init__(self, message: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.errors = errors or []


class StillLinked(Conflict):
    """A webhook that agents or goals are linked to cannot be deleted; `errors` name them."""


class TooMany(RuntimeError):
    """More than is allowed now; `wait_s` says how long to wait."""

    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContext:
    """What reading and steering need: the database and the rules of this installation.

    `pool` is a pool under its login's rights, or an Entry that sees one organization alone.
    """

    pool: postgres.Source
    policy: Egress
    brand: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyringContext(ServiceContext):
    """What every operation needs: the keyring too, for secrets, and a transport for test sends.

    `transport` has the same guard as the worker's.
    """

    keyring: Keyring
    transport: httpx.AsyncBaseTransport | None = None

    def entered(self, pool: postgres.Pool, organization: UUID | None, actor: str) -> KeyringContext:
        """The ctx as one organization, or with None an operator, may use it."""
        return replace(self, pool=postgres.Entry(pool=pool, organization=organization, actor=actor))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerContext:
    """What the API and the dashboard work with: a pool, the ctx over it, and the first key."""

    pool: postgres.Pool
    ctx: KeyringContext
    admin_key: str | None
    direct_dsn: str
    cors_origins: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
