-- What a row of event and of outbox must be. By triggers that see one row: Postgres reads the text of
-- each check constraint anew in every statement, and these were a third of what a capture cost.
-- They raise as a constraint would, by its name, and `always`: in a replica's session too.

create or replace function rowhook.fit_event() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  bytes constant bigint := coalesce(octet_length(new.data::text), 0) + coalesce(octet_length(new.context::text), 0);
  broken text;
begin
  if bytes > 1048576 then
    new.oversize_bytes := bytes;
    new.data := null;
    new.context := null;
  end if;
  broken := case
    when new.type not in (
      'job.succeeded', 'job.failed', 'goal.committed',
      'webhook.test', 'webhook.failing', 'webhook.disabled', 'webhook.recovered')
      then 'event_type_is_known'
    when new.job_id is not null and new.commit_id is not null
      then 'event_is_of_job_or_commit_or_neither'
  end;
  if broken is not null then
    raise exception using errcode = 'check_violation', schema = 'rowhook', table = 'event', constraint = broken,
      message = format('new row for relation "event" violates check constraint "%s"', broken);
  end if;
  return new;
end
$$;

create or replace function rowhook.fit_delivery() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  broken text;
begin
  if new.late is distinct from (new.schedule_step > 1) then
    new.late := new.schedule_step > 1;
  end if;
  -- The shapes of nearly all rows, each a short test.
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
