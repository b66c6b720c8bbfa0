-- Functions called by the generated captures (13_capture_sql.sql). They run in the platform's
-- transaction, so they render nothing and touch no heavily contended row.

-- A plain expression, which plpgsql evaluates without an executor run. It is volatile like the
-- functions it calls; otherwise it would not be inlined (1.4 µs instead of 5.7).
create or replace function rowhook.is_anyone_asleep() returns boolean
language sql volatile
return coalesce(pg_sequence_last_value('rowhook.asleep'::regclass), 1)
  > coalesce(pg_sequence_last_value('rowhook.awake'::regclass), 0);
comment on function rowhook.is_anyone_asleep() is
  'whether a worker waits for a NOTIFY; true if the register was never used, and perhaps after a crash';

create or replace function rowhook.wake() returns void
language plpgsql
as $$
declare
  sleeper bigint;
begin
  if not rowhook.is_anyone_asleep() or lower(current_setting('rowhook.notify', true)) in ('off', 'false', 'no', '0') then
    return;
  end if;
  -- Initializes a register that was never used.
  sleeper := coalesce(pg_sequence_last_value('rowhook.asleep'::regclass), nextval('rowhook.asleep'));
  -- Sequences are outside MVCC, so the next commits see that no worker is asleep and do not notify. If
  -- this transaction rolls back, the worker finds their rows at its next poll.
  perform setval('rowhook.awake', sleeper);
  perform pg_notify('rowhook', sleeper::text);
end
$$;
comment on function rowhook.wake() is
  'sends one NOTIFY per sleep of a worker, because NOTIFY takes a database-wide lock at commit; sends none if rowhook.notify is off';

create or replace function rowhook.note_capture_error(
  source text, source_ids text[], sqlstate text, message text
) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  is_strict boolean;
begin
  begin
    select s.strict into is_strict from rowhook.source s where s.name = source;
    if is_strict is not true then
      insert into rowhook.capture_error (source, source_ids, sqlstate, message)
      values (source, source_ids, sqlstate, message);
    end if;
  exception when others then
    -- The gap is healed even if it cannot be recorded.
    raise warning 'rowhook could not record a failed capture (%). rowhook.heal will capture the rows.', message;
  end;
  if is_strict then
    raise exception using errcode = sqlstate, message = message;
  end if;
end
$$;
comment on function rowhook.note_capture_error(text, text[], text, text) is
  'records a failed capture, to be healed later; raises it again if the source is strict';

create or replace function rowhook.is_captured_later(source text, row_id text, failed_at timestamptz) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
-- A capture turns it off. The index on source_ids is only read by bitmap scans.
set enable_bitmapscan = on
as $$
declare
  reason constant text := 'Its agent, goal or organization is unknown, or belongs to another organization than the row names.';
begin
  if (select s.strict from rowhook.source s where s.name = source) then
    raise exception using errcode = 'RH006', message = format('Row %s of source %s cannot be captured. %s', row_id, source, reason);
  end if;
  insert into rowhook.capture_error (source, source_ids, sqlstate, message, created_at, tried_at)
  select source, array[row_id], 'RH006', reason, coalesce(failed_at, clock_timestamp()), clock_timestamp()
  where not exists (
    select from rowhook.capture_error e
    where e.healed_at is null and e.source = is_captured_later.source and e.source_ids @> array[row_id]);
  return false;
end
$$;
comment on function rowhook.is_captured_later(text, text, timestamptz) is
  'records a row whose organization cannot be determined (RH006), so that each heal retries it; returns false';

create or replace function rowhook.rfc3339(moment timestamptz) returns text
language sql stable parallel safe
return case when moment >= '0001-01-01 UTC' and moment < '10000-01-01 UTC'
  then to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') end;
comment on function rowhook.rfc3339(timestamptz) is
  'time as RFC 3339 in UTC with microseconds; null if that cannot represent it: infinite, BC, after year 9999';

-- In plpgsql, so that it is not inlined: a capture calls it only if data or context has 2 KB or more.
-- Smaller ones fit even if they are stored compressed, which makes a value at most 255 times smaller.
create or replace function rowhook.oversize_bytes(data json, context json) returns bigint
language plpgsql immutable
as $$
declare
  bytes constant bigint := coalesce(octet_length(data::text), 0) + coalesce(octet_length(context::text), 0);
begin
  return case when bytes > 1048576 then bytes end;
end
$$;
comment on function rowhook.oversize_bytes(json, json) is
  'size of data and context if they are larger than 1 MiB together, so that an event does not keep them; null if not';

create or replace function rowhook.unless_oversize(value json, data json, context json) returns json
language plpgsql immutable
as $$
begin
  return case when rowhook.oversize_bytes(data, context) is null then value end;
end
$$;
comment on function rowhook.unless_oversize(json, json, json) is
  'the value; null if data and context are larger than 1 MiB together';

-- In plpgsql, as oversize_bytes: most webhooks have no first delay.
create or replace function rowhook.first_attempt_at(event_id bigint, first_status text, delay_s double precision) returns timestamptz
language plpgsql stable
as $$
begin
  -- Jitter of ±20 % derived from the id. random() is volatile, which would make the planner put a
  -- subquery around the join of a capture.
  return case when first_status <> 'skipped'
    then now() + make_interval(secs => delay_s * (0.8 + 0.4 * (hashint8(event_id) & 65535) / 65535)) end;
end
$$;
comment on function rowhook.first_attempt_at(bigint, text, double precision) is
  'when a delivery with a first delay is attempted first; null if it is skipped';

create or replace function rowhook.read_time(written text, zone text) returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
-- Restores the setting that the function changes.
set timezone = 'UTC'
as $$
begin
  perform set_config('timezone', zone, true);
  return written::timestamptz;
exception when invalid_datetime_format or datetime_field_overflow or invalid_parameter_value then
  return null;
end
$$;
comment on function rowhook.read_time(text, text) is
  'time from a text column, in time zone `zone` unless the text names one; null if it is not a time';

create or replace function rowhook.has_earlier_completion(job text) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '250ms'
set jit = off
as $$
begin
  return exists (select from rowhook.event e where e.job_id = job and e.source = 'job')
    or exists (select from rowhook.removed_event t where t.row_id = job and t.source = 'job');
exception when others then
  -- The platform's statement must not fail. The capture gives a repeated completion its own time.
  raise warning 'rowhook could not look for an earlier completion of job % (%). Its completion time is kept.', job, sqlerrm;
  return false;
end
$$;
comment on function rowhook.has_earlier_completion(text) is
  'whether this row of rowhook.job completed before; false, with a warning, if that cannot be read';

-- For rowhook.job: sets the completion time of a job that has none, and of a second completion that
-- kept the time of the first.
create or replace function rowhook.fill_completed_at() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- A time that the platform set before the status belongs to this completion, unless there was an
  -- earlier one.
  if new.completed_at is null or rowhook.has_earlier_completion(new.id::text) then
    new.completed_at := clock_timestamp();
  end if;
  return new;
end
$$;
