-- Jobs are deleted when they have succeeded.
create or replace function bench_enqueue(rows int, prefix text) returns void
language sql volatile
as $$
  select count(*) from graphile_worker.add_jobs(array(
    select ('deliver', job, null, null, null, null, null, null)::graphile_worker.job_spec
    from bench_jobs(rows, prefix) as job))
$$;

create or replace function bench_unfinished() returns bigint
language sql stable
as $$
  select count(*) from graphile_worker._private_jobs
$$;

create or replace function bench_unrecorded() returns bigint
language sql stable
as $$
  select bench_missing((select count(distinct o.key) from bench_outcome o where o.status = 204))
$$;
