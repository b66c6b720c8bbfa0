-- rowhook: outside a transaction
-- Replaced by outbox_in_flight, a step before: no query is without an index in between, and if this one is
-- interrupted, the new index is not built again.

drop index concurrently if exists rowhook.outbox_sending;
