-- Tables that the captured ones are compared with. sql/bench/remove.sql removes them.

-- Two agents with one version each: one will be linked, the other not.
with added_agent as (
  insert into rowhook.agent (id, organization_id, name)
  select ('00000000-0000-4000-800b-0000000000a' || n)::uuid, '00000000-0000-4000-8000-00000000000a', 'agent ' || n
  from generate_series(0, 1) as n
  returning id
)
insert into rowhook.agent_version (id, agent_id, name)
select a.id, a.id, 'v1' from added_agent a;

-- Jobs without capture: the same columns, indexes and foreign keys, but no trigger.
create table rowhook.bench_job (like rowhook.job including all);
alter table rowhook.bench_job
  add foreign key (agent_version_id) references rowhook.agent_version;

-- Commits with one log row each: the least that an event log in a trigger can do.
create table rowhook.bench_logged_commit (like rowhook.commit including all);
alter table rowhook.bench_logged_commit
  add foreign key (goal_id) references rowhook.goal,
  add foreign key (session_id) references rowhook.session;

create table rowhook.bench_log (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  payload json not null,
  created_at timestamptz not null default now(),
  delivered boolean not null default false,
  locked timestamptz
);
create index bench_log_created on rowhook.bench_log (created_at);
create index bench_log_state on rowhook.bench_log (locked, delivered);

create function rowhook.bench_log_commit() returns trigger
language plpgsql
as $$
begin
  insert into rowhook.bench_log (name, payload) values ('commit', row_to_json(new));
  return null;
end
$$;

create trigger log_commit
  after insert on rowhook.bench_logged_commit
  for each row execute function rowhook.bench_log_commit();

-- Commits with one log row each, by the steps of the triggers that Hasura 2 generates (its files
-- server/src-rsr/init_pg_source.sql and trigger.sql.shakespeare): records for both images, their JSON, and
-- a call, guarded by an exception handler, of a second function. That one reads the version and two
-- settings, wraps the images in a second object and writes it as jsonb to a table with a text key and two
-- further indexes.
create table rowhook.bench_stepwise_commit (like rowhook.commit including all);
alter table rowhook.bench_stepwise_commit
  add foreign key (goal_id) references rowhook.goal,
  add foreign key (session_id) references rowhook.session;

create table rowhook.bench_stepwise_log (
  id text primary key default gen_random_uuid(),
  of_schema text not null,
  of_table text not null,
  of_trigger text not null,
  payload jsonb not null,
  delivered boolean not null default false,
  failed boolean not null default false,
  attempts int not null default 0,
  created_at timestamp default now(),
  locked_at timestamptz,
  due_at timestamp,
  archived boolean not null default false
);
create index bench_stepwise_log_trigger on rowhook.bench_stepwise_log (of_trigger);
create index bench_stepwise_log_waiting
  on rowhook.bench_stepwise_log (locked_at nulls first, due_at nulls first, created_at)
  where not delivered and not failed and not archived;

create function rowhook.bench_write_stepwise_log(of_schema text, of_table text, of_trigger text, operation text, images json) returns text
language plpgsql
as $$
declare
  log_id text;
  payload json;
  written_by json;
  trace json;
  server_version int;
begin
  log_id := gen_random_uuid();
  server_version := current_setting('server_version_num');
  if server_version >= 90600 then
    written_by := nullif(current_setting('rowhook_bench.written_by', true), '');
    trace := nullif(current_setting('rowhook_bench.trace', true), '');
  end if;
  payload := json_build_object('op', operation, 'data', images, 'written_by', written_by, 'trace', trace);
  insert into rowhook.bench_stepwise_log (id, of_schema, of_table, of_trigger, payload)
  values (log_id, of_schema, of_table, of_trigger, payload);
  return log_id;
end
$$;

create function rowhook.bench_log_commit_stepwise() returns trigger
language plpgsql
as $$
declare
  before record;
  after record;
  images json;
begin
  if tg_op = 'UPDATE' then
    before := old;
    after := new;
  else
    before := row((select 1));
    after := row((select 1));
  end if;
  images := json_build_object('old', null, 'new', row_to_json(new));
  begin
    if tg_op <> 'UPDATE' or before <> after then
      perform rowhook.bench_write_stepwise_log(tg_table_schema::text, tg_table_name::text, 'log_commit', tg_op, images);
    end if;
  exception when undefined_function then
    -- A column has a type without equality, so the images count as different.
    perform rowhook.bench_write_stepwise_log(tg_table_schema::text, tg_table_name::text, 'log_commit', tg_op, images);
  end;
  return null;
end
$$;

create trigger log_commit
  after insert on rowhook.bench_stepwise_commit
  for each row execute function rowhook.bench_log_commit_stepwise();

create function rowhook.bench_job_id(number int) returns uuid
language sql immutable
return ('00000000-0000-4000-800b-' || lpad(to_hex(number), 12, '0'))::uuid;

create function rowhook.bench_agent(is_linked boolean) returns uuid
language sql immutable
return case when is_linked then '00000000-0000-4000-800b-0000000000a1'::uuid
  else '00000000-0000-4000-800b-0000000000a0'::uuid end;

-- Running jobs, the same in the table with capture and in the one without.
create function rowhook.bench_add_jobs(first_number int, jobs int, is_linked boolean) returns void
language sql
as $$
  with job_without_capture as (
    insert into rowhook.bench_job (id, agent_version_id, status)
    select rowhook.bench_job_id(n), rowhook.bench_agent(is_linked), 'running'
    from generate_series(first_number, first_number + jobs - 1) as n
  )
  insert into rowhook.job (id, agent_version_id, status)
  select rowhook.bench_job_id(n), rowhook.bench_agent(is_linked), 'running'
  from generate_series(first_number, first_number + jobs - 1) as n
$$;

-- All running jobs of one agent, in one statement.
create function rowhook.bench_complete_jobs(is_captured boolean, is_linked boolean) returns void
language plpgsql
as $$
begin
  if is_captured then
    update rowhook.job
    set status = 'succeeded', status_code = 200, cost = 0.0042, completed_at = now(),
        output = json_build_object('text', repeat('abcdefgh', 125))
    where agent_version_id = rowhook.bench_agent(is_linked) and status = 'running';
  else
    update rowhook.bench_job
    set status = 'succeeded', status_code = 200, cost = 0.0042, completed_at = now(),
        output = json_build_object('text', repeat('abcdefgh', 125))
    where agent_version_id = rowhook.bench_agent(is_linked) and status = 'running';
  end if;
end
$$;

-- Process id of the session with this application name, if there is one yet.
create function rowhook.bench_backend(session_name text) returns int
language sql
as $$
  select a.pid from pg_stat_activity a
  where a.application_name = session_name and a.datname = current_database()
  order by a.backend_start desc
  limit 1
$$;
