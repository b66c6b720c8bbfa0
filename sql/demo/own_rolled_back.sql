-- A transaction that rolls back sends nothing.
begin;
insert into platform.capture (id, goal, customer_id, conversation_id, fields)
values (13, 501, 'acme', 'conversation-1', '{"name": "Nobody"}');
rollback;
