-- rowhook: outside a transaction
-- Webhooks that have held or dead deliveries are found by these without asking each webhook. A delivery
-- that is accepted is in neither.

drop index concurrently if exists rowhook.outbox_held;

create index concurrently outbox_held on rowhook.outbox (webhook_id, created_at) include (organization_id) where status = 'held';

drop index concurrently if exists rowhook.outbox_dead;

create index concurrently outbox_dead on rowhook.outbox (webhook_id, created_at) include (organization_id) where status = 'dead';
