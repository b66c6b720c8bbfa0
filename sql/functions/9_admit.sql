-- Who may come in, and as whom: keys, the transaction's organization, what a path may name.

create or replace function rowhook.enter(organization uuid, acting text) returns void
language plpgsql
as $$
begin
  -- Local to the transaction, so it holds through a transaction pooler.
  perform set_config('rowhook.organization', coalesce(organization::text, ''), true),
          set_config('rowhook.operator', case when organization is null then 'on' else 'off' end, true),
          set_config('rowhook.actor', acting, true),
          set_config('timezone', 'UTC', true),
          set_config('statement_timeout', '60s', true),
          -- Compiling costs more than any of our reads: 200 ms instead of 50 for the figures of a page.
          set_config('jit', 'off', true),
          set_config('role', 'rowhook_api', true);
end
$$;
comment on function rowhook.enter(uuid, text) is
  'makes this transaction one of the API: an organization''s, or with null an operator''s';

create or replace function rowhook.sees(organization uuid) returns boolean
language sql stable
return organization = nullif(current_setting('rowhook.organization', true), '')::uuid
  or current_setting('rowhook.operator', true) = 'on';
comment on function rowhook.sees(uuid) is
  'whether this transaction may see what belongs to an organization: for the platform''s tables, which have no policies';

-- The one function of the API with its owner's rights: a key is looked up before anybody is in.
create or replace function rowhook.admit(key_hash bytea)
returns table (id uuid, name text, organization_id uuid, scopes text[], expires_at timestamptz, hash bytea)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  -- Once a minute is enough to know that a key is in use.
  update rowhook.api_key k set last_used_at = now()
  where k.hash = key_hash and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute');
  return query
    select k.id, k.name, k.organization_id, k.scopes, k.expires_at, k.hash
    from rowhook.api_key k where k.hash = key_hash;
end
$$;
comment on function rowhook.admit(bytea) is 'the API key with this SHA-256, expired or not';

create or replace function rowhook.session_owner(session text) returns uuid
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select s.organization_id from rowhook.session s where s.id = session and rowhook.sees(s.organization_id)
$$;
comment on function rowhook.session_owner(text) is 'the organization of a session, null if this transaction sees no such';

create or replace function rowhook.create_key(
  organization uuid, key_name text, key_hash bytea, granted text[], ends_at timestamptz
) returns uuid
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  insert into rowhook.api_key (organization_id, name, hash, scopes, expires_at)
  values (organization, key_name, key_hash, granted, ends_at)
  returning id
$$;
comment on function rowhook.create_key(uuid, text, bytea, text[], timestamptz) is 'null organization: an operator key';

create or replace function rowhook.delete_key(key uuid) returns boolean
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with deleted as (
    delete from rowhook.api_key k where k.id = key returning k.id
  ), forgotten as (
    -- The answers kept for it may hold a signing secret, and nobody can ask for them any more.
    delete from rowhook.idempotent_request r where r.caller in (select id::text from deleted)
  )
  select exists (select from deleted)
$$;

create or replace function rowhook.key_page(organization uuid, after_id uuid, most int)
returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(shown) from (
    select k.id, rowhook.organization_platform_id(k.organization_id) as organization_id, k.name, k.scopes, k.expires_at, k.last_used_at, k.created_at
    from rowhook.api_key k
    where (organization is null or k.organization_id = organization)
      and (after_id is null or k.id > after_id)
    order by k.id
    limit most) as shown
$$;

-- What a path names must be there for this caller before anything else is looked at.
create or replace function rowhook.unknown(
  webhook uuid default null, agent uuid default null, goal text default null,
  delivery bigint default null, key uuid default null, organization uuid default null,
  session text default null
) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select case
    when webhook is not null and not exists (select from rowhook.webhook w where w.id = webhook)
      then 'webhook'
    when agent is not null and not exists (
      select from rowhook.agent a where a.id = agent and rowhook.sees(a.organization_id)) then 'agent'
    when goal is not null and not exists (
      select from rowhook.goal g where g.id = goal and rowhook.sees(g.organization_id)) then 'goal'
    when delivery is not null and not exists (select from rowhook.outbox o where o.id = delivery)
      then 'delivery'
    when key is not null and not exists (select from rowhook.api_key k where k.id = key) then 'key'
    when organization is not null and not exists (
      select from rowhook.organization o where o.id = organization and rowhook.sees(o.id))
      then 'organization'
    when session is not null and not exists (
      select from rowhook.session s where s.id = session and rowhook.sees(s.organization_id))
      then 'session'
  end
$$;
comment on function rowhook.unknown(uuid, uuid, text, bigint, uuid, uuid, text) is
  'the first of these that does not exist for this transaction, null if all do';
