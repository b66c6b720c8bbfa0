create or replace function bench_enqueue(rows int, prefix text) returns void
language sql volatile
as $$
  insert into pgboss.job (name, data, policy, retry_limit, retry_delay, expire_seconds, deletion_seconds)
  select q.name, job::jsonb, q.policy, q.retry_limit, q.retry_delay, q.expire_seconds, q.deletion_seconds
  from pgboss.queue q, bench_jobs(rows, prefix) as job
  where q.name = 'deliver';
  -- As its own inserts do.
  select pg_notify('pgboss_' || left(encode(sha224('pgboss'::bytea), 'hex'), 24), q.name) from pgboss.queue q where q.name = 'deliver' and q.notify
$$;

create or replace function bench_unfinished() returns bigint
language sql stable
as $$
  select count(*) from pgboss.job j where j.name = 'deliver' and j.state < 'completed'
$$;

create or replace function bench_unrecorded() returns bigint
language sql stable
as $$
  select bench_missing((
    select count(*) from pgboss.job j
    where j.name = 'deliver' and j.state = 'completed' and (j.output ->> 'status')::int = 204))
$$;
