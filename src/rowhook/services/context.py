"""The context that operations take, and the errors that they raise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import UUID

import httpx

from rowhook.db.connection_pool import Pool
from rowhook.db.standby import Standby, StandbyFirst
from rowhook.db.statements import ConnectionSource, TenantPool
from rowhook.egress.policy import EgressPolicy
from rowhook.render.configuration import Fault
from rowhook.security.vault import Keyring

if TYPE_CHECKING:
    # It loads jinja2 and jsonschema, which most commands do not need.
    from rowhook.render.renderer import Renderer


class NotFound(LookupError):
    """The object does not exist, or belongs to another organization; the message names it."""


class UnknownId(NotFound):
    """No object of this kind that the caller can see has the id."""

    def __init__(self, kind: str, identifier: object) -> None:
        super().__init__(f"{kind.capitalize()} {identifier} does not exist.")
        self.kind = kind
        self.identifier = str(identifier)


class Rejected(ValueError):
    """The input is invalid; `faults` hold a JSON pointer and a message each."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(" ".join(f"{fault.pointer}: {fault.message}" for fault in faults))
        self.faults = faults


class Conflict(RuntimeError):
    """The current state does not allow the operation; `errors` hold a message each."""

    def __init__(self, message: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.errors = errors or []


class StillLinked(Conflict):
    """The webhook cannot be deleted while agents or goals are linked to it; `errors` name them."""


class InProgress(RuntimeError):
    """A request with this key is in progress, or was interrupted less than a minute ago."""


class RateLimited(RuntimeError):
    """The rate limit is exceeded; the caller may try again after `wait_s` seconds."""

    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContext:
    """The database and the settings that an operation without secrets needs.

    `pool` is a pool with the rights of its login, or an `Entry` that is limited to one
    organization.
    """

    pool: ConnectionSource
    policy: EgressPolicy
    brand: str

    @property
    def lists(self) -> ConnectionSource:
        """The pool that reads lists, searches, statistics and the feed."""
        return self.pool

    @property
    def is_operator(self) -> bool:
        """Whether the caller sees all organizations, and may learn about settings."""
        return not isinstance(self.pool, TenantPool) or self.pool.organization is None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyringContext(ServiceContext):
    """A service context that can also preview and test.

    The keyring decrypts secrets, the renderer renders as the worker does, and the transport sends
    test requests under the same egress guard as the worker's. Lists are read from `standby`.
    """

    keyring: Keyring
    renderer: Renderer
    transport: httpx.AsyncBaseTransport | None = None
    standby: Standby | None = None

    @property
    def lists(self) -> ConnectionSource:
        """The standby if there is one and it may be read, else the database."""
        if self.standby is None or not isinstance(self.pool, TenantPool):
            return self.pool
        return StandbyFirst(primary=self.pool, standby=self.standby)

    def for_actor(self, pool: Pool, organization: UUID | None, actor: str) -> KeyringContext:
        """Returns this context limited to one organization; None is an operator's, for all."""
        return replace(self, pool=TenantPool(pool=pool, organization=organization, actor=actor))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerContext:
    """The context of the API and the dashboard: pool, keyring context, operator key, settings."""

    pool: Pool
    ctx: KeyringContext
    admin_key: str | None
    direct_dsn: str
    cors_origins: tuple[str, ...] = ()
    portal_origins: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
