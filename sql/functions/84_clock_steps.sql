-- Detects that the clock of the server was set back, by NTP, by hand, or by a failover to a server whose clock is late.
-- Deliveries then have higher ids than others that were created at later times.

create or replace function rowhook.note_clock_steps(most int default 50000) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  -- Processes that insert at the same moment take ids and times in different orders.
  usual constant interval := '30 seconds';
  stored record;
  read record;
  step interval;
begin
  select i.clock_read_to, i.newest_creation, i.clock_set_back_by, i.clock_set_back_at into stored
  from rowhook.installation i;
  select count(*) as rows, max(o.id) as last_id, max(o.created_at) as newest,
         max(o.newest_so_far - o.created_at) as step, max(o.id) filter (where o.newest_so_far - o.created_at > usual) as step_at
  into read
  from (
    select n.id, n.created_at,
           greatest(stored.newest_creation, max(n.created_at) over (order by n.id rows unbounded preceding)) as newest_so_far
    from (
      select o.id, o.created_at from rowhook.outbox o
      where o.id > stored.clock_read_to order by o.id limit most) as n) as o;
  -- A delivery may also have ended since then, at a time before its creation.
  step := greatest(read.step, greatest(stored.newest_creation, read.newest) - clock_timestamp());
  if step > usual then
    stored.clock_set_back_at := coalesce(read.step_at, read.last_id, stored.clock_read_to);
    stored.clock_set_back_by := greatest(stored.clock_set_back_by, step);
  elsif stored.clock_set_back_by > '0'
    and not exists (select from rowhook.outbox o where o.id <= stored.clock_set_back_at order by o.id limit 1)
  then
    stored.clock_set_back_by := '0';
  elsif read.rows = 0 then
    return 0;
  end if;
  update rowhook.installation
  set clock_read_to = coalesce(read.last_id, clock_read_to),
      newest_creation = greatest(newest_creation, read.newest),
      clock_set_back_by = stored.clock_set_back_by,
      clock_set_back_at = stored.clock_set_back_at;
  return read.rows;
end
$$;
comment on function rowhook.note_clock_steps(int) is
  'compares the creation times of deliveries in the order of their ids, at most so many at a time, and stores how far the clock was set back; returns how many it has compared';

create or replace function rowhook.clock_set_back_by() returns interval
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select coalesce(
    (select i.clock_set_back_by + interval '1 minute' from rowhook.installation i where i.clock_set_back_by > '0'), interval '0')
$$;
comment on function rowhook.clock_set_back_by() is
  'how much earlier than a delivery with a lower id a stored one was created, or ended, and a minute; zero if the clock was not set back';
