-- Updates of deliveries by an operator. Setting `status` is the interface; the functions do the same
-- for many rows.

create or replace function rowhook.guard_outbox() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  allowed rowhook.outbox := old;
begin
  -- When the engine renews a lease, it keeps the token.
  allowed.leased_until := new.leased_until;
  if new is not distinct from allowed and old.status = 'sending' and new.leased_until is not null then
    return new;
  end if;
  allowed := old;
  allowed.status := new.status;
  if new is distinct from allowed then
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
    -- The token is kept: a result that still arrives becomes an attempt.
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
comment on function rowhook.resend(bigint[]) is
  'makes these deliveries due now and returns their ids; ignores those that are being sent';

-- Security definer, because only the engine may set times. Rows that the caller cannot see are
-- ignored.
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
    -- rowhook.promote makes the others ready when they are due.
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
  'makes these deliveries due one after the other, `rate` per second, and returns their ids';

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
comment on function rowhook.retry(bigint[]) is
  'sends these deliveries again now and returns how many; ignores those that are being sent';

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
comment on function rowhook.cancel(bigint[]) is
  'cancels these deliveries if they wait or are being sent; returns how many';

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
  -- Locked here, so that a delivery which another session resends at the same time is not sent twice.
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
  'sends again the deliveries that were created in [since, until) and have one of the statuses, at `rate` per second if given; returns how many';

-- State of a webhook, and its waiting deliveries after a change.

create or replace function rowhook.pause(webhook_id uuid) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return rowhook.set_state(webhook_id, 'paused');
end
$$;
comment on function rowhook.pause(uuid) is
  'pauses a webhook, so that its deliveries wait; false if it was not active';

create or replace function rowhook.resume(webhook_id uuid) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return rowhook.set_state(webhook_id, 'active');
end
$$;
comment on function rowhook.resume(uuid) is
  'activates a webhook that is paused or disabled; false if it was active';

create or replace function rowhook.assign_order(webhook uuid, max_rows int) returns bigint
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
    limit max_rows
    for update of o skip locked
  )
  update rowhook.outbox o set token = nextval('rowhook.token'), ordered_by = unplaced.xact
  from unplaced where o.id = unplaced.id;
  get diagnostics placed = row_count;
  return placed;
end
$$;
comment on function rowhook.assign_order(uuid, int) is
  'assigns their position to a batch of deliveries that wait for a webhook which became ordered; returns how many';

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
    -- Deliveries captured or claimed before the change are still on their way.
    update rowhook.chore set due_at = now() + interval '1 second' where webhook_id = chosen.webhook_id;
  elsif moved < most then
    delete from rowhook.chore where webhook_id = chosen.webhook_id;
  end if;
  return greatest(moved, 1);
end
$$;
comment on function rowhook.sweep(int) is
  'processes one batch of a changed webhook: releases held deliveries, ends those of a disabled or deleted webhook; returns 0 when nothing is left';
