"""The database of a random sequence: one connection, emptied between sequences."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from tests.support.deadline import DEADLINE_S
from tests.support.sample_platform import DEFAULTS
from tests.support.states.delivery_model import Claim, Hook

_LOG = """
create table public.arrow (old_status text, new_status text, old_attempts int, new_attempts int);
create function public.note_arrow() returns trigger language plpgsql as $$
begin
  insert into public.arrow values (old.status, new.status, old.attempts, new.attempts);
  return null;
end $$;
create trigger note_arrow after update on rowhook.outbox for each row
  when (old.status <> new.status or old.attempts <> new.attempts)
  execute function public.note_arrow();
"""
# Autovacuum locks an emptied table to truncate it. A capture that waits longer than its
# lock_timeout leaves a gap, which the model does not expect.
_KEEP_SIZE = """
alter table rowhook.outbox set (vacuum_truncate = off);
alter table rowhook.event set (vacuum_truncate = off);
alter table rowhook.link set (vacuum_truncate = off);
alter table rowhook.webhook set (vacuum_truncate = off);
"""
# An ordered lane waits for every older transaction of the server, autovacuum's too.
_OLDER_TRANSACTION = """
select exists (
  select from rowhook.outbox where ordered_by >= pg_snapshot_xmin(pg_current_snapshot()))
"""
_EMPTY = """
delete from public.arrow; delete from rowhook.outbox; delete from rowhook.attempt_row;
delete from rowhook.exchange; delete from rowhook.failed_exchange;
delete from rowhook.event; delete from rowhook.link; delete from rowhook.webhook;
delete from rowhook.webhook_revision; delete from rowhook.chore; delete from rowhook.lane_state;
delete from rowhook.commit; delete from rowhook.job; delete from rowhook.audit;
"""
_SEEN = """
select o.id, o.webhook_id, o.event_id, o.status, o.attempts, o.schedule_step, o.lost_claims,
       o.ready, o.next_attempt_at is not null as timed, o.finished_at is not null as finished,
       (select count(*) from rowhook.attempt a where a.outbox_id = o.id) as rows,
       (select coalesce(max(number), 0) from rowhook.attempt a where a.outbox_id = o.id) as last
from rowhook.outbox o order by o.id
"""


def prepare(dsn: str) -> None:
    """Logs every status transition of a row."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_LOG)
        connection.execute(_KEEP_SIZE)


class DeliveryDatabase:
    """The database operations of a sequence, in plain SQL."""

    def __init__(self, dsn: str) -> None:
        self.db = psycopg.connect(dsn, autocommit=True, row_factory=dict_row)
        self.db.execute(_EMPTY)
        # A repeated sequence must have the same results.
        self.rows("select setseed(0.5)::text")
        self.organization, self.agent, self.version = uuid4(), uuid4(), uuid4()
        self.goal = f"goal_{uuid4().hex}"
        self.run("insert into rowhook.organization values (%s, 'Acme')", self.organization)
        self.run("insert into rowhook.agent values (%s, %s, 'A')", self.agent, self.organization)
        self.run("insert into rowhook.agent_version values (%s, %s, 'v')", self.version, self.agent)
        self.run("insert into rowhook.goal values (%s, %s)", self.goal, self.organization)

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        return self.db.execute(query.encode(), parameters).fetchall()

    def run(self, query: str, *parameters: object) -> int:
        return self.db.execute(query.encode(), parameters).rowcount

    def value(self, query: str, *parameters: object) -> Any:
        return next(iter(self.rows(query, *parameters)[0].values()))

    def visible(self) -> list[dict[str, Any]]:
        """Returns all deliveries with the number of attempts and the last attempt number."""
        return self.rows(_SEEN)

    def hook(self, hook: Hook) -> None:
        """Creates a webhook and links it to the agent and the goal."""
        document = DEFAULTS | {"retry_schedule_s": hook.schedule, "ordered": hook.ordered}
        self.value(
            "select rowhook.create_webhook(%s::json, %s, %s, '{}', %s)",
            json.dumps(document),
            self.organization,
            hook.id,
            b"sealed",
        )
        self.value("select rowhook.link_agent(%s, %s)", hook.id, self.agent)
        self.value("select rowhook.link_goal(%s, %s)", hook.id, self.goal)

    def change(self, hook: Hook) -> int:
        """Changes the name of a webhook, and sets its revision."""
        document = DEFAULTS | {
            "retry_schedule_s": hook.schedule,
            "ordered": hook.ordered,
            "name": uuid4().hex,
        }
        revision: int = self.value(
            "select rowhook.change_webhook(%s::json, %s, %s, '{}', null)",
            json.dumps(document),
            self.organization,
            hook.id,
        )
        return revision

    def commit(self) -> None:
        self.run("insert into rowhook.commit (goal_id, data) values (%s, '{}')", self.goal)

    def job(self, status: str) -> UUID:
        job_id: UUID = self.value(
            "insert into rowhook.job (agent_version_id, status) values (%s, %s) returning id",
            self.version,
            status,
        )
        return job_id

    def claim(self, batch: int, *, sweep: bool) -> list[Claim]:
        self._await_older_transactions()
        rows = self.rows(
            "select * from rowhook.claim_batch(%s, %s, 64, null, '1 hour', %s)"
            " where kind = 'delivery'",
            uuid4(),
            batch,
            sweep,
        )
        return [
            Claim(
                delivery=row["outbox_id"],
                token=row["token"],
                revision=row["revision"],
                secrets=row["secrets_version"],
            )
            for row in rows
        ]

    def _await_older_transactions(self) -> None:
        """Waits until no open transaction is older than an ordered delivery."""
        deadline = time.monotonic() + DEADLINE_S
        while self.value(_OLDER_TRANSACTION):
            assert time.monotonic() < deadline, "an older transaction stays open"
            time.sleep(0.01)

    def record(self, *results: tuple[Claim, dict[str, Any]]) -> set[int]:
        """Records results in one batch; returns the accepted tokens."""
        documents = [
            {
                "outbox_id": claim.delivery,
                "token": claim.token,
                "revision": claim.revision,
                "secrets_version": claim.secrets,
                "started_at": str(datetime.now(UTC)),
                "duration_ms": 1.5,
                **fields,
            }
            for claim, fields in results
        ]
        counted = self.rows("select token from rowhook.record(%s::json)", json.dumps(documents))
        self.run("update rowhook.lane_state set probe_at = 'infinity' where circuit = 'open'")
        return {token["token"] for token in counted}

    def pass_time(self) -> None:
        """Makes all waiting deliveries due, and allows probes of open circuits."""
        self.run(
            "update rowhook.outbox set next_attempt_at = now() - interval '1 s',"
            " token = nextval('rowhook.token') where next_attempt_at is not null and not ready"
        )
        self.rows("select rowhook.promote()::text")
        self.run("update rowhook.lane_state set probe_at = now() where probe_at > now()")

    def circuit(self, hook: Hook) -> str:
        rows = self.rows("select circuit from rowhook.lane_state where webhook_id = %s", hook.id)
        return rows[0]["circuit"] if rows else "closed"

    def release(self, claim: Claim) -> None:
        self.rows("select rowhook.release(%s, %s)::text", [claim.delivery], [claim.token])

    def renew(self, claim: Claim) -> bool:
        """Renews a lease; returns whether it is still held."""
        renewed = self.rows(
            "select rowhook.renew(%s, %s, %s, '1 hour') as token",
            uuid4(),
            [claim.delivery],
            [claim.token],
        )
        return [token["token"] for token in renewed] == [claim.token]

    def expire_lease(self, delivery: int) -> None:
        """Expires a lease and lets another worker reclaim it."""
        self.run(
            "update rowhook.outbox set leased_until = now() - interval '1 s' where id = %s",
            delivery,
        )
        self.rows("select rowhook.reclaim_expired(%s, '0 s')::text", uuid4())

    def set_lost_claims(self, delivery: int, missing: int) -> None:
        """Sets the number of workers that lost a delivery."""
        self.run(
            "update rowhook.outbox set lost_claims = %s, token = nextval('rowhook.token')"
            " where id = %s",
            missing,
            delivery,
        )

    def age(self, delivery: int, event: int) -> None:
        """Backdates a finished delivery and its event beyond the retention age."""
        old = "now() - interval '31 days'"
        self.run(
            f"update rowhook.outbox set finished_at = {old}, token = nextval('rowhook.token')"
            " where id = %s",
            delivery,
        )
        event_of = "(select {} from rowhook.event where id = %s)"
        for table, id_, at in (
            ("commit", "commit_id", "committed_at"),
            ("job", "job_id::uuid", "completed_at"),
        ):
            self.run(
                f"update rowhook.{table} set {at} = {old} where id = {event_of.format(id_)}", event
            )
        self.run(f"update rowhook.event set created_at = {old} where id = %s", event)
