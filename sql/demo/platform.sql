-- The platform of the demo: two agents and two goals.
insert into rowhook.organization (id, name)
values ('00000000-0000-4000-8000-00000000000a', 'Acme');

insert into rowhook.agent (id, organization_id, name) values
  ('00000000-0000-4000-8000-0000000000a1', '00000000-0000-4000-8000-00000000000a', 'Researcher'),
  ('00000000-0000-4000-8000-0000000000a2', '00000000-0000-4000-8000-00000000000a', 'Translator');

insert into rowhook.agent_version (id, agent_id, name) values
  ('00000000-0000-4000-8000-0000000000b1', '00000000-0000-4000-8000-0000000000a1', 'v1'),
  ('00000000-0000-4000-8000-0000000000b2', '00000000-0000-4000-8000-0000000000a2', 'v7');

insert into rowhook.goal (id, organization_id, template_id, name) values
  ('goal_onboarding', '00000000-0000-4000-8000-00000000000a', 'template_customer', 'Onboard a customer'),
  ('goal_invoice', '00000000-0000-4000-8000-00000000000a', 'template_invoice', 'Send an invoice');

insert into rowhook.session (id, organization_id, context)
values ('session_1', '00000000-0000-4000-8000-00000000000a', '{"external_id": "ext-42"}');
