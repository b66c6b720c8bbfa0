-- pgqueuer's own tables: the scheduler's state, nothing of a delivery.
grant usage on schema rowhook_pgqueuer to rowhook_worker;
grant select, insert, update, delete on all tables in schema rowhook_pgqueuer to rowhook_worker;
grant usage on all sequences in schema rowhook_pgqueuer to rowhook_worker;
