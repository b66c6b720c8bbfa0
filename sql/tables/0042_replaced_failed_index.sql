-- rowhook: outside a transaction
-- Replaced by outbox_finished.

drop index concurrently if exists rowhook.outbox_failed;
