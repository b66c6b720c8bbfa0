-- A transaction that rolls back sends nothing.
begin;
insert into rowhook.commit (id, goal_id, session_id, data)
values ('commit_never', 'goal_onboarding', 'session_1', '{"name": "Nobody"}');
rollback;
