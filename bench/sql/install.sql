-- Objects that the benchmark adds to the database it measures. sql/bench/remove.sql removes them.
create table rowhook.bench_before as
select exists (select from rowhook.keyring_check) as has_keyring;

-- Commits without capture: the same columns, indexes and foreign keys, but no trigger.
create table rowhook.bench_commit (like rowhook.commit including all);
alter table rowhook.bench_commit
  add foreign key (goal_id) references rowhook.goal,
  add foreign key (session_id) references rowhook.session;

insert into rowhook.organization (id, name)
values ('00000000-0000-4000-8000-00000000000a', 'Benchmark of Rowhook');
insert into rowhook.goal (id, organization_id)
select 'rowhook_bench_' || n, '00000000-0000-4000-8000-00000000000a'
from generate_series(0, 9) as n;

create function rowhook.bench_commits(rows int, prefix text) returns void
language sql
as $$
  insert into rowhook.commit (id, goal_id, data)
  select prefix || n, 'rowhook_bench_' || n % 10,
         json_build_object('n', n, 'text', repeat('abcdefgh', 100))
  from generate_series(1, rows) as n
$$;

-- One commit as a platform writes it, with a plan cached in the session.
create function rowhook.bench_commit_once(captured boolean) returns void
language plpgsql
as $$
begin
  if captured then
    insert into rowhook.commit (goal_id, data)
    values ('rowhook_bench_1', json_build_object('text', repeat('abcdefgh', 120)));
  else
    insert into rowhook.bench_commit (goal_id, data)
    values ('rowhook_bench_1', json_build_object('text', repeat('abcdefgh', 120)));
  end if;
end
$$;

-- The same under an id of the caller, which the receiver gets as the idempotency key.
create function rowhook.bench_commit_named(id text) returns void
language plpgsql
as $$
begin
  insert into rowhook.commit (id, goal_id, data)
  values (id, 'rowhook_bench_1', json_build_object('text', repeat('abcdefgh', 120)));
end
$$;

-- Uses only the partial indexes, so that polling does not slow down the measured worker.
create function rowhook.bench_unfinished() returns bigint
language sql stable
set jit = off
set enable_seqscan = off
as $$
  select (select count(*) from rowhook.outbox where ready)
    + (select count(*) from rowhook.outbox where status = 'sending')
    + (select count(*) from rowhook.outbox where not ready and next_attempt_at is not null)
$$;

-- As if no worker slept: nobody listens while the capture is measured, and no NOTIFY is sent.
create function rowhook.bench_all_awake() returns void
language sql
as $$
  select setval('rowhook.awake', last_value) from rowhook.asleep
$$;

-- As if a worker fell asleep: the next commit notifies.
create function rowhook.bench_one_asleep() returns void
language sql
as $$
  select nextval('rowhook.asleep')
$$;

-- Sets JIT for this session from now on; returns its process id.
create function rowhook.bench_session(with_jit boolean) returns int
language plpgsql
as $$
begin
  perform set_config('jit', with_jit::text, false);
  return pg_backend_pid();
end
$$;

-- Whether the server supports JIT.
create function rowhook.bench_has_jit() returns boolean
language sql stable
set jit = on
as $$
  select pg_jit_available()
$$;

create function rowhook.bench_server() returns json
language sql stable
as $$
  select json_build_object(
    'version', current_setting('server_version'),
    'jit_available', rowhook.bench_has_jit(),
    'settings', (
      select json_object_agg(s.name, current_setting(s.name) order by s.name)
      from pg_settings s
      where s.name in (
        'autovacuum', 'checkpoint_timeout', 'commit_delay', 'data_checksums', 'effective_cache_size',
        'effective_io_concurrency', 'fsync', 'full_page_writes', 'io_method', 'jit',
        'jit_above_cost', 'maintenance_work_mem', 'max_connections', 'max_parallel_workers_per_gather',
        'max_wal_size', 'random_page_cost', 'server_encoding', 'shared_buffers', 'synchronous_commit',
        'wal_buffers', 'wal_compression', 'wal_level', 'work_mem')))
$$;

-- Deliveries `from_place` to `to_place` of `of_all`, the newest last: 97 of 100 delivered.
create function rowhook.bench_finished(from_place int, to_place int, of_all int) returns void
language sql
as $$
  with happened as (
    insert into rowhook.event (organization_id, type, key, commit_id, goal_id, snapshot, data, occurred_at, created_at)
    select '00000000-0000-4000-8000-00000000000a', 'goal.committed', 'finished_' || place, 'finished_' || place,
           'rowhook_bench_' || place % 10, '{}', '{}', moment, moment
    from generate_series(from_place, to_place) as place,
      lateral (select now() - interval '20 days' * (1.0001 - place::float8 / of_all) as moment) as timed
    returning id, organization_id, goal_id, created_at
  )
  insert into rowhook.outbox (event_id, webhook_id, organization_id, status, ready, attempts, next_attempt_at,
                              created_at, finished_at, last_status_code, last_error)
  select e.id, w.id, e.organization_id, fate.status, false, 1, null, e.created_at,
         e.created_at + interval '20 ms',
         case fate.status when 'delivered' then 204 when 'dead' then 503 end,
         case fate.status when 'dead' then 'The receiver responded with status 503.' end
  from happened e
  join rowhook.webhook w
    on w.organization_id = e.organization_id and w.name = 'webhook ' || right(e.goal_id, 1),
    lateral (select case e.id % 100 when 0 then 'dead' when 1 then 'skipped' when 2 then 'cancelled'
                    else 'delivered' end as status) as fate
$$;

create function rowhook.bench_webhook() returns uuid
language sql stable
as $$
  select w.id from rowhook.webhook w
  where w.organization_id = '00000000-0000-4000-8000-00000000000a' and w.name = 'webhook 1'
$$;
