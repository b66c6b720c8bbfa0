-- Statistics for pages. Each reads index ranges, and no more rows than it counts.

create or replace function rowhook.count_stuck(organization uuid) returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select count(*) from rowhook.outbox o
  where o.status = 'sending' and o.stuck_at < now() and (organization is null or o.organization_id = organization)
$$;
comment on function rowhook.count_stuck(uuid) is
  'deliveries that have been sending for longer than three leases, which no worker took back';

-- Named by an array, so that the counts are read by ranges of their index.
create or replace function rowhook.webhooks_of(organization uuid, webhook uuid default null) returns uuid[]
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select array(
    select v.webhook_id from rowhook.webhook_revision v
    where v.revision = 1 and (organization is null or v.organization_id = organization)
      and (webhook is null or v.webhook_id = webhook))
$$;
comment on function rowhook.webhooks_of(uuid, uuid) is
  'the webhooks of an organization, deleted ones too, or of all organizations';

create or replace function rowhook.window_counts(webhooks uuid[], span interval, since timestamptz, step interval)
returns table (
  at timestamptz, status_2xx bigint, status_3xx bigint, status_4xx bigint, status_5xx bigint,
  timeout bigint, refused bigint, held bigint, dead bigint, attempts bigint
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return query
  select date_bin(step, c.at, since), sum(c.status_2xx), sum(c.status_3xx), sum(c.status_4xx), sum(c.status_5xx),
         sum(c.timeout), sum(c.refused), sum(c.held), sum(c.dead),
         sum(c.status_2xx + c.status_3xx + c.status_4xx + c.status_5xx + c.timeout + c.refused + c.held)
  -- One of the two is not executed.
  from (
    select * from rowhook.attempts_by_minute where rowhook.count_step(span) = '1 minute'
    union all
    select * from rowhook.attempts_by_quarter where rowhook.count_step(span) <> '1 minute'
  ) as c
  where c.webhook_id = any (webhooks) and c.at >= since
  group by 1;
end
$$;
comment on function rowhook.window_counts(uuid[], interval, timestamptz, interval) is
  'attempts of webhooks since a time, in steps that start there; steps without attempts have no row. `span` selects the resolution';

create or replace function rowhook.organization_counts(organization uuid, span interval, since timestamptz, step interval)
returns table (
  at timestamptz, status_2xx bigint, status_3xx bigint, status_4xx bigint, status_5xx bigint,
  timeout bigint, refused bigint, held bigint, dead bigint, attempts bigint
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
-- The index depends on whether an organization is named.
set plan_cache_mode = force_custom_plan
as $$
begin
  return query
  select date_bin(step, c.at, since), sum(c.status_2xx)::bigint, sum(c.status_3xx)::bigint, sum(c.status_4xx)::bigint,
         sum(c.status_5xx)::bigint, sum(c.timeout)::bigint, sum(c.refused)::bigint, sum(c.held)::bigint, sum(c.dead)::bigint,
         sum(c.status_2xx + c.status_3xx + c.status_4xx + c.status_5xx + c.timeout + c.refused + c.held)::bigint
  from (
    select m.* from rowhook.organization_minute m
    where rowhook.count_step(span) = '1 minute' and m.at >= since
      and (organization is null or m.organization_id = organization)
    union all
    select q.* from rowhook.organization_quarter q
    where rowhook.count_step(span) <> '1 minute' and q.at >= since
      and (organization is null or q.organization_id = organization)
    union all
    -- Not folded yet.
    select d.at, d.organization_id, d.status_2xx, d.status_3xx, d.status_4xx, d.status_5xx,
           d.timeout, d.refused, d.held, d.dead
    from rowhook.attempt_delta d
    where d.at >= since and (organization is null or d.organization_id = organization)
  ) as c
  group by 1;
end
$$;
comment on function rowhook.organization_counts(uuid, interval, timestamptz, interval) is
  'like window_counts, for all webhooks of an organization, or of all organizations, deleted ones too';

create or replace function rowhook.newest_latency(since timestamptz, sampled int, out p50_ms float8, out p95_ms float8)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
  select taken.ms[1], taken.ms[2]
  from (
    select percentile_cont(array[0.5, 0.95]) within group (order by extract(epoch from o.finished_at - o.created_at)::float8 * 1000) as ms
    from (
      select o.finished_at, o.created_at from rowhook.outbox o
      where o.status = 'delivered' and o.finished_at >= since and o.created_at >= since
      order by o.finished_at desc
      limit sampled) as o
  ) as taken
$$;
comment on function rowhook.newest_latency(timestamptz, int) is
  'like latency_percentiles, of the newest `sampled` deliveries of all organizations';

create or replace function rowhook.latency_percentiles(webhooks uuid[], since timestamptz, sampled int, out p50_ms float8, out p95_ms float8)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
-- The newest of each webhook are read from the end of an index range, independent of the expected number.
set enable_sort = off
set enable_bitmapscan = off
as $$
  select taken.ms[1], taken.ms[2]
  from (
    select percentile_cont(array[0.5, 0.95]) within group (order by extract(epoch from o.finished_at - o.created_at)::float8 * 1000) as ms
    from unnest(webhooks) as w (id)
    cross join lateral (
      select o.finished_at, o.created_at from rowhook.outbox o
      where o.webhook_id = w.id and o.status = 'delivered' and o.created_at >= since
      order by o.created_at desc
      limit greatest(sampled / greatest(cardinality(webhooks), 1), 1)) as o
  ) as taken
$$;
comment on function rowhook.latency_percentiles(uuid[], timestamptz, int) is
  'milliseconds from creation to the recorded delivery, of the newest delivered deliveries created since a time: `sampled` in total, the same number of each webhook';

create or replace function rowhook.stats(organization uuid, span interval) returns json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
-- Otherwise, if the statistics show few webhooks, the table would be read instead of one look-up each.
set enable_seqscan = off
as $$
  with selected as materialized (
    select rowhook.window_start(span) as since
  ), waiting as materialized (
    -- So many are counted and searched for the oldest in one pass.
    select p.pending, p.oldest_at
    from selected s
    cross join lateral rowhook.pending_of_webhooks(organization, s.since) as p
    where organization is null and current_setting('rowhook.operator', true) = 'on'
      and 'pending' <> all (rowhook.rare_waiting_statuses(of_all => true))
  ), by_status as materialized (
    select each.key as status, each.value::bigint as n
    from selected s
    cross join lateral jsonb_each_text(
      rowhook.count_since(organization, array['sending', 'held', 'cancelled', 'skipped'] || case
        when not exists (select from waiting) then array['pending'] end, s.since)) as each
    where each.key <> 'pending' or not exists (select from waiting)
    union all
    select 'pending', w.pending from waiting w
  ), took as materialized (
    select p.* from selected s cross join lateral rowhook.newest_latency(s.since, 10000) as p
    where organization is null
    union all
    select p.* from selected s cross join lateral rowhook.organization_latency(organization, s.since, 10000) as p
    where organization is not null
  ), counted as (
    select json_object_agg(listed.status, coalesce(b.n, 0)) as n, coalesce(sum(b.n), 0) as total
    from unnest(array['pending', 'sending', 'held', 'cancelled', 'skipped']) as listed (status)
    left join by_status b on b.status = listed.status
  ), attempted as (
    select coalesce(sum(c.attempts), 0) as attempts, coalesce(sum(c.status_2xx), 0) as accepted, coalesce(sum(c.dead), 0) as dead,
           rowhook.attempts_by_class(
             sum(c.status_2xx)::bigint, sum(c.status_3xx)::bigint, sum(c.status_4xx)::bigint, sum(c.status_5xx)::bigint,
             sum(c.timeout)::bigint, sum(c.refused)::bigint, sum(c.held)::bigint) as by_class
    from selected s
    cross join lateral rowhook.organization_counts(organization, span, s.since, '31 days') as c
  )
  select json_build_object(
    'since', s.since,
    'deliveries', c.total + a.accepted + a.dead,
    'attempts', a.attempts,
    'attempts_by_class', a.by_class,
    'pending', c.n -> 'pending',
    'sending', c.n -> 'sending',
    'held', c.n -> 'held',
    'delivered', a.accepted,
    'dead', a.dead,
    'cancelled', c.n -> 'cancelled',
    'skipped', c.n -> 'skipped',
    'success_rate', round(a.accepted / nullif(a.attempts, 0), 4),
    'p50_ms', round(took.p50_ms::numeric, 3),
    'p95_ms', round(took.p95_ms::numeric, 3),
    'delivered_per_s', (
      select count(*)::float8 / 10 from rowhook.outbox o
      where o.finished_at >= now() - interval '10 s' and o.status = 'delivered'
        and (organization is null or o.organization_id = organization)),
    'oldest_waiting_at', case
      when exists (select from waiting) then least((select w.oldest_at from waiting w), (
        select min(o.created_at) from rowhook.outbox o where o.status = 'sending'))
      else rowhook.oldest_waiting(organization) end,
    'stuck', rowhook.count_stuck(organization))
  from selected s
  cross join counted c
  cross join attempted a
  cross join took
$$;
comment on function rowhook.stats(uuid, interval) is
  'attempts and deliveries since the start of the window: delivered and dead by the time of the result, other statuses by creation; percentiles are of the newest 10,000 delivered';

create or replace function rowhook.attempt_series(organization uuid, webhook uuid, span interval, points int) returns json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with step as materialized (
    select rowhook.window_start(span) as since,
           ceil(extract(epoch from span) / points / extract(epoch from rowhook.count_step(span)))::int
             * rowhook.count_step(span) as length
  ), counted as materialized (
    select c.* from step
    cross join lateral rowhook.window_counts(rowhook.webhooks_of(organization, webhook), span, step.since, step.length) as c
    where webhook is not null
    union all
    select c.* from step
    cross join lateral rowhook.organization_counts(organization, span, step.since, step.length) as c
    where webhook is null
  )
  select json_build_object(
    'since', step.since,
    'step_s', extract(epoch from step.length)::float8,
    'points', (
      select json_agg(json_build_object(
               'at', begun.at,
               'attempts', coalesce(c.attempts, 0),
               'attempts_by_class', rowhook.attempts_by_class(
                 c.status_2xx, c.status_3xx, c.status_4xx, c.status_5xx, c.timeout, c.refused, c.held),
               'dead', coalesce(c.dead, 0))
             order by begun.at)
      from generate_series(step.since, now(), step.length) as begun (at)
      left join counted c on c.at = begun.at))
  from step
$$;
comment on function rowhook.attempt_series(uuid, uuid, interval, int) is
  'attempts by class, and deliveries that became dead, in equal steps of the window: `points` of them, one more, or fewer where a step would be shorter than the counts are kept';

create or replace function rowhook.watermark() returns json
language sql volatile
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select json_build_object('token', case when is_called then last_value else 0 end, 'at', clock_timestamp()) from rowhook.token
$$;
comment on function rowhook.watermark() is
  'newest token and current time: deliveries that are resent or released from now on get a later token';

-- No row records by which replay it was reset, but each of them was written after the watermark, so
-- this is an upper bound for the rest of the replay.
create or replace function rowhook.replay_remaining(
  webhook uuid, since timestamptz, until timestamptz, watermark bigint, held_watermark bigint, max_rows int
) returns json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select json_build_object(
    'waiting', count(*) filter (where examined.is_later), 'capped', count(*) = max_rows)
  from (
    select o.token > case listed.status when 'held' then held_watermark else watermark end as is_later
    from unnest(array['pending', 'sending', 'held']) as listed (status)
    cross join lateral (
      select o.token from rowhook.outbox o
      where o.webhook_id = webhook and o.status = listed.status
        and o.created_at >= coalesce(since, '-infinity') and o.created_at < until) as o
    limit max_rows) as examined
$$;
comment on function rowhook.replay_remaining(uuid, timestamptz, timestamptz, bigint, bigint, int) is
  'deliveries of a range that wait, are being sent or are held, and were written after the watermark; if `capped`, only the first `most` were examined';

create or replace function rowhook.status_counts(by_status json, capped boolean) returns json
language sql immutable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  -- Null if no status has a delivery.
  select json_build_object('total', coalesce(sum(each.value::bigint), 0), 'by_status', by_status, 'capped', coalesce(capped, false))
  from json_each_text(by_status) as each
$$;
comment on function rowhook.status_counts(json, boolean) is 'JSON document of rowhook.count_by_status';

create or replace function rowhook.count_by_status(
  organization uuid, webhook uuid, statuses text[], since timestamptz, until timestamptz,
  job text, commit_key text, event_type text, code int, max_rows int
) returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
as $$
declare
  waiting constant text[] := array['pending', 'sending', 'held'];
  begins constant timestamptz := coalesce(since, '-infinity');
  ends constant timestamptz := coalesce(until, 'infinity');
  no_limit constant int := 2147483647;
  is_narrowed constant boolean := event_type is not null or code is not null;
  -- Of all organizations, or of one whose transaction sees all.
  sees_all constant boolean := organization is null and current_setting('rowhook.operator', true) is distinct from 'off';
  found_ids bigint[];
  scanned record;
  uncounted text[];
  read text[];
  counts jsonb := '{}';
begin
  if job is not null or commit_key is not null then
    found_ids := rowhook.delivery_ids(
      organization, webhook, statuses, begins, ends,
      'infinity', 0, job, commit_key, event_type, code, max_rows);
    return (
      select rowhook.status_counts(json_object_agg(listed.status, (
               select count(*) from rowhook.outbox o where o.id = any (found_ids) and o.status = listed.status)),
             cardinality(found_ids) = max_rows)
      from unnest(statuses) as listed (status));
  end if;
  if webhook is null and not is_narrowed and statuses <@ waiting
    and ((sees_all and coalesce(since, until) is null)
      or (rowhook.has_many_webhooks(organization) and statuses <@ rowhook.rare_waiting_statuses()))
  then
    return rowhook.count_waiting(statuses, max_rows, organization, begins, ends);
  end if;
  if webhook is null and rowhook.has_many_webhooks(organization) then
    scanned := rowhook.scan_counts(
      organization, begins, ends, event_type, code, case when event_type is null then 2 else 1 end * max_rows);
    if scanned.complete or is_narrowed then
      return (
        select rowhook.status_counts(
          json_object_agg(listed.status, least(coalesce((scanned.by_status ->> listed.status)::int, 0), max_rows)),
          not scanned.complete or bool_or((scanned.by_status ->> listed.status)::int >= max_rows))
        from unnest(statuses) as listed (status));
    end if;
    counts := coalesce((
      select jsonb_object_agg(each.key, max_rows) from jsonb_each_text(scanned.by_status) as each
      where each.value::int >= max_rows), '{}');
    uncounted := array(select unnest(statuses) except select jsonb_object_keys(counts));
    if sees_all then
      -- Of other statuses, look-ups by webhook end at `max_rows`.
      read := rowhook.rare_waiting_statuses(of_all => true);
      counts := counts || rowhook.count_all_waiting(
        array(select unnest(uncounted) intersect select unnest(read)), begins, ends, no_limit);
      counts := rowhook.count_ended(statuses, begins, ends, max_rows) || counts;
    else
      counts := counts || coalesce(nullif((rowhook.count_waiting(
        array(select unnest(uncounted) intersect select unnest(rowhook.rare_waiting_statuses())),
        max_rows, organization, begins, ends) -> 'by_status')::jsonb, 'null'), '{}');
    end if;
  end if;
  return (
    select rowhook.status_counts(
      json_object_agg(listed.status, least(counted.matching, max_rows)), bool_or(counted.examined >= max_rows))
    from unnest(statuses) as listed (status)
    cross join lateral (
      select (counts ->> listed.status)::bigint as matching, (counts ->> listed.status)::bigint as examined
      where counts ? listed.status
      union all
      select count(*) filter (where o.matches), count(*)
      from (
        select (code is null or o.last_status_code = code)
               and (count_by_status.event_type is null or exists (
                 select from rowhook.event e where e.id = o.event_id and e.type = count_by_status.event_type)) as matches
        from rowhook.webhook_revision v
        cross join lateral (
          select o.event_id, o.last_status_code from rowhook.outbox o
          where o.webhook_id = v.webhook_id and o.status = listed.status
            and o.created_at >= begins and o.created_at < ends) as o
        where v.revision = 1 and (organization is null or v.organization_id = organization)
          and (webhook is null or v.webhook_id = webhook)
        limit max_rows) as o
      having not counts ? listed.status) as counted);
end
$$;
comment on function rowhook.count_by_status(uuid, uuid, text[], timestamptz, timestamptz, text, text, text, int, int) is
  'number of deliveries per status; at most `most` per status are examined, of many webhooks with a code or an event type the newest `most` or twice as many, and `capped` says that there may be more';
