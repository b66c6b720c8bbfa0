-- rowhook: outside a transaction
-- Replaces outbox_sending, which 0037 drops. Tokens grow with each claim, so a claim skips what was in flight before;
-- ordered by the end of the lease, it read every delivery of the last 20 s while an old transaction was open.

drop index concurrently if exists rowhook.outbox_in_flight;

create index concurrently outbox_in_flight on rowhook.outbox (webhook_id, token) where status = 'sending';
