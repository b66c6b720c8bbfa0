"""A log of claims with the due time and the claim time of each delivery."""

from __future__ import annotations

from typing import Any

from tests.support.sample_platform import Platform


async def log_claims(platform: Platform) -> None:
    """Logs every claim in public.claim_log from now on."""
    await platform.run(
        "create table public.claim_log"
        " (outbox_id bigint, due_at timestamptz, claimed_at timestamptz)"
    )
    await platform.run(
        "create function public.log_claim() returns trigger language plpgsql security definer as $$"
        " begin insert into public.claim_log values (old.id, old.next_attempt_at, now());"
        " return null; end $$"
    )
    await platform.run(
        "create trigger log_claim after update on rowhook.outbox for each row"
        " when (new.status = 'sending' and old.status <> 'sending')"
        " execute function public.log_claim()"
    )


async def claim_log(platform: Platform) -> list[dict[str, Any]]:
    """Returns `outbox_id`, `due_at` and `claimed_at` of every claim, ordered by delivery."""
    return await platform.rows("select * from public.claim_log order by outbox_id, claimed_at")
