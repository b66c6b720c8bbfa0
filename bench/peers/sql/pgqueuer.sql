-- Jobs that have succeeded move to the log.
create or replace function bench_enqueue(rows int, prefix text) returns void
language sql volatile
as $$
  insert into pgqueuer (priority, entrypoint, payload, status)
  select 0, 'deliver', convert_to(job::text, 'UTF8'), 'queued'
  from bench_jobs(rows, prefix) as job
$$;

create or replace function bench_unfinished() returns bigint
language sql stable
as $$
  select count(*) from pgqueuer
$$;

create or replace function bench_unrecorded() returns bigint
language sql stable
as $$
  select bench_missing((select count(distinct o.key) from bench_outcome o where o.status = 204))
$$;
