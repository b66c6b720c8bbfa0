-- rowhook: outside a transaction
-- Replaces outbox_held and outbox_dead, which 0033 drops: the status is a column of one index instead of the
-- condition of two. Every statement that writes to the outbox prepares the condition of each partial index.

drop index concurrently if exists rowhook.outbox_held_or_dead;

create index concurrently outbox_held_or_dead on rowhook.outbox (status, webhook_id, created_at) include (organization_id) where status in ('held', 'dead');
