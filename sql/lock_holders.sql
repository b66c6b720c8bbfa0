-- The sessions that block a waiting session.
--   $1  process id of the waiting session
select a.pid, coalesce(nullif(a.application_name, ''), a.backend_type) as application_name, a.xact_start as transaction_started_at
from pg_catalog.pg_stat_activity a
where a.pid = any (pg_catalog.pg_blocking_pids($1::int))
order by a.xact_start nulls last, a.pid
