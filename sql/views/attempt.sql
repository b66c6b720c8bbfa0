-- Attempts with request and response, as long as those are kept.
create or replace view rowhook.attempt with (security_invoker = true) as
select r.outbox_id, r.number, r.revision, r.started_at, r.duration_ms, r.rendered_ms, r.validated_ms,
       r.outcome, r.status_code, r.error,
       rowhook.request_as_sent(x.frame_id, x.request, r.outbox_id) as request,
       rowhook.headers_as_received(x.response_frame_id, x.response_headers) as response_headers,
       x.response_body
from rowhook.attempt_row r
-- Evaluated per attempt, independent of the statistics, so that only the partition of its day is read.
left join lateral (
  select x.frame_id, x.request, x.response_frame_id, x.response_headers, x.response_body from rowhook.exchange x
  where r.outcome = 'delivered' and x.outbox_id = r.outbox_id and x.number = r.number and x.started_at = r.started_at
  union all
  select x.frame_id, x.request, x.response_frame_id, x.response_headers, x.response_body from rowhook.failed_exchange x
  where r.outcome <> 'delivered' and x.outbox_id = r.outbox_id and x.number = r.number and x.started_at = r.started_at
  offset 0
) as x on true
union all
select a.outbox_id, a.number, a.revision, a.started_at, a.duration_ms, a.rendered_ms, a.validated_ms,
       a.outcome, a.status_code, a.error, a.request, a.response_headers, a.response_body
from rowhook.attempt_archive a;
comment on view rowhook.attempt is
  'one row per attempt; request and response are null once they are no longer kept';
comment on column rowhook.attempt.started_at is 'when the worker started the attempt';
comment on column rowhook.attempt.duration_ms is 'duration of the HTTP exchange; 0 if nothing was sent';
comment on column rowhook.attempt.rendered_ms is 'time until the body was rendered';
comment on column rowhook.attempt.validated_ms is 'time until the body was validated';
comment on column rowhook.attempt.request is
  '{method, url, headers, body} as sent, each secret replaced by its name';
comment on column rowhook.attempt.response_body is 'first 4 KiB, as text';
