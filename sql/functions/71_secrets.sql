-- Secrets: encrypted before they get here, and never returned in clear.

create or replace function rowhook.bump_secrets_version() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  update rowhook.webhook w set secrets_version = w.secrets_version + 1
  from rowhook.webhook_secret u
  where u.organization_id = new.organization_id and u.secret_id = new.id and w.id = u.webhook_id;
  return null;
end
$$;

create or replace function rowhook.put_secret(
  organization uuid, secret_id text, next_version int, new_sealed bytea, hosts text[]
) returns boolean
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with put as (
    insert into rowhook.secret as s (organization_id, id, version, sealed, allowed_hosts)
    select organization, secret_id, next_version, new_sealed, hosts
    on conflict (organization_id, id) do update
      set version = excluded.version, sealed = excluded.sealed,
          allowed_hosts = excluded.allowed_hosts, updated_at = now()
      where s.version = excluded.version - 1
    returning 1
  )
  select exists (select from put)
$$;
comment on function rowhook.put_secret(uuid, text, int, bytea, text[]) is
  'stores a secret; false if another change came first: read secret_version, encrypt for the next version, and try again';

create or replace function rowhook.secret_version(organization uuid, secret_id text) returns int
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select coalesce((select version from rowhook.secret where organization_id = organization and id = secret_id), 0)
$$;

create or replace function rowhook.secret_hosts(organization uuid, secret_ids text[])
returns table (id text, allowed_hosts text[])
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select s.id, s.allowed_hosts from rowhook.secret s
  where s.organization_id = organization and s.id = any (secret_ids)
$$;

create or replace function rowhook.secrets_of(webhook uuid)
returns table (signing boolean, id text, version int, sealed bytea, allowed_hosts text[], expires_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select true, null, s.version, s.sealed, null::text[], s.expires_at
  from rowhook.signing_secret s
  where s.webhook_id = webhook and (s.expires_at is null or s.expires_at > now())
  union all
  select false, s.id, s.version, s.sealed, s.allowed_hosts, null
  from rowhook.webhook_secret u
  join rowhook.secret s on s.organization_id = u.organization_id and s.id = u.secret_id
  where u.webhook_id = webhook
  order by 1 desc, 3 desc
$$;

create or replace function rowhook.keyring_check(offered bytea) returns bytea
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  if current_setting('transaction_read_only') = 'off' then
    insert into rowhook.keyring_check (sealed) values (offered) on conflict do nothing;
  end if;
  return coalesce((select sealed from rowhook.keyring_check), offered);
end
$$;
comment on function rowhook.keyring_check(bytea) is
  'encrypted value that this database''s keyring must be able to decrypt; a new database stores the offered one';

create or replace function rowhook.delete_secret(organization uuid, secret_id text) returns boolean
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with deleted as (
    delete from rowhook.secret s where s.organization_id = organization and s.id = secret_id
    returning 1
  )
  select exists (select from deleted)
$$;
comment on function rowhook.delete_secret(uuid, text) is
  'deletes a secret; false if there was none. The foreign key of rowhook.webhook_secret refuses it while a webhook uses it';

create or replace function rowhook.secret_users(organization uuid, wanted text)
returns table (id text, name text)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select w.id::text, w.name
  from rowhook.webhook_secret u
  join rowhook.webhook w on w.id = u.webhook_id
  where u.organization_id = organization and u.secret_id = wanted
  order by w.name, w.id
$$;
comment on function rowhook.secret_users(uuid, text) is 'webhooks whose templates name this secret';

create or replace function rowhook.secret_page(organization uuid, after_id text, most int)
returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(document) from (
    select s.id, rowhook.organization_platform_id(s.organization_id) as organization_id, s.version, s.allowed_hosts, s.created_at, s.updated_at,
           array(select u.webhook_id from rowhook.webhook_secret u
                 where u.organization_id = s.organization_id and u.secret_id = s.id
                 order by u.webhook_id) as used_by
    from rowhook.secret s
    where s.organization_id = organization and (after_id is null or s.id > after_id)
    order by s.id
    limit most) as document
$$;
comment on function rowhook.secret_page(uuid, text, int) is
  'public properties of secrets, never their values';

-- Rotation of the master key: values encrypted by an older key are encrypted again, in batches, by the
-- client. A row that changed in between is left alone and found again in the next round.

create or replace function rowhook.count_older_seals(newest bytea)
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
  -- Stored answers for a deleted key are skipped: nobody can request them, and they are removed within
  -- 24 hours.
  select 'answer', count(*) from rowhook.idempotent_request r
  where substr(r.answer, 1, length(newest)) <> newest
    and (r.caller = 'admin' or exists (select from rowhook.api_key k where k.id::text = r.caller))
  union all
  select 'keyring', count(*) from rowhook.keyring_check c
  where substr(c.sealed, 1, length(newest)) <> newest
$$;
comment on function rowhook.count_older_seals(bytea) is
  'number of values per kind that the newest master key did not encrypt; its ciphertexts begin with `newest`';

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
  'values that the newest key did not encrypt, in the order of their primary key (first, second), after a position';

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
  -- Serialized: two of these at once would lock the same rows in different orders.
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
  'replaces old ciphertexts by new ones in rows that still have the old one; returns how many';
