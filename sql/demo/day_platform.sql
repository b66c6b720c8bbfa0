-- Two more organizations for `rowhook demo --stay`, besides Acme.
insert into rowhook.organization (id, name) values
  ('00000000-0000-4000-8000-00000000000b', 'Borealis Support'),
  ('00000000-0000-4000-8000-00000000000c', 'Meridian Logistics');

insert into rowhook.agent (id, organization_id, name) values
  ('00000000-0000-4000-8000-0000000000a3', '00000000-0000-4000-8000-00000000000b', 'Triage'),
  ('00000000-0000-4000-8000-0000000000a4', '00000000-0000-4000-8000-00000000000c', 'Dispatcher');

insert into rowhook.agent_version (id, agent_id, name) values
  ('00000000-0000-4000-8000-0000000000b3', '00000000-0000-4000-8000-0000000000a3', 'v12'),
  ('00000000-0000-4000-8000-0000000000b4', '00000000-0000-4000-8000-0000000000a4', 'v3');

insert into rowhook.goal (id, organization_id, template_id, name) values
  ('goal_ticket', '00000000-0000-4000-8000-00000000000b', 'template_ticket', 'Resolve a ticket'),
  ('goal_refund', '00000000-0000-4000-8000-00000000000b', 'template_refund', 'Pay a refund'),
  ('goal_shipment', '00000000-0000-4000-8000-00000000000c', 'template_shipment', 'Book a shipment'),
  ('goal_customs', '00000000-0000-4000-8000-00000000000c', 'template_customs', 'Declare goods');

insert into rowhook.session (id, organization_id, context)
select 'session_' || o.name || '_' || n, o.id, json_build_object('channel', (array['chat', 'mail', 'phone'])[1 + n % 3])
from (values ('borealis', uuid '00000000-0000-4000-8000-00000000000b'), ('meridian', '00000000-0000-4000-8000-00000000000c')) as o (name, id)
cross join generate_series(0, 39) as n;
