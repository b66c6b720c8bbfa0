-- What retention would remove, and how it goes.

create or replace function rowhook.count_capped(query text, before timestamptz, since timestamptz, cap int, out total bigint, out oldest timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
begin
  execute format('select count(*), min(counted.at) from (%s limit %s) as counted (at)', query, cap + 1) into total, oldest using before, since;
end
$$;
comment on function rowhook.count_capped(text, timestamptz, timestamptz, int) is
  'how many rows a query over $1 and $2 answers, at most one more than the cap, and the oldest';

create or replace function rowhook.count_events(before timestamptz, after_id bigint, cap int, out total bigint, out oldest timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
declare
  event record;
  seen int := 0;
begin
  total := 0;
  for event in select e.id, e.created_at from rowhook.event e where e.id > coalesce(after_id, 0) order by e.id loop
    exit when event.created_at >= before or total > cap;
    seen := seen + 1;
    if seen > cap then
      total := cap + 1;
    elsif not exists (select from rowhook.outbox o where o.event_id = event.id) then
      total := total + 1;
      oldest := coalesce(oldest, event.created_at);
    end if;
  end loop;
end
$$;
comment on function rowhook.count_events(timestamptz, bigint, int) is
  'events without a delivery that are old enough; more than the cap if more than that have to be looked at';

create or replace function rowhook.count_audit(before timestamptz, after_id bigint, cap int, out total bigint, out oldest timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
as $$
declare
  written_at timestamptz;
begin
  total := 0;
  for written_at in select a.created_at from rowhook.audit a where a.id > coalesce(after_id, 0) order by a.id loop
    exit when written_at >= before or total > cap;
    total := total + 1;
    oldest := coalesce(oldest, written_at);
  end loop;
end
$$;
comment on function rowhook.count_audit(timestamptz, bigint, int) is 'rows of the audit log that are old enough';

create or replace function rowhook.retention_query(kind text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case kind
  when 'delivered' then $sql$select o.finished_at from rowhook.outbox o
    where o.status = 'delivered' and o.finished_at < $1 and o.finished_at >= $2 order by o.finished_at$sql$
  when 'failed' then $sql$select o.finished_at from rowhook.outbox o
    where o.status in ('dead', 'cancelled', 'skipped') and o.finished_at < $1 and o.finished_at >= $2 order by o.finished_at$sql$
  when 'held' then $sql$select held.created_at from rowhook.webhook w, lateral (
      select o.created_at from rowhook.outbox o
      where o.webhook_id = w.id and o.status = 'held' and o.created_at < $1 and o.next_attempt_at is null offset 0) as held$sql$
  when 'signing_secrets' then $sql$select s.expires_at from rowhook.signing_secret s
    where s.expires_at is not null and s.expires_at < $1 order by s.expires_at$sql$
  when 'capture_errors' then $sql$select e.healed_at from rowhook.capture_error e
    where e.healed_at is not null and e.healed_at < $1 order by e.healed_at$sql$
  when 'open_capture_errors' then $sql$select e.created_at from rowhook.capture_error e
    where e.healed_at is null and e.created_at < $1 order by e.created_at$sql$
  when 'revisions' then $sql$select known.replaced_at from (
      select v.revision, lead(v.created_at) over (partition by v.webhook_id order by v.revision) as replaced_at
      from rowhook.webhook_revision v) as known where known.revision > 1 and known.replaced_at < $1$sql$ end;
comment on function rowhook.retention_query(text) is 'the times of the rows of a kind that are older than $1, the oldest first where an index says so';

create or replace function rowhook.retention_plan()
returns table (kind text, removable bigint, is_capped boolean, oldest timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  cap constant int := 100000;
  progress rowhook.retention;
  counted record;
  before timestamptz;
begin
  for progress in select * from rowhook.retention r order by r.place loop
    before := case progress.kind when 'revisions' then rowhook.revisions_before() else now() - progress.keep end;
    if progress.kind in ('attempts', 'bodies', 'failed_bodies') then
      select count(*) as total, min(p.began_at) as oldest into counted from rowhook.expired_days(progress.kind) as p;
    elsif before is null then
      select 0::bigint as total, null::timestamptz as oldest into counted;
    elsif progress.kind = 'events' then
      select * into counted from rowhook.count_events(before, progress.passed_id, cap);
    elsif progress.kind = 'audit' then
      select * into counted from rowhook.count_audit(before, progress.passed_id, cap);
    else
      select * into counted
      from rowhook.count_capped(rowhook.retention_query(progress.kind), before, coalesce(progress.passed_at, '-infinity'), cap);
    end if;
    return query select progress.kind,
      least(counted.total, cap), counted.total > cap, counted.oldest;
  end loop;
end
$$;
comment on function rowhook.retention_plan() is
  'per kind the rows that a run would remove now, counted up to 100,000; of attempts and bodies the partitions, one a day';

create or replace function rowhook.retention_report()
returns table (
  kind text, concerns text, keep interval, last_run_at timestamptz, last_finished_at timestamptz, removed bigint, oldest timestamptz)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
  select r.kind, r.concerns, r.keep, r.last_run_at, r.last_finished_at, r.removed,
         case r.kind
           when 'delivered' then (
             select o.finished_at from rowhook.outbox o
             where o.status = 'delivered' and o.finished_at >= coalesce(r.passed_at, '-infinity') order by o.finished_at limit 1)
           when 'failed' then (
             select o.finished_at from rowhook.outbox o
             where o.status in ('dead', 'cancelled', 'skipped') and o.finished_at >= coalesce(r.passed_at, '-infinity')
             order by o.finished_at limit 1)
           when 'held' then (
             select min(head.created_at) from rowhook.webhook w,
             lateral (select o.created_at from rowhook.outbox o where o.webhook_id = w.id and o.status = 'held' order by o.created_at limit 1) as head)
           when 'events' then (select e.created_at from rowhook.event e order by e.id limit 1)
           when 'attempts' then rowhook.oldest_day('attempt_row')
           when 'bodies' then rowhook.oldest_day('exchange')
           when 'failed_bodies' then rowhook.oldest_day('failed_exchange')
           when 'audit' then (select a.created_at from rowhook.audit a where a.id > coalesce(r.passed_id, 0) order by a.id limit 1)
           when 'signing_secrets' then (
             select s.expires_at from rowhook.signing_secret s where s.expires_at is not null order by s.expires_at limit 1)
           when 'capture_errors' then (
             select e.healed_at from rowhook.capture_error e where e.healed_at is not null order by e.healed_at limit 1)
           when 'open_capture_errors' then (
             select e.created_at from rowhook.capture_error e where e.healed_at is null order by e.created_at limit 1)
         end
  from rowhook.retention r order by r.place
$$;
comment on function rowhook.retention_report() is
  'per kind how long it is kept, its last run, and the time of the oldest row that is kept, where an index knows it';
