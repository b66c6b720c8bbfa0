-- A worker without work lies down in a register that the capture looks at, and is woken by NOTIFY.

create or replace function rowhook.fall_asleep(
  known uuid[] default '{}', marks timestamptz[] default '{}',
  out register bigint, out has_work boolean, out due_in_s double precision
)
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
  opens_at timestamptz;
begin
  register := nextval('rowhook.asleep');
  has_work := exists (select from rowhook.chore where due_at <= now());
  if not rowhook.may_send() then
    return;
  end if;
  -- From here the capture notifies; what it wrote before is seen by this look.
  select has_work or coalesce(bool_or(g.room > 0), false), min(g.opens_at) into has_work, opens_at
  from rowhook.gates(rowhook.lanes('00000000-0000-0000-0000-000000000000', null, 1000, known, marks)) as g;
  select least(extract(epoch from least(min(o.next_attempt_at), opens_at) - now())) into due_in_s
  from rowhook.outbox o where not o.ready and o.next_attempt_at is not null;
  has_work := has_work or coalesce(due_in_s <= 0, false);
end
$$;
comment on function rowhook.fall_asleep(uuid[], timestamptz[]) is
  'enters the register of sleepers, then looks once more: what claim or sweep would find, and when something next comes due';

create or replace function rowhook.wake_up(register bigint) returns void
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select setval('rowhook.awake', greatest(register, last_value)) from rowhook.awake
$$;
