-- Triggers, one per paragraph: `create or replace trigger`, `enable always` if it must also fire in a
-- replica's session, then an empty line. The runner applies a paragraph in a transaction of its own,
-- and only if its text changed or the trigger is missing, because creating a trigger locks its table
-- against writes. Drops of triggers go into sql/functions/99_obsolete.sql.

create or replace trigger fill_completed_at
  before insert or update of status on rowhook.job
  for each row when (new.completed_at is null and new.status in ('succeeded', 'failed', 'cancelled'))
  execute function rowhook.fill_completed_at();

create or replace trigger renew_completed_at
  before update of status on rowhook.job
  for each row when (
    new.status in ('succeeded', 'failed') and new.status is distinct from old.status
    and new.completed_at = old.completed_at)
  execute function rowhook.fill_completed_at();

create or replace trigger describe_link
  before insert on rowhook.link
  for each row execute function rowhook.copy_webhook_to_link();

create or replace trigger describe_links
  after update of event_types, state, retry_schedule_s, ordered on rowhook.webhook
  for each row execute function rowhook.copy_webhook_to_links();

create or replace trigger capture_inserted_job
  after insert on rowhook.job
  referencing new table as new_rows
  for each statement execute function rowhook.capture_job();

create or replace trigger capture_updated_job
  after update on rowhook.job
  referencing old table as old_rows new table as new_rows
  for each statement execute function rowhook.capture_job();

create or replace trigger capture_inserted_commit
  after insert on rowhook.commit
  referencing new table as new_rows
  for each statement execute function rowhook.capture_commit();

create or replace trigger capture_updated_commit
  after update on rowhook.commit
  referencing old table as old_rows new table as new_rows
  for each statement execute function rowhook.capture_commit();

-- Named so that it fires after guard_outbox, whose changes it checks too.
create or replace trigger must_fit
  before update on rowhook.outbox
  for each row execute function rowhook.check_delivery();
alter table rowhook.outbox enable always trigger must_fit;

-- Updates by hand are recognized by their shape: every write of the engine changes the token.
create or replace trigger guard_outbox
  before update on rowhook.outbox
  for each row when (new.token is not distinct from old.token)
  execute function rowhook.guard_outbox();

create or replace trigger number_revision
  before update on rowhook.webhook
  for each row execute function rowhook.number_revision();

create or replace trigger keep_revision
  after insert or update or delete on rowhook.webhook
  for each row execute function rowhook.record_revision();

create or replace trigger spread_secret
  after update on rowhook.secret
  for each row when (new.version > old.version)
  execute function rowhook.bump_secrets_version();

create or replace trigger note_change
  after insert or update or delete on rowhook.webhook
  for each row execute function rowhook.audit_change();

create or replace trigger note_change
  after insert or delete on rowhook.link
  for each row execute function rowhook.audit_change();

create or replace trigger note_change
  after insert or update or delete on rowhook.secret
  for each row execute function rowhook.audit_change();

create or replace trigger note_change
  after insert or delete on rowhook.api_key
  for each row execute function rowhook.audit_change();

create or replace trigger fit_retention
  before update on rowhook.retention
  -- Compared as text: a month equals 30 days.
  for each row when (new.keep::text is distinct from old.keep::text)
  execute function rowhook.check_retention_change();

create or replace trigger split_attempt
  instead of insert on rowhook.attempt
  for each row execute function rowhook.insert_attempt();
