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

create or replace function rowhook.put_in_order(webhook uuid, most int) returns bigint
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
comment on function rowhook.put_in_order(uuid, int) is
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
    moved := rowhook.put_in_order(chosen.webhook_id, most);
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
        last_error = case when target.id is null then 'its webhook was deleted'
                          when target.state = 'disabled' then 'its webhook was disabled' else o.last_error end
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
