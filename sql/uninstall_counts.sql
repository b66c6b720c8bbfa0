-- Numbers of the rows that an uninstall would delete. Events are estimated if the table was analyzed; counts that take too
-- long are cancelled.
set statement_timeout = '5s';
select case number when 1 then singular else plural end as name, number
from (
  select 'webhook', 'webhooks', count(*) from rowhook.webhook
  union all
  select 'waiting delivery', 'waiting deliveries', count(*)
  from rowhook.outbox where status in ('pending', 'sending', 'held')
  union all
  select 'event', 'events',
         case when c.reltuples < 0 then (select count(*) from rowhook.event) else c.reltuples::bigint end
  from pg_catalog.pg_class c
  where c.oid = 'rowhook.event'::regclass
) as lost (singular, plural, number);
