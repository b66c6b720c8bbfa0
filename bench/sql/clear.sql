-- Deletes the benchmark's commits, jobs, events, deliveries and attempts.
delete from rowhook.attempt_row a
using rowhook.outbox o
where o.id = a.outbox_id and o.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.exchange a
using rowhook.outbox o
where o.id = a.outbox_id and o.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.failed_exchange a
using rowhook.outbox o
where o.id = a.outbox_id and o.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.outbox o where o.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.event e where e.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.commit c where c.goal_id ~ '^rowhook_bench_[0-9]$';
delete from rowhook.job j
using rowhook.agent_version v join rowhook.agent a on a.id = v.agent_id
where v.id = j.agent_version_id and a.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.attempt_delta d where d.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.attempt_minute m where m.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.attempt_quarter q where q.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.organization_minute m where m.organization_id = '00000000-0000-4000-8000-00000000000a';
delete from rowhook.organization_quarter q where q.organization_id = '00000000-0000-4000-8000-00000000000a';
