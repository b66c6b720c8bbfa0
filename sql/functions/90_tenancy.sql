-- Access to an organization: API keys, signing in, portal links, and the tenant of a transaction.

create or replace function rowhook.set_tenant(organization uuid, actor text) returns void
language plpgsql
as $$
begin
  -- Local to the transaction, so it works through a transaction pooler.
  perform set_config('rowhook.organization', coalesce(organization::text, ''), true),
          set_config('rowhook.operator', case when organization is null then 'on' else 'off' end, true),
          set_config('rowhook.actor', actor, true),
          set_config('timezone', 'UTC', true),
          set_config('statement_timeout', '60s', true),
          -- Compilation costs more than any query of the API: 200 ms instead of 50 for the figures of
          -- a page.
          set_config('jit', 'off', true),
          set_config('role', 'rowhook_api', true);
end
$$;
comment on function rowhook.set_tenant(uuid, text) is
  'makes this transaction one of the API for an organization, or with null for an operator';

create or replace function rowhook.can_see(organization uuid) returns boolean
language sql stable
return organization = nullif(current_setting('rowhook.organization', true), '')::uuid
  or current_setting('rowhook.operator', true) = 'on';
comment on function rowhook.can_see(uuid) is
  'whether this transaction may see rows of an organization; for the platform''s tables, which have no policies';

-- Security definer: keys are looked up before the tenant is known.
create or replace function rowhook.authenticate(key_hash bytea)
returns table (id uuid, name text, organization_id uuid, scopes text[], expires_at timestamptz, hash bytea)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  -- last_used_at has a resolution of one minute.
  update rowhook.api_key k set last_used_at = now()
  where k.hash = key_hash and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute');
  return query
    select k.id, k.name, k.organization_id, k.scopes, k.expires_at, k.hash
    from rowhook.api_key k where k.hash = key_hash;
end
$$;
comment on function rowhook.authenticate(bytea) is 'API key with this SHA-256, expired or not';

create or replace function rowhook.session_owner(session text) returns uuid
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select s.organization_id from rowhook.session s where s.id = session and rowhook.can_see(s.organization_id)
$$;
comment on function rowhook.session_owner(text) is
  'organization of a session; null if this transaction cannot see it';

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
comment on function rowhook.create_key(uuid, text, bytea, text[], timestamptz) is
  'creates an API key; null organization: an operator key';

create or replace function rowhook.delete_key(key uuid) returns boolean
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with deleted as (
    delete from rowhook.api_key k where k.id = key returning k.id, k.hash
  ), forgotten as (
    -- Stored answers may contain a signing secret, and can no longer be requested.
    delete from rowhook.idempotent_request r where r.caller in (select id::text from deleted)
  ), closed as (
    -- Portal links and sessions end with the key that created them.
    delete from rowhook.portal_session s where s.key_hash in (select hash from deleted)
  )
  select exists (select from deleted)
$$;

create or replace function rowhook.key_page(organization uuid, after_id uuid, most int)
returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(document) from (
    select k.id, rowhook.organization_platform_id(k.organization_id) as organization_id, k.name, k.scopes, k.expires_at, k.last_used_at, k.created_at
    from rowhook.api_key k
    where (organization is null or k.organization_id = organization)
      and (after_id is null or k.id > after_id)
    order by k.id
    limit most) as document
$$;

-- Objects named in a request path must exist for the caller before anything else is checked.
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
  'first of these objects that does not exist for this transaction; null if all exist';

-- Resolution of ids in requests: the platform's id first, then Rowhook's uuid.

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
  'organization with this platform id or uuid; null if this transaction cannot see it';

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
  'agent with this platform id or uuid, in one organization or in all that this transaction can see: two rows if several organizations have one';

create or replace function rowhook.webhook_owner(webhook uuid) returns uuid
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select w.organization_id from rowhook.webhook w where w.id = webhook
$$;
comment on function rowhook.webhook_owner(uuid) is
  'organization of a webhook; null if this transaction cannot see the webhook';

create or replace function rowhook.find_link_targets(organization uuid, agents text[], goals text[])
returns table (kind text, given text, id text)
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select 'agent', given, rowhook.agent_platform_id(found)
  from unnest(agents) as given, rowhook.identify_agent(organization, given) as found
  union all
  select 'goal', g.id, g.id
  from rowhook.goal g
  where g.organization_id = organization and g.id = any (goals) and rowhook.can_see(organization)
$$;
comment on function rowhook.find_link_targets(uuid, text[], text[]) is
  'the agents and goals of an organization among these ids, with platform ids; those that do not exist are left out';

-- Sign-in to the dashboard. Security definer, like rowhook.authenticate, because the tenant is not
-- known yet; refused inside a transaction of the API, which acts for one organization.

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
  'stores a session, or a link that opens one; a null key stands for access to the database';

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
comment on function rowhook.open_sign_in(bytea, bytea, timestamptz) is
  'exchanges a sign-in link for a session, once; false if the link is unknown or expired';

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
comment on function rowhook.signed_in(bytea) is 'session with this SHA-256, unless it has expired';

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

-- Portal links and sessions. rowhook.create_portal_link runs in the caller's transaction, under the
-- policies. The others are security definer, like the functions for signing in, because the tenant is
-- not known yet; they refuse a transaction of the API, which acts for one organization.

create or replace function rowhook.create_portal_link(
  organization uuid, granted text[], brand json, return_url text, key_hash bytea, link_hash bytea, until_at timestamptz
) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  link_id uuid;
begin
  insert into rowhook.portal_session as s (organization_id, hash, key_hash, scopes, brand, return_url, ends_at)
  values (organization, link_hash, create_portal_link.key_hash, granted, create_portal_link.brand,
          create_portal_link.return_url, until_at)
  returning s.id into link_id;
  perform rowhook.write_audit(
    organization, 'portal_link.created', link_id::text, null,
    json_build_object('scopes', granted, 'name', brand ->> 'name', 'return_url', return_url, 'expires_at', until_at));
  return link_id;
end
$$;
comment on function rowhook.create_portal_link(uuid, text[], json, text, bytea, bytea, timestamptz) is
  'stores a portal link of an organization; a null key stands for access to the database';

create or replace function rowhook.portal_access(token_hash bytea)
returns table (
  id uuid, organization_id uuid, organization_name text, key_hash bytea, scopes text[], brand text, return_url text,
  is_opened boolean
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  perform rowhook.reject_api_role();
  return query
    select s.id, s.organization_id, o.name, s.key_hash, s.scopes, s.brand::text, s.return_url, s.opened_at is not null
    from rowhook.portal_session s join rowhook.organization o on o.id = s.organization_id
    where s.hash = token_hash and s.ends_at > now();
end
$$;
comment on function rowhook.portal_access(bytea) is
  'portal link or session with this SHA-256, unless it has expired';

create or replace function rowhook.open_portal_link(link_hash bytea, session_hash bytea, until_at timestamptz)
returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  opened rowhook.portal_session;
begin
  perform rowhook.reject_api_role();
  -- The second of two concurrent calls waits for the row, and then finds another hash in it.
  update rowhook.portal_session s set hash = session_hash, opened_at = now(), ends_at = until_at
  where s.hash = link_hash and s.opened_at is null and s.ends_at > now()
  returning s.* into opened;
  if opened.id is null then
    return false;
  end if;
  insert into rowhook.audit (organization_id, actor, action, subject)
  values (opened.organization_id, 'portal:' || opened.id, 'portal_session.opened', opened.id::text);
  return true;
end
$$;
comment on function rowhook.open_portal_link(bytea, bytea, timestamptz) is
  'turns a portal link into a session, once; false if the link is unknown, used or expired';

create or replace function rowhook.end_portal_session(session_hash bytea) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  perform rowhook.reject_api_role();
  with ended as (
    delete from rowhook.portal_session s where s.hash = session_hash and s.opened_at is not null
    returning s.id, s.organization_id
  )
  insert into rowhook.audit (organization_id, actor, action, subject)
  select e.organization_id, 'portal:' || e.id, 'portal_session.ended', e.id::text from ended e;
end
$$;
