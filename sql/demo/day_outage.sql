-- The bookings since the carrier's system went down, three hours ago.
select setseed(0.43);

insert into rowhook.commit (goal_id, session_id, data, committed_at)
select 'goal_shipment', 'session_meridian_' || n % 40,
       json_build_object('shipment', 'S-' || 440 + n, 'from', 'Hamburg', 'to', (array['Oslo', 'Lyon', 'Gdansk', 'Porto'])[1 + n % 4],
                         'weight_kg', round((1 + 30 * random())::numeric, 1)),
       now() - make_interval(secs => 10800 - 430 * n - 300 * random())
from generate_series(0, 23) as n;
