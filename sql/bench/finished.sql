-- Instead of what the other measurements left: deliveries that ended in the last 20 days, to be listed.
truncate rowhook.commit, rowhook.event, rowhook.outbox, rowhook.attempt, rowhook.chore;

-- The deliveries `from_place` to `to_place` of `of_all`, the newest last: 97 of 100 delivered.
create function rowhook.bench_finished(from_place int, to_place int, of_all int) returns void
language sql
as $$
  with happened as (
    insert into rowhook.event (organization_id, type, key, commit_id, goal_id, snapshot, data, occurred_at, created_at)
    select '00000000-0000-4000-8000-00000000000a', 'goal.committed', 'finished_' || place, 'finished_' || place,
           'goal_' || place % 10, '{}', '{}', moment, moment
    from generate_series(from_place, to_place) as place,
      lateral (select now() - interval '20 days' * (1.0001 - place::float8 / of_all) as moment) as timed
    returning id, organization_id, goal_id, created_at
  )
  insert into rowhook.outbox (event_id, webhook_id, organization_id, status, ready, attempts, next_attempt_at,
                              created_at, finished_at, last_status_code, last_error)
  select e.id, w.id, e.organization_id, fate.status, false, 1, null, e.created_at,
         e.created_at + interval '20 ms',
         case fate.status when 'delivered' then 204 when 'dead' then 503 end,
         case fate.status when 'dead' then 'the receiver answered 503' end
  from happened e
  join rowhook.webhook w on w.name = 'webhook ' || right(e.goal_id, 1),
    lateral (select case e.id % 100 when 0 then 'dead' when 1 then 'skipped' when 2 then 'cancelled'
                    else 'delivered' end as status) as fate
$$;

create function rowhook.bench_webhook() returns uuid
language sql stable
as $$
  select id from rowhook.webhook where name = 'webhook 1'
$$;
