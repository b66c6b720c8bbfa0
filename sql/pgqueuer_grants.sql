-- The tables of pgqueuer: state of the scheduler, nothing about deliveries.
revoke all on schema rowhook_pgqueuer
  from public, rowhook_producer, rowhook_reader, rowhook_operator, rowhook_worker, rowhook_api;
revoke all on all tables in schema rowhook_pgqueuer
  from public, rowhook_producer, rowhook_reader, rowhook_operator, rowhook_worker, rowhook_api;
revoke all on all sequences in schema rowhook_pgqueuer
  from public, rowhook_producer, rowhook_reader, rowhook_operator, rowhook_worker, rowhook_api;
grant usage on schema rowhook_pgqueuer to rowhook_worker;
grant select, insert, update, delete on all tables in schema rowhook_pgqueuer to rowhook_worker;
grant usage on all sequences in schema rowhook_pgqueuer to rowhook_worker;
