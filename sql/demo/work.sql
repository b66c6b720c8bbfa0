-- The rows that an agent platform writes while its agents work, without calling Rowhook.
insert into rowhook.job (id, agent_version_id, status, metadata) values
  ('00000000-0000-4000-8000-0000000000c1', '00000000-0000-4000-8000-0000000000b1', 'running', '{"run": 1}'),
  ('00000000-0000-4000-8000-0000000000c2', '00000000-0000-4000-8000-0000000000b1', 'running', '{"run": 2}'),
  ('00000000-0000-4000-8000-0000000000c3', '00000000-0000-4000-8000-0000000000b2', 'running', '{"run": 3}');

update rowhook.job
set status = 'succeeded', status_code = 1, cost = 0.0042, output = '{"answer": "42", "confidence": 0.10}'
where id = '00000000-0000-4000-8000-0000000000c1';

update rowhook.job
set status = 'failed', status_code = 7, cost = 0.0001, output = '{"error": "the source was gone"}'
where id = '00000000-0000-4000-8000-0000000000c2';

-- No webhook is linked to this agent: an event without deliveries.
update rowhook.job set status = 'succeeded', status_code = 1
where id = '00000000-0000-4000-8000-0000000000c3';

insert into rowhook.commit (id, goal_id, session_id, interview_id, data)
values ('commit_ada', 'goal_onboarding', 'session_1', 'interview_1',
        '{"name": "Ada \"Countess\" Lovelace", "email": "ada@example.com", "customer_id": "c/1 ü", "score": 1.10}');

insert into rowhook.commit (id, goal_id, session_id, data)
values ('commit_invoice', 'goal_invoice', 'session_1', '{"number": "2026-001", "total": 119.00, "to": "ada@example.com"}');
