-- Results come back in batches; the token decides whose count.

create or replace function rowhook.record(results json, frames json default '[]') returns table (token bigint, status text)
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  -- The days that surely have partitions: a row of another is looked at alone.
  since timestamptz;
  until timestamptz;
begin
  perform rowhook.require_partitions();
  since := date_trunc('day', now(), 'UTC');
  until := since + interval '2 days';
  perform rowhook.store_frames(frames);
  return query
  with result as materialized (
    select * from json_to_recordset(results) as r (
      outbox_id bigint, token bigint, revision int, secrets_version int,
      outcome text, status_code int, error text, retry_after_s double precision,
      started_at timestamptz, duration_ms real, rendered_ms real, validated_ms real,
      request json, frame uuid, sent json, response_headers json, response_body text)
  ), locked as materialized (
    select o.id, o.token, o.status, o.attempts, o.schedule_step, o.webhook_id
    from rowhook.outbox o
    where o.id = any (array(select outbox_id from result))
    order by o.id
    for update
  ), judged as materialized (
    select l.*, r.token as mine, r.outcome, r.status_code, r.error, r.revision,
           case when r.started_at >= since and r.started_at < until then r.started_at
                else rowhook.recordable_time(r.started_at) end as started_at,
           r.duration_ms, r.rendered_ms, r.validated_ms, r.request, r.frame, r.sent, r.response_headers, r.response_body,
           r.retry_after_s, w.max_in_flight,
           r.outcome not in ('delivered', 'skipped', 'config_rejected', 'render_failed', 'schema_failed')
             as refused,
           greatest(next_try.delay, least(coalesce(r.retry_after_s, 0), 86400)) as delay,
           next_try.delay is null as exhausted,
           next_try.spared,
           (case
              when l.status = 'cancelled' then 'cancelled'
              when r.outcome = 'delivered' then 'delivered'
              when r.outcome = 'skipped' then 'skipped'
              when w.id is null then 'cancelled'
              when w.state = 'disabled' then 'skipped'
              when r.outcome in ('config_rejected', 'render_failed', 'schema_failed') then
                -- The fix came while this was being rendered: try it at once.
                case when w.revision > r.revision or w.secrets_version > r.secrets_version
                  then 'fixed' else 'held' end
              when r.status_code = 410 then 'dead'
              -- While the circuit is not closed no place of the schedule is used up.
              when next_try.spared then 'pending'
              when next_try.delay is null then 'dead'
              else 'pending'
            end) as fate
    from locked l
    join result r on r.outbox_id = l.id and r.token = l.token
    left join lateral (select * from rowhook.webhook w where w.id = l.webhook_id offset 0) as w on true
    left join lateral (select * from rowhook.lane_state s where s.webhook_id = l.webhook_id offset 0) as s on true
    cross join lateral (
      select s.circuit <> 'closed' and r.outcome not in ('config_rejected', 'render_failed', 'schema_failed') as spared
    ) as circuit
    cross join lateral (
      select coalesce(circuit.spared, false) as spared,
             case when circuit.spared then 0 else rowhook.delay_after(w.retry_schedule_s, l.schedule_step) end as delay
    ) as next_try
    where l.status in ('sending', 'cancelled')
  ), tried as (
    insert into rowhook.attempt_row (outbox_id, started_at, number, revision, duration_ms, rendered_ms,
                                     validated_ms, status_code, outcome, error)
    select id, started_at, attempts + 1, revision, duration_ms, rendered_ms, validated_ms, status_code, outcome, error
    from judged where outcome <> 'skipped'
  ), exchanged as materialized (
    -- A worker of the release before, or one whose request fits no frame, sends the complete request.
    select j.id, j.started_at, j.attempts + 1 as number, j.outcome, frame.id as frame_id,
           case when frame.id is not null then j.sent else j.request end as request, j.response_headers, j.response_body
    from judged j
    left join lateral (select f.id from rowhook.request_frame f where f.digest = j.frame offset 0) as frame on true
    where j.outcome <> 'skipped' and num_nonnulls(j.frame, j.request, j.response_headers, j.response_body) > 0
  ), accepted as (
    insert into rowhook.exchange (outbox_id, started_at, number, frame_id, request, response_headers, response_body)
    select id, started_at, number, frame_id, request, response_headers, response_body
    from exchanged where outcome = 'delivered'
  ), failed as (
    insert into rowhook.failed_exchange (outbox_id, started_at, number, frame_id, request, response_headers, response_body)
    select id, started_at, number, frame_id, request, response_headers, response_body
    from exchanged where outcome <> 'delivered'
  ), gone as materialized (
    select rowhook.disable(refused.webhook_id, 'the receiver answered 410 Gone')
    from (select distinct webhook_id from judged where status_code = 410 and fate = 'dead') as refused
  ), weighed as materialized (
    select rowhook.update_circuit(lane.webhook_id, lane.failures, lane.successes, lane.pause_s, lane.most)
    from (
      select webhook_id, max(max_in_flight) as most, max(retry_after_s) as pause_s,
             count(*) filter (where refused)::int as failures,
             count(*) filter (where outcome = 'delivered')::int as successes
      from judged group by webhook_id
    ) as lane
    where lane.failures > 0
      or exists (select from rowhook.lane_state s where s.webhook_id = lane.webhook_id
                 and (s.failures > 0 or s.circuit <> 'closed'))
  ), settled as (
    update rowhook.outbox o
    set token = nextval('rowhook.token'),
        status = case when fate = 'fixed' then 'pending' else fate end,
        worker_id = null,
        leased_until = null,
        lost_claims = 0,
        attempts = o.attempts + (outcome <> 'skipped')::int,
        schedule_step = case when fate = 'fixed' then 0 else o.schedule_step + (not spared)::int end,
        ready = fate = 'fixed' or (fate in ('pending', 'held') and delay = 0 and not exhausted),
        next_attempt_at = case
          when fate = 'fixed' then now()
          when fate = 'pending' then now() + make_interval(secs => delay)
          when fate = 'held' and not exhausted then now() + make_interval(secs => delay) end,
        finished_at = case
          when fate = 'cancelled' then coalesce(o.finished_at, now())
          when fate in ('delivered', 'dead', 'skipped') then now() end,
        last_status_code = case when outcome = 'skipped' then o.last_status_code else judged.status_code end,
        last_error = case when outcome = 'skipped' then coalesce(error, 'the condition was false') else error end
    from judged
    -- Not `o.id = judged.id`: an outbox that is believed empty would be read whole and joined.
    where o.id = any (array[judged.id])
    returning judged.mine as token, o.status
  )
  select * from settled
  -- Referenced so that PostgreSQL executes these CTEs.
  where (select count(*) from gone) + (select count(*) from weighed) >= 0;
end
$$;
comment on function rowhook.record(json, json) is
  'settles each result whose token still matches, and answers those; a zombie''s is not among them. `frames` are those that the results name';

-- When a try comes due.

create or replace function rowhook.jittered(delay_s numeric) returns double precision
language sql volatile parallel safe
return delay_s::double precision * (0.8 + 0.4 * random());
comment on function rowhook.jittered(numeric) is 'seconds, ±20 %; zero stays zero';

create or replace function rowhook.delay_after(schedule_s numeric[], step int) returns double precision
language sql volatile parallel safe
return rowhook.jittered(schedule_s[step + 2]);
comment on function rowhook.delay_after(numeric[], int) is
  'seconds from the attempt at place `step` (from 0) to the next; null where the schedule ends';
