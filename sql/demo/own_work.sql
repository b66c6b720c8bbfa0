-- The rows that the platform writes to its own tables while its agents work, without calling Rowhook.
insert into platform.run (id, bot_id, customer_id, meta) values
  (9007199254740993, 12, 'acme', '{"run": 1}'),
  (9007199254740994, 12, 'acme', '{"run": 2}'),
  (9007199254740995, 13, 'acme', '{"run": 3}');

update platform.run
set state = 'done', exit_code = 0, cost_usd = 0.0042, result = '{"answer": "42", "confidence": 0.10}', finished_at = now()
where id = 9007199254740993;

update platform.run
set state = 'error', exit_code = 7, cost_usd = 0.0001, result = '{"error": "the source was gone"}', finished_at = now()
where id = 9007199254740994;

-- No webhook is linked to this bot: an event without deliveries.
update platform.run set state = 'done', finished_at = now() where id = 9007199254740995;

insert into platform.capture (id, goal, customer_id, conversation_id, interview, fields)
values (11, 501, 'acme', 'conversation-1', 'interview-1',
        '{"name": "Ada \"Countess\" Lovelace", "email": "ada@example.com", "customer_id": "c/1 ü", "score": 1.10}');

insert into platform.capture (id, goal, customer_id, conversation_id, fields)
values (12, 502, 'acme', 'conversation-1', '{"number": "2026-001", "total": 119.00, "to": "ada@example.com"}');
