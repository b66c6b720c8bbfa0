-- The benchmark's platform: one organization and ten goals.
insert into rowhook.organization (id, name) values ('00000000-0000-4000-8000-00000000000a', 'Bench');
insert into rowhook.goal (id, organization_id)
select 'goal_' || n, '00000000-0000-4000-8000-00000000000a' from generate_series(0, 9) as n;

create function rowhook.bench_commits(rows int, prefix text) returns void
language sql
as $$
  insert into rowhook.commit (id, goal_id, data)
  select prefix || n, 'goal_' || n % 10,
         json_build_object('n', n, 'text', repeat('abcdefgh', 100))
  from generate_series(1, rows) as n
$$;

-- Over the partial indexes alone: looking must not slow down what is looked at.
create function rowhook.bench_left() returns bigint
language sql stable
set enable_seqscan = off
as $$
  select (select count(*) from rowhook.outbox where ready)
    + (select count(*) from rowhook.outbox where status = 'sending')
    + (select count(*) from rowhook.outbox where not ready and next_attempt_at is not null)
$$;

-- With the capture or without it, and as if no worker slept: none listens while this is measured.
create function rowhook.bench_capture(wanted boolean) returns void
language plpgsql
as $$
begin
  if wanted then
    alter table rowhook.commit enable trigger capture_inserted_commit;
  else
    alter table rowhook.commit disable trigger capture_inserted_commit;
  end if;
  perform setval('rowhook.awake', last_value) from rowhook.asleep;
end
$$;
