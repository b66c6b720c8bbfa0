-- An attempt is a small row, and what was exchanged is kept apart from it: the one can be dropped
-- years before the other. Both by the day, without a default partition. `rowhook.attempt` becomes a
-- view; the table that had its name keeps the rows it has.

alter table rowhook.attempt rename to attempt_archive;
alter index rowhook.attempt_by_delivery rename to attempt_archive_by_delivery;
comment on table rowhook.attempt_archive is
  'attempts recorded before 0018, with whole requests; nothing is added. rowhook.drop_expired_partition drops its partitions one by one';
comment on table rowhook.attempt_default is 'generated: the first days before 0018';

create table rowhook.attempt_row (
  outbox_id bigint not null,
  started_at timestamptz not null,
  number int not null,
  revision int not null,
  duration_ms real not null,
  rendered_ms real,
  validated_ms real,
  status_code int,
  outcome text not null,
  error text
) partition by range (started_at);
comment on table rowhook.attempt_row is 'one a try, without what was exchanged; a partition for each UTC day of started_at';
comment on column rowhook.attempt_row.started_at is 'when a worker that had claimed it took it up; when it was recorded, where there is no partition of that day';
comment on column rowhook.attempt_row.duration_ms is 'of the exchange; 0 where nothing was sent';
comment on column rowhook.attempt_row.rendered_ms is 'from the beginning of composing until the body was there';
comment on column rowhook.attempt_row.validated_ms is 'the same until it met its schema, or was found to be JSON';
-- Without the number: one delivery has few attempts.
create index attempt_row_by_delivery on rowhook.attempt_row (outbox_id);
comment on index rowhook.attempt_row_by_delivery is 'rowhook.attempts_of: the attempts of one delivery';

create table rowhook.request_frame (
  id int generated always as identity primary key,
  digest uuid not null constraint request_frame_is_kept_once unique,
  webhook_id uuid not null,
  organization_id uuid not null,
  pieces json not null,
  used_on date not null default (now() at time zone 'UTC')::date
);
comment on table rowhook.request_frame is
  'what the requests of a webhook have in common: their JSON text {method, url, headers, body} in pieces';
comment on column rowhook.request_frame.pieces is
  'a text stands for itself, a number for that value of the attempt, {"event": part} for a part of the event';
comment on column rowhook.request_frame.used_on is 'the last UTC day on which an attempt was recorded with it';
create index request_frame_unused on rowhook.request_frame (used_on);
comment on index rowhook.request_frame_unused is 'rowhook.remove_leftovers: frames that no attempt refers to any more';
comment on column rowhook.request_frame.digest is 'of the webhook and the pieces, made by the worker';

create table rowhook.exchange (
  outbox_id bigint not null,
  started_at timestamptz not null,
  number int not null,
  frame_id int,
  request json,
  response_headers json,
  response_body text
) partition by range (started_at);
comment on table rowhook.exchange is
  'the request and the response of each attempt that was delivered; a partition for each UTC day of started_at';
comment on column rowhook.exchange.frame_id is 'null: `request` is the whole one, {method, url, headers, body}';
comment on column rowhook.exchange.request is
  'as sent, each secret replaced by its name: an array of the values that the frame has places for, or the whole request';
comment on column rowhook.exchange.response_body is 'its first 4 KiB, as text';
create index exchange_by_delivery on rowhook.exchange (outbox_id);
comment on index rowhook.exchange_by_delivery is 'view attempt: what was exchanged in the attempts of one delivery';

create table rowhook.failed_exchange (like rowhook.exchange including comments) partition by range (started_at);
comment on table rowhook.failed_exchange is 'the same of each attempt that was not delivered, as far as it got';
create index failed_exchange_by_delivery on rowhook.failed_exchange (outbox_id);
comment on index rowhook.failed_exchange_by_delivery is 'view attempt: what was exchanged in the attempts of one delivery';

-- What is larger than 2 KB is compressed, and stays in its row while that fits a page. PostgreSQL
-- compresses nothing in a smaller row.
do $$
declare
  has_lz4 constant boolean := exists (
    select from pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals));
  large record;
begin
  for large in
    select * from (values
      ('exchange', 'request'), ('exchange', 'response_headers'), ('exchange', 'response_body'),
      ('failed_exchange', 'request'), ('failed_exchange', 'response_headers'), ('failed_exchange', 'response_body')
    ) as columns (table_name, column_name)
  loop
    execute format('alter table rowhook.%I alter %I set storage main', large.table_name, large.column_name);
    if has_lz4 then
      execute format('alter table rowhook.%I alter %I set compression lz4', large.table_name, large.column_name);
    end if;
  end loop;
end
$$;

-- The days that are needed until rowhook.make_partitions is there.
do $$
declare
  parent text;
  day date;
begin
  foreach parent in array '{attempt_row, exchange, failed_exchange}'::text[] loop
    for i in 0..1 loop
      day := (now() at time zone 'UTC')::date + i;
      execute format(
        'create table rowhook.%I partition of rowhook.%I for values from (%L) to (%L) with (autovacuum_enabled = off)',
        parent || to_char(day, '_YYYYMMDD'), parent,
        to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
      execute format('comment on table rowhook.%I is %L', parent || to_char(day, '_YYYYMMDD'), 'generated: one day');
    end loop;
  end loop;
end
$$;

alter table rowhook.attempt_row enable row level security;
alter table rowhook.request_frame enable row level security;
alter table rowhook.exchange enable row level security;
alter table rowhook.failed_exchange enable row level security;

-- For the version before, until its functions are replaced: it shows and records through this view.
create view rowhook.attempt with (security_invoker = true) as
select r.outbox_id, r.number, r.revision, r.started_at, r.duration_ms, r.rendered_ms, r.validated_ms,
       r.outcome, r.status_code, r.error, x.request, x.response_headers, x.response_body
from rowhook.attempt_row r
left join lateral (
  select * from rowhook.exchange x where r.outcome = 'delivered' and x.outbox_id = r.outbox_id
  union all
  select * from rowhook.failed_exchange x where r.outcome <> 'delivered' and x.outbox_id = r.outbox_id
) as x on x.number = r.number and x.started_at = r.started_at
union all
select a.outbox_id, a.number, a.revision, a.started_at, a.duration_ms, a.rendered_ms, a.validated_ms,
       a.outcome, a.status_code, a.error, a.request, a.response_headers, a.response_body
from rowhook.attempt_archive a;

create function rowhook.insert_attempt() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into rowhook.attempt_row
    (outbox_id, started_at, number, revision, duration_ms, rendered_ms, validated_ms, status_code, outcome, error)
  values (new.outbox_id, new.started_at, new.number, new.revision, new.duration_ms, new.rendered_ms,
          new.validated_ms, new.status_code, new.outcome, new.error);
  execute format(
    'insert into rowhook.%I (outbox_id, started_at, number, request, response_headers, response_body)'
    ' values ($1, $2, $3, $4, $5, $6)',
    case when new.outcome = 'delivered' then 'exchange' else 'failed_exchange' end)
  using new.outbox_id, new.started_at, new.number, new.request, new.response_headers, new.response_body;
  return new;
end
$$;
create trigger split_attempt instead of insert on rowhook.attempt
  for each row execute function rowhook.insert_attempt();

grant select on rowhook.attempt, rowhook.attempt_row, rowhook.exchange, rowhook.failed_exchange
  to rowhook_worker, rowhook_api;
grant insert on rowhook.attempt to rowhook_worker;

-- The same for what was committed. At the end: the capture waits for this lock.
do $$
begin
  alter table rowhook.event alter data set storage main, alter context set storage main;
  if exists (select from pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals)) then
    alter table rowhook.event alter data set compression lz4, alter context set compression lz4;
  end if;
end
$$;
