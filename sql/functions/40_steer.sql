-- What a person may do to a delivery. Reprocessing is an update of `status`; the functions are the
-- same update for many rows.

create or replace function rowhook.guard_outbox() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  asked rowhook.outbox := old;
begin
  -- The engine's own renewal of a lease keeps its token.
  asked.leased_until := new.leased_until;
  if new is not distinct from asked and old.status = 'sending' and new.leased_until is not null then
    return new;
  end if;
  asked := old;
  asked.status := new.status;
  if new is distinct from asked then
    raise exception using errcode = 'RH001',
      message = 'Only the status of a delivery can be updated.',
      hint = 'Set status to ''pending'' to send it again, or to ''cancelled'' to stop it. Rowhook sets all other columns.';
  end if;
  if new.status = 'pending' and old.status <> 'sending' then
    new.token := nextval('rowhook.token');
    new.ready := true;
    new.next_attempt_at := now();
    new.finished_at := null;
    new.lost_claims := 0;
    if old.status <> 'pending' then
      new.schedule_step := 0;
    end if;
    perform rowhook.wake();
    return new;
  end if;
  if new.status = 'cancelled' and old.status in ('pending', 'sending', 'held') then
    -- The token stays: a result on its way still becomes an attempt.
    new.ready := false;
    new.worker_id := null;
    new.leased_until := null;
    new.next_attempt_at := null;
    new.finished_at := now();
    return new;
  end if;
  if new.status = old.status then
    return new;
  end if;
  raise exception using errcode = 'RH001',
    message = format('A delivery with status %s cannot be set to %s.', old.status, new.status),
    hint = case old.status
      when 'sending' then 'It is being sent. Set status to ''cancelled'' to stop it.'
      when 'held' then 'Set status to ''pending'' to send it now, or to ''cancelled'' to stop it.'
      when 'pending' then 'Set status to ''pending'' to send it now, or to ''cancelled'' to stop it.'
      else 'Set status to ''pending'' to send it again.' end;
end
$$;

create or replace function rowhook.resend(outbox_ids bigint[]) returns bigint[]
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with chosen as (
    select id from rowhook.outbox
    where id = any (outbox_ids) and status <> 'sending'
    order by id for update
  ), resent as (
    update rowhook.outbox o set status = 'pending' from chosen where o.id = chosen.id returning o.id
  )
  select coalesce(array_agg(id), '{}') from resent
$$;
comment on function rowhook.resend(bigint[]) is 'makes these due now; which of them. What is being sent is left alone';

-- With its owner's rights, for only the engine may set times; what the caller may not see is left out.
create or replace function rowhook.resend_at_rate(outbox_ids bigint[], rate numeric) returns bigint[]
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  resent_ids bigint[];
begin
  with chosen as (
    select id from rowhook.outbox o
    where id = any (outbox_ids) and status in ('delivered', 'dead', 'cancelled', 'skipped', 'held')
      and (current_setting('role') <> 'rowhook_api' or rowhook.can_see(o.organization_id))
    order by id for update
  ), placed as (
    select id, now() + make_interval(secs => ((row_number() over (order by id) - 1) / rate)::float8) as due_at
    from chosen
  ), resent as (
    -- What is not due yet is not ready: rowhook.promote makes it so when its time has come.
    update rowhook.outbox o
    set token = nextval('rowhook.token'), status = 'pending', ready = placed.due_at <= now(),
        next_attempt_at = placed.due_at, finished_at = null, schedule_step = 0, lost_claims = 0
    from placed where o.id = placed.id
    returning o.id
  )
  select coalesce(array_agg(id), '{}') into resent_ids from resent;
  perform rowhook.wake();
  return resent_ids;
end
$$;
comment on function rowhook.resend_at_rate(bigint[], numeric) is
  'makes the first of these due now and the others one after the other, `rate` a second; which of them';

create or replace function rowhook.retry(outbox_ids bigint[]) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  resent_ids bigint[] := rowhook.resend(outbox_ids);
begin
  perform rowhook.audit_deliveries('delivery.retried', resent_ids);
  return cardinality(resent_ids);
end
$$;
comment on function rowhook.retry(bigint[]) is 'sends these again now; how many. What is being sent is left alone';

create or replace function rowhook.cancel(outbox_ids bigint[]) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  stopped_ids bigint[];
begin
  with chosen as (
    select id from rowhook.outbox
    where id = any (outbox_ids) and status in ('pending', 'sending', 'held')
    order by id for update
  ), cancelled as (
    update rowhook.outbox o set status = 'cancelled' from chosen where o.id = chosen.id returning o.id
  )
  select coalesce(array_agg(id), '{}') into stopped_ids from cancelled;
  perform rowhook.audit_deliveries('delivery.cancelled', stopped_ids);
  return cardinality(stopped_ids);
end
$$;
comment on function rowhook.cancel(bigint[]) is 'stops these where they wait or are being sent; how many';

create or replace function rowhook.replay(
  webhook_id uuid,
  since timestamptz,
  until timestamptz default now(),
  statuses text[] default '{dead,cancelled,skipped}',
  dry_run boolean default false,
  rate numeric default null
) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  found_ids bigint[];
  resent_ids bigint[];
begin
  if not statuses <@ array['delivered', 'dead', 'cancelled', 'skipped', 'held'] then
    raise exception using errcode = '22023',
      message = 'Invalid statuses: use delivered, dead, cancelled, skipped or held.',
      hint = 'Deliveries that are pending or sending are already on their way.';
  end if;
  if rate not between 0.001 and 1000000 then
    raise exception using errcode = '22023',
      message = 'Invalid rate: use a number of deliveries per second from 0.001 to 1000000.';
  end if;
  if dry_run then
    return (
      select count(*) from rowhook.outbox o
      where o.webhook_id = replay.webhook_id
        and o.status = any (statuses)
        and o.created_at >= since and o.created_at < until);
  end if;
  -- Locked here, so that what another sends again meanwhile is not sent twice.
  found_ids := array(
    select o.id from rowhook.outbox o
    where o.webhook_id = replay.webhook_id
      and o.status = any (statuses)
      and o.created_at >= since and o.created_at < until
    order by o.id for update);
  resent_ids := case when rate is null then rowhook.resend(found_ids)
                     else rowhook.resend_at_rate(found_ids, rate) end;
  perform rowhook.audit_deliveries('delivery.replayed', resent_ids, json_build_object(
    'webhook_id', webhook_id, 'since', since, 'until', until, 'statuses', statuses, 'rate', rate));
  return cardinality(resent_ids);
end
$$;
comment on function rowhook.replay(uuid, timestamptz, timestamptz, text[], boolean, numeric) is
  'sends again what was created in [since, until) and has one of the statuses, `rate` a second if it is given; how many';

-- A webhook is paused or resumed; what waits for a changed one is released, skipped or cancelled.

create or replace function rowhook.pause(webhook_id uuid) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return rowhook.set_state(webhook_id, 'paused');
end
$$;
comment on function rowhook.pause(uuid) is 'its deliveries wait from now on; false if it was not active';

create or replace function rowhook.resume(webhook_id uuid) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return rowhook.set_state(webhook_id, 'active');
end
$$;
comment on function rowhook.resume(uuid) is 'active again, from paused or disabled; false if it was active';

create or replace function rowhook.assign_order(webhook uuid, most int) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  placed bigint;
begin
  with unplaced as (
    select o.id, e.xact from rowhook.outbox o
    join rowhook.event e on e.id = o.event_id
    where o.webhook_id = webhook and o.ordered_by is null and o.status in ('pending', 'held')
    limit most
    for update of o skip locked
  )
  update rowhook.outbox o set token = nextval('rowhook.token'), ordered_by = unplaced.xact
  from unplaced where o.id = unplaced.id;
  get diagnostics placed = row_count;
  return placed;
end
$$;
comment on function rowhook.assign_order(uuid, int) is
  'gives what waits for a webhook that became ordered its place; how many, a batch at most';

create or replace function rowhook.sweep(most int default 1000) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  chosen rowhook.chore;
  target rowhook.webhook;
  moved bigint;
begin
  select * into chosen from rowhook.chore where due_at <= now()
  order by due_at limit 1 for update skip locked;
  if not found then
    return 0;
  end if;
  select * into target from rowhook.webhook where id = chosen.webhook_id;
  if chosen.until_xact is not null then
    moved := rowhook.assign_order(chosen.webhook_id, most);
    if moved = most then
      return moved;
    end if;
  end if;
  with waiting as (
    select o.id from rowhook.outbox o
    where o.webhook_id = chosen.webhook_id
      and (o.status = 'held' or (o.status = 'pending' and (target.id is null or target.state = 'disabled')))
    order by o.id
    limit most
    for update skip locked
  ), swept as (
    update rowhook.outbox o
    set token = nextval('rowhook.token'),
        status = case when target.id is null then 'cancelled'
                      when target.state = 'disabled' then 'skipped' else 'pending' end,
        ready = target.id is not null and target.state <> 'disabled',
        schedule_step = 0,
        next_attempt_at = case when target.id is not null and target.state <> 'disabled' then now() end,
        finished_at = case when target.id is null or target.state = 'disabled' then now() end,
        last_error = case when target.id is null then 'the webhook was deleted'
                          when target.state = 'disabled' then 'the webhook was disabled' else o.last_error end
    from waiting where o.id = waiting.id
    returning 1
  )
  select count(*) into moved from swept;
  if moved < most and (
    chosen.until_xact >= pg_snapshot_xmin(pg_current_snapshot())
    or chosen.until_xact is not null and exists (
      select from rowhook.outbox o
      where o.webhook_id = chosen.webhook_id and o.status = 'sending' and o.ordered_by is null))
  then
    -- What was captured or claimed before the change is still on its way.
    update rowhook.chore set due_at = now() + interval '1 second' where webhook_id = chosen.webhook_id;
  elsif moved < most then
    delete from rowhook.chore where webhook_id = chosen.webhook_id;
  end if;
  return greatest(moved, 1);
end
$$;
comment on function rowhook.sweep(int) is
  'one batch of one changed webhook: held rows are released, those of a disabled or deleted one end; 0 when nothing is left to do';
