-- Deletes the rows of the benchmark's own tables.
truncate rowhook.bench_commit, rowhook.bench_logged_commit, rowhook.bench_log,
  rowhook.bench_stepwise_commit, rowhook.bench_stepwise_log, rowhook.bench_job;
