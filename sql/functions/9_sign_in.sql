-- Signing in to the dashboard. Like rowhook.admit with their owner's rights, for nobody is in yet;
-- refused inside a transaction of the API, which acts for one organization.

create or replace function rowhook.require_nobody() returns void
language plpgsql stable
as $$
begin
  if current_setting('role') = 'rowhook_api' then
    raise exception using errcode = 'insufficient_privilege',
      message = 'nobody signs in from inside a transaction of the API';
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
  perform rowhook.require_nobody();
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
  perform rowhook.require_nobody();
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
  perform rowhook.require_nobody();
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
  perform rowhook.require_nobody();
  delete from rowhook.sign_in s where s.hash = token_hash;
end
$$;
