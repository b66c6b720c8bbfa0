-- Counts of attempts by the class of their result, and the health of a webhook, which follows from them.
--
-- rowhook.record adds one row per batch and webhook to attempt_delta, which nobody else writes to, so
-- that no worker waits for another. rowhook.fold_attempts moves these rows into one row per webhook and
-- minute, and one per webhook and quarter of an hour, and adds them to those of the organization. The two
-- views, and rowhook.organization_counts, add up the moved and the remaining rows, so a count is exact
-- at any time.

create or replace function rowhook.attempt_class(outcome text, status_code int) returns text
language sql immutable
return case
  when outcome = 'delivered' then '2xx'
  when outcome in ('config_rejected', 'render_failed', 'schema_failed') then 'held'
  when outcome = 'timeout' then 'timeout'
  when outcome = 'http_status' and status_code between 300 and 399 then '3xx'
  when outcome = 'http_status' and status_code between 400 and 499 then '4xx'
  when outcome = 'http_status' and status_code between 500 and 599 then '5xx'
  else 'refused' end;
comment on function rowhook.attempt_class(text, int) is
  'class of an attempt that was not skipped: 2xx (accepted, also by an output without a status code), 3xx, 4xx, 5xx, timeout, held (nothing was sent: the body could not be rendered or does not match the schema), refused (everything else: DNS, connection, TLS, forbidden target, no valid response)';

create or replace function rowhook.minute_of(moment timestamptz) returns timestamptz
language sql immutable
return date_bin('1 minute', moment, timestamptz '2000-01-01 00:00:00+00');

create or replace function rowhook.quarter_of(moment timestamptz) returns timestamptz
language sql immutable
return date_bin('15 minutes', moment, timestamptz '2000-01-01 00:00:00+00');

create or replace view rowhook.attempts_by_minute with (security_invoker = true) as
select at, webhook_id, organization_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held, dead, failed_at, failed_outbox_id
from rowhook.attempt_minute
union all
select at, webhook_id, organization_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held, dead, failed_at, failed_outbox_id
from rowhook.attempt_delta;
comment on view rowhook.attempts_by_minute is
  'attempts of the last four hours, per webhook and minute in which they were recorded; a minute may have several rows';

create or replace view rowhook.attempts_by_quarter with (security_invoker = true) as
select at, webhook_id, organization_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held, dead, failed_at, failed_outbox_id
from rowhook.attempt_quarter
union all
-- Rounded down again: a row of the first minutes of a quarter belongs to that quarter.
select rowhook.quarter_of(at), webhook_id, organization_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held, dead, failed_at, failed_outbox_id
from rowhook.attempt_delta;
comment on view rowhook.attempts_by_quarter is
  'attempts of the last 31 days, per webhook and quarter of an hour in which they were recorded; a quarter may have several rows';

-- The counts of an installation from before there were totals.
create or replace function rowhook.begin_totals() returns void
language plpgsql
as $$
begin
  if exists (select from rowhook.organization_quarter) or not exists (select from rowhook.attempt_quarter) then
    return;
  end if;
  insert into rowhook.organization_minute
    (at, organization_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held, dead)
  select m.at, m.organization_id, sum(m.status_2xx), sum(m.status_3xx), sum(m.status_4xx), sum(m.status_5xx),
         sum(m.timeout), sum(m.refused), sum(m.held), sum(m.dead)
  from rowhook.attempt_minute m
  group by m.at, m.organization_id;
  insert into rowhook.organization_quarter
    (at, organization_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held, dead)
  select q.at, q.organization_id, sum(q.status_2xx), sum(q.status_3xx), sum(q.status_4xx), sum(q.status_5xx),
         sum(q.timeout), sum(q.refused), sum(q.held), sum(q.dead)
  from rowhook.attempt_quarter q
  group by q.at, q.organization_id;
end
$$;
comment on function rowhook.begin_totals() is
  'adds up the counts of all webhooks by organization, once; called by rowhook.fold_attempts';

create or replace function rowhook.fold_attempts(most int default 50000) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  moved bigint;
begin
  if not pg_try_advisory_xact_lock(hashtext('rowhook.fold_attempts')) then
    return 0;
  end if;
  perform rowhook.begin_totals();
  with removed as materialized (
    delete from rowhook.attempt_delta d
    where d.ctid = any (array(select o.ctid from rowhook.attempt_delta o order by o.at limit most))
    returning d.*
  ), by_minute as materialized (
    select r.at, r.webhook_id, r.organization_id,
           sum(r.status_2xx)::int as status_2xx, sum(r.status_3xx)::int as status_3xx,
           sum(r.status_4xx)::int as status_4xx, sum(r.status_5xx)::int as status_5xx,
           sum(r.timeout)::int as timeout, sum(r.refused)::int as refused,
           sum(r.held)::int as held, sum(r.dead)::int as dead,
           max(r.failed_at) as failed_at,
           (array_agg(r.failed_outbox_id order by r.failed_at desc nulls last))[1] as failed_outbox_id
    from removed r
    group by r.at, r.webhook_id, r.organization_id
  ), into_minute as (
    insert into rowhook.attempt_minute as m
      (at, webhook_id, organization_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held, dead, failed_at, failed_outbox_id)
    select at, webhook_id, organization_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held, dead, failed_at, failed_outbox_id
    from by_minute
    on conflict (webhook_id, at) do update
    set status_2xx = m.status_2xx + excluded.status_2xx, status_3xx = m.status_3xx + excluded.status_3xx,
        status_4xx = m.status_4xx + excluded.status_4xx, status_5xx = m.status_5xx + excluded.status_5xx,
        timeout = m.timeout + excluded.timeout, refused = m.refused + excluded.refused,
        held = m.held + excluded.held, dead = m.dead + excluded.dead,
        failed_at = greatest(m.failed_at, excluded.failed_at),
        failed_outbox_id = case when excluded.failed_at >= m.failed_at or m.failed_at is null
          then excluded.failed_outbox_id else m.failed_outbox_id end
  ), into_quarter as (
    insert into rowhook.attempt_quarter as q
      (at, webhook_id, organization_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held, dead, failed_at, failed_outbox_id)
    select rowhook.quarter_of(at), webhook_id, organization_id,
           sum(status_2xx), sum(status_3xx), sum(status_4xx), sum(status_5xx),
           sum(timeout), sum(refused), sum(held), sum(dead), max(failed_at),
           (array_agg(failed_outbox_id order by failed_at desc nulls last))[1]
    from by_minute
    group by 1, 2, 3
    on conflict (webhook_id, at) do update
    set status_2xx = q.status_2xx + excluded.status_2xx, status_3xx = q.status_3xx + excluded.status_3xx,
        status_4xx = q.status_4xx + excluded.status_4xx, status_5xx = q.status_5xx + excluded.status_5xx,
        timeout = q.timeout + excluded.timeout, refused = q.refused + excluded.refused,
        held = q.held + excluded.held, dead = q.dead + excluded.dead,
        failed_at = greatest(q.failed_at, excluded.failed_at),
        failed_outbox_id = case when excluded.failed_at >= q.failed_at or q.failed_at is null
          then excluded.failed_outbox_id else q.failed_outbox_id end
  ), into_organization_minute as (
    insert into rowhook.organization_minute as m
      (at, organization_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held, dead)
    select b.at, b.organization_id, sum(b.status_2xx), sum(b.status_3xx), sum(b.status_4xx), sum(b.status_5xx),
           sum(b.timeout), sum(b.refused), sum(b.held), sum(b.dead)
    from by_minute b
    group by 1, 2
    on conflict (organization_id, at) do update
    set status_2xx = m.status_2xx + excluded.status_2xx, status_3xx = m.status_3xx + excluded.status_3xx,
        status_4xx = m.status_4xx + excluded.status_4xx, status_5xx = m.status_5xx + excluded.status_5xx,
        timeout = m.timeout + excluded.timeout, refused = m.refused + excluded.refused,
        held = m.held + excluded.held, dead = m.dead + excluded.dead
  ), into_organization_quarter as (
    insert into rowhook.organization_quarter as q
      (at, organization_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held, dead)
    select rowhook.quarter_of(b.at), b.organization_id, sum(b.status_2xx), sum(b.status_3xx), sum(b.status_4xx),
           sum(b.status_5xx), sum(b.timeout), sum(b.refused), sum(b.held), sum(b.dead)
    from by_minute b
    group by 1, 2
    on conflict (organization_id, at) do update
    set status_2xx = q.status_2xx + excluded.status_2xx, status_3xx = q.status_3xx + excluded.status_3xx,
        status_4xx = q.status_4xx + excluded.status_4xx, status_5xx = q.status_5xx + excluded.status_5xx,
        timeout = q.timeout + excluded.timeout, refused = q.refused + excluded.refused,
        held = q.held + excluded.held, dead = q.dead + excluded.dead
  )
  select count(*) into moved from removed;
  delete from rowhook.attempt_minute m where m.at < now() - interval '4 hours';
  delete from rowhook.attempt_quarter q where q.at < now() - interval '31 days';
  delete from rowhook.organization_minute m where m.at < now() - interval '4 hours';
  delete from rowhook.organization_quarter q where q.at < now() - interval '31 days';
  return moved;
end
$$;
comment on function rowhook.fold_attempts(int) is
  'moves counts from attempt_delta into attempt_minute and attempt_quarter, oldest first, and removes those that no window reaches; returns how many rows it moved';

create or replace function rowhook.attempts_by_class(
  status_2xx bigint, status_3xx bigint, status_4xx bigint, status_5xx bigint, timeout bigint, refused bigint, held bigint
) returns json
language sql immutable
return json_build_object(
  '2xx', coalesce(status_2xx, 0), '3xx', coalesce(status_3xx, 0), '4xx', coalesce(status_4xx, 0), '5xx', coalesce(status_5xx, 0),
  'timeout', coalesce(timeout, 0), 'refused', coalesce(refused, 0), 'held', coalesce(held, 0));
comment on function rowhook.attempts_by_class(bigint, bigint, bigint, bigint, bigint, bigint, bigint) is
  'counts of attempts as a JSON object';

-- Steps of the counts: a minute for windows of up to three hours, a quarter of an hour for longer ones.

create or replace function rowhook.count_step(span interval) returns interval
language sql immutable
return case when span <= interval '3 hours' then interval '1 minute' else interval '15 minutes' end;
comment on function rowhook.count_step(interval) is 'resolution in which the attempts of a window are counted';

create or replace function rowhook.window_start(span interval) returns timestamptz
language sql stable
return date_bin(rowhook.count_step(span), now() - span, timestamptz '2000-01-01 00:00:00+00');
comment on function rowhook.window_start(interval) is
  'start of the last `span`, rounded down to a full minute, or to a full quarter of an hour if it is longer than three hours';

-- Health. The thresholds are defined here and nowhere else.

create or replace function rowhook.health_word(
  state text, circuit text, failures int, attempts bigint, accepted bigint, held bigint
) returns text
language sql immutable
return case
  when state in ('disabled', 'paused') then state
  when circuit = 'open' or (circuit = 'half_open' and failures > 0) then 'circuit_open'
  when failures >= 3 or (attempts >= 10 and 2 * accepted < attempts) then 'failing'
  when circuit = 'half_open' or failures > 0 or held > 0 or accepted < 0.95 * attempts then 'degraded'
  else 'healthy' end;
comment on function rowhook.health_word(text, text, int, bigint, bigint, bigint) is
  'health of a webhook from its state, its circuit, the consecutive attempts that the receiver did not accept, the attempts of the last 15 minutes and how many of them were accepted, and the held deliveries';

create or replace function rowhook.recent_start() returns timestamptz
language sql stable
return rowhook.minute_of(now()) - interval '15 minutes';
comment on function rowhook.recent_start() is
  'start of the last 15 minutes, whose attempts decide rowhook.health_word, in whole minutes';

create or replace function rowhook.last_failed_delivery(webhook uuid) returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select latest.failed_outbox_id
  from (
    (select d.failed_at, d.failed_outbox_id from rowhook.attempt_delta d
     where d.webhook_id = webhook and d.failed_at is not null
     order by d.failed_at desc limit 1)
    union all
    (select q.failed_at, q.failed_outbox_id from rowhook.attempt_quarter q
     where q.webhook_id = webhook and q.failed_at is not null
     order by q.at desc limit 1)
  ) as latest
  order by latest.failed_at desc
  limit 1
$$;
comment on function rowhook.last_failed_delivery(uuid) is
  'delivery with the latest failed attempt of a webhook; null if none failed in the last 31 days';
