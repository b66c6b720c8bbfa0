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
