-- One completion of a random kind, as the demo writes every few seconds.
with picked as (select 1 + floor(6 * random())::int as kind, floor(100000 * random())::int as n),
job as (
  insert into rowhook.job (agent_version_id, status, status_code, cost, output, metadata)
  select '00000000-0000-4000-8000-0000000000b3', case when n % 9 = 0 then 'failed' else 'succeeded' end, 0, 0.0042,
         json_build_object('answer', 'Summary ' || n, 'confidence', 0.93), json_build_object('run', n)
  from picked where kind <= 2
)
insert into rowhook.commit (goal_id, session_id, data)
select (array['goal_ticket', 'goal_refund', 'goal_shipment', 'goal_customs'])[kind - 2],
       case when kind <= 4 then 'session_borealis_' else 'session_meridian_' end || n % 40,
       json_build_object('ticket', 'T-' || n, 'customer', 'Ada Lovelace', 'email', 'ada@example.com', 'subject', 'Late parcel',
                         'priority', 'normal', 'amount', 12.50, 'iban', 'DE00000000000000004711', 'shipment', 'S-' || n,
                         'from', 'Hamburg', 'to', 'Oslo', 'weight_kg', 2.5, 'hs_code', '8471.30')
from picked where kind > 2;
