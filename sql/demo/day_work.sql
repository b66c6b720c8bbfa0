-- The rows that three organizations wrote in the last 24 hours, most of them at two times of the day.
-- They have their own times; day_aging.sql moves their events and deliveries to these times.
select setseed(0.42);

create function pg_temp.moment(n int, of_n int, hours numeric default 24, ended_hours_ago numeric default 0.02)
returns timestamptz language sql volatile
return now() - make_interval(secs => ((ended_hours_ago + (hours - ended_hours_ago) * (
  greatest(0, 1 - (n + random()) / of_n + 0.06 * sin(4 * pi() * (n + 0.5) / of_n))::numeric)) * 3600)::float8);

create function pg_temp.person(n int) returns text language sql immutable
return (array['Ada Lovelace', 'Grace Hopper', 'Mary Jackson', 'Alan Turing', 'Radia Perlman', 'Edsger Dijkstra',
              'Barbara Liskov', 'Ken Thompson', 'Hedy Lamarr', 'John McCarthy', 'Joan Clarke', 'Tony Hoare'])[1 + n % 12];

create function pg_temp.mail(n int) returns text language sql immutable
return lower(replace(pg_temp.person(n), ' ', '.')) || '@example.com';

insert into rowhook.job (agent_version_id, status, status_code, cost, output, metadata, created_at, completed_at)
select v.id, case when n % 23 = 7 then 'failed' else 'succeeded' end, case when n % 23 = 7 then 7 else 0 end,
       round((0.001 + 0.02 * random())::numeric, 4),
       case when n % 23 = 7 then json_build_object('error', 'The source did not respond.')
            else json_build_object('answer', 'Summary ' || n, 'confidence', round((0.7 + 0.3 * random())::numeric, 2)) end,
       json_build_object('run', n), m.at - make_interval(secs => 5 + 90 * random()), m.at
from (values ('Researcher', 'v1', 150), ('Triage', 'v12', 220)) as w (agent, version, of_n)
join rowhook.agent a on a.name = w.agent
join rowhook.agent_version v on v.agent_id = a.id and v.name = w.version,
lateral generate_series(0, w.of_n - 1) as n,
lateral (select pg_temp.moment(n, w.of_n) as at) as m;

insert into rowhook.commit (goal_id, session_id, data, committed_at)
select 'goal_onboarding', 'session_1',
       json_build_object('name', pg_temp.person(n), 'email', pg_temp.mail(n), 'customer_id', 'c-' || 1000 + n,
                         'score', round((5 * random())::numeric, 2)),
       pg_temp.moment(n, 120)
from generate_series(0, 119) as n
where exists (select from rowhook.goal g where g.id = 'goal_onboarding');

insert into rowhook.commit (goal_id, session_id, data, committed_at)
select 'goal_invoice', 'session_1',
       json_build_object('number', to_char(n + 100, '"2026-"FM000'), 'total', round((20 + 400 * random())::numeric, 2), 'to', pg_temp.mail(n)),
       pg_temp.moment(n, 60)
from generate_series(0, 59) as n
where exists (select from rowhook.goal g where g.id = 'goal_invoice');

insert into rowhook.commit (goal_id, session_id, data, committed_at)
select 'goal_ticket', 'session_borealis_' || n % 40,
       json_build_object('ticket', 'T-' || 7000 + n, 'customer', pg_temp.person(n), 'email', pg_temp.mail(n),
                         'subject', (array['Cannot sign in', 'Wrong invoice', 'Change of address', 'Late parcel', 'Refund'])[1 + n % 5],
                         'priority', (array['low', 'normal', 'normal', 'high'])[1 + n % 4]),
       pg_temp.moment(n, 180)
from generate_series(0, 179) as n;

-- Four customers gave no account number; the template of the ledger needs one.
insert into rowhook.commit (goal_id, session_id, data, committed_at)
select 'goal_refund', 'session_borealis_' || n % 40,
       case when n in (18, 37, 44, 55) then json_build_object('customer', pg_temp.person(n), 'amount', round((5 + 90 * random())::numeric, 2))
            else json_build_object('customer', pg_temp.person(n), 'amount', round((5 + 90 * random())::numeric, 2),
                                   'iban', 'DE' || lpad((4711 + n)::text, 20, '0')) end,
       pg_temp.moment(n, 60)
from generate_series(0, 59) as n;

insert into rowhook.commit (goal_id, session_id, data, committed_at)
select 'goal_shipment', 'session_meridian_' || n % 40,
       json_build_object('shipment', 'S-' || 300 + n, 'from', 'Hamburg', 'to', (array['Oslo', 'Lyon', 'Gdansk', 'Porto'])[1 + n % 4],
                         'weight_kg', round((1 + 30 * random())::numeric, 1)),
       pg_temp.moment(n, 140, 24, 3)
from generate_series(0, 139) as n;

-- Three weights are texts, which the schema refuses; the authority refuses a weight of zero.
insert into rowhook.commit (goal_id, session_id, data, committed_at)
select 'goal_customs', 'session_meridian_' || n % 40,
       json_build_object('shipment', 'S-' || 300 + n, 'hs_code', (array['8471.30', '6109.10', '9503.00'])[1 + n % 3],
                         'weight_kg', case when n in (31, 58, 77) then to_json('about 3'::text)
                                           when n % 29 = 5 then to_json(0) else to_json(round((1 + 30 * random())::numeric, 1)) end),
       pg_temp.moment(n, 90)
from generate_series(0, 89) as n;
