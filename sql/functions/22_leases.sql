-- Leases and registration of workers.

create or replace function rowhook.lock_claims(outbox_ids bigint[], tokens bigint[]) returns setof bigint
language sql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select o.id
  from (select * from unnest(outbox_ids, tokens) as m (id, token) order by m.id) as mine,
  lateral (
    select o.id from rowhook.outbox o
    where o.id = mine.id and o.token = mine.token and o.leased_until is not null
    for update of o
    offset 0) as o
$$;
comment on function rowhook.lock_claims(bigint[], bigint[]) is
  'locks those of these rows that are still claimed under their token, in the order of their ids';

create or replace function rowhook.renew(
  worker uuid, outbox_ids bigint[], tokens bigint[], lease interval default '20 s'
) returns setof bigint
language sql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  update rowhook.outbox o
  set leased_until = now() + lease
  where o.id = any (array(select * from rowhook.lock_claims(outbox_ids, tokens)))
  returning o.token
$$;
comment on function rowhook.renew(uuid, bigint[], bigint[], interval) is
  'renews leases; returns the tokens that are still valid';

create or replace function rowhook.release(outbox_ids bigint[], tokens bigint[]) returns void
language sql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  update rowhook.outbox o
  set status = 'pending', ready = true, next_attempt_at = now(), token = nextval('rowhook.token'),
      worker_id = null, leased_until = null
  where o.id = any (array(select * from rowhook.lock_claims(outbox_ids, tokens)))
$$;
comment on function rowhook.release(bigint[], bigint[]) is
  'gives back deliveries that were claimed but not started; does not count as an attempt';

create or replace function rowhook.abandon(outbox_ids bigint[], tokens bigint[]) returns void
language sql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select rowhook.count_lost_claims(array(
    select o.ctid from rowhook.outbox o
    where o.id = any (array(select * from rowhook.lock_claims(outbox_ids, tokens)))))
$$;
comment on function rowhook.abandon(bigint[], bigint[]) is
  'gives back deliveries that the worker cannot read, or sent and cannot record; each counts as a lost claim';

create or replace function rowhook.reclaim_lost(worker uuid, tokens bigint[]) returns bigint
language sql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_incremental_sort = off
set enable_bitmapscan = off
as $$
  with reclaimed as (
    update rowhook.outbox o
    set status = 'pending', ready = true, next_attempt_at = now(), token = nextval('rowhook.token'),
        worker_id = null, leased_until = null
    where o.ctid = any (array(
      select ctid from rowhook.outbox
      where status = 'sending'
        and leased_until < now()
        and worker_id = worker
        and token <> all (tokens)
      order by webhook_id, token
      limit 1000
      for update skip locked
    ))
    returning 1
  )
  select count(*) from reclaimed
$$;
comment on function rowhook.reclaim_lost(uuid, bigint[]) is
  'gives back expired claims of a worker that it never received because the response was lost; does not count as an attempt';

create or replace function rowhook.heartbeat(worker uuid, host text, pid int, in_flight int) returns timestamptz
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  insert into rowhook.worker as w (id, host, pid, in_flight) values (worker, host, pid, in_flight)
  on conflict (id) do update set in_flight = excluded.in_flight, seen_at = now();
  select clock_timestamp()
$$;
comment on function rowhook.heartbeat(uuid, text, int, int) is
  'records that a worker is alive; returns the time of the database';

create or replace function rowhook.deregister(worker uuid) returns void
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  delete from rowhook.worker w where w.id = deregister.worker
$$;
