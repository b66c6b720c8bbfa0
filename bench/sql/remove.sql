-- Removes everything that the benchmark created except its deliveries (sql/bench/clear.sql), including
-- leftovers of an interrupted run.
delete from rowhook.link l where l.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.webhook w where w.organization_id = '00000000-0000-4000-8000-00000000000a';
-- Deleting a webhook leaves a chore for the workers.
delete from rowhook.chore c
using rowhook.webhook_revision r
where r.webhook_id = c.webhook_id and r.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.lane_state s
using rowhook.webhook_revision r
where r.webhook_id = s.webhook_id and r.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.request_frame f where f.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.webhook_revision r where r.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.sign_in s
using rowhook.api_key k
where k.hash = s.key_hash and k.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.api_key k where k.organization_id = '00000000-0000-4000-8000-00000000000a';

drop table if exists
  rowhook.bench_commit, rowhook.bench_logged_commit, rowhook.bench_log, rowhook.bench_stepwise_commit,
  rowhook.bench_stepwise_log, rowhook.bench_job;
delete from rowhook.agent_version v
using rowhook.agent a
where a.id = v.agent_id and a.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.agent a where a.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.goal g where g.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.organization o where o.id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.audit a where a.organization_id = '00000000-0000-4000-8000-00000000000a';

-- A benchmark has master keys of its own, unless the database already had some.
do $$
begin
  if to_regclass('rowhook.bench_before') is not null then
    delete from rowhook.keyring_check where not (select b.has_keyring from rowhook.bench_before b);
  end if;
end
$$;
drop table if exists rowhook.bench_before;
drop function if exists
  rowhook.bench_commits(int, text), rowhook.bench_commit_once(boolean), rowhook.bench_commit_named(text),
  rowhook.bench_unfinished(),
  rowhook.bench_all_awake(), rowhook.bench_one_asleep(),
  rowhook.bench_session(boolean), rowhook.bench_has_jit(), rowhook.bench_server(),
  rowhook.bench_finished(int, int, int), rowhook.bench_webhook(),
  rowhook.bench_log_commit(), rowhook.bench_log_commit_stepwise(),
  rowhook.bench_write_stepwise_log(text, text, text, text, json), rowhook.bench_job_id(int), rowhook.bench_agent(boolean),
  rowhook.bench_add_jobs(int, int, boolean), rowhook.bench_complete_jobs(boolean, boolean),
  rowhook.bench_backend(text),
  rowhook.bench_finish_jobs(text[]), rowhook.bench_sizes(), rowhook.bench_hot_updates(), rowhook.bench_compression(),
  rowhook.bench_add_lanes(int), rowhook.bench_add_waiting(int, bigint, bigint), rowhook.bench_blocks();
