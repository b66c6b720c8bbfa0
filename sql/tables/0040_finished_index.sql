-- rowhook: outside a transaction
-- Replaces outbox_delivered and outbox_failed, which 0041 and 0042 drop: each index on the outbox costs every capture
-- a percent or two, also one that its rows do not enter.

drop index concurrently if exists rowhook.outbox_finished;

create index concurrently outbox_finished on rowhook.outbox (status, finished_at) where finished_at is not null;
