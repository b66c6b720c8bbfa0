-- Tables in every peer's database: outcomes of peers that keep none, and the jobs to enqueue.
create table bench_outcome (
  id bigint generated always as identity primary key,
  key text not null,
  status int not null,
  recorded_at timestamptz not null default now()
);

-- Counts the jobs.
create sequence bench_number;

-- A body of the size of Rowhook's default payload in this benchmark.
create function bench_body(number bigint, key text) returns text
language sql immutable
return json_build_object(
  'id', number, 'type', 'goal.committed', 'timestamp', '2026-01-01T00:00:00.000Z', 'key', key,
  'data', json_build_object('n', number, 'text', repeat('abcdefgh', 112)))::text;

-- A job {key, path, body} for each of the ten endpoints in turn.
create function bench_jobs(rows int, prefix text) returns setof json
language sql volatile
as $$
  select json_build_object(
    'key', prefix || n, 'path', n % 10, 'body', bench_body(nextval('bench_number'), prefix || n))
  from generate_series(1, rows) as n
$$;

create function bench_missing(recorded bigint) returns bigint
language sql stable
as $$
  select case when s.is_called then s.last_value else 0 end - recorded from bench_number s
$$;
