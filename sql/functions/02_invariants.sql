-- Invariants of an outbox row, checked by a trigger. Check constraints would be slower, because
-- PostgreSQL parses the text of each of them again in every statement. The trigger raises the error
-- that a constraint of the same name would. It is enabled `always`, so that it also fires in a
-- replica's session. Inserts need no check: only Rowhook's own functions insert rows.

create or replace function rowhook.check_delivery() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  broken text;
begin
  if new.late is distinct from (new.schedule_step > 1) then
    new.late := new.schedule_step > 1;
  end if;
  -- Fast path: short tests for nearly all rows.
  if new.status = 'pending' and new.next_attempt_at is not null
    and new.finished_at is null and new.leased_until is null then
    return new;
  end if;
  if new.status = 'sending' and new.leased_until is not null and new.worker_id is not null
    and new.next_attempt_at is null and new.finished_at is null and not new.ready then
    return new;
  end if;
  if new.status = 'delivered' and new.finished_at is not null
    and new.next_attempt_at is null and new.leased_until is null and not new.ready then
    return new;
  end if;
  broken := case
    when new.status not in ('pending', 'sending', 'held', 'delivered', 'dead', 'cancelled', 'skipped')
      then 'status_is_known'
    when (new.finished_at is not null) <> (new.status in ('delivered', 'dead', 'cancelled', 'skipped'))
      then 'finished_iff_final'
    when (new.status = 'sending') <> (new.leased_until is not null and new.worker_id is not null)
      then 'leased_iff_sending'
    when new.ready and (new.status not in ('pending', 'held') or new.next_attempt_at is null)
      then 'ready_only_if_waiting'
    when new.status = 'pending' and new.next_attempt_at is null
      then 'pending_has_its_time'
    when new.next_attempt_at is not null and new.status not in ('pending', 'held')
      then 'only_waiting_has_a_time'
  end;
  if broken is not null then
    raise exception using errcode = 'check_violation', schema = 'rowhook', table = 'outbox', constraint = broken,
      message = format('new row for relation "outbox" violates check constraint "%s"', broken);
  end if;
  return new;
end
$$;
