-- Changes that `create or replace` cannot make, applied before the definitions that need them.

-- `drop view` first: a view cannot change the type of a column, and job_id became text. The views are
-- created again in the same transaction.
do $$
begin
  if (select a.atttypid from pg_attribute a
      where a.attrelid = to_regclass('rowhook.delivery') and a.attname = 'job_id') = 'uuid'::regtype then
    drop view rowhook.shown_delivery, rowhook.api_delivery, rowhook.delivery, rowhook.capture_gap;
  end if;
end
$$;

-- Renamed trigger functions. They are renamed in place because their triggers refer to them until
-- sql/triggers.sql is applied.
do $$
declare
  renamed record;
begin
  for renamed in
    select * from (values
      ('fit_delivery', 'check_delivery'),
      ('fit_retention', 'check_retention_change'),
      ('describe_link', 'copy_webhook_to_link'),
      ('describe_links', 'copy_webhook_to_links'),
      ('keep_revision', 'record_revision'),
      ('note_change', 'audit_change'),
      ('spread_secret', 'bump_secrets_version')
    ) as function (old_name, new_name)
  loop
    continue when to_regprocedure(format('rowhook.%I()', renamed.old_name)) is null
      or to_regprocedure(format('rowhook.%I()', renamed.new_name)) is not null;
    execute format('alter function rowhook.%I() rename to %I', renamed.old_name, renamed.new_name);
  end loop;
end
$$;

-- Renamed arguments of functions that only other functions call.
do $$
declare
  signature text;
begin
  foreach signature in array array[
    'rowhook.constant_expression(jsonb, text)', 'rowhook.column_expression(text, oid, text, text)',
    'rowhook.field_expression(regclass, jsonb, text, text)', 'rowhook.enqueue_linked_sql(text)'] loop
    if exists (
      select from pg_proc p where p.oid = to_regprocedure(signature) and p.proargnames && array['wanted', 'linked_by']) then
      execute 'drop function ' || signature;
    end if;
  end loop;
end
$$;
