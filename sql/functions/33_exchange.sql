-- Requests and responses of attempts. The common part of a webhook's requests, its frame, is stored
-- once, and so is that of the response headers; both are reassembled when they are read.

create or replace function rowhook.store_frames(frames json) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
  today constant date := (now() at time zone 'UTC')::date;
begin
  insert into rowhook.request_frame (digest, webhook_id, organization_id, pieces)
  select f.digest, f.webhook_id, f.organization_id, f.pieces
  from json_to_recordset(frames) as f (digest uuid, webhook_id uuid, organization_id uuid, pieces json)
  -- Not `exists`: over a table that is believed small it would be hashed whole.
  where (select true from rowhook.request_frame known where known.digest = f.digest limit 1) is null
  -- The same order in all workers, to avoid deadlocks.
  order by f.digest
  on conflict do nothing;
  -- Retention removes frames that were not used for longer than attempts are kept.
  update rowhook.request_frame k set used_on = today
  where k.ctid = any (array(
    select known.ctid from json_to_recordset(frames) as f (digest uuid),
    lateral (select r.ctid from rowhook.request_frame r where r.digest = f.digest and r.used_on < today offset 0) as known
    order by f.digest));
end
$$;
comment on function rowhook.store_frames(json) is 'stores those frames of a worker that are not stored yet';

create or replace function rowhook.json_content(written text) returns text
language sql immutable
return substr(to_json(written)::text, 2, length(to_json(written)::text) - 2);
comment on function rowhook.json_content(text) is 'text escaped as in a JSON string, without the quotes';

create or replace function rowhook.event_part(part text, e rowhook.event, snapshot json) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select case part
    when 'key' then e.key
    when 'data' then coalesce(e.data::text, 'null')
    when 'context' then coalesce(e.context::text, 'null')
    -- The job without its closing brace: the payload adds further keys.
    when 'open_job' then left((snapshot -> 'job')::text, -1)
    else coalesce((snapshot -> part)::text, case
      when part in ('agent', 'agent_version', 'organization') then '{"id":null,"name":null}'
      when part in ('goal', 'template', 'session', 'interview') then '{"id":null}'
      else 'null' end) end
$$;
comment on function rowhook.event_part(text, rowhook.event, json) is
  'text of a part of the event, for {"event": part} in a frame; `snapshot` is that of rowhook.event_snapshot';

create or replace function rowhook.request_as_sent(frame int, sent json, delivery bigint) returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
  pieces json;
  e rowhook.event;
  snapshot json;
  request text := '';
  piece json;
begin
  if frame is null then
    return sent;
  end if;
  select f.pieces into pieces from rowhook.request_frame f where f.id = frame;
  select ev.* into e from rowhook.outbox o join rowhook.event ev on ev.id = o.event_id where o.id = delivery;
  if e.id is null then
    return null;
  end if;
  snapshot := rowhook.event_snapshot(e);
  for piece in select p from json_array_elements(pieces) as p loop
    request := request || case json_typeof(piece)
      when 'string' then piece #>> '{}'
      when 'number' then rowhook.json_content(sent ->> piece::text::int)
      else rowhook.json_content(rowhook.event_part(piece ->> 'event', e, snapshot)) end;
  end loop;
  return request;
end
$$;
comment on function rowhook.request_as_sent(int, json, bigint) is
  'request {method, url, headers, body} of an attempt; null if its event was removed';

create or replace function rowhook.headers_as_received(frame int, received json) returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
begin
  if frame is null then
    return received;
  end if;
  return (
    select string_agg(
      case json_typeof(p.piece) when 'string' then p.piece #>> '{}'
        else rowhook.json_content(received ->> p.piece::text::int) end, '' order by p.place)
    from rowhook.request_frame f, json_array_elements(f.pieces) with ordinality as p (piece, place)
    where f.id = frame);
end
$$;
comment on function rowhook.headers_as_received(int, json) is
  'response headers of an attempt, as [[name, value], …]';

create or replace function rowhook.insert_attempt() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhook.require_partitions();
  new.started_at := rowhook.recordable_time(new.started_at);
  insert into rowhook.attempt_row
    (outbox_id, started_at, number, revision, duration_ms, rendered_ms, validated_ms, status_code, outcome, error)
  values (new.outbox_id, new.started_at, new.number, new.revision, new.duration_ms, new.rendered_ms,
          new.validated_ms, new.status_code, new.outcome, new.error);
  if num_nonnulls(new.request, new.response_headers, new.response_body) > 0 then
    execute format(
      'insert into rowhook.%I (outbox_id, started_at, number, request, response_headers, response_body)'
      ' values ($1, $2, $3, $4, $5, $6)',
      case when new.outcome = 'delivered' then 'exchange' else 'failed_exchange' end)
    using new.outbox_id, new.started_at, new.number, new.request, new.response_headers, new.response_body;
  end if;
  return new;
end
$$;
comment on function rowhook.insert_attempt() is 'insert into the view attempt, with a complete request';
