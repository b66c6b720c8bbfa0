-- Who may come in, and as whom: keys, the transaction's organization, what a path may name.

create or replace function rowhook.set_tenant(organization uuid, acting text) returns void
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
comment on function rowhook.set_tenant(uuid, text) is
  'makes this transaction one of the API: an organization''s, or with null an operator''s';

create or replace function rowhook.can_see(organization uuid) returns boolean
language sql stable
return organization = nullif(current_setting('rowhook.organization', true), '')::uuid
  or current_setting('rowhook.operator', true) = 'on';
comment on function rowhook.can_see(uuid) is
  'whether this transaction may see what belongs to an organization: for the platform''s tables, which have no policies';

-- The one function of the API with its owner's rights: a key is looked up before anybody is in.
create or replace function rowhook.authenticate(key_hash bytea)
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
comment on function rowhook.authenticate(bytea) is 'the API key with this SHA-256, expired or not';

create or replace function rowhook.session_owner(session text) returns uuid
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select s.organization_id from rowhook.session s where s.id = session and rowhook.can_see(s.organization_id)
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
create or replace function rowhook.first_missing(
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
      select from rowhook.agent a where a.id = agent and rowhook.can_see(a.organization_id)) then 'agent'
    when goal is not null and not exists (
      select from rowhook.goal g where g.id = goal and rowhook.can_see(g.organization_id)) then 'goal'
    when delivery is not null and not exists (select from rowhook.outbox o where o.id = delivery)
      then 'delivery'
    when key is not null and not exists (select from rowhook.api_key k where k.id = key) then 'key'
    when organization is not null and not exists (
      select from rowhook.organization o where o.id = organization and rowhook.can_see(o.id))
      then 'organization'
    when session is not null and not exists (
      select from rowhook.session s where s.id = session and rowhook.can_see(s.organization_id))
      then 'session'
  end
$$;
comment on function rowhook.first_missing(uuid, uuid, text, bigint, uuid, uuid, text) is
  'the first of these that does not exist for this transaction, null if all do';

-- From an id that a caller writes to Rowhook's row: the platform's id first, then Rowhook's uuid.

create or replace function rowhook.identify_organization(id text) returns uuid
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select coalesce(
    (select o.id from rowhook.organization o where o.external_id = $1 and rowhook.can_see(o.id)),
    (select o.id from rowhook.organization o where o.id = rowhook.parse_uuid($1) and rowhook.can_see(o.id)))
$$;
comment on function rowhook.identify_organization(text) is
  'the organization with this id, as the platform writes it or Rowhook''s own; null if this transaction sees none';

create or replace function rowhook.identify_agent(organization uuid, id text) returns setof uuid
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with owner as (
    select o.id from rowhook.organization o
    where o.id = coalesce($1, nullif(current_setting('rowhook.organization', true), '')::uuid)
      and rowhook.can_see(o.id)
    union all
    select o.id from rowhook.organization o where $1 is null and current_setting('rowhook.operator', true) = 'on'
  ), candidate as (
    select a.id, a.organization_id, true as is_external
    from owner o join rowhook.agent a on a.organization_id = o.id and a.external_id = $2
    union all
    select a.id, a.organization_id, false
    from owner o join rowhook.agent a on a.organization_id = o.id and a.id = rowhook.parse_uuid($2)
  )
  select distinct on (c.organization_id) c.id
  from candidate c
  order by c.organization_id, c.is_external desc
  limit 2
$$;
comment on function rowhook.identify_agent(uuid, text) is
  'the agent with this id, as the platform writes it or Rowhook''s own, in one organization or in all that this transaction sees: two rows if several organizations have one';

create or replace function rowhook.webhook_owner(webhook uuid) returns uuid
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select w.organization_id from rowhook.webhook w where w.id = webhook
$$;
comment on function rowhook.webhook_owner(uuid) is 'the organization of a webhook; null if this transaction sees no such webhook';

-- Signing in to the dashboard. Like rowhook.authenticate with their owner's rights, for nobody is in yet;
-- refused inside a transaction of the API, which acts for one organization.

create or replace function rowhook.reject_api_role() returns void
language plpgsql stable
as $$
begin
  if current_setting('role') = 'rowhook_api' then
    raise exception using errcode = 'insufficient_privilege',
      message = 'Sign-in functions cannot be called inside a transaction of the API.';
  end if;
end
$$;

create or replace function rowhook.sign_in(token_hash bytea, once boolean, key_hash bytea, ends_at timestamptz)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  perform rowhook.reject_api_role();
  delete from rowhook.sign_in s where s.ends_at < now();
  insert into rowhook.sign_in (hash, once, key_hash, ends_at)
  values (token_hash, sign_in.once, sign_in.key_hash, sign_in.ends_at);
end
$$;
comment on function rowhook.sign_in(bytea, boolean, bytea, timestamptz) is
  'keeps a session, or a link that opens one; without a key it is of who holds the database';

create or replace function rowhook.open_sign_in(link_hash bytea, token_hash bytea, until_at timestamptz) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  perform rowhook.reject_api_role();
  with opened as (
    delete from rowhook.sign_in s where s.hash = link_hash and s.once returning s.key_hash, s.ends_at
  )
  insert into rowhook.sign_in (hash, once, key_hash, ends_at)
  select token_hash, false, o.key_hash, until_at from opened o where o.ends_at > now();
  return found;
end
$$;
comment on function rowhook.open_sign_in(bytea, bytea, timestamptz) is 'a link becomes a session, once; false if there is no such link any more';

create or replace function rowhook.signed_in(token_hash bytea) returns table (key_hash bytea, ends_at timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  perform rowhook.reject_api_role();
  return query
    select s.key_hash, s.ends_at from rowhook.sign_in s
    where s.hash = token_hash and not s.once and s.ends_at > now();
end
$$;
comment on function rowhook.signed_in(bytea) is 'the session with this SHA-256, if it lasts';

create or replace function rowhook.sign_out(token_hash bytea) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  perform rowhook.reject_api_role();
  delete from rowhook.sign_in s where s.hash = token_hash;
end
$$;
