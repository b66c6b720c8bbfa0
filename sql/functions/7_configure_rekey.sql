-- Another master key: what an older one sealed is sealed anew, a batch at a time. Opened and sealed
-- outside; a row that was changed in between is left alone, and found again in the next round.

create or replace function rowhook.sealed_elsewhere(newest bytea)
returns table (kind text, remaining bigint)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select 'secret', count(*) from rowhook.secret s
  where substr(s.sealed, 1, length(newest)) <> newest
  union all
  select 'signing', count(*) from rowhook.signing_secret s
  where substr(s.sealed, 1, length(newest)) <> newest
  union all
  -- What was kept for a deleted key nobody can ask for: it goes within 24 hours.
  select 'answer', count(*) from rowhook.idempotent_request r
  where substr(r.answer, 1, length(newest)) <> newest
    and (r.caller = 'admin' or exists (select from rowhook.api_key k where k.id::text = r.caller))
  union all
  select 'keyring', count(*) from rowhook.keyring_check c
  where substr(c.sealed, 1, length(newest)) <> newest
$$;
comment on function rowhook.sealed_elsewhere(bytea) is
  'how many of each kind do not begin with the mark of the newest master key';

create or replace function rowhook.sealed_page(
  kind text, newest bytea, after_first text, after_second text, most int
) returns table (
  first text, second text, organization_id uuid, version int, fingerprint bytea, sealed bytea
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  none constant uuid := '00000000-0000-0000-0000-000000000000';
begin
  case kind
    when 'secret' then return query
      select s.organization_id::text, s.id, s.organization_id, s.version, null::bytea, s.sealed
      from rowhook.secret s
      where (s.organization_id, s.id) > (coalesce(after_first::uuid, none), coalesce(after_second, ''))
        and substr(s.sealed, 1, length(newest)) <> newest
      order by s.organization_id, s.id limit most;
    when 'signing' then return query
      select s.webhook_id::text, s.version::text, w.organization_id, s.version, null::bytea, s.sealed
      from rowhook.signing_secret s join rowhook.webhook w on w.id = s.webhook_id
      where (s.webhook_id, s.version) > (coalesce(after_first::uuid, none), coalesce(after_second::int, 0))
        and substr(s.sealed, 1, length(newest)) <> newest
      order by s.webhook_id, s.version limit most;
    when 'answer' then return query
      select r.caller, r.key, k.organization_id, 1, r.fingerprint, r.answer
      from rowhook.idempotent_request r left join rowhook.api_key k on k.id::text = r.caller
      where (r.caller, r.key) > (coalesce(after_first, ''), coalesce(after_second, ''))
        and substr(r.answer, 1, length(newest)) <> newest
        and (r.caller = 'admin' or k.id is not null)
      order by r.caller, r.key limit most;
    when 'keyring' then return query
      select '', '', null::uuid, 1, null::bytea, c.sealed from rowhook.keyring_check c
      where after_first is null and substr(c.sealed, 1, length(newest)) <> newest;
  end case;
end
$$;
comment on function rowhook.sealed_page(text, bytea, text, text, int) is
  'what another key than the newest sealed, in the order of its primary key (first, second), after a place';

create or replace function rowhook.reseal(
  kind text, firsts text[], seconds text[], was bytea[], becomes bytea[]
) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  resealed bigint;
begin
  -- Two of these at once would lock the same rows in two orders.
  perform pg_advisory_xact_lock(hashtext('rowhook.reseal'));
  case kind
    when 'secret' then
      update rowhook.secret s set sealed = g.becomes
      from unnest(firsts, seconds, was, becomes) as g (first, second, was, becomes)
      where s.organization_id = g.first::uuid and s.id = g.second and s.sealed = g.was;
    when 'signing' then
      update rowhook.signing_secret s set sealed = g.becomes
      from unnest(firsts, seconds, was, becomes) as g (first, second, was, becomes)
      where s.webhook_id = g.first::uuid and s.version = g.second::int and s.sealed = g.was;
    when 'answer' then
      update rowhook.idempotent_request r set answer = g.becomes
      from unnest(firsts, seconds, was, becomes) as g (first, second, was, becomes)
      where r.caller = g.first and r.key = g.second and r.answer = g.was;
    when 'keyring' then
      update rowhook.keyring_check c set sealed = becomes[1] where c.sealed = was[1];
  end case;
  get diagnostics resealed = row_count;
  return resealed;
end
$$;
comment on function rowhook.reseal(text, text[], text[], bytea[], bytea[]) is
  'puts new ciphertext in place of old, where the old still stands; in how many rows';
