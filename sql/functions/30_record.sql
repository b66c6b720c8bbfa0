-- Records the results of attempts in batches. A result counts only if its fencing token is still
-- valid.

create or replace function rowhook.record(
  results json, frames json default '[]', all_delivered boolean default false
) returns table (token bigint, status text)
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  -- Days that certainly have partitions; other times are checked one by one.
  since timestamptz;
  until timestamptz;
  today constant date := (now() at time zone 'UTC')::date;
  this_minute constant timestamptz := rowhook.minute_of(now());
begin
  if not (rowhook.has_partitions(today) and rowhook.has_partitions(today + 1)) then
    perform rowhook.make_partitions();
  end if;
  since := date_trunc('day', now(), 'UTC');
  until := since + interval '2 days';
  -- Nearly always false, and an insert and an update of no row cost several times this check.
  if exists (
    select from json_to_recordset(frames) as f (digest uuid)
    where (select k.used_on from rowhook.request_frame k where k.digest = f.digest limit 1) >= today is not true) then
    perform rowhook.store_frames(frames);
  end if;
  if all_delivered then
    -- Without the steps that only other outcomes need, at a quarter less of the cost.
    return query
    with result as materialized (
      select * from json_to_recordset(results) as r (
        outbox_id bigint, token bigint, revision int, status_code int, error text,
        started_at timestamptz, duration_ms real, rendered_ms real, validated_ms real,
        request json, frame uuid, sent json, response_frame uuid, received json, response_headers json, response_body text)
    ), locked as materialized (
      select o.id, o.token, o.status, o.attempts, o.webhook_id, o.organization_id
      from rowhook.outbox o
      where o.id = any (array(select outbox_id from result))
      order by o.id
      for update
    ), delivered as materialized (
      select l.id, l.status, l.attempts + 1 as number, l.webhook_id, l.organization_id,
             case when r.started_at >= since and r.started_at < until then r.started_at
                  else rowhook.recordable_time(r.started_at) end as started_at,
             r.token, r.revision, r.status_code, r.error, r.duration_ms, r.rendered_ms, r.validated_ms,
             r.request, r.frame, r.sent, r.response_frame, r.received, r.response_headers, r.response_body
      from locked l
      join result r on r.outbox_id = l.id and r.token = l.token
      where l.status in ('sending', 'cancelled')
    ), lane as materialized (
      select d.webhook_id, d.organization_id, count(*)::int as successes
      from delivered d group by d.webhook_id, d.organization_id
    ), troubled as materialized (
      select lane.webhook_id, lane.successes, s.circuit <> 'closed' as keeps_step
      from lane,
      lateral (
        select s.circuit from rowhook.lane_state s
        where s.webhook_id = lane.webhook_id and (s.failures > 0 or s.circuit <> 'closed') offset 0) as s
    ), attempt as (
      insert into rowhook.attempt_row (outbox_id, started_at, number, revision, duration_ms, rendered_ms,
                                       validated_ms, status_code, outcome, error)
      select id, started_at, number, revision, duration_ms, rendered_ms, validated_ms, status_code, 'delivered', error
      from delivered
    ), counted as (
      insert into rowhook.attempt_delta (at, webhook_id, organization_id, status_2xx)
      select this_minute, webhook_id, organization_id, successes from lane
    ), accepted as (
      insert into rowhook.exchange
        (outbox_id, started_at, number, frame_id, request, response_frame_id, response_headers, response_body)
      select d.id, d.started_at, d.number,
             frame.id, case when frame.id is not null then d.sent else d.request end,
             response_frame.id, case when response_frame.id is not null then d.received else d.response_headers end,
             d.response_body
      from delivered d
      left join lateral (select f.id from rowhook.request_frame f where f.digest = d.frame offset 0) as frame on true
      left join lateral (
        select f.id from rowhook.request_frame f where f.digest = d.response_frame offset 0) as response_frame on true
      where num_nonnulls(d.frame, d.request, d.response_frame, d.response_headers, d.response_body) > 0
    ), circuit_update as materialized (
      select rowhook.update_circuit(t.webhook_id, 0, t.successes, null, w.max_in_flight)
      from troubled t
      left join lateral (select w.max_in_flight from rowhook.webhook w where w.id = t.webhook_id offset 0) as w on true
    ), settled as (
      update rowhook.outbox o
      set token = nextval('rowhook.token'),
          status = case when o.status = 'cancelled' then 'cancelled' else 'delivered' end,
          worker_id = null,
          leased_until = null,
          claimed_at = null,
          stuck_at = null,
          lost_claims = 0,
          attempts = o.attempts + 1,
          schedule_step = o.schedule_step
            + (not exists (select from troubled t where t.webhook_id = d.webhook_id and t.keeps_step))::int,
          ready = false,
          next_attempt_at = null,
          finished_at = case when o.status = 'cancelled' then coalesce(o.finished_at, now()) else now() end,
          last_status_code = d.status_code,
          last_error = d.error
      from delivered d
      -- Not `o.id = d.id`, as in the complete statement below.
      where o.id = any (array[d.id])
      returning d.token, o.status
    )
    select * from settled
    -- Referenced so that PostgreSQL executes it.
    where (select count(*) from circuit_update) >= 0;
    return;
  end if;
  return query
  with result as materialized (
    select * from json_to_recordset(results) as r (
      outbox_id bigint, token bigint, revision int, secrets_version int,
      outcome text, status_code int, error text, retry_after_s double precision,
      started_at timestamptz, duration_ms real, rendered_ms real, validated_ms real,
      request json, frame uuid, sent json, response_frame uuid, received json, response_headers json, response_body text)
  ), locked as materialized (
    select o.id, o.token, o.status, o.attempts, o.schedule_step, o.webhook_id, o.organization_id
    from rowhook.outbox o
    where o.id = any (array(select outbox_id from result))
    order by o.id
    for update
  ), decided as materialized (
    select l.*, r.token as result_token, r.outcome, r.status_code, r.error, r.revision,
           case when r.started_at >= since and r.started_at < until then r.started_at
                else rowhook.recordable_time(r.started_at) end as started_at,
           r.duration_ms, r.rendered_ms, r.validated_ms, r.request, r.frame, r.sent,
           r.response_frame, r.received, r.response_headers, r.response_body,
           r.retry_after_s, w.max_in_flight, rowhook.attempt_class(r.outcome, r.status_code) as class,
           r.outcome not in ('delivered', 'skipped', 'config_rejected', 'render_failed', 'schema_failed')
             as rejected,
           greatest(next_try.delay, least(coalesce(r.retry_after_s, 0), 86400)) as delay,
           next_try.delay is null as exhausted,
           next_try.keeps_step,
           (case
              when l.status = 'cancelled' then 'cancelled'
              when r.outcome = 'delivered' then 'delivered'
              when r.outcome = 'skipped' then 'skipped'
              when w.id is null then 'cancelled'
              when w.state = 'disabled' then 'skipped'
              when r.outcome in ('config_rejected', 'render_failed', 'schema_failed') then
                -- The webhook was fixed while this delivery was being rendered: try it at once.
                case when w.revision > r.revision or w.secrets_version > r.secrets_version
                  then 'fixed' else 'held' end
              when r.status_code = 410 then 'dead'
              -- While the circuit is not closed, an attempt does not use up a step of the schedule.
              when next_try.keeps_step then 'pending'
              when next_try.delay is null then 'dead'
              else 'pending'
            end) as decision
    from locked l
    join result r on r.outbox_id = l.id and r.token = l.token
    left join lateral (
      select w.id, w.state, w.revision, w.secrets_version, w.max_in_flight, w.retry_schedule_s
      from rowhook.webhook w where w.id = l.webhook_id offset 0) as w on true
    left join lateral (select s.circuit from rowhook.lane_state s where s.webhook_id = l.webhook_id offset 0) as s on true
    cross join lateral (
      select s.circuit <> 'closed' and r.outcome not in ('config_rejected', 'render_failed', 'schema_failed') as keeps_step
    ) as circuit
    cross join lateral (
      select coalesce(circuit.keeps_step, false) as keeps_step,
             case when circuit.keeps_step then 0 else rowhook.delay_after(w.retry_schedule_s, l.schedule_step) end as delay
    ) as next_try
    where l.status in ('sending', 'cancelled')
  ), attempt as (
    insert into rowhook.attempt_row (outbox_id, started_at, number, revision, duration_ms, rendered_ms,
                                     validated_ms, status_code, outcome, error)
    select id, started_at, attempts + 1, revision, duration_ms, rendered_ms, validated_ms, status_code, outcome, error
    from decided where outcome <> 'skipped'
  ), counted as (
    insert into rowhook.attempt_delta
      (at, webhook_id, organization_id, status_2xx, status_3xx, status_4xx, status_5xx, timeout, refused, held, dead,
       failed_at, failed_outbox_id)
    select this_minute, webhook_id, organization_id,
           count(*) filter (where class = '2xx'), count(*) filter (where class = '3xx'),
           count(*) filter (where class = '4xx'), count(*) filter (where class = '5xx'),
           count(*) filter (where class = 'timeout'), count(*) filter (where class = 'refused'),
           count(*) filter (where class = 'held'), count(*) filter (where decision = 'dead'),
           max(started_at) filter (where class <> '2xx'),
           max(id) filter (where class <> '2xx')
    from decided where outcome <> 'skipped'
    group by webhook_id, organization_id
  ), exchange_part as materialized (
    -- Workers of the previous release, and requests that fit no frame, send the complete request.
    select j.id, j.started_at, j.attempts + 1 as number, j.outcome, frame.id as frame_id,
           case when frame.id is not null then j.sent else j.request end as request,
           response_frame.id as response_frame_id,
           case when response_frame.id is not null then j.received else j.response_headers end as response_headers,
           j.response_body
    from decided j
    left join lateral (select f.id from rowhook.request_frame f where f.digest = j.frame offset 0) as frame on true
    left join lateral (
      select f.id from rowhook.request_frame f where f.digest = j.response_frame offset 0) as response_frame on true
    where j.outcome <> 'skipped' and num_nonnulls(j.frame, j.request, j.response_frame, j.response_headers, j.response_body) > 0
  ), accepted as (
    insert into rowhook.exchange
      (outbox_id, started_at, number, frame_id, request, response_frame_id, response_headers, response_body)
    select id, started_at, number, frame_id, request, response_frame_id, response_headers, response_body
    from exchange_part where outcome = 'delivered'
  ), failed as (
    insert into rowhook.failed_exchange
      (outbox_id, started_at, number, frame_id, request, response_frame_id, response_headers, response_body)
    select id, started_at, number, frame_id, request, response_frame_id, response_headers, response_body
    from exchange_part where outcome <> 'delivered'
  ), disabled as materialized (
    select rowhook.disable(refused.webhook_id, 'The receiver responded with status 410.')
    from (select distinct webhook_id from decided where status_code = 410 and decision = 'dead') as refused
  ), circuit_update as materialized (
    select rowhook.update_circuit(lane.webhook_id, lane.failures, lane.successes, lane.pause_s, lane.max_in_flight)
    from (
      select webhook_id, max(max_in_flight) as max_in_flight, max(retry_after_s) as pause_s,
             count(*) filter (where rejected)::int as failures,
             count(*) filter (where outcome = 'delivered')::int as successes
      from decided group by webhook_id
    ) as lane
    where lane.failures > 0
      or exists (select from rowhook.lane_state s where s.webhook_id = lane.webhook_id
                 and (s.failures > 0 or s.circuit <> 'closed'))
  ), notified as materialized (
    -- A worker that sleeps does not know of retries that are due before its next poll.
    select rowhook.wake() from decided
    where decision = 'fixed' or (decision in ('pending', 'held') and delay < 0.25)
    limit 1
  ), settled as (
    update rowhook.outbox o
    set token = nextval('rowhook.token'),
        status = case when decision = 'fixed' then 'pending' else decision end,
        worker_id = null,
        leased_until = null,
        claimed_at = null,
        stuck_at = null,
        lost_claims = 0,
        attempts = o.attempts + (outcome <> 'skipped')::int,
        schedule_step = case when decision = 'fixed' then 0 else o.schedule_step + (not keeps_step)::int end,
        ready = decision = 'fixed' or (decision in ('pending', 'held') and delay = 0 and not exhausted),
        next_attempt_at = case
          when decision = 'fixed' then now()
          when decision = 'pending' then now() + make_interval(secs => delay)
          when decision = 'held' and not exhausted then now() + make_interval(secs => delay) end,
        finished_at = case
          when decision = 'cancelled' then coalesce(o.finished_at, now())
          when decision in ('delivered', 'dead', 'skipped') then now() end,
        last_status_code = case when outcome = 'skipped' then o.last_status_code else decided.status_code end,
        last_error = case when outcome = 'skipped' then coalesce(error, 'The condition was false.') else error end
    from decided
    -- Not `o.id = decided.id`: if the outbox is believed empty, it would be read whole and joined.
    where o.id = any (array[decided.id])
    returning decided.result_token as token, o.status
  )
  select * from settled
  -- Referenced so that PostgreSQL executes these CTEs.
  where (select count(*) from disabled) + (select count(*) from circuit_update) + (select count(*) from notified) >= 0;
end
$$;
comment on function rowhook.record(json, json, boolean) is
  'settles each result whose token is still valid and returns those; results of superseded claims are ignored. `frames` are the frames that the results refer to; `all_delivered` says that each outcome is delivered';

-- Retry schedule.

create or replace function rowhook.jittered(delay_s numeric) returns double precision
language sql volatile parallel safe
return delay_s::double precision * (0.8 + 0.4 * random());
comment on function rowhook.jittered(numeric) is 'seconds with a jitter of ±20 %; zero stays zero';

create or replace function rowhook.delay_after(schedule_s numeric[], step int) returns double precision
language sql volatile parallel safe
return rowhook.jittered(schedule_s[step + 2]);
comment on function rowhook.delay_after(numeric[], int) is
  'seconds from the attempt at step `step` (from 0) of the schedule to the next; null at its end';
