-- Idempotent requests: the same response for the same Idempotency-Key. Also the rate limit of test
-- sends.

create or replace function rowhook.begin_request(caller_name text, request_key text, print bytea)
returns table (state text, sealed_answer bytea)
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  found_request rowhook.idempotent_request;
begin
  -- A request that was interrupted may be started again after a minute.
  insert into rowhook.idempotent_request as r (caller, key, fingerprint)
  values (caller_name, request_key, print)
  on conflict on constraint idempotent_request_pkey do update
    set fingerprint = excluded.fingerprint, answer = null, created_at = clock_timestamp()
    where r.created_at < now() - interval '24 hours'
       or (r.answer is null and r.fingerprint = excluded.fingerprint
           and r.created_at < now() - interval '1 minute');
  if found then
    return query select 'begun', null::bytea;
    return;
  end if;
  select * into found_request from rowhook.idempotent_request r
  where r.caller = caller_name and r.key = request_key;
  return query select
    case when found_request.fingerprint <> print then 'other'
         when found_request.answer is null then 'busy' else 'answered' end,
    found_request.answer;
end
$$;
comment on function rowhook.begin_request(text, text, bytea) is
  'starts a request; state is begun, busy (in progress elsewhere), answered (with the stored answer) or other (the key was used for a different request)';

create or replace function rowhook.end_request(caller_name text, request_key text, sealed_answer bytea)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  if sealed_answer is null then
    delete from rowhook.idempotent_request r
    where r.caller = caller_name and r.key = request_key and r.answer is null;
  else
    update rowhook.idempotent_request set answer = sealed_answer
    where caller = caller_name and key = request_key and answer is null;
  end if;
end
$$;
comment on function rowhook.end_request(text, text, bytea) is
  'stores the answer for 24 hours; null forgets the request, so that it may be sent again';

create or replace function rowhook.allow_test(webhook uuid, burst int default 10, per_minute int default 20)
returns double precision
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  allowance rowhook.test_allowance;
begin
  insert into rowhook.test_allowance values (webhook, burst, clock_timestamp()) on conflict do nothing;
  select * into allowance from rowhook.test_allowance t where t.webhook_id = webhook for update;
  allowance.tokens := least(burst, allowance.tokens
    + extract(epoch from clock_timestamp() - allowance.refilled_at) * per_minute / 60);
  update rowhook.test_allowance t
  set tokens = allowance.tokens - (allowance.tokens >= 1)::int, refilled_at = clock_timestamp()
  where t.webhook_id = webhook;
  return greatest(1 - allowance.tokens, 0) * 60 / per_minute;
end
$$;
comment on function rowhook.allow_test(uuid, int, int) is
  '0 if a test may be sent now, otherwise the seconds to wait';
