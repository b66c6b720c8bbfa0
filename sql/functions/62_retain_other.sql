-- Retention of held deliveries, the audit log, revisions, secrets and failed captures, and of rows
-- without a setting.

create or replace function rowhook.retain_held(
  before timestamptz, events_before timestamptz, events_until bigint, most int, inout passed_webhook uuid, out removed bigint
)
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  webhooks constant uuid[] := array(
    select w.id from rowhook.webhook w
    where w.id > coalesce(passed_webhook, '00000000-0000-0000-0000-000000000000')
    order by w.id limit 1000);
  old constant bigint[] := array(
    select held.id from unnest(webhooks) as w (id),
    lateral (
      select o.id from rowhook.outbox o
      -- Deliveries that the schedule still retries are kept.
      where o.webhook_id = w.id and o.status = 'held' and o.created_at < before and o.next_attempt_at is null
      order by o.created_at limit most) as held
    limit most);
  locked constant bigint[] := array(
    select o.id from rowhook.outbox o where o.id = any (old) and o.status = 'held' order by o.id for update skip locked);
begin
  removed := rowhook.remove_deliveries(locked, events_before, events_until);
  if cardinality(old) < most or removed = 0 then
    passed_webhook := case when cardinality(webhooks) = 1000 then webhooks[1000] end;
  end if;
end
$$;
comment on function rowhook.retain_held(timestamptz, timestamptz, bigint, int, uuid) is
  'removes held deliveries of the 1,000 webhooks after passed_webhook; null: these were the last';

create or replace function rowhook.retain_revisions(before timestamptz, most int, inout passed_webhook uuid, out removed bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  webhooks constant uuid[] := array(
    with recursive known as (
      (select v.webhook_id as id from rowhook.webhook_revision v
       where v.webhook_id > coalesce(passed_webhook, '00000000-0000-0000-0000-000000000000')
       order by v.webhook_id limit 1)
      union all
      select (select v.webhook_id from rowhook.webhook_revision v where v.webhook_id > k.id order by v.webhook_id limit 1)
      from known k where k.id is not null
    )
    select k.id from known k where k.id is not null limit 200);
begin
  delete from rowhook.webhook_revision gone
  where gone.ctid = any (array(
    select of_webhook.ctid
    from unnest(webhooks) as w (id),
    lateral (
      select v.ctid, v.revision, v.created_at,
             lead(v.created_at) over (order by v.revision) as replaced_at,
             max(v.created_at) over () as last_at
      from rowhook.webhook_revision v where v.webhook_id = w.id) as of_webhook
    -- Not `exists`: over an outbox that is believed small it would be read whole. The first revision
    -- is kept, because lists find webhooks by it.
    where (of_webhook.revision > 1 and of_webhook.replaced_at < before)
      or (of_webhook.last_at < before
          and (select true from rowhook.webhook k where k.id = w.id limit 1) is null
          and (select true from rowhook.outbox o where o.webhook_id = w.id limit 1) is null)
    limit most));
  get diagnostics removed = row_count;
  if removed < most then
    passed_webhook := case when cardinality(webhooks) = 200 then webhooks[200] end;
  end if;
end
$$;
comment on function rowhook.retain_revisions(timestamptz, int, uuid) is
  'removes replaced revisions, and all revisions of deleted webhooks without deliveries, of the 200 webhooks after passed_webhook; null: these were the last';

create or replace function rowhook.retain_audit(before timestamptz, most int, inout passed_id bigint, out removed bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
as $$
declare
  old bigint[];
begin
  removed := 0;
  if (select a.created_at >= retain_audit.before from rowhook.audit a where a.id > coalesce(passed_id, 0) order by a.id limit 1) is not false then
    return;
  end if;
  old := array(
    select page.id
    from (select a.id, a.created_at from rowhook.audit a where a.id > coalesce(passed_id, 0) order by a.id limit most) as page
    where page.created_at < retain_audit.before);
  delete from rowhook.audit a
  where a.ctid = any (array(select d.ctid from rowhook.audit d where d.id = any (old) order by d.id));
  get diagnostics removed = row_count;
  passed_id := coalesce((select max(gone.id) from unnest(old) as gone (id)), passed_id);
end
$$;
comment on function rowhook.retain_audit(timestamptz, int, bigint) is
  'removes the oldest rows of the audit log; ids grow with time';

create or replace function rowhook.retain_secrets(before timestamptz, most int) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  removed bigint;
begin
  delete from rowhook.signing_secret s
  where s.ctid = any (array(
    select old.ctid from rowhook.signing_secret old
    where old.expires_at < before order by old.expires_at limit most for update skip locked));
  get diagnostics removed = row_count;
  return removed;
end
$$;
comment on function rowhook.retain_secrets(timestamptz, int) is
  'removes signing secrets that expired long ago';

create or replace function rowhook.retain_errors(wanted_kind text, before timestamptz, most int) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  ids bigint[];
  removed bigint;
begin
  if wanted_kind = 'capture_errors' then
    ids := array(
      select e.id from rowhook.capture_error e
      where e.healed_at < before order by e.healed_at limit most for update skip locked);
  else
    ids := array(
      select e.id from rowhook.capture_error e
      where e.healed_at is null and e.created_at < before order by e.created_at limit most for update skip locked);
  end if;
  delete from rowhook.capture_error e where e.id = any (ids);
  get diagnostics removed = row_count;
  return removed;
end
$$;
comment on function rowhook.retain_errors(text, timestamptz, int) is
  'removes failed captures that were healed long ago or have been open for long';

create or replace function rowhook.remove_leftovers(most int default 5000) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '1s'
as $$
declare
  removed bigint := 0;
  batch bigint;
begin
  -- These tables contain rows in use and leftovers of the last day only.
  delete from rowhook.worker where seen_at < now() - interval '1 day';
  delete from rowhook.test_allowance where refilled_at < now() - interval '1 day';
  delete from rowhook.sign_in where ends_at < now();
  delete from rowhook.portal_session where ends_at < now();
  delete from rowhook.request_frame f
  where f.used_on < (
    select (now() - max(r.keep) - interval '2 days')::date from rowhook.retention r
    where r.kind in ('attempts', 'bodies', 'failed_bodies') having bool_and(r.keep is not null or r.kind <> 'attempts'));
  delete from rowhook.idempotent_request r
  where r.ctid = any (array(
    select old.ctid from rowhook.idempotent_request old
    where old.created_at < now() - interval '24 hours' order by old.created_at limit most for update skip locked));
  get diagnostics batch = row_count;
  removed := removed + batch;
  delete from rowhook.removed_event t
  where t.ctid = any (array(
    select old.ctid from rowhook.removed_event old
    where old.expires_at < now()
      -- A failed capture is retried even if rowhook.heal cannot find its rows.
      and not exists (
        select from rowhook.capture_error e
        where e.healed_at is null and e.source = old.source and e.source_ids @> array[old.row_id])
    order by old.expires_at limit most for update skip locked));
  get diagnostics batch = row_count;
  removed := removed + batch;
  update rowhook.installation set highest_xid = pg_snapshot_xmax(pg_current_snapshot())
  where suspended_at is null and highest_xid < pg_snapshot_xmax(pg_current_snapshot());
  return removed;
end
$$;
comment on function rowhook.remove_leftovers(int) is
  'removes one batch of rows that are useless after a day: old workers, sign-ins, stored answers, traces of removed events; updates the highest transaction id';
