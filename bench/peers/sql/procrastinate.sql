create or replace function bench_enqueue(rows int, prefix text) returns void
language sql volatile
as $$
  select procrastinate_defer_jobs_v1(array(
    select ('deliver', 'deliver', 0, null, null, job::jsonb, null)::procrastinate_job_to_defer_v1
    from bench_jobs(rows, prefix) as job))
$$;

create or replace function bench_unfinished() returns bigint
language sql stable
as $$
  select count(*) from procrastinate_jobs j where j.status in ('todo', 'doing')
$$;

create or replace function bench_unrecorded() returns bigint
language sql stable
as $$
  select bench_missing((select count(distinct o.key) from bench_outcome o where o.status = 204))
$$;
